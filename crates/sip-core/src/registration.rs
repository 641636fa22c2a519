//! Registration with refresh (RFC 3261 §10).

use std::time::{Duration, Instant};

use crate::compose::{contact_uri, line};
use crate::config::TrunkConfig;
use crate::ids::{Ids, hex};
use crate::invite::address_of_record;
use crate::message::{Name, Response};

/// Shortest lifetime that we refresh by; a registrar that grants less is asked again after this.
const SHORTEST: Duration = Duration::from_secs(10);

/// The registration of one trunk.
#[derive(Debug)]
pub(crate) struct Registration {
    /// What we ask for.
    pub lifetime: Duration,
    /// From, To and Call-ID lines; the same for all REGISTERs.
    pub identity: Vec<u8>,
    pub sequence: u32,
    /// When the next REGISTER is sent.
    pub next: Option<Instant>,
    /// Failures in a row.
    failures: u32,
    /// Which address is asked.
    pub access: usize,
    /// Why the last one failed was told already.
    pub is_registered: bool,
}

impl Registration {
    pub fn new(lifetime: Duration) -> Registration {
        Registration {
            lifetime,
            identity: Vec::new(),
            sequence: 0,
            next: None,
            failures: 0,
            access: 0,
            is_registered: false,
        }
    }

    /// Writes the lines that stay the same for all REGISTERs, if there are none yet. `domain` is the trunk's, or its address.
    pub fn identify(&mut self, config: &TrunkConfig, domain: &str, ids: &mut Ids) {
        if !self.identity.is_empty() {
            return;
        }
        let credentials = config.credentials.as_ref().map(|c| c.user.as_str());
        let user = config.identity.user.as_deref().or(credentials).unwrap_or_default();
        let mut address = b"<".to_vec();
        address_of_record(&mut address, user, domain);
        address.push(b'>');
        let tag = hex(ids.draw());
        line(&mut self.identity, "From", &[&address[..], b";tag=", &tag].concat());
        line(&mut self.identity, "To", &address);
        line(
            &mut self.identity,
            "Call-ID",
            &[hex(ids.draw()), hex(ids.draw())].concat(),
        );
    }

    /// Writes the lines that say where we are and for how long.
    pub fn lines(&self, out: &mut Vec<u8>, user: &str, sent_by: &str, transport: crate::flow::Transport) {
        out.extend_from_slice(b"Contact: <");
        contact_uri(out, user, sent_by, transport);
        out.extend_from_slice(b">\r\n");
        line(out, "Expires", self.lifetime.as_secs().to_string().as_bytes());
    }

    /// A 2xx came: reads the granted lifetime of our own binding and plans the refresh.
    pub fn accepted(&mut self, now: Instant, response: &Response, user: &str, sent_by: &str) -> Duration {
        let headers = response.headers();
        let ours = headers
            .contacts()
            .filter_map(Result::ok)
            .find_map(|contact| match contact {
                crate::message::Contact::Address(address) => {
                    let uri = address.uri();
                    let host = match uri.port() {
                        Some(port) => format!("{}:{port}", uri.host()),
                        None => format!("{}:5060", uri.host()),
                    };
                    (uri.user().unwrap_or_default() == user && host == sent_by).then(|| address.expires())
                }
                crate::message::Contact::All => None,
            });
        let seconds = ours
            .flatten()
            .or(headers.expires())
            .map(u64::from)
            .unwrap_or(self.lifetime.as_secs());
        let granted = Duration::from_secs(seconds);
        self.failures = 0;
        self.is_registered = true;
        // RFC 3261 §10.2.4 leaves the moment open; a margin of a tenth, at least 5 s and at most 60 s, covers repeats.
        let margin = (granted / 10).clamp(Duration::from_secs(5), Duration::from_secs(60));
        self.next = Some(now + granted.saturating_sub(margin).max(SHORTEST));
        granted
    }

    /// A 423 names the shortest lifetime (RFC 3261 §10.2.8). Returns whether trying again makes sense.
    pub fn lengthen(&mut self, response: &Response) -> bool {
        match response
            .headers()
            .seconds(Name::MinExpires)
            .map(|s| Duration::from_secs(s.into()))
        {
            Some(minimum) if minimum > self.lifetime && minimum <= Duration::from_secs(86_400) => {
                self.lifetime = minimum;
                true
            }
            _ => false,
        }
    }

    /// It failed: plans the next try with a growing, jittered pause (RFC 5626 §4.5).
    pub fn failed(&mut self, now: Instant, retry_after: Option<Duration>, ids: &mut Ids) {
        self.is_registered = false;
        self.failures = (self.failures + 1).min(6);
        let bound = Duration::from_secs(10) * 2u32.pow(self.failures - 1);
        let half = bound / 2;
        let jitter = Duration::from_millis(ids.below(half.as_millis() as u64));
        self.next = Some(now + retry_after.unwrap_or(half + jitter));
        self.access = self.access.wrapping_add(1);
    }
}
