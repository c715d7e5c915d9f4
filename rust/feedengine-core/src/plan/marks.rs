//! Which stored records a feed has named, and in which record last: one counter a slot, shared by all threads.

use crate::index::prefetch;
use crate::pages;
use std::sync::atomic::{AtomicU32, Ordering};

/// For every slot of an index the ordinal + 1 of the last record that named it; 0 = none did.
pub struct Marks(Box<[AtomicU32]>);

impl Marks {
    /// Marks for `slots` slots. Memory is only used for slots that are marked.
    pub fn new(slots: usize) -> Self {
        // SAFETY: an AtomicU32 of all zero bytes is the number 0. Zeroed memory is mapped when touched, so a patch of
        // ten rows does not pay for ten million slots.
        Marks(unsafe { Box::<[AtomicU32]>::new_zeroed_slice(slots).assume_init() })
    }

    /// Prepares for a feed that names most slots.
    pub fn expect_many(&self) {
        pages::prefer_large(&self.0);
    }

    /// Notes that the record with `ordinal` names `slot`; the later record wins, whatever thread is first. Returns
    /// the other record's ordinal if there was one.
    #[inline]
    pub fn mark(&self, slot: u32, ordinal: u32) -> Option<u32> {
        self.0[slot as usize].fetch_max(ordinal + 1, Ordering::Relaxed).checked_sub(1)
    }

    /// Prepares for [`Marks::mark`] of `slot`.
    #[inline]
    pub fn prefetch(&self, slot: u32) {
        prefetch(&self.0[slot as usize]);
    }

    /// The last record that named `slot`.
    #[inline]
    pub fn last(&self, slot: u32) -> Option<u32> {
        self.0[slot as usize].load(Ordering::Relaxed).checked_sub(1)
    }
}
