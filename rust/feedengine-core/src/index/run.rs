//! One sorted run, memory-mapped: reading by position, verifying chunks when they are first touched.

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};

use bytemuck::{bytes_of, bytes_of_mut, pod_read_unaligned};
use memmap2::Mmap;

use super::format::{CHUNK, Cold, HEADER, Head, Hot, MAGIC, checksum, stride};
use super::probe::Probes;
use crate::pages::Zeroed;

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

pub(super) const HOT_GOOD: u8 = 1;
pub(super) const COLD_GOOD: u8 = 2;

/// A run on disk, open for reading by any number of threads.
#[derive(Debug)]
pub struct Run {
    pub(super) map: Mmap,
    path: PathBuf,
    pub(super) entries: usize,
    owned: bool,
    pub(super) bits: u32,
    stride: usize,
    sums: usize,
    /// Where the directory begins.
    pub(super) directory: usize,
    /// Which parts of each chunk are known to be as they were written.
    pub(super) verified: Vec<AtomicU8>,
    pub(super) probes: Probes,
    /// A copy of the directory in memory, while many entries are looked up.
    pub(super) slots: Option<Zeroed<u32>>,
    /// The raw hashes of all entries, by position, while records are compared by their bytes.
    pub(super) raws: Option<Zeroed<u64>>,
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
            slots: None,
            raws: None,
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

    pub(super) fn chunk_at(&self, chunk: usize) -> usize {
        HEADER + chunk * self.stride
    }

    /// Where a part of a chunk lies: its hot entries, or its cold ones with the owners.
    pub(super) fn part(&self, chunk: usize, part: u8) -> Range<usize> {
        let start = self.chunk_at(chunk);
        let hot_end = start + CHUNK * size_of::<Hot>();
        if part == HOT_GOOD { start..hot_end } else { hot_end..start + self.stride }
    }

    /// The checksum of a part's bytes.
    pub(super) fn sum_of(&self, part: u8, bytes: &[u8]) -> u64 {
        if part == HOT_GOOD {
            return checksum(bytes);
        }
        let (cold, owner) = bytes.split_at(CHUNK * size_of::<Cold>());
        checksum(cold) ^ checksum(owner).rotate_left(1)
    }

    pub(super) fn damaged(&self, why: &str) -> Damaged {
        Damaged { path: self.path.clone(), why: why.to_owned() }
    }

    pub(super) fn sum(&self, chunk: usize) -> [u64; 2] {
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

    fn cold_at(&self, position: usize) -> usize {
        self.chunk_at(position / CHUNK) + CHUNK * size_of::<Hot>() + position % CHUNK * size_of::<Cold>()
    }

    /// Brings the cold entry at `position` closer.
    #[inline]
    pub fn prefetch_cold(&self, position: usize) {
        if !matches!(self.probes, Probes::Read(_)) {
            prefetch(&self.map[self.cold_at(position)]);
        }
    }

    /// The cold entry at `position`.
    pub fn cold(&self, position: usize) -> Result<Cold, Damaged> {
        self.trust(position / CHUNK, COLD_GOOD)?;
        let start = self.cold_at(position);
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
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::RunWriter;
    use super::*;

    pub(crate) fn keys(count: u64) -> Vec<u128> {
        let hash = |n: u64| crate::record::digest::fingerprint(&n.to_le_bytes(), 1);
        let mut keys: Vec<u128> = (0..count).map(|n| u128::from(hash(n)) << 64 | u128::from(n)).collect();
        keys.sort_unstable();
        keys
    }

    pub(crate) fn write(path: &Path, keys: &[u128], owned: bool) {
        let mut writer = RunWriter::create(path, keys.len() as u64, owned, 9).expect("create");
        for (n, key) in keys.iter().enumerate() {
            let (hot, cold) =
                (Hot::new(*key, n as u64 + 5, n as u64, n % 2 == 0), Cold::new(!*key, n as u32, n as u32 + 1));
            writer.push(hot, cold, *key ^ 1).expect("push");
        }
        assert_eq!(writer.finish().expect("finish"), keys.len() as u64);
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
