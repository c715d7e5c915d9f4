//! Two files against each other: the first is indexed as a catalog's first load is, the second planned as a sync against it.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value as Json;

use super::rows::{ChangeRows, Output, Source};
use crate::fault::Code;
use crate::plan::{Control, Earlier, EntityBase, Planner, Request, Stop};
use crate::record::digest::{SECRET_LEN, fingerprint};

/// What differs between two files.
pub struct FileDiff {
    /// A plan report, without what only a catalog has: `digest` and `data_bytes`.
    pub report: Json,
    old: Arc<Planner>,
    new: Arc<Planner>,
    /// The first file, where its records were not all read.
    earlier: Option<Earlier>,
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
    let mut request = Request { operation: "sync".into(), force: false, ..request };
    request.base.clear();
    let lightly = lightly(old, new, &request, &secret, folder.path(), &control)?;
    lightly.map_or_else(|| thoroughly(old, new, request, &secret, folder.path(), control), Ok)
}

/// Both files are read as feeds are: the first as a first load, the second against it.
fn thoroughly(
    old: &Path,
    new: &Path,
    first: Request,
    secret: &[u8],
    folder: &Path,
    control: Arc<Control>,
) -> Result<FileDiff, Stop> {
    let mut second = first.clone();
    let mut planner = Planner::new(first, secret)?.watched_by(control.clone());
    planner.scan(old)?;
    if planner.next_want()?.is_some() {
        return Err(Stop::Broken("a first load wants nothing".into()));
    }
    planner.decide()?;
    for (name, next) in planner.write_index(folder, "old")? {
        let number = planner.entity(&name).unwrap_or_default();
        let base = EntityBase {
            runs: next.runs.iter().map(|run| folder.join(run)).collect(),
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
    let mut planner = Planner::new(second, secret)?.watched_by(control);
    planner.scan(new)?;
    while let Some(want) = planner.next_want()? {
        let wanted: HashSet<u64> = planner.wanted().into_iter().collect();
        let rows =
            if want.all { old.stored_rows(want.entity, None) } else { old.stored_rows(want.entity, Some(wanted)) };
        supply(&mut planner, &old, rows)?;
    }
    let report = reported(planner.decide()?);
    Ok(FileDiff { report, old, new: Arc::new(planner), earlier: None })
}

/// Two plain CSV files of one header, which are most: records are compared by their bytes, and only those that differ
/// are read. `None` where that does not tell all that [`thoroughly`] does.
fn lightly(
    old: &Path,
    new: &Path,
    request: &Request,
    secret: &[u8],
    folder: &Path,
    control: &Arc<Control>,
) -> Result<Option<FileDiff>, Stop> {
    let mut first = Planner::new(request.clone(), secret)?.watched_by(control.clone());
    let (Some(before), Some(after)) = (first.readable(old), first.readable(new)) else { return Ok(None) };
    if before.layout().fingerprint() != after.layout().fingerprint() {
        return Ok(None);
    }
    let earlier = Earlier::open(old, before.layout().clone(), first.rules_of(&before))?;
    let base = match first.read_lightly(old, &before, &folder.join("light.run")) {
        // What cannot be read to its end is told as of any other feed.
        Ok(None) | Err(Stop::Fault(_)) => return Ok(None),
        Ok(Some(base)) => base,
        Err(stop) => return Err(stop),
    };
    let mut second = request.clone();
    second.base.extend([base]);
    let mut planner = Planner::new(second, secret)?.watched_by(control.clone());
    let Some(after) = planner.readable(new) else { return Ok(None) };
    planner.compare_with(&after, &earlier);
    planner.scan(new)?;
    let first = Arc::new(first);
    while let Some(want) = planner.next_want()? {
        if want.all {
            return Ok(None);
        }
        let places = planner.places(want.entity, &planner.wanted())?;
        let columns = first.written_columns(want.entity);
        supply(&mut planner, &first, ChangeRows::of_places(columns, &first, earlier.clone(), places))?;
    }
    let report = planner.decide()?;
    // The sizes of records that were not read are estimates, which say no more than that an average is small enough.
    let by_code = report["problems"]["by_code"].as_array().into_iter().flatten();
    if by_code.into_iter().any(|entry| entry["code"] == Code::AverageTooLarge.text()) {
        return Ok(None);
    }
    Ok(Some(FileDiff { report: reported(report), old: first, new: Arc::new(planner), earlier: Some(earlier) }))
}

/// The report of a comparison: two files have no digest of a catalog and take no room in one.
fn reported(mut report: Json) -> Json {
    for entity in report["entities"].as_object_mut().into_iter().flat_map(|entities| entities.values_mut()) {
        if let Some(entity) = entity.as_object_mut() {
            entity.remove("digest");
            entity.remove("data_bytes");
        }
    }
    report
}

/// Answers the last want of `planner` with `rows`, which come from `old`.
fn supply(planner: &mut Planner, old: &Arc<Planner>, rows: ChangeRows) -> Result<(), Stop> {
    for batch in rows {
        planner.supply(&batch.map_err(|error| old.control().failure().unwrap_or(Stop::Broken(error.to_string())))?)?;
    }
    planner.supplied()
}

impl FileDiff {
    /// Added and changed records of `entity` as the second file has them; the first `most` will do.
    pub fn after(&self, entity: &str, most: Option<usize>) -> Option<ChangeRows> {
        self.new.first_rows(self.new.entity(entity)?, most)
    }

    /// Changed and removed records of `entity` as the first file has them; those of the first `most` changes will do,
    /// of which removals are the last.
    pub fn before(&self, entity: &str, most: Option<usize>) -> Result<Option<ChangeRows>, Stop> {
        let Some(number) = self.new.entity(entity) else { return Ok(None) };
        let closed = self.new.first_closed(number, most);
        if closed.is_empty() {
            return Ok(None);
        }
        let Some(earlier) = &self.earlier else {
            return Ok(Some(self.old.stored_rows(number, Some(closed.into_iter().collect()))));
        };
        let columns = self.old.written_columns(number);
        Ok(Some(ChangeRows::of_places(columns, &self.old, earlier.clone(), self.new.places(number, &closed)?)))
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

#[cfg(test)]
#[path = "files_tests.rs"]
mod tests;
