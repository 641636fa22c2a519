//! Identifiers that nobody can guess: branches, tags, Call-IDs.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Draws identifiers from a seed.
#[derive(Debug)]
pub(crate) struct Ids(ChaCha8Rng);

impl Ids {
    pub fn new(seed: [u8; 32]) -> Ids {
        Ids(ChaCha8Rng::from_seed(seed))
    }

    /// 64 random bits.
    pub fn draw(&mut self) -> u64 {
        self.0.random()
    }

    /// A number in `0..bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0.random_range(0..bound.max(1))
    }
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// `value` as 16 hexadecimal digits.
pub(crate) fn hex(value: u64) -> [u8; 16] {
    std::array::from_fn(|i| DIGITS[(value >> (60 - 4 * i)) as usize & 15])
}

/// The value of exactly 16 lower-case hexadecimal digits.
pub(crate) fn unhex(text: &[u8]) -> Option<u64> {
    if text.len() != 16 {
        return None;
    }
    text.iter().try_fold(0, |value, &c| {
        let digit = match c {
            b'0'..=b'9' => c - b'0',
            b'a'..=b'f' => c - b'a' + 10,
            _ => return None,
        };
        Some(value << 4 | u64::from(digit))
    })
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex_bytes(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|b| [DIGITS[usize::from(b >> 4)] as char, DIGITS[usize::from(b & 15)] as char])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_goes_there_and_back() {
        for value in [0, 1, 0x0123_4567_89ab_cdef, u64::MAX] {
            assert_eq!(unhex(&hex(value)), Some(value));
        }
        for text in ["", "0", "0123456789abcdeF", "0123456789abcde", "0123456789abcdef0"] {
            assert_eq!(unhex(text.as_bytes()), None, "{text}");
        }
        assert_eq!(hex_bytes(&[0, 0xa5, 255]), "00a5ff");
    }
}
