//! Fields of existing records; unknown ones are created.

use super::{Missing, Operation, Rows};

/// A created record needs the fields that a full feed needs.
pub const PATCHDELTACREATE: Operation = Operation {
    name: "patchdeltacreate",
    rows: Rows::Merge,
    missing: Missing::Insert,
    removes_absent: false,
    purges: false,
    fills: false,
    joins: false,
};
