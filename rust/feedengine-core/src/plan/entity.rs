//! One entity of a task: its rules, its stored index, and what the feed touches.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use super::earlier::Earlier;
use super::marks::Marks;
use super::ops::{Operation, Rows};
use super::request::EntityBase;
use super::rules::Rules;
use super::stop::Stop;
use super::touch::Touch;
use crate::bags::Partitioned;
use crate::check::Checks;
use crate::identify::{Directory, Entry, Identity};
use crate::index::Index;
use crate::record::digest::fingerprint;
use crate::record::entity::EntitySpec;
use crate::record::{FieldId, FieldTable, Record, State};

/// Bytes of an index whose pages are given back on the way.
const LARGE: usize = 64 << 20;

/// Everything that planning knows of one entity.
pub struct EntityPlan {
    /// Its number in the request.
    pub number: usize,
    /// What it is.
    pub spec: EntitySpec,
    /// What rows do, as far as its mode lets them.
    pub operation: Operation,
    /// Its fields.
    pub table: Arc<FieldTable>,
    /// Its rules.
    pub rules: Rules,
    /// What its profile demands of rows; `None` if that is nothing.
    pub checks: Option<Checks>,
    /// Its stored state.
    pub base: EntityBase,
    /// Its index.
    pub index: Index,
    /// Which stored records the feed names.
    pub marks: Marks,
    /// Records that may change, as they were read.
    pub touches: Partitioned<Touch>,
    /// Records that change, each once.
    pub settled: Partitioned<Touch>,
    /// Whether added records are kept from the first reading while there is room.
    pub keeps_added: bool,
    /// How rows find their records, where that takes more than the key.
    pub identity: Option<Identity>,
    /// What is known of the stored records' identifiers.
    pub directory: Directory,
    /// Values that rows of the feed claim, by key.
    pub claims: Vec<Partitioned<Entry>>,
    /// Rows that are not applied, as all rows together showed.
    pub fallen: HashSet<u32>,
    /// The file that the stored records come from, where they lie nowhere else: their entries tell their places in it
    /// instead of their digests.
    pub earlier: Option<Earlier>,
    /// A fingerprint of the rules: bytes that passed under other rules are read again.
    pub rules_mark: u64,
}

impl EntityPlan {
    /// Opens an entity's index. `memory` is what its touches may use.
    #[allow(clippy::too_many_arguments)]
    pub fn open(
        number: usize,
        operation: &Operation,
        spec: &EntitySpec,
        base: EntityBase,
        settings_mark: u64,
        store: u64,
        memory: usize,
        folder: &Path,
    ) -> Result<Self, Stop> {
        let table = Arc::new(FieldTable::new(spec));
        let index = Index::open(&base.runs, store)?;
        let spec_text = serde_json::to_vec(spec).unwrap_or_default();
        Ok(EntityPlan {
            number,
            operation: operation.under(spec.mode),
            rules: Rules::new(spec, &table),
            checks: Checks::new(spec, &table),
            marks: Marks::new(index.slots(), memory, folder)?,
            touches: Partitioned::new(memory / 2, folder.to_owned()),
            settled: Partitioned::new(memory / 2, folder.to_owned()),
            keeps_added: index.slots() > 0,
            identity: None,
            claims: Vec::new(),
            fallen: HashSet::new(),
            earlier: None,
            directory: Directory::new(Vec::new(), false, 0, 0, folder),
            rules_mark: fingerprint(&spec_text, settings_mark),
            spec: spec.clone(),
            table,
            base,
            index,
        })
    }

    /// Whether records whose bytes are known are left unread. Only a feed of whole records can do so: its bytes say all
    /// that the record is, and its key.
    pub fn may_skip(&self) -> bool {
        self.operation.rows == Rows::Replace
            && self.identity.is_none()
            && self.spec.parents.is_none()
            && self.spec.composed.is_empty()
            && self.spec.compared().next().is_none()
    }

    /// Gives back what looking at stored records has drawn into memory, where that is worth it: without this, all of a
    /// large index would stay there.
    pub fn release(&self) {
        if self.index.bytes() > LARGE {
            self.index.release();
            self.marks.release();
        }
    }

    /// Whether a row says nothing but which record it is about.
    pub fn is_bare(&self, record: &Record) -> bool {
        let names = |field: FieldId| {
            field == FieldId(0) || self.spec.composed.iter().any(|name| **name == *self.table.name(field))
        };
        record.cells().iter().all(|cell| cell.state == State::Blank || names(cell.field))
    }

    /// The stored digest.
    pub fn base_digest(&self) -> u128 {
        u128::from_str_radix(&self.base.digest, 16).unwrap_or(0)
    }
}
