//! Repeatable randomness: a stream of numbers per record, and permutations that need no array.

/// One round of SplitMix64: every bit of the input moves every bit of the output.
pub(super) fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A bijection of 32-bit numbers, so that ids look arbitrary and never meet.
pub(super) fn scramble(index: u64) -> u64 {
    let mut x = index as u32;
    x = (x ^ (x >> 16)).wrapping_mul(0x7feb_352d);
    x = (x ^ (x >> 15)).wrapping_mul(0x846c_a68b);
    u64::from(x ^ (x >> 16))
}

/// The numbers of one record.
pub(super) struct Rng(u64);

impl Rng {
    /// Numbers that depend on these three and nothing else.
    pub(super) fn new(seed: u64, stream: u64, index: u64) -> Self {
        Rng(mix(mix(seed ^ stream.rotate_left(32)) ^ index))
    }

    /// The next 64 bits.
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let wide = u128::from(self.0) * u128::from(self.0 ^ 0xa076_1d64_78bd_642f);
        (wide >> 64) as u64 ^ wide as u64
    }

    /// A number below `bound` (at least 1).
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// As `below`, small numbers more often: a few brands have most of the items.
    pub(super) fn skewed(&mut self, bound: u64) -> u64 {
        let (a, b) = (self.below(bound), self.below(bound));
        a.min(b)
    }

    /// One of `words`.
    pub(super) fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len() as u64) as usize]
    }
}

/// A permutation of `0..size`: a four-round Feistel network over the next even number of bits, walked until
/// the result is in range.
#[derive(Clone, Copy, Debug)]
pub(super) struct Permutation {
    size: u64,
    half: u32,
    keys: [u64; 4],
}

impl Permutation {
    /// The permutation that belongs to `key`.
    pub(super) fn new(size: u64, key: u64) -> Self {
        let bits = u64::BITS - size.max(2).saturating_sub(1).leading_zeros();
        let keys = [mix(key), mix(key ^ 1), mix(key ^ 2), mix(key ^ 3)];
        Permutation { size, half: bits.div_ceil(2), keys }
    }

    /// Where `position` goes; `position` must be below the size.
    pub(super) fn at(&self, position: u64) -> u64 {
        let mask = (1u64 << self.half) - 1;
        let mut value = position;
        loop {
            let (mut left, mut right) = (value >> self.half, value & mask);
            for key in self.keys {
                let round = (right ^ key).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
                (left, right) = (right, (left ^ round) & mask);
            }
            value = (left << self.half) | right;
            if value < self.size {
                return value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permutation_reaches_every_place_once() {
        for size in [1, 2, 3, 10, 1000, 4097] {
            let permutation = Permutation::new(size, 7);
            let mut places: Vec<u64> = (0..size).map(|position| permutation.at(position)).collect();
            places.sort_unstable();
            assert!(places.iter().enumerate().all(|(n, place)| n as u64 == *place), "{size}");
        }
    }
}
