//! A set of ordinals that knows the rank of each: what gives new rows their numbers without any order of writing.

/// Bits with running counts.
#[derive(Clone, Debug, Default)]
pub struct RankBitmap {
    words: Vec<u64>,
    before: Vec<u32>,
    count: u64,
}

impl RankBitmap {
    /// The set of `ordinals` (in any order, without repetition).
    pub fn new(ordinals: &mut Vec<u32>) -> Self {
        let length = ordinals.iter().max().map_or(0, |last| *last as usize / 64 + 1);
        let mut words = vec![0u64; length];
        for ordinal in ordinals.drain(..) {
            words[ordinal as usize / 64] |= 1 << (ordinal % 64);
        }
        let mut count = 0u64;
        let before = words
            .iter()
            .map(|word| {
                let before = count as u32;
                count += u64::from(word.count_ones());
                before
            })
            .collect();
        RankBitmap { words, before, count }
    }

    /// How many ordinals are in the set.
    pub fn len(&self) -> u64 {
        self.count
    }

    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How many smaller ordinals are in the set; `None` if `ordinal` itself is not.
    #[inline]
    pub fn rank(&self, ordinal: u32) -> Option<u64> {
        let word = *self.words.get(ordinal as usize / 64)?;
        let bit = 1u64 << (ordinal % 64);
        (word & bit != 0)
            .then(|| u64::from(self.before[ordinal as usize / 64]) + u64::from((word & (bit - 1)).count_ones()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_count_smaller_members() {
        let members = [0u32, 1, 63, 64, 200, 4_000];
        let set = RankBitmap::new(&mut members.iter().rev().copied().collect());
        assert_eq!(set.len(), 6);
        for ordinal in 0..5_000 {
            let expected = members.binary_search(&ordinal).ok().map(|rank| rank as u64);
            assert_eq!(set.rank(ordinal), expected, "{ordinal}");
        }
        assert!(RankBitmap::new(&mut Vec::new()).is_empty());
    }
}
