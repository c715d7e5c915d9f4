//! Identifier hashes of stored records to their slots: a sorted list of 16 bytes each, in memory or, beyond its share of
//! it, in an unnamed file that is mapped.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use bytemuck::{Pod, Zeroable, cast_slice};
use memmap2::Mmap;

use crate::bags::{PARTS, Partitioned, part_of};
use crate::index::prefetch;
use crate::pages;

/// An identifier's value as 96 bits of its keyed hash: two values out of 5 million meet by chance once in 10^15 catalogs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Print {
    /// The first 64 bits.
    pub high: u64,
    /// The next 32.
    pub low: u32,
}

impl Print {
    /// Of a keyed hash.
    pub fn new(hash: u128) -> Self {
        Print { high: (hash >> 64) as u64, low: (hash >> 32) as u32 }
    }

    /// The bag's part that it belongs to.
    pub fn part(self) -> usize {
        part_of(u128::from(self.high) << 64)
    }
}

/// A value and the record that has it: a slot of the index, or a row of the feed.
#[derive(Clone, Copy, Debug, Pod, Zeroable, PartialEq, Eq, PartialOrd, Ord)]
#[repr(C)]
pub struct Entry {
    high: u64,
    low: u32,
    /// Who has the value.
    pub who: u32,
}

impl Entry {
    /// `who` has `print`.
    pub fn new(print: Print, who: u32) -> Self {
        Entry { high: print.high, low: print.low, who }
    }

    /// The value.
    pub fn print(&self) -> Print {
        Print { high: self.high, low: self.low }
    }
}

enum Sorted {
    Held(Vec<Entry>),
    Mapped(Mmap),
}

/// Every value of one field with its holders.
pub struct Lookup {
    gathered: Option<Partitioned<Entry>>,
    /// Entries that go from the bag into the list.
    limit: usize,
    folder: PathBuf,
    sorted: Sorted,
    /// Where entries with the same first bits begin.
    starts: Vec<u32>,
    shift: u32,
}

impl Lookup {
    /// A lookup that holds about `memory` bytes in memory.
    pub fn new(memory: usize, folder: &Path) -> Self {
        Lookup {
            gathered: None,
            limit: memory / size_of::<Entry>(),
            folder: folder.to_owned(),
            sorted: Sorted::Held(Vec::new()),
            starts: Vec::new(),
            shift: 0,
        }
    }

    /// Takes `entries`, which belong to `part`.
    pub fn gather(&mut self, part: usize, entries: &mut Vec<Entry>) -> std::io::Result<()> {
        let bag =
            self.gathered.get_or_insert_with(|| Partitioned::new(self.limit * size_of::<Entry>(), self.folder.clone()));
        bag.append(part, entries)
    }

    /// Sorts what was gathered; from here on values can be found.
    pub fn finish(&mut self) -> std::io::Result<()> {
        let Some(bag) = self.gathered.take() else { return Ok(()) };
        let count = bag.len();
        // One or two entries for each start, so that a search ends in the line it begins in.
        let bits = (usize::BITS - count.leading_zeros()).saturating_sub(1).clamp(6, 30);
        self.shift = 64 - bits;
        let mut counts = vec![0u32; (1 << bits) + 1];
        let mut held = Vec::new();
        let mut file: Option<BufWriter<File>> = None;
        if count > self.limit {
            file = Some(BufWriter::new(tempfile::tempfile_in(&self.folder)?));
        } else {
            held.reserve_exact(count);
        }
        for part in 0..PARTS {
            let mut entries = bag.take(part)?;
            entries.sort_unstable();
            entries.iter().for_each(|entry| counts[(entry.high >> self.shift) as usize + 1] += 1);
            match &mut file {
                Some(file) => file.write_all(cast_slice(&entries))?,
                None => held.append(&mut entries),
            }
        }
        let mut sum = 0;
        for count in &mut counts {
            sum += *count;
            *count = sum;
        }
        self.starts = counts;
        self.sorted = match file {
            Some(file) => {
                let file = file.into_inner().map_err(|error| error.into_error())?;
                // SAFETY: the file has no name, so nobody else changes it while it is mapped.
                Sorted::Mapped(unsafe { Mmap::map(&file)? })
            }
            None => Sorted::Held(held),
        };
        pages::prefer_large(&self.starts);
        pages::prefer_large(self.entries());
        Ok(())
    }

    fn entries(&self) -> &[Entry] {
        match &self.sorted {
            Sorted::Held(held) => held,
            Sorted::Mapped(map) => cast_slice(map),
        }
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.entries().len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Brings the start of a search closer.
    #[inline]
    pub fn prefetch(&self, print: Print) {
        if let Some(start) = self.starts.get((print.high >> self.shift.min(63)) as usize) {
            prefetch(start);
        }
    }

    /// Brings the end of a search closer.
    #[inline]
    pub fn prefetch_values(&self, print: Print) {
        if let Some(start) = self.starts.get((print.high >> self.shift.min(63)) as usize) {
            if let Some(entry) = self.entries().get(*start as usize) {
                prefetch(entry);
                // A search looks at two entries more often than not; they may lie in two lines.
                prefetch(self.entries().get(*start as usize + 1).unwrap_or(entry));
            }
        }
    }

    /// Those who have the value, rising.
    #[inline]
    pub fn find(&self, print: Print) -> &[Entry] {
        if self.starts.is_empty() {
            return &[];
        }
        let at = (print.high >> self.shift) as usize;
        let bucket = &self.entries()[self.starts[at] as usize..self.starts[at + 1] as usize];
        let mut first = 0;
        while bucket.get(first).is_some_and(|entry| entry.print() < print) {
            first += 1;
        }
        // A name that a tenth of the records share must not be counted one by one each time it is looked up.
        let length = match bucket.get(first..first + 4) {
            Some(four) if four[3].print() == print => bucket[first..].partition_point(|entry| entry.print() == print),
            _ => bucket[first..].iter().take_while(|entry| entry.print() == print).count(),
        };
        &bucket[first..first + length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_in_memory_and_in_a_file() {
        let folder = tempfile::tempdir().expect("folder");
        for memory in [0, 1 << 20] {
            let mut lookup = Lookup::new(memory, folder.path());
            let print = |n: u64| Print { high: n.wrapping_mul(0x9E37_79B9_7F4A_7C15), low: n as u32 };
            for n in 0..20_000u64 {
                // Every value is shared by as many as its last digit says.
                for who in 0..=(n % 10) as u32 {
                    lookup.gather(print(n).part(), &mut vec![Entry::new(print(n), who)]).expect("gather");
                }
            }
            lookup.finish().expect("finish");
            for n in 0..20_000u64 {
                let found: Vec<u32> = lookup.find(print(n)).iter().map(|entry| entry.who).collect();
                assert_eq!(found, (0..=(n % 10) as u32).collect::<Vec<_>>());
                assert_eq!(lookup.find(Print { low: u32::MAX, ..print(n) }).len(), 0);
            }
            assert_eq!(lookup.len(), 20_000 * 11 / 2);
        }
        assert!(Lookup::new(0, folder.path()).find(Print::default()).is_empty());
    }
}
