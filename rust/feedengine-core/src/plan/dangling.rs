//! What goes while others still name it: stored records whose reference or parent is gone after the task. A warning each.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use arrow_array::RecordBatch;

use super::stop::Stop;
use super::stored::StoredRows;
use super::{EntityPlan, Planner};
use crate::bags::PARTS;
use crate::fault::{Code, Fault, Severity};
use crate::identify::{Identity, Link, Print, given, items, key_hash, path};
use crate::record::Record;

/// A value that names a record: the entity's number, which of its keys, the value.
type Name = (usize, usize, Print);

/// Records that go although others name them: by reference (none: by path) and slot, how many name them, and by which
/// value, where that is none of the engine's own ids.
pub type Dangling = BTreeMap<(Option<usize>, u32), (u64, Option<Name>)>;

impl Planner {
    /// Stored columns of `number` that may name a record which goes or moves.
    pub(super) fn dangling_columns(&self, number: usize) -> Vec<String> {
        let entity = &self.entities[number];
        let Some(identity) = entity.identity.as_ref().filter(|_| entity.base.records > 0) else { return Vec::new() };
        let goes = |link: &&Link| self.outcomes[link.entity].removed > 0;
        let links = identity.links.iter().filter(goes).flat_map(|link| &entity.spec.references[link.number].by);
        let mut names: Vec<&String> = links.map(|(own, _)| own).collect();
        let moved = self.outcomes[number].removed > 0 || !self.read[number].moved.is_empty();
        names.extend(entity.spec.path.iter().filter(|_| moved).map(|path| &path.field));
        let stored = entity.base.columns.iter().map(|column| &column.name);
        stored.filter(|name| names.contains(name)).cloned().collect()
    }

    /// Looks at a batch of stored records of `number`; those that go or change themselves are passed over.
    pub(super) fn supply_dangling(&mut self, number: usize, batch: &RecordBatch) -> Result<(), Stop> {
        if self.standing.is_none() {
            self.standing = Some(self.standing_paths(number)?);
        }
        let entity = &self.entities[number];
        let (Some(identity), Some(standing)) = (&entity.identity, &self.standing) else { return Ok(()) };
        let rows = StoredRows::new(batch, &entity.spec, &entity.table)?;
        let closed = &self.outcomes[number].closed;
        let (mut record, mut found) = (Record::default(), Vec::new());
        for at in 0..rows.len() {
            let row = rows.row(at)?;
            if closed.binary_search_by_key(&row, |(row, _)| *row).is_ok() {
                continue;
            }
            rows.read(at, &mut record)?;
            for link in &identity.links {
                for (slot, name) in self.gone(link, &record)? {
                    found.push(((Some(link.number), slot), name));
                }
            }
            found.extend(self.gone_parent(entity, identity, standing, &record).map(|slot| ((None, slot), None)));
        }
        let dangling = &mut self.dangling;
        found.into_iter().for_each(|(what, name)| dangling.entry(what).or_insert((0, name)).0 += 1);
        Ok(())
    }

    /// The records that go among those which `record` names by `link`.
    fn gone(&self, link: &Link, record: &Record) -> Result<Vec<(u32, Option<Name>)>, Stop> {
        let (other, outcome) = (&self.entities[link.entity], &self.outcomes[link.entity]);
        let mut gone = Vec::new();
        let named = link.by.iter().find_map(|by| Some((by, items(record, by.0))).filter(|(_, all)| !all.is_empty()));
        let Some((by, values)) = named.filter(|_| outcome.removed > 0) else { return Ok(gone) };
        for value in values {
            let (slots, name): (Vec<u32>, _) = match by.2 {
                None => {
                    let made = other.identity.as_ref().is_some_and(|identity| identity.made);
                    let key = key_hash(made, &value, &self.hasher);
                    let found = key.map(|key| other.index.find(key)).transpose()?.flatten();
                    (found.map(|found| found.slot).into_iter().collect(), None)
                }
                Some(field) => {
                    let print = other.directory.fields[field].form.print(&value, &self.hasher, &mut String::new());
                    let holders = print.map_or(&[][..], |print| other.directory.find(field, print));
                    let name = print.map(|print| (link.entity, field, print));
                    (holders.iter().map(|entry| entry.who).collect(), name)
                }
            };
            if slots.iter().all(|slot| outcome.goes(*slot)) {
                gone.extend(slots.first().map(|slot| (*slot, name)));
            }
        }
        Ok(gone)
    }

    /// The parent of `record`, if it goes or moves and nothing takes its place.
    fn gone_parent(
        &self,
        entity: &EntityPlan,
        identity: &Identity,
        standing: &HashSet<Print>,
        record: &Record,
    ) -> Option<u32> {
        let (key, rule) = identity.path.as_ref()?;
        let steps = path::steps(&given(record, identity.keys[*key].field)?, rule)?;
        let (_, parents) = steps.split_last()?;
        let print = Print::new(self.hasher.key(path::canonical(parents).as_bytes()));
        let holders = entity.directory.find(*key, print);
        let (outcome, moved) = (&self.outcomes[entity.number], &self.read[entity.number].moved);
        let leaves = |slot: u32| outcome.goes(slot) || moved.contains(&slot);
        let gone = !standing.contains(&print) && holders.iter().all(|entry| leaves(entry.who));
        holders.first().filter(|_| gone).map(|entry| entry.who)
    }

    /// Those of `names` that a row which stands gives its record: what was gone goes by another's id.
    fn given_on(&self, names: BTreeSet<Name>) -> Result<HashSet<Name>, Stop> {
        let names: Vec<Name> = names.into_iter().collect();
        let mut given = HashSet::new();
        for group in names.chunk_by(|a, b| (a.0, a.1, a.2.part()) == (b.0, b.1, b.2.part())) {
            let (number, key, print) = group[0];
            let entity = &self.entities[number];
            let Some(bag) = entity.claims.get(key) else { continue };
            let entries = bag.load(print.part())?;
            let stands = entries.iter().filter(|entry| !entity.fallen.contains(&entry.who));
            let names = stands.map(|entry| (number, key, entry.print()));
            given.extend(names.filter(|name| group.binary_search(name).is_ok()));
        }
        Ok(given)
    }

    /// Ends the look at `number`: a warning for each record that others miss.
    pub(super) fn report_dangling(&mut self, number: usize) -> Result<(), Stop> {
        let mut dangling = std::mem::take(&mut self.dangling);
        let given = self.given_on(dangling.values().filter_map(|(_, name)| *name).collect())?;
        dangling.retain(|_, (_, name)| name.is_none_or(|name| !given.contains(&name)));
        let entity = &self.entities[number];
        for ((link, slot), (count, _)) in dangling {
            let link = link.and_then(|link| entity.identity.as_ref()?.links.iter().find(|other| other.number == link));
            let other = link.map_or(entity, |link| &self.entities[link.entity]);
            let code = Code::DanglingReference;
            self.problems.add(number, u64::from(slot), code, Severity::Warning, || {
                let message = format!("{count} records of {} name a record that is gone then", entity.spec.name);
                let column = link.map(|link| &*entity.spec.references[link.number].by[0].0);
                let path = entity.spec.path.as_ref().map(|path| &*path.field);
                let mut fault = Fault::new(code, message).column(column.or(path).unwrap_or_default());
                fault.entity = Some(entity.spec.name.clone());
                fault.related = vec![other.directory.key(slot)];
                fault
            });
        }
        self.standing = None;
        Ok(())
    }

    /// The paths of rows that stand.
    pub(super) fn standing_paths(&self, number: usize) -> Result<HashSet<Print>, Stop> {
        let entity = &self.entities[number];
        let mut paths = HashSet::new();
        let path = entity.identity.as_ref().and_then(|identity| identity.path.as_ref());
        let Some(bag) = path.and_then(|(key, _)| entity.claims.get(*key)) else { return Ok(paths) };
        for part in 0..PARTS {
            let entries = bag.load(part)?;
            paths.extend(entries.iter().filter(|e| !entity.fallen.contains(&e.who)).map(|entry| entry.print()));
        }
        Ok(paths)
    }
}
