//! The sheets that are not read although nobody chose among them: those that hold records are told of.

use std::io::Read;

use super::xml::Xml;
use super::{Sheet, Tally, Zip};
use crate::fault::{Code, Fault};
use crate::read::{ReadOptions, header};
use crate::record::entity::EntitySpec;
use crate::record::rule::Rule;

/// How much of another sheet is looked at, and of how many: enough for its header and a row.
const LOOKED: u64 = 1 << 20;
const MOST: usize = 64;
/// Names that are told one by one.
const NAMED: usize = 5;

impl Sheet {
    /// Looks for records in the other sheets in sight; nothing is read of them but their beginning, and a damaged one
    /// is none of our business.
    pub(super) fn look_around(&mut self, zip: &Zip, options: &ReadOptions) {
        for (name, part) in self.book.others.clone().into_iter().take(MOST) {
            let Ok(part) = zip.read(&part) else { continue };
            let own = std::mem::replace(&mut self.xml, Xml::new(part.take(LOOKED), self.most));
            if self.holds_records(options) {
                self.unread.push(name);
            }
            (self.xml, self.inside, self.row, self.column) = (own, false, 0, 0);
            (self.formulas, self.numbers) = (Tally::default(), Tally::default());
        }
    }

    /// Whether a row follows the names of a table.
    fn holds_records(&mut self, options: &ReadOptions) -> bool {
        let mut is_table = false;
        while let Ok(true) = self.read_row() {
            if self.cells.is_empty() || self.row < self.header_row {
                continue;
            }
            if is_table {
                return true;
            }
            let names: Vec<_> = self.cells.iter().map(|cell| &self.text[cell.text.clone()]).collect();
            if !names_records(&names, &options.entities) {
                return false;
            }
            is_table = true;
        }
        false
    }

    /// What was not read, if anything.
    pub(super) fn told_of_others(&self) -> Option<Fault> {
        let named: Vec<_> = self.unread.iter().take(NAMED).map(|name| format!("{name:?}")).collect();
        let rest = self.unread.len() - named.len();
        let names = match rest {
            0 => named.join(", "),
            _ => format!("{} and {rest} more", named.join(", ")),
        };
        let holds = if self.unread.len() == 1 { "holds" } else { "hold" };
        let message = format!("only the sheet {:?} is read; {names} {holds} rows, too", self.book.name);
        (!named.is_empty()).then(|| Fault::new(Code::UnreadSheet, message).value(&self.unread.join(", ")))
    }
}

/// Whether these are columns of records: one of them is a key, or there are several and not all of them have words that
/// a template lists on a sheet of its own. Lines of notes are none.
fn names_records(names: &[&str], entities: &[EntitySpec]) -> bool {
    let is_closed = |name: &str| {
        let mut fields = entities.iter().flat_map(|spec| spec.fields.iter().map(move |field| (spec, field)));
        fields.any(|(spec, field)| {
            header::is_named(spec, field, name)
                && field.checks.iter().any(|check| matches!(check.rule, Rule::OneOf { .. }))
        })
    };
    names.iter().any(|name| entities.iter().any(|spec| header::is_key(spec, name)))
        || (names.len() > 1 && !names.iter().all(|name| is_closed(name)))
}
