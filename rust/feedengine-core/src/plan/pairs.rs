//! Options and their values as records name them: one entry for each, put with the others of its product.

use std::borrow::Cow;

use bytemuck::{Pod, Zeroable};

use super::windows::STORED;
use crate::identify::{given, items};
use crate::record::digest::Hasher;
use crate::record::options::Names;
use crate::record::{FieldId, FieldTable, Record, State, Value};

/// A value of an option, named by a row or a stored record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Pair {
    /// Hash of the product.
    pub product: u128,
    /// Hash of option and value.
    pub pair: u128,
    /// Hash of the option.
    pub option: u64,
    /// Where the record's cells are, as its kind of entity keeps them.
    pub place: u64,
    /// The row, or `STORED`.
    pub ordinal: u32,
    /// Slot of the record, or `NEW`.
    pub slot: u32,
    /// 1 if the record forbids what it names.
    pub forbids: u32,
    /// 1 if the place is one of merged records.
    pub merged: u32,
}

impl Pair {
    /// Whether the feed brings it.
    pub fn is_row(&self) -> bool {
        self.ordinal != STORED
    }

    /// Tells records apart: rows by their number, stored ones by their slot.
    pub fn record(&self) -> (u32, u32) {
        (self.ordinal, if self.is_row() { 0 } else { self.slot })
    }
}

/// A value of an option in words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    /// The option.
    pub option: String,
    /// Its value.
    pub value: String,
    /// The field that names the option, and the one that names the value.
    pub fields: (FieldId, FieldId),
}

impl std::fmt::Display for Named {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} {:?}", self.option, self.value)
    }
}

/// The hash of an option.
pub fn option_hash(hasher: &Hasher, option: &str) -> u64 {
    hasher.key(option.as_bytes()) as u64
}

/// The hash of a value of an option.
pub fn pair_hash(hasher: &Hasher, option: &str, value: &str) -> u128 {
    let mut bytes = (option.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(option.as_bytes());
    bytes.extend_from_slice(value.as_bytes());
    hasher.key(&bytes)
}

/// How the records of an entity name options.
pub struct Naming {
    /// The field that names the product.
    pub product: FieldId,
    pair: Option<(FieldId, FieldId)>,
    columns: Vec<(FieldId, String)>,
    allowed: Option<FieldId>,
}

impl Naming {
    /// The way of `names`, and of the flag `allowed`; `None` where they name no fields of the table.
    pub fn new(names: &Names, allowed: Option<&String>, table: &FieldTable) -> Option<Naming> {
        let pair = names.pair.as_ref().map(|(option, value)| Some((table.find(option)?, table.find(value)?)));
        let columns = names.columns.iter().map(|(field, option)| Some((table.find(field)?, option.clone())));
        Some(Naming {
            product: table.find(&names.product)?,
            pair: pair.map_or(Some(None), |pair| pair.map(Some))?,
            columns: columns.collect::<Option<_>>()?,
            allowed: allowed.map_or(Some(None), |allowed| table.find(allowed).map(Some))?,
        })
    }

    /// The product that `record` is about.
    pub fn product<'r>(&self, record: &'r Record) -> Option<Cow<'r, str>> {
        given(record, self.product)
    }

    /// What `record` names; nothing of an option without a value.
    pub fn named(&self, record: &Record) -> Vec<Named> {
        let mut all = Vec::new();
        if let Some((field, values)) = self.pair {
            if let Some(option) = given(record, field) {
                let named = |value| Named { option: option.to_string(), value, fields: (field, values) };
                all.extend(items(record, values).into_iter().map(named));
            }
        }
        for (field, option) in &self.columns {
            let named = |value| Named { option: option.clone(), value, fields: (*field, *field) };
            all.extend(items(record, *field).into_iter().map(named));
        }
        all
    }

    /// Whether `record` forbids what it names.
    pub fn forbids(&self, record: &Record) -> bool {
        let cell = self.allowed.and_then(|allowed| record.find(allowed)).filter(|cell| cell.state == State::Set);
        cell.is_some_and(|cell| record.value(cell) == Value::Flag(false))
    }

    /// Entries for what `record` names; `as_one` has the rest of each.
    pub fn pairs(&self, record: &Record, hasher: &Hasher, as_one: Pair) -> Vec<Pair> {
        let Some(product) = self.product(record) else { return Vec::new() };
        let product = hasher.key(product.as_bytes());
        let forbids = u32::from(self.forbids(record));
        let entry = |named: Named| Pair {
            product,
            pair: pair_hash(hasher, &named.option, &named.value),
            option: option_hash(hasher, &named.option),
            forbids,
            ..as_one
        };
        self.named(record).into_iter().map(entry).collect()
    }

    /// The options of its columns, in their order; `None` where a pair of fields names any.
    pub fn options(&self, hasher: &Hasher) -> Option<Vec<u64>> {
        let hash = |(_, option): &(FieldId, String)| option_hash(hasher, option);
        self.pair.is_none().then(|| self.columns.iter().map(hash).collect())
    }
}
