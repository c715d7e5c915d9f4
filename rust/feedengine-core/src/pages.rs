//! Memory pages: large ones for what is probed at random, where every small page would cost a walk of its own.

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use bytemuck::Zeroable;
use memmap2::{MmapOptions, MmapRaw};

/// What systems have as large pages.
const LARGE: usize = 2 << 20;

/// Less than this is not worth asking for.
const LEAST: usize = 1 << 20;

/// Asks the system to hold `memory` in large pages. It may do so or not; what the memory holds stays the same.
pub(crate) fn prefer_large<T>(memory: &[T]) {
    #[cfg(target_os = "linux")]
    {
        const PAGE: usize = 4096;
        let start = (memory.as_ptr() as usize).next_multiple_of(PAGE);
        let end = memory.as_ptr() as usize + size_of_val(memory);
        if end.saturating_sub(start) >= LEAST {
            // SAFETY: whole pages within one living allocation; the advice changes how they are mapped, not their bytes.
            let _ = unsafe { libc::madvise(start as *mut libc::c_void, end - start, libc::MADV_HUGEPAGE) };
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = memory;
}

/// A slice of zeros whose pages take memory when they are first touched. It begins and ends where large pages do: all
/// of it can lie in them, where an allocation of a few megabytes would have its ends in small ones.
#[derive(Debug)]
pub(crate) struct Zeroed<T> {
    map: MmapRaw,
    start: usize,
    length: usize,
    values: PhantomData<T>,
}

impl<T: Zeroable> Zeroed<T> {
    /// `length` values.
    pub(crate) fn new(length: usize) -> std::io::Result<Self> {
        assert!(align_of::<T>() <= LARGE);
        let bytes = (length * size_of::<T>()).next_multiple_of(LARGE);
        let map = MmapRaw::from(MmapOptions::new().len(bytes + LARGE).map_anon()?);
        let start = map.as_ptr() as usize;
        Ok(Zeroed { start: start.next_multiple_of(LARGE) - start, map, length, values: PhantomData })
    }

    /// Asks for large pages, for what will be touched all over. The rounded end counts: it is part of the mapping.
    pub(crate) fn prefer_large(&self) {
        let bytes = (self.length * size_of::<T>()).next_multiple_of(LARGE);
        if self.length * size_of::<T>() >= LEAST {
            // SAFETY: the mapping is longer than `start + bytes` (see `new`) and lives as long as `self`.
            prefer_large(unsafe { std::slice::from_raw_parts(self.map.as_ptr().add(self.start), bytes) });
        }
    }
}

impl<T> Deref for Zeroed<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: the mapping is longer than that (see `new`), aligned, zeroed at first, which is a value of every
        // `Zeroable` type, and after that only written as `T`; nobody else knows it.
        unsafe { std::slice::from_raw_parts(self.map.as_ptr().add(self.start).cast(), self.length) }
    }
}

impl<T> DerefMut for Zeroed<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as above; the borrow of `self` is the only one.
        unsafe { std::slice::from_raw_parts_mut(self.map.as_mut_ptr().add(self.start).cast(), self.length) }
    }
}

// SAFETY: `Zeroed` owns its values as a boxed slice does.
unsafe impl<T: Send> Send for Zeroed<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Zeroed<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_of_any_number_can_be_written_and_read() -> std::io::Result<()> {
        for length in [0, 1, 7, LARGE / 8, LARGE / 8 + 1, 3 * LARGE / 8 - 1] {
            let mut values = Zeroed::<u64>::new(length)?;
            values.prefer_large();
            assert_eq!(values.len(), length);
            assert!(values.iter().all(|value| *value == 0));
            values.iter_mut().zip(1..).for_each(|(value, number)| *value = number);
            assert!(values.iter().copied().eq(1..=length as u64));
        }
        Ok(())
    }
}
