//! Hears keys in the audio (ITU-T Q.23, Q.24).
//!
//! Three steps, each only for what passed the one before:
//!
//! 1. Every frame of 20 ms: its energy, then the eight nominal frequencies under a Hann window. A frame is a candidate if
//!    one row and one column hold about half of its power. Anything else ends here, at some hundred nanoseconds.
//! 2. A candidate's two frequencies are refined, and the share of power that they explain is measured; if it fits, the key
//!    is followed in windows of 10 ms each 5 ms, back into the frames before and on into those that come. The amplitude in
//!    these windows adds up to how long the key was held, to about a millisecond, and bridges short dropouts.
//! 3. Once it has lasted long enough, the whole of it is judged: frequencies, twist, and what else is in the sound. The
//!    longer the piece, the sharper the judgement, which is what keeps speech out.

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
    /// So many windows without it end a key: 10 ms are bridged, 30 ms are a pause.
    pause: u32,
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
    pause: 5,
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
        if self.track.is_none() && candidate.is_none() {
            return None;
        }
        self.follow(candidate)
    }

    /// Steps 2 and 3, off the common path.
    #[inline(never)]
    fn follow(&mut self, candidate: Option<(usize, usize)>) -> Option<char> {
        let mut history = [0.0; FRAMES * FRAME];
        // Of a key that was reported, only the end is waited for.
        let is_reported = candidate.is_none() && self.track.as_ref().is_some_and(|t| t.is_reported);
        for i in if is_reported { FRAMES - 2 } else { 0 }..FRAMES {
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
            track.advance(&history);
            if track.absent >= LIMITS.pause {
                self.track = None;
            }
        }
        if let Some(key) = candidate {
            let is_same = |t: &Track| (t.row, t.column) == key;
            let is_free = self.track.as_ref().is_none_or(|t| t.absent >= 2 && !is_same(t));
            if is_free && let Some(track) = Track::start(key, &history) {
                self.track = Some(Box::new(track));
            }
        }
        let track = self.track.as_mut()?;
        if track.is_reported || track.lasted < LIMITS.windows || !track.is_key(&history) {
            return None;
        }
        track.is_reported = true;
        Some(PAD[track.row][track.column])
    }
}

/// Row and column that hold enough of the frame's power.
#[inline]
fn candidate(samples: &[i16; FRAME], energy: f32) -> Option<(usize, usize)> {
    if energy < LIMITS.power * FRAME as f32 {
        return None;
    }
    let powers = spectrum::bank(samples);
    let best = |from: usize| (from..from + 4).fold(from, |best, i| if powers[i] > powers[best] { i } else { best });
    let (row, column) = (best(0), best(4));
    let (low, high) = (powers[row], powers[column]);
    let is_pure = low + high > LIMITS.candidate * energy / FRAME as f32;
    let is_even = low < 1.6 * LIMITS.twist * high && high < 1.6 * LIMITS.twist * low;
    (is_pure && is_even).then_some((row, column - 4))
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
        for round in 0..=rounds {
            for (omega, power) in omega.iter_mut().zip(&mut powers) {
                let (shift, found) = piece.measure(*omega);
                *power = found;
                if round < rounds {
                    *omega += shift;
                }
            }
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
        let [first, second] = [&piece[..half], &piece[piece.len() - half..]].map(|half| Pair::fit(half, self.omega, 1));
        let loudness = (first.powers[0] + first.powers[1]) / (second.powers[0] + second.powers[1]).max(1.0);
        let glide = [0, 1].map(|i| first.omega[i] / second.omega[i] - 1.0);
        // Two harmonics of a voice glide together; what noise does to two tones is independent.
        let is_voice = self.purity < LIMITS.edge_purity
            && glide[0] * glide[1] > 0.0
            && glide.iter().all(|g| g.abs() > LIMITS.parallel);
        (1.0 / LIMITS.swell..LIMITS.swell).contains(&loudness)
            && glide[0].abs() < LIMITS.glide[0]
            && glide[1].abs() < LIMITS.glide[1]
            && !is_voice
    }

    fn is_even(&self) -> bool {
        let [low, high] = self.powers;
        low < LIMITS.twist * high && high < LIMITS.twist * low
    }
}

impl Track {
    /// A candidate frame that is a key's, with what came before it.
    fn start((row, column): (usize, usize), history: &[f32; FRAMES * FRAME]) -> Option<Track> {
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
            is_reported: false,
        };
        let mut absent = 0;
        for index in (0..WINDOWS).rev() {
            let presence = track.presence_in(history, index);
            absent = if presence < 0.5 { absent + 1 } else { 0 };
            if absent >= LIMITS.pause {
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

    /// The windows that a new frame completes.
    fn advance(&mut self, history: &[f32; FRAMES * FRAME]) {
        self.presence.copy_within(NEW_WINDOWS.., 0);
        for index in WINDOWS - NEW_WINDOWS..WINDOWS {
            let presence = self.presence_in(history, index);
            self.presence[index] = presence;
            self.lasted += presence;
            self.absent = if presence < 0.5 { self.absent + 1 } else { 0 };
            if self.absent >= LIMITS.pause {
                break;
            }
        }
    }

    /// Judges the longest unbroken piece of the key.
    fn is_key(&self, history: &[f32; FRAMES * FRAME]) -> bool {
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
        pair.purity > purity
            && pair.is_even()
            && offset < LIMITS.offset
            && pair.is_steady(piece)
            && (pair.purity > LIMITS.edge_purity || spectrum::low_share(piece) < LIMITS.voice)
    }
}
