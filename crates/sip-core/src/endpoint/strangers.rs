//! Who may call us: trunks by address, telephones by password, nobody else. Strangers cost neither memory nor much time.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use crate::auth::server::{Checked, Guard};
use crate::config::{Config, TrunkConfig};
use crate::event::TrunkId;
use crate::ids::hex;
use crate::message::{Name, Request};

use super::allowance::Allowance;
use super::core::Core;

/// Whether an INVITE from an unknown address is welcome.
pub(crate) enum Verdict {
    /// The caller knows a password.
    Proven,
    /// Ask for one. One value of WWW-Authenticate for each algorithm.
    Challenge(Vec<String>),
    /// No telephone may call here, or the password is wrong.
    Refuse,
    /// Too many proofs came from there: nobody looks at more of them.
    Ignore,
}

pub(crate) struct Strangers {
    /// Whose address it is, and whether the name servers said so.
    by_address: HashMap<IpAddr, (TrunkId, bool)>,
    guard: Guard,
    refusals: Allowance,
    challenges: Allowance,
    /// Refusals of trunks that ask for more than we can take.
    overloads: Allowance,
    /// Proofs that are looked at: guessing a password is slow, and the arithmetic cheap.
    proofs: Allowance,
}

/// Answers of each kind, and proofs, that one address may have in a second.
const EACH: u16 = 5;

impl Strangers {
    pub fn new(config: &Config) -> Strangers {
        Strangers {
            by_address: HashMap::new(),
            guard: Guard::new(config),
            refusals: Allowance::new(config.limits.refusals_per_second, EACH),
            challenges: Allowance::new(config.limits.challenges_per_second, EACH),
            overloads: Allowance::new(config.limits.challenges_per_second, u16::MAX),
            proofs: Allowance::new(config.limits.challenges_per_second, EACH),
        }
    }

    /// Learns from where a trunk calls. An address that two trunks share belongs to the first.
    pub fn learn(&mut self, id: TrunkId, config: &TrunkConfig) {
        for &address in &config.accept_from {
            self.by_address.entry(address.to_canonical()).or_insert((id, false));
        }
    }

    /// The name servers tell a trunk's addresses: it calls from these, and no more from those that they told before.
    pub fn relocate(&mut self, id: TrunkId, addresses: impl Iterator<Item = IpAddr>) {
        self.by_address.retain(|_, owner| *owner != (id, true));
        for address in addresses {
            self.by_address.entry(address.to_canonical()).or_insert((id, true));
        }
    }

    /// The trunk that calls from this address.
    pub fn trunk_of(&self, address: IpAddr) -> Option<TrunkId> {
        self.by_address.get(&address.to_canonical()).map(|(id, _)| *id)
    }

    /// Checks the credentials of an INVITE from an unknown address.
    pub fn check(&mut self, now: Instant, request: &Request, source: SocketAddr, core: &mut Core) -> Verdict {
        let number = self.guard.number(source.ip());
        if request.headers().contains(Name::Authorization) && !self.proofs.take(now, number) {
            return Verdict::Ignore;
        }
        match self.guard.check(now, request, source.ip(), &mut core.ids) {
            Checked::Proven => Verdict::Proven,
            Checked::Missing(challenges) => Verdict::Challenge(challenges),
            Checked::Wrong => Verdict::Refuse,
        }
    }

    /// Whether one more refusal of this address fits into this second.
    pub fn may_refuse(&mut self, now: Instant, source: SocketAddr) -> bool {
        let number = self.guard.number(source.ip());
        match self.trunk_of(source.ip()) {
            Some(_) => self.overloads.take(now, number),
            None => self.refusals.take(now, number),
        }
    }

    /// Whether one more challenge of this address fits into this second.
    pub fn may_challenge(&mut self, now: Instant, source: SocketAddr) -> bool {
        self.challenges.take(now, self.guard.number(source.ip()))
    }

    /// A To tag for a response that is not remembered: the same for every repeat of the request (RFC 3261 §8.2.7).
    pub fn tag(&self, request: &Request) -> String {
        let headers = request.headers();
        let number = self.guard.number((
            headers.first(Name::CallId),
            headers.first(Name::From),
            headers.first(Name::CSeq),
        ));
        String::from_utf8_lossy(&hex(number)).into_owned()
    }
}
