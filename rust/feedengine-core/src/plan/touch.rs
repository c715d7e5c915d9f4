//! A record that the feed may change: what planning keeps of it.

use bytemuck::{Pod, Zeroable};

use crate::index::Found;

/// Slot of a record that the catalog does not hold.
pub const NEW: u32 = u32::MAX;

/// What the feed does to a record. A plain number, so that touches can be spilled as they are.
pub mod kind {
    /// It is added.
    pub const ADDED: u32 = 0;
    /// It is replaced by other content.
    pub const CHANGED: u32 = 1;
    /// Same content in other bytes: only the index's raw hash changes.
    pub const SAME: u32 = 2;
    /// Cells to merge; whether that changes anything shows when the old cells are known.
    pub const PATCH: u32 = 3;
    /// It is listed for removal.
    pub const LISTED: u32 = 4;
}

/// 96 bytes a touched record.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct Touch {
    /// Hash of the key.
    pub key: u128,
    /// Canonical digest of the record as it will be.
    pub digest: u128,
    /// Hash of its owner's key; 0 = none.
    pub owner: u128,
    /// Hash of its bytes in this feed; 0 = unknown.
    pub raw: u64,
    /// Where its cells are spooled, or [`super::spool::NOWHERE`].
    pub place: u64,
    /// The stored row of the record as it was; 0 for added ones.
    pub old_row: u64,
    /// Its slot in the index, or [`NEW`].
    pub slot: u32,
    /// Its record in the feed, from 0.
    pub ordinal: u32,
    /// Size of its data in bytes.
    pub size: u32,
    /// One of [`kind`].
    pub kind: u32,
    /// 1 if it counts as active.
    pub active: u32,
    /// Keeps the size a multiple of 16.
    pub reserved: u32,
}

impl Touch {
    /// A touch of the stored record `found`, whose cells, if there are any, lie at `place`. What the record will be is
    /// not known yet.
    pub fn stored(key: u128, found: Found, ordinal: u32, kind: u32, place: u64) -> Self {
        Touch { key, place, old_row: found.hot.row(), slot: found.slot, ordinal, kind, ..Touch::zeroed() }
    }
}
