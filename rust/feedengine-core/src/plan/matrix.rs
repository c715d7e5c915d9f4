//! Options of products, of all entities that have to do with them: what products declare, which of it a matrix lists and
//! forbids, what other records choose. Gathered once every touched record is known as it will be; `allowed` judges it.

use std::collections::HashSet;

use arrow_array::RecordBatch;

use super::ops::Rows;
use super::pairs::{Naming, Pair};
use super::rejected::Bits;
use super::spool::{NOWHERE, SpoolPart};
use super::stop::Stop;
use super::stored::StoredRows;
use super::touch::NEW;
use super::windows::STORED;
use super::{Planner, Want};
use crate::bags::{Partitioned, part_of};
use crate::record::rule::Policy;
use crate::record::{FieldId, Record};

/// Place of what products declare among the parts.
pub const DECLARING: usize = 0;
/// Place of the matrix; behind it are those that choose.
pub const MATRIX: usize = 1;

/// One entity's part.
pub struct Part {
    /// The entity.
    pub number: usize,
    /// How it names options.
    pub naming: Naming,
    /// What becomes of its rows that name wrong ones.
    pub policy: Policy,
    /// What it names.
    pub bag: Partitioned<Pair>,
    /// Slots of records that rows are about.
    pub touched: Bits,
    /// Rows that fell, and slots of their records.
    pub fallen: (HashSet<u32>, HashSet<u32>),
}

/// What is gathered of one matrix.
pub struct Gathered {
    /// Every entity that has to do with it.
    pub parts: Vec<Part>,
    /// Records that declare something, in words.
    pub words: SpoolPart,
    /// The part whose stored records are asked for.
    at: usize,
    /// Products whose stored records count; `None` = all.
    only: Option<HashSet<u128>>,
    /// Whether rows forbid something, or declare it no more, which stored records may have chosen.
    takes_back: bool,
}

impl Gathered {
    fn keep(&self, part: usize, pairs: Vec<Pair>) -> Result<(), Stop> {
        for pair in pairs {
            self.parts[part].bag.append(part_of(pair.product), &mut vec![pair])?;
        }
        Ok(())
    }
}

impl Planner {
    /// Gathers what rows name of the matrix of `number`; says whether there is anything to look at.
    pub(super) fn begin_matrix(&mut self, number: usize) -> Result<bool, Stop> {
        let Some(parts) = self.matrix_parts(number) else { return Ok(false) };
        let words = SpoolPart::new(0, self.request.memory / 16, self.request.temp_dir.clone());
        let mut gathered = Gathered { parts, words, at: 0, only: None, takes_back: false };
        let mut products = HashSet::new();
        for part in 0..gathered.parts.len() {
            let number = gathered.parts[part].number;
            if self.entities[number].operation.keys_only() {
                continue;
            }
            self.each_row(number, |record, touch, merged| {
                // A row that fell already is none, and what is stored stays.
                if self.overlapping[number].contains(&touch.ordinal) {
                    return Ok(());
                }
                if touch.slot != NEW {
                    gathered.parts[part].touched.set(touch.slot);
                }
                let place = if part == DECLARING { gathered.words.push(record)? } else { touch.place };
                let (ordinal, slot) = (touch.ordinal, touch.slot);
                let as_one = Pair { place, ordinal, slot, merged: u32::from(merged), ..bytemuck::Zeroable::zeroed() };
                let pairs = gathered.parts[part].naming.pairs(record, &self.hasher, as_one);
                // One that names nothing may have named something before.
                let product = gathered.parts[part].naming.product(record);
                products.extend(product.map(|product| self.hasher.key(product.as_bytes())));
                gathered.takes_back |= pairs.iter().any(|pair| pair.forbids == 1);
                gathered.keep(part, pairs)
            })?;
        }
        let owners = &gathered.parts[..=MATRIX];
        let is_all = self.is_whole(number) || owners.iter().any(|part| self.may_leave(part));
        gathered.only = (!is_all).then_some(products);
        self.matrix = Some(gathered);
        Ok(true)
    }

    /// The entities that have to do with the matrix of `number`, if the task has anything to do with it.
    fn matrix_parts(&self, number: usize) -> Option<Vec<Part>> {
        let matrix = self.entities[number].spec.matrix.as_ref()?;
        let declaring = self.entity(&matrix.of)?;
        let names = self.entities[declaring].spec.declares.as_ref()?;
        let mut all = vec![
            (declaring, names, None, Policy::Reject),
            (number, &matrix.names, matrix.allowed.as_ref(), matrix.policy),
        ];
        for entity in &self.entities {
            let choice = entity.spec.choice.as_ref().filter(|choice| choice.of == self.entities[number].spec.name);
            all.extend(choice.map(|choice| (entity.number, &choice.names, None, choice.policy)));
        }
        let brings = |number: usize| {
            let entity = &self.entities[number];
            !entity.operation.keys_only() && !entity.settled.is_empty()
        };
        let removes = |number: usize| {
            let takes = self.operation.removes_absent || self.operation.rows == Rows::Remove;
            takes && self.read[number].uploaded
        };
        let owners = [declaring, number];
        if !all.iter().any(|(number, ..)| brings(*number)) && !owners.into_iter().any(removes) {
            return None;
        }
        let memory = self.request.memory / 8 / all.len();
        let part = |(number, names, allowed, policy): (usize, _, _, _)| {
            Some(Part {
                number,
                naming: Naming::new(names, allowed, &self.entities[number].table)?,
                policy,
                bag: Partitioned::new(memory, self.request.temp_dir.clone()),
                touched: Bits::default(),
                fallen: Default::default(),
            })
        };
        all.into_iter().map(part).collect()
    }

    /// Whether the file says all of the entity.
    pub(super) fn is_whole(&self, number: usize) -> bool {
        self.read[number].uploaded && self.operation.removes_absent
    }

    /// Whether stored records may go, or move to other products, that no row tells of.
    fn may_leave(&self, part: &Part) -> bool {
        let (entity, read) = (&self.entities[part.number], &self.read[part.number]);
        let spec = &entity.spec;
        let is_key = part.naming.product == FieldId(0);
        let stays = is_key || spec.names().is_some_and(|names| spec.composed.contains(&names.product));
        let removes = self.operation.removes_absent || self.operation.rows == Rows::Remove;
        read.uploaded && (removes || !stays)
    }

    /// Whether a stored record goes, by itself or with its owner.
    pub(super) fn is_leaving(&self, number: usize, slot: u32) -> Result<bool, Stop> {
        // What is asked to be held back stays, and what it names with it.
        if self.request.hold_removals {
            return Ok(false);
        }
        let owner = self.owner_of(number).filter(|owner| self.request.settings.cascade && self.read[*owner].uploaded);
        let Some(owner) = owner.filter(|_| !self.goes(number, slot)) else { return Ok(self.goes(number, slot)) };
        let found = self.entities[owner].index.find(self.entities[number].index.owner(slot)?)?;
        Ok(found.is_some_and(|found| self.goes(owner, found.slot)))
    }

    /// Whether rows were let in because of what goes: they would be wrong if it stayed after all.
    pub(super) fn needs_removals(&self) -> bool {
        let went = |number: usize| self.outcomes[number].removed > 0;
        let came = |number: usize| self.outcomes[number].added + self.outcomes[number].changed > 0;
        self.entities.iter().any(|entity| {
            let Some(matrix) = &entity.spec.matrix else { return false };
            let chooses = |other: &super::EntityPlan| {
                other.spec.choice.as_ref().is_some_and(|choice| choice.of == entity.spec.name) && came(other.number)
            };
            let allows = went(entity.number) && self.entities.iter().any(chooses);
            // A product that goes takes all that it declares along; of one that is told by several records, what goes
            // would make combinations with what comes.
            let declaring = self.entity(&matrix.of).filter(|_| matrix.closed && !matrix.names.columns.is_empty());
            let combines = declaring.is_some_and(|declaring| {
                let product = self.entities[declaring].spec.declares.as_ref().map(|names| names.product.as_str());
                product != Some(self.entities[declaring].spec.key())
                    && went(declaring)
                    && (came(declaring) || came(entity.number))
            });
            allows || combines
        })
    }

    /// The next stored records to ask for.
    pub(super) fn matrix_wanted(&mut self) -> Result<Option<Want>, Stop> {
        loop {
            let Some(gathered) = self.matrix.as_ref() else { return Ok(None) };
            let Some(number) = gathered.parts.get(gathered.at).map(|part| part.number) else { return Ok(None) };
            if gathered.at == MATRIX + 1 && !gathered.takes_back {
                let takes_back = self.is_shrinking(&gathered.parts[DECLARING])?;
                self.matrix.iter_mut().for_each(|gathered| gathered.takes_back = takes_back);
            }
            let is_asked = self.matrix.as_ref().is_some_and(|all| all.at <= MATRIX || all.takes_back);
            let columns = if is_asked { self.together_columns(number) } else { Vec::new() };
            if !columns.is_empty() {
                return Ok(Some(Want { entity: number, all: true, columns: Some(columns) }));
            }
            self.matrix_supplied();
        }
    }

    /// Goes on to the next part.
    pub(super) fn matrix_supplied(&mut self) {
        self.matrix.iter_mut().for_each(|gathered| gathered.at += 1);
    }

    /// Gathers a batch of stored records.
    pub(super) fn supply_matrix(&mut self, batch: &RecordBatch) -> Result<(), Stop> {
        let Some(mut gathered) = self.matrix.take() else { return Ok(()) };
        let part = gathered.at;
        let entity = &self.entities[gathered.parts[part].number];
        let rows = StoredRows::new(batch, &entity.spec, &entity.table)?;
        let mut record = Record::default();
        for at in 0..rows.len() {
            rows.read(at, &mut record)?;
            let Some(product) = gathered.parts[part].naming.product(&record) else { continue };
            let product = self.hasher.key(product.as_bytes());
            if gathered.only.as_ref().is_some_and(|only| !only.contains(&product)) {
                continue;
            }
            let slot = self.slot_of(entity, &record)?;
            let place = if part == DECLARING { gathered.words.push(&record)? } else { NOWHERE };
            let as_one = Pair { place, ordinal: STORED, slot, ..bytemuck::Zeroable::zeroed() };
            let pairs = gathered.parts[part].naming.pairs(&record, &self.hasher, as_one);
            gathered.keep(part, pairs)?;
        }
        self.matrix = Some(gathered);
        Ok(())
    }
}
