//! What records of one entity must be together, rows and stored ones: windows that do not overlap, steps that lead in no
//! circle. Looked at once every touched record is known as it will be, and before it is known what that comes to.

use std::collections::{BTreeMap, HashSet};

use arrow_array::RecordBatch;

use super::Planner;
use super::cycles::Steps;
use super::entity::EntityPlan;
use super::ops::Rows;
use super::rejected::Bits;
use super::spool::NOWHERE;
use super::stop::Stop;
use super::stored::StoredRows;
use super::touch::{NEW, Touch, kind};
use super::windows::{STORED, Told, Window, fall, is_there, keep, overlaps};
use crate::bags::{PARTS, Partitioned};
use crate::fault::{Code, Fault, Severity};
use crate::identify::{given, items, key_hash};
use crate::record::rule::Policy;
use crate::record::{FieldId, Record};

/// Bytes that steps may take at the least.
const LEAST_STEPS: usize = 1 << 20;

/// What is gathered of one entity.
#[derive(Default)]
pub struct Together {
    entity: usize,
    told: Vec<Told>,
    windows: Vec<Partitioned<Window>>,
    /// Rows whose window is none, by rule.
    amiss: Vec<Vec<(u32, u32)>>,
    steps: Vec<(FieldId, FieldId, Steps)>,
    /// Bytes that the steps may take: a circle may lead through any of them, so that they are held all at once.
    most: usize,
    /// Slots of records that rows are about.
    touched: Bits,
}

impl Together {
    fn take(&mut self, planner: &Planner, record: &Record, ordinal: u32, slot: u32) -> Result<(), Stop> {
        for ((told, bag), amiss) in self.told.iter().zip(&self.windows).zip(&mut self.amiss) {
            match told.window(record, &planner.hasher, (ordinal, slot)) {
                Some(window) => keep(bag, window)?,
                // What is stored was taken when other rules held.
                None if ordinal == STORED => {}
                None => amiss.push((ordinal, slot)),
            }
        }
        for (from, to, steps) in &mut self.steps {
            let Some(begin) = given(record, *from) else { continue };
            for end in items(record, *to) {
                steps.add(begin.to_string(), end, ordinal, slot);
            }
        }
        let bytes: usize = self.steps.iter().map(|(_, _, steps)| steps.bytes()).sum();
        if bytes > self.most {
            let spec = &planner.entities[self.entity].spec;
            let rules: Vec<String> = spec.acyclic.iter().map(|rule| format!("{} to {}", rule.from, rule.to)).collect();
            let message = format!(
                "whether the steps from {} lead in a circle takes more memory than {} MiB, an eighth of what the task has",
                rules.join(", from "),
                self.most >> 20
            );
            let mut fault = Fault::new(Code::TooManySteps, message);
            fault.entity = Some(spec.name.clone());
            return Err(fault.into());
        }
        Ok(())
    }
}

impl Planner {
    /// Gathers what rows bring; says whether there is anything to look at.
    pub(super) fn begin_together(&mut self, number: usize) -> Result<bool, Stop> {
        let entity = &self.entities[number];
        let spec = &entity.spec;
        if (spec.windows.is_empty() && spec.acyclic.is_empty())
            || entity.operation.keys_only()
            || entity.settled.is_empty()
        {
            return Ok(false);
        }
        let memory = self.request.memory / 8 / spec.windows.len().max(1);
        let bag = || Partitioned::new(memory, self.request.temp_dir.clone());
        let steps = spec.acyclic.iter().filter_map(|steps| {
            Some((entity.table.find(&steps.from)?, entity.table.find(&steps.to)?, Steps::default()))
        });
        let mut together = Together {
            entity: number,
            told: spec.windows.iter().filter_map(|rule| Told::new(rule, &entity.table)).collect(),
            windows: spec.windows.iter().map(|_| bag()).collect(),
            amiss: vec![Vec::new(); spec.windows.len()],
            steps: steps.collect(),
            most: (self.request.memory / 8).max(LEAST_STEPS),
            touched: Bits::default(),
        };
        self.each_row(number, |record, touch, _| {
            if touch.slot != NEW {
                together.touched.set(touch.slot);
            }
            together.take(self, record, touch.ordinal, touch.slot)
        })?;
        self.together = together;
        Ok(true)
    }

    /// Calls `each` for every record that a row adds or changes, as it will be, with its touch and whether it is a merged
    /// one.
    pub(super) fn each_row(
        &self,
        number: usize,
        mut each: impl FnMut(&Record, &Touch, bool) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let entity = &self.entities[number];
        let (mut buffer, mut record) = (Vec::new(), Record::default());
        for part in 0..PARTS {
            let touches = entity.settled.load(part)?;
            for touch in touches.iter().filter(|touch| matches!(touch.kind, kind::ADDED | kind::CHANGED)) {
                let merged = entity.operation.rows == Rows::Merge && touch.kind == kind::CHANGED;
                if touch.place == NOWHERE {
                    return Err(Stop::Broken(format!("a row of {} that is compared was not kept", entity.spec.name)));
                }
                let spool = if merged { &self.joined } else { &self.spool };
                spool.read(touch.place, &mut buffer, &mut record)?;
                each(&record, touch, merged)?;
            }
        }
        Ok(())
    }

    /// Columns of stored records that are compared with those of rows; none where nothing is stored.
    pub(super) fn together_columns(&self, number: usize) -> Vec<String> {
        let entity = &self.entities[number];
        let stored = entity.base.columns.iter().map(|column| &column.name);
        let is_compared = |name: &&String| entity.spec.compared().any(|field| field == *name);
        let key = entity.spec.key();
        let others = stored.filter(is_compared).filter(|name| *name != key).cloned();
        if entity.base.records == 0 { Vec::new() } else { std::iter::once(key.to_owned()).chain(others).collect() }
    }

    /// Gathers a batch of stored records of `number`.
    pub(super) fn supply_together(&mut self, number: usize, batch: &RecordBatch) -> Result<(), Stop> {
        let mut together = std::mem::take(&mut self.together);
        let entity = &self.entities[number];
        let rows = StoredRows::new(batch, &entity.spec, &entity.table)?;
        let mut record = Record::default();
        for at in 0..rows.len() {
            rows.read(at, &mut record)?;
            together.take(self, &record, STORED, self.slot_of(entity, &record)?)?;
        }
        self.together = together;
        Ok(())
    }

    /// The slot of a record that the store holds now.
    pub(super) fn slot_of(&self, entity: &EntityPlan, record: &Record) -> Result<u32, Stop> {
        let id = record.text(FieldId(0)).unwrap_or_default();
        let key = key_hash(!entity.spec.identity.is_empty(), id, &self.hasher);
        let found = key.map(|key| entity.index.find(key)).transpose()?.flatten();
        // Left out quietly, it would be compared with nothing, and what it forbids be allowed.
        found.map(|found| found.slot).ok_or_else(|| {
            Stop::Broken(format!("the index of {} does not know {id:?}, which is stored", entity.spec.name))
        })
    }

    /// Judges what was gathered.
    pub(super) fn end_together(&mut self, number: usize) -> Result<(), Stop> {
        let together = std::mem::take(&mut self.together);
        let entity = &self.entities[number];
        // What is asked to be held back stays, and its window with it.
        let leaves = |slot: u32| !self.request.hold_removals && self.goes(number, slot);
        let touched = |slot: u32| together.touched.holds(slot);
        let rules = &entity.spec.windows;
        let rejects = |at: &usize| rules[*at].policy == Policy::Reject;
        let mut fallen = (HashSet::new(), HashSet::new());
        for at in (0..rules.len()).filter(rejects) {
            fallen.0.extend(together.amiss[at].iter().map(|(ordinal, _)| *ordinal));
            fallen.1.extend(together.amiss[at].iter().map(|(_, slot)| *slot).filter(|slot| *slot != NEW));
        }
        let strict: Vec<usize> = (0..rules.len()).filter(rejects).collect();
        let bags: Vec<_> = strict.iter().map(|at| &together.windows[*at]).collect();
        let fell = fall(&bags, &mut fallen, leaves, touched)?;
        let mut found: Vec<(Code, Severity, u32, &str, String)> = Vec::new();
        for (at, rule) in rules.iter().enumerate() {
            let severity = rule.policy.into();
            for (ordinal, _) in &together.amiss[at] {
                let message =
                    format!("the window from {} to {} ends before it begins, or cannot be read", rule.from, rule.to);
                found.push((Code::BadWindow, severity, *ordinal, &rule.from, message));
            }
            let late;
            let over: &BTreeMap<u32, u32> = match strict.iter().position(|strict| *strict == at) {
                Some(place) => &fell[place],
                None => {
                    let counts = |window: &Window| is_there(window, &fallen, leaves, touched);
                    late = overlaps(&together.windows[at], counts)?;
                    &late
                }
            };
            for (ordinal, other) in over {
                let other = match *other {
                    STORED => "a stored record's".to_owned(),
                    row => format!("that of the row {}", u64::from(row) + 1),
                };
                let message = format!("its window from {} to {} overlaps with {other}", rule.from, rule.to);
                found.push((Code::WindowOverlap, severity, *ordinal, &rule.from, message));
            }
        }
        for ((_, _, steps), rule) in together.steps.iter().zip(&entity.spec.acyclic) {
            let counts = |edge: &super::cycles::Edge| {
                let window = Window { ordinal: edge.ordinal, slot: edge.slot, ..bytemuck::Zeroable::zeroed() };
                is_there(&window, &fallen, leaves, touched)
            };
            for (ordinal, way) in steps.circles(counts, |edge| edge.ordinal != STORED) {
                let message = format!("{} leads back to where it began: {way}", rule.to);
                found.push((Code::ReferenceCycle, Severity::File, ordinal, &rule.to, message));
            }
        }
        self.report_together(number, &found)?;
        let read = &mut self.read[number];
        read.rejected += fallen.0.len() as u64;
        fallen.0.iter().for_each(|ordinal| read.refused.set(*ordinal));
        self.overlapping[number] = fallen.0;
        Ok(())
    }

    fn report_together(&self, number: usize, found: &[(Code, Severity, u32, &str, String)]) -> Result<(), Stop> {
        if found.is_empty() {
            return Ok(());
        }
        let mut order: Vec<_> = found.iter().collect();
        order.sort_by_key(|(code, _, ordinal, column, _)| (*code, *ordinal, *column));
        let mut wanted: Vec<(usize, u32)> = Vec::new();
        for group in order.chunk_by(|a, b| a.0 == b.0) {
            wanted.extend(group.iter().take(self.request.settings.listed_problems).map(|one| (number, one.2)));
        }
        wanted.sort_unstable();
        wanted.dedup();
        let visited = self.visit(&wanted)?;
        for (code, severity, ordinal, column, message) in order {
            self.problems.add(number, u64::from(*ordinal), *code, *severity, || {
                let mut fault = Fault::new(*code, message).column(*column);
                fault.entity = Some(self.entities[number].spec.name.clone());
                if let Some((position, key, ..)) = visited.get(&(number, *ordinal)) {
                    (fault.position, fault.key) = (position.clone(), key.clone());
                }
                fault
            });
        }
        Ok(())
    }
}
