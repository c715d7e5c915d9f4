//! The buffer that inflated bytes go to, with the bytes before them that distances may reach back to.

use super::Ends;

/// How far back distances reach. So many bytes at the front of each buffer are the end of what came before.
pub(crate) const HISTORY: usize = 32 * 1024;
/// Writable bytes behind the limit: three literals, one match, and what copying in steps of 32 bytes writes beyond it.
pub(crate) const SLOP: usize = 3 + 258 + 64;

/// A buffer being filled.
pub(crate) struct Output {
    pub(super) bytes: Vec<u8>,
    /// Next byte to write.
    pub(super) at: usize,
    /// From here on the buffer counts as full.
    pub(super) limit: usize,
    /// The first byte that a distance may reach.
    pub(super) floor: usize,
    /// Bytes from here on are not in `sum` yet.
    unsummed: usize,
    sum: crc32fast::Hasher,
    length: u32,
}

impl Output {
    /// Into `bytes`, which must have more than [`HISTORY`] + [`SLOP`] bytes.
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        let limit = bytes.len() - SLOP;
        let sum = crc32fast::Hasher::new();
        Output { bytes, at: HISTORY, limit, floor: HISTORY, unsummed: HISTORY, sum, length: 0 }
    }

    /// Begins another stream, whose distances don't reach into the last one.
    pub(crate) fn begin(&mut self) {
        (self.floor, self.unsummed) = (self.at, self.at);
        self.sum = crc32fast::Hasher::new();
        self.length = 0;
    }

    /// CRC-32 and length modulo 2^32 of the stream so far.
    pub(crate) fn sums(&mut self) -> (u32, u32) {
        let new = &self.bytes[self.unsummed..self.at];
        self.sum.update(new);
        self.length = self.length.wrapping_add(new.len() as u32);
        self.unsummed = self.at;
        (self.sum.clone().finalize(), self.length)
    }

    /// Makes sure that the buffer is not full.
    #[inline(always)]
    pub(super) fn room<E: Ends>(&mut self, ends: &mut E) -> Result<(), E::Stop> {
        if self.at >= self.limit { self.flush(ends) } else { Ok(()) }
    }

    /// Hands on what was written.
    #[cold]
    #[inline(never)]
    pub(crate) fn flush<E: Ends>(&mut self, ends: &mut E) -> Result<(), E::Stop> {
        self.sums();
        let kept = HISTORY.min(self.at - self.floor);
        let history: [u8; HISTORY] = *self.bytes[..self.at].last_chunk().unwrap_or(&[0; HISTORY]);
        self.bytes = ends.give(std::mem::take(&mut self.bytes), HISTORY, self.at)?;
        self.bytes[..HISTORY].copy_from_slice(&history);
        (self.at, self.floor, self.unsummed) = (HISTORY, HISTORY - kept, HISTORY);
        Ok(())
    }
}

/// Writes the `length` bytes at `to` that lie `distance` before them, as if byte by byte: they may be among those
/// written.
///
/// # Safety
/// `distance` bytes before `to` must be readable, and `length` + 32 from `to` on writable.
#[inline(always)]
pub(super) unsafe fn repeat(to: *mut u8, distance: usize, length: usize) {
    // SAFETY: each step reads at least its own width before what it writes, and starts below `length`.
    unsafe {
        let from = to.sub(distance);
        if distance >= 16 {
            let mut at = 0;
            while at < length {
                let word = from.add(at).cast::<[u8; 16]>().read_unaligned();
                to.add(at).cast::<[u8; 16]>().write_unaligned(word);
                at += 16;
            }
        } else if distance >= 8 {
            let mut at = 0;
            while at < length {
                let word = from.add(at).cast::<u64>().read_unaligned();
                to.add(at).cast::<u64>().write_unaligned(word);
                at += 8;
            }
        } else if distance == 1 {
            to.write_bytes(*from, length);
        } else {
            for at in 0..length {
                *to.add(at) = *from.add(at);
            }
        }
    }
}
