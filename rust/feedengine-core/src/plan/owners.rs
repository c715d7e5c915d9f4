//! Every variation has an item: checks owners of what comes, and finds what goes with an owner that goes.

use std::path::Path;

use bytemuck::{Pod, Zeroable};

use super::Planner;
use super::entity::EntityPlan;
use super::ops::Rows;
use super::stop::Stop;
use super::touch::{Touch, kind};
use crate::bags::{PARTS, Partitioned, part_of};

/// An owner that must be among the added records of its entity.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Wanted {
    owner: u128,
    ordinal: u32,
    reserved: [u32; 3],
}

impl Planner {
    /// Whether the stored record in `slot` of the entity `number` goes with this upload, if nothing is held back.
    pub(super) fn goes(&self, number: usize, slot: u32) -> bool {
        let (entity, read) = (&self.entities[number], &self.read[number]);
        if !read.uploaded || read.protected.contains(&slot) {
            return false;
        }
        match self.operation.rows {
            Rows::Remove => entity.marks.last(slot).is_some(),
            _ if self.operation.joins => self.settling[number].listed.contains(&slot),
            _ => self.operation.removes_absent && entity.marks.last(slot).is_none(),
        }
    }
}

/// The ordinals of touched records of `owned` whose owner is not in `owner` after the upload.
pub fn orphans(
    owned: &EntityPlan,
    owner: &EntityPlan,
    owner_goes: impl Fn(u32) -> bool,
    memory: usize,
    folder: &Path,
) -> Result<Vec<u32>, Stop> {
    let wanted = Partitioned::<Wanted>::new(memory, folder.to_owned());
    for part in 0..PARTS {
        let mut asked: Vec<Vec<Wanted>> = vec![Vec::new(); PARTS];
        for touch in owned.settled.load(part)? {
            if !matches!(touch.kind, kind::ADDED | kind::CHANGED) {
                continue;
            }
            let stored = owner.index.find(touch.owner)?;
            if stored.is_none_or(|found| owner_goes(found.slot)) {
                let want = Wanted { owner: touch.owner, ordinal: touch.ordinal, reserved: [0; 3] };
                asked[part_of(touch.owner)].push(want);
            }
        }
        for (number, mut asked) in asked.into_iter().enumerate().filter(|(_, asked)| !asked.is_empty()) {
            wanted.append(number, &mut asked)?;
        }
    }
    let mut orphans = Vec::new();
    for part in 0..PARTS {
        let wanted = wanted.take(part)?;
        if wanted.is_empty() {
            continue;
        }
        let is_added = |touch: &Touch| touch.kind == kind::ADDED;
        let mut added: Vec<u128> =
            owner.settled.load(part)?.iter().filter(|touch| is_added(touch)).map(|touch| touch.key).collect();
        added.sort_unstable();
        let missing = wanted.iter().filter(|want| added.binary_search(&want.owner).is_err());
        orphans.extend(missing.map(|want| want.ordinal));
    }
    orphans.sort_unstable();
    Ok(orphans)
}
