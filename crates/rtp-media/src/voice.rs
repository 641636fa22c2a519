//! Tells sound from silence in 8 kHz audio, whatever the line's noise.

/// Samples in a frame of 10 ms.
pub(crate) const FRAME: usize = 80;

/// Sub-blocks of 200 ms over which the quietest moment is remembered: 2.4 s, in which every speaker
/// dips between two syllables.
const BLOCKS: usize = 12;
const BLOCK_FRAMES: u32 = 20;

/// Voice activity by minimum statistics: what stands out of the quietest moment of the last seconds.
#[derive(Debug, Clone)]
pub(crate) struct Activity {
    smooth: f32,
    minima: [f32; BLOCKS],
    current: f32,
    frames: u32,
    /// Least mean square that counts as sound.
    least: f32,
    partial: [i16; FRAME],
    filled: usize,
}

impl Activity {
    /// Sound must reach `least` dBm0 at least.
    pub(crate) fn new(least: f32) -> Activity {
        let least = crate::dtmf::amplitude(least).powi(2) / 2.0;
        Activity {
            smooth: 0.0,
            // The line before the first word is taken for quiet.
            minima: [least / 8.0; BLOCKS],
            current: f32::MAX,
            frames: 0,
            least,
            partial: [0; FRAME],
            filled: 0,
        }
    }

    /// Cuts `samples` into frames of 10 ms, and tells for each whether it sounds.
    pub(crate) fn push(&mut self, mut samples: &[i16], mut each: impl FnMut(bool, &[i16; FRAME])) {
        while !samples.is_empty() {
            let taken = samples.len().min(FRAME - self.filled);
            self.partial[self.filled..self.filled + taken].copy_from_slice(&samples[..taken]);
            self.filled += taken;
            samples = &samples[taken..];
            if self.filled == FRAME {
                self.filled = 0;
                let frame = self.partial;
                let is_loud = self.frame(&frame);
                each(is_loud, &frame);
            }
        }
    }

    fn frame(&mut self, frame: &[i16; FRAME]) -> bool {
        let power = frame.iter().map(|&s| f32::from(s).powi(2)).sum::<f32>() / FRAME as f32;
        self.smooth = 0.4 * self.smooth + 0.6 * power;
        self.current = self.current.min(self.smooth);
        self.frames += 1;
        if self.frames == BLOCK_FRAMES {
            self.frames = 0;
            self.minima.rotate_left(1);
            self.minima[BLOCKS - 1] = self.current;
            self.current = f32::MAX;
        }
        let floor = self.minima.iter().fold(self.current, |a, &b| a.min(b));
        power > self.least && self.smooth > 4.0 * floor
    }
}
