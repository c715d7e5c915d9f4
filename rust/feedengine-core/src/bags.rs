//! Entries by range of key hash, in memory until the limit, then on disk: what bounds memory for any feed.
//!
//! The ranges are also the unit of work should a catalog be spread over machines: entries of one range meet only
//! the same range of the index.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytemuck::{Pod, cast_slice};

/// Number of ranges.
pub const PARTS: usize = 64;

/// The range that a key hash belongs to.
#[inline]
pub fn part_of(key: u128) -> usize {
    (key >> (128 - PARTS.trailing_zeros())) as usize
}

/// A bag of `T` for every range of keys.
pub struct Partitioned<T> {
    parts: Vec<Mutex<Part<T>>>,
    /// Entries that one range may hold in memory.
    limit: usize,
    folder: PathBuf,
}

struct Part<T> {
    held: Vec<T>,
    spilled: Option<File>,
    count: usize,
}

impl<T: Pod> Partitioned<T> {
    /// An empty bag that keeps about `memory` bytes in memory and the rest in unnamed files in `folder`.
    pub fn new(memory: usize, folder: PathBuf) -> Self {
        let parts = (0..PARTS).map(|_| Mutex::new(Part { held: Vec::new(), spilled: None, count: 0 })).collect();
        Partitioned { parts, limit: (memory / PARTS / size_of::<T>()).max(64), folder }
    }

    fn part(&self, number: usize) -> MutexGuard<'_, Part<T>> {
        self.parts[number].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves `entries` into range `number`.
    pub fn append(&self, number: usize, entries: &mut Vec<T>) -> io::Result<()> {
        let mut part = self.part(number);
        part.count += entries.len();
        if part.held.is_empty() {
            std::mem::swap(&mut part.held, entries);
        } else {
            part.held.append(entries);
        }
        if part.held.len() > self.limit {
            if part.spilled.is_none() {
                part.spilled = Some(tempfile::tempfile_in(&self.folder)?);
            }
            let held = std::mem::take(&mut part.held);
            if let Some(file) = &mut part.spilled {
                file.write_all(cast_slice(&held))?;
            }
        }
        Ok(())
    }

    /// Everything in range `number`, in no particular order; the bag keeps it.
    pub fn load(&self, number: usize) -> io::Result<Vec<T>> {
        let mut part = self.part(number);
        let mut all: Vec<T> = vec![T::zeroed(); part.count - part.held.len()];
        if let Some(file) = &mut part.spilled {
            file.seek(SeekFrom::Start(0))?;
            file.read_exact(bytemuck::cast_slice_mut(&mut all))?;
            file.seek(SeekFrom::End(0))?;
        }
        all.extend_from_slice(&part.held);
        Ok(all)
    }

    /// Everything in range `number`; the bag forgets it. What is in memory is not copied.
    pub fn take(&self, number: usize) -> io::Result<Vec<T>> {
        let spilled = if self.part(number).spilled.is_some() { Some(self.load(number)?) } else { None };
        let part = std::mem::replace(&mut *self.part(number), Part { held: Vec::new(), spilled: None, count: 0 });
        Ok(spilled.unwrap_or(part.held))
    }

    /// Sorts what each range holds in memory, on `threads` threads: whoever sorts a range later finds it so.
    pub fn arrange<K: Ord>(&self, threads: usize, key: impl Fn(&T) -> K + Sync)
    where
        T: Send,
    {
        let next = AtomicUsize::new(0);
        let sort = || {
            while let Some(part) = self.parts.get(next.fetch_add(1, Ordering::Relaxed)) {
                part.lock().unwrap_or_else(PoisonError::into_inner).held.sort_unstable_by_key(&key);
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..threads {
                scope.spawn(sort);
            }
            sort();
        });
    }

    /// Number of entries in all ranges.
    pub fn len(&self) -> usize {
        (0..PARTS).map(|number| self.part(number).count).sum()
    }

    /// Whether no range has any.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_by_spilling() {
        let folder = tempfile::tempdir().expect("folder");
        let bag = Partitioned::<u128>::new(0, folder.path().to_owned());
        for n in 0..10_000u128 {
            let key = n << 114;
            bag.append(part_of(key), &mut vec![key]).expect("append");
        }
        assert_eq!(bag.len(), 10_000);
        bag.arrange(2, |key| std::cmp::Reverse(*key));
        let mut all: Vec<u128> = (0..PARTS).flat_map(|number| bag.load(number).expect("load")).collect();
        let again: Vec<u128> = (0..PARTS).flat_map(|number| bag.take(number).expect("take")).collect();
        assert_eq!((all.len(), bag.len()), (again.len(), 0));
        all.sort_unstable();
        assert!(all.iter().enumerate().all(|(n, key)| *key == (n as u128) << 114));
    }

    #[test]
    fn what_is_in_memory_is_sorted_and_handed_out_as_it_is() {
        let bag = Partitioned::<u128>::new(usize::MAX, std::env::temp_dir());
        for n in [3u128, 1, 2] {
            bag.append(0, &mut vec![n, n + 10]).expect("append");
        }
        for threads in [1, 3] {
            bag.arrange(threads, |key| *key);
            assert_eq!(bag.load(0).expect("load"), [1, 2, 3, 11, 12, 13]);
        }
        assert_eq!((bag.take(0).expect("take").len(), bag.take(0).expect("take").len(), bag.len()), (6, 0, 0));
    }
}
