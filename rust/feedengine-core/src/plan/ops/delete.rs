//! Records to purge, by id alone.

use super::{Missing, Operation, Rows};

/// What goes is purged with its learnings; an owner takes its variations along.
pub const DELETE: Operation = Operation {
    name: "delete",
    rows: Rows::Remove,
    missing: Missing::Warn,
    removes_absent: false,
    purges: true,
    fills: false,
    joins: false,
};
