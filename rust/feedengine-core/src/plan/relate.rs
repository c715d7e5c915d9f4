//! Relations: legacy rows of one group become one group, trees stay trees, owners exist, references are known.

use std::collections::{BTreeMap, HashMap, HashSet};

use arrow_array::RecordBatch;

use super::duplicates::{duplicate_fault, duplicate_severity};
use super::entity::EntityPlan;
use super::ops::Rows;
use super::outcome::{Fate, Outcome, Reach, outcome, reason};
use super::owners::orphans;
use super::request::{Orphans, Strictness};
use super::seen::Collected;
use super::sentences::Visited;
use super::settle::Late;
use super::spool::NOWHERE;
use super::stop::Stop;
use super::stored::StoredRows;
use super::touch::kind;
use super::tree::{self, Node};
use super::worker::Task;
use super::{Planner, Want};
use crate::bags::PARTS;
use crate::fault::{Code, Fault, Severity};
use crate::record::{FieldId, Record, State, Value};

fn list(record: &Record, field: FieldId) -> Vec<String> {
    match record.find(field).filter(|cell| cell.state == State::Set).map(|cell| record.value(cell)) {
        Some(Value::List(items)) => items.map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// How many rows were joined into later ones of their id.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Joined {
    /// Those that state a relation of their own.
    pub merged: u64,
    /// Those that repeat what was said.
    pub duplicates: u64,
}

/// Joins the rows of each id in the legacy dialect, in which every row states one relation: the parents of all count,
/// and the other cells of the last. Rows that may name several parents are left alone: they repeat as any record does.
pub fn merge_relations(task: &Task<'_>, entity: &EntityPlan, rows: &mut Vec<Collected>) -> Joined {
    let mut joined = Joined::default();
    let Some(parents) = entity.spec.parents.as_ref().and_then(|name| entity.table.find(name)) else { return joined };
    let mut by_id: HashMap<String, usize> = HashMap::new();
    let mut kept: Vec<Collected> = Vec::with_capacity(rows.len());
    for mut row in rows.drain(..) {
        let id = row.record.text(FieldId(0)).filter(|id| row.legacy && !id.is_empty()).map(str::to_owned);
        let Some(id) = id else {
            kept.push(row);
            continue;
        };
        let Some(&at) = by_id.get(&id) else {
            by_id.insert(id, kept.len());
            kept.push(row);
            continue;
        };
        let first = &kept[at];
        let (mut all, now) = (list(&first.record, parents), list(&row.record, parents));
        if now == all || now.iter().any(|parent| all.contains(parent)) {
            let severity = duplicate_severity(task.settings);
            task.problems.add(entity.number, u64::from(row.ordinal), Code::DuplicateItem, severity, || {
                duplicate_fault(entity, row.position.clone(), &id)
            });
            joined.duplicates += 1;
        } else {
            joined.merged += 1;
        }
        let name = FieldId(1);
        if first.record.text(name) != row.record.text(name) {
            let severity = Code::ConflictingNames.severity();
            task.problems.add(entity.number, u64::from(row.ordinal), Code::ConflictingNames, severity, || {
                let mut fault = Fault::new(Code::ConflictingNames, "the group has another name in an earlier row");
                fault.position = row.position.clone();
                fault.entity = Some(entity.spec.name.clone());
                fault.key = Some(id.clone());
                fault
            });
        }
        all.extend(now);
        let mut seen = HashSet::new();
        all.retain(|parent| seen.insert(parent.clone()));
        row.record.retain(|cell| cell.field != parents);
        row.record.push_list(parents, State::Set, all.iter().map(String::as_str));
        kept[at] = row;
    }
    *rows = kept;
    joined
}

impl Planner {
    /// The entity that forms a tree, if the upload changes it.
    fn tree_entity(&self) -> Option<usize> {
        let tree = self.entities.iter().position(|entity| entity.spec.parents.is_some())?;
        (self.read[tree].uploaded && (!self.entities[tree].settled.is_empty() || self.operation.removes_absent))
            .then_some(tree)
    }

    pub(super) fn tree_wanted(&self) -> Option<Want> {
        let tree = self.tree_entity()?;
        let entity = &self.entities[tree];
        let columns = vec![entity.spec.key().to_owned(), entity.spec.parents.clone().unwrap_or_default()];
        (entity.index.slots() > 0).then_some(Want { entity: tree, all: true, columns: Some(columns) })
    }

    pub(super) fn supply_tree(&mut self, batch: &RecordBatch) -> Result<(), Stop> {
        let Some(tree) = self.tree_entity() else { return Ok(()) };
        let entity = &self.entities[tree];
        let rows = StoredRows::new(batch, &entity.spec, &entity.table)?;
        let parents = entity.spec.parents.as_ref().and_then(|name| entity.table.find(name)).unwrap_or(FieldId(0));
        let mut record = Record::default();
        for at in 0..rows.len() {
            rows.read(at, &mut record)?;
            let id = record.text(FieldId(0)).unwrap_or_default().to_owned();
            self.tree_base.insert(id.clone(), Node { id, parents: list(&record, parents) });
        }
        Ok(())
    }

    /// Works out every entity's outcome and reports what is wrong between records.
    pub(super) fn relate(&mut self) -> Result<(), Stop> {
        self.outcomes = (0..self.entities.len()).map(|_| Outcome::default()).collect();
        self.dropped.iter_mut().for_each(HashSet::clear);
        self.overruled.iter_mut().for_each(|count| *count = 0);
        let mut late: Vec<(usize, Late)> = Vec::new();
        // Owners before what they own.
        let mut order: Vec<usize> = (0..self.entities.len()).collect();
        order.sort_by_key(|number| self.entities[*number].spec.owner.is_some());
        for number in order {
            self.outcomes[number] = self.outcome_of(number, &mut late)?;
        }
        if !self.held {
            self.check_tree()?;
            self.check_references()?;
            for (number, settling) in self.settling.iter_mut().enumerate() {
                late.extend(settling.late.drain(..).chain(settling.moved.drain(..)).map(|late| (number, late)));
            }
            self.report_late(late)?;
        }
        Ok(())
    }

    pub(super) fn owner_of(&self, number: usize) -> Option<usize> {
        let (_, name) = self.entities[number].spec.owner.as_ref()?;
        self.entity(name)
    }

    fn outcome_of(&mut self, number: usize, late: &mut Vec<(usize, Late)>) -> Result<Outcome, Stop> {
        let (operation, settings) = (self.operation, &self.request.settings);
        let entity = &self.entities[number];
        let read = &self.read[number];
        let owner = self.owner_of(number);
        let mut dropped = self.overlapping[number].clone();
        let skip = settings.orphan_variations == Orphans::Skip;
        let removes = |number: usize, slot: u32| !self.held && self.goes(number, slot);
        if let Some(owner) = owner.filter(|_| read.uploaded && !operation.keys_only()) {
            let memory = self.request.memory / 16;
            let owner_goes = |slot| removes(owner, slot);
            for ordinal in orphans(entity, &self.entities[owner], owner_goes, memory, &self.request.temp_dir)? {
                late.push((number, Late { ordinal, code: Code::Orphan }));
                if skip {
                    dropped.insert(ordinal);
                }
            }
        }
        let none = HashSet::new();
        let orphaned = match owner {
            Some(owner) if settings.cascade && !self.held => &self.outcomes[owner].removed_keys,
            _ => &none,
        };
        let leaves = |slot| removes(number, slot);
        let reach = match (orphaned.is_empty(), read.uploaded && operation.removes_absent) {
            (true, true) => Reach::Leaving(&leaves),
            (true, false) => Reach::Touched,
            (false, _) => Reach::All,
        };
        let owns = self.entities.iter().any(|other| self.owner_of(other.number) == Some(number));
        let mut overruled = 0;
        let went = if operation.purges { reason::PURGED } else { reason::REMOVED };
        let cascaded = if operation.purges { reason::CASCADED_PURGE } else { reason::CASCADED };
        let result = outcome(entity, &self.hasher, reach, owns, &dropped, |stored, _| {
            if removes(number, stored.slot) {
                return Ok(Fate::Goes(went));
            }
            if orphaned.is_empty() || !orphaned.contains(&entity.index.owner(stored.slot)?) {
                return Ok(Fate::Stays);
            }
            // The owner goes. A row that says the record stays is an orphan in a feed of records, overruled in one of ids.
            if let Some(ordinal) = entity.marks.last(stored.slot).filter(|ordinal| !dropped.contains(ordinal)) {
                let code = if operation.rows == Rows::Keep { Code::Cascaded } else { Code::Orphan };
                late.push((number, Late { ordinal, code }));
                overruled += 1;
            }
            Ok(Fate::Goes(cascaded))
        })?;
        self.dropped[number] = dropped;
        self.overruled[number] = overruled;
        Ok(result)
    }

    /// Checks the groups as they will be.
    fn check_tree(&mut self) -> Result<(), Stop> {
        let Some(tree) = self.tree_entity() else { return Ok(()) };
        let entity = &self.entities[tree];
        let parents = entity.spec.parents.as_ref().and_then(|name| entity.table.find(name)).unwrap_or(FieldId(0));
        let mut after = std::mem::take(&mut self.tree_base);
        let mut removed = HashMap::new();
        for id in after.keys() {
            let found = entity.index.find(self.hasher.key(id.as_bytes()))?;
            if found.is_some_and(|found| self.outcomes[tree].goes(found.slot)) {
                removed.insert(id.clone(), ());
            }
        }
        removed.keys().for_each(|id| {
            after.remove(id);
        });
        let (mut buffer, mut record) = (Vec::new(), Record::default());
        let mut ordinals: BTreeMap<String, u32> = BTreeMap::new();
        for part in 0..PARTS {
            for touch in entity.settled.load(part)? {
                if !matches!(touch.kind, kind::ADDED | kind::CHANGED) || touch.place == NOWHERE {
                    continue;
                }
                let patched = entity.operation.rows == Rows::Merge && touch.kind == kind::CHANGED;
                let spool = if patched { &self.joined } else { &self.spool };
                spool.read(touch.place, &mut buffer, &mut record)?;
                let id = match (record.text(FieldId(0)), patched) {
                    (Some(id), _) => id.to_owned(),
                    // A merged record holds the patched fields alone; its id is the stored one.
                    (None, _) => match self.tree_id(&after, touch.key) {
                        Some(id) => id,
                        None => continue,
                    },
                };
                ordinals.insert(id.clone(), touch.ordinal);
                if !patched || record.find(parents).is_some() {
                    after.insert(id.clone(), Node { id, parents: list(&record, parents) });
                }
            }
        }
        let mut wanted: Vec<(usize, u32)> = ordinals.values().map(|ordinal| (tree, *ordinal)).collect();
        wanted.sort_unstable();
        let faults = tree::check(&after, &removed);
        let located = if faults.is_empty() { Visited::new() } else { self.visit(&wanted)? };
        for (number, fault) in faults.into_iter().enumerate() {
            let severity = match fault.code {
                Code::SeveralRoots if self.request.settings.several_roots == Strictness::Fail => Severity::File,
                code => code.severity(),
            };
            let place = ordinals.get(&fault.id).and_then(|ordinal| located.get(&(tree, *ordinal)));
            self.problems.add(tree, number as u64, fault.code, severity, || {
                let mut full = Fault::new(fault.code, fault.message);
                full.entity = Some(self.entities[tree].spec.name.clone());
                full.key = Some(fault.id);
                full.column = self.entities[tree].spec.parents.clone();
                if let Some((position, ..)) = place {
                    full.position = position.clone();
                }
                full
            });
        }
        Ok(())
    }

    fn tree_id(&self, after: &BTreeMap<String, Node>, key: u128) -> Option<String> {
        after.keys().find(|id| self.hasher.key(id.as_bytes()) == key).cloned()
    }

    /// Warns of referred records that will not be in the catalog.
    fn check_references(&mut self) -> Result<(), Stop> {
        for number in 0..self.entities.len() {
            let Some((column, target)) = self.entities[number].spec.refers.clone() else { continue };
            let Some(target) = self.entity(&target) else { continue };
            let references = std::mem::take(&mut self.read[number].references);
            if references.is_empty() {
                continue;
            }
            let mut added = HashSet::new();
            for part in 0..PARTS {
                let touches = self.entities[target].settled.load(part)?;
                added.extend(touches.iter().filter(|touch| touch.kind == kind::ADDED).map(|touch| touch.key));
            }
            let severity = match self.request.settings.unknown_groups {
                Strictness::Fail => Severity::File,
                Strictness::Warn => Code::UnknownGroup.severity(),
            };
            for (key, reference) in references {
                let stored = self.entities[target].index.find(key)?;
                if added.contains(&key) || stored.is_some_and(|found| !self.outcomes[target].goes(found.slot)) {
                    continue;
                }
                self.problems.count(number, Code::UnknownGroup, severity, reference.count - 1);
                self.problems.add(number, reference.ordinal, Code::UnknownGroup, severity, || {
                    let message = format!("{} is named by {} records", reference.text, reference.count);
                    let mut fault = Fault::new(Code::UnknownGroup, message).value(&reference.text);
                    fault.position = reference.position;
                    fault.entity = Some(self.entities[number].spec.name.clone());
                    fault.column = Some(column.clone());
                    fault
                });
            }
        }
        Ok(())
    }

    /// Reports findings about records that are known by their ordinals, reading the feed again to say where they are.
    fn report_late(&self, mut late: Vec<(usize, Late)>) -> Result<(), Stop> {
        if late.is_empty() {
            return Ok(());
        }
        late.sort_unstable_by_key(|(number, late)| (*number, late.code, late.ordinal));
        let mut wanted = Vec::new();
        for group in late.chunk_by(|a, b| (a.0, a.1.code) == (b.0, b.1.code)) {
            let shown = group.iter().take(self.request.settings.listed_problems);
            wanted.extend(shown.map(|(number, late)| (*number, late.ordinal)));
        }
        wanted.sort_unstable();
        wanted.dedup();
        let located = self.visit(&wanted)?;
        for (number, late) in late {
            let severity = match late.code {
                Code::DuplicateItem => duplicate_severity(&self.request.settings),
                Code::Orphan if self.request.settings.orphan_variations == Orphans::Skip => Severity::Warning,
                code => code.severity(),
            };
            self.problems.add(number, u64::from(late.ordinal), late.code, severity, || {
                let mut fault = Fault::new(late.code, self.late_message(number, late.code));
                fault.entity = Some(self.entities[number].spec.name.clone());
                if let Some((position, key, ..)) = located.get(&(number, late.ordinal)) {
                    fault.key.clone_from(key);
                    fault.position = position.clone();
                }
                fault
            });
        }
        Ok(())
    }

    fn late_message(&self, number: usize, code: Code) -> String {
        let spec = &self.entities[number].spec;
        match code {
            Code::DuplicateItem => "the id was given before in this file; the last row counts".into(),
            Code::Orphan => {
                let (field, owner) = spec.owner.clone().unwrap_or_default();
                format!("its {field} names no record of {owner} after this upload")
            }
            Code::VariationMoved => "the record moves to another item".into(),
            Code::Cascaded => "the record is listed, but its item goes and takes it along".into(),
            Code::BadType => ":add and :remove need a field that holds a list".into(),
            Code::DataTooLarge => format!("with this patch the record's data exceeds {} bytes", spec.max_data),
            code => code.text().to_lowercase().replace('_', " "),
        }
    }
}
