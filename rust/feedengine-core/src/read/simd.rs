//! Sixty-four bytes at a time: the machine's vector instructions behind one safe trait. The only unsafe file here.

/// Sixty-four bytes that can be compared at once. Bit `i` of every answer speaks of byte `i`.
pub(crate) trait Chunk: Copy {
    /// Takes up 64 bytes.
    fn load(bytes: &[u8; 64]) -> Self;
    /// Which bytes equal `byte`.
    fn eq(self, byte: u8) -> u64;
    /// Which bytes equal `byte` once bit 5 is set in each of them (`[` and `{`, `]` and `}` fall together).
    fn eq_folded(self, byte: u8) -> u64;
    /// Bit `i` of the answer is the exclusive or of bits 0 to `i`: between an odd and an even quote it is 1.
    fn prefix_xor(bits: u64) -> u64;
}

/// A loop over chunks that does not care which instructions serve it.
pub(crate) trait Scan {
    /// What the loop finds.
    type Found;
    /// Runs the loop. Implementations are `#[inline(always)]`, so that they take on the caller's instructions.
    fn run<C: Chunk>(self) -> Self::Found;
}

/// Runs `scan` with the best instructions this machine has.
#[inline]
pub(crate) fn best<S: Scan>(scan: S) -> S::Found {
    #[cfg(target_arch = "x86_64")]
    if avx2::available() {
        // SAFETY: `available` has just said that the machine has every feature that `run` is compiled for.
        return unsafe { avx2::run(scan) };
    }
    scan.run::<Portable>()
}

/// Eight bytes at a time, on any machine; also the yardstick for the vector version.
#[derive(Clone, Copy)]
pub(crate) struct Portable([u8; 64]);

impl Portable {
    #[inline(always)]
    fn gather(self, fold: u8, byte: u8) -> u64 {
        const ONES: u64 = 0x0101_0101_0101_0101;
        const LOW: u64 = 0x7F7F_7F7F_7F7F_7F7F;
        let mut bits = 0;
        for (index, eight) in self.0.chunks_exact(8).enumerate() {
            let word = eight.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
            let apart = (word | (ONES * u64::from(fold))) ^ (ONES * u64::from(byte));
            // The top bit of each byte that is zero in `apart`; no carry leaves a byte, so this is exact.
            let equal = !(((apart & LOW) + LOW) | apart | LOW);
            // Moves the eight top bits together.
            bits |= ((equal >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) << (8 * index);
        }
        bits
    }
}

impl Chunk for Portable {
    #[inline(always)]
    fn load(bytes: &[u8; 64]) -> Self {
        Portable(*bytes)
    }

    #[inline(always)]
    fn eq(self, byte: u8) -> u64 {
        self.gather(0, byte)
    }

    #[inline(always)]
    fn eq_folded(self, byte: u8) -> u64 {
        self.gather(0x20, byte)
    }

    #[inline(always)]
    fn prefix_xor(mut bits: u64) -> u64 {
        for shift in [1, 2, 4, 8, 16, 32] {
            bits ^= bits << shift;
        }
        bits
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    //! Thirty-two bytes to a register; quotes are paired by a carry-less multiplication.

    use super::{Chunk, Scan};
    use std::arch::x86_64::*;

    /// Whether this machine has every feature that [`run`] is compiled for.
    #[inline]
    pub(super) fn available() -> bool {
        is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("pclmulqdq")
            && is_x86_feature_detected!("popcnt")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("lzcnt")
    }

    /// Runs `scan` on [`Avx2`].
    ///
    /// # Safety
    /// The machine must be [`available`].
    #[target_feature(enable = "avx2,pclmulqdq,popcnt,bmi1,bmi2,lzcnt")]
    pub(super) unsafe fn run<S: Scan>(scan: S) -> S::Found {
        scan.run::<Avx2>()
    }

    /// Reached through [`run`] alone: the type is private to this module, so its methods' needs are met.
    #[derive(Clone, Copy)]
    struct Avx2(__m256i, __m256i);

    impl Chunk for Avx2 {
        #[inline(always)]
        fn load(bytes: &[u8; 64]) -> Self {
            let at = bytes.as_ptr().cast::<__m256i>();
            // SAFETY: both unaligned loads lie within the 64 bytes; the features are there (see the type).
            unsafe { Avx2(_mm256_loadu_si256(at), _mm256_loadu_si256(at.add(1))) }
        }

        #[inline(always)]
        fn eq(self, byte: u8) -> u64 {
            // SAFETY: register arithmetic only; the features are there (see the type).
            unsafe {
                let wanted = _mm256_set1_epi8(byte as i8);
                let low = _mm256_movemask_epi8(_mm256_cmpeq_epi8(self.0, wanted)) as u32;
                let high = _mm256_movemask_epi8(_mm256_cmpeq_epi8(self.1, wanted)) as u32;
                u64::from(high) << 32 | u64::from(low)
            }
        }

        #[inline(always)]
        fn eq_folded(self, byte: u8) -> u64 {
            // SAFETY: register arithmetic only; the features are there (see the type).
            unsafe {
                let fold = _mm256_set1_epi8(0x20);
                Avx2(_mm256_or_si256(self.0, fold), _mm256_or_si256(self.1, fold)).eq(byte)
            }
        }

        #[inline(always)]
        fn prefix_xor(bits: u64) -> u64 {
            // SAFETY: register arithmetic only; the features are there (see the type).
            unsafe {
                let all = _mm_set1_epi8(-1);
                _mm_cvtsi128_si64(_mm_clmulepi64_si128::<0>(_mm_set_epi64x(0, bits as i64), all)) as u64
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Random;
    use super::*;

    struct Answers<'a>(&'a [u8; 64], u64);

    impl Scan for Answers<'_> {
        type Found = (u64, u64, u64);
        fn run<C: Chunk>(self) -> (u64, u64, u64) {
            let chunk = C::load(self.0);
            (chunk.eq(b'"'), chunk.eq_folded(b'{'), C::prefix_xor(self.1))
        }
    }

    #[test]
    fn both_versions_give_the_answer_of_a_plain_loop() {
        let mut random = Random::new(1);
        for _ in 0..2000 {
            let mut bytes = [0; 64];
            bytes.fill_with(|| *random.pick(b"\"\"{[}]a\0\x02\xA2\xFF!#"));
            let bits = random.next();
            let gather = |wanted: &dyn Fn(u8) -> bool| {
                bytes.iter().enumerate().fold(0, |sum, (at, byte)| sum | u64::from(wanted(*byte)) << at)
            };
            let parity = (0..64).fold(0, |sum, at| sum | u64::from((bits << (63 - at)).count_ones() & 1) << at);
            let expected = (gather(&|byte| byte == b'"'), gather(&|byte| byte | 0x20 == b'{'), parity);
            assert_eq!(Answers(&bytes, bits).run::<Portable>(), expected);
            assert_eq!(best(Answers(&bytes, bits)), expected);
        }
    }
}
