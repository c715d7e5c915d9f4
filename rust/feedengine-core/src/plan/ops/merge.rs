//! Two records become one: what names the one that goes names the other, in one plan. The engine's own feeds, no sender's.

use super::{Missing, Operation, Rows};

/// Its rows belong together: were some applied without the others, records would name what is gone.
pub const MERGE: Operation = Operation {
    name: "merge",
    rows: Rows::Merge,
    missing: Missing::Fail,
    removes_absent: false,
    purges: true,
    fills: false,
    joins: true,
};
