//! Which stored records a feed has named, and in which record last: one counter a slot, shared by all threads.

use std::ops::Deref;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use memmap2::{MmapOptions, MmapRaw, UncheckedAdvice};

use super::stop::Stop;
use crate::index::prefetch;
use crate::pages::Zeroed;

/// For every slot of an index the ordinal + 1 of the last record that named it; 0 = none did.
pub struct Marks(Cells);

/// Where they lie.
enum Cells {
    Memory(Zeroed<AtomicU32>),
    /// In an unnamed file: what is not looked at takes no memory once it is let go.
    File(MmapRaw),
}

impl Deref for Cells {
    type Target = [AtomicU32];

    #[inline]
    fn deref(&self) -> &[AtomicU32] {
        match self {
            Cells::Memory(cells) => cells,
            // SAFETY: the mapping is page-aligned, as long as the file, which nobody else can open, and lives as long
            // as `self`; any bytes are atomics.
            Cells::File(map) => unsafe {
                std::slice::from_raw_parts(map.as_ptr().cast::<AtomicU32>(), map.len() / size_of::<AtomicU32>())
            },
        }
    }
}

impl Marks {
    /// Marks for `slots` slots. Memory is only used for slots that are marked; beyond `memory` bytes of them, a file in
    /// `folder` is.
    pub fn new(slots: usize, memory: usize, folder: &Path) -> Result<Self, Stop> {
        let bytes = slots * size_of::<AtomicU32>();
        if bytes > memory {
            let file = tempfile::tempfile_in(folder)?;
            file.set_len(bytes as u64)?;
            return Ok(Marks(Cells::File(MmapOptions::new().len(bytes).map_raw(&file)?)));
        }
        // Its pages are mapped when touched, so a patch of ten rows does not pay for ten million slots.
        Ok(Marks(Cells::Memory(Zeroed::new(slots)?)))
    }

    /// Gives memory back where a file holds the marks too.
    pub fn release(&self) {
        if let Cells::File(map) = &self.0 {
            // SAFETY: a shared mapping of a file: dropped pages come back as they were written.
            let _ = unsafe { map.unchecked_advise(UncheckedAdvice::DontNeed) };
        }
    }

    /// Prepares for a feed that names most slots.
    pub fn expect_many(&self) {
        if let Cells::Memory(cells) = &self.0 {
            cells.prefer_large();
        }
    }

    /// Notes that the record with `ordinal` names `slot`; the later record wins, whatever thread is first. Returns
    /// the other record's ordinal if there was one.
    #[inline]
    pub fn mark(&self, slot: u32, ordinal: u32) -> Option<u32> {
        self.0[slot as usize].fetch_max(ordinal + 1, Ordering::Relaxed).checked_sub(1)
    }

    /// Prepares for [`Marks::mark`] of `slot`.
    #[inline]
    pub fn prefetch(&self, slot: u32) {
        prefetch(&self.0[slot as usize]);
    }

    /// The last record that named `slot`.
    #[inline]
    pub fn last(&self, slot: u32) -> Option<u32> {
        self.0[slot as usize].load(Ordering::Relaxed).checked_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_the_same_in_memory_and_in_a_file() -> Result<(), Stop> {
        let folder = std::env::temp_dir();
        for memory in [usize::MAX, 0] {
            let marks = Marks::new(5000, memory, &folder)?;
            assert_eq!(marks.mark(4999, 7), None);
            assert_eq!(marks.mark(4999, 3), Some(7));
            assert_eq!(marks.mark(0, 0), None);
            marks.release();
            assert_eq!((marks.last(4999), marks.last(0), marks.last(1)), (Some(7), Some(0), None), "{memory}");
        }
        Ok(())
    }
}
