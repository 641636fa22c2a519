//! Who may call us: trunks by address, telephones by password, nobody else. Strangers cost neither memory nor much time.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use crate::auth::server::{Checked, Guard};
use crate::config::{Config, TrunkConfig};
use crate::event::TrunkId;
use crate::ids::hex;
use crate::message::{Name, Request};

use super::core::Core;

/// Whether an INVITE from an unknown address is welcome.
pub(crate) enum Verdict {
    /// The caller knows a password.
    Proven,
    /// Ask for one. One value of WWW-Authenticate for each algorithm.
    Challenge(Vec<String>),
    /// No telephone may call here, or the password is wrong.
    Refuse,
}

pub(crate) struct Strangers {
    /// Whose address it is, and whether the name servers said so.
    by_address: HashMap<IpAddr, (TrunkId, bool)>,
    guard: Guard,
    /// Refusals that may still be sent in this second.
    left: u32,
    per_second: u32,
    second_began: Option<Instant>,
}

impl Strangers {
    pub fn new(config: &Config) -> Strangers {
        Strangers {
            by_address: HashMap::new(),
            guard: Guard::new(config),
            left: config.limits.refusals_per_second,
            per_second: config.limits.refusals_per_second,
            second_began: None,
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
        match self.guard.check(now, request, source.ip(), &mut core.ids) {
            Checked::Proven => Verdict::Proven,
            Checked::Missing(challenges) => Verdict::Challenge(challenges),
            Checked::Wrong => Verdict::Refuse,
        }
    }

    /// Whether one more refusal fits into this second.
    pub fn may_refuse(&mut self, now: Instant) -> bool {
        if self
            .second_began
            .is_none_or(|began| now.saturating_duration_since(began) >= Duration::from_secs(1))
        {
            self.second_began = Some(now);
            self.left = self.per_second;
        }
        let may = self.left > 0;
        self.left = self.left.saturating_sub(1);
        may
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
