//! From a name to addresses in the order in which they are to be tried (RFC 3263, RFC 2782, RFC 3403).

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use hickory_resolver::TokioResolver;
use hickory_resolver::proto::rr::{RData, RecordType};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::sync::mpsc;

use crate::{Location, Target, Transport, TrunkId};

/// Names are asked for again after their time to live, but not more often than this…
const SHORTEST: Duration = Duration::from_secs(30);

/// …and not less often than this.
const LONGEST: Duration = Duration::from_secs(3_600);

/// Pause after a failure.
const AFTER_FAILURE: Duration = Duration::from_secs(10);

/// Most addresses that one name is turned into.
const MOST: usize = 16;

/// One SRV record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Service {
    pub priority: u16,
    pub weight: u16,
    pub port: u16,
    pub host: String,
}

/// One NAPTR record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pointer {
    pub order: u16,
    pub preference: u16,
    pub flags: String,
    pub service: String,
    pub replacement: String,
}

/// Answers and until when they are good. Empty when the name has no such record.
type Answers<T> = Result<(Vec<T>, Duration), Unreachable>;

/// The name servers do not answer.
#[derive(Debug)]
pub(super) struct Unreachable;

/// Who knows names. The tests know a few by heart.
pub(super) trait Names {
    async fn pointers(&self, name: &str) -> Answers<Pointer>;
    async fn services(&self, name: &str) -> Answers<Service>;
    async fn addresses(&self, name: &str) -> Answers<IpAddr>;
}

/// Tells the driver a trunk's addresses, again and again.
pub(super) async fn follow(trunk: TrunkId, location: Location, report: mpsc::Sender<(TrunkId, Vec<Target>)>) {
    let mut servers = None;
    let mut known: Option<Vec<Target>> = None;
    loop {
        servers = servers.or_else(Servers::new);
        let mut rng = ChaCha8Rng::from_os_rng();
        let (targets, pause) = locate(&servers, &location, &mut rng)
            .await
            .unwrap_or((Vec::new(), AFTER_FAILURE));
        if is_news(known.as_ref(), &targets) {
            known = Some(targets.clone());
            if report.send((trunk, targets)).await.is_err() {
                return;
            }
        }
        tokio::time::sleep(pause).await;
    }
}

/// A name that has lost its addresses keeps the old ones: better a stale trunk than none. That it never had any is told once.
fn is_news(known: Option<&Vec<Target>>, found: &Vec<Target>) -> bool {
    match known {
        Some(known) => !found.is_empty() && known != found,
        None => true,
    }
}

/// The addresses that a name has now, best first (RFC 3263 §4). `None` if the name servers do not answer.
pub async fn lookup(location: &Location) -> Option<Vec<Target>> {
    let mut rng = ChaCha8Rng::from_os_rng();
    let found = locate(&Servers::new(), location, &mut rng).await;
    found.map(|(targets, _)| targets)
}

/// What a name was asked for, its addresses, and how long they are good.
pub(super) type Found = (Location, Vec<Target>, Duration);

/// Looks one name up.
pub(super) async fn look_up(location: Location, report: mpsc::Sender<Found>) {
    let mut rng = ChaCha8Rng::from_os_rng();
    let found = locate(&Servers::new(), &location, &mut rng).await;
    let (targets, lifetime) = found.unwrap_or_default();
    // The driver is gone if nobody listens.
    let _ = report.send((location, targets, lifetime)).await;
}

/// The addresses of a location, and when to ask again. `None` if the name servers do not answer.
pub(super) async fn locate(
    names: &impl Names,
    location: &Location,
    rng: &mut impl Rng,
) -> Option<(Vec<Target>, Duration)> {
    let mut search = Search {
        names,
        lifetime: LONGEST,
        targets: Vec::new(),
        failed: false,
    };
    search.run(location, rng).await;
    if search.targets.is_empty() && search.failed {
        return None;
    }
    search.targets.truncate(MOST);
    let pause = if search.targets.is_empty() {
        AFTER_FAILURE
    } else {
        search.lifetime.max(SHORTEST)
    };
    Some((search.targets, pause))
}

struct Search<'a, N> {
    names: &'a N,
    lifetime: Duration,
    targets: Vec<Target>,
    failed: bool,
}

impl<N: Names> Search<'_, N> {
    async fn run(&mut self, location: &Location, rng: &mut impl Rng) {
        let host = location.host.trim_end_matches('.');
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(ip) = bare.parse::<IpAddr>() {
            let transport = location.transport.unwrap_or(Transport::Udp);
            let port = location.port.unwrap_or(transport.default_port());
            return self.add(transport, SocketAddr::new(ip, port));
        }
        if let Some(port) = location.port {
            return self
                .add_host(location.transport.unwrap_or(Transport::Udp), host, port)
                .await;
        }
        if let Some(transport) = location.transport {
            if !self.add_services(&service_name(transport, host), transport, rng).await {
                self.add_host(transport, host, transport.default_port()).await;
            }
            return;
        }
        if self.add_pointers(host, rng).await {
            return;
        }
        for transport in [Transport::Tls, Transport::Udp, Transport::Tcp] {
            self.add_services(&service_name(transport, host), transport, rng).await;
        }
        if self.targets.is_empty() {
            self.add_host(Transport::Udp, host, Transport::Udp.default_port()).await;
        }
    }

    /// Follows NAPTR records in their order. False if there is none that we can use.
    async fn add_pointers(&mut self, host: &str, rng: &mut impl Rng) -> bool {
        let answer = self.names.pointers(host).await;
        let mut pointers = self.take(answer);
        pointers.sort_by_key(|pointer| (pointer.order, pointer.preference));
        let mut found = false;
        for pointer in pointers {
            let transport = match pointer.service.to_ascii_uppercase().as_str() {
                "SIP+D2U" => Transport::Udp,
                "SIP+D2T" => Transport::Tcp,
                "SIPS+D2T" => Transport::Tls,
                _ => continue,
            };
            if pointer.flags.eq_ignore_ascii_case("s") && !pointer.replacement.is_empty() {
                found |= self.add_services(&pointer.replacement, transport, rng).await;
            }
        }
        found
    }

    /// Follows SRV records. False if there is none; a single "." means that the service is not offered (RFC 2782).
    async fn add_services(&mut self, name: &str, transport: Transport, rng: &mut impl Rng) -> bool {
        let answer = self.names.services(name).await;
        let services = self.take(answer);
        let found = !services.is_empty();
        for service in order(services, rng) {
            if !service.host.trim_end_matches('.').is_empty() {
                self.add_host(transport, service.host.trim_end_matches('.'), service.port)
                    .await;
            }
        }
        found
    }

    async fn add_host(&mut self, transport: Transport, host: &str, port: u16) {
        if self.targets.len() >= MOST {
            return;
        }
        let answer = self.names.addresses(host).await;
        for ip in self.take(answer) {
            self.add(transport, SocketAddr::new(ip, port));
        }
    }

    fn add(&mut self, transport: Transport, addr: SocketAddr) {
        let target = Target { transport, addr };
        if !self.targets.contains(&target) {
            self.targets.push(target);
        }
    }

    fn take<T>(&mut self, answer: Answers<T>) -> Vec<T> {
        match answer {
            Ok((values, lifetime)) => {
                if !values.is_empty() {
                    self.lifetime = self.lifetime.min(lifetime);
                }
                values
            }
            Err(Unreachable) => {
                self.failed = true;
                Vec::new()
            }
        }
    }
}

fn service_name(transport: Transport, host: &str) -> String {
    match transport {
        Transport::Udp => format!("_sip._udp.{host}"),
        Transport::Tcp => format!("_sip._tcp.{host}"),
        Transport::Tls => format!("_sips._tcp.{host}"),
    }
}

/// Sorts by priority, and within one priority draws by weight (RFC 2782).
fn order(mut services: Vec<Service>, rng: &mut impl Rng) -> Vec<Service> {
    services.sort_by_key(|service| (service.priority, service.weight));
    let mut ordered = Vec::with_capacity(services.len());
    while let Some(priority) = services.first().map(|service| service.priority) {
        let rivals = services
            .iter()
            .take_while(|service| service.priority == priority)
            .count();
        let total: u32 = services[..rivals].iter().map(|service| u32::from(service.weight)).sum();
        let mut draw = rng.random_range(0..=total);
        let chosen = services[..rivals]
            .iter()
            .position(|service| {
                let is_it = draw <= u32::from(service.weight);
                draw = draw.saturating_sub(u32::from(service.weight));
                is_it
            })
            .unwrap_or(0);
        ordered.push(services.remove(chosen));
    }
    ordered
}

/// The name servers of this machine.
pub(super) struct Servers(TokioResolver);

impl Servers {
    /// `None` if this machine has no resolver configuration.
    pub fn new() -> Option<Servers> {
        TokioResolver::builder_tokio().ok()?.build().ok().map(Servers)
    }

    async fn ask<T>(&self, name: &str, kind: RecordType, read: impl Fn(&RData) -> Option<T>) -> Answers<T> {
        match self.0.lookup(name, kind).await {
            Ok(lookup) => {
                let lifetime = lookup.valid_until().saturating_duration_since(Instant::now());
                Ok((
                    lookup
                        .answers()
                        .iter()
                        .filter_map(|record| read(&record.data))
                        .collect(),
                    lifetime,
                ))
            }
            Err(error) if error.is_no_records_found() => Ok((Vec::new(), Duration::ZERO)),
            Err(_) => Err(Unreachable),
        }
    }
}

/// A machine without resolver configuration reaches no server.
impl Names for Option<Servers> {
    async fn pointers(&self, name: &str) -> Answers<Pointer> {
        self.as_ref().ok_or(Unreachable)?.pointers(name).await
    }

    async fn services(&self, name: &str) -> Answers<Service> {
        self.as_ref().ok_or(Unreachable)?.services(name).await
    }

    async fn addresses(&self, name: &str) -> Answers<IpAddr> {
        self.as_ref().ok_or(Unreachable)?.addresses(name).await
    }
}

impl Names for Servers {
    async fn pointers(&self, name: &str) -> Answers<Pointer> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        self.ask(name, RecordType::NAPTR, |data| match data {
            RData::NAPTR(naptr) => Some(Pointer {
                order: naptr.order,
                preference: naptr.preference,
                flags: text(&naptr.flags),
                service: text(&naptr.services),
                replacement: naptr.replacement.to_utf8().trim_end_matches('.').to_owned(),
            }),
            _ => None,
        })
        .await
    }

    async fn services(&self, name: &str) -> Answers<Service> {
        self.ask(name, RecordType::SRV, |data| match data {
            RData::SRV(srv) => Some(Service {
                priority: srv.priority,
                weight: srv.weight,
                port: srv.port,
                host: srv.target.to_utf8(),
            }),
            _ => None,
        })
        .await
    }

    async fn addresses(&self, name: &str) -> Answers<IpAddr> {
        match self.0.lookup_ip(name).await {
            Ok(lookup) => {
                let lifetime = lookup.valid_until().saturating_duration_since(Instant::now());
                Ok((lookup.iter().collect(), lifetime))
            }
            Err(error) if error.is_no_records_found() => Ok((Vec::new(), Duration::ZERO)),
            Err(_) => Err(Unreachable),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_addresses_are_no_news_and_a_name_without_any_is_told_once() {
        let target = |text: &str| Target {
            transport: Transport::Udp,
            addr: text.parse().expect("an address"),
        };
        let (one, two) = (vec![target("192.0.2.1:5060")], vec![target("192.0.2.2:5060")]);
        let none = Vec::new();
        let cases = [
            (None, &none, true),
            (Some(&none), &none, false),
            (Some(&none), &one, true),
            (Some(&one), &none, false),
            (Some(&one), &one, false),
            (Some(&one), &two, true),
        ];
        for (known, found, expected) in cases {
            assert_eq!(is_news(known, found), expected, "{known:?} {found:?}");
        }
    }

    #[derive(Default)]
    struct Known {
        pointers: Vec<(&'static str, Pointer)>,
        services: Vec<(&'static str, Service)>,
        addresses: Vec<(&'static str, &'static str)>,
        is_dead: bool,
    }

    impl Known {
        fn answer<T, U>(&self, name: &str, all: &[(&str, T)], read: impl Fn(&T) -> U) -> Answers<U> {
            if self.is_dead {
                return Err(Unreachable);
            }
            let found = all
                .iter()
                .filter(|(known, _)| *known == name)
                .map(|(_, value)| read(value))
                .collect();
            Ok((found, Duration::from_secs(300)))
        }
    }

    impl Names for Known {
        async fn pointers(&self, name: &str) -> Answers<Pointer> {
            self.answer(name, &self.pointers, Clone::clone)
        }
        async fn services(&self, name: &str) -> Answers<Service> {
            self.answer(name, &self.services, Clone::clone)
        }
        async fn addresses(&self, name: &str) -> Answers<IpAddr> {
            self.answer(name, &self.addresses, |text| text.parse().expect("an address"))
        }
    }

    fn service(priority: u16, weight: u16, port: u16, host: &str) -> Service {
        Service {
            priority,
            weight,
            port,
            host: format!("{host}."),
        }
    }

    fn pointer(order: u16, service: &str, replacement: &str) -> Pointer {
        Pointer {
            order,
            preference: 1,
            flags: "s".into(),
            service: service.into(),
            replacement: replacement.into(),
        }
    }

    /// A carrier with everything.
    fn carrier() -> Known {
        Known {
            pointers: vec![
                ("carrier.example", pointer(90, "SIP+D2T", "_sip._tcp.carrier.example")),
                ("carrier.example", pointer(50, "SIPS+D2T", "_sips._tcp.carrier.example")),
                ("carrier.example", pointer(10, "SIP+D2S", "_sip._sctp.carrier.example")),
            ],
            services: vec![
                ("_sip._tcp.carrier.example", service(20, 1, 5060, "b.example")),
                ("_sip._tcp.carrier.example", service(10, 1, 5062, "a.example")),
                ("_sips._tcp.carrier.example", service(1, 1, 5061, "a.example")),
                ("_sip._udp.plain.example", service(1, 1, 5070, "b.example")),
                ("_sip._udp.closed.example", service(0, 0, 0, "")),
            ],
            addresses: vec![
                ("a.example", "192.0.2.1"),
                ("a.example", "2001:db8::1"),
                ("b.example", "192.0.2.2"),
                ("host.example", "192.0.2.3"),
            ],
            is_dead: false,
        }
    }

    async fn found(names: &Known, host: &str, port: Option<u16>, transport: Option<Transport>) -> Option<Vec<String>> {
        let location = Location {
            host: host.to_owned(),
            port,
            transport,
        };
        let (targets, _) = locate(names, &location, &mut ChaCha8Rng::seed_from_u64(1)).await?;
        Some(
            targets
                .iter()
                .map(|target| format!("{} {}", target.transport, target.addr))
                .collect(),
        )
    }

    #[tokio::test]
    async fn names_become_targets_by_rfc_3263() {
        let names = carrier();
        for (host, port, transport, expected) in [
            ("192.0.2.9", None, None, &["UDP 192.0.2.9:5060"][..]),
            ("[2001:db8::9]", None, Some(Transport::Tls), &["TLS [2001:db8::9]:5061"]),
            ("host.example", Some(5080), None, &["UDP 192.0.2.3:5080"]),
            ("host.example", None, None, &["UDP 192.0.2.3:5060"]),
            ("host.example", None, Some(Transport::Tcp), &["TCP 192.0.2.3:5060"]),
            ("plain.example", None, None, &["UDP 192.0.2.2:5070"]),
            (
                "carrier.example",
                None,
                None,
                &[
                    "TLS 192.0.2.1:5061",
                    "TLS [2001:db8::1]:5061",
                    "TCP 192.0.2.1:5062",
                    "TCP [2001:db8::1]:5062",
                    "TCP 192.0.2.2:5060",
                ],
            ),
            (
                "carrier.example",
                None,
                Some(Transport::Tcp),
                &["TCP 192.0.2.1:5062", "TCP [2001:db8::1]:5062", "TCP 192.0.2.2:5060"],
            ),
            ("unknown.example", None, None, &[]),
            ("closed.example", None, Some(Transport::Udp), &[]),
        ] {
            let targets = found(&names, host, port, transport).await.expect("the servers answer");
            assert_eq!(targets, expected, "{host} {port:?} {transport:?}");
        }
        let dead = Known {
            is_dead: true,
            ..Known::default()
        };
        assert_eq!(found(&dead, "carrier.example", None, None).await, None);
    }

    #[test]
    fn weights_share_the_load() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let services = || {
            vec![
                service(1, 30, 1, "a"),
                service(1, 10, 1, "b"),
                service(1, 0, 1, "c"),
                service(0, 0, 1, "d"),
            ]
        };
        let mut first = [0; 256];
        for _ in 0..4000 {
            let ordered = order(services(), &mut rng);
            assert_eq!(ordered.len(), 4);
            assert_eq!(ordered[0].host, "d.", "priority comes before weight");
            first[usize::from(ordered[1].host.as_bytes()[0])] += 1;
        }
        assert!(
            (2700..3200).contains(&first[usize::from(b'a')]),
            "{}",
            first[usize::from(b'a')]
        );
        assert!(
            (800..1200).contains(&first[usize::from(b'b')]),
            "{}",
            first[usize::from(b'b')]
        );
        assert!(first[usize::from(b'c')] > 0, "weight 0 gets a small chance");
    }
}
