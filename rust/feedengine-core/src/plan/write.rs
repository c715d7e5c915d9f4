//! What a decided plan hands to the store: rows to close, rows to write, new columns, and the next index.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use super::ops::Rows;
use super::outcome::Outcome;
use super::request::Column;
use super::stop::Stop;
use super::stored::{kind_name, storage_column, storage_field};
use super::touch::kind;
use super::walk::{walk_all, walk_touched};
use super::{EntityPlan, Planner};
use crate::change::rows::{ChangeRows, Output, Source};
use crate::index::{Cold, Hot, RunWriter};
use crate::record::digest::fingerprint;
use crate::record::{FieldId, Kind};

/// The state of an entity after a task, for the snapshot's row.
#[derive(Clone, Debug, serde::Serialize)]
pub struct NextBase {
    /// File names of the index runs, oldest first.
    pub runs: Vec<String>,
    /// Current records.
    pub records: u64,
    /// Active ones among them.
    pub active: u64,
    /// Sum of the sizes of their data.
    pub data_bytes: u64,
    /// The next free row number.
    pub next_row: u64,
    /// Digest over all records.
    pub digest: String,
}

const KINDS: [Kind; 5] = [Kind::Text, Kind::List, Kind::Flag, Kind::Integer, Kind::Json];
/// Overlays may hold this share of the base's entries before they are merged into it.
const SHARE: usize = 16;

impl Planner {
    fn columns_of(&self, number: usize, kinds: &[u8]) -> Vec<(String, FieldId, Kind)> {
        let entity = &self.entities[number];
        let mut columns = Vec::new();
        for (field, mask) in kinds.iter().enumerate() {
            let field = FieldId(field as u32);
            for kind in KINDS.into_iter().filter(|kind| mask & (1 << *kind as u8) != 0) {
                columns.push((storage_column(&entity.table.name(field), kind), field, kind));
            }
        }
        columns
    }

    /// Columns that the store does not have yet.
    pub fn added_columns(&self, number: usize) -> Vec<Column> {
        let known = &self.entities[number].base.columns;
        let mut all = self.columns_of(number, &self.read[number].kinds);
        all.extend(self.columns_of(number, &self.settling[number].kinds));
        self.put_in_order(number, &mut all);
        let mut added: Vec<Column> = all
            .into_iter()
            .filter(|(name, ..)| !known.iter().any(|column| column.name == *name))
            .map(|(name, _, kind)| Column { name, kind: kind_name(kind).to_owned() })
            .collect();
        let mut seen = HashSet::new();
        added.retain(|column| seen.insert(column.name.clone()));
        added
    }

    /// Fields are numbered as the threads meet them; in the store they stand in one order whatever the threads:
    /// declared ones, those of a CSV header, the rest by name.
    fn put_in_order(&self, number: usize, columns: &mut [(String, FieldId, Kind)]) {
        let declared = self.entities[number].spec.fields.len() as u32;
        let section = self.read[number].section.as_ref();
        let header = section.and_then(|(section, _)| section.layout.columns()).unwrap_or_default();
        let named: HashSet<FieldId> = header.iter().filter_map(|column| column.field).collect();
        let fixed = |field: FieldId| field.0 < declared || named.contains(&field);
        columns.sort_by(|(a, one, _), (b, other, _)| match (fixed(*one), fixed(*other)) {
            (true, true) => one.cmp(other),
            (false, false) => a.cmp(b),
            (one, other) => other.cmp(&one),
        });
    }

    /// Stored rows to close with their reasons, by row.
    pub fn closed(&self, number: usize) -> &[(u64, i32)] {
        &self.outcomes[number].closed
    }

    /// Stored rows of records that go, at most `limit`.
    pub fn removed_rows(&self, number: usize, limit: usize) -> Vec<u64> {
        let gone = self.outcomes[number].closed.iter().filter(|(_, why)| *why != super::reason::REPLACED);
        gone.take(limit).map(|(row, _)| *row).collect()
    }

    fn next_row(entity: &EntityPlan) -> u64 {
        // Row numbers start at 1: 0 says "no stored row" in a touch.
        entity.base.next_row.max(1)
    }

    /// Stored rows to close for the first `most` changes: records to write, in the order of the feed, then those that go.
    pub fn first_closed(&self, number: usize, most: Option<usize>) -> Vec<u64> {
        let outcome = &self.outcomes[number];
        let Some(most) = most.filter(|_| !outcome.reread) else {
            return outcome.closed.iter().map(|(row, _)| *row).collect();
        };
        let written = &outcome.kept[..outcome.kept.len().min(most)];
        let mut rows: Vec<u64> = written.iter().map(|kept| kept.2).filter(|row| *row != 0).collect();
        rows.extend(self.removed_rows(number, most - written.len()));
        rows.sort_unstable();
        rows
    }

    /// Whole records to insert, if there are any.
    pub fn rows(self: &Arc<Self>, number: usize) -> Option<ChangeRows> {
        self.first_rows(number, None)
    }

    /// As [`Planner::rows`], but the first `most` will do.
    pub fn first_rows(self: &Arc<Self>, number: usize, most: Option<usize>) -> Option<ChangeRows> {
        let (entity, outcome) = (&self.entities[number], &self.outcomes[number]);
        let merges = entity.operation.rows == Rows::Merge;
        let kept = outcome.kept.iter().filter(|kept| !merges || kept.2 == 0).copied();
        let kept: Vec<_> = kept.take(most.filter(|_| !outcome.reread).unwrap_or(usize::MAX)).collect();
        if kept.is_empty() && !outcome.reread {
            return None;
        }
        let output = Output {
            columns: self.columns_of(number, &self.read[number].kinds),
            first_row: Self::next_row(entity),
            with_old_row: false,
        };
        let source = Source { planner: self.clone(), entity: number, kept, merged: false, reread: outcome.reread };
        Some(ChangeRows::start(output, source))
    }

    /// Patched cells to write over copies of stored rows, if there are any.
    pub fn patched(self: &Arc<Self>, number: usize) -> Option<ChangeRows> {
        let (entity, outcome) = (&self.entities[number], &self.outcomes[number]);
        let kept: Vec<_> = outcome.kept.iter().filter(|kept| kept.2 != 0).copied().collect();
        if entity.operation.rows != Rows::Merge || kept.is_empty() {
            return None;
        }
        // Every storage column of a patched field is written: a value may have moved from one kind to another.
        let mut columns = self.columns_of(number, &self.settling[number].kinds);
        for column in &entity.base.columns {
            let (field, kind) = storage_field(&entity.spec, &column.name);
            let Some(field) = entity.table.find(&field) else { continue };
            if self.read[number].patched.contains(&field) && !columns.iter().any(|(name, ..)| *name == column.name) {
                columns.push((column.name.clone(), field, kind));
            }
        }
        let output = Output { columns, first_row: Self::next_row(entity), with_old_row: true };
        let source = Source { planner: self.clone(), entity: number, kept, merged: true, reread: false };
        Some(ChangeRows::start(output, source))
    }

    /// Writes the index of the state after the task into `folder`, by entity. Nothing refers to the new files until
    /// the store does.
    pub fn write_index(&self, folder: &Path, token: &str) -> Result<BTreeMap<String, NextBase>, Stop> {
        let mut all = BTreeMap::new();
        for number in 0..self.entities.len() {
            let (entity, outcome) = (&self.entities[number], &self.outcomes[number]);
            let name =
                |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let mut runs: Vec<String> = entity.base.runs.iter().map(|path| name(path)).collect();
            let touched = entity.settled.len();
            let removed = outcome.removed > 0;
            if touched > 0 || removed {
                let file = format!("{token}-{}.run", entity.spec.name);
                let path = folder.join(&file);
                let entries = touched + outcome.removed as usize;
                let full_feed = self.operation.removes_absent && self.read[number].uploaded && !self.held;
                if full_feed || (entries + entity.index.overlaid()) * SHARE > entity.index.base_len() {
                    self.write_whole(entity, outcome, &path)?;
                    runs = vec![file];
                } else {
                    let folded = entity.index.foldable(entries);
                    self.write_overlay(entity, outcome, &path, folded)?;
                    runs = entity.index.below(folded).map(name).collect();
                    runs.push(file);
                }
            }
            let next = NextBase {
                runs,
                records: entity.base.records + outcome.added - outcome.removed,
                active: outcome.active.max(0) as u64,
                data_bytes: (entity.base.data_bytes as i64 + outcome.data_bytes).max(0) as u64,
                next_row: Self::next_row(entity) + outcome.written.len(),
                digest: format!("{:032x}", outcome.digest),
            };
            all.insert(entity.spec.name.clone(), next);
        }
        Ok(all)
    }

    fn writer(&self, entity: &EntityPlan, path: &Path, expected: u64) -> Result<RunWriter, Stop> {
        let store = fingerprint(self.hasher.secret(), 1);
        Ok(RunWriter::create(path, expected, entity.spec.owner.is_some(), store)?)
    }

    /// An entry for a touched record, and where its row will be.
    fn entry(&self, entity: &EntityPlan, outcome: &Outcome, touch: &super::Touch, row: u64) -> (Hot, Cold) {
        let row = match outcome.written.rank(touch.ordinal) {
            Some(rank) if touch.kind != kind::SAME => Self::next_row(entity) + rank,
            _ => row,
        };
        let ordinal = if self.operation.removes_absent { touch.ordinal + 1 } else { 0 };
        let hot = Hot::new(touch.key, touch.raw, row, touch.active == 1);
        (hot, Cold::new(touch.digest, touch.size, ordinal))
    }

    fn write_whole(&self, entity: &EntityPlan, outcome: &Outcome, path: &Path) -> Result<(), Stop> {
        let expected = entity.base.records + outcome.added;
        let mut writer = self.writer(entity, path, expected)?;
        let dropped = &self.dropped[entity.number];
        let uploaded = self.read[entity.number].uploaded && self.operation.removes_absent;
        walk_all(entity, |stored, touch| {
            let touch = touch.filter(|touch| !dropped.contains(&touch.ordinal) && touch.kind != kind::LISTED);
            match (stored, touch) {
                (stored, Some(touch)) if !stored.is_some_and(|stored| outcome.goes(stored.slot)) => {
                    let (hot, cold) = self.entry(entity, outcome, touch, stored.map_or(0, |stored| stored.hot.row()));
                    writer.push(hot, cold, touch.owner)?;
                }
                (Some(stored), _) if !outcome.goes(stored.slot) => {
                    let mut cold = entity.index.cold(stored.slot)?;
                    if uploaded {
                        cold.ordinal = entity.marks.last(stored.slot).map_or(0, |ordinal| ordinal + 1);
                    }
                    writer.push(stored.hot, cold, entity.index.owner(stored.slot)?)?;
                }
                _ => {}
            }
            Ok(())
        })?;
        writer.finish()?;
        Ok(())
    }

    /// Writes what the task says of records, and what the newest `folded` overlays said of others.
    fn write_overlay(&self, entity: &EntityPlan, outcome: &Outcome, path: &Path, folded: usize) -> Result<(), Stop> {
        let mut entries = Vec::new();
        let dropped = &self.dropped[entity.number];
        walk_touched(entity, |stored, touch| {
            let Some(touch) = touch.filter(|touch| !dropped.contains(&touch.ordinal)) else { return Ok(()) };
            if touch.kind != kind::LISTED && !stored.is_some_and(|stored| outcome.goes(stored.slot)) {
                let (hot, mut cold) = self.entry(entity, outcome, touch, stored.map_or(0, |stored| stored.hot.row()));
                if let Some(stored) = stored {
                    // A record keeps its place in the last full feed: a later cut feed is recognised by it.
                    cold.ordinal = entity.index.cold(stored.slot)?.ordinal;
                }
                entries.push((hot, cold, touch.owner));
            }
            Ok(())
        })?;
        for (word, bits) in outcome.gone_slots.iter().enumerate().filter(|(_, bits)| **bits != 0) {
            for bit in (0..64).filter(|bit| bits & (1 << bit) != 0) {
                let hot = entity.index.hot((word * 64 + bit) as u32)?;
                entries.push((Hot::gone(hot.key), Cold::default(), 0));
            }
        }
        for older in entity.index.newest(folded) {
            entries.push(older?);
        }
        // Newest first, and sorting keeps that order: the newest word on a key counts.
        entries.sort_by_key(|(hot, ..)| hot.key);
        entries.dedup_by_key(|(hot, ..)| hot.key);
        let mut writer = self.writer(entity, path, entries.len() as u64)?;
        for (hot, cold, owner) in entries {
            writer.push(hot, cold, owner)?;
        }
        writer.finish()?;
        Ok(())
    }
}

/// What the stream of rows to write reads from a decided plan.
impl Planner {
    /// Ordinals of the records to write.
    pub fn written(&self, number: usize) -> &crate::change::rank::RankBitmap {
        &self.outcomes[number].written
    }

    /// Storage columns of the whole records to write.
    pub fn written_columns(&self, number: usize) -> Vec<(String, FieldId, Kind)> {
        self.columns_of(number, &self.read[number].kinds)
    }

    /// Records to write that were kept: ordinal, place, stored row.
    pub fn kept(&self, number: usize) -> Vec<(u32, u64, u64)> {
        self.outcomes[number].kept.clone()
    }

    /// Fingerprint of the file that was planned.
    pub fn fingerprint(&self) -> Option<u128> {
        self.info.as_ref().map(|info| info.fingerprint)
    }

    /// Reads a record that was kept.
    pub fn kept_record(
        &self,
        merged: bool,
        place: u64,
        buffer: &mut Vec<u8>,
        record: &mut crate::record::Record,
    ) -> Result<(), Stop> {
        let spool = if merged { &self.joined } else { &self.spool };
        Ok(spool.read(place, buffer, record)?)
    }

    /// Reads the feed once more.
    pub fn read_again<S: Send>(
        &self,
        start: impl Fn(usize) -> S + Sync,
        work: impl Fn(&mut S, &Arc<crate::read::Section>, &crate::read::Block) -> Result<(), Stop> + Sync,
    ) -> Result<super::Pass<S>, Stop> {
        let control = super::Control::default();
        super::read_blocks(&self.path, &self.options, &self.tables, self.threads, &control, start, work)
    }
}
