//! The world of the simulation: both ends, the network between them, the disk, the crashes, and what must never happen.

mod judge;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use dialer::journal::Memory;
use dialer::{
    Action, Answer, AttemptId, CampaignId, Command, Contact, Dialer, Journal, Message, MessageId, Now, Query,
    RecipientId, Record, Reply, Text, TrunkChange, TrunkIndex,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sip_core::{Config, Endpoint, Flow, Local, Target, Transport, TrunkConfig};
use tocsin::switchboard::{Line, Switchboard};

use super::carrier::{Carrier, Due, Step, media_address};
use super::media::{Effect, VirtualMedia, VirtualPorts, VirtualVoice};
use super::queue::{Happening, Timed};
use super::scene::{EPOCH_MS, contacts, operator_trunk, settings};
use super::setup::{Report, Setup, Violation};

/// Everything that dies in a crash.
struct Program {
    dialer: Dialer,
    endpoint: Endpoint,
    switchboard: Switchboard<VirtualPorts, VirtualVoice>,
    media: VirtualMedia,
    in_progress: HashMap<AttemptId, RecipientId>,
    is_flushing: bool,
}

struct World<'s> {
    setup: &'s Setup,
    start: Instant,
    now: Instant,
    rng: ChaCha8Rng,
    queue: BinaryHeap<Reverse<Timed>>,
    order: u64,
    contacts: HashMap<RecipientId, Contact>,
    journal: Memory,
    program: Option<Program>,
    carrier: Carrier,
    starts: u64,
    thanked: HashSet<RecipientId>,
    called: HashSet<RecipientId>,
    recent: std::collections::VecDeque<Instant>,
    campaign: CampaignId,
    /// What the durable records tell.
    confirmed: HashSet<RecipientId>,
    /// Who is at which place of the campaign.
    members: Vec<RecipientId>,
    started: HashSet<AttemptId>,
    is_ended: bool,
    unflushed: Vec<Record>,
    report: Report,
    violations: Vec<Violation>,
}

const US: ([u8; 4], u16) = ([127, 0, 0, 1], 5060);
const CARRIER: ([u8; 4], u16) = ([127, 0, 0, 2], 5060);

/// How often the trunk is asked whether it is there, where it may be gone.
const PING: Duration = Duration::from_secs(10);

/// One second, less what the dialer's clock rounds off (it counts in whole microseconds).
const SECOND: Duration = Duration::from_micros(999_998);

/// A campaign that lasts longer than this in virtual time never ends.
const FOREVER: Duration = Duration::from_secs(7 * 86_400);

/// Runs one simulation to its end.
///
/// # Errors
/// The promises that were broken.
pub fn run(setup: &Setup) -> Result<Report, Vec<Violation>> {
    let mut world = World::new(setup);
    world.launch();
    world.run();
    world.judge();
    if world.violations.is_empty() {
        Ok(world.report)
    } else {
        Err(world.violations)
    }
}

impl<'s> World<'s> {
    fn new(setup: &'s Setup) -> Self {
        let start = Instant::now();
        let mut world = Self {
            setup,
            start,
            now: start,
            rng: ChaCha8Rng::seed_from_u64(setup.seed),
            queue: BinaryHeap::new(),
            order: 0,
            contacts: contacts(setup),
            journal: Memory::new(),
            program: None,
            carrier: Carrier::new(start, SocketAddr::from(CARRIER), SocketAddr::from(US), setup),
            starts: 0,
            thanked: HashSet::new(),
            called: HashSet::new(),
            recent: std::collections::VecDeque::new(),
            campaign: CampaignId(0),
            confirmed: HashSet::new(),
            members: Vec::new(),
            started: HashSet::new(),
            is_ended: false,
            unflushed: Vec::new(),
            report: Report::default(),
            violations: Vec::new(),
        };
        world.start_program();
        world
    }

    fn clock(&self) -> Now {
        let elapsed = self.now - self.start;
        Now {
            monotonic: self.now,
            utc_ms: EPOCH_MS + elapsed.as_millis() as i64,
        }
    }

    fn start_program(&mut self) {
        self.starts += 1;
        let mut seed = [0; 32];
        self.rng.fill(&mut seed);
        let settings = settings(self.setup);
        let records = self.journal.read_from(dialer::Sequence(0));
        let dialer = match Dialer::restore(settings, self.clock(), records, &self.contacts) {
            Ok(dialer) => dialer,
            Err(error) => return self.violations.push(Violation::Journal(error.to_string())),
        };
        let config = Config {
            locals: vec![Local::new(Transport::Udp, SocketAddr::from(US))],
            ..Config::default()
        };
        let mut endpoint = Endpoint::new(config, seed);
        let id = endpoint.add_trunk(
            self.now,
            TrunkConfig {
                name: "sim".to_owned(),
                targets: vec![Target {
                    transport: Transport::Udp,
                    addr: SocketAddr::from(CARRIER),
                }],
                domain: SocketAddr::from(CARRIER).ip().to_string(),
                ping: self.setup.faults.outage.map(|_| PING),
                ..TrunkConfig::default()
            },
        );
        let voice = VirtualVoice::new();
        let line = Line::new(id, &operator_trunk(), None);
        let switchboard = Switchboard::new(vec![line], VirtualPorts::default(), voice.clone());
        self.program = Some(Program {
            dialer,
            endpoint,
            switchboard,
            media: VirtualMedia::new(voice),
            in_progress: HashMap::new(),
            is_flushing: false,
        });
    }

    fn launch(&mut self) {
        let now = self.clock();
        let by = "simulator".to_owned();
        let text = Text {
            language: ivr::Language::FRENCH,
            words: "Ceci est un exercice.".to_owned(),
            audio: None,
        };
        let message = Message {
            id: MessageId(0),
            version: 0,
            title: "Exercice".to_owned(),
            texts: vec![text],
        };
        let mut recipients: Vec<Contact> = self.contacts.values().cloned().collect();
        recipients.sort_by_key(|contact| contact.recipient);
        let Some(program) = &mut self.program else { return };
        let saved = program.dialer.handle_command(
            now,
            Command::SaveMessage {
                message,
                by: by.clone(),
            },
        );
        let Ok(Reply::Message(message, _)) = saved else {
            return self.violations.push(Violation::Endless);
        };
        let created = program.dialer.handle_command(
            now,
            Command::Create {
                name: "Simulation".to_owned(),
                message,
                policy: self.setup.policy.clone(),
                recipients,
                service: String::new(),
                by: by.clone(),
            },
        );
        let Ok(Reply::Campaign(campaign)) = created else {
            return self.violations.push(Violation::Endless);
        };
        self.campaign = campaign;
        if program
            .dialer
            .handle_command(now, Command::Launch { campaign, by })
            .is_err()
        {
            return self.violations.push(Violation::Endless);
        }
        // The operator's order is answered after its records are durable: crashes come after that.
        self.pump();
        self.flush_now();
        let expected =
            Duration::from_secs(u64::from(self.setup.recipients) / u64::from(self.setup.calls_per_second).max(1) + 60);
        for _ in 0..self.setup.faults.crashes {
            let after = expected.mul_f64(self.rng.random::<f64>());
            self.schedule(after, Happening::Crash);
        }
    }

    fn schedule(&mut self, after: Duration, happening: Happening) {
        self.order += 1;
        self.queue.push(Reverse(Timed {
            at: self.now + after,
            order: self.order,
            happening,
        }));
    }

    fn run(&mut self) {
        loop {
            self.pump();
            if self.is_over() {
                break;
            }
            let Some(next) = self.next_moment() else {
                return self.violations.push(Violation::Endless);
            };
            if next - self.start > FOREVER {
                return self.violations.push(Violation::Endless);
            }
            self.now = self.now.max(next);
            while self.queue.peek().is_some_and(|Reverse(timed)| timed.at <= self.now) {
                if let Some(Reverse(timed)) = self.queue.pop() {
                    self.happen(timed.happening);
                }
            }
            self.let_time_pass();
        }
        self.report.duration = self.now - self.start;
    }

    fn is_over(&self) -> bool {
        let Some(program) = &self.program else { return false };
        if program.switchboard.calls() > 0 || self.journal.next() != program.dialer.next_sequence() {
            return false;
        }
        self.is_ended
    }

    fn next_moment(&self) -> Option<Instant> {
        let mut moments = vec![
            self.queue.peek().map(|Reverse(timed)| timed.at),
            self.carrier.endpoint.poll_timeout(),
        ];
        if let Some(program) = &self.program {
            moments.push(program.dialer.poll_timeout());
            moments.push(program.endpoint.poll_timeout());
            moments.push(program.switchboard.poll_timeout());
        }
        moments.into_iter().flatten().min()
    }

    fn let_time_pass(&mut self) {
        let clock = self.clock();
        let now = self.now;
        if self.carrier.endpoint.poll_timeout().is_some_and(|at| at <= now) {
            self.carrier.endpoint.handle_timeout(now);
        }
        let Some(program) = &mut self.program else { return };
        if program.dialer.poll_timeout().is_some_and(|at| at <= now) {
            program.dialer.handle_timeout(clock);
        }
        if program.endpoint.poll_timeout().is_some_and(|at| at <= now) {
            program.endpoint.handle_timeout(now);
        }
        if program.switchboard.poll_timeout().is_some_and(|at| at <= now) {
            program.switchboard.handle_timeout(now, &mut program.endpoint);
        }
    }

    fn happen(&mut self, happening: Happening) {
        let now = self.now;
        match happening {
            Happening::ToUs(bytes) => {
                if let Some(program) = &mut self.program {
                    program.endpoint.handle_datagram(now, flow(US, CARRIER), bytes);
                }
            }
            Happening::ToCarrier(bytes) => self.carrier.endpoint.handle_datagram(now, flow(CARRIER, US), bytes),
            Happening::Telephone(due) => {
                if let Step::Press(key) = due.step {
                    self.press(due, key);
                }
                for next in self.carrier.handle_due(now, due) {
                    self.schedule(next.at - now, Happening::Telephone(next));
                }
            }
            Happening::Playout(playout) => {
                if let Some(program) = &mut self.program
                    && let Some(event) = program.media.ended(playout)
                {
                    program.switchboard.handle_media(now, &mut program.endpoint, event);
                }
            }
            Happening::Flushed => self.flush_now(),
            Happening::Crash => self.crash(),
            Happening::Restart => self.start_program(),
        }
    }

    fn press(&mut self, due: Due, key: char) {
        if !self.carrier.stands(due.leg) {
            return;
        }
        let Some(program) = &mut self.program else { return };
        if let Some(event) = program.media.press(media_address(due.leg), key) {
            program.switchboard.handle_media(self.now, &mut program.endpoint, event);
        }
    }

    fn crash(&mut self) {
        if self.program.take().is_none() {
            return;
        }
        self.report.crashes += 1;
        self.journal.crash();
        self.unflushed.clear();
        let pause = Duration::from_millis(self.rng.random_range(50..20_000));
        self.schedule(pause, Happening::Restart);
    }

    fn flush_now(&mut self) {
        let clock = self.clock();
        let Some(program) = &mut self.program else { return };
        program.is_flushing = false;
        match self.journal.flush() {
            Ok(upto) => program.dialer.handle_durable(clock, upto),
            Err(error) => return self.violations.push(Violation::Journal(error.to_string())),
        }
        for record in std::mem::take(&mut self.unflushed) {
            match record.event {
                dialer::Event::RecipientsAdded { recipients, .. } => self.members.extend(recipients),
                dialer::Event::Confirmed {
                    whom: dialer::Whom::Member(place),
                    ..
                } => {
                    self.confirmed.extend(self.members.get(place as usize));
                    self.report.reached.push(self.now - self.start);
                }
                dialer::Event::AttemptStarted { attempt, .. } => {
                    self.started.insert(attempt);
                }
                dialer::Event::CampaignEnded { .. } => self.is_ended = true,
                _ => {}
            }
        }
        let share = self.confirmed.len() as f64 / f64::from(self.setup.recipients.max(1));
        if self.setup.look_at.is_some_and(|at| share >= at)
            && self.report.outlook.is_none()
            && let Ok(Answer::Outlook(outlook)) = program.dialer.query(clock, Query::Outlook(self.campaign))
        {
            self.report.outlook = Some(*outlook);
        }
    }

    /// Lets every machine say what it has to say, until all are silent.
    fn pump(&mut self) {
        loop {
            let mut is_quiet = true;
            is_quiet &= !self.pump_dialer();
            is_quiet &= !self.pump_endpoint();
            is_quiet &= !self.pump_media();
            is_quiet &= !self.pump_carrier();
            if is_quiet {
                return;
            }
        }
    }

    fn pump_dialer(&mut self) -> bool {
        let clock = self.clock();
        let mut records = Vec::new();
        let mut actions = Vec::new();
        let Some(program) = &mut self.program else { return false };
        let mut is_busy = false;
        while let Some(report) = program.switchboard.poll_report() {
            if let dialer::CallReport::Ended { attempt, .. } = &report {
                program.in_progress.remove(attempt);
            }
            program.dialer.handle_report(clock, report);
            is_busy = true;
        }
        while let Some(record) = program.dialer.poll_record() {
            records.push(record);
        }
        while let Some(action) = program.dialer.poll_action() {
            actions.push(action);
        }
        if !records.is_empty() {
            is_busy = true;
            let expected = self.journal.next();
            if let Err(error) = self.journal.append(expected, &records) {
                self.violations.push(Violation::Journal(error.to_string()));
            }
            self.unflushed.append(&mut records);
            if !std::mem::replace(&mut program.is_flushing, true) {
                let after = self.setup.faults.slowest_flush.mul_f64(self.rng.random());
                self.schedule(after, Happening::Flushed);
            }
        }
        is_busy |= !actions.is_empty();
        for action in actions {
            self.act(action);
        }
        is_busy
    }

    fn act(&mut self, action: Action) {
        let now = self.now;
        if let Action::Place(order) = &action {
            self.watch_place(order.recipient, order.attempt);
        }
        let Some(program) = &mut self.program else { return };
        let (switchboard, endpoint) = (&mut program.switchboard, &mut program.endpoint);
        match action {
            Action::Place(order) => {
                program.in_progress.insert(order.attempt, order.recipient);
                switchboard.handle_order(now, endpoint, order);
            }
            // The simulator has no gateway, and the dialer sends no texts without one.
            Action::Send(_) => {}
            Action::Acknowledge(attempt) => switchboard.handle_acknowledged(now, endpoint, attempt),
            Action::HangUp(attempt) => switchboard.handle_hang_up(now, endpoint, attempt),
            Action::ChangeMessage {
                attempt,
                message,
                version,
            } => {
                switchboard.handle_message_changed(now, endpoint, attempt, message, version);
            }
        }
    }

    fn watch_place(&mut self, recipient: RecipientId, attempt: AttemptId) {
        self.report.attempts += 1;
        let fault = self
            .setup
            .faults
            .outage
            .or(self.setup.faults.storm.map(|(span, _)| span));
        if let Some(resumed) = fault.and_then(|fault| (self.now - self.start).checked_sub(fault.end())) {
            self.report.resumed.get_or_insert(resumed);
        }
        self.called.insert(recipient);
        if self.thanked.contains(&recipient) {
            self.violations.push(Violation::RungAfterThanks(recipient.0));
        }
        if self.confirmed.contains(&recipient) {
            self.violations.push(Violation::RungAfterConfirmation(recipient.0));
        }
        if !self.started.contains(&attempt) {
            self.violations.push(Violation::UnrecordedAttempt(attempt.0));
        }
        let Some(program) = &self.program else { return };
        let at_once = program.in_progress.len() + 1;
        self.report.peak = self.report.peak.max(at_once);
        if at_once > self.setup.channels as usize {
            self.violations.push(Violation::TooManyCalls(at_once));
        }
        while self.recent.front().is_some_and(|at| self.now - *at >= SECOND) {
            self.recent.pop_front();
        }
        self.recent.push_back(self.now);
        if self.recent.len() > self.setup.calls_per_second as usize {
            self.violations.push(Violation::TooFast(self.recent.len()));
        }
    }

    fn pump_endpoint(&mut self) -> bool {
        let now = self.now;
        let clock = self.clock();
        let mut outgoing = Vec::new();
        let Some(program) = &mut self.program else { return false };
        let mut is_busy = false;
        while let Some(event) = program.endpoint.poll_event() {
            let change = match &event {
                sip_core::Event::TrunkUp { .. } => Some(TrunkChange::Up),
                sip_core::Event::TrunkDown { .. } => Some(TrunkChange::Down),
                _ => None,
            };
            if let Some(change) = change {
                program.dialer.handle_trunk(clock, TrunkIndex(0), change);
            }
            program.switchboard.handle_event(now, &mut program.endpoint, event);
            is_busy = true;
        }
        while let Some(transmit) = program.endpoint.poll_transmit() {
            outgoing.push(transmit.payload);
        }
        is_busy |= !outgoing.is_empty();
        for payload in outgoing {
            self.send(payload, Happening::ToCarrier);
        }
        is_busy
    }

    fn send(&mut self, payload: Bytes, arrival: fn(Bytes) -> Happening) {
        self.report.datagrams += 1;
        let elapsed = self.now - self.start;
        if self.setup.faults.outage.is_some_and(|outage| outage.holds(elapsed)) {
            return;
        }
        for after in self.setup.faults.network.arrivals(&mut self.rng) {
            self.schedule(after, arrival(payload.clone()));
        }
    }

    fn pump_media(&mut self) -> bool {
        let now = self.now;
        let mut is_busy = false;
        loop {
            let Some(program) = &mut self.program else { return false };
            let Some(command) = program.switchboard.poll_media() else {
                return is_busy;
            };
            is_busy = true;
            let effects = program.media.handle(now, command);
            for effect in effects {
                match effect {
                    Effect::Ends(playout) => self.schedule(playout.at - now, Happening::Playout(playout)),
                    Effect::Event(event) => {
                        if let Some(program) = &mut self.program {
                            program.switchboard.handle_media(now, &mut program.endpoint, event);
                        }
                    }
                    Effect::Thanks(stream) => self.thank(stream),
                }
            }
        }
    }

    fn thank(&mut self, stream: rtp_media::StreamId) {
        let Some(program) = &self.program else { return };
        let attempt = program.switchboard.attempt_of(stream);
        if let Some(recipient) = attempt.and_then(|attempt| program.in_progress.get(&attempt)) {
            self.thanked.insert(*recipient);
        }
    }

    fn pump_carrier(&mut self) -> bool {
        let now = self.now;
        let mut is_busy = false;
        while let Some(event) = self.carrier.endpoint.poll_event() {
            is_busy = true;
            for due in self.carrier.handle_event(now, event) {
                self.schedule(due.at - now, Happening::Telephone(due));
            }
        }
        while let Some(transmit) = self.carrier.endpoint.poll_transmit() {
            is_busy = true;
            self.send(transmit.payload, Happening::ToUs);
        }
        is_busy
    }
}

fn flow(local: ([u8; 4], u16), remote: ([u8; 4], u16)) -> Flow {
    Flow {
        transport: Transport::Udp,
        local: SocketAddr::from(local),
        remote: SocketAddr::from(remote),
    }
}
