//! The compressed bytes at hand and the bits taken up from them.

use super::Ends;

/// Readable bytes that the inner loop relies on: two refills of 8 bytes each, from places 7 bytes apart.
pub(crate) const MARGIN: usize = 24;
/// Zeros behind the end of the data, so that its last bytes can be read like any others.
const PADDING: usize = MARGIN + 8;

/// Bytes from a source, as bits, lowest first.
pub(crate) struct Input {
    pub(super) bytes: Vec<u8>,
    /// Next byte to take up.
    pub(super) at: usize,
    /// One past the last readable byte, padding included.
    pub(super) end: usize,
    /// One past the last byte of the data, once that is known.
    real: Option<usize>,
    /// Bits taken up; those above `count` may be set too, to what follows.
    pub(super) bits: u64,
    pub(super) count: u32,
}

impl Input {
    /// Nothing at hand yet; `size` bytes are asked for at a time.
    pub(crate) fn new(size: usize) -> Self {
        Input { bytes: vec![0; 8 + size.max(MARGIN) + PADDING], at: 0, end: 0, real: None, bits: 0, count: 0 }
    }

    /// Makes sure that there are bytes to read and at least 48 bits at hand, real ones or zeros behind the end.
    #[inline(always)]
    pub(super) fn need<E: Ends>(&mut self, ends: &mut E) -> Result<(), E::Stop> {
        if self.at + MARGIN > self.end {
            self.more(ends)?;
        }
        self.refill();
        Ok(())
    }

    #[inline(always)]
    fn refill(&mut self) {
        if let Some(word) = self.bytes.get(self.at..).and_then(|rest| rest.first_chunk::<8>()) {
            self.bits |= u64::from_le_bytes(*word) << self.count;
            self.at += (63 - self.count as usize) >> 3;
            self.count |= 56;
        }
    }

    #[cold]
    #[inline(never)]
    fn more<E: Ends>(&mut self, ends: &mut E) -> Result<(), E::Stop> {
        if self.real.is_some() {
            self.check(ends)?;
            // Within the last bytes, or at most 8 behind them: the padding reaches further.
            return Ok(());
        }
        // Bytes whose bits were taken up may have to be given back.
        let from = self.at.saturating_sub(8);
        self.bytes.copy_within(from..self.end, 0);
        (self.at, self.end) = (self.at - from, self.end - from);
        let room = self.bytes.len() - PADDING;
        while self.end < self.at + MARGIN {
            let got = ends.read(&mut self.bytes[self.end..room])?;
            if got == 0 {
                self.real = Some(self.end);
                self.bytes[self.end..self.end + PADDING].fill(0);
                self.end += PADDING;
                break;
            }
            self.end += got;
        }
        Ok(())
    }

    /// Fails if bits behind the end of the data were taken for data.
    pub(super) fn check<E: Ends>(&mut self, ends: &mut E) -> Result<(), E::Stop> {
        match self.real {
            Some(real) if self.at - (self.count / 8) as usize > real => Err(ends.truncated()),
            _ => Ok(()),
        }
    }

    /// What to say of data that breaks the format: that it is cut, if it only seems to be wrong behind its end.
    #[cold]
    pub(super) fn wrong<E: Ends>(&mut self, ends: &mut E, what: &str) -> E::Stop {
        match self.check(ends) {
            Err(cut) => cut,
            Ok(()) => ends.corrupt(what),
        }
    }

    /// The bits at hand.
    pub(super) fn bits(&self) -> u64 {
        self.bits
    }

    /// Passes over `count` bits that are at hand.
    pub(super) fn drop(&mut self, count: u32) {
        self.bits >>= count;
        self.count -= count;
    }

    /// The next `count` bits, at most 16, of those at hand.
    pub(super) fn take(&mut self, count: u32) -> u32 {
        let bits = (self.bits & ((1 << count) - 1)) as u32;
        self.drop(count);
        bits
    }

    /// Goes to the next whole byte and gives back the bytes that were taken up ahead.
    pub(crate) fn align(&mut self) {
        self.at -= (self.count / 8) as usize;
        (self.bits, self.count) = (0, 0);
    }

    /// Real bytes at hand, after `align`.
    pub(crate) fn rest(&self) -> &[u8] {
        let end = self.real.unwrap_or(self.end);
        self.bytes.get(self.at..end).unwrap_or_default()
    }

    /// Passes over bytes of [`Input::rest`].
    pub(crate) fn skip(&mut self, count: usize) {
        self.at += count;
    }

    /// As [`Input::rest`], after reading on if less than `least` bytes are at hand; fewer come at the end only.
    pub(crate) fn peek<E: Ends>(&mut self, least: usize, ends: &mut E) -> Result<&[u8], E::Stop> {
        debug_assert!(least <= MARGIN);
        if self.rest().len() < least && self.real.is_none() {
            self.more(ends)?;
        }
        Ok(self.rest())
    }

    /// The next `N` bytes.
    pub(crate) fn fixed<const N: usize, E: Ends>(&mut self, ends: &mut E) -> Result<[u8; N], E::Stop> {
        let Some(found) = self.peek(N, ends)?.first_chunk::<N>().copied() else { return Err(ends.truncated()) };
        self.skip(N);
        Ok(found)
    }
}
