//! What the table of transactions remembers of each, and what it says to the endpoint.

use std::time::Instant;

use bytes::Bytes;

use crate::event::TrunkId;
use crate::flow::{Flow, Transmit};
use crate::message::Method;
use crate::slots::Key;

use super::client::Client;
use super::client_invite::ClientInvite;
use super::server::Server;
use super::server_invite::ServerInvite;

/// Whose request a client transaction carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The INVITE that places this call.
    Invite(Key),
    /// A request inside this call.
    Call(Key, Purpose),
    /// A trunk's OPTIONS.
    Ping(TrunkId),
    /// A trunk's REGISTER.
    Register(TrunkId),
    /// Nobody waits for the answer.
    Nobody,
}

/// Why a request is sent inside a dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Bye,
    Reinvite,
    Update,
    Prack,
    Info,
}

/// Who is woken by the schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wake {
    Client(Key),
    Server(Key),
    Call(Key),
    Trunk(TrunkId),
}

#[derive(Debug)]
pub(super) enum ClientMachine {
    Invite(ClientInvite),
    Other(Client),
}

/// A request of ours and what belongs to it.
#[derive(Debug)]
pub(crate) struct ClientEntry {
    pub(super) machine: ClientMachine,
    pub(super) branch: u64,
    pub flow: Flow,
    /// When it was sent for the first time.
    pub sent_at: Instant,
    /// As it was sent; repeats share its memory.
    pub request: Bytes,
    pub owner: Owner,
    pub trunk: Option<TrunkId>,
    /// How often the request was challenged already.
    pub tries: u8,
    pub(super) failure_ack: Option<Bytes>,
    /// The ACK of each 2xx, by its To tag.
    pub(super) successes: Vec<(Box<[u8]>, Transmit)>,
    pub(super) planned: Option<Instant>,
}

impl ClientEntry {
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        match &self.machine {
            ClientMachine::Invite(invite) => invite.poll_timeout(),
            ClientMachine::Other(other) => other.poll_timeout(),
        }
    }

    pub(super) fn has_response(&self) -> bool {
        match &self.machine {
            ClientMachine::Invite(invite) => !invite.is_pending() || invite.is_proceeding(),
            ClientMachine::Other(other) => !other.is_trying(),
        }
    }
}

#[derive(Debug)]
pub(super) enum ServerMachine {
    Invite(ServerInvite),
    Other(Server),
}

/// A peer's request and our last response to it.
#[derive(Debug)]
pub(super) struct ServerEntry {
    pub machine: ServerMachine,
    pub hash: u64,
    pub flow: Flow,
    pub last: Option<Bytes>,
    /// The call that hears of its end.
    pub owner: Option<Key>,
    pub planned: Option<Instant>,
}

impl ServerEntry {
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        match &self.machine {
            ServerMachine::Invite(invite) => invite.poll_timeout(),
            ServerMachine::Other(other) => other.poll_timeout(),
        }
    }
}

/// A request to send.
pub(crate) struct Outgoing<'a> {
    pub flow: Flow,
    pub branch: u64,
    pub method: &'a Method,
    pub payload: Bytes,
    pub owner: Owner,
    pub trunk: Option<TrunkId>,
    pub tries: u8,
}

/// What a response means to the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Matched {
    /// It belongs to no transaction: drop it.
    Stray,
    /// Handled here.
    Absorbed,
    /// For the owner of this transaction.
    News(Key, Owner),
}

/// What time has brought.
#[derive(Debug)]
pub(crate) enum Woken {
    /// Nobody answered a request. The transaction is gone.
    ClientTimedOut(Box<ClientEntry>),
    /// A response to this INVITE was never acknowledged. The transaction is gone.
    NotAcknowledged(Key, Key),
    /// A call asked to be woken; compare the time with its note.
    Call(Key, Instant),
    /// A trunk asked to be woken.
    Trunk(TrunkId, Instant),
}
