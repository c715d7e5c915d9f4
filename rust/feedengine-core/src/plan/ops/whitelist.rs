//! Records to keep, by id alone; the rest is purged.

use super::{Missing, Operation, Rows};

/// Keeps what is listed unchanged, creates nothing.
pub const WHITELIST: Operation = Operation {
    name: "whitelist",
    rows: Rows::Keep,
    missing: Missing::Warn,
    removes_absent: true,
    purges: true,
    fills: false,
    joins: false,
};
