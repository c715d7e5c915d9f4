//! All rows of a file together: who shares a value with whom, whose record comes along, whose does not.
//!
//! A row that falls takes others with it: those that it would have made room for, and those that name it. What falls
//! never rises again, so the result is the same whatever the order.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::claims::{Claimant, Claims, Contested, Target, Wanted};
use super::entity::EntityPlan;
use super::identified::severity_of;
use super::stop::Stop;
use super::touch::NEW;
use crate::bags::PARTS;
use crate::fault::{Code, Position, Severity};
use crate::identify::{Identity, Print};
use crate::record::rule::Missing;

/// Rows that a verdict names beside its own.
const SHOWN: usize = 10;

/// What becomes of a row that falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It waits for a record.
    Parked,
    /// It is rejected.
    Rejected,
}

/// Something wrong with a row that only all rows together could show.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The row.
    pub ordinal: u32,
    /// What.
    pub code: Code,
    /// How bad.
    pub severity: Severity,
    /// The field that it is about.
    pub column: String,
    /// Its value, where it is at hand.
    pub value: Option<String>,
    /// Stored records that it is about.
    pub slots: Vec<u32>,
    /// Other rows that it is about.
    pub others: Vec<u32>,
    /// Name of the entity and field that lack the value.
    pub lacks: Option<(String, String)>,
    /// Where the row stands, if that is known already.
    pub place: Option<Box<(Position, Option<String>)>>,
}

/// A row that waits for a record.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// The row.
    pub ordinal: u32,
    /// The entity and the field whose value is waited for.
    pub entity: String,
    /// See `entity`.
    pub field: String,
    /// The value; none is the parent on the row's own path.
    pub value: Option<String>,
}

/// Something that a row needs to stand: the first of those that provide it is enough.
struct Need<'c> {
    entity: usize,
    ordinal: u32,
    left: u32,
    of: Of<'c>,
}

enum Of<'c> {
    /// That the stored record gives the value up.
    Room(&'c Contested),
    /// That the record comes along.
    Record(&'c Wanted),
}

/// Everything about the rows of one entity.
#[derive(Default)]
struct Rows {
    rows: Vec<Claimant>,
    by_slot: Vec<(u32, u32)>,
    fates: HashMap<u32, Fate>,
    verdicts: Vec<Verdict>,
    waiting: BTreeMap<u32, Waiting>,
}

impl Rows {
    fn row(&self, ordinal: u32) -> Option<&Claimant> {
        self.rows.binary_search_by_key(&ordinal, |row| row.ordinal).ok().map(|at| &self.rows[at])
    }

    fn stands(&self, ordinal: u32) -> bool {
        self.row(ordinal).is_some_and(|row| !row.bad) && !self.fates.contains_key(&ordinal)
    }

    /// Says whether the row stood until now.
    fn fall(&mut self, ordinal: u32, fate: Fate) -> bool {
        let stood = self.stands(ordinal);
        let known = self.fates.entry(ordinal).or_insert(fate);
        if fate == Fate::Rejected {
            *known = fate;
        }
        stood
    }

    fn of_slot(&self, slot: u32) -> impl Iterator<Item = &Claimant> {
        let first = self.by_slot.partition_point(|(other, _)| *other < slot);
        let rows = self.by_slot[first..].iter().take_while(move |(other, _)| *other == slot);
        rows.filter_map(|(_, ordinal)| self.row(*ordinal))
    }
}

/// What was found about one entity's rows.
#[derive(Default)]
pub struct Judged {
    /// Its rows, by ordinal.
    pub rows: Vec<Claimant>,
    /// Those that fall.
    pub fates: HashMap<u32, Fate>,
    /// Why, and what else is worth saying.
    pub verdicts: Vec<Verdict>,
    /// Those that wait.
    pub waiting: Vec<Waiting>,
    /// Stored records that stay although no row that stands names them.
    pub protected: Vec<u32>,
}

/// Judges the rows of all entities; `claims` are in the order of `entities`.
pub fn judge(entities: &[EntityPlan], claims: Vec<Claims>) -> Result<Vec<Judged>, Stop> {
    let mut all: Vec<Rows> = Vec::new();
    let mut asked = Vec::new();
    for claims in claims {
        let mut rows = Rows { rows: claims.rows, ..Rows::default() };
        rows.rows.sort_unstable_by_key(|row| row.ordinal);
        rows.by_slot = rows.rows.iter().filter(|row| row.slot != NEW).map(|row| (row.slot, row.ordinal)).collect();
        rows.by_slot.sort_unstable();
        all.push(rows);
        asked.push((claims.contested, claims.wanted));
    }
    for (entity, rows) in entities.iter().zip(&mut all) {
        if let Some(identity) = &entity.identity {
            shared(entity, identity, rows)?;
        }
    }
    let (mut needs, mut targets) = (Vec::new(), Vec::new());
    let mut provided: Vec<(usize, u32, u32)> = Vec::new();
    for (entity, (contested, wanted)) in asked.iter().enumerate() {
        for claim in contested {
            let mut left = 0;
            let makes_room = |row: &&Claimant| row.gives_up & (1 << claim.key) != 0 && all[entity].stands(row.ordinal);
            for row in all[entity].of_slot(claim.holder).filter(makes_room) {
                left += 1;
                provided.push((entity, row.ordinal, needs.len() as u32));
            }
            needs.push(Need { entity, ordinal: claim.ordinal, left, of: Of::Room(claim) });
        }
        for want in wanted {
            targets.push((want.target, want.print, needs.len() as u32));
            needs.push(Need { entity, ordinal: want.ordinal, left: 0, of: Of::Record(want) });
        }
    }
    targets.sort_unstable();
    for group in targets.chunk_by(|a, b| a.0 == b.0) {
        come_along(entities, &all, group, &mut needs, &mut provided)?;
    }
    provided.sort_unstable();
    let mut fallen = Vec::new();
    for need in needs.iter().filter(|need| need.left == 0) {
        fall(entities, need, &mut all, &mut fallen);
    }
    while let Some((entity, ordinal)) = fallen.pop() {
        let first = provided.partition_point(|edge| (edge.0, edge.1) < (entity, ordinal));
        let edges = provided[first..].iter().take_while(|edge| (edge.0, edge.1) == (entity, ordinal));
        for (.., need) in edges {
            let need = &mut needs[*need as usize];
            need.left -= 1;
            if need.left == 0 {
                fall(entities, need, &mut all, &mut fallen);
            }
        }
    }
    for need in needs.iter().filter(|need| need.left == 0) {
        unmet(entities, need, &mut all[need.entity]);
    }
    let judged = |(rows, (contested, _)): (Rows, (Vec<Contested>, Vec<Wanted>))| {
        let fell = |ordinal: &u32| rows.fates.contains_key(ordinal);
        let own = rows.rows.iter().filter(|row| row.slot != NEW && fell(&row.ordinal)).map(|row| row.slot);
        let others = contested.iter().filter(|claim| fell(&claim.ordinal)).map(|claim| claim.holder);
        let protected = own.chain(others).collect();
        let waiting = rows.waiting.into_values().filter(|row| rows.fates.get(&row.ordinal) == Some(&Fate::Parked));
        let waiting = waiting.collect();
        Judged { rows: rows.rows, fates: rows.fates, verdicts: rows.verdicts, waiting, protected }
    };
    drop(needs);
    Ok(all.into_iter().zip(asked).map(judged).collect())
}

/// Rows that mean the same record or share a unique value: none of them counts.
fn shared(entity: &EntityPlan, identity: &Identity, rows: &mut Rows) -> Result<(), Stop> {
    let mut groups: Vec<(usize, Vec<u32>)> = Vec::new();
    let mut alike: Vec<(usize, u32, Vec<u32>)> = Vec::new();
    for (key, bag) in entity.claims.iter().enumerate() {
        // One bag more than there are keys: the sender's own.
        let field = identity.keys.get(key);
        let names = field.is_some_and(|field| field.identifies && field.weak);
        if !names && field.is_some_and(|field| !field.unique) {
            continue;
        }
        for part in 0..PARTS {
            let mut entries = bag.load(part)?;
            entries.sort_unstable();
            for group in entries.chunk_by(|a, b| a.print() == b.print()).filter(|group| group.len() > 1) {
                let group: Vec<u32> = group.iter().map(|entry| entry.who).collect();
                if field.is_none_or(|field| field.unique) {
                    groups.push((key, group));
                } else {
                    let new = |ordinal: &&u32| rows.row(**ordinal).is_some_and(|row| row.slot == NEW);
                    let group: Vec<u32> = group.iter().filter(new).copied().collect();
                    let nameless = group.iter().filter(|ordinal| rows.row(**ordinal).is_some_and(|row| row.name_only));
                    if group.len() > 1 {
                        alike.extend(nameless.map(|ordinal| (key, *ordinal, others(&group, *ordinal))));
                    }
                }
            }
        }
    }
    let grouped: HashSet<u32> = groups.iter().flat_map(|(_, group)| group.iter().copied()).collect();
    for group in rows.by_slot.chunk_by(|a, b| a.0 == b.0).filter(|group| group.len() > 1) {
        let group: Vec<u32> = group.iter().map(|(_, ordinal)| *ordinal).collect();
        if group.iter().any(|ordinal| !grouped.contains(ordinal)) {
            groups.push((usize::MAX, group));
        }
    }
    let places = places(entity, identity, &groups)?;
    for (key, group) in groups {
        let found = group.iter().filter_map(|ordinal| places.get(ordinal)).collect::<HashSet<_>>();
        let moved = found.len() > 1 && identity.path.as_ref().is_some_and(|(path, _)| *path != key);
        let (code, column) = match &identity.path {
            Some((_, path)) if moved => (Code::PathConflict, &*path.field),
            _ => (Code::DuplicateKey, identity.keys.get(key).map_or(entity.spec.key(), |field| &*field.name)),
        };
        for ordinal in &group {
            rows.fall(*ordinal, Fate::Rejected);
            // Rows of one record that share no value: each is told by what it was found by itself.
            let own = rows.row(*ordinal).filter(|_| key == usize::MAX && code == Code::DuplicateKey);
            let (column, slots) = match own.map(|row| (identity.name_of(row.by, &entity.spec), vec![row.slot])) {
                Some(own) => own,
                None => (column, Vec::new()),
            };
            rows.verdicts.push(Verdict { others: others(&group, *ordinal), slots, ..verdict(*ordinal, code, column) });
        }
    }
    for (key, ordinal, others) in alike {
        rows.fall(ordinal, Fate::Rejected);
        let column = &identity.keys[key].name;
        rows.verdicts.push(Verdict { others, ..verdict(ordinal, Code::AmbiguousMatch, column) });
    }
    Ok(())
}

/// The paths of the rows in `groups`.
fn places(entity: &EntityPlan, identity: &Identity, groups: &[(usize, Vec<u32>)]) -> Result<HashMap<u32, Print>, Stop> {
    let mut places = HashMap::new();
    let Some((bag, _)) = identity.path.as_ref().and_then(|(path, rule)| Some((entity.claims.get(*path)?, rule))) else {
        return Ok(places);
    };
    let involved: HashSet<u32> = groups.iter().flat_map(|(_, group)| group.iter().copied()).collect();
    for part in (0..PARTS).filter(|_| !involved.is_empty()) {
        let entries = bag.load(part)?;
        places.extend(entries.iter().filter(|e| involved.contains(&e.who)).map(|e| (e.who, e.print())));
    }
    Ok(places)
}

fn others(group: &[u32], ordinal: u32) -> Vec<u32> {
    group.iter().copied().filter(|other| *other != ordinal).take(SHOWN).collect()
}

fn verdict(ordinal: u32, code: Code, column: &str) -> Verdict {
    Verdict {
        ordinal,
        code,
        severity: code.severity(),
        column: column.to_owned(),
        value: None,
        slots: Vec::new(),
        others: Vec::new(),
        lacks: None,
        place: None,
    }
}

/// Finds the rows that bring the records of one target along.
fn come_along(
    entities: &[EntityPlan],
    all: &[Rows],
    wanted: &[(Target, Print, u32)],
    needs: &mut [Need<'_>],
    provided: &mut Vec<(usize, u32, u32)>,
) -> Result<(), Stop> {
    let target = wanted[0].0;
    let Some(bag) = entities[target.entity].claims.get(target.key) else { return Ok(()) };
    for group in wanted.chunk_by(|a, b| a.1.part() == b.1.part()) {
        let mut entries = bag.load(group[0].1.part())?;
        entries.sort_unstable();
        for (_, print, need) in group {
            let first = entries.partition_point(|entry| entry.print() < *print);
            let same = entries[first..].iter().take_while(|entry| entry.print() == *print);
            for entry in same.filter(|entry| all[target.entity].stands(entry.who)) {
                needs[*need as usize].left += 1;
                provided.push((target.entity, entry.who, *need));
            }
        }
    }
    Ok(())
}

/// What a row does that lacks a record.
fn missing(entities: &[EntityPlan], need: &Need<'_>) -> Missing {
    let spec = &entities[need.entity].spec;
    match &need.of {
        Of::Room(_) => Missing::Reject,
        Of::Record(Wanted { link: Some(link), .. }) => spec.references[*link].missing,
        Of::Record(_) => spec.path.as_ref().map_or(Missing::Reject, |path| path.missing),
    }
}

fn fall(entities: &[EntityPlan], need: &Need<'_>, all: &mut [Rows], fallen: &mut Vec<(usize, u32)>) {
    let fate = match missing(entities, need) {
        Missing::Warn => return,
        Missing::Park => Fate::Parked,
        Missing::Reject | Missing::Fail => Fate::Rejected,
    };
    if all[need.entity].fall(need.ordinal, fate) {
        fallen.push((need.entity, need.ordinal));
    }
}

/// Says what a row lacks.
fn unmet(entities: &[EntityPlan], need: &Need<'_>, rows: &mut Rows) {
    let entity = &entities[need.entity];
    let policy = missing(entities, need);
    let found = match &need.of {
        Of::Room(claim) => {
            let column = entity.identity.as_ref().map_or("", |identity| &identity.keys[claim.key as usize].name);
            let own = rows.row(need.ordinal).map(|row| row.slot).filter(|slot| *slot != NEW);
            let slots = own.into_iter().chain([claim.holder]).collect();
            Verdict { slots, ..verdict(need.ordinal, Code::KeyConflict, column) }
        }
        Of::Record(want) => {
            let other = &entities[want.target.entity];
            let keys = other.identity.as_ref().map(|identity| &identity.keys);
            let field = keys.and_then(|keys| keys.get(want.target.key)).map_or(other.spec.key(), |key| &key.name);
            let code = match want.link {
                Some(link) => Code::find(&entity.spec.references[link].code).unwrap_or(Code::UnknownReference),
                None => Code::MissingLink,
            };
            let value = want.link.map(|_| want.text.to_string());
            if policy == Missing::Park {
                let waiting = Waiting {
                    ordinal: need.ordinal,
                    entity: other.spec.name.clone(),
                    field: field.to_owned(),
                    value: value.clone(),
                };
                rows.waiting.entry(need.ordinal).or_insert(waiting);
            }
            let code = if policy == Missing::Park { Code::Parked } else { code };
            Verdict {
                severity: severity_of(policy),
                value,
                lacks: Some((other.spec.name.clone(), field.to_owned())),
                place: want.place.clone(),
                ..verdict(need.ordinal, code, &want.column)
            }
        }
    };
    rows.verdicts.push(found);
}
