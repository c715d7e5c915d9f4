//! Fields of existing records; one unknown record fails the upload.

use super::{Missing, Operation, Rows};

/// A blank cell leaves the field alone: a CSV patch can never clear a field.
pub const PATCHDELTA: Operation = Operation {
    name: "patchdelta",
    rows: Rows::Merge,
    missing: Missing::Fail,
    removes_absent: false,
    purges: false,
    fills: false,
    joins: false,
};
