//! One sorted run, memory-mapped: probing, reading by position, verifying chunks when they are first touched.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};

use bytemuck::{bytes_of, bytes_of_mut, cast_slice, cast_slice_mut, pod_read_unaligned};
use memmap2::Mmap;

use super::format::{CHUNK, Cold, HEADER, Head, Hot, MAGIC, checksum, stride};

/// A run that cannot be trusted: it is to be rebuilt from the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damaged {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub why: String,
}

impl std::fmt::Display for Damaged {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "index run {} {}", self.path.display(), self.why)
    }
}

impl std::error::Error for Damaged {}

/// Asks the processor to bring the cache line of `place` closer. Nothing else happens.
#[inline]
pub fn prefetch<T>(place: &T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the address is that of a living reference, and a prefetch has no effect but on caches.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(place).cast::<i8>());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}

const HOT_GOOD: u8 = 1;
const COLD_GOOD: u8 = 2;

/// A run on disk, open for reading by any number of threads.
#[derive(Debug)]
pub struct Run {
    map: Mmap,
    path: PathBuf,
    entries: usize,
    owned: bool,
    bits: u32,
    stride: usize,
    sums: usize,
    directory: usize,
    verified: Vec<AtomicU8>,
    probes: Probes,
}

/// Where entries are looked up.
#[derive(Debug)]
enum Probes {
    /// In the mapped file.
    Mapped,
    /// In memory: the hot parts of all chunks.
    Copied(Box<[Hot]>),
    /// In the file, read entry by entry: a mapping would draw in all of it.
    Read(File),
}

impl Run {
    /// Opens the run at `path`, which must be of the store whose secret hashes to `store`.
    pub fn open(path: &Path, store: u64) -> Result<Run, Damaged> {
        let damaged = |why: &str| Damaged { path: path.to_owned(), why: why.to_owned() };
        let file = File::open(path).map_err(|error| damaged(&format!("cannot be opened: {error}")))?;
        // SAFETY: runs are written once under a unique name and never changed; only feedengine owns the folder.
        let map = unsafe { Mmap::map(&file) }.map_err(|error| damaged(&format!("cannot be mapped: {error}")))?;
        if map.len() < HEADER {
            return Err(damaged("is cut"));
        }
        let mut head: Head = pod_read_unaligned(&map[..size_of::<Head>()]);
        let sum = std::mem::take(&mut head.head_sum);
        if head.magic != MAGIC || checksum(bytes_of(&head)) != sum {
            return Err(damaged("has no valid header"));
        }
        if head.store != store {
            return Err(damaged("belongs to another store"));
        }
        let owned = head.owned == 1;
        let entries = head.entries as usize;
        let chunks = entries.div_ceil(CHUNK);
        let footer = HEADER + chunks * stride(owned);
        let length = footer + chunks * 16 + ((1usize << head.bits.min(40)) + 1) * 4;
        if head.length != map.len() as u64 || head.length != length as u64 || head.footer != footer as u64 {
            return Err(damaged("is cut"));
        }
        if checksum(&map[footer..]) != head.footer_sum {
            return Err(damaged("has a damaged footer"));
        }
        Ok(Run {
            path: path.to_owned(),
            entries,
            owned,
            bits: head.bits as u32,
            stride: stride(owned),
            sums: footer,
            directory: footer + chunks * 16,
            verified: (0..chunks).map(|_| AtomicU8::new(0)).collect(),
            probes: Probes::Mapped,
            map,
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Entries in the run, tombstones included.
    pub fn len(&self) -> usize {
        self.entries
    }

    /// Whether the run has no entries.
    pub fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// Length of the mapped file in bytes.
    pub fn bytes(&self) -> usize {
        self.map.len()
    }

    /// Gives the mapped pages back to the system; they come back from the file when touched.
    pub fn release(&self) {
        // SAFETY: the mapping is a read-only file mapping, so dropped pages come back unchanged.
        #[cfg(unix)]
        let _ = unsafe { self.map.unchecked_advise(memmap2::UncheckedAdvice::DontNeed) };
    }

    fn chunk_at(&self, chunk: usize) -> usize {
        HEADER + chunk * self.stride
    }

    fn hots(&self, chunk: usize) -> &[Hot] {
        if let Probes::Copied(copied) = &self.probes {
            return &copied[chunk * CHUNK..][..CHUNK.min(self.entries - chunk * CHUNK)];
        }
        let start = self.chunk_at(chunk);
        &cast_slice(&self.map[start..start + CHUNK * size_of::<Hot>()])[..CHUNK.min(self.entries - chunk * CHUNK)]
    }

    /// Bytes that [`Run::copy_hot`] needs.
    pub fn hot_bytes(&self) -> usize {
        self.verified.len() * CHUNK * size_of::<Hot>()
    }

    /// Reads and verifies the hot parts of all chunks, on `threads` threads, into one stretch of memory with large
    /// pages: a feed that names most records probes it all over.
    pub fn copy_hot(&mut self, threads: usize) -> Result<(), Damaged> {
        let mut copied = bytemuck::zeroed_slice_box::<Hot>(self.verified.len() * CHUNK);
        crate::pages::prefer_large(&copied);
        let share = self.verified.len().div_ceil(threads.max(1)).max(1);
        let run = &*self;
        std::thread::scope(|scope| {
            let parts = copied.chunks_mut(share * CHUNK).enumerate();
            let copying: Vec<_> =
                parts.map(|(n, part)| scope.spawn(move || run.copy_chunks(n * share, part))).collect();
            copying.into_iter().try_for_each(|part| part.join().unwrap_or_else(|_| Err(run.damaged("cannot be read"))))
        })?;
        self.probes = Probes::Copied(copied);
        Ok(())
    }

    /// Verifies all chunks and from now on reads entries from the file, one by one: slower than probing the mapping,
    /// but nothing stays in memory.
    pub fn read_hot(&mut self) -> Result<(), Damaged> {
        let file = File::open(&self.path).map_err(|error| self.damaged(&format!("cannot be read: {error}")))?;
        for (chunk, verified) in self.verified.iter().enumerate() {
            for part in [HOT_GOOD, COLD_GOOD] {
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

    /// Looks entries up in the mapping again; what [`Run::copy_hot`] took is given back.
    pub fn map_hot(&mut self) {
        self.probes = Probes::Mapped;
    }

    fn read_at(&self, file: &File, bytes: &mut [u8], at: usize) -> Result<(), Damaged> {
        use std::os::unix::fs::FileExt;
        let read = file.read_exact_at(bytes, at as u64);
        read.map_err(|error| self.damaged(&format!("cannot be read: {error}")))
    }

    /// Where a part of a chunk lies: its hot entries, or its cold ones with the owners.
    fn part(&self, chunk: usize, part: u8) -> Range<usize> {
        let start = self.chunk_at(chunk);
        let hot_end = start + CHUNK * size_of::<Hot>();
        if part == HOT_GOOD { start..hot_end } else { hot_end..start + self.stride }
    }

    /// The checksum of a part's bytes.
    fn sum_of(&self, part: u8, bytes: &[u8]) -> u64 {
        if part == HOT_GOOD {
            return checksum(bytes);
        }
        let (cold, owner) = bytes.split_at(CHUNK * size_of::<Cold>());
        checksum(cold) ^ checksum(owner).rotate_left(1)
    }

    fn copy_chunks(&self, first: usize, out: &mut [Hot]) -> Result<(), Damaged> {
        let unreadable = |error: std::io::Error| self.damaged(&format!("cannot be read: {error}"));
        // Read and not copied from the mapping: its pages would count as memory in use a second time.
        let mut file = File::open(&self.path).map_err(unreadable)?;
        for (number, part) in out.chunks_mut(CHUNK).enumerate() {
            let chunk = first + number;
            let bytes: &mut [u8] = cast_slice_mut(part);
            let place = SeekFrom::Start(self.chunk_at(chunk) as u64);
            file.seek(place).and_then(|_| file.read_exact(bytes)).map_err(unreadable)?;
            if checksum(bytes) != self.sum(chunk)[0] {
                return Err(self.damaged(&format!("has a damaged chunk ({chunk})")));
            }
            self.verified[chunk].fetch_or(HOT_GOOD, Ordering::Relaxed);
        }
        Ok(())
    }

    fn damaged(&self, why: &str) -> Damaged {
        Damaged { path: self.path.clone(), why: why.to_owned() }
    }

    fn sum(&self, chunk: usize) -> [u64; 2] {
        pod_read_unaligned(&self.map[self.sums + chunk * 16..self.sums + chunk * 16 + 16])
    }

    #[cold]
    fn verify(&self, chunk: usize, part: u8) -> Result<(), Damaged> {
        if self.sum_of(part, &self.map[self.part(chunk, part)]) != self.sum(chunk)[usize::from(part == COLD_GOOD)] {
            return Err(self.damaged(&format!("has a damaged chunk ({chunk})")));
        }
        self.verified[chunk].fetch_or(part, Ordering::Relaxed);
        Ok(())
    }

    #[inline]
    fn trust(&self, chunk: usize, part: u8) -> Result<(), Damaged> {
        if self.verified[chunk].load(Ordering::Relaxed) & part == 0 { self.verify(chunk, part) } else { Ok(()) }
    }

    /// The hot entry at `position`.
    #[inline]
    pub fn hot(&self, position: usize) -> Result<Hot, Damaged> {
        self.trust(position / CHUNK, HOT_GOOD)?;
        Ok(self.hots(position / CHUNK)[position % CHUNK])
    }

    /// Brings the cold entry at `position` closer.
    #[inline]
    pub fn prefetch_cold(&self, position: usize) {
        if !matches!(self.probes, Probes::Read(_)) {
            let chunk = position / CHUNK;
            let start = self.chunk_at(chunk) + CHUNK * size_of::<Hot>() + position % CHUNK * size_of::<Cold>();
            prefetch(&self.map[start]);
        }
    }

    /// The cold entry at `position`.
    pub fn cold(&self, position: usize) -> Result<Cold, Damaged> {
        let chunk = position / CHUNK;
        self.trust(chunk, COLD_GOOD)?;
        let start = self.chunk_at(chunk) + CHUNK * size_of::<Hot>() + position % CHUNK * size_of::<Cold>();
        if let Probes::Read(file) = &self.probes {
            let mut cold = Cold::default();
            self.read_at(file, bytes_of_mut(&mut cold), start)?;
            return Ok(cold);
        }
        Ok(pod_read_unaligned(&self.map[start..start + size_of::<Cold>()]))
    }

    /// The owner's key at `position`; 0 where entries have none.
    pub fn owner(&self, position: usize) -> Result<u128, Damaged> {
        if !self.owned {
            return Ok(0);
        }
        let chunk = position / CHUNK;
        self.trust(chunk, COLD_GOOD)?;
        let start = self.chunk_at(chunk) + CHUNK * (size_of::<Hot>() + size_of::<Cold>()) + position % CHUNK * 16;
        Ok(pod_read_unaligned(&self.map[start..start + 16]))
    }

    #[inline]
    fn slot(&self, key: u128) -> (usize, usize) {
        let slot = (key >> (128 - self.bits)) as usize * 4 + self.directory;
        let [start, end]: [u32; 2] = pod_read_unaligned(&self.map[slot..slot + 8]);
        (start as usize, end as usize)
    }

    /// Prepares for [`Run::prefetch`] of `key`.
    #[inline]
    pub fn prefetch_slot(&self, key: u128) {
        prefetch(&self.map[(key >> (128 - self.bits)) as usize * 4 + self.directory]);
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
        for position in start..end.min(self.entries) {
            let hot = self.hot(position)?;
            if hot.key >= key {
                return Ok((hot.key == key).then_some((position, hot)));
            }
        }
        Ok(None)
    }
}

impl Run {
    #[inline(never)]
    fn find_read(&self, file: &File, key: u128) -> Result<Option<(usize, Hot)>, Damaged> {
        let (mut position, end) = self.slot(key);
        let end = end.min(self.entries);
        let mut entries = [Hot::default(); 8];
        while position < end {
            let count = (end - position).min(entries.len()).min(CHUNK - position % CHUNK);
            let at = self.chunk_at(position / CHUNK) + position % CHUNK * size_of::<Hot>();
            self.read_at(file, cast_slice_mut(&mut entries[..count]), at)?;
            if let Some(found) = entries[..count].iter().position(|hot| hot.key >= key) {
                let hot = entries[found];
                return Ok((hot.key == key).then_some((position + found, hot)));
            }
            position += count;
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::super::RunWriter;
    use super::*;

    fn keys(count: u64) -> Vec<u128> {
        let hash = |n: u64| crate::record::digest::fingerprint(&n.to_le_bytes(), 1);
        let mut keys: Vec<u128> = (0..count).map(|n| u128::from(hash(n)) << 64 | u128::from(n)).collect();
        keys.sort_unstable();
        keys
    }

    fn write(path: &Path, keys: &[u128], owned: bool) {
        let mut writer = RunWriter::create(path, keys.len() as u64, owned, 9).expect("create");
        for (n, key) in keys.iter().enumerate() {
            let (hot, cold) = (Hot::new(*key, 5, n as u64, n % 2 == 0), Cold::new(!*key, n as u32, n as u32 + 1));
            writer.push(hot, cold, *key ^ 1).expect("push");
        }
        assert_eq!(writer.finish().expect("finish"), keys.len() as u64);
    }

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
    fn damage_is_noticed_wherever_it_is() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("a.run");
        write(&path, &keys(10_000), true);
        let whole = std::fs::read(&path).expect("read");
        assert!(Run::open(&path, 8).is_err_and(|error| error.why.contains("another store")));
        for place in (0..whole.len()).step_by(whole.len() / 97) {
            if (size_of::<Head>()..HEADER).contains(&place) {
                continue; // the padding of the header page carries nothing
            }
            let mut bad = whole.clone();
            bad[place] ^= 0x40;
            std::fs::write(&path, &bad).expect("write");
            let noticed = Run::open(&path, 9)
                .and_then(|run| (0..run.len()).try_for_each(|n| run.hot(n).and(run.cold(n)).map(|_| ())));
            assert!(noticed.is_err(), "byte {place}");
        }
        std::fs::write(&path, &whole[..whole.len() - 1]).expect("write");
        assert!(Run::open(&path, 9).is_err());
    }
}
