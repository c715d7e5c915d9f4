//! What the rows of a feed claim: records, values that are unique, records that must be there. Each thread gathers its
//! rows' claims; `verdicts` judges them together.

use crate::bags::PARTS;
use crate::fault::Position;
use crate::identify::{Entry, Print};

/// A row that its own content does not keep from being applied, or (`bad`) one that only shares its values.
#[derive(Clone, Copy, Debug)]
pub struct Claimant {
    /// The row.
    pub ordinal: u32,
    /// The stored record that it means, or `NEW`.
    pub slot: u32,
    /// Bits of the keys whose stored value it gives up.
    pub gives_up: u32,
    /// By which identifier it was matched.
    pub by: u8,
    /// It cannot be applied.
    pub bad: bool,
    /// It gives no id, only a name.
    pub name_only: bool,
}

/// A unique value that another stored record has.
#[derive(Clone, Copy, Debug)]
pub struct Contested {
    /// The row.
    pub ordinal: u32,
    /// Which of the keys.
    pub key: u32,
    /// Slot of the record.
    pub holder: u32,
}

/// Whose value is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// The entity's number.
    pub entity: usize,
    /// Which of its keys; one more than there are stands for its own key.
    pub key: usize,
}

/// A record that must come with the file, since it is not stored.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The row.
    pub ordinal: u32,
    /// Number of the reference; none is the row's own path.
    pub link: Option<usize>,
    /// Where it would be.
    pub target: Target,
    /// Its value there.
    pub print: Print,
    /// The value as text; of paths none.
    pub text: Box<str>,
    /// The field that names it.
    pub column: String,
    /// Where the row stands and how its sender knows it, where that had to be found out already.
    pub place: Option<Box<(Position, Option<String>)>>,
}

/// One thread's claims of one entity.
#[derive(Default)]
pub struct Claims {
    /// Rows.
    pub rows: Vec<Claimant>,
    /// Values by key and part.
    pub values: Vec<Vec<Vec<Entry>>>,
    /// See [`Contested`].
    pub contested: Vec<Contested>,
    /// See [`Wanted`].
    pub wanted: Vec<Wanted>,
    /// Rows by the identifier that matched them, where that is final at once.
    pub matched_by: Vec<u64>,
}

impl Claims {
    /// Notes that the row `ordinal` has `print` in `key`.
    pub fn value(&mut self, key: usize, print: Print, ordinal: u32) {
        if self.values.len() <= key {
            self.values.resize_with(key + 1, || vec![Vec::new(); PARTS]);
        }
        self.values[key][print.part()].push(Entry::new(print, ordinal));
    }

    /// Joins another thread's claims to these. Values are in the entity's bags by then.
    pub fn take(&mut self, mut other: Claims) {
        self.rows.append(&mut other.rows);
        self.contested.append(&mut other.contested);
        self.wanted.append(&mut other.wanted);
        self.matched_by.resize(self.matched_by.len().max(other.matched_by.len()), 0);
        self.matched_by.iter_mut().zip(other.matched_by).for_each(|(all, more)| *all += more);
    }

    /// Counts a row matched by the identifier `by`.
    pub fn count(&mut self, by: u8) {
        let by = usize::from(by);
        if self.matched_by.len() <= by {
            self.matched_by.resize(by + 1, 0);
        }
        self.matched_by[by] += 1;
    }
}
