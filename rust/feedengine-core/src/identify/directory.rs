//! The identifiers of one entity's stored records: what the store tells of them before a feed is read.

use std::path::Path;

use super::identity::Form;
use super::lookup::{Entry, Lookup, Print};
use crate::bags::PARTS;
use crate::index::{Damaged, Index, prefetch};
use crate::record::digest::Hasher;
use crate::record::uuid::{uuid, uuid_text};

/// Keys of stored records by slot.
enum Keys {
    /// Ids that the engine made.
    Made(Vec<u128>),
    /// The sender's: their bytes one after the other, and where each slot's are.
    Given { bytes: Vec<u8>, places: Vec<(u64, u32)> },
}

/// One field of a directory.
pub struct Field {
    /// Its name.
    pub name: String,
    /// How its values are compared.
    pub form: Form,
    /// Its values.
    pub lookup: Lookup,
    /// A bit for every slot that has a value.
    filled: Vec<u64>,
}

/// What is known of one entity's stored records.
pub struct Directory {
    /// The fields that are known.
    pub fields: Vec<Field>,
    /// Whether there is nothing to ask, or everything was told.
    pub known: bool,
    keys: Keys,
    waiting: Vec<Vec<Vec<Entry>>>,
    told: u64,
}

/// Values of one stored record, as the store gives them.
pub struct Told<'t> {
    /// Its key.
    pub key: &'t str,
    /// Its values, in the order of [`Directory::fields`].
    pub values: &'t [Option<&'t str>],
}

impl Directory {
    /// A directory of `fields` that holds about `memory` bytes; `made` says that the engine makes the keys, `slots`
    /// is the size of the index.
    pub fn new(fields: Vec<(String, Form)>, made: bool, slots: usize, memory: usize, folder: &Path) -> Self {
        let share = memory / fields.len().max(1);
        let count = fields.len();
        let field =
            |(name, form)| Field { name, form, lookup: Lookup::new(share, folder), filled: vec![0; slots / 64 + 1] };
        Directory {
            fields: fields.into_iter().map(field).collect(),
            known: slots == 0,
            keys: match made {
                true => Keys::Made(vec![0; slots]),
                false => Keys::Given { bytes: Vec::new(), places: vec![(0, 0); slots] },
            },
            waiting: vec![vec![Vec::new(); PARTS]; count],
            told: 0,
        }
    }

    /// The number of the field called `name`.
    pub fn field(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }

    /// Records that were told of.
    pub fn told(&self) -> u64 {
        self.told
    }

    /// Takes a stored record. Says false if the index does not know it, or if its key is none that the engine made.
    pub fn tell(&mut self, index: &Index, hasher: &Hasher, record: &Told<'_>) -> Result<bool, Damaged> {
        let Some(found) = index.find(hasher.key(record.key.as_bytes()))? else { return Ok(false) };
        match &mut self.keys {
            Keys::Made(keys) => {
                let Some(number) = uuid(record.key) else { return Ok(false) };
                keys[found.slot as usize] = number;
            }
            Keys::Given { bytes, places } => {
                places[found.slot as usize] = (bytes.len() as u64, record.key.len() as u32);
                bytes.extend_from_slice(record.key.as_bytes());
            }
        }
        self.told += 1;
        let mut text = String::new();
        for ((field, waiting), value) in self.fields.iter_mut().zip(&mut self.waiting).zip(record.values) {
            let Some(print) = value.and_then(|value| field.form.print(value, hasher, &mut text)) else { continue };
            field.filled[found.slot as usize / 64] |= 1 << (found.slot % 64);
            waiting[print.part()].push(Entry::new(print, found.slot));
        }
        Ok(true)
    }

    /// Hands gathered entries over where at least `least` wait.
    pub fn hand_over(&mut self, least: usize) -> std::io::Result<()> {
        for (field, parts) in self.fields.iter_mut().zip(&mut self.waiting) {
            for (part, waiting) in parts.iter_mut().enumerate().filter(|(_, w)| w.len() >= least && !w.is_empty()) {
                field.lookup.gather(part, waiting)?;
            }
        }
        Ok(())
    }

    /// All was told.
    pub fn finish(&mut self) -> std::io::Result<()> {
        self.hand_over(0)?;
        self.known = true;
        self.fields.iter_mut().try_for_each(|field| field.lookup.finish())
    }

    /// Stored records that have `print` in `field`, by slot.
    #[inline]
    pub fn find(&self, field: usize, print: Print) -> &[Entry] {
        self.fields[field].lookup.find(print)
    }

    /// Whether the record in `slot` has a value in `field`.
    pub fn is_filled(&self, field: usize, slot: u32) -> bool {
        self.fields[field].filled[slot as usize / 64] & (1 << (slot % 64)) != 0
    }

    /// Brings the key of the record in `slot` closer, where there are keys: nobody asks for them where rows give them.
    #[inline]
    pub fn prefetch_key(&self, slot: u32) {
        match &self.keys {
            Keys::Made(keys) => keys.get(slot as usize).into_iter().for_each(prefetch),
            Keys::Given { places, .. } => places.get(slot as usize).into_iter().for_each(prefetch),
        }
    }

    /// The key of the record in `slot`.
    pub fn key(&self, slot: u32) -> String {
        match &self.keys {
            Keys::Made(keys) => uuid_text(keys[slot as usize]),
            Keys::Given { bytes, places } => {
                let (start, length) = places[slot as usize];
                String::from_utf8_lossy(&bytes[start as usize..start as usize + length as usize]).into_owned()
            }
        }
    }
}
