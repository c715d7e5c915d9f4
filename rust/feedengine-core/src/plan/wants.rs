//! What planning asks the store for before it can go on, in rounds: a step after the other until all is known.

use std::sync::{Mutex, PoisonError};

use arrow_array::RecordBatch;

use super::entity::EntityPlan;
use super::ops::Rows;
use super::settle::Tools;
use super::spool::{Spool, SpoolPart};
use super::stop::Stop;
use super::stored::storage_field;
use super::touch::Touch;
use super::{Column, Planner};
use crate::record::FieldId;

/// Stored cells that planning needs before it can go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want {
    /// Of which entity (its number in the request).
    pub entity: usize,
    /// All current rows, or those that [`Planner::wanted`] lists.
    pub all: bool,
    /// Storage columns; `None` = all.
    pub columns: Option<Vec<String>>,
}

/// What is being waited for.
pub(super) enum Step {
    Read,
    Settle(usize),
    Tree,
    Relate,
    Together(usize),
    Matrix(usize),
    Scan(usize),
    Dangling(usize),
    Ready,
}

impl Planner {
    /// The next stored cells to fetch; `None` when `decide` can be called.
    pub fn next_want(&mut self) -> Result<Option<Want>, Stop> {
        loop {
            match self.step {
                Step::Read => return Err(Stop::Broken("scan a feed first".into())),
                Step::Settle(number) if number == self.entities.len() => self.step = Step::Tree,
                Step::Settle(number) => {
                    let limit = (self.request.memory / 8 / size_of::<Touch>()).max(1_000);
                    if self.settling[number].advance(&self.entities[number], limit, self.threads)? {
                        // Whoever fetches the cells needs the memory now.
                        self.entities[number].release();
                        return Ok(Some(Want { entity: number, all: false, columns: self.cells_wanted(number) }));
                    }
                    self.step = Step::Settle(number + 1);
                }
                Step::Tree => {
                    self.step = Step::Relate;
                    if let Some(want) = self.tree_wanted() {
                        return Ok(Some(want));
                    }
                }
                Step::Relate => {
                    let merged = SpoolPart::new(0, 0, self.request.temp_dir.clone());
                    let full = std::mem::replace(&mut self.merged, Mutex::new(merged));
                    self.joined = Spool::join(vec![full.into_inner().unwrap_or_else(PoisonError::into_inner)])?;
                    self.step = Step::Together(0);
                }
                Step::Together(number) if number == self.entities.len() => self.step = Step::Matrix(0),
                Step::Together(number) => {
                    if self.begin_together(number)? {
                        let columns = self.together_columns(number);
                        if !columns.is_empty() {
                            return Ok(Some(Want { entity: number, all: true, columns: Some(columns) }));
                        }
                        self.end_together(number)?;
                    }
                    self.step = Step::Together(number + 1);
                }
                Step::Matrix(number) if number == self.entities.len() => {
                    self.relate()?;
                    self.step = Step::Scan(0);
                }
                Step::Matrix(number) => {
                    if self.matrix.is_some() || self.begin_matrix(number)? {
                        if let Some(want) = self.matrix_wanted()? {
                            return Ok(Some(want));
                        }
                        self.end_matrix(number)?;
                    }
                    self.step = Step::Matrix(number + 1);
                }
                Step::Scan(number) if number == self.entities.len() => self.step = Step::Dangling(0),
                Step::Dangling(number) if number == self.entities.len() => self.step = Step::Ready,
                Step::Dangling(number) => {
                    let columns = self.dangling_columns(number);
                    if !columns.is_empty() {
                        return Ok(Some(Want { entity: number, all: true, columns: Some(columns) }));
                    }
                    self.step = Step::Dangling(number + 1);
                }
                Step::Scan(number) => {
                    if let Some(want) = self.scan_wanted(number)? {
                        return Ok(Some(want));
                    }
                    self.step = Step::Scan(number + 1);
                }
                Step::Ready => return Ok(None),
            }
        }
    }

    /// Columns that a round of settling needs: all for replaced records, the patched ones for patches.
    fn cells_wanted(&self, number: usize) -> Option<Vec<String>> {
        let entity = &self.entities[number];
        if entity.operation.rows != Rows::Merge {
            return None;
        }
        let patched = |column: &&Column| {
            let (field, _) = storage_field(&entity.spec, &column.name);
            let is_patched = |field: FieldId| self.read[number].patched.contains(&field);
            entity.table.find(&field).is_some_and(is_patched) || entity.spec.compared().any(|other| *other == field)
        };
        Some(entity.base.columns.iter().filter(patched).map(|column| column.name.clone()).collect())
    }

    /// Stored rows that the last want lists, rising.
    pub fn wanted(&self) -> Vec<u64> {
        match self.step {
            Step::Settle(number) => self.settling[number].wanted(),
            _ => Vec::new(),
        }
    }

    /// Takes a batch of what was wanted.
    pub fn supply(&mut self, batch: &RecordBatch) -> Result<(), Stop> {
        match self.step {
            Step::Settle(number) => {
                let mut merged = self.merged.lock().unwrap_or_else(PoisonError::into_inner);
                let mut tools = Tools { hasher: &self.hasher, spool: &self.spool, merged: &mut merged };
                self.settling[number].supply(&self.entities[number], &mut tools, batch)
            }
            Step::Relate => self.supply_tree(batch),
            Step::Together(number) => self.supply_together(number, batch),
            Step::Matrix(_) => self.supply_matrix(batch),
            Step::Scan(number) => {
                let closed = &self.outcomes[number].closed;
                self.scans[number].supply(&self.entities[number], &self.hasher, closed, batch)
            }
            Step::Dangling(number) => self.supply_dangling(number, batch),
            _ => Ok(()),
        }
    }

    /// Ends the answer to the last want.
    pub fn supplied(&mut self) -> Result<(), Stop> {
        match self.step {
            Step::Settle(number) => self.settling[number].supplied()?,
            Step::Together(number) => {
                self.end_together(number)?;
                self.step = Step::Together(number + 1);
            }
            Step::Matrix(_) => self.matrix_supplied(),
            Step::Scan(number) => self.step = Step::Scan(number + 1),
            Step::Dangling(number) => {
                self.report_dangling(number)?;
                self.step = Step::Dangling(number + 1);
            }
            _ => {}
        }
        self.entities.iter().for_each(EntityPlan::release);
        Ok(())
    }
}
