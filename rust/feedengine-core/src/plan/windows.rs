//! Windows of records of one group: which of them overlap. A row that falls gives its record's stored window back, so that
//! others may fall in the next round; what fell never rises again.

use std::collections::{BTreeMap, HashSet};

use bytemuck::{Pod, Zeroable};

use super::stop::Stop;
use super::touch::NEW;
use crate::bags::{PARTS, Partitioned, part_of};
use crate::check::window_end;
use crate::identify::given;
use crate::record::digest::Hasher;
use crate::record::rule::Window as Declared;
use crate::record::{FieldId, FieldTable, Record};

/// In place of an ordinal: the window is a stored one.
pub const STORED: u32 = u32::MAX;

/// The window of a row, or of a stored record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Pod, Zeroable)]
#[repr(C)]
pub struct Window {
    /// Hash of the group.
    pub group: u128,
    /// First value.
    pub from: i128,
    /// Last value.
    pub to: i128,
    /// The row, or [`STORED`].
    pub ordinal: u32,
    /// Slot of the record, or `NEW`.
    pub slot: u32,
    /// Keeps the size a multiple of 16.
    pub reserved: [u32; 2],
}

/// How the windows of one rule are told.
pub struct Told {
    group: Vec<FieldId>,
    from: FieldId,
    to: FieldId,
    end_excluded: bool,
}

impl Told {
    /// The way of `rule`; `None` where it names no fields of the table.
    pub fn new(rule: &Declared, table: &FieldTable) -> Option<Told> {
        let group = rule.group.iter().map(|name| table.find(name)).collect::<Option<_>>()?;
        let (from, to) = (table.find(&rule.from)?, table.find(&rule.to)?);
        Some(Told { group, from, to, end_excluded: rule.end_excluded })
    }

    /// The window of `record`; `None` if it ends before it begins or an end cannot be read.
    pub fn window(&self, record: &Record, hasher: &Hasher, (ordinal, slot): (u32, u32)) -> Option<Window> {
        let mut group = Vec::new();
        for field in &self.group {
            let value = given(record, *field).unwrap_or_default();
            group.extend_from_slice(&(value.len() as u64).to_le_bytes());
            group.extend_from_slice(value.as_bytes());
        }
        let end = |field, open: i128| given(record, field).map_or(Some(open), |text| window_end(text.trim()));
        let from = end(self.from, i128::MIN)?;
        let mut to = end(self.to, i128::MAX)?;
        to -= i128::from(self.end_excluded && to != i128::MAX);
        (from <= to).then_some(Window { group: hasher.key(&group), from, to, ordinal, slot, reserved: [0; 2] })
    }
}

/// Puts `window` where it belongs.
pub fn keep(bag: &Partitioned<Window>, window: Window) -> Result<(), Stop> {
    Ok(bag.append(part_of(window.group), &mut vec![window])?)
}

/// Rows among the windows of `bag` for which `counts` that overlap with others: with which row, or [`STORED`].
pub fn overlaps(bag: &Partitioned<Window>, counts: impl Fn(&Window) -> bool) -> Result<BTreeMap<u32, u32>, Stop> {
    let mut found = BTreeMap::new();
    for part in 0..PARTS {
        let mut all = bag.load(part)?;
        all.retain(&counts);
        all.sort_unstable();
        for group in all.chunk_by(|a, b| a.group == b.group) {
            let mut longest: Option<&Window> = None;
            for (at, window) in group.iter().enumerate() {
                let before = longest.filter(|before| window.from <= before.to);
                let behind = group.get(at + 1).filter(|behind| behind.from <= window.to);
                if let (Some(other), false) = (before.or(behind), window.ordinal == STORED) {
                    found.insert(window.ordinal, other.ordinal);
                }
                if longest.is_none_or(|longest| longest.to < window.to) {
                    longest = Some(window);
                }
            }
        }
    }
    Ok(found)
}

/// Rows that fall, round by round. `fallen` are rows that fell already and slots of their records; `goes` says whether a
/// stored record goes, `touched` whether a row is about it.
pub fn fall(
    bags: &[&Partitioned<Window>],
    fallen: &mut (HashSet<u32>, HashSet<u32>),
    goes: impl Fn(u32) -> bool,
    touched: impl Fn(u32) -> bool,
) -> Result<Vec<BTreeMap<u32, u32>>, Stop> {
    let mut all: Vec<BTreeMap<u32, u32>> = vec![BTreeMap::new(); bags.len()];
    let mut slots: BTreeMap<u32, u32> = BTreeMap::new();
    loop {
        let counts = |window: &Window| is_there(window, fallen, &goes, &touched);
        let round = bags.iter().map(|bag| overlaps(bag, counts)).collect::<Result<Vec<_>, _>>()?;
        if round.iter().all(BTreeMap::is_empty) {
            return Ok(all);
        }
        for bag in bags {
            for part in 0..PARTS {
                let known = |window: &&Window| round.iter().any(|found| found.contains_key(&window.ordinal));
                slots.extend(bag.load(part)?.iter().filter(known).map(|window| (window.ordinal, window.slot)));
            }
        }
        for (found, all) in round.into_iter().zip(&mut all) {
            fallen.0.extend(found.keys());
            fallen.1.extend(found.keys().filter_map(|row| slots.get(row)).filter(|slot| **slot != NEW));
            all.extend(found);
        }
    }
}

/// Whether a window is one after the task, as far as is known.
pub fn is_there(
    window: &Window,
    fallen: &(HashSet<u32>, HashSet<u32>),
    goes: impl Fn(u32) -> bool,
    touched: impl Fn(u32) -> bool,
) -> bool {
    if window.ordinal == STORED {
        !goes(window.slot) && (!touched(window.slot) || fallen.1.contains(&window.slot))
    } else {
        !fallen.0.contains(&window.ordinal)
    }
}
