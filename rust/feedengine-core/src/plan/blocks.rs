//! Drives a feed's blocks through a number of threads: the one loop that planning, re-reading and locating share.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::stop::Stop;
use crate::fault::{Code, Fault};
use crate::read::{Block, Feed, FileInfo, Next, ReadOptions, Section, SectionEnd, Tables};

/// What other threads may watch and say while a feed is read.
#[derive(Debug, Default)]
pub struct Control {
    /// Set to end the work.
    pub stop: AtomicBool,
    /// Bytes of the file that were read.
    pub done: AtomicU64,
    /// Bytes of the file.
    pub total: AtomicU64,
    /// Records that were read, counted by the block.
    pub records: AtomicU64,
    /// Why a stream of rows ended early. Whoever reads the stream learns it in words only.
    pub failed: Mutex<Option<Stop>>,
}

impl Control {
    /// Bytes read, bytes there are, records read.
    pub fn progress(&self) -> (u64, u64, u64) {
        let get = |number: &AtomicU64| number.load(Ordering::Relaxed);
        (get(&self.done), get(&self.total), get(&self.records))
    }

    /// Why a stream of rows ended early, told once.
    pub fn failure(&self) -> Option<Stop> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A feed that was read to its proven end.
pub struct Pass<S> {
    /// What each thread made.
    pub states: Vec<S>,
    /// The sections, by number, with their ends.
    pub sections: Vec<(Arc<Section>, SectionEnd)>,
    /// The file.
    pub info: FileInfo,
}

impl<S> Pass<S> {
    /// A second reading, if it met the file that had `fingerprint` at the first. A fault tells of another file too: it
    /// would have ended the first reading.
    pub fn again(pass: Result<Self, Stop>, fingerprint: Option<u128>) -> Result<Self, Stop> {
        let changed = "the file is another one than a moment ago";
        match pass {
            Ok(pass) if Some(pass.info.fingerprint) == fingerprint => Ok(pass),
            Ok(_) => Err(Fault::new(Code::FileChanged, changed).into()),
            Err(Stop::Fault(fault)) => {
                Err(Fault::new(Code::FileChanged, format!("{changed}: {}", fault.message)).into())
            }
            Err(stop) => Err(stop),
        }
    }
}

struct Shared {
    feed: Feed,
    info: Option<FileInfo>,
    failed: Option<Stop>,
    ends: Vec<SectionEnd>,
}

/// Reads the feed at `path` and gives every block to `work`, on `threads` threads with a state each.
pub fn read_blocks<S: Send>(
    path: &Path,
    options: &ReadOptions,
    tables: &Tables,
    threads: usize,
    control: &Control,
    start: impl Fn(usize) -> S + Sync,
    work: impl Fn(&mut S, &Arc<Section>, &Block) -> Result<(), Stop> + Sync,
) -> Result<Pass<S>, Stop> {
    let feed = Feed::open(path, options.clone(), tables.clone())?;
    control.total.store(feed.progress().1, Ordering::Relaxed);
    let shared = Mutex::new(Shared { feed, info: None, failed: None, ends: Vec::new() });
    let sections: RwLock<Vec<Arc<Section>>> = RwLock::default();
    let run = |number: usize| {
        let mut state = start(number);
        let mut block = Block::default();
        loop {
            let section = {
                let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
                if shared.info.is_some() || shared.failed.is_some() {
                    break;
                }
                if control.stop.load(Ordering::Relaxed) {
                    shared.failed = Some(Stop::Interrupted);
                    break;
                }
                let next = shared.feed.next(&mut block);
                control.done.store(shared.feed.progress().0, Ordering::Relaxed);
                let mut known = sections.write().unwrap_or_else(PoisonError::into_inner);
                match next {
                    Ok(Next::Section(section)) => {
                        known.push(Arc::new(section));
                        continue;
                    }
                    Ok(Next::SectionEnd(end)) => {
                        shared.ends.push(end);
                        continue;
                    }
                    Ok(Next::End(info)) => {
                        shared.info = Some(info);
                        break;
                    }
                    Ok(Next::Block) => {
                        control.records.fetch_add(block.spans.len() as u64, Ordering::Relaxed);
                        known[block.section as usize].clone()
                    }
                    Err(fault) => {
                        shared.failed = Some(fault.into());
                        break;
                    }
                }
            };
            if let Err(stop) = work(&mut state, &section, &block) {
                let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
                shared.failed.get_or_insert(stop);
                break;
            }
        }
        state
    };
    let states = if threads <= 1 {
        vec![run(0)]
    } else {
        std::thread::scope(|scope| {
            let run = &run;
            let workers: Vec<_> = (0..threads).map(|number| scope.spawn(move || run(number))).collect();
            workers.into_iter().map(|worker| worker.join()).collect::<Result<Vec<_>, _>>()
        })
        .map_err(|_| Stop::Broken("a worker thread panicked".into()))?
    };
    let shared = shared.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(stop) = shared.failed {
        return Err(stop);
    }
    let info = shared.info.ok_or_else(|| Stop::Broken("the feed has no end".into()))?;
    let sections = sections.into_inner().unwrap_or_else(PoisonError::into_inner);
    let sections = sections.into_iter().zip(shared.ends).collect();
    Ok(Pass { states, sections, info })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::testing::options;
    use crate::record::FieldTable;

    #[test]
    fn records_are_counted_while_they_are_read() -> Result<(), Stop> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("items.csv");
        let rows: String = (0..500).map(|number| format!("A{number},Boot\n")).collect();
        std::fs::write(&path, format!("id,item_name\n{rows}"))?;
        let mut options = options();
        options.block = 100;
        let tables: Tables = options.entities.iter().map(|spec| Arc::new(FieldTable::new(spec))).collect();
        for threads in [1, 2] {
            let control = Control::default();
            let watch = |seen: &mut Vec<u64>, _: &Arc<Section>, block: &Block| {
                let (_, _, records) = control.progress();
                assert!(records >= block.first_record + block.spans.len() as u64);
                seen.push(records);
                Ok(())
            };
            let pass = read_blocks(&path, &options, &tables, threads, &control, |_| Vec::new(), watch)?;
            let (done, total, records) = control.progress();
            assert_eq!((done, records), (total, 500));
            assert!(pass.states.concat().iter().any(|seen| *seen < 50), "the first blocks count already");
        }
        Ok(())
    }
}
