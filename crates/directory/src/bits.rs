/// A set of row numbers below a fixed size, one bit a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bits {
    words: Vec<u64>,
    len: usize,
}

impl Bits {
    /// No row of `len`.
    pub(crate) fn none(len: usize) -> Bits {
        Bits {
            words: vec![0; len.div_ceil(64)],
            len,
        }
    }

    /// Every row of `len`.
    pub(crate) fn all(len: usize) -> Bits {
        let mut bits = Bits {
            words: vec![u64::MAX; len.div_ceil(64)],
            len,
        };
        bits.trim();
        bits
    }

    /// The rows for which the test holds.
    pub(crate) fn of<T: Copy>(column: &[T], test: impl Fn(T) -> bool) -> Bits {
        let words = column
            .chunks(64)
            .map(|chunk| {
                chunk
                    .iter()
                    .enumerate()
                    .fold(0, |word, (bit, value)| word | (u64::from(test(*value)) << bit))
            })
            .collect();
        Bits {
            words,
            len: column.len(),
        }
    }

    pub(crate) fn insert(&mut self, row: usize) {
        debug_assert!(row < self.len);
        self.words[row / 64] |= 1 << (row % 64);
    }

    pub(crate) fn and(&mut self, other: &Bits) {
        self.words
            .iter_mut()
            .zip(&other.words)
            .for_each(|(word, other)| *word &= other);
    }

    pub(crate) fn or(&mut self, other: &Bits) {
        self.words
            .iter_mut()
            .zip(&other.words)
            .for_each(|(word, other)| *word |= other);
    }

    pub(crate) fn not(&mut self) {
        self.words.iter_mut().for_each(|word| *word = !*word);
        self.trim();
    }

    pub(crate) fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The rows in rising order.
    pub(crate) fn rows(&self) -> impl Iterator<Item = usize> {
        self.words.iter().enumerate().flat_map(|(index, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                let bit = (rest != 0).then(|| rest.trailing_zeros() as usize)?;
                rest &= rest - 1;
                Some(index * 64 + bit)
            })
        })
    }

    /// Bits beyond the length stay clear.
    fn trim(&mut self) {
        if let (Some(last), used @ 1..) = (self.words.last_mut(), self.len % 64) {
            *last &= (1 << used) - 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_every_size_keep_their_count_and_order() {
        for len in [0, 1, 63, 64, 65, 1000] {
            assert_eq!(Bits::all(len).count(), len);
            assert!(Bits::all(len).rows().eq(0..len));
            let mut none = Bits::all(len);
            none.not();
            assert_eq!(none, Bits::none(len));
            let column: Vec<usize> = (0..len).collect();
            let thirds = Bits::of(&column, |value| value % 3 == 0);
            assert!(thirds.rows().eq((0..len).step_by(3)));
            let mut others = thirds.clone();
            others.not();
            others.or(&thirds);
            assert_eq!(others.count(), len);
            others.and(&thirds);
            assert_eq!(others, thirds);
        }
    }
}
