//! The exchange: gives each incoming call to its telephone, and carries out what the telephone does.

use std::{
    collections::{BTreeSet, HashMap},
    path::PathBuf,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use bytes::Bytes;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rtp_media::{
    Codec, Session,
    sdp::{self, OfferSettings},
};
use sip_core::{CallId, Cause, Endpoint, Event, Origin, Party, StatusCode};

use super::{
    behaviour::{Deed, KeyPath},
    counts::Counts,
    media::{Line, Local, Media},
    phones::{Phones, international},
    sound::Sounds,
    telephone::{Act, Telephone},
};

/// How often the counts are written and silent calls are looked for.
const ROUND: Duration = Duration::from_millis(500);

/// What the exchange is told at the start.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Draws what is left to chance: the same seed and the same calls give the same behaviour.
    pub seed: u64,
    /// Human times are divided by this.
    pub pace: f64,
    /// An answered call in which nothing is heard for this long is hung up. Not scaled.
    pub silence: Duration,
    /// Where the counts are written.
    pub counts: Option<PathBuf>,
}

/// All telephones of the carrier and the calls to them.
pub struct Exchange {
    settings: Settings,
    phones: Phones,
    sounds: Sounds,
    media: Media,
    started: Instant,
    calls: HashMap<CallId, Call>,
    /// Telephones that are ringing or off the hook.
    engaged: HashMap<String, CallId>,
    alarms: BTreeSet<(Instant, CallId)>,
    next_round: Instant,
    counts: Counts,
}

struct Call {
    number: String,
    telephone: Telephone,
    alarm: Option<Instant>,
    media: Prepared,
    line: Option<Line>,
    is_up: bool,
    /// When key 1 was pressed first, in milliseconds since the start.
    pressed_1_ms: Option<u64>,
    /// Packets heard at the last look, and when that number last grew.
    heard: (u64, Instant),
}

/// Media agreed upon but not yet flowing.
struct Prepared {
    local: Local,
    answer: Bytes,
    session: Session,
}

impl Exchange {
    /// An exchange without calls.
    pub fn new(now: Instant, settings: Settings, phones: Phones, media: Media) -> Exchange {
        Exchange {
            settings,
            phones,
            sounds: Sounds::new(),
            media,
            started: now,
            calls: HashMap::new(),
            engaged: HashMap::new(),
            alarms: BTreeSet::new(),
            next_round: now,
            counts: Counts::default(),
        }
    }

    /// What has been counted so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The endpoint noticed something.
    pub fn handle_event(&mut self, now: Instant, endpoint: &mut Endpoint, event: Event) {
        match event {
            Event::Incoming { call, to, sdp, .. } => self.take(now, endpoint, call, &to.user, sdp.as_deref()),
            Event::Confirmed { call } => {
                if let Some(state) = self.calls.get_mut(&call) {
                    state.is_up = true;
                    state.heard.1 = now;
                    state.telephone.handle_up(now);
                    self.counts.answered += 1;
                    self.counts.numbers.entry(state.number.clone()).or_default().answered += 1;
                }
                self.follow(now, endpoint, call);
            }
            Event::Offer { call, sdp } => self.renegotiate(now, endpoint, call, &sdp),
            Event::OfferWanted { call } => {
                let Some(state) = self.calls.get(&call) else { return };
                // Should it fail, the call is over and its end follows as an event.
                let _ = endpoint.answer_offer(now, call, state.media.answer.clone());
            }
            Event::Ended { call, by, cause } => self.finish(call, by, &cause),
            _ => {}
        }
    }

    /// Time has come.
    pub fn handle_timeout(&mut self, now: Instant, endpoint: &mut Endpoint) {
        while let Some(&(at, call)) = self.alarms.first() {
            if at > now {
                break;
            }
            self.alarms.pop_first();
            if let Some(state) = self.calls.get_mut(&call) {
                state.alarm = None;
                let has_heard = state.line.as_ref().is_some_and(|line| line.heard() > 0);
                state.telephone.handle_timeout(now, has_heard);
                self.follow(now, endpoint, call);
            }
        }
        if now >= self.next_round {
            self.next_round = now + ROUND;
            self.hang_up_dead_calls(now, endpoint);
            self.write_counts(now);
        }
    }

    /// When [`Exchange::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        Some(
            self.alarms
                .first()
                .map_or(self.next_round, |(at, _)| (*at).min(self.next_round)),
        )
    }

    /// Writes the counts now. What cannot be written is told on standard error; the calls go on.
    pub fn write_counts(&mut self, now: Instant) {
        self.counts.at_ms = self.elapsed_ms(now);
        self.counts.heard_packets = self.media.totals().heard.load(Ordering::Relaxed);
        self.counts.sent_packets = self.media.totals().sent.load(Ordering::Relaxed);
        if let Some(path) = &self.settings.counts
            && let Err(error) = self.counts.write(path)
        {
            eprintln!("carrier: cannot write {}: {error}", path.display());
        }
    }

    fn elapsed_ms(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.started).as_millis() as u64
    }

    /// A call arrives.
    fn take(&mut self, now: Instant, endpoint: &mut Endpoint, call: CallId, user: &str, offer: Option<&[u8]>) {
        let number = international(user);
        let at_ms = self.elapsed_ms(now);
        self.counts.calls += 1;
        let seen = self.counts.numbers.entry(number.clone()).or_default();
        let attempt = seen.calls;
        seen.calls += 1;
        seen.last_call_ms = Some(at_ms);
        seen.rung_after_thanks += u64::from(seen.thanked > 0);

        let Some(behaviour) = self.phones.behaviour(&number, attempt as usize) else {
            self.counts.unknown_numbers += 1;
            return self.refuse(now, endpoint, call, &number, 404, None);
        };
        if self.engaged.contains_key(&number) {
            return self.refuse(now, endpoint, call, &number, 486, None);
        }
        let Some(media) = offer.and_then(|offer| self.prepare(offer)) else {
            return self.refuse(now, endpoint, call, &number, 488, None);
        };
        let mut rng = ChaCha8Rng::seed_from_u64(self.settings.seed ^ fingerprint(&number, attempt));
        let plan = behaviour.plan(&mut rng, self.settings.pace);
        let state = Call {
            number: number.clone(),
            telephone: Telephone::new(now, plan),
            alarm: None,
            media,
            line: None,
            is_up: false,
            pressed_1_ms: None,
            heard: (0, now),
        };
        self.calls.insert(call, state);
        self.engaged.insert(number, call);
        self.counts.concurrent = self.calls.len() as u64;
        self.counts.concurrent_max = self.counts.concurrent_max.max(self.counts.concurrent);
        self.follow(now, endpoint, call);
    }

    fn prepare(&self, offer: &[u8]) -> Option<Prepared> {
        let local = self.media.local();
        let mut settings = OfferSettings::new(local.address, u64::from(local.address.port()));
        settings.codecs = vec![Codec::Pcma];
        let (answer, session) = sdp::answer(offer, &settings).ok()?;
        Some(Prepared { local, answer, session })
    }

    /// A new offer inside the call: what the other side may hear and where it listens may change.
    fn renegotiate(&mut self, now: Instant, endpoint: &mut Endpoint, call: CallId, offer: &[u8]) {
        let Some(state) = self.calls.get_mut(&call) else { return };
        let mut settings = OfferSettings::new(state.media.local.address, u64::from(state.media.local.address.port()));
        settings.codecs = vec![Codec::Pcma];
        settings.version = 2;
        // Both calls fail only if the call is over; then its end follows as an event.
        let _ = match sdp::answer(offer, &settings) {
            Ok((answer, session)) => {
                if session.remote != state.media.session.remote {
                    state.line = Some(open(&self.media, state.media.local, &session));
                }
                state.media.session = session;
                endpoint.answer_offer(now, call, answer)
            }
            Err(_) => endpoint.refuse_offer(now, call, status(488)),
        };
    }

    /// Carries out what the telephone wants, and sets its alarm.
    fn follow(&mut self, now: Instant, endpoint: &mut Endpoint, call: CallId) {
        while let Some(act) = self.calls.get_mut(&call).and_then(|state| state.telephone.poll_act()) {
            self.perform(now, endpoint, call, act);
        }
        if let Some(state) = self.calls.get_mut(&call) {
            let due = state.telephone.poll_timeout();
            if due != state.alarm {
                if let Some(old) = state.alarm {
                    self.alarms.remove(&(old, call));
                }
                if let Some(due) = due {
                    self.alarms.insert((due, call));
                }
                state.alarm = due;
            }
        }
    }

    fn perform(&mut self, now: Instant, endpoint: &mut Endpoint, call: CallId, act: Act) {
        let Some(state) = self.calls.get_mut(&call) else { return };
        // A request that the endpoint does not carry out means that the call has just ended; that follows as an event.
        match act {
            Act::Ring => {
                let _ = endpoint.ring(now, call, None);
            }
            Act::Answer => {
                state.line = Some(open(&self.media, state.media.local, &state.media.session));
                state.heard = (0, now);
                *self.counts.statuses.entry(200).or_default() += 1;
                self.counts.numbers.entry(state.number.clone()).or_default().last_status = Some(200);
                let _ = endpoint.answer(now, call, state.media.answer.clone());
            }
            Act::Refuse(code, retry_after) => {
                let number = state.number.clone();
                self.refuse(now, endpoint, call, &number, code, retry_after);
            }
            Act::Do(Deed::Leave) => {
                self.counts.byes_sent += 1;
                let _ = endpoint.hang_up(now, call);
            }
            Act::Do(deed) => {
                let Some(line) = &state.line else { return };
                match deed {
                    Deed::Greet => line.play(&self.sounds.greeting),
                    Deed::Announce => line.play(&self.sounds.announcement),
                    Deed::Press(key, path) => {
                        if path == KeyPath::Events && state.media.session.events_out.is_some() {
                            line.press(key);
                        } else if let Some(tones) = self.sounds.key(key) {
                            line.play(tones);
                        }
                        *self.counts.keys.entry(key).or_default() += 1;
                        if key == '1' && state.pressed_1_ms.is_none() {
                            state.pressed_1_ms = Some(self.started.elapsed().as_millis() as u64);
                            self.counts.numbers.entry(state.number.clone()).or_default().pressed_1 += 1;
                        }
                    }
                    Deed::Leave => {}
                }
            }
        }
    }

    fn refuse(
        &mut self,
        now: Instant,
        endpoint: &mut Endpoint,
        call: CallId,
        number: &str,
        code: u16,
        retry_after: Option<u32>,
    ) {
        *self.counts.statuses.entry(code).or_default() += 1;
        self.counts.numbers.entry(number.to_owned()).or_default().last_status = Some(code);
        let pause = retry_after.map(|seconds| Duration::from_secs(u64::from(seconds)));
        // Fails only if the caller has given up meanwhile.
        let _ = endpoint.reject_after(now, call, status(code), pause);
    }

    fn finish(&mut self, call: CallId, by: Party, cause: &Cause) {
        let Some(state) = self.calls.remove(&call) else { return };
        if let Some(alarm) = state.alarm {
            self.alarms.remove(&(alarm, call));
        }
        if self.engaged.get(&state.number) == Some(&call) {
            self.engaged.remove(&state.number);
        }
        self.counts.concurrent = self.calls.len() as u64;
        let at_ms = self.started.elapsed().as_millis() as u64;
        let seen = self.counts.numbers.entry(state.number).or_default();
        if state.is_up {
            self.counts.unheard += u64::from(state.line.is_none_or(|line| line.heard() == 0));
            if by == Party::Remote && cause.origin == Origin::Remote {
                self.counts.byes_received += 1;
                if let Some(pressed_ms) = state.pressed_1_ms {
                    seen.thanked += 1;
                    seen.thanked_ms.get_or_insert(at_ms);
                    seen.waited_ms.get_or_insert(at_ms.saturating_sub(pressed_ms));
                }
            }
        } else if by == Party::Remote && cause.origin == Origin::Remote {
            self.counts.cancelled += 1;
            *self.counts.statuses.entry(487).or_default() += 1;
            seen.last_status = Some(487);
        }
    }

    /// A caller that has died sends nothing any more, and no BYE: as any carrier does, end such calls.
    fn hang_up_dead_calls(&mut self, now: Instant, endpoint: &mut Endpoint) {
        for (call, state) in &mut self.calls {
            let Some(line) = &state.line else { continue };
            let heard = line.heard();
            if heard != state.heard.0 {
                state.heard = (heard, now);
            } else if now.saturating_duration_since(state.heard.1) >= self.settings.silence {
                state.heard.1 = now;
                self.counts.lost += u64::from(state.is_up);
                let _ = endpoint.hang_up(now, *call);
                // The receiver is back on its hook, however long the endpoint still waits for a caller who has died.
                if self.engaged.get(&state.number) == Some(call) {
                    self.engaged.remove(&state.number);
                }
            }
        }
    }
}

fn open(media: &Media, local: Local, session: &Session) -> Line {
    media.open(
        local,
        session.remote,
        session.payload_type,
        session.events_out.map(|events| events.payload_type),
    )
}

/// Codes come from behaviours, which check them; a wrong one becomes 500.
fn status(code: u16) -> StatusCode {
    StatusCode::new(code).unwrap_or(StatusCode::SERVER_INTERNAL_ERROR)
}

/// FNV-1a over the number and the attempt: what chance draws for a call does not depend on the order of calls.
fn fingerprint(number: &str, attempt: u64) -> u64 {
    number
        .bytes()
        .chain(attempt.to_le_bytes())
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
}
