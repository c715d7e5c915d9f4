//! Two files against each other: the first is planned as a catalog's first load, the second as a sync against it.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value as Json;

use super::rows::{ChangeRows, Output, Source};
use crate::plan::{Control, EntityBase, Planner, Request, Stop};
use crate::record::digest::{SECRET_LEN, fingerprint};

/// What differs between two files.
pub struct FileDiff {
    /// A plan report.
    pub report: Json,
    old: Arc<Planner>,
    new: Arc<Planner>,
}

/// A secret for hashes that end with the comparison: nobody can have prepared a feed for it.
fn passing_secret() -> Vec<u8> {
    use std::hash::{BuildHasher, RandomState};
    let random = || RandomState::new().hash_one(0u8);
    (0..SECRET_LEN / 8).flat_map(|n| fingerprint(&random().to_le_bytes(), n as u64).to_le_bytes()).collect()
}

/// Compares the feeds at `old` and `new`.
pub fn diff(old: &Path, new: &Path, request: Request, control: Arc<Control>) -> Result<FileDiff, Stop> {
    let secret = passing_secret();
    let folder = tempfile::tempdir_in(&request.temp_dir)?;
    let mut first = Request { operation: "sync".into(), force: false, ..request };
    first.base.clear();
    let mut second = first.clone();
    let mut planner = Planner::new(first, &secret)?.watched_by(control.clone());
    planner.scan(old)?;
    if planner.next_want()?.is_some() {
        return Err(Stop::Broken("a first load wants nothing".into()));
    }
    planner.decide()?;
    for (name, next) in planner.write_index(folder.path(), "old")? {
        let number = planner.entity(&name).unwrap_or_default();
        let base = EntityBase {
            runs: next.runs.iter().map(|run| folder.path().join(run)).collect(),
            records: next.records,
            active: next.active,
            data_bytes: next.data_bytes,
            next_row: next.next_row,
            digest: next.digest,
            columns: planner.added_columns(number),
        };
        second.base.insert(name, base);
    }
    let old = Arc::new(planner);
    let mut planner = Planner::new(second, &secret)?.watched_by(control);
    planner.scan(new)?;
    while let Some(want) = planner.next_want()? {
        let wanted: HashSet<u64> = planner.wanted().into_iter().collect();
        let rows =
            if want.all { old.stored_rows(want.entity, None) } else { old.stored_rows(want.entity, Some(wanted)) };
        for batch in rows {
            planner
                .supply(&batch.map_err(|error| old.control().failure().unwrap_or(Stop::Broken(error.to_string())))?)?;
        }
        planner.supplied()?;
    }
    let report = planner.decide()?;
    Ok(FileDiff { report, old, new: Arc::new(planner) })
}

impl FileDiff {
    /// Added and changed records of `entity` as the second file has them.
    pub fn after(&self, entity: &str) -> Option<ChangeRows> {
        self.new.rows(self.new.entity(entity)?)
    }

    /// Changed and removed records of `entity` as the first file has them.
    pub fn before(&self, entity: &str) -> Option<ChangeRows> {
        let number = self.new.entity(entity)?;
        let closed: HashSet<u64> = self.new.closed(number).iter().map(|(row, _)| *row).collect();
        (!closed.is_empty()).then(|| self.old.stored_rows(number, Some(closed)))
    }
}

impl Planner {
    /// The records of a first load as if a store held them: all, or those whose row is in `wanted`.
    fn stored_rows(self: &Arc<Self>, entity: usize, wanted: Option<HashSet<u64>>) -> ChangeRows {
        let output = Output { columns: self.written_columns(entity), first_row: 1, with_old_row: false };
        let source = Source { planner: self.clone(), entity, kept: self.kept(entity), merged: false, reread: true };
        ChangeRows::start_filtered(output, source, wanted)
    }
}
