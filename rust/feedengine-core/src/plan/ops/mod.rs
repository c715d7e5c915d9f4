//! The operations: one file each, one entry in [`ALL`].

mod delete;
mod delta;
mod patchdelta;
mod patchdeltacreate;
mod patchdeltaignore;
mod sync;
mod whitelist;

/// How a row of the feed changes the record that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// The row is the whole record: a field that it does not give is gone.
    Replace,
    /// The row's cells are merged into the record.
    Merge,
    /// The row only names the record, which stays.
    Keep,
    /// The row only names the record, which goes.
    Remove,
}

/// What becomes of a row whose record is not in the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The record is added.
    Insert,
    /// The whole upload fails.
    Fail,
    /// The row is counted as ignored.
    Ignore,
    /// As `Ignore`, with a warning.
    Warn,
}

/// An operation's row of the truth tables 2a and 2b.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Name in file names.
    pub name: &'static str,
    /// What a row does.
    pub rows: Rows,
    /// What a row without a record does.
    pub missing: Missing,
    /// Whether records without a row go (of entities that the upload holds).
    pub removes_absent: bool,
    /// Whether what goes is purged with its learnings, not kept as a tombstone.
    pub purges: bool,
}

/// Every operation.
pub const ALL: [&Operation; 7] = [
    &sync::SYNC,
    &delta::DELTA,
    &patchdelta::PATCHDELTA,
    &patchdeltacreate::PATCHDELTACREATE,
    &patchdeltaignore::PATCHDELTAIGNORE,
    &delete::DELETE,
    &whitelist::WHITELIST,
];

impl Operation {
    /// The operation called `name`.
    pub fn find(name: &str) -> Option<&'static Operation> {
        ALL.into_iter().find(|operation| operation.name == name)
    }

    /// Whether rows may hold nothing but the key.
    pub fn keys_only(&self) -> bool {
        matches!(self.rows, Rows::Keep | Rows::Remove)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found() {
        for operation in ALL {
            assert_eq!(Operation::find(operation.name), Some(operation));
        }
        assert_eq!(Operation::find("SYNC"), None);
    }
}
