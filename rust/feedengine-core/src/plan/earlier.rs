//! A file that an index stands for: its records are read again one by one, where they lie.

use std::fs::{File, Metadata};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::entity::EntityPlan;
use super::stop::Stop;
use super::worker::{Task, Worker};
use crate::fault::{Code, Fault};
use crate::index::{Cold, Found};
use crate::read::{Layout, Scratch};
use crate::record::digest::Hasher;
use crate::record::{Record, State};

/// Where a record lies in its file. It stands in an index in the place of a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Offset of its first byte.
    pub at: u64,
    /// Its bytes, without what ends it.
    pub length: u32,
}

impl Place {
    /// In the place of a digest.
    pub fn packed(self) -> u128 {
        u128::from(self.at) | u128::from(self.length) << 64
    }

    fn of(cold: &Cold) -> Place {
        Place { at: cold.digest() as u64, length: (cold.digest() >> 64) as u32 }
    }
}

/// The file, and how its records are read.
#[derive(Clone)]
pub struct Earlier {
    path: PathBuf,
    file: Arc<File>,
    was: (u64, u64, i64, i64),
    layout: Arc<Layout>,
    /// What the records' bytes were hashed with.
    rules: u64,
}

/// What tells a file from another one, and from itself after somebody wrote to it.
fn marks(found: &Metadata) -> (u64, u64, i64, i64) {
    (found.ino(), found.len(), found.mtime(), found.mtime_nsec())
}

fn changed() -> Stop {
    Fault::new(Code::FileChanged, "the file is another one than a moment ago").into()
}

impl Earlier {
    /// The file at `path`, whose bytes were hashed under `rules`.
    pub fn open(path: &Path, layout: Arc<Layout>, rules: u64) -> std::io::Result<Earlier> {
        let file = File::open(path)?;
        let was = marks(&file.metadata()?);
        Ok(Earlier { path: path.to_owned(), file: Arc::new(file), was, layout, rules })
    }

    /// The same file, read to cells of another table.
    #[must_use]
    pub fn read_by(&self, layout: Arc<Layout>) -> Earlier {
        Earlier { layout, ..self.clone() }
    }

    /// Fails if the file is not what it was.
    pub fn must_be_same(&self) -> Result<(), Stop> {
        match std::fs::metadata(&self.path) {
            Ok(found) if marks(&found) == self.was => Ok(()),
            _ => Err(changed()),
        }
    }

    /// Reads the record that `cold` tells the place of and whose bytes hash to `raw`; its `Set` cells are what counts.
    pub fn read(
        &self,
        hasher: &Hasher,
        cold: &Cold,
        raw: u64,
        (buffer, scratch): (&mut Vec<u8>, &mut Scratch),
        record: &mut Record,
    ) -> Result<(), Stop> {
        let place = Place::of(cold);
        buffer.resize(place.length as usize, 0);
        self.file.read_exact_at(buffer, place.at).map_err(|_| changed())?;
        if hasher.raw(buffer, self.rules) != raw {
            return Err(changed());
        }
        // What is wrong with it was seen when it was read first.
        self.layout.parse(buffer, scratch, record, &mut Vec::new());
        record.retain(|cell| cell.state == State::Set);
        Ok(())
    }
}

impl Worker {
    /// The digest of a stored record.
    pub(super) fn stored_digest(&mut self, task: &Task<'_>, entity: &EntityPlan, found: Found) -> Result<u128, Stop> {
        let cold = entity.index.cold(found.slot)?;
        let Some(earlier) = &entity.earlier else { return Ok(cold.digest()) };
        let (mut buffer, mut record) = (Vec::new(), std::mem::take(&mut self.other));
        earlier.read(task.hasher, &cold, found.hot.raw, (&mut buffer, &mut self.scratch), &mut record)?;
        let digest = self.facts[entity.number].digest(&record);
        self.other = record;
        Ok(digest)
    }
}
