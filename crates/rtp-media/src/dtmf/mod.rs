//! Keys: as telephone events (RFC 4733) and as tones in the audio (ITU-T Q.23, Q.24).

mod event;
#[cfg(test)]
mod event_tests;
mod generate;
mod inband;
#[cfg(test)]
mod inband_tests;
mod spectrum;

pub use event::{EventPacket, EventReceiver, EventSender, Step};
pub use generate::{Tone, amplitude, digit_tones};
pub use inband::InBand;

/// The sixteen keys in the order of their RFC 4733 event codes 0 to 15.
pub const KEYS: [char; 16] = [
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D',
];

/// Frequencies of the rows, in Hz (Q.23).
pub const ROWS: [f32; 4] = [697.0, 770.0, 852.0, 941.0];

/// Frequencies of the columns, in Hz (Q.23).
pub const COLUMNS: [f32; 4] = [1_209.0, 1_336.0, 1_477.0, 1_633.0];

/// The key at a row and a column.
const PAD: [[char; 4]; 4] = [
    ['1', '2', '3', 'A'],
    ['4', '5', '6', 'B'],
    ['7', '8', '9', 'C'],
    ['*', '0', '#', 'D'],
];

/// The RFC 4733 event code of a key; lower-case letters count as upper-case.
pub fn event_code(key: char) -> Option<u8> {
    KEYS.iter()
        .position(|&k| k == key.to_ascii_uppercase())
        .map(|i| i as u8)
}

/// Row and column of a key.
pub fn position(key: char) -> Option<(usize, usize)> {
    let key = key.to_ascii_uppercase();
    (0..4)
        .flat_map(|row| (0..4).map(move |column| (row, column)))
        .find(|&(row, column)| PAD[row][column] == key)
}

/// Frequency in Hz and purity of the single tone near `omega` radians per sample.
pub(crate) fn spectrum_tone(samples: &[f32], mut omega: f32) -> (f32, f32) {
    let piece = spectrum::Piece::new(samples);
    omega += piece.measure(omega).0;
    omega += piece.measure(omega).0;
    (
        omega / spectrum::omega(1.0),
        piece.measure(omega).1 / piece.power().max(1.0),
    )
}

/// Mean square of the tone at `hz`, without a window.
pub(crate) fn flat_power(samples: &[f32], hz: f32) -> f32 {
    spectrum::flat_power(samples, spectrum::omega(hz))
}
