//! One row against the stored records: which it means, by which identifier, and what speaks against it.

use super::directory::Directory;
use super::identity::{Form, Identity, given, key_hash};
use super::lookup::Print;
use crate::index::{Damaged, Found, Index};
use crate::record::digest::Hasher;
use crate::record::{FieldId, Record};

/// The number that stands for the key itself among the identifiers; others are their number among the keys + 1.
pub const BY_KEY: u8 = 0;
/// Candidates that a fault names.
const SHOWN: usize = 10;

/// A row's key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Key {
    /// It gives none.
    #[default]
    None,
    /// It gives something that can be nobody's.
    Strange,
    /// Its hash.
    Hash(u128),
}

/// What one row gives.
#[derive(Default)]
pub struct Row {
    /// Its key.
    pub key: Key,
    /// Its value in each of the identity's keys.
    pub prints: Vec<Option<Print>>,
    /// Bits of the keys that it empties.
    pub emptied: u32,
    /// Whether it changes no id of a record: then none that it says may differ from what is stored.
    pub names_only: bool,
}

impl Row {
    /// Takes what `record` gives. `text` is scratch.
    pub fn read(&mut self, identity: &Identity, record: &Record, hasher: &Hasher, text: &mut String) {
        self.key = match given(record, FieldId(0)) {
            None => Key::None,
            Some(key) => key_hash(identity.made, &key, hasher).map_or(Key::Strange, Key::Hash),
        };
        identity.read(record, hasher, text, &mut self.prints);
    }

    /// Asks for the places that say where the row's values are: the first of three steps before [`find`], each of which
    /// is done for several rows before the next, so that their waits for main memory overlap.
    #[inline]
    pub fn foresee(&self, directory: &Directory, index: &Index) {
        if let Key::Hash(key) = self.key {
            index.prefetch_slot(key);
        }
        self.given().for_each(|(number, print)| directory.fields[number].lookup.prefetch(print));
    }

    /// Asks for the values: the second step.
    #[inline]
    pub fn approach(&self, directory: &Directory, index: &Index) {
        if let Key::Hash(key) = self.key {
            index.prefetch(key);
        }
        self.given().for_each(|(number, print)| directory.fields[number].lookup.prefetch_values(print));
    }

    fn given(&self) -> impl Iterator<Item = (usize, Print)> {
        self.prints.iter().enumerate().filter_map(|(number, print)| Some((number, (*print)?)))
    }
}

/// What is wrong with a row's identifiers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It gives a system id that is not stored.
    UnknownKey,
    /// Several stored records (slots) fit this identifier.
    Ambiguous(usize, Vec<u32>),
    /// This identifier speaks of another record than the one matched: slots, the matched one first.
    Conflict(usize, Vec<u32>),
}

/// Which record a row means.
#[derive(Default)]
pub struct Match {
    /// The stored record; none is a new one.
    pub found: Option<Found>,
    /// By which identifier: [`BY_KEY`] or its number among the keys + 1.
    pub by: u8,
    /// Whether that was a weak one.
    pub weak: bool,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// Unique values that another stored record has: key and slot. Fine if that one gives the value up in this file.
    pub contested: Vec<(usize, u32)>,
    /// Bits of the keys whose stored value the row gives up.
    pub gives_up: u32,
}

/// Finds the record that `row` means.
pub fn find(identity: &Identity, directory: &Directory, index: &Index, row: &Row) -> Result<Match, Damaged> {
    let mut found = Match::default();
    let slot = match row.key {
        Key::None => by_identifier(identity, directory, row, &mut found),
        key => {
            if let Key::Hash(key) = key {
                found.found = index.find(key)?;
            }
            if found.found.is_none() && identity.made {
                found.findings.push(Finding::UnknownKey);
                return Ok(found);
            }
            found.found.map(|found| found.slot)
        }
    };
    if !found.findings.is_empty() {
        return Ok(found);
    }
    if let (Some(slot), None) = (slot, found.found) {
        found.found = Some(Found { slot, hot: index.hot(slot)? });
    }
    compare(identity, directory, row, slot, &mut found);
    Ok(found)
}

/// The first identifier that is stored decides; names come last and only where no id contradicts.
fn by_identifier(identity: &Identity, directory: &Directory, row: &Row, found: &mut Match) -> Option<u32> {
    let given = |weak: bool| {
        let keys = identity.keys.iter().enumerate().filter(move |(_, key)| key.identifies && key.weak == weak);
        keys.filter_map(|(number, _)| row.prints[number].map(|print| (number, print)))
    };
    for (number, print) in given(false) {
        match directory.find(number, print) {
            [] => {}
            [one] => {
                found.by = number as u8 + 1;
                return Some(one.who);
            }
            several => {
                let slots = several.iter().take(SHOWN).map(|entry| entry.who).collect();
                found.findings.push(Finding::Ambiguous(number, slots));
                return None;
            }
        }
    }
    // No id that the row gives is stored: a record that has another one is another record.
    let contradicts = |slot: u32| given(false).any(|(number, _)| directory.is_filled(number, slot));
    for (number, print) in given(true) {
        let holders = directory.find(number, print).iter().map(|entry| entry.who);
        let candidates: Vec<u32> = holders.filter(|slot| !contradicts(*slot)).take(SHOWN).collect();
        match candidates[..] {
            [] => {}
            [slot] => {
                (found.by, found.weak) = (number as u8 + 1, true);
                return Some(slot);
            }
            _ => {
                found.findings.push(Finding::Ambiguous(number, candidates));
                return None;
            }
        }
    }
    None
}

/// What else the row says of itself, against the record that it means.
fn compare(identity: &Identity, directory: &Directory, row: &Row, own: Option<u32>, found: &mut Match) {
    for (number, key) in identity.keys.iter().enumerate() {
        let filled = own.is_some_and(|own| directory.is_filled(number, own));
        let Some(print) = row.prints[number] else {
            if filled && row.emptied & (1 << number) != 0 {
                found.gives_up |= 1 << number;
            }
            continue;
        };
        let holders = directory.find(number, print);
        if own.is_some_and(|own| holders.iter().any(|entry| entry.who == own)) {
            continue;
        }
        // Ids are corrected by whoever knows the key; any other id of the row must say the same. A path is a place.
        let is_id = key.identifies && key.form == Form::Exact;
        let strict = is_id && (found.by != BY_KEY || row.names_only);
        if filled && row.names_only && !strict {
            continue;
        }
        if filled {
            found.gives_up |= 1 << number;
        }
        let other = holders.first().map(|entry| entry.who).filter(|_| key.unique);
        match (own, other) {
            (Some(own), other) if strict && (filled || other.is_some()) => {
                found.findings.push(Finding::Conflict(number, std::iter::once(own).chain(other).collect()));
            }
            (_, Some(other)) => found.contested.push((number, other)),
            _ => {}
        }
    }
}
