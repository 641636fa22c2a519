//! Hears keys in the audio (ITU-T Q.23, Q.24).

/// Hears the two tones of a key in 8 kHz audio.
#[derive(Debug, Clone, Default)]
pub struct InBand {}

impl InBand {
    /// A detector that has heard nothing.
    pub fn new() -> InBand {
        InBand::default()
    }

    /// The next samples, of any number; best in frames of 160. The key, once, when it is sure.
    pub fn push(&mut self, _samples: &[i16]) -> Option<char> {
        None
    }

    /// A gap of `samples`, whose audio was lost on the way: a key goes on over it.
    pub fn lost(&mut self, _samples: usize) {}
}
