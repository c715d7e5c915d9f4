//! What one thread has seen of one entity: counts, and what must be looked at once all is read.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::claims::Claims;
use super::duplicates::duplicate;
use super::entity::EntityPlan;
use super::rejected::Bits;
use super::touch::Touch;
use super::worker::{Place, Task};
use crate::bags::PARTS;
use crate::fault::Position;
use crate::record::{FieldId, Kind, Record, State};

/// A group or other referred record: how often it is named, and where first.
#[derive(Clone, Debug)]
pub struct Reference {
    /// Its key.
    pub text: String,
    /// How many records name it.
    pub count: u64,
    /// The first of them.
    pub ordinal: u64,
    /// Where that is.
    pub position: Position,
}

/// A record that must be seen together with others of its entity (a group with its other rows).
#[derive(Clone, Debug)]
pub struct Collected {
    /// Its ordinal.
    pub ordinal: u32,
    /// The record.
    pub record: Record,
    /// Where it stands.
    pub position: Position,
    /// Whether its file uses the old `parent_id` column, in which every row states one relation.
    pub legacy: bool,
}

/// What one thread has seen of one entity.
#[derive(Default)]
pub struct Seen {
    /// Records.
    pub rows: u64,
    /// Rows that cannot be applied.
    pub rejected: u64,
    /// Their ordinals.
    pub refused: Bits,
    /// Rows whose record is not in the catalog and is not to be added.
    pub unknown: u64,
    /// Distinct stored records that rows name.
    pub named: u64,
    /// Rows that were merged into another row of their id (legacy group relations).
    pub merged: u64,
    /// Rows that name a stored record which another row names too.
    pub duplicates: u64,
    /// The last record with too few cells.
    pub last_short: Option<u32>,
    /// Kinds of values met per field in records to write: a bit for each kind.
    pub kinds: Vec<u8>,
    /// Slots of records whose row was rejected: they stay as they are.
    pub protected: Vec<u32>,
    /// Fields that patches mention.
    pub patched: BTreeSet<FieldId>,
    /// Values that were brought into normal form, by field.
    pub normalised: BTreeMap<FieldId, u64>,
    /// Referred records by key hash.
    pub references: HashMap<u128, Reference>,
    /// Fields that records mention, where no header does and the profile asks for some.
    pub mentioned: Bits,
    /// Records to look at together.
    pub collected: Vec<Collected>,
    /// What rows claim, where the entity has an identity.
    pub(super) claims: Claims,
    /// Touches by range of keys, not yet handed over.
    pub(super) touched: Vec<Vec<Touch>>,
}

impl Seen {
    /// Nothing yet.
    pub fn new() -> Self {
        Seen { touched: vec![Vec::new(); PARTS], ..Seen::default() }
    }

    /// Marks a stored record as named, and reports it if it was named before.
    #[inline]
    pub fn mark(
        &mut self,
        task: &Task<'_>,
        entity: &EntityPlan,
        slot: u32,
        place: &Place<'_>,
        key: impl Fn() -> String,
    ) {
        match entity.marks.mark(slot, place.ordinal) {
            None => self.named += 1,
            Some(other) => {
                self.duplicates += 1;
                duplicate(task, entity, place, other, &key());
            }
        }
    }

    /// Notes the kinds of the values of a record that may be written.
    pub fn note_kinds(&mut self, record: &Record) {
        for cell in record.cells().iter().filter(|cell| cell.state == State::Set) {
            note_kind(&mut self.kinds, cell.field, cell.kind);
        }
    }
}

/// Notes that `field` holds a value of `kind`.
pub fn note_kind(kinds: &mut Vec<u8>, field: FieldId, kind: Kind) {
    let at = field.0 as usize;
    if kinds.len() <= at {
        kinds.resize(at + 1, 0);
    }
    kinds[at] |= 1 << kind as u8;
}
