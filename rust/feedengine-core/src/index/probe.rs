//! How a run's entries are looked up: in the mapped file, in a copy in memory, or read one by one.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::sync::atomic::Ordering;

use bytemuck::{cast_slice, cast_slice_mut, pod_read_unaligned};

use super::format::{CHUNK, Hot};
use super::run::{COLD_GOOD, Damaged, HOT_GOOD, Run, prefetch};
use crate::pages::Zeroed;

/// Where entries are looked up.
#[derive(Debug)]
pub(super) enum Probes {
    /// In the mapped file.
    Mapped,
    /// In memory: the hot parts of all chunks.
    Copied(Zeroed<Hot>),
    /// In the file, read entry by entry: a mapping would draw in all of it.
    Read(File),
}

impl Run {
    pub(super) fn hots(&self, chunk: usize) -> &[Hot] {
        let count = CHUNK.min(self.entries - chunk * CHUNK);
        match &self.probes {
            Probes::Copied(copied) => &copied[chunk * CHUNK..][..count],
            Probes::Mapped | Probes::Read(_) => &cast_slice(&self.map[self.part(chunk, HOT_GOOD)])[..count],
        }
    }

    fn directory_bytes(&self) -> usize {
        self.map.len() - self.directory
    }

    /// Bytes that [`Run::copy_hot`] needs.
    pub fn hot_bytes(&self) -> usize {
        self.verified.len() * CHUNK * size_of::<Hot>() + self.directory_bytes()
    }

    /// Bytes that [`Run::hold_raws`] needs.
    pub fn raw_bytes(&self) -> usize {
        self.verified.len() * CHUNK * size_of::<u64>() + self.directory_bytes()
    }

    /// Reads and verifies the hot parts of all chunks, on `threads` threads, into one stretch of memory with large
    /// pages: a feed that names most records probes it all over.
    pub fn copy_hot(&mut self, threads: usize) -> Result<(), Damaged> {
        let copied = self.copy(threads, |file, chunk, out| self.read_chunk(file, chunk, out))?;
        self.slots = Some(self.copy_directory()?);
        self.probes = Probes::Copied(copied);
        Ok(())
    }

    /// Like [`Run::copy_hot`] for [`Run::unchanged`], which needs a quarter of it.
    pub fn hold_raws(&mut self, threads: usize) -> Result<(), Damaged> {
        let raws = self.copy(threads, |file, chunk, out: &mut [u64]| {
            let mut hots = [Hot::default(); CHUNK];
            self.read_chunk(file, chunk, &mut hots)?;
            out.iter_mut().zip(&hots).for_each(|(raw, hot)| *raw = hot.raw);
            Ok(())
        })?;
        self.slots = Some(self.copy_directory()?);
        self.raws = Some(raws);
        Ok(())
    }

    /// Verifies all chunks and from now on reads entries from the file, one by one: slower than probing the mapping,
    /// but nothing stays in memory.
    pub fn read_hot(&mut self) -> Result<(), Damaged> {
        let file = self.file()?;
        for (chunk, verified) in self.verified.iter().enumerate() {
            for part in [HOT_GOOD, COLD_GOOD].into_iter().filter(|part| verified.load(Ordering::Relaxed) & part == 0) {
                let range = self.part(chunk, part);
                let mut bytes = vec![0; range.len()];
                self.read_at(&file, &mut bytes, range.start)?;
                if self.sum_of(part, &bytes) != self.sum(chunk)[usize::from(part == COLD_GOOD)] {
                    return Err(self.damaged(&format!("has a damaged chunk ({chunk})")));
                }
            }
            verified.fetch_or(HOT_GOOD | COLD_GOOD, Ordering::Relaxed);
        }
        self.probes = Probes::Read(file);
        Ok(())
    }

    /// Looks entries up in the mapping again; what copies took is given back.
    pub fn map_hot(&mut self) {
        self.probes = Probes::Mapped;
        self.slots = None;
        self.raws = None;
    }

    fn file(&self) -> Result<File, Damaged> {
        File::open(self.path()).map_err(|error| self.damaged(&format!("cannot be read: {error}")))
    }

    pub(super) fn read_at(&self, file: &File, bytes: &mut [u8], at: usize) -> Result<(), Damaged> {
        let read = file.read_exact_at(bytes, at as u64);
        read.map_err(|error| self.damaged(&format!("cannot be read: {error}")))
    }

    /// Reads and verifies the hot part of a chunk. It is not copied from the mapping: the pages of that would count as
    /// memory in use a second time.
    fn read_chunk(&self, file: &mut File, chunk: usize, out: &mut [Hot]) -> Result<(), Damaged> {
        let range = self.part(chunk, HOT_GOOD);
        let bytes: &mut [u8] = cast_slice_mut(out);
        let read = file.seek(SeekFrom::Start(range.start as u64)).and_then(|_| file.read_exact(bytes));
        read.map_err(|error| self.damaged(&format!("cannot be read: {error}")))?;
        if self.sum_of(HOT_GOOD, bytes) != self.sum(chunk)[0] {
            return Err(self.damaged(&format!("has a damaged chunk ({chunk})")));
        }
        self.verified[chunk].fetch_or(HOT_GOOD, Ordering::Relaxed);
        Ok(())
    }

    /// What `take` makes of every chunk, one value an entry, on `threads` threads.
    fn copy<T: bytemuck::Zeroable + Send>(
        &self,
        threads: usize,
        take: impl Fn(&mut File, usize, &mut [T]) -> Result<(), Damaged> + Sync,
    ) -> Result<Zeroed<T>, Damaged> {
        let mut copied = self.zeroed::<T>(self.verified.len() * CHUNK)?;
        let share = self.verified.len().div_ceil(threads.max(1)).max(1);
        let take = &take;
        let part = |first: usize, part: &mut [T]| {
            let mut file = self.file()?;
            part.chunks_mut(CHUNK).enumerate().try_for_each(|(number, out)| take(&mut file, first + number, out))
        };
        std::thread::scope(|scope| {
            let parts = copied.chunks_mut(share * CHUNK).enumerate();
            let copying: Vec<_> = parts.map(|(number, out)| scope.spawn(move || part(number * share, out))).collect();
            copying.into_iter().try_for_each(|part| part.join().unwrap_or_else(|_| Err(self.damaged("cannot be read"))))
        })?;
        Ok(copied)
    }

    fn copy_directory(&self) -> Result<Zeroed<u32>, Damaged> {
        let directory = &self.map[self.directory..];
        let mut slots = self.zeroed::<u32>(directory.len() / size_of::<u32>())?;
        cast_slice_mut::<u32, u8>(&mut slots).copy_from_slice(directory);
        Ok(slots)
    }

    fn zeroed<T: bytemuck::Zeroable>(&self, length: usize) -> Result<Zeroed<T>, Damaged> {
        let zeroed = Zeroed::new(length).map_err(|error| self.damaged(&format!("cannot be copied: {error}")))?;
        zeroed.prefer_large();
        Ok(zeroed)
    }

    #[inline]
    fn slot(&self, key: u128) -> (usize, usize) {
        let slot = (key >> (128 - self.bits)) as usize;
        let [start, end]: [u32; 2] = match &self.slots {
            Some(slots) => [slots[slot], slots[slot + 1]],
            None => pod_read_unaligned(&self.map[self.directory + slot * 4..][..8]),
        };
        (start as usize, (end as usize).min(self.entries))
    }

    /// Prepares for [`Run::prefetch`] and [`Run::prefetch_raw`] of `key`.
    #[inline]
    pub fn prefetch_slot(&self, key: u128) {
        let slot = (key >> (128 - self.bits)) as usize;
        match &self.slots {
            Some(slots) => prefetch(&slots[slot]),
            None => prefetch(&self.map[self.directory + slot * 4]),
        }
    }

    /// Asks the processor to bring the place where `key` would be into its cache.
    #[inline]
    pub fn prefetch(&self, key: u128) {
        let (start, _) = self.slot(key);
        if start < self.entries && !matches!(self.probes, Probes::Read(_)) {
            let entry = &self.hots(start / CHUNK)[start % CHUNK..];
            prefetch(&entry[0]);
            // The slot's other entry, which lies in the next cache line half of the time.
            prefetch(entry.get(1).unwrap_or(&entry[0]));
        }
    }

    /// Position and hot entry of `key`.
    #[inline]
    pub fn find(&self, key: u128) -> Result<Option<(usize, Hot)>, Damaged> {
        if let Probes::Read(file) = &self.probes {
            return self.find_read(file, key);
        }
        let (start, end) = self.slot(key);
        for position in start..end {
            let hot = self.hot(position)?;
            if hot.key >= key {
                return Ok((hot.key == key).then_some((position, hot)));
            }
        }
        Ok(None)
    }

    #[inline(never)]
    fn find_read(&self, file: &File, key: u128) -> Result<Option<(usize, Hot)>, Damaged> {
        let (mut position, end) = self.slot(key);
        let mut entries = [Hot::default(); 8];
        while position < end {
            let count = (end - position).min(entries.len()).min(CHUNK - position % CHUNK);
            let at = self.part(position / CHUNK, HOT_GOOD).start + position % CHUNK * size_of::<Hot>();
            self.read_at(file, cast_slice_mut(&mut entries[..count]), at)?;
            if let Some(found) = entries[..count].iter().position(|hot| hot.key >= key) {
                let hot = entries[found];
                return Ok((hot.key == key).then_some((position + found, hot)));
            }
            position += count;
        }
        Ok(None)
    }

    /// Prepares for [`Run::unchanged`] of `key`.
    #[inline]
    pub fn prefetch_raw(&self, key: u128) {
        match &self.raws {
            Some(raws) => raws.get(self.slot(key).0).into_iter().for_each(prefetch),
            None => self.prefetch(key),
        }
    }

    /// Position of the entry of `key`, if its record's bytes are those that hash to `raw`.
    ///
    /// Where raw hashes are held they are compared alone, not the key's as well: a record's key is part of its bytes.
    #[inline]
    pub fn unchanged(&self, key: u128, raw: u64) -> Result<Option<usize>, Damaged> {
        let Some(raws) = &self.raws else {
            return Ok(self.find(key)?.filter(|(_, hot)| hot.raw == raw).map(|(position, _)| position));
        };
        let (start, end) = self.slot(key);
        Ok(raws[start..end].iter().position(|known| *known == raw).map(|at| start + at))
    }
}

#[cfg(test)]
mod tests {
    use super::super::run::tests::{keys, write};
    use super::*;

    #[test]
    fn every_key_is_found_and_no_other() {
        let folder = tempfile::tempdir().expect("folder");
        for (count, owned) in [(0, false), (1, true), (4095, true), (4096, true), (20_000, false), (20_002, true)] {
            let path = folder.path().join(format!("{count}.run"));
            let keys = keys(count);
            write(&path, &keys, owned);
            let mut run = Run::open(&path, 9).expect("open");
            match count % 3 {
                0 => run.copy_hot(2).expect("whole"),
                1 => run.read_hot().expect("whole"),
                _ => {}
            }
            for (n, key) in keys.iter().enumerate() {
                let (position, hot) = run.find(*key).expect("whole").expect("present");
                assert_eq!((position, hot.row(), hot.is_active()), (n, n as u64, n % 2 == 0));
                assert_eq!(run.cold(n).expect("whole").digest(), !*key);
                assert_eq!(run.owner(n).expect("whole"), if owned { *key ^ 1 } else { 0 });
                assert!(run.find(*key + (1 << 40)).expect("whole").is_none());
            }
        }
    }

    #[test]
    fn a_record_is_unchanged_if_its_bytes_are() {
        let folder = tempfile::tempdir().expect("folder");
        for (count, held) in [(1, true), (4097, true), (9000, false)] {
            let path = folder.path().join(format!("{count}.run"));
            let keys = keys(count);
            write(&path, &keys, false);
            let mut run = Run::open(&path, 9).expect("open");
            if held {
                run.hold_raws(2).expect("whole");
            }
            if count == 4097 {
                run.read_hot().expect("whole");
            }
            for (n, key) in keys.iter().enumerate() {
                run.prefetch_raw(*key);
                let raw = run.hot(n).expect("whole").raw;
                assert_eq!(run.unchanged(*key, raw), Ok(Some(n)));
                assert_eq!(run.unchanged(*key, raw ^ 1 << 60), Ok(None));
                assert_eq!(run.find(*key).expect("whole").map(|(position, _)| position), Some(n));
            }
        }
    }
}
