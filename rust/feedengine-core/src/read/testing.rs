//! Helpers of this room's tests: numbers that look random and are the same on every run.

/// A small generator (xorshift).
pub(crate) struct Random(u64);

impl Random {
    /// A generator; every seed gives other numbers.
    pub(crate) fn new(seed: u64) -> Self {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// Sixty-four bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 33) as usize % limit.max(1)
    }

    /// One of some texts.
    pub(crate) fn text<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }

    /// One of `choices`.
    pub(crate) fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }
}

/// Options for the published entities.
pub(crate) fn options() -> super::ReadOptions {
    super::ReadOptions {
        entities: crate::record::entity::constructor(),
        delimiter: None,
        block: 1 << 16,
        max_record: 1 << 24,
        max_expansion: 200,
        max_columns: 1000,
        default_entity: None,
        entity: None,
        format: super::FormatSpec::default(),
    }
}

/// The same byte for ever.
pub(crate) struct Endless(pub(crate) u8);

impl super::source::Bytes for Endless {
    fn read(&mut self, out: &mut [u8]) -> Result<usize, crate::fault::Fault> {
        out.fill(self.0);
        Ok(out.len())
    }
}
