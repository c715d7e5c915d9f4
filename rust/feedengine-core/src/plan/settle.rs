//! Settles each touched record once: duplicates first, then, for changed and patched ones, against the stored cells.
//!
//! Stored cells are asked for in rounds, so that a patch of any size fits the memory limit.

use std::collections::{BTreeMap, HashSet};

use arrow_array::RecordBatch;

use super::entity::EntityPlan;
use super::facts::Facts;
use super::merge::merge;
use super::seen::note_kind;
use super::spool::{NOWHERE, Spool, SpoolPart};
use super::stop::Stop;
use super::stored::StoredRows;
use super::touch::{NEW, Touch, kind};
use crate::bags::{PARTS, part_of};
use crate::fault::Code;
use crate::record::digest::Hasher;
use crate::record::{FieldId, Record, State};

/// A late finding about a record that is known by its ordinal alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Late {
    /// The record.
    pub ordinal: u32,
    /// What about it.
    pub code: Code,
}

/// Progress of settling one entity.
#[derive(Default)]
pub struct Settling {
    part: usize,
    /// Touches that wait for their stored cells, by stored row.
    pending: Vec<Touch>,
    answered: usize,
    /// Records that appear more than once among the added ones.
    pub late: Vec<Late>,
    /// Duplicates among added records.
    pub duplicates: u64,
    /// Distinct added records.
    pub added: u64,
    /// Kinds of values in merged records, per field.
    pub kinds: Vec<u8>,
    /// Records changed per field.
    pub fields: BTreeMap<FieldId, u64>,
    /// Records whose number became 0, and records that lost a value, per field.
    pub zeroed: BTreeMap<FieldId, u64>,
    /// Likewise for values that went, minus values that came.
    pub nulled: BTreeMap<FieldId, i64>,
    /// Patched records that moved to another owner: their ordinals.
    pub moved: Vec<Late>,
    /// Slots that rows of a merge want to go.
    pub listed: HashSet<u32>,
    facts: Option<Facts>,
}

/// What settling needs besides the entity.
pub struct Tools<'t> {
    /// Keyed hashes.
    pub hasher: &'t Hasher,
    /// Records kept while reading.
    pub spool: &'t Spool,
    /// Where merged records go.
    pub merged: &'t mut SpoolPart,
}

/// Fewer touches are sorted before threads for it have begun.
const MANY: usize = 100_000;

/// Touches of a record together, in the order of the feed.
fn in_turn(touch: &Touch) -> (u128, u32) {
    (touch.key, touch.ordinal)
}

impl Settling {
    /// Goes on until stored cells are needed; true if they are.
    pub fn advance(&mut self, entity: &EntityPlan, limit: usize, threads: usize) -> Result<bool, Stop> {
        if self.part == 0 && entity.touches.len() > MANY {
            entity.touches.arrange(threads, in_turn);
        }
        while self.part < PARTS && self.pending.len() < limit {
            let mut touches = entity.touches.take(self.part)?;
            self.part += 1;
            if !entity.fallen.is_empty() {
                touches.retain(|touch| !entity.fallen.contains(&touch.ordinal));
            }
            touches.sort_unstable_by_key(in_turn);
            // What is settled is written over what was looked at, which it never overtakes: no second list of touches.
            let (mut looked, mut settled) = (0, 0);
            while let Some(first) = touches.get(looked) {
                let rows = touches[looked..].iter().take_while(|touch| touch.key == first.key).count();
                if let Some(touch) = self.last(entity, &touches[looked..looked + rows]) {
                    touches[settled] = touch;
                    settled += 1;
                }
                looked += rows;
            }
            touches.truncate(settled);
            entity.settled.append(self.part - 1, &mut touches)?;
        }
        self.pending.sort_unstable_by_key(|touch| touch.old_row);
        self.answered = 0;
        Ok(!self.pending.is_empty())
    }

    /// Of the touches of one record the one that counts, unless nothing is to be done or its stored cells are needed.
    fn last(&mut self, entity: &EntityPlan, group: &[Touch]) -> Option<Touch> {
        let last = group.last()?;
        if last.slot == NEW {
            self.added += 1;
            self.duplicates += group.len() as u64 - 1;
            let late = |touch: &Touch| Late { ordinal: touch.ordinal, code: Code::DuplicateItem };
            self.late.extend(group[1..].iter().map(late));
            return Some(*last);
        }
        // The last row of a stored record is known from its mark; it may be one that changes nothing.
        let touch = group.iter().find(|touch| entity.marks.last(touch.slot) == Some(touch.ordinal))?;
        if entity.operation.joins && touch.kind == kind::LISTED {
            self.listed.insert(touch.slot);
        }
        if matches!(touch.kind, kind::CHANGED | kind::PATCH) {
            self.pending.push(*touch);
            return None;
        }
        Some(*touch)
    }

    /// Stored rows that are waited for, rising.
    pub fn wanted(&self) -> Vec<u64> {
        self.pending.iter().map(|touch| touch.old_row).collect()
    }

    /// Takes stored rows; a row that nobody waits for is passed over.
    pub fn supply(&mut self, entity: &EntityPlan, tools: &mut Tools<'_>, batch: &RecordBatch) -> Result<(), Stop> {
        let rows = StoredRows::new(batch, &entity.spec, &entity.table)?;
        let (mut old, mut new, mut out) = (Record::default(), Record::default(), Record::default());
        let mut buffer = Vec::new();
        let mut settled: Vec<(usize, Touch)> = Vec::new();
        for at in 0..rows.len() {
            let row = rows.row(at)?;
            let Ok(found) = self.pending.binary_search_by_key(&row, |touch| touch.old_row) else { continue };
            self.answered += 1;
            let mut touch = self.pending[found];
            rows.read(at, &mut old)?;
            tools.spool.read(touch.place, &mut buffer, &mut new)?;
            if touch.kind == kind::PATCH {
                if entity.operation.fills {
                    new.retain(|cell| old.find(cell.field).is_none_or(|stored| old.bytes(stored).is_empty()));
                }
                self.patched(entity, tools, &mut touch, (&old, &new), &mut out)?;
                if touch.kind == kind::SAME {
                    continue;
                }
            } else {
                self.replaced(&old, &new);
            }
            settled.push((part_of(touch.key), touch));
        }
        settled.sort_unstable_by_key(|(part, _)| *part);
        for group in settled.chunk_by(|a, b| a.0 == b.0) {
            let part = group[0].0;
            entity.settled.append(part, &mut group.iter().map(|(_, touch)| *touch).collect())?;
        }
        Ok(())
    }

    /// Ends a round; fails if the store left rows out.
    pub fn supplied(&mut self) -> Result<(), Stop> {
        if self.answered != self.pending.len() {
            let (asked, given) = (self.pending.len(), self.answered);
            return Err(Stop::Broken(format!("the store gave {given} of {asked} rows that its index names")));
        }
        self.pending.clear();
        Ok(())
    }

    fn patched(
        &mut self,
        entity: &EntityPlan,
        tools: &mut Tools<'_>,
        touch: &mut Touch,
        (old, patch): (&Record, &Record),
        out: &mut Record,
    ) -> Result<(), Stop> {
        let facts = self.facts.get_or_insert_with(|| Facts::new(&entity.rules, &entity.table, tools.hasher));
        let merged = merge(old, patch, &entity.table, facts, out);
        let cold = entity.index.cold(touch.slot)?;
        let hot = entity.index.hot(touch.slot)?;
        touch.digest = cold.digest().wrapping_add(merged.digest);
        touch.size = (i64::from(cold.size) + merged.size).max(0) as u32;
        touch.owner = entity.index.owner(touch.slot)?;
        touch.active = u32::from(hot.is_active());
        if merged.not_a_list.is_some() {
            self.late.push(Late { ordinal: touch.ordinal, code: Code::BadType });
        }
        if u64::from(touch.size) > entity.spec.max_data {
            self.late.push(Late { ordinal: touch.ordinal, code: Code::DataTooLarge });
        }
        if merged.changed.is_empty() {
            touch.kind = kind::SAME;
            touch.raw = hot.raw;
            touch.place = NOWHERE;
            return Ok(());
        }
        touch.kind = kind::CHANGED;
        if let Some(active) = entity.rules.active.filter(|active| merged.changed.contains(active)) {
            let cell = out.find(active);
            touch.active = u32::from(cell.is_none_or(|cell| out.bytes(cell) != [0]));
        }
        if let Some(owner) = entity.rules.owner.filter(|owner| merged.changed.contains(owner)) {
            touch.owner = out.text(owner).map_or(0, |owner| tools.hasher.key(owner.as_bytes()));
            self.moved.push(Late { ordinal: touch.ordinal, code: Code::VariationMoved });
        }
        for field in &merged.changed {
            self.count(*field, old, out);
        }
        for cell in out.cells() {
            note_kind(&mut self.kinds, cell.field, cell.kind);
        }
        touch.place = tools.merged.push(out)?;
        Ok(())
    }

    /// Counts the fields in which two whole records differ.
    fn replaced(&mut self, old: &Record, new: &Record) {
        for cell in old.cells() {
            let other = new.find(cell.field).filter(|other| other.state == State::Set);
            if other.is_none_or(|other| other.kind != cell.kind || new.bytes(other) != old.bytes(cell)) {
                self.count(cell.field, old, new);
            }
        }
        for cell in new.cells().iter().filter(|cell| cell.state == State::Set && old.find(cell.field).is_none()) {
            self.count(cell.field, old, new);
        }
    }

    fn count(&mut self, field: FieldId, old: &Record, new: &Record) {
        *self.fields.entry(field).or_default() += 1;
        let is_zero = |record: &Record| record.find(field).is_some_and(|cell| is_zero(record.bytes(cell)));
        if is_zero(new) && !is_zero(old) {
            *self.zeroed.entry(field).or_default() += 1;
        }
        let (had, has) = (old.find(field).is_some(), new.find(field).is_some_and(|cell| cell.state == State::Set));
        if had != has {
            *self.nulled.entry(field).or_default() += if had { 1 } else { -1 };
        }
    }
}

/// Whether a price or stock, as text or number, is zero: `0`, `0.00`, `0,0`.
fn is_zero(bytes: &[u8]) -> bool {
    bytes.contains(&b'0') && bytes.iter().all(|byte| matches!(byte, b'0' | b'.' | b','))
}
