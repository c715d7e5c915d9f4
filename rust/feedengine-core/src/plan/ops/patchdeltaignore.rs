//! Fields of existing records; rows of unknown ones are counted and left.

use super::{Missing, Operation, Rows};

/// The older documentation words it backwards; the release note of 2023 settles that unknown rows are ignored.
pub const PATCHDELTAIGNORE: Operation = Operation {
    name: "patchdeltaignore",
    rows: Rows::Merge,
    missing: Missing::Ignore,
    removes_absent: false,
    purges: false,
    fills: false,
    joins: false,
};
