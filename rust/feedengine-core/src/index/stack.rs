//! The index of one entity: a base run and the overlays on top of it.

use std::path::{Path, PathBuf};

use super::format::{Cold, Hot};
use super::run::{Damaged, Run};

/// An overlay is at least so many times as large as those above it together.
const GROWTH: usize = 8;

/// Bytes of a run that may come into memory as a whole because a few of its entries are looked at.
const MAPPED: usize = 128 << 20;

/// A stack of runs, oldest first. Slots number the entries of all runs, one run after the other.
#[derive(Debug, Default)]
pub struct Index {
    runs: Vec<Run>,
    offsets: Vec<u32>,
}

/// A current record that was looked up.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// Its slot in the stack.
    pub slot: u32,
    /// Its hot part.
    pub hot: Hot,
}

/// A current record, met in key order.
pub type Live = Found;

impl Index {
    /// Opens the runs at `paths`, oldest first.
    pub fn open(paths: &[PathBuf], store: u64) -> Result<Index, Damaged> {
        let mut index = Index::default();
        let mut offset = 0u64;
        for path in paths {
            let run = Run::open(path, store)?;
            if run.is_empty() {
                continue;
            }
            index.offsets.push(offset as u32);
            offset += run.len() as u64;
            if offset >= u64::from(u32::MAX) {
                return Err(Damaged { path: path.clone(), why: "has too many entries for one catalog".into() });
            }
            index.runs.push(run);
        }
        Ok(index)
    }

    /// Number of slots.
    pub fn slots(&self) -> usize {
        self.runs.iter().map(Run::len).sum()
    }

    /// Entries above the base run.
    pub fn overlaid(&self) -> usize {
        self.runs.iter().skip(1).map(Run::len).sum()
    }

    /// Entries of the base run.
    pub fn base_len(&self) -> usize {
        self.runs.first().map_or(0, Run::len)
    }

    /// How many of the newest overlays an overlay of `entries` should take in, so that each one left is several times
    /// as large as those above it: few runs to probe, and no entry is written again more than a few times. The base is
    /// never one of them.
    pub fn foldable(&self, entries: usize) -> usize {
        let mut total = entries;
        let overlays = self.runs.get(1..).unwrap_or_default();
        let folded = overlays.iter().rev().take_while(|run| {
            let small = run.len() < total * GROWTH;
            total += run.len();
            small
        });
        folded.count()
    }

    /// Entries of the newest `count` runs, newest run first, tombstones included.
    pub fn newest(&self, count: usize) -> impl Iterator<Item = Result<(Hot, Cold, u128), Damaged>> + '_ {
        self.runs.iter().rev().take(count).flat_map(|run| {
            (0..run.len()).map(|position| Ok((run.hot(position)?, run.cold(position)?, run.owner(position)?)))
        })
    }

    /// Files of the runs below the newest `count`, oldest first.
    pub fn below(&self, count: usize) -> impl Iterator<Item = &Path> + '_ {
        self.runs[..self.runs.len() - count].iter().map(Run::path)
    }

    /// Number of runs that hold anything.
    pub fn depth(&self) -> usize {
        self.runs.len()
    }

    /// Mapped bytes.
    pub fn bytes(&self) -> usize {
        self.runs.iter().map(Run::bytes).sum()
    }

    /// Bytes that [`Index::copy_hot`] needs.
    pub fn hot_bytes(&self) -> usize {
        self.runs.iter().map(Run::hot_bytes).sum()
    }

    /// Prepares for a feed that names most records, with at most `room` bytes; gives how many are used. What does not
    /// fit is read from its file. `by_bytes` says that records are asked for by [`Index::unchanged`] first.
    pub fn expect_many(&mut self, threads: usize, room: usize, by_bytes: bool) -> Result<usize, Damaged> {
        let mut used = 0;
        // The oldest run is the one that is probed most.
        for (number, run) in self.runs.iter_mut().enumerate() {
            if by_bytes && number == 0 && run.raw_bytes() <= room {
                run.hold_raws(threads)?;
                used += run.raw_bytes();
                // Only records that change are looked up by key now. Those of a small index come from the mapping, as
                // far as there is room for its pages: all of them, though few records change, as they lie all over it.
                if run.bytes() <= MAPPED && used + run.bytes() <= room {
                    used += run.bytes();
                } else {
                    run.read_hot()?;
                }
            } else if used + run.hot_bytes() <= room {
                run.copy_hot(threads)?;
                used += run.hot_bytes();
            } else {
                run.read_hot()?;
            }
        }
        Ok(used)
    }

    /// Ends what [`Index::expect_many`] began, and gives mapped pages back.
    pub fn calm(&mut self) {
        self.runs.iter_mut().for_each(Run::map_hot);
        self.release();
    }

    /// Gives mapped pages back to the system.
    pub fn release(&self) {
        self.runs.iter().for_each(Run::release);
    }

    /// Prepares for [`Index::prefetch`] and [`Index::prefetch_raw`] of `key`.
    #[inline]
    pub fn prefetch_slot(&self, key: u128) {
        if let Some(run) = self.runs.first() {
            run.prefetch_slot(key);
        }
    }

    /// Prepares for [`Index::find`] of `key`.
    #[inline]
    pub fn prefetch(&self, key: u128) {
        if let Some(run) = self.runs.first() {
            run.prefetch(key);
        }
    }

    /// Prepares for [`Index::unchanged`] of `key`.
    #[inline]
    pub fn prefetch_raw(&self, key: u128) {
        if let Some(run) = self.runs.first() {
            run.prefetch_raw(key);
        }
    }

    /// The slot of the current record with `key`, if its bytes in the feed that last brought it hash to `raw`.
    #[inline]
    pub fn unchanged(&self, key: u128, raw: u64) -> Result<Option<u32>, Damaged> {
        let Some((base, overlays)) = self.runs.split_first() else { return Ok(None) };
        for (run, offset) in overlays.iter().zip(&self.offsets[1..]).rev() {
            if let Some((position, hot)) = run.find(key)? {
                return Ok((!hot.is_gone() && hot.raw == raw).then_some(offset + position as u32));
            }
        }
        Ok(base.unchanged(key, raw)?.map(|position| position as u32))
    }

    /// The current record with `key`.
    #[inline]
    pub fn find(&self, key: u128) -> Result<Option<Found>, Damaged> {
        for (run, offset) in self.runs.iter().zip(&self.offsets).rev() {
            if let Some((position, hot)) = run.find(key)? {
                return Ok((!hot.is_gone()).then_some(Found { slot: offset + position as u32, hot }));
            }
        }
        Ok(None)
    }

    fn place(&self, slot: u32) -> (&Run, usize) {
        let run = self.offsets.partition_point(|offset| *offset <= slot) - 1;
        (&self.runs[run], (slot - self.offsets[run]) as usize)
    }

    /// The hot part of a slot.
    pub fn hot(&self, slot: u32) -> Result<Hot, Damaged> {
        let (run, position) = self.place(slot);
        run.hot(position)
    }

    /// Prepares for [`Index::cold`] of `slot`.
    #[inline]
    pub fn prefetch_cold(&self, slot: u32) {
        let (run, position) = self.place(slot);
        run.prefetch_cold(position);
    }

    /// The cold part of a slot.
    pub fn cold(&self, slot: u32) -> Result<Cold, Damaged> {
        let (run, position) = self.place(slot);
        run.cold(position)
    }

    /// The owner's key of a slot.
    pub fn owner(&self, slot: u32) -> Result<u128, Damaged> {
        let (run, position) = self.place(slot);
        run.owner(position)
    }

    /// The last place that a current record had in the last full feed; 0 = none was in one. Reads all of the index.
    pub fn feed_length(&self) -> Result<u64, Damaged> {
        self.live().try_fold(0, |longest, live| Ok(longest.max(u64::from(self.cold(live?.slot)?.ordinal))))
    }

    /// All current records in key order.
    pub fn live(&self) -> LiveIter<'_> {
        LiveIter { index: self, next: vec![0; self.runs.len()] }
    }
}

/// Merges the runs of a stack in key order; the newest word on a key counts.
pub struct LiveIter<'i> {
    index: &'i Index,
    next: Vec<usize>,
}

impl LiveIter<'_> {
    fn step(&mut self) -> Result<Option<Live>, Damaged> {
        let runs = &self.index.runs;
        if let [run] = &runs[..] {
            // One run, no tombstones possible: the common case of a full feed after a full feed.
            let position = self.next[0];
            self.next[0] += 1;
            return if position < run.len() {
                Ok(Some(Live { slot: position as u32, hot: run.hot(position)? }))
            } else {
                Ok(None)
            };
        }
        loop {
            let mut best: Option<(usize, Hot)> = None;
            for (number, run) in runs.iter().enumerate() {
                if self.next[number] < run.len() {
                    let hot = run.hot(self.next[number])?;
                    if best.is_none_or(|(_, other)| hot.key <= other.key) {
                        best = Some((number, hot));
                    }
                }
            }
            let Some((number, hot)) = best else { return Ok(None) };
            let slot = self.index.offsets[number] + self.next[number] as u32;
            for (other, run) in runs.iter().enumerate() {
                if self.next[other] < run.len() && run.hot(self.next[other])?.key == hot.key {
                    self.next[other] += 1;
                }
            }
            if !hot.is_gone() {
                return Ok(Some(Live { slot, hot }));
            }
        }
    }
}

impl Iterator for LiveIter<'_> {
    type Item = Result<Live, Damaged>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step().transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::super::RunWriter;
    use super::*;

    fn write(path: &Path, entries: &[Hot]) {
        let mut writer = RunWriter::create(path, entries.len() as u64, false, 9).expect("create");
        for hot in entries {
            writer.push(*hot, Cold::default(), 0).expect("push");
        }
        writer.finish().expect("finish");
    }

    #[test]
    fn the_newest_word_on_a_key_says_whether_its_bytes_are_known() {
        let folder = tempfile::tempdir().expect("folder");
        let (base, overlay) = (folder.path().join("base.run"), folder.path().join("overlay.run"));
        let key = |n: u128| n << 120 | n;
        let entries: Vec<Hot> = (1..=100).map(|n| Hot::new(key(n), n as u64, n as u64, true)).collect();
        write(&base, &entries);
        // Patched since: what its bytes in the last full feed were no longer says what it is. And one that went.
        write(&overlay, &[Hot::new(key(7), 0, 101, true), Hot::gone(key(9))]);
        for (by_bytes, room) in [(false, 0), (false, usize::MAX), (true, 40_000), (true, usize::MAX)] {
            let mut index = Index::open(&[base.clone(), overlay.clone()], 9).expect("open");
            index.expect_many(2, room, by_bytes).expect("whole");
            for n in 1..=100 {
                let known = !matches!(n, 7 | 9);
                let expected = known.then_some(n as u32 - 1);
                assert_eq!(index.unchanged(key(n), n as u64), Ok(expected), "{n} {by_bytes} {room}");
                assert_eq!(index.find(key(n)).expect("whole").is_some(), n != 9);
            }
            index.calm();
            assert_eq!(index.unchanged(key(8), 8), Ok(Some(7)));
        }
    }
}
