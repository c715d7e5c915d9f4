//! The full feed: what is not in it goes.

use super::{Missing, Operation, Rows};

/// Replaces whole records, inserts new ones, removes the rest as tombstones that can be restored.
pub const SYNC: Operation = Operation {
    name: "sync",
    rows: Rows::Replace,
    missing: Missing::Insert,
    removes_absent: true,
    purges: false,
    fills: false,
    joins: false,
};
