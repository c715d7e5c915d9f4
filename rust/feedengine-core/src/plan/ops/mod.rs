//! The operations: one file each, one entry in [`ALL`].

mod delete;
mod delta;
mod merge;
mod patchdelta;
mod patchdeltacreate;
mod patchdeltaignore;
mod sync;
mod whitelist;

use crate::record::rule::Mode;

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
    /// The row is rejected.
    Reject,
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
    /// Whether rows leave values alone that stored records have.
    pub fills: bool,
    /// Whether its rows stand or fall together, and one that says nothing but the key names a record that goes.
    pub joins: bool,
}

/// Every operation.
pub const ALL: [&Operation; 8] = [
    &sync::SYNC,
    &delta::DELTA,
    &patchdelta::PATCHDELTA,
    &patchdeltacreate::PATCHDELTACREATE,
    &patchdeltaignore::PATCHDELTAIGNORE,
    &delete::DELETE,
    &whitelist::WHITELIST,
    &merge::MERGE,
];

impl Operation {
    /// The operation called `name`.
    pub fn find(name: &str) -> Option<&'static Operation> {
        ALL.into_iter().find(|operation| operation.name == name)
    }

    /// What is left of the operation for an entity of that mode. To fill is to merge: a field that a whole record does
    /// not give is one that it leaves alone. Which records go stays the operation's own business.
    #[must_use]
    pub fn under(self, mode: Mode) -> Operation {
        match (mode, self.rows, self.missing) {
            // It says nothing new of records: it says of them who they are.
            _ if self.joins => self,
            (Mode::EnrichOnly, _, Missing::Insert) => Operation { missing: Missing::Reject, ..self },
            (Mode::FillEmptyOnly, Rows::Replace | Rows::Merge, _) => {
                Operation { rows: Rows::Merge, fills: true, ..self }
            }
            _ => self,
        }
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
    fn modes_take_from_operations_what_they_say() {
        use Missing::{Fail, Ignore, Insert, Reject, Warn};
        use Rows::{Keep, Merge, Remove, Replace};
        // operation; rows and missing as they are, under enrich-only, under fill-empty-only
        for (name, plain, enrich, fill) in [
            ("sync", (Replace, Insert), (Replace, Reject), (Merge, Insert)),
            ("delta", (Replace, Insert), (Replace, Reject), (Merge, Insert)),
            ("patchdelta", (Merge, Fail), (Merge, Fail), (Merge, Fail)),
            ("patchdeltacreate", (Merge, Insert), (Merge, Reject), (Merge, Insert)),
            ("patchdeltaignore", (Merge, Ignore), (Merge, Ignore), (Merge, Ignore)),
            ("delete", (Remove, Warn), (Remove, Warn), (Remove, Warn)),
            ("whitelist", (Keep, Warn), (Keep, Warn), (Keep, Warn)),
            ("merge", (Merge, Fail), (Merge, Fail), (Merge, Fail)),
        ] {
            let own = *Operation::find(name).expect(name);
            for (mode, (rows, missing)) in
                [(Mode::CreateAndEnrich, plain), (Mode::EnrichOnly, enrich), (Mode::FillEmptyOnly, fill)]
            {
                let fills = mode == Mode::FillEmptyOnly && rows == Merge && !own.joins;
                assert_eq!(own.under(mode), Operation { rows, missing, fills, ..own }, "{name} {mode:?}");
            }
        }
    }

    #[test]
    fn names_are_unique_and_found() {
        for operation in ALL {
            assert_eq!(Operation::find(operation.name), Some(operation));
        }
        assert_eq!(Operation::find("SYNC"), None);
    }
}
