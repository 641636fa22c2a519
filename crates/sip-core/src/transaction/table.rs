//! All transactions of an endpoint: matching, retransmission, expiry (RFC 3261 §17.1.3, §17.2.3).

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use bytes::Bytes;

use crate::admission::Essentials;
use crate::compose;
use crate::config::Timing;
use crate::counters::Counters;
use crate::flow::{Flow, Transmit};
use crate::ids::unhex;
use crate::message::{MAGIC_COOKIE, Method, Name, Response};
use crate::slots::{ByNumber, Key, Slots};

use super::client::Client;
use super::client_invite::{ClientInvite, Heard};
use super::entry::{ClientMachine, ServerEntry, ServerMachine};
use super::server::Server;
use super::server_invite::{Acknowledged, ServerInvite};
use super::timer::{Fired, Schedule};

pub(crate) use super::entry::{ClientEntry, Matched, Outgoing, Owner, Purpose, Wake, Woken};

/// Tells the CANCEL's transaction from that of the INVITE whose branch it shares.
const CANCEL: u64 = 0x4341_4e43_454c_2121;

/// The transaction layer.
#[derive(Debug)]
pub(crate) struct Table {
    timing: Timing,
    clients: Slots<ClientEntry>,
    servers: Slots<ServerEntry>,
    by_branch: ByNumber<Key>,
    by_request: ByNumber<Key>,
    pub schedule: Schedule<Wake>,
    pub out: VecDeque<Transmit>,
}

impl Table {
    pub fn new(timing: Timing) -> Table {
        Table {
            timing,
            clients: Slots::new(),
            servers: Slots::new(),
            by_branch: ByNumber::default(),
            by_request: ByNumber::default(),
            schedule: Schedule::new(),
            out: VecDeque::new(),
        }
    }

    pub fn timing(&self) -> &Timing {
        &self.timing
    }

    pub fn clients(&self) -> usize {
        self.clients.len()
    }

    pub fn servers(&self) -> usize {
        self.servers.len()
    }

    /// Sends a message that no transaction repeats.
    pub fn transmit(&mut self, flow: Flow, payload: Bytes) {
        self.out.push_back(Transmit { flow, payload });
    }

    /// Sends a request and starts its transaction.
    pub fn request(&mut self, now: Instant, new: Outgoing<'_>) -> Key {
        let Outgoing {
            flow,
            branch,
            method,
            payload,
            owner,
            trunk,
            tries,
        } = new;
        let is_reliable = flow.transport.is_reliable();
        let machine = match method {
            Method::Invite => ClientMachine::Invite(ClientInvite::start(now, &self.timing, is_reliable)),
            _ => ClientMachine::Other(Client::start(now, &self.timing, is_reliable)),
        };
        let number = if *method == Method::Cancel {
            branch ^ CANCEL
        } else {
            branch
        };
        self.transmit(flow, payload.clone());
        let entry = ClientEntry {
            machine,
            branch: number,
            flow,
            sent_at: now,
            request: payload,
            owner,
            trunk,
            tries,
            failure_ack: None,
            successes: Vec::new(),
            planned: None,
        };
        let key = self.clients.insert_with(|_| entry);
        self.by_branch.insert(number, key);
        self.plan_client(key);
        key
    }

    pub fn client(&self, key: Key) -> Option<&ClientEntry> {
        self.clients.get(key)
    }

    /// Whether CANCEL may be sent for an INVITE: it has had a provisional response and no final one.
    pub fn is_cancellable(&self, key: Key) -> bool {
        matches!(self.clients.get(key).map(|e| &e.machine), Some(ClientMachine::Invite(invite)) if invite.is_proceeding())
    }

    /// Cancels an INVITE that rings although nobody waits for it any more: the call is tried elsewhere, or over. Without that it would
    /// ring, and be remembered, for as long as the far end likes.
    pub fn cancel_stray(&mut self, now: Instant, key: Key, scratch: &mut Vec<u8>) {
        let is_due = matches!(
            self.clients.get(key).map(|entry| &entry.machine),
            Some(ClientMachine::Invite(invite)) if invite.is_proceeding() && !invite.is_cancelled()
        );
        if is_due {
            self.cancel(now, key, b"", scratch);
        }
    }

    /// Sends the CANCEL of an INVITE, and bounds the wait for the INVITE's final response.
    pub fn cancel(&mut self, now: Instant, key: Key, reason: &[u8], scratch: &mut Vec<u8>) {
        let timing = self.timing;
        let Some(entry) = self.clients.get_mut(key) else { return };
        if let ClientMachine::Invite(invite) = &mut entry.machine {
            invite.handle_cancel(now, &timing);
        }
        let (flow, branch, trunk) = (entry.flow, entry.branch, entry.trunk);
        let payload = compose::cancel(&entry.request, reason, scratch);
        self.plan_client(key);
        let owner = Owner::Nobody;
        self.request(
            now,
            Outgoing {
                flow,
                branch,
                method: &Method::Cancel,
                payload,
                owner,
                trunk,
                tries: 0,
            },
        );
    }

    /// Nobody waits for this request's final response any more. An INVITE that has had a provisional one would be remembered until
    /// the peer cares to end it; now it is for 64·T1 at most.
    pub fn bound_client(&mut self, now: Instant, key: Key) {
        let timing = self.timing;
        if let Some(ClientEntry {
            machine: ClientMachine::Invite(invite),
            ..
        }) = self.clients.get_mut(key)
        {
            invite.handle_cancel(now, &timing);
        }
        self.plan_client(key);
    }

    /// Finds the transaction of a response and runs its machine. Failures of INVITEs are acknowledged here.
    pub fn handle_response(
        &mut self,
        now: Instant,
        response: &Response,
        essentials: &Essentials,
        scratch: &mut Vec<u8>,
    ) -> Matched {
        let headers = response.headers();
        let Essentials { via, to, cseq, .. } = essentials;
        let branch = via.branch().and_then(|b| b.strip_prefix(MAGIC_COOKIE));
        let Some(branch) = branch.and_then(|b| unhex(b.as_bytes())) else {
            return Matched::Stray;
        };
        let number = if cseq.method == Method::Cancel {
            branch ^ CANCEL
        } else {
            branch
        };
        let Some(&key) = self.by_branch.get(&number) else {
            return Matched::Stray;
        };
        let timing = self.timing;
        let Some(entry) = self.clients.get_mut(key) else {
            return Matched::Stray;
        };
        let is_invite = matches!(entry.machine, ClientMachine::Invite(_));
        if is_invite != (cseq.method == Method::Invite) {
            return Matched::Stray;
        }
        let matched = match &mut entry.machine {
            ClientMachine::Other(other) => {
                if other.handle_response(now, &timing, response.status()) {
                    Matched::News(key, entry.owner)
                } else {
                    Matched::Absorbed
                }
            }
            ClientMachine::Invite(invite) => match invite.handle_response(now, &timing, response.status()) {
                Heard::Response => Matched::News(key, entry.owner),
                Heard::Failure => {
                    let to = headers.first(Name::To).unwrap_or_default();
                    let ack = compose::acknowledge_failure(&entry.request, to, scratch);
                    self.out.push_back(Transmit {
                        flow: entry.flow,
                        payload: ack.clone(),
                    });
                    entry.failure_ack = Some(ack);
                    Matched::News(key, entry.owner)
                }
                Heard::AcknowledgeAgain => {
                    if let Some(ack) = &entry.failure_ack {
                        self.out.push_back(Transmit {
                            flow: entry.flow,
                            payload: ack.clone(),
                        });
                    }
                    Matched::Absorbed
                }
                Heard::Success => {
                    let tag = to.tag().unwrap_or_default();
                    match entry
                        .successes
                        .iter()
                        .find(|(known, _)| known.as_ref() == tag.as_bytes())
                    {
                        Some((_, ack)) => {
                            self.out.push_back(ack.clone());
                            Matched::Absorbed
                        }
                        None => Matched::News(key, entry.owner),
                    }
                }
                Heard::Ignored => Matched::Absorbed,
            },
        };
        self.plan_client(key);
        matched
    }

    /// Sends the ACK of a 2xx and remembers it for the 2xx's repeats.
    pub fn acknowledge_success(&mut self, key: Key, tag: &str, ack: Transmit) {
        if let Some(entry) = self.clients.get_mut(key) {
            // The INVITE is not sent again, and what a late branch of a fork needs of it (From, Call-ID, the number, credentials)
            // stands in the ACK too: half a minute of INVITEs with their bodies need not be kept.
            entry.request = ack.payload.clone();
            entry.successes.push((tag.as_bytes().into(), ack.clone()));
        }
        self.out.push_back(ack);
    }

    /// The ACK of a 2xx went to the wrong place: it is sent once more, and from now on for the 2xx's repeats. Only if the transport
    /// is the same, since Via names it.
    pub fn redirect_ack(&mut self, key: Key, tag: &str, flow: Flow) {
        let Some(entry) = self.clients.get_mut(key) else { return };
        for (known, ack) in &mut entry.successes {
            if known.as_ref() == tag.as_bytes() && ack.flow.transport == flow.transport {
                ack.flow = flow;
                self.out.push_back(ack.clone());
            }
        }
    }

    /// The same for requests inside calls that have had no response. `moved` tells for each call where from and where to.
    pub fn redirect_requests(&mut self, moved: &HashMap<Key, (Flow, Flow)>) {
        if moved.is_empty() {
            return;
        }
        for key in self.clients.keys().collect::<Vec<_>>() {
            let Some(entry) = self.clients.get_mut(key) else {
                continue;
            };
            let Owner::Call(call, _) = entry.owner else { continue };
            if let Some(&(from, to)) = moved.get(&call)
                && from == entry.flow
                && from.transport == to.transport
                && !entry.has_response()
            {
                entry.flow = to;
                self.out.push_back(Transmit {
                    flow: to,
                    payload: entry.request.clone(),
                });
            }
        }
    }

    /// Forgets a client transaction, for instance when its call gave up waiting.
    pub fn forget_client(&mut self, key: Key) -> Option<ClientEntry> {
        let entry = self.clients.remove(key)?;
        self.by_branch.remove(&entry.branch);
        Some(entry)
    }

    /// Takes the requests out that wait on this flow and have had no response at all.
    pub fn take_unanswered(&mut self, flow: Flow) -> Vec<ClientEntry> {
        let keys: Vec<Key> = self
            .clients
            .keys()
            .filter(|&key| {
                self.clients
                    .get(key)
                    .is_some_and(|e| e.flow == flow && !e.has_response())
            })
            .collect();
        keys.into_iter().filter_map(|key| self.forget_client(key)).collect()
    }

    /// The server transaction with this number.
    pub fn find_server(&self, hash: u64) -> Option<Key> {
        self.by_request.get(&hash).copied()
    }

    /// A matched request came again: sends the last response again if the machine says so.
    pub fn handle_repeat(&mut self, key: Key) {
        let Some(entry) = self.servers.get(key) else { return };
        let again = match &entry.machine {
            ServerMachine::Invite(invite) => invite.handle_repeat(),
            ServerMachine::Other(other) => other.handle_repeat(),
        };
        if let (true, Some(last)) = (again, &entry.last) {
            self.out.push_back(Transmit {
                flow: entry.flow,
                payload: last.clone(),
            });
        }
    }

    /// Starts a server transaction. `flow` is where its responses go.
    pub fn accept(&mut self, now: Instant, hash: u64, flow: Flow, is_invite: bool) -> Key {
        let is_reliable = flow.transport.is_reliable();
        let machine = if is_invite {
            ServerMachine::Invite(ServerInvite::start(is_reliable))
        } else {
            ServerMachine::Other(Server::start(now, &self.timing, is_reliable))
        };
        let key = self.servers.insert_with(|_| ServerEntry {
            machine,
            hash,
            flow,
            last: None,
            owner: None,
            planned: None,
        });
        self.by_request.insert(hash, key);
        self.plan_server(key);
        key
    }

    /// Names the call that is told when no ACK comes.
    pub fn set_server_owner(&mut self, key: Key, owner: Key) {
        if let Some(entry) = self.servers.get_mut(key) {
            entry.owner = Some(owner);
        }
    }

    /// Sends a response, unless a final one was sent.
    pub fn respond(&mut self, now: Instant, key: Key, response: &Response) {
        let timing = self.timing;
        let Some(entry) = self.servers.get_mut(key) else { return };
        let sent = match &mut entry.machine {
            ServerMachine::Invite(invite) => invite.respond(now, &timing, response.status()),
            ServerMachine::Other(other) => other.respond(now, &timing, response.status()),
        };
        if sent {
            let payload = response.bytes().clone();
            self.out.push_back(Transmit {
                flow: entry.flow,
                payload: payload.clone(),
            });
            entry.last = Some(payload);
        }
        self.plan_server(key);
    }

    /// Whether the user still owes a final response.
    pub fn is_server_pending(&self, key: Key) -> bool {
        match self.servers.get(key).map(|entry| &entry.machine) {
            Some(ServerMachine::Invite(invite)) => invite.is_pending(),
            Some(ServerMachine::Other(other)) => other.is_pending(),
            None => false,
        }
    }

    /// The call that a server transaction belongs to.
    pub fn server_owner(&self, key: Key) -> Option<Key> {
        self.servers.get(key)?.owner
    }

    /// Whether an INVITE was answered with 2xx, whose ACK belongs to the dialog.
    pub fn is_accepted(&self, key: Key) -> bool {
        matches!(self.servers.get(key).map(|e| &e.machine), Some(ServerMachine::Invite(invite)) if invite.is_accepted())
    }

    /// The flow on which a server transaction responds.
    pub fn server_flow(&self, key: Key) -> Option<Flow> {
        self.servers.get(key).map(|entry| entry.flow)
    }

    /// An ACK came for this INVITE.
    pub fn handle_ack(&mut self, now: Instant, key: Key) -> Acknowledged {
        let timing = self.timing;
        let Some(ServerEntry {
            machine: ServerMachine::Invite(invite),
            ..
        }) = self.servers.get_mut(key)
        else {
            return Acknowledged::Ignored;
        };
        let heard = invite.handle_ack(now, &timing);
        self.plan_server(key);
        heard
    }

    /// The dialog is over: its 2xx is not repeated any more.
    pub fn stop_repeating(&mut self, key: Key) {
        if let Some(ServerEntry {
            machine: ServerMachine::Invite(invite),
            ..
        }) = self.servers.get_mut(key)
        {
            invite.stop_repeating();
        }
    }

    /// Runs what is due, until something concerns the endpoint.
    pub fn wake(&mut self, now: Instant, counters: &mut Counters) -> Option<Woken> {
        while let Some((at, wake)) = self.schedule.pop(now) {
            match wake {
                Wake::Call(key) => return Some(Woken::Call(key, at)),
                Wake::Trunk(trunk) => return Some(Woken::Trunk(trunk, at)),
                Wake::Client(key) => {
                    if let Some(entry) = self.wake_client(now, key, at, counters) {
                        return Some(Woken::ClientTimedOut(Box::new(entry)));
                    }
                }
                Wake::Server(key) => {
                    if let Some(call) = self.wake_server(now, key, at, counters) {
                        return Some(Woken::NotAcknowledged(call, key));
                    }
                }
            }
        }
        None
    }

    fn wake_client(&mut self, now: Instant, key: Key, at: Instant, counters: &mut Counters) -> Option<ClientEntry> {
        let entry = self.clients.get_mut(key)?;
        if entry.planned != Some(at) {
            return None;
        }
        entry.planned = None;
        let fired = match &mut entry.machine {
            ClientMachine::Invite(invite) => invite.handle_timeout(now),
            ClientMachine::Other(other) => other.handle_timeout(now),
        };
        match fired {
            Fired::Nothing => {}
            Fired::Retransmit => {
                counters.retransmissions += 1;
                self.out.push_back(Transmit {
                    flow: entry.flow,
                    payload: entry.request.clone(),
                });
            }
            Fired::TimedOut => {
                counters.timeouts += 1;
                return self.forget_client(key);
            }
            Fired::Done => {
                self.forget_client(key);
                return None;
            }
        }
        self.plan_client(key);
        None
    }

    fn wake_server(&mut self, now: Instant, key: Key, at: Instant, counters: &mut Counters) -> Option<Key> {
        let entry = self.servers.get_mut(key)?;
        if entry.planned != Some(at) {
            return None;
        }
        entry.planned = None;
        let fired = match &mut entry.machine {
            ServerMachine::Invite(invite) => invite.handle_timeout(now),
            ServerMachine::Other(other) => other.handle_timeout(now),
        };
        match fired {
            Fired::Nothing => {}
            Fired::Retransmit => {
                counters.retransmissions += 1;
                if let Some(last) = &entry.last {
                    self.out.push_back(Transmit {
                        flow: entry.flow,
                        payload: last.clone(),
                    });
                }
            }
            Fired::TimedOut | Fired::Done => {
                let entry = self.servers.remove(key)?;
                self.by_request.remove(&entry.hash);
                return if fired == Fired::TimedOut { entry.owner } else { None };
            }
        }
        self.plan_server(key);
        None
    }

    fn plan_client(&mut self, key: Key) {
        if let Some(entry) = self.clients.get_mut(key) {
            let wanted = entry.poll_timeout();
            self.schedule.plan(Wake::Client(key), &mut entry.planned, wanted);
        }
    }

    fn plan_server(&mut self, key: Key) {
        if let Some(entry) = self.servers.get_mut(key) {
            let wanted = entry.poll_timeout();
            self.schedule.plan(Wake::Server(key), &mut entry.planned, wanted);
        }
    }
}
