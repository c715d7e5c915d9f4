//! What the task comes to for one entity: the counts that must balance, the rows that close, the records to write.

use std::collections::HashSet;

use super::entity::EntityPlan;
use super::stop::Stop;
use super::touch::{Touch, kind};
use super::walk::{walk_all, walk_leaving, walk_touched};
use crate::change::rank::RankBitmap;
use crate::index::Live;
use crate::record::digest::Hasher;

/// Why a stored row is closed. The numbers are part of the store's format.
pub mod reason {
    /// Replaced by a new version.
    pub const REPLACED: i32 = 0;
    /// Removed; a tombstone stays.
    pub const REMOVED: i32 = 1;
    /// Purged with its learnings.
    pub const PURGED: i32 = 2;
    /// Removed with its owner.
    pub const CASCADED: i32 = 3;
    /// Purged with its owner.
    pub const CASCADED_PURGE: i32 = 4;
}

/// What becomes of a stored record that the feed does not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Stays.
    Stays,
    /// Goes, for one of [`reason`].
    Goes(i32),
}

/// Counts and consequences for one entity.
#[derive(Default)]
pub struct Outcome {
    /// Records added, changed, removed (cascaded ones included).
    pub added: u64,
    /// See `added`.
    pub changed: u64,
    /// See `added`.
    pub removed: u64,
    /// Removed ones that went with their owner.
    pub cascaded: u64,
    /// Removed ones that the feed lists.
    pub listed: u64,
    /// Changed ones that are no longer active.
    pub deactivated: u64,
    /// Active before, gone or inactive after.
    pub lost: u64,
    /// Gone after, active or not.
    pub gone: u64,
    /// Active records after.
    pub active: i64,
    /// Change of the sum of data sizes.
    pub data_bytes: i64,
    /// Digest after.
    pub digest: u128,
    /// Stored rows to close, with the reason.
    pub closed: Vec<(u64, i32)>,
    /// A bit for every slot whose record goes; empty if none does.
    pub gone_slots: Vec<u64>,
    /// Ordinals of the records to write.
    pub written: RankBitmap,
    /// Place in the spool of written records that were kept: ordinal, place, stored row.
    pub kept: Vec<(u32, u64, u64)>,
    /// Whether some written records were not kept and are to be read again.
    pub reread: bool,
    /// Keys that go, for the entities that they own.
    pub removed_keys: HashSet<u128>,
    /// Ordinals + 1 in the previous full feed of the records that go.
    pub removed_ordinals: Vec<u32>,
}

/// Ordinals of removed records that are kept to recognise a cut feed.
const ORDINALS: usize = 4_000_000;

/// Which stored records the outcome is about.
pub enum Reach<'a> {
    /// Those that the feed touches.
    Touched,
    /// Those as well that go though the feed does not touch them, as this says of a slot; all others stay.
    Leaving(&'a dyn Fn(u32) -> bool),
    /// All: whether one stays takes more than its slot.
    All,
}

/// Works out the outcome. `fate` judges stored records that the feed does not change (`None` for the touch, or one of
/// the same content); `dropped` are ordinals whose row is ignored after all.
pub fn outcome(
    entity: &EntityPlan,
    hasher: &Hasher,
    reach: Reach<'_>,
    owns: bool,
    dropped: &HashSet<u32>,
    mut fate: impl FnMut(Live, Option<&Touch>) -> Result<Fate, Stop>,
) -> Result<Outcome, Stop> {
    let mut sum = Outcome { digest: entity.base_digest(), active: entity.base.active as i64, ..Outcome::default() };
    let mut ordinals = Vec::new();
    let full = !matches!(reach, Reach::Touched);
    let visit = |stored: Option<Live>, touch: Option<&Touch>| -> Result<(), Stop> {
        let dropped_touch = touch.is_some_and(|touch| dropped.contains(&touch.ordinal));
        let touch = touch.filter(|_| !dropped_touch);
        match (stored, touch) {
            (None, None) => {}
            (None, Some(touch)) => {
                sum.added += 1;
                sum.enter(hasher, touch, &mut ordinals);
            }
            (Some(stored), Some(touch)) if touch.kind == kind::CHANGED => {
                let cold = entity.index.cold(stored.slot)?;
                sum.changed += 1;
                sum.digest = sum.digest.wrapping_sub(hasher.share(cold.digest()));
                sum.data_bytes -= i64::from(cold.size);
                sum.active -= i64::from(stored.hot.is_active());
                if stored.hot.is_active() && touch.active == 0 {
                    sum.deactivated += 1;
                }
                sum.closed.push((stored.hot.row(), reason::REPLACED));
                sum.enter(hasher, touch, &mut ordinals);
            }
            (Some(stored), touch) => {
                let fate = fate(stored, touch)?;
                if let Fate::Goes(why) = fate {
                    let cold = entity.index.cold(stored.slot)?;
                    // Only what is absent from a full feed can tell that it was cut.
                    if full && cold.ordinal > 0 && sum.removed_ordinals.len() < ORDINALS {
                        sum.removed_ordinals.push(cold.ordinal);
                    }
                    sum.removed += 1;
                    sum.gone_slots.resize(entity.index.slots() / 64 + 1, 0);
                    sum.gone_slots[stored.slot as usize / 64] |= 1 << (stored.slot % 64);
                    sum.gone += 1;
                    sum.cascaded += u64::from(why >= reason::CASCADED);
                    sum.listed += u64::from(touch.is_some_and(|touch| touch.kind == kind::LISTED));
                    sum.lost += u64::from(stored.hot.is_active());
                    sum.digest = sum.digest.wrapping_sub(hasher.share(cold.digest()));
                    sum.data_bytes -= i64::from(cold.size);
                    sum.active -= i64::from(stored.hot.is_active());
                    sum.closed.push((stored.hot.row(), why));
                    if owns {
                        sum.removed_keys.insert(stored.hot.key);
                    }
                }
            }
        }
        Ok(())
    };
    match reach {
        Reach::Touched => walk_touched(entity, visit)?,
        Reach::Leaving(leaves) => walk_leaving(entity, leaves, visit)?,
        Reach::All => walk_all(entity, visit)?,
    }
    sum.kept.sort_unstable_by_key(|kept| kept.0);
    sum.closed.sort_unstable();
    sum.written = RankBitmap::new(&mut ordinals);
    Ok(sum)
}

impl Outcome {
    /// Whether the record in `slot` goes.
    pub fn goes(&self, slot: u32) -> bool {
        self.gone_slots.get(slot as usize / 64).is_some_and(|word| word & (1 << (slot % 64)) != 0)
    }

    /// Counts a record as it will be and notes where its cells are.
    fn enter(&mut self, hasher: &Hasher, touch: &Touch, ordinals: &mut Vec<u32>) {
        self.digest = self.digest.wrapping_add(hasher.share(touch.digest));
        self.data_bytes += i64::from(touch.size);
        self.active += i64::from(touch.active);
        ordinals.push(touch.ordinal);
        if touch.place == super::spool::NOWHERE {
            self.reread = true;
        } else {
            self.kept.push((touch.ordinal, touch.place, touch.old_row));
        }
    }
}
