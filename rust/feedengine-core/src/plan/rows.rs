//! What one row would do to its record: given whole, as a patch, or by its id alone. The truth tables of the operations.

use super::entity::EntityPlan;
use super::ops::{Missing, Rows};
use super::request::{PatchNull, Strictness};
use super::seen::Reference;
use super::spool::NOWHERE;
use super::stop::Stop;
use super::touch::{NEW, Touch, kind};
use super::worker::{Place, Task, Worker, key_text};
use crate::bags::part_of;
use crate::fault::{Code, Severity};
use crate::index::Found;
use crate::read::Issue;
use crate::record::digest::Hasher;
use crate::record::{FieldId, Record, State, Value};

impl Worker {
    /// Plans a parsed record.
    pub(super) fn record(
        &mut self,
        task: &Task<'_>,
        entity: &EntityPlan,
        record: &mut Record,
        raw: u64,
        place: &Place<'_>,
    ) -> Result<(), Stop> {
        let key = match record.text(FieldId(0)).filter(|key| !key.is_empty()) {
            Some(text) => task.hasher.key(text.as_bytes()),
            None => {
                if !self.has_bad_issue() {
                    let message = format!("the record has no {}", entity.spec.key());
                    self.add(Code::MissingKey, Some(entity.spec.key()), message);
                }
                self.report(task, entity, record, place);
                self.reject(entity, place, None);
                return Ok(());
            }
        };
        let found = entity.index.find(key)?;
        match entity.operation.rows {
            Rows::Replace => self.whole(task, entity, record, key, found, raw, place),
            Rows::Merge => self.patch(task, entity, record, key, found, place),
            Rows::Keep | Rows::Remove => self.named(task, entity, record, key, found, place),
        }
    }

    #[allow(clippy::too_many_arguments)]
    pub(super) fn whole(
        &mut self,
        task: &Task<'_>,
        entity: &EntityPlan,
        record: &mut Record,
        key: u128,
        found: Option<Found>,
        raw: u64,
        place: &Place<'_>,
    ) -> Result<(), Stop> {
        if record.cells().iter().any(|cell| matches!(cell.state, State::Add | State::Remove)) {
            let (code, what) = match entity.operation.rows {
                Rows::Merge => (Code::AddUnderCreate, "a record that is created cannot be given by :add or :remove"),
                _ => (Code::AddNeedsPatch, "a whole record cannot be given by :add or :remove"),
            };
            self.add(code, None, what.to_owned());
        }
        if found.is_none() && entity.operation.missing == Missing::Reject {
            self.add_unknown(entity);
        }
        record.retain(|cell| cell.state == State::Set);
        let facts = &mut self.facts[entity.number];
        entity.rules.check(record, &entity.table, facts, true, &mut self.issues);
        let size = facts.size(record, self.plain);
        if size > entity.spec.max_data {
            let message = format!("the record's data has {size} bytes, at most {} are allowed", entity.spec.max_data);
            self.add(Code::DataTooLarge, None, message);
        }
        if self.report(task, entity, record, place) {
            self.reject(entity, place, found);
            return Ok(());
        }
        let digest = self.facts[entity.number].digest(record);
        let mut touch = Touch {
            key,
            digest,
            owner: entity.rules.owner.and_then(|owner| record.text(owner)).map_or(0, |o| task.hasher.key(o.as_bytes())),
            raw,
            place: NOWHERE,
            old_row: 0,
            slot: NEW,
            ordinal: place.ordinal,
            size: size as u32,
            kind: kind::ADDED,
            active: u32::from(entity.rules.is_active(record)),
            reserved: 0,
        };
        if let Some(found) = found {
            self.name(task, entity, found.slot, place, record);
            touch.slot = found.slot;
            touch.old_row = found.hot.row();
            touch.kind = kind::CHANGED;
            if self.stored_digest(task, entity, found)? == digest {
                if found.hot.raw == raw {
                    return Ok(());
                }
                touch.kind = kind::SAME;
            }
        }
        if touch.kind != kind::SAME {
            self.refer(task.hasher, entity, record, place);
            self.seen[entity.number].note_kinds(record);
            // The first load is read a second time instead of being kept: its rows are the whole file.
            if touch.kind == kind::CHANGED || raw == 0 || (entity.keeps_added && self.spool.has_room()) {
                touch.place = self.spool.push(record)?;
            }
        }
        self.seen[entity.number].touched[part_of(key)].push(touch);
        Ok(())
    }

    pub(super) fn patch(
        &mut self,
        task: &Task<'_>,
        entity: &EntityPlan,
        record: &mut Record,
        key: u128,
        found: Option<Found>,
        place: &Place<'_>,
    ) -> Result<(), Stop> {
        let clear = task.settings.patch_null == PatchNull::Clear && !entity.operation.fills;
        let Some(found) = found else {
            match entity.operation.missing {
                Missing::Insert => {
                    if let Some(checks) = &entity.checks {
                        checks.absent(record, &self.issues, &mut self.findings);
                    }
                    record.retain(|cell| !matches!(cell.state, State::Blank | State::Null));
                    return self.whole(task, entity, record, key, None, 0, place);
                }
                Missing::Fail => {
                    self.add(Code::UnknownRecord, Some(entity.spec.key()), "the record is not in the catalog".into());
                }
                Missing::Reject => self.add_unknown(entity),
                Missing::Ignore | Missing::Warn => {}
            }
            if self.report(task, entity, record, place) {
                self.reject(entity, place, None);
            } else {
                self.seen[entity.number].unknown += 1;
            }
            return Ok(());
        };
        if entity.operation.missing == Missing::Insert
            && record.cells().iter().any(|cell| matches!(cell.state, State::Add | State::Remove))
        {
            self.add(Code::AddUnderCreate, None, ":add and :remove cannot be used where records may be created".into());
        }
        record.retain(|cell| cell.state != State::Blank && (clear || cell.state != State::Null));
        entity.rules.check(record, &entity.table, &mut self.facts[entity.number], false, &mut self.issues);
        let declared = entity.spec.fields.iter().enumerate().filter(|(_, field)| field.required);
        for (number, field) in declared {
            let cell = record.find(FieldId(number as u32));
            if cell.is_some_and(|cell| cell.state == State::Null || record.bytes(cell).is_empty()) {
                let message = format!("{} cannot be taken away", field.name);
                self.issues.push(Issue {
                    code: Code::MissingField,
                    column: Some(field.name.clone()),
                    value: None,
                    offset: 0,
                    message,
                });
            }
        }
        if self.report(task, entity, record, place) {
            self.reject(entity, place, Some(found));
            return Ok(());
        }
        self.name(task, entity, found.slot, place, record);
        if entity.operation.joins && entity.is_bare(record) {
            self.list(entity, key, found, place);
            return Ok(());
        }
        self.refer(task.hasher, entity, record, place);
        let seen = &mut self.seen[entity.number];
        seen.patched.extend(record.cells().iter().map(|cell| cell.field).filter(|field| field.0 > 0));
        let touch = Touch::stored(key, found, place.ordinal, kind::PATCH, self.spool.push(record)?);
        seen.touched[part_of(key)].push(touch);
        Ok(())
    }

    pub(super) fn named(
        &mut self,
        task: &Task<'_>,
        entity: &EntityPlan,
        record: &mut Record,
        key: u128,
        found: Option<Found>,
        place: &Place<'_>,
    ) -> Result<(), Stop> {
        for number in 0..self.issues.len() {
            // Elsewhere an unknown member is a warning; here nothing but the key may stand.
            if self.issues[number].code == Code::UnknownMember {
                self.issues[number].code = Code::ExtraColumn;
            }
        }
        let identifies = |field: FieldId| {
            let keys = entity.identity.iter().flat_map(|identity| &identity.keys);
            keys.filter(|key| key.identifies).any(|key| key.field == field)
                || entity.spec.composed.iter().any(|name| **name == *entity.table.name(field))
        };
        if let Some(extra) = record.cells().iter().find(|cell| cell.field.0 > 0 && !identifies(cell.field)) {
            let name = entity.table.name(extra.field);
            let message = format!("a {} file holds ids alone, not {name}", entity.operation.name);
            self.add(Code::ExtraColumn, Some(&name), message);
        }
        if found.is_none() && !self.has_bad_issue() {
            self.add(Code::UnknownId, Some(entity.spec.key()), "the record is not in the catalog".into());
        }
        let strict = task.settings.delete_unknown == Strictness::Fail && found.is_none();
        if self.report(task, entity, record, place) {
            self.reject(entity, place, found);
            return Ok(());
        }
        let Some(found) = found else {
            if strict {
                task.problems.raise(entity.number, Code::UnknownId, Severity::File);
            }
            self.seen[entity.number].unknown += 1;
            return Ok(());
        };
        self.seen[entity.number].mark(task, entity, found.slot, place, || key_text(record));
        if entity.operation.rows == Rows::Remove {
            self.list(entity, key, found, place);
        }
        Ok(())
    }

    /// Notes that a row wants its record to go.
    fn list(&mut self, entity: &EntityPlan, key: u128, found: Found, place: &Place<'_>) {
        let touch = Touch::stored(key, found, place.ordinal, kind::LISTED, NOWHERE);
        self.seen[entity.number].touched[part_of(key)].push(touch);
    }

    /// Marks a stored record as named. Where rows are judged together, that waits until it is known which of them stand.
    fn name(&mut self, task: &Task<'_>, entity: &EntityPlan, slot: u32, place: &Place<'_>, record: &Record) {
        if entity.identity.is_none() {
            self.seen[entity.number].mark(task, entity, slot, place, || key_text(record));
        }
    }

    /// Notes which records of another entity `record` names.
    fn refer(&mut self, hasher: &Hasher, entity: &EntityPlan, record: &Record, place: &Place<'_>) {
        let Some(refers) = entity.rules.refers else { return };
        let references = &mut self.seen[entity.number].references;
        for cell in record.cells().iter().filter(|cell| cell.field == refers && cell.state != State::Remove) {
            let Value::List(items) = record.value(cell) else { continue };
            for item in items {
                let ordinal = u64::from(place.ordinal);
                match references.get_mut(&hasher.key(item.as_bytes())) {
                    Some(known) => {
                        known.count += 1;
                        if ordinal < known.ordinal {
                            (known.ordinal, known.position) = (ordinal, (place.position)());
                        }
                    }
                    None => {
                        let position = (place.position)();
                        let reference = Reference { text: item.to_owned(), count: 1, ordinal, position };
                        references.insert(hasher.key(item.as_bytes()), reference);
                    }
                }
            }
        }
    }

    fn add_unknown(&mut self, entity: &EntityPlan) {
        let message = "the record is not in the catalog, and this feed creates none".to_owned();
        self.add(Code::EnrichOnly, Some(entity.spec.key()), message);
    }
}
