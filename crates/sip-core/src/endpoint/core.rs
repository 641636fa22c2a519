//! What every part of the endpoint uses: the transactions, identifiers, events, and the ways to send.

use std::collections::VecDeque;
use std::hash::{BuildHasher, Hash, RandomState};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use crate::compose::{self, Changes, Draft, Hop};
use crate::config::{Config, Local, Target};
use crate::counters::{Counters, Direction};
use crate::dialog::{Awaited, Dialog};
use crate::event::{Event, TrunkId};
use crate::flow::{Flow, Transmit, Transport};
use crate::ids::Ids;
use crate::message::{Answer, Method, Name, Request, Response, ResponseBuilder, Scheme, StatusCode, Uri};
use crate::slots::{ByNumber, Key};
use crate::transaction::table::{ClientEntry, Outgoing, Owner, Table};

use super::names::{Known, Names, location_of};
use super::trunk::Trunk;

/// The methods that we understand.
pub(crate) const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO";

/// A local address and how it is written.
#[derive(Debug)]
pub(crate) struct Place {
    pub local: Local,
    pub sent_by: Arc<str>,
}

/// A request inside a dialog. `lines` are complete header lines.
pub(crate) struct Inside<'a> {
    pub method: &'a Method,
    pub lines: &'a [u8],
    pub body: Option<(&'a str, &'a [u8])>,
    pub owner: Owner,
    pub trunk: Option<TrunkId>,
}

/// What changes when a request is sent again.
pub(crate) struct Again<'a> {
    pub sequence: u32,
    pub uri: Option<&'a [u8]>,
    pub without: &'a [&'a str],
    pub lines: &'a [u8],
    pub tries: u8,
}

/// Shared state of the endpoint.
pub(crate) struct Core {
    pub config: Config,
    pub places: Vec<Place>,
    pub table: Table,
    pub ids: Ids,
    pub events: VecDeque<Event>,
    pub counters: Counters,
    pub scratch: Vec<u8>,
    /// Host names that dialogs lead to.
    pub names: Names,
    /// Calls by Call-ID and local tag.
    pub by_dialog: ByNumber<Key>,
    /// Keyed, so that peers cannot aim at collisions. It decides nothing that could be seen from outside.
    hasher: RandomState,
}

impl Core {
    pub fn new(config: Config, seed: [u8; 32]) -> Core {
        let places = config
            .locals
            .iter()
            .map(|local| Place {
                local: *local,
                sent_by: compose::sent_by(local.public()).into(),
            })
            .collect();
        Core {
            places,
            table: Table::new(config.timing),
            ids: Ids::new(seed),
            events: VecDeque::new(),
            counters: Counters::default(),
            scratch: Vec::with_capacity(2048),
            names: Names::default(),
            by_dialog: ByNumber::default(),
            hasher: RandomState::new(),
            config,
        }
    }

    pub fn emit(&mut self, event: Event) {
        self.events.push_back(event);
    }

    /// A number for anything that identifies.
    pub fn hash(&self, parts: impl Hash) -> u64 {
        self.hasher.hash_one(&parts)
    }

    /// The number under which a call is found from a request.
    pub fn dialog_hash(&self, call_id: &str, local_tag: &str) -> u64 {
        self.hash((1u8, call_id, local_tag))
    }

    /// How we are written on a flow.
    pub fn sent_by(&self, flow: &Flow) -> Arc<str> {
        let place = self
            .places
            .iter()
            .find(|p| p.local.transport == flow.transport && p.local.addr == flow.local);
        match place {
            Some(place) => place.sent_by.clone(),
            None => flow.local.to_string().into(),
        }
    }

    /// The flow on which an address is reached.
    pub fn flow_to(&self, transport: Transport, remote: SocketAddr) -> Option<Flow> {
        let place = self
            .places
            .iter()
            .find(|p| p.local.transport == transport && p.local.addr.is_ipv4() == remote.is_ipv4())?;
        Some(Flow {
            transport,
            local: place.local.addr,
            remote,
        })
    }

    /// The flow to the host of a URI, if that is an address. Streams that lead to the same host are used again.
    pub fn flow_for(&self, uri: &Uri, known: Flow) -> Flow {
        let Some(ip) = uri.host_addr() else { return known };
        let transport = match uri.transport() {
            _ if uri.scheme() == Scheme::Sips => Transport::Tls,
            Some(t) if t.eq_ignore_ascii_case("tcp") => Transport::Tcp,
            Some(t) if t.eq_ignore_ascii_case("tls") => Transport::Tls,
            _ => Transport::Udp,
        };
        let addr = SocketAddr::new(ip, uri.port().unwrap_or(transport.default_port()));
        self.flow_at(Target { transport, addr }, known)
    }

    /// The flow to an address. Streams that lead to the same host are used again.
    fn flow_at(&self, target: Target, known: Flow) -> Flow {
        let Target { transport, addr } = target;
        if known.transport.is_reliable() && known.remote.ip() == addr.ip() {
            return known;
        }
        if transport == known.transport && addr.is_ipv4() == known.local.is_ipv4() {
            return Flow { remote: addr, ..known };
        }
        self.flow_to(transport, addr).unwrap_or(known)
    }

    /// Decides where a dialog's requests go: to its first route, else to the peer's Contact (RFC 3261 §8.1.2). A name that has to be
    /// looked up is noted; until it is known they go the way that the dialog was set up. `home` is the trunk's own name.
    pub fn route(&mut self, now: Instant, dialog: &mut Dialog, home: Option<&str>) {
        let Some(next) = dialog.next_hop() else { return };
        let Some(location) = location_of(&next) else {
            dialog.flow = self.flow_for(&next, dialog.flow);
            return;
        };
        let is_home = home.is_some_and(|home| home.eq_ignore_ascii_case(&location.host));
        if is_home && location.port.is_none_or(|port| port == dialog.flow.remote.port()) {
            return;
        }
        match self.names.find(now, &location) {
            Known::At(target) => dialog.flow = self.flow_at(target, dialog.flow),
            Known::Soon => {
                let invite = dialog.awaits.take().and_then(|awaits| awaits.invite);
                dialog.awaits = Some(Box::new(Awaited { location, invite }));
            }
            Known::Nowhere => {}
        }
    }

    /// A tag for a response outside dialogs.
    pub fn tag(&mut self) -> String {
        String::from_utf8_lossy(&crate::ids::hex(self.ids.draw())).into_owned()
    }

    /// Whether another client transaction may be started.
    pub fn has_room(&self) -> bool {
        self.table.clients() < self.config.limits.client_transactions
    }

    /// Sends a request inside a dialog.
    pub fn request_inside(&mut self, now: Instant, dialog: &mut Dialog, inside: Inside<'_>) -> Key {
        let Inside {
            method,
            lines,
            body,
            owner,
            trunk,
        } = inside;
        let branch = self.ids.draw();
        let sequence = dialog.next_sequence();
        let payload = self.write_inside(dialog, method, (sequence, branch), lines, body);
        self.counters.count(trunk, Direction::Sent, method, None);
        self.table.request(
            now,
            Outgoing {
                flow: dialog.flow,
                branch,
                method,
                payload,
                owner,
                trunk,
                tries: 0,
            },
        )
    }

    /// Sends the ACK of a 2xx (RFC 3261 §13.2.2.4) and notes it for the 2xx's repeats. It carries the INVITE's sequence number
    /// and credentials.
    pub fn acknowledge(&mut self, invite: Key, dialog: &mut Dialog, body: Option<(&str, &[u8])>) {
        let Some(entry) = self.table.client(invite) else { return };
        let trunk = entry.trunk;
        if let Some(awaits) = &mut dialog.awaits {
            awaits.invite = Some(invite);
        }
        let sequence = compose::sequence_of(&entry.request);
        let mut lines = Vec::new();
        compose::credential_lines(&entry.request, &mut lines);
        let branch = self.ids.draw();
        let payload = self.write_inside(dialog, &Method::Ack, (sequence, branch), &lines, body);
        self.counters.count(trunk, Direction::Sent, &Method::Ack, None);
        self.table.acknowledge_success(
            invite,
            &dialog.remote_tag,
            Transmit {
                flow: dialog.flow,
                payload,
            },
        );
    }

    fn write_inside(
        &mut self,
        dialog: &Dialog,
        method: &Method,
        (sequence, branch): (u32, u64),
        lines: &[u8],
        body: Option<(&str, &[u8])>,
    ) -> Bytes {
        let sent_by = self.sent_by(&dialog.flow);
        let mut route_lines = Vec::new();
        let uri = dialog.address(&mut route_lines);
        Draft {
            method: method.as_str(),
            uri: &uri,
            via: Hop {
                transport: dialog.flow.transport,
                sent_by: &sent_by,
                branch,
            },
            route_lines: &route_lines,
            identity_lines: &dialog.identity,
            sequence,
            lines,
            body,
        }
        .write(&mut self.scratch)
    }

    /// Sends a request of ours once more in a new transaction.
    pub fn request_again(&mut self, now: Instant, tx: Key, flow: Flow, again: &Again<'_>) -> Option<Key> {
        let entry = self.table.client(tx)?;
        let (request, owner, trunk) = (entry.request.clone(), entry.owner, entry.trunk);
        Some(self.send_again(now, &request, (owner, trunk), flow, again))
    }

    /// The same for a request whose transaction is over.
    pub fn request_anew(&mut self, now: Instant, entry: &ClientEntry, flow: Flow, again: &Again<'_>) -> Key {
        self.send_again(now, &entry.request, (entry.owner, entry.trunk), flow, again)
    }

    fn send_again(
        &mut self,
        now: Instant,
        request: &[u8],
        (owner, trunk): (Owner, Option<TrunkId>),
        flow: Flow,
        again: &Again<'_>,
    ) -> Key {
        let branch = self.ids.draw();
        let sent_by = self.sent_by(&flow);
        let changes = Changes {
            via: Hop {
                transport: flow.transport,
                sent_by: &sent_by,
                branch,
            },
            sequence: again.sequence,
            uri: again.uri,
            without: again.without,
            lines: again.lines,
        };
        let payload = compose::rewrite(request, &changes, &mut self.scratch);
        let method = compose::method_of(&payload);
        self.counters.count(trunk, Direction::Sent, &method, None);
        let tries = again.tries;
        self.table.request(
            now,
            Outgoing {
                flow,
                branch,
                method: &method,
                payload,
                owner,
                trunk,
                tries,
            },
        )
    }

    /// Begins a response inside a server transaction.
    pub fn response(
        &self,
        request: &Request,
        status: StatusCode,
        to_tag: Option<&str>,
        source: SocketAddr,
    ) -> ResponseBuilder {
        let answer = Answer {
            to_tag,
            source: Some(source),
            ..Answer::default()
        };
        let mut builder = Response::to(request, status, answer);
        if status != StatusCode::TRYING && status.is_success() {
            builder.header(Name::Allow, ALLOW);
        }
        builder
    }

    /// Sends a response in its transaction and counts it.
    pub fn respond(&mut self, now: Instant, server: Key, method: &Method, trunk: Option<TrunkId>, response: Response) {
        self.counters
            .count(trunk, Direction::Sent, method, Some(response.status()));
        self.table.respond(now, server, &response);
    }
}

/// What a call or a trunk may touch while it handles something.
pub(crate) struct Context<'a> {
    pub core: &'a mut Core,
    pub trunks: &'a mut [Trunk],
    pub now: Instant,
}

impl Context<'_> {
    pub fn trunk(&mut self, id: Option<TrunkId>) -> Option<&mut Trunk> {
        self.trunks.get_mut(usize::from(id?.0))
    }

    /// Decides where a dialog's requests go.
    pub fn route(&mut self, trunk: Option<TrunkId>, dialog: &mut Dialog) {
        let trunk = trunk.and_then(|id| self.trunks.get(usize::from(id.0)));
        let home = trunk.map(|trunk| trunk.config.domain.as_str());
        self.core.route(self.now, dialog, home);
    }

    /// Writes credentials, if the trunk was challenged before.
    pub fn credential_lines(&mut self, trunk: Option<TrunkId>, method: &str, uri: &[u8], lines: &mut Vec<u8>) {
        let auth = trunk.and_then(|id| self.trunks.get_mut(usize::from(id.0))?.auth.as_mut());
        if let Some(auth) = auth.filter(|auth| auth.is_challenged()) {
            auth.write(lines, method, uri, &mut self.core.ids);
        }
    }

    /// Refuses a request inside a dialog.
    pub fn refuse(&mut self, server: Key, request: &Request, source: SocketAddr, status: StatusCode) {
        let response = self.core.response(request, status, None, source).build();
        self.core.respond(self.now, server, request.method(), None, response);
    }
}
