//! Lists of records that must exist: how many stored records each names, and which of those go or become inactive.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Value as Json, json};

use super::entity::EntityPlan;
use super::guards::each_text;
use super::outcome::Outcome;
use super::stop::Stop;
use super::touch::kind;
use super::walk::walk_touched;
use super::{Planner, Want};
use crate::check::{Held, Normal};
use crate::guard::{Decision, Limit, MustExist, Safeguard, judge};
use crate::record::digest::Hasher;
use crate::record::{Record, State, Value};

/// Ids that a refusal names.
const SHOWN: usize = 10;
/// The part of an entry that is the hash of an id; the rest is the id's place in the list.
const HASH: u128 = !0xFFFF_FFFF;

/// What becomes of a stored record that was active.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    Active,
    Inactive,
    Gone,
}

/// One list, and what the pass over the stored records found of it: 16 bytes an id.
struct Listed {
    guard: MustExist,
    /// Its number in the request.
    number: usize,
    /// Hashes of the ids with their places; once the list is known rising, each id once, at its first place.
    entries: Vec<u128>,
    /// Ids that were told.
    told: u32,
    /// A bit for each id that names a record which is active before the task.
    found: Vec<u64>,
    /// Active records that it names, and those of them that go or become inactive.
    base: u64,
    gone: u64,
    deactivated: u64,
    /// Ids whose record is active after the task alone.
    gained: u64,
    /// The first ids that would be missing, by their places.
    first: BTreeMap<u32, String>,
    /// Whether this task can make it say no.
    looked: bool,
    /// Whether ids that are missing before count as well.
    counts_missing: bool,
}

/// What a list says of the task.
pub struct Verdict {
    /// Its entry in the report.
    pub entry: Json,
    /// Its decision.
    pub decision: Decision,
    /// Whether it says no even if nothing is removed.
    pub removals_or_not: bool,
}

/// The lists of one entity.
#[derive(Default)]
pub struct Lists {
    lists: Vec<Listed>,
    deactivations: bool,
    /// Stored rows, rising, whose record becomes inactive.
    inactive: Vec<u64>,
}

impl Listed {
    fn new(number: usize, guard: &MustExist) -> Self {
        Listed {
            guard: guard.clone(),
            number,
            entries: Vec::new(),
            told: 0,
            found: Vec::new(),
            base: 0,
            gone: 0,
            deactivated: 0,
            gained: 0,
            first: BTreeMap::new(),
            looked: false,
            counts_missing: false,
        }
    }

    /// Takes ids as a feed would give them: what brings a feed's values into normal form does so here.
    fn tell(&mut self, entity: &EntityPlan, hasher: &Hasher, ids: &[String]) {
        let field = entity.table.id(&self.guard.column);
        let normal = Normal::new(&entity.spec);
        let (mut record, mut held, mut issues) = (Record::default(), Held::default(), Vec::new());
        for id in ids {
            record.clear();
            record.push_text(field, id);
            if let Some(normal) = &normal {
                normal.apply(&mut record, &mut held, &mut issues);
                issues.clear();
            }
            let place = u128::from(self.told);
            for cell in record.cells().iter().filter(|cell| cell.state == State::Set) {
                each_text(record.value(cell), |text| {
                    self.entries.push(hasher.key(text.as_bytes()) & HASH | place);
                });
            }
            self.told = self.told.saturating_add(1);
        }
    }

    fn end(&mut self) {
        self.entries.sort_unstable();
        self.entries.dedup_by(|later, first| (*later ^ *first) & HASH == 0);
        self.found = vec![0; self.entries.len().div_ceil(64)];
    }

    fn find(&self, hash: u128) -> Option<usize> {
        let wanted = hash & HASH;
        let at = self.entries.partition_point(|entry| *entry < wanted);
        self.entries.get(at).is_some_and(|entry| entry & HASH == wanted).then_some(at)
    }

    /// Counts a record that is active before the task; of several values that are listed the first names it.
    fn count(&mut self, value: Value<'_>, hasher: &Hasher, after: After) {
        let mut named = None;
        each_text(value, |text| {
            let Some(at) = self.find(hasher.key(text.as_bytes())) else { return };
            self.found[at / 64] |= 1 << (at % 64);
            if named.is_none() {
                named = Some((at, if after == After::Active { String::new() } else { text.to_owned() }));
            }
        });
        let Some((at, id)) = named else { return };
        self.base += 1;
        match after {
            After::Active => return,
            After::Inactive => self.deactivated += 1,
            After::Gone => self.gone += 1,
        }
        self.first.insert(self.entries[at] as u32, id);
        if self.first.len() > SHOWN {
            self.first.pop_last();
        }
    }

    fn verdict(&self) -> Verdict {
        let listed = self.entries.len() as u64;
        let found: u64 = self.found.iter().map(|word| u64::from(word.count_ones())).sum();
        let (lost, without, base) = if self.counts_missing {
            let after = self.base + self.gained - self.gone - self.deactivated;
            (listed.saturating_sub(after), listed.saturating_sub(after + self.gone), listed)
        } else {
            (self.gone + self.deactivated, self.deactivated, self.base)
        };
        let found_of = judge(self.guard.limit, Limit::Off, lost, base);
        let entry = json!({
            "entity": self.guard.entity, "column": self.guard.column, "file": self.guard.file,
            "listed": listed, "missing_before": listed - found, "counts_missing": self.counts_missing,
            "lost": lost, "base": base, "share": found_of.share, "limit": self.guard.limit,
            "decision": found_of.decision, "first": self.first.values().collect::<Vec<_>>(),
        });
        let removals_or_not = self.guard.limit.exceeded(without, base);
        Verdict { entry, decision: found_of.decision, removals_or_not }
    }
}

impl Lists {
    /// The lists that `safeguard` has for `entity`, empty until they are told.
    pub fn new(safeguard: &Safeguard, entity: &str) -> Self {
        let guards = safeguard.must_exist.iter().enumerate().filter(|(_, guard)| guard.entity == entity);
        Lists {
            lists: guards.map(|(number, guard)| Listed::new(number, guard)).collect(),
            deactivations: safeguard.deactivation_counts,
            inactive: Vec::new(),
        }
    }

    /// Finds out what the task can make the lists say; `wholly`: the feed says which records there are. A task that
    /// takes nothing is not looked at: then no list needs a pass over what is stored.
    pub fn begin(
        &mut self,
        entity: &EntityPlan,
        outcome: &Outcome,
        dropped: &HashSet<u32>,
        wholly: bool,
    ) -> Result<(), Stop> {
        let deactivated = if self.deactivations { outcome.deactivated } else { 0 };
        for list in &mut self.lists {
            // What a patch or a list of ids does not name is not what it is about.
            list.counts_missing = wholly && list.guard.counts_missing;
            list.looked = list.counts_missing || outcome.lost + deactivated > 0;
        }
        if !self.are_looked_at() {
            return Ok(());
        }
        walk_touched(entity, |stored, touch| {
            let Some(touch) = touch.filter(|touch| !dropped.contains(&touch.ordinal)) else { return Ok(()) };
            let before = stored.filter(|stored| stored.hot.is_active());
            match (stored, touch.active != 0) {
                (Some(_), _) if touch.kind != kind::CHANGED => {}
                (_, true) if before.is_none() => {
                    for list in &mut self.lists {
                        list.gained += u64::from(list.find(touch.key).is_some());
                    }
                }
                (_, false) if self.deactivations => self.inactive.extend(before.map(|before| before.hot.row())),
                _ => {}
            }
            Ok(())
        })?;
        self.inactive.sort_unstable();
        Ok(())
    }

    fn are_looked_at(&self) -> bool {
        self.lists.iter().any(|list| list.looked)
    }

    /// Whether the pass needs a stored column.
    pub fn wants(&self, entity: &EntityPlan, column: &str) -> bool {
        let is_named = |list: &Listed| list.looked && list.guard.column == column;
        self.lists.iter().any(is_named) || (self.are_looked_at() && entity.spec.active.as_deref() == Some(column))
    }

    /// Counts a stored record, which goes or does not.
    pub fn count(&mut self, entity: &EntityPlan, hasher: &Hasher, record: &Record, row: u64, goes: bool) {
        if !self.are_looked_at() || !entity.rules.is_active(record) {
            return;
        }
        let after = match goes {
            true => After::Gone,
            false if self.inactive.binary_search(&row).is_ok() => After::Inactive,
            false => After::Active,
        };
        for list in self.lists.iter_mut().filter(|list| list.looked) {
            if let Some(cell) = entity.table.find(&list.guard.column).and_then(|field| record.find(field)) {
                list.count(record.value(cell), hasher, after);
            }
        }
    }

    /// What the lists say that were looked at.
    pub fn verdicts(&self) -> impl Iterator<Item = Verdict> {
        self.lists.iter().filter(|list| list.looked).map(Listed::verdict)
    }
}

impl Planner {
    /// Takes ids of a list of the request's safeguard, by its number there; all of them before [`Planner::scan`].
    pub fn list(&mut self, number: usize, ids: &[String]) -> Result<(), Stop> {
        for (scan, entity) in self.scans.iter_mut().zip(&self.entities) {
            if let Some(list) = scan.lists.lists.iter_mut().find(|list| list.number == number) {
                list.tell(entity, &self.hasher, ids);
                return Ok(());
            }
        }
        Err(Stop::Broken(format!("the safeguard has no list {number} of an entity that there is")))
    }

    /// Ends the lists; fails if one was not told: a guard is never left out in silence.
    pub(super) fn end_lists(&mut self) -> Result<(), Stop> {
        for list in self.scans.iter_mut().flat_map(|scan| &mut scan.lists.lists) {
            list.end();
            if list.entries.is_empty() {
                return Err(Stop::Broken(format!("the ids of {} are not known: list them first", list.guard.file)));
            }
        }
        Ok(())
    }

    /// What the guards that look at values and names need of the stored records of an entity.
    pub(super) fn scan_wanted(&mut self, number: usize) -> Result<Option<Want>, Stop> {
        let (entity, scan) = (&self.entities[number], &mut self.scans[number]);
        let wholly = self.read[number].uploaded && self.operation.removes_absent;
        scan.lists.begin(entity, &self.outcomes[number], &self.dropped[number], wholly)?;
        let columns = scan.columns(entity);
        Ok((!columns.is_empty()).then_some(Want { entity: number, all: true, columns: Some(columns) }))
    }
}
