//! Host names that Contact and Record-Route give: asked for once, remembered while they are good (RFC 3263).

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use crate::config::Target;
use crate::flow::{Location, Transport};
use crate::message::{Scheme, Uri};

/// Names that are remembered. Peers choose them, so there is a bound.
const MOST: usize = 256;

/// Names that are asked for at once.
const ASKED: usize = 32;

/// A name without an address is not asked for again before this.
const FAILURE: Duration = Duration::from_secs(30);

#[derive(Debug)]
enum Answer {
    /// Somebody is looking.
    Asked,
    Is(Target),
    IsNothing,
}

#[derive(Debug)]
struct Entry {
    answer: Answer,
    until: Instant,
}

/// What is known of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// Where it leads.
    At(Target),
    /// It will be known soon.
    Soon,
    /// It leads nowhere, or too many names were asked for.
    Nowhere,
}

#[derive(Debug, Default)]
pub(crate) struct Names {
    known: HashMap<Location, Entry>,
    wanted: VecDeque<Location>,
}

impl Names {
    /// Where a name leads; asks for it if nobody has yet. An address that was known stays good while it is asked for again.
    pub fn find(&mut self, now: Instant, location: &Location) -> Known {
        let known = match self.known.get_mut(location) {
            Some(entry) => {
                let known = match entry.answer {
                    Answer::Asked => Known::Soon,
                    Answer::Is(target) => Known::At(target),
                    Answer::IsNothing => Known::Nowhere,
                };
                if entry.until > now {
                    return known;
                }
                // Not asked for a second time at once, should no answer come.
                entry.until = now + FAILURE;
                known
            }
            None => {
                if self.wanted.len() >= ASKED || !self.has_room(now) {
                    return Known::Nowhere;
                }
                let entry = Entry {
                    answer: Answer::Asked,
                    until: now + FAILURE,
                };
                self.known.insert(location.clone(), entry);
                Known::Soon
            }
        };
        self.wanted.push_back(location.clone());
        known
    }

    fn has_room(&mut self, now: Instant) -> bool {
        if self.known.len() >= MOST {
            self.known.retain(|_, entry| entry.until > now);
        }
        self.known.len() < MOST
    }

    /// The next name to look up.
    pub fn poll(&mut self) -> Option<Location> {
        self.wanted.pop_front()
    }

    /// A name was looked up.
    pub fn learn(&mut self, now: Instant, location: &Location, target: Option<Target>, lifetime: Duration) {
        if let Some(entry) = self.known.get_mut(location) {
            // A name that has lost its addresses keeps the old one: better a stale one than none.
            match (target, &entry.answer) {
                (Some(target), _) => entry.answer = Answer::Is(target),
                (None, Answer::Is(_)) => {}
                (None, _) => entry.answer = Answer::IsNothing,
            }
            entry.until = now + if target.is_some() { lifetime } else { FAILURE };
        }
    }
}

/// The name that a URI leads to, if its host is a name. RFC 3263 §4: transport and port are taken if they stand.
pub(crate) fn location_of(uri: &Uri) -> Option<Location> {
    if uri.host_addr().is_some() || uri.host().is_empty() {
        return None;
    }
    let transport = match uri.transport() {
        _ if uri.scheme() == Scheme::Sips => Some(Transport::Tls),
        Some(t) if t.eq_ignore_ascii_case("tcp") => Some(Transport::Tcp),
        Some(t) if t.eq_ignore_ascii_case("tls") => Some(Transport::Tls),
        Some(t) if t.eq_ignore_ascii_case("udp") => Some(Transport::Udp),
        _ => None,
    };
    Some(Location {
        host: uri.host().to_ascii_lowercase(),
        port: uri.port(),
        transport,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(host: &str) -> Location {
        Location {
            host: host.to_owned(),
            port: None,
            transport: None,
        }
    }

    fn target() -> Target {
        Target {
            transport: Transport::Udp,
            addr: "192.0.2.7:5060".parse().expect("an address"),
        }
    }

    #[test]
    fn a_name_is_asked_for_once_and_again_when_it_is_no_longer_good() {
        let mut names = Names::default();
        let now = Instant::now();
        let edge = location("edge.example");
        assert_eq!(names.find(now, &edge), Known::Soon);
        assert_eq!(names.find(now, &edge), Known::Soon);
        assert_eq!(names.poll(), Some(edge.clone()));
        assert_eq!(names.poll(), None);
        names.learn(now, &edge, Some(target()), Duration::from_secs(60));
        assert_eq!(names.find(now, &edge), Known::At(target()));
        assert_eq!(names.poll(), None);
        let later = now + Duration::from_secs(61);
        assert_eq!(names.find(later, &edge), Known::At(target()), "stale, and asked for");
        assert_eq!(names.find(later, &edge), Known::At(target()));
        assert_eq!(names.poll(), Some(edge.clone()));
        assert_eq!(names.poll(), None);
        names.learn(later, &edge, None, Duration::ZERO);
        assert_eq!(names.find(later, &edge), Known::At(target()), "kept");
    }

    #[test]
    fn peers_cannot_make_us_ask_or_remember_without_bound() {
        let mut names = Names::default();
        let now = Instant::now();
        for n in 0..10_000 {
            names.find(now, &location(&format!("{n}.example")));
        }
        assert_eq!(names.wanted.len(), ASKED);
        for n in 0..10_000 {
            while names.poll().is_some() {}
            names.find(now, &location(&format!("x{n}.example")));
        }
        assert!(names.known.len() <= MOST);
        let later = now + Duration::from_secs(60);
        while names.poll().is_some() {}
        assert_eq!(
            names.find(later, &location("new.example")),
            Known::Soon,
            "old ones make room"
        );
    }
}
