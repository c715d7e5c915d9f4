//! What the verdicts on all rows do: rows that stand are counted and marked, those that fall are reported and left out.

use std::collections::{BTreeMap, HashSet};

use super::claims::Claims;
use super::locate::revisit;
use super::stop::Stop;
use super::touch::NEW;
use super::verdicts::{Fate, Judged, Verdict, judge};
use super::{EntityPlan, Planner};
use crate::fault::{Code, Fault, Position};
use crate::identify::{Identity, Print, given, path};
use crate::read::Scratch;
use crate::record::{FieldId, Record};

/// A row that was visited again: where it stands, how its sender knows it, its path, its texts by field.
pub type Visited = BTreeMap<(usize, u32), (Position, Option<String>, Option<String>, Vec<(String, String)>)>;

impl Planner {
    /// Judges what the rows claim, and goes on with those that stand.
    pub(super) fn judge(&mut self, claims: Vec<Claims>) -> Result<(), Stop> {
        if self.entities.iter().all(|entity| entity.identity.is_none()) {
            return Ok(());
        }
        for (read, claims) in self.read.iter_mut().zip(&claims) {
            read.matched_by.clone_from(&claims.matched_by);
        }
        let judged = judge(&self.entities, claims)?;
        for (number, judged) in judged.iter().enumerate() {
            self.carry_out(number, judged);
        }
        self.report_verdicts(&judged)
    }

    fn carry_out(&mut self, number: usize, judged: &Judged) {
        let (entity, read) = (&mut self.entities[number], &mut self.read[number]);
        for row in judged.rows.iter().filter(|row| !row.bad) {
            match judged.fates.get(&row.ordinal) {
                Some(Fate::Rejected) => {
                    read.rejected += 1;
                    read.refused.set(row.ordinal);
                }
                Some(Fate::Parked) => read.parked += 1,
                None => {
                    let by = usize::from(row.by);
                    read.matched_by.resize(read.matched_by.len().max(by + 1), 0);
                    if row.slot != NEW {
                        entity.marks.mark(row.slot, row.ordinal);
                        read.named += 1;
                        read.matched_by[by] += 1;
                    }
                }
            }
        }
        read.protected.extend(&judged.protected);
        read.waiting.clone_from(&judged.waiting);
        let bad = judged.rows.iter().filter(|row| row.bad).map(|row| row.ordinal);
        entity.fallen = judged.fates.keys().copied().chain(bad).collect();
        if let Some((path, _)) = entity.identity.as_ref().and_then(|identity| identity.path.as_ref()) {
            let stands = judged.rows.iter().filter(|row| row.slot != NEW && !entity.fallen.contains(&row.ordinal));
            read.moved = stands.filter(|row| row.gives_up & (1 << path) != 0).map(|row| row.slot).collect();
        }
    }

    fn report_verdicts(&self, judged: &[Judged]) -> Result<(), Stop> {
        let mut order: Vec<(usize, &Verdict)> = judged
            .iter()
            .enumerate()
            .flat_map(|(number, judged)| judged.verdicts.iter().map(move |v| (number, v)))
            .collect();
        order.sort_by(|(a, one), (b, other)| {
            (a, one.code, one.ordinal, &one.column).cmp(&(b, other.code, other.ordinal, &other.column))
        });
        let mut wanted = Vec::new();
        for group in order.chunk_by(|(a, one), (b, other)| (a, one.code) == (b, other.code)) {
            let shown = group.iter().take(self.request.settings.listed_problems);
            wanted
                .extend(shown.filter(|(_, verdict)| verdict.place.is_none()).map(|(n, verdict)| (*n, verdict.ordinal)));
        }
        wanted.sort_unstable();
        wanted.dedup();
        let visited = if wanted.is_empty() { Visited::new() } else { self.visit(&wanted)? };
        let broken =
            |(_, verdict): &&(usize, &Verdict)| verdict.code == Code::MissingLink || verdict.code == Code::Parked;
        let mut standing: BTreeMap<usize, HashSet<Print>> = BTreeMap::new();
        for (number, _) in order.iter().filter(broken) {
            if !standing.contains_key(number) {
                standing.insert(*number, self.standing_paths(*number)?);
            }
        }
        for (number, verdict) in order {
            let entity = &self.entities[number];
            self.problems.add(number, u64::from(verdict.ordinal), verdict.code, verdict.severity, || {
                let seen = visited.get(&(number, verdict.ordinal));
                let mut fault = Fault::new(verdict.code, "").column(verdict.column.clone());
                fault.entity = Some(entity.spec.name.clone());
                fault.value.clone_from(&verdict.value);
                fault.related = verdict.slots.iter().map(|slot| entity.directory.key(*slot)).collect();
                if let Some((position, key)) = verdict.place.as_deref() {
                    (fault.position, fault.key) = (position.clone(), key.clone());
                } else if let Some((position, key, way, texts)) = seen {
                    (fault.position, fault.key) = (position.clone(), key.clone());
                    if verdict.lacks.is_some() && verdict.value.is_none() {
                        let link = way.as_deref().and_then(|way| self.broken_link(number, way, &standing[&number]));
                        fault.value = link;
                    } else if verdict.value.is_none() {
                        let text = texts.iter().find(|(name, _)| *name == verdict.column);
                        fault.value = text.map(|(_, text)| text.chars().take(200).collect());
                    }
                }
                fault.message = message(verdict, fault.value.as_deref());
                fault
            });
        }
        Ok(())
    }

    /// Reads the feed again and says where the rows `wanted` stand.
    pub(super) fn visit(&self, wanted: &[(usize, u32)]) -> Result<Visited, Stop> {
        revisit(&self.path, &self.options, &self.tables, self.fingerprint(), wanted, |section, raw, position| {
            let mut record = Record::default();
            section.layout.parse(raw, &mut Scratch::new(), &mut record, &mut Vec::new());
            let identity = self.entities[section.entity].identity.as_ref();
            let key = || Some(record.text(FieldId(0)).unwrap_or_default().to_owned());
            let shown = identity.map_or_else(key, |identity| identity.shown(&record));
            let way = identity.and_then(path_field).and_then(|field| given(&record, field));
            (position, shown, way.map(|way| way.into_owned()), section.layout.texts(raw))
        })
    }

    /// The first step on the way that is missing, from the root.
    fn broken_link(&self, number: usize, way: &str, standing: &HashSet<Print>) -> Option<String> {
        let entity = &self.entities[number];
        let (key, rule) = entity.identity.as_ref()?.path.as_ref()?;
        let steps = path::steps(way, rule)?;
        (1..steps.len()).map(|length| &steps[..length]).find_map(|parents| {
            let print = Print::new(self.hasher.key(path::canonical(parents).as_bytes()));
            let there = standing.contains(&print) || !entity.directory.find(*key, print).is_empty();
            (!there).then(|| path::written(parents, rule))
        })
    }

    /// How many rows each identifier matched.
    pub(super) fn matched_by(&self, entity: &EntityPlan) -> Option<serde_json::Value> {
        let identity = entity.identity.as_ref()?;
        let counts = &self.read[entity.number].matched_by;
        let names = std::iter::once(entity.spec.key()).chain(identity.keys.iter().map(|key| &*key.name));
        let identifies = |at: usize| at == 0 || identity.keys[at - 1].identifies;
        let named = names.enumerate().filter(|(at, _)| identifies(*at));
        let count = |at: usize| serde_json::Value::from(counts.get(at).copied().unwrap_or(0));
        Some(named.map(|(at, name)| (name.to_owned(), count(at))).collect())
    }
}

/// The field that holds the path.
fn path_field(identity: &Identity) -> Option<FieldId> {
    identity.path.as_ref().map(|(key, _)| identity.keys[*key].field)
}

fn message(verdict: &Verdict, value: Option<&str>) -> String {
    let rows: Vec<String> = verdict.others.iter().map(|ordinal| (u64::from(*ordinal) + 1).to_string()).collect();
    let (rows, column) = (rows.join(", "), &verdict.column);
    match (verdict.code, &verdict.lacks) {
        (Code::DuplicateKey, _) if !verdict.slots.is_empty() => {
            format!("the stored record with this {column} is meant by other records of the file too: {rows}")
        }
        (Code::DuplicateKey, _) => format!("the file gives this {column} in other records too: {rows}"),
        (Code::PathConflict, _) => format!("the file gives the same record another {column} in other records: {rows}"),
        (Code::AmbiguousMatch, _) => format!("other records of the file have this {column} too: {rows}"),
        (Code::KeyConflict, _) => format!("its {column} is another record's, which keeps it"),
        (Code::MissingLink, _) => format!("there is no {:?} on the way to it", value.unwrap_or("parent")),
        (Code::Parked, Some((entity, field))) => {
            format!("the row waits for a record of {entity} with the {field} {:?}", value.unwrap_or("of its parent"))
        }
        (_, Some((entity, field))) => format!("no record of {entity} has this {field}"),
        (code, None) => code.text().to_lowercase().replace('_', " "),
    }
}
