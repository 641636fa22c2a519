//! Hears keys in the audio (ITU-T Q.23, Q.24).
//!
//! Three steps, each only for what passed the one before:
//!
//! 1. Every frame of 20 ms: its energy, then the eight nominal frequencies under a Hann window. A frame is a candidate if
//!    one row and one column hold about half of its power. Anything else ends here, at some hundred nanoseconds.
//! 2. A candidate's two frequencies are refined, and the share of power that they explain is measured; if it fits, the key
//!    is followed in windows of 10 ms each 5 ms, back into the frames before and on into those that come. The amplitude in
//!    these windows adds up to how long the key was held, to about a millisecond, and bridges short dropouts. A hole of
//!    15 to 25 ms may be a dropout or the pause before the same key again: a dropout leaves the phase of both tones where
//!    it would have been, a second press begins with another one.
//! 3. Once it has lasted long enough, the whole of it is judged: frequencies, twist, and what else is in the sound. The
//!    longer the piece, the sharper the judgement, which is what keeps speech out.

use std::f32::consts::TAU;

use super::spectrum::{self, Carrier, HOP, WINDOW};
use super::{COLUMNS, PAD, ROWS};

/// Samples in a frame of 20 ms.
const FRAME: usize = 160;

/// Frames that are kept to look back.
const FRAMES: usize = 4;

/// Windows within the kept frames.
const WINDOWS: usize = FRAMES * FRAME / HOP - 1;

/// Windows that each new frame completes.
const NEW_WINDOWS: usize = FRAME / HOP;

/// Limits of what is heard as a key: Q.24's, with the margins that the bench shows to be free of errors.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// Least mean square of a frame: about −45 dBm0.
    power: f32,
    /// Mean square of a window below which it is taken for zero: less than a sixteenth of the least `power`, at which a key
    /// counts as absent anyway.
    silence: f32,
    /// Share of a candidate frame's power that the two nominal tones must hold.
    candidate: f32,
    /// Share of power that the refined tones must explain: first of the frame, then of the whole key.
    frame_purity: f32,
    purity: f32,
    /// The same for a key whose frequencies deviate by more than `exact`.
    edge_purity: f32,
    exact: f32,
    /// Deviation of a frequency, as a share: of the frame, then of the whole key. Q.24: 1.5 % accepted, 3.5 % refused.
    frame_offset: f32,
    offset: f32,
    /// Highest ratio of the two tones' powers.
    twist: f32,
    /// How long it must last, in windows of 5 ms. Q.24: 40 ms accepted, 23 ms refused.
    windows: f32,
    /// Share of power below the rows that is let pass in an impure key: noise spreads, a voice has its fundamental there.
    voice: f32,
    /// Least windows in one piece.
    piece: usize,
    /// Highest change of power between the halves of a key, and of its two frequencies as a share.
    swell: f32,
    glide: [f32; 2],
    /// Change of both frequencies the same way that an impure key may have.
    parallel: f32,
    /// Share of its power in a frame that a key fills.
    held: f32,
    /// Lowest share of power that a key and a dial tone below it explain together, and the dial tone's place in Hz.
    dial_purity: f32,
    dial: [f32; 2],
    /// So many windows without it end a key.
    pause: u32,
    /// The same, looking back from where it was found: what is before may be another key, close by in frequency.
    back: u32,
    /// From so many on it depends on the phase: a dropout keeps it, a second press begins with another. 10 ms are bridged.
    hole: u32,
    /// Highest jump of the phase over a dropout, in radians.
    jump: f32,
}

const LIMITS: Limits = Limits {
    power: 4_000.0,
    silence: 240.0,
    candidate: 0.45,
    frame_purity: 0.6,
    purity: 0.735,
    edge_purity: 0.85,
    exact: 0.0175,
    frame_offset: 0.029,
    offset: 0.0245,
    twist: 8.9, // 9.5 dB
    windows: 6.3,
    voice: 0.08,
    piece: 5,
    swell: 1.9,
    glide: [0.022, 0.016],
    parallel: 0.006,
    held: 0.8,
    dial_purity: 0.97,
    dial: [330.0, 480.0],
    pause: 6,
    back: 5,
    hole: 3,
    jump: 0.5,
};

/// Hears the two tones of a key in 8 kHz audio.
#[derive(Debug, Clone)]
pub struct InBand {
    /// The last frames, as a ring; `next` is the oldest.
    frames: [[i16; FRAME]; FRAMES],
    next: usize,
    /// Which of them are silent, and not kept: most people only listen, and memory that is not touched costs nothing.
    silent: [bool; FRAMES],
    filled: usize,
    lost: usize,
    track: Option<Box<Track>>,
    /// A second key that one long push held.
    waiting: Option<char>,
    /// Samples of an incomplete frame.
    partial: [i16; FRAME],
}

/// A key that is being followed.
#[derive(Debug, Clone)]
struct Track {
    row: usize,
    column: usize,
    /// Refined frequencies in radians per sample, and amplitudes.
    omega: [f32; 2],
    carriers: [Carrier; 2],
    power: f32,
    /// Presence in each kept window, about 1 while the key is held.
    presence: [f32; WINDOWS],
    /// Sum of presence since the start.
    lasted: f32,
    absent: u32,
    /// Windows of a hole that may be a pause, once it has ended, and windows since.
    hole: u32,
    since: u32,
    is_reported: bool,
}

impl Default for InBand {
    fn default() -> Self {
        InBand {
            frames: [[0; FRAME]; FRAMES],
            next: 0,
            silent: [true; FRAMES],
            filled: 0,
            lost: 0,
            track: None,
            waiting: None,
            partial: [0; FRAME],
        }
    }
}

impl InBand {
    /// A detector that has heard nothing.
    pub fn new() -> InBand {
        InBand::default()
    }

    /// The next samples, of any number; best in multiples of 160. The key, once, when it is sure: 32 to 60 ms after its start.
    pub fn push(&mut self, mut samples: &[i16]) -> Option<char> {
        let mut heard = self.waiting.take();
        while !samples.is_empty() {
            let digit = match samples.first_chunk::<FRAME>() {
                Some(frame) if self.filled == 0 => {
                    samples = &samples[FRAME..];
                    self.frame(frame)
                }
                _ => {
                    let taken = samples.len().min(FRAME - self.filled);
                    self.partial[self.filled..self.filled + taken].copy_from_slice(&samples[..taken]);
                    self.filled += taken;
                    samples = &samples[taken..];
                    if self.filled < FRAME {
                        break;
                    }
                    self.filled = 0;
                    let frame = self.partial;
                    self.frame(&frame)
                }
            };
            match (heard, digit) {
                (None, digit) => heard = digit,
                (Some(_), Some(_)) => self.waiting = digit,
                (Some(_), None) => {}
            }
        }
        heard
    }

    /// A gap of `samples`, whose audio was lost on the way: a key goes on over 100 ms of it, as if time had stood still.
    pub fn lost(&mut self, samples: usize) {
        self.lost += samples;
        if self.lost > 800 {
            self.track = None;
        }
    }

    fn frame(&mut self, frame: &[i16; FRAME]) -> Option<char> {
        self.lost = 0;
        let energy = spectrum::energy(frame);
        self.silent[self.next] = energy < LIMITS.silence * WINDOW as f32;
        if !self.silent[self.next] {
            self.frames[self.next] = *frame;
        }
        self.next = (self.next + 1) % FRAMES;
        let candidate = candidate(frame, energy);
        match (&mut self.track, &candidate) {
            (None, None) => None,
            (Some(track), Some(candidate)) if track.is_held(candidate) => {
                track.hold();
                None
            }
            _ => self.follow(candidate, energy),
        }
    }

    /// Steps 2 and 3, off the common path.
    #[inline(never)]
    fn follow(&mut self, candidate: Option<Candidate>, energy: f32) -> Option<char> {
        let mut history = [0.0; FRAMES * FRAME];
        // Of a key that was reported, only the end is waited for.
        let is_ending = candidate.is_none() && self.track.as_ref().is_some_and(|t| t.is_reported && !t.has_hole());
        for i in if is_ending { FRAMES - 2 } else { 0 }..FRAMES {
            let place = (self.next + i) % FRAMES;
            if self.silent[place] {
                continue;
            }
            let frame = &self.frames[place];
            for (to, &from) in history[i * FRAME..].iter_mut().zip(frame) {
                *to = f32::from(from);
            }
        }
        if let Some(track) = &mut self.track {
            track.advance(&history, energy);
            if track.absent >= LIMITS.pause {
                self.track = None;
            } else if track.is_reported {
                track.split(&history);
            }
        }
        if let Some(candidate) = candidate {
            let is_same = |t: &Track| t.is_of(&candidate);
            let is_free = self
                .track
                .as_ref()
                .is_none_or(|t| !is_same(t) && (t.absent >= 2 || t.hole > 0 || !t.is_reported));
            if is_free && let Some(track) = Track::start(&candidate, &history) {
                self.track = Some(Box::new(track));
            }
        }
        let track = self.track.as_mut()?;
        if track.is_reported || track.lasted < LIMITS.windows || !track.is_key(&history) {
            return None;
        }
        // A hole that the key needed to be long enough is part of it.
        (track.is_reported, track.hole) = (true, 0);
        Some(PAD[track.row][track.column])
    }
}

/// Row and column that hold enough of a frame's power.
struct Candidate {
    row: usize,
    column: usize,
    /// Mean square of both tones.
    power: f32,
}

#[inline]
fn candidate(samples: &[i16; FRAME], energy: f32) -> Option<Candidate> {
    if energy < LIMITS.power * FRAME as f32 {
        return None;
    }
    let powers = spectrum::bank(samples);
    let best = |from: usize| (from..from + 4).fold(from, |best, i| if powers[i] > powers[best] { i } else { best });
    let (row, column) = (best(0), best(4));
    let (low, high) = (powers[row], powers[column]);
    let is_pure = low + high > LIMITS.candidate * energy / FRAME as f32;
    let is_even = low < 1.6 * LIMITS.twist * high && high < 1.6 * LIMITS.twist * low;
    (is_pure && is_even).then_some(Candidate {
        row,
        column: column - 4,
        power: low + high,
    })
}

/// The two tones of a piece of sound.
struct Pair {
    omega: [f32; 2],
    /// Mean square of each.
    powers: [f32; 2],
    /// Share of all power that they explain.
    purity: f32,
}

impl Pair {
    /// Refines both frequencies from a first guess.
    fn fit(samples: &[f32], mut omega: [f32; 2], rounds: u32) -> Pair {
        let piece = spectrum::Piece::new(samples);
        let mut powers = [0.0; 2];
        for (omega, power) in omega.iter_mut().zip(&mut powers) {
            *power = (0..rounds)
                .find_map(|_| {
                    let (shift, power) = piece.measure(*omega);
                    *omega += shift;
                    // So little that the power at the old place is that at the new one, to a quarter of a percent.
                    (shift.abs() * (samples.len() as f32) < 0.15).then_some(power)
                })
                .unwrap_or_else(|| piece.tone_power(*omega));
        }
        let purity = (powers[0] + powers[1]) / piece.power().max(1.0);
        Pair { omega, powers, purity }
    }

    /// The larger deviation of both frequencies from those of a key, as a share.
    fn offset(&self, row: usize, column: usize) -> f32 {
        let deviation = |omega: f32, hz: f32| (omega / spectrum::omega(hz) - 1.0).abs();
        deviation(self.omega[0], ROWS[row]).max(deviation(self.omega[1], COLUMNS[column]))
    }

    /// Do both halves of the piece hold the same tones as loud? A voice glides and swells.
    fn is_steady(&self, piece: &[f32]) -> bool {
        let half = piece.len() / 2;
        let [first, second] = [&piece[..half], &piece[piece.len() - half..]].map(|half| {
            let half = spectrum::Piece::new(half);
            self.omega.map(|omega| half.measure(omega))
        });
        let loudness = (first[0].1 + first[1].1) / (second[0].1 + second[1].1).max(1.0);
        let glide = [0, 1].map(|i| (first[i].0 - second[i].0) / self.omega[i]);
        // Two harmonics of a voice glide together; what noise does to two tones is independent.
        let is_voice = self.purity < LIMITS.edge_purity
            && glide[0] * glide[1] > 0.0
            && glide.iter().all(|g| g.abs() > LIMITS.parallel);
        (1.0 / LIMITS.swell..LIMITS.swell).contains(&loudness)
            && glide[0].abs() < LIMITS.glide[0]
            && glide[1].abs() < LIMITS.glide[1]
            && !is_voice
    }

    /// Is all that is left one steady tone, where dial tones are?
    fn is_over_dial_tone(&self, piece: &[f32]) -> bool {
        let sound = spectrum::Piece::new(piece);
        let [from, to] = LIMITS.dial.map(spectrum::omega);
        let mut omega = spectrum::omega(425.0);
        for _ in 0..2 {
            omega += sound.measure(omega).0;
        }
        let explained = sound.tone_power(omega) / sound.power().max(1.0) + self.purity;
        explained > LIMITS.dial_purity && (from..to).contains(&omega)
    }

    fn is_even(&self) -> bool {
        let [low, high] = self.powers;
        low < LIMITS.twist * high && high < LIMITS.twist * low
    }
}

impl Track {
    /// A candidate frame that is a key's, with what came before it.
    fn start(&Candidate { row, column, .. }: &Candidate, history: &[f32; FRAMES * FRAME]) -> Option<Track> {
        let pair = Pair::fit(
            &history[(FRAMES - 1) * FRAME..],
            [spectrum::omega(ROWS[row]), spectrum::omega(COLUMNS[column])],
            2,
        );
        if pair.purity < LIMITS.frame_purity || pair.offset(row, column) > LIMITS.frame_offset || !pair.is_even() {
            return None;
        }
        let mut track = Track {
            row,
            column,
            omega: pair.omega,
            carriers: pair.omega.map(Carrier::new),
            power: pair.powers[0] + pair.powers[1],
            presence: [0.0; WINDOWS],
            lasted: 0.0,
            absent: 0,
            hole: 0,
            since: 0,
            is_reported: false,
        };
        let mut absent = 0;
        for index in (0..WINDOWS).rev() {
            let presence = track.presence_in(history, index);
            absent = if presence < 0.5 { absent + 1 } else { 0 };
            if absent >= LIMITS.back {
                break;
            }
            track.presence[index] = presence;
            track.lasted += presence;
        }
        Some(track)
    }

    /// How much of a window the key fills: 1 if all.
    fn presence_in(&self, history: &[f32; FRAMES * FRAME], index: usize) -> f32 {
        let Some(window) = history[index * HOP..].first_chunk::<WINDOW>() else {
            return 0.0;
        };
        let power = self.carriers[0].power(window) + self.carriers[1].power(window);
        let presence = (power / self.power).sqrt();
        if presence < 0.25 { 0.0 } else { presence.min(1.1) }
    }

    fn is_of(&self, candidate: &Candidate) -> bool {
        (self.row, self.column) == (candidate.row, candidate.column)
    }

    /// Does a key that was reported fill the whole of a frame? A hole of 12 ms takes a quarter of the power or more.
    fn is_held(&self, candidate: &Candidate) -> bool {
        self.is_reported
            && !self.has_hole()
            && self.is_of(candidate)
            && (LIMITS.held..1.0 / LIMITS.held).contains(&(candidate.power / self.power))
    }

    /// [`Track::advance`] without a look at the sound.
    fn hold(&mut self) {
        self.presence.copy_within(NEW_WINDOWS.., 0);
        self.presence[WINDOWS - NEW_WINDOWS..].fill(1.0);
    }

    /// The windows that a new frame of some energy completes.
    fn advance(&mut self, history: &[f32; FRAMES * FRAME], energy: f32) {
        self.presence.copy_within(NEW_WINDOWS.., 0);
        // So quiet that no window within it can hold a quarter of the key's amplitude.
        let is_quiet = energy < 0.01 * FRAME as f32 * self.power;
        for index in WINDOWS - NEW_WINDOWS..WINDOWS {
            let is_within = index * HOP >= (FRAMES - 1) * FRAME;
            let presence = if is_quiet && is_within {
                0.0
            } else {
                self.presence_in(history, index)
            };
            self.presence[index] = presence;
            self.lasted += presence;
            if presence < 0.5 {
                (self.absent, self.hole) = (self.absent + 1, 0);
                if self.absent >= LIMITS.pause {
                    break;
                }
            } else {
                if self.absent >= LIMITS.hole {
                    (self.hole, self.since) = (self.absent, 0);
                }
                self.absent = 0;
                self.since += 1;
            }
        }
    }

    fn has_hole(&self) -> bool {
        self.absent > 0 || self.hole > 0
    }

    /// Was the hole that has ended a pause between two presses? Then what follows is a key of its own.
    fn split(&mut self, history: &[f32; FRAMES * FRAME]) {
        if self.hole == 0 || self.since < 2 {
            return;
        }
        let end = WINDOWS - self.since as usize;
        let start = end.saturating_sub(self.hole as usize);
        self.hole = 0;
        // From the middles of the outermost empty windows.
        let middle = |window: usize| window * HOP + WINDOW / 2;
        let before = middle(start).saturating_sub(FRAME)..middle(start);
        let after = middle(end - 1)..(middle(end - 1) + FRAME).min(history.len());
        let distance = (after.start + after.end - before.start - before.end) as f32 / 2.0;
        let (before, after) = (&history[before], &history[after]);
        let is_one = self.omega.iter().all(|&omega| {
            let jump = spectrum::phase(after, omega) - spectrum::phase(before, omega) - omega * distance;
            (jump - (jump / TAU).round() * TAU).abs() < LIMITS.jump
        });
        if !is_one {
            self.presence[..end].fill(0.0);
            self.lasted = self.presence[end..].iter().sum();
            self.is_reported = false;
        }
    }

    /// Judges the longest unbroken piece of the key.
    fn is_key(&mut self, history: &[f32; FRAMES * FRAME]) -> bool {
        let (mut best, mut start) = (0..0, 0);
        for (index, &presence) in self.presence.iter().enumerate() {
            if presence < 0.65 {
                start = index + 1;
            } else if index + 1 - start > best.len() {
                best = start..index + 1;
            }
        }
        if best.len() < LIMITS.piece {
            return false;
        }
        let piece = &history[best.start * HOP..(best.end - 1) * HOP + WINDOW];
        let pair = Pair::fit(piece, self.omega, 1);
        let offset = pair.offset(self.row, self.column);
        // Exact tones may stand in more noise than those at the edge, which speech often meets.
        let purity = if offset < LIMITS.exact {
            LIMITS.purity
        } else {
            LIMITS.edge_purity
        };
        let is_key = pair.purity > purity
            && pair.is_even()
            && offset < LIMITS.offset
            && pair.is_steady(piece)
            && (pair.purity > LIMITS.edge_purity
                || spectrum::low_share(piece) < LIMITS.voice
                || pair.is_over_dial_tone(piece));
        if is_key {
            (self.omega, self.power) = (pair.omega, pair.powers[0] + pair.powers[1]);
        }
        is_key
    }
}
