//! What a thread does with a row whose entity has an identity: finds the record that it means, and notes what it claims.

use super::claims::{Claimant, Contested, Target, Wanted};
use super::entity::EntityPlan;
use super::ops::{Missing as NoRecord, Rows};
use super::request::PatchNull;
use super::stop::Stop;
use super::touch::NEW;
use super::worker::{Place, Task, Worker};
use crate::fault::{Code, Fault, Severity};
use crate::identify::matching::{Finding, Match};
use crate::identify::{Identity, Link, Print, given, items, key_hash, path, system_id, uuid_text};
use crate::record::rule::Missing;
use crate::record::{FieldId, Record, State};

/// What becomes of a row that lacks a record of which `missing` is said.
pub fn severity_of(missing: Missing) -> Severity {
    match missing {
        Missing::Reject => Severity::Row,
        Missing::Park | Missing::Warn => Severity::Warning,
        Missing::Fail => Severity::File,
    }
}

/// A fault's parts that say what it is about.
struct About<'a> {
    code: Code,
    severity: Severity,
    column: &'a str,
    value: Option<&'a str>,
    message: String,
    related: Vec<String>,
}

impl Worker {
    /// Plans a record of an entity with an identity: one that gives `prints` and was matched so.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn identified(
        &mut self,
        task: &Task<'_>,
        entity: &EntityPlan,
        identity: &Identity,
        record: &mut Record,
        prints: &[Option<Print>],
        matched: &Match,
        place: &Place<'_>,
    ) -> Result<(), Stop> {
        self.shown = identity.shown(record);
        let result = self.judged(task, entity, identity, record, prints, matched, place);
        self.shown = None;
        result
    }

    #[allow(clippy::too_many_arguments)]
    fn judged(
        &mut self,
        task: &Task<'_>,
        entity: &EntityPlan,
        identity: &Identity,
        record: &mut Record,
        prints: &[Option<Print>],
        matched: &Match,
        place: &Place<'_>,
    ) -> Result<(), Stop> {
        let key = given(record, FieldId(0)).map(|key| key.into_owned());
        let names = |weak| {
            let keys = identity.keys.iter().filter(|key| key.identifies && key.weak == weak);
            keys.map(|key| given(record, key.field)).any(|value| value.is_some())
        };
        let (has_id, has_name) = (names(false), names(true));
        if key.is_none() && !(identity.made && (has_id || has_name)) {
            if !self.has_bad_issue() {
                let fields: Vec<&str> = identity.keys.iter().filter(|k| k.identifies).map(|k| &*k.name).collect();
                let message = match fields[..] {
                    [] => format!("the record has no {}", entity.spec.key()),
                    _ => format!("the record has none of {}, {}", entity.spec.key(), fields.join(", ")),
                };
                self.add(Code::MissingKey, Some(entity.spec.key()), message);
            }
            self.report(task, entity, record, place);
            self.reject(entity, place, None);
            return Ok(());
        }
        let keys_only = entity.operation.keys_only();
        self.findings(task, entity, identity, record, matched, place);
        if identity.made {
            let text = match matched.found {
                Some(found) => entity.directory.key(found.slot),
                None => new_key(task, entity, identity, prints),
            };
            record.retain(|cell| cell.field != FieldId(0));
            record.push_text(FieldId(0), &text);
        }
        let creates = entity.operation.missing == NoRecord::Insert;
        let claims = !keys_only && (creates || matched.found.is_some());
        let wanted = self.seen[entity.number].claims.wanted.len();
        if claims {
            self.named_records(task, entity, identity, record, matched.found.is_none(), place)?;
        }
        let before = self.seen[entity.number].rejected;
        if self.unfit && matched.found.is_none() && !(claims && creates) {
            // Whether its record is stored is not known: that it is not must not be said too.
            self.report(task, entity, record, place);
            self.reject(entity, place, None);
        } else {
            self.applied(task, entity, record, matched, place)?;
        }
        let bad = self.seen[entity.number].rejected > before;
        let seen = &mut self.seen[entity.number].claims;
        if !claims {
            if matched.found.is_some() && !bad {
                seen.count(matched.by);
            }
            return Ok(());
        }
        let ordinal = place.ordinal;
        let slot = matched.found.map_or(NEW, |found| found.slot);
        let name_only = key.is_none() && !has_id;
        seen.rows.push(Claimant { ordinal, slot, gives_up: matched.gives_up, by: matched.by, bad, name_only });
        // A value that is left as it is stored is no value that the row brings.
        let stays = |number| entity.operation.fills && slot != NEW && entity.directory.is_filled(number, slot);
        for (number, print) in prints.iter().enumerate().filter(|(number, _)| !stays(*number)) {
            if let Some(print) = print {
                seen.value(number, *print, ordinal);
            }
        }
        if let (false, Some(key)) = (identity.made, &key) {
            seen.value(prints.len(), Print::new(task.hasher.key(key.as_bytes())), ordinal);
        }
        if bad {
            seen.wanted.truncate(wanted);
            return Ok(());
        }
        let contested = matched.contested.iter();
        seen.contested.extend(contested.map(|(key, holder)| Contested { ordinal, key: *key as u32, holder: *holder }));
        Ok(())
    }

    /// The rest of a row's way, its record being known.
    fn applied(
        &mut self,
        task: &Task<'_>,
        entity: &EntityPlan,
        record: &mut Record,
        matched: &Match,
        place: &Place<'_>,
    ) -> Result<(), Stop> {
        let key = task.hasher.key(record.text(FieldId(0)).unwrap_or_default().as_bytes());
        let found = matched.found;
        match entity.operation.rows {
            Rows::Replace => self.whole(task, entity, record, key, found, 0, place),
            Rows::Merge => self.patch(task, entity, record, key, found, place),
            Rows::Keep | Rows::Remove => self.named(task, entity, record, key, found, place),
        }
    }

    /// Reports what matching found.
    fn findings(
        &mut self,
        task: &Task<'_>,
        entity: &EntityPlan,
        identity: &Identity,
        record: &Record,
        matched: &Match,
        place: &Place<'_>,
    ) {
        let keys_only = entity.operation.keys_only();
        let own = |column: &str| {
            let text = given(record, entity.table.find(column)?)?;
            Some(text.chars().take(200).collect::<String>())
        };
        let related = |slots: &[u32]| slots.iter().map(|slot| entity.directory.key(*slot)).collect::<Vec<_>>();
        if matched.weak {
            let name = &identity.keys[usize::from(matched.by) - 1].name;
            let message = format!("the record was matched by its {name} alone");
            let value = own(name);
            let related = related(&matched.found.map_or(Vec::new(), |found| vec![found.slot]));
            let about = About {
                code: Code::WeakMatch,
                severity: Severity::Warning,
                column: name,
                value: value.as_deref(),
                message,
                related,
            };
            self.tell(task, entity, about, place);
        }
        for finding in &matched.findings {
            let (code, column, message, slots) = match finding {
                // A file of ids may name records that are gone.
                Finding::UnknownKey if keys_only => continue,
                Finding::UnknownKey => {
                    let message = format!("no record has this {}: ids are handed out, not given", entity.spec.key());
                    (Code::UnknownSystemId, entity.spec.key(), message, &[][..])
                }
                Finding::Ambiguous(number, slots) => {
                    let name = &*identity.keys[*number].name;
                    let count = if slots.len() < 10 { slots.len().to_string() } else { "10 or more".to_owned() };
                    (Code::AmbiguousMatch, name, format!("{count} records fit its {name}"), &slots[..])
                }
                Finding::Conflict(number, slots) => {
                    let name = &*identity.keys[*number].name;
                    let by = identity.name_of(matched.by, &entity.spec);
                    let whose = if slots.len() > 1 { "is another record's" } else { "is not the one that is stored" };
                    (Code::KeyConflict, name, format!("its {by} is known, but its {name} {whose}"), &slots[..])
                }
            };
            self.seen[entity.number].protected.extend(slots);
            self.unfit = true;
            let value = own(column);
            let value = value.as_deref();
            let about = About { code, severity: code.severity(), column, value, message, related: related(slots) };
            self.tell(task, entity, about, place);
        }
    }

    /// Looks for the records that a row names, and for the parent on its path.
    fn named_records(
        &mut self,
        task: &Task<'_>,
        entity: &EntityPlan,
        identity: &Identity,
        record: &Record,
        new: bool,
        place: &Place<'_>,
    ) -> Result<(), Stop> {
        let whole = new || entity.operation.rows == Rows::Replace;
        for link in &identity.links {
            let reference = &entity.spec.references[link.number];
            let named =
                link.by.iter().find_map(|by| Some((by, items(record, by.0))).filter(|(_, all)| !all.is_empty()));
            let code = Code::find(&reference.code).unwrap_or(Code::UnknownReference);
            let Some((by, values)) = named else {
                if reference.required && whole {
                    let fields: Vec<&str> = reference.by.iter().map(|(own, _)| own.as_str()).collect();
                    let severity = match reference.missing {
                        Missing::Park => Severity::Row,
                        missing => severity_of(missing),
                    };
                    let message = format!("the record names no record of {}", reference.entity);
                    self.unfit |= severity == Severity::Row;
                    let column = &*fields.join(", ");
                    self.tell(
                        task,
                        entity,
                        About { code, severity, column, value: None, message, related: vec![] },
                        place,
                    );
                }
                continue;
            };
            let column = &*entity.table.name(by.0);
            for value in values {
                let Some((target, print)) = self.unstored(task, link, by, &value)? else { continue };
                let comes_along = task.only.is_none_or(|only| only == link.entity);
                if comes_along || reference.missing == Missing::Park {
                    let known = (!comes_along).then(|| Box::new(((place.position)(), self.shown.clone())));
                    self.seen[entity.number].claims.wanted.push(Wanted {
                        ordinal: place.ordinal,
                        link: Some(link.number),
                        target,
                        print,
                        text: value.into(),
                        column: column.to_owned(),
                        place: known,
                    });
                    continue;
                }
                let severity = severity_of(reference.missing);
                self.unfit |= severity == Severity::Row;
                let message = format!("no record of {} has this {}", reference.entity, by.1);
                let value = Some(&*value);
                self.tell(task, entity, About { code, severity, column, value, message, related: vec![] }, place);
            }
        }
        let Some((number, rule)) = &identity.path else { return Ok(()) };
        let key = &identity.keys[*number];
        let Some(text) = given(record, key.field) else { return Ok(()) };
        let Some(steps) = path::steps(&text, rule) else {
            let message = format!("{} is no path: a step is empty, or nothing follows an escape", key.name);
            self.unfit = true;
            let (code, severity) = (Code::BadPath, Severity::Row);
            let about = About { code, severity, column: &key.name, value: Some(&text), message, related: vec![] };
            self.tell(task, entity, about, place);
            return Ok(());
        };
        if let [parents @ .., _] = &steps[..] {
            let print = Print::new(task.hasher.key(path::canonical(parents).as_bytes()));
            if !parents.is_empty() && entity.directory.find(*number, print).is_empty() {
                self.seen[entity.number].claims.wanted.push(Wanted {
                    ordinal: place.ordinal,
                    link: None,
                    target: Target { entity: entity.number, key: *number },
                    print,
                    text: "".into(),
                    column: key.name.clone(),
                    place: None,
                });
            }
        }
        Ok(())
    }

    /// Where a record that `value` names would be, unless it is stored.
    fn unstored(
        &mut self,
        task: &Task<'_>,
        link: &Link,
        by: &(FieldId, String, Option<usize>),
        value: &str,
    ) -> Result<Option<(Target, Print)>, Stop> {
        let other = &task.entities[link.entity];
        let keys = other.identity.as_ref().map_or(0, |identity| identity.keys.len());
        let Some(number) = by.2 else {
            let made = other.identity.as_ref().is_some_and(|identity| identity.made);
            // A value that is no id can be nobody's: it is looked for as it stands, and not found.
            let hash = key_hash(made, value, task.hasher).unwrap_or_else(|| task.hasher.key(value.as_bytes()));
            let stored = other.index.find(hash)?.is_some();
            return Ok((!stored).then_some((Target { entity: link.entity, key: keys }, Print::new(hash))));
        };
        let print = other.directory.fields[number].form.print(value, task.hasher, &mut self.text);
        // Likewise one that is no path.
        let print = print.unwrap_or_else(|| Print::new(task.hasher.key(value.as_bytes())));
        let stored = !other.directory.find(number, print).is_empty();
        Ok((!stored).then_some((Target { entity: link.entity, key: number }, print)))
    }

    fn tell(&self, task: &Task<'_>, entity: &EntityPlan, about: About<'_>, place: &Place<'_>) {
        task.problems.add(entity.number, u64::from(place.ordinal), about.code, about.severity, || {
            let mut fault = Fault::new(about.code, about.message).at((place.position)()).column(about.column);
            fault.entity = Some(entity.spec.name.clone());
            fault.key = self.shown.clone();
            fault.value = about.value.map(|value| value.chars().take(200).collect());
            fault.related = about.related;
            fault
        });
    }
}

/// Bits of the keys that the row leaves without a value.
pub(super) fn emptied(task: &Task<'_>, entity: &EntityPlan, identity: &Identity, record: &Record) -> u32 {
    if entity.operation.fills {
        return 0;
    }
    let goes = entity.operation.joins && entity.is_bare(record);
    let is_empty = |field: FieldId| match (entity.operation.rows, record.find(field).map(|cell| cell.state)) {
        _ if goes => true,
        (Rows::Replace, state) => state != Some(State::Set),
        (Rows::Merge, Some(State::Null)) => task.settings.patch_null == PatchNull::Clear,
        _ => false,
    };
    let empty = identity.keys.iter().enumerate().filter(|(_, key)| is_empty(key.field));
    empty.fold(0, |bits, (number, _)| bits | 1 << number)
}

/// A new record's id: from the store's secret, the state that the plan starts from, and what the row calls itself. A plan
/// made twice gives the same ids, and no later one gives them again, since every record takes a row number.
fn new_key(task: &Task<'_>, entity: &EntityPlan, identity: &Identity, prints: &[Option<Print>]) -> String {
    let mut seed = Vec::with_capacity(128);
    seed.extend_from_slice(entity.spec.name.as_bytes());
    seed.push(0);
    seed.extend_from_slice(entity.base.digest.as_bytes());
    seed.extend_from_slice(&entity.base.next_row.to_le_bytes());
    for (number, print) in prints.iter().enumerate().filter(|(number, _)| identity.keys[*number].identifies) {
        if let Some(print) = print {
            seed.push(number as u8);
            seed.extend_from_slice(&print.high.to_le_bytes());
            seed.extend_from_slice(&print.low.to_le_bytes());
        }
    }
    uuid_text(system_id(task.hasher, &seed))
}
