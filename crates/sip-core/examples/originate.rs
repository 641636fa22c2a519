//! Places calls at a steady rate and tells what one costs: `originate TARGET RATE SECONDS`.
//!
//! The far end may be any user agent that answers at once, for instance SIPp's built-in `uas`.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sip_core::driver::{Application, Driver};
use sip_core::{CallId, Config, Destination, Endpoint, Event, Invite, Local, Target, Transport, TrunkConfig, TrunkId};

const OFFER: &[u8] =
    b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8 101\r\n\
    a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\n";

struct Caller {
    trunk: TrunkId,
    rate: u64,
    began: Instant,
    most: u64,
    placed: u64,
    ended: u64,
    failed: HashMap<String, u64>,
    counters: String,
}

impl Caller {
    fn due(&self) -> Instant {
        self.began + Duration::from_micros(self.placed * 1_000_000 / self.rate)
    }
}

impl Application for Caller {
    fn handle_event(&mut self, now: Instant, endpoint: &mut Endpoint, event: Event) {
        match event {
            Event::Answered { call, .. } => {
                let _: Result<(), _> = endpoint.hang_up(now, call);
            }
            Event::Ended { .. } => {
                self.ended += 1;
                if self.ended + self.failed.values().sum::<u64>() >= self.most {
                    self.counters = format!("{:?}", endpoint.counters());
                }
            }
            Event::Failed { cause, .. } => {
                *self.failed.entry(format!("{cause:?}")).or_default() += 1;
                self.counters = format!("{:?}", endpoint.counters());
            }
            _ => {}
        }
    }

    fn handle_timeout(&mut self, now: Instant, endpoint: &mut Endpoint) {
        while self.placed < self.most && self.due() <= now {
            self.placed += 1;
            let to = Destination::User(format!("01990{:05}", self.placed % 100_000));
            let invite = Invite::new(self.trunk, to, Bytes::from_static(OFFER));
            let placed: Result<CallId, _> = endpoint.invite(now, invite);
            if let Err(error) = placed {
                *self.failed.entry(error.to_string()).or_default() += 1;
            }
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        (self.placed < self.most).then(|| self.due())
    }

    fn handle_wake(&mut self, _now: Instant, endpoint: &mut Endpoint) {
        self.counters = format!("{:?}", endpoint.counters());
    }

    fn is_finished(&self) -> bool {
        self.ended + self.failed.values().sum::<u64>() >= self.most
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(target), Some(rate), Some(seconds)) = (arguments.next(), arguments.next(), arguments.next()) else {
        return Err("usage: originate TARGET RATE SECONDS".into());
    };
    let addr = target.parse()?;
    let (rate, seconds): (u64, u64) = (rate.parse()?, seconds.parse()?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut config = Config {
            locals: vec![Local::new(Transport::Udp, "127.0.0.1:0".parse()?)],
            ..Config::default()
        };
        config.limits.calls = 1_000_000;
        let mut driver = Driver::bind(config, rand::random()).await?;
        let trunk = TrunkConfig {
            targets: vec![Target {
                transport: Transport::Udp,
                addr,
            }],
            domain: "carrier.example".to_owned(),
            ..TrunkConfig::default()
        };
        let now = Instant::now();
        let trunk = driver.endpoint().add_trunk(now, trunk);
        let caller = Caller {
            trunk,
            rate,
            began: now,
            most: rate * seconds,
            placed: 0,
            ended: 0,
            failed: HashMap::new(),
            counters: String::new(),
        };
        let before = cpu_time()?;
        let caller = driver.run(caller).await;
        let used = cpu_time()? - before;
        println!(
            "{} calls at {rate}/s: {} ended, failed {:?}; {:.1} us of CPU a call; {:.2} s",
            caller.placed,
            caller.ended,
            caller.failed,
            used.as_secs_f64() * 1e6 / caller.placed as f64,
            now.elapsed().as_secs_f64(),
        );
        println!("{}", caller.counters);
        Ok(())
    })
}

/// User and system time of this process so far.
fn cpu_time() -> Result<Duration, Box<dyn std::error::Error>> {
    let stat = std::fs::read_to_string("/proc/self/schedstat")?;
    let nanoseconds = stat.split_whitespace().next().ok_or("no schedstat")?.parse()?;
    Ok(Duration::from_nanos(nanoseconds))
}
