//! Whole records, added or replaced; nothing goes.

use super::{Missing, Operation, Rows};

/// A field that the row does not give is gone: senders who mean a patch are warned (DELTA_NARROW).
pub const DELTA: Operation = Operation {
    name: "delta",
    rows: Rows::Replace,
    missing: Missing::Insert,
    removes_absent: false,
    purges: false,
    fills: false,
    joins: false,
};
