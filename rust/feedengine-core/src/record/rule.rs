//! What a profile may demand of a value, a row and a file: plain data, strict JSON. What each means lies in `check` and `identify`.

use serde::{Deserialize, Serialize};

/// What becomes of a row, or its file, that does not meet a demand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// The row is rejected and reported; the others go on.
    #[default]
    Reject,
    /// The whole file fails.
    Fail,
    /// The row is applied, with a warning.
    Warn,
}

/// One step that brings a value into its normal form. A step that cannot read the value leaves it as it is and reports
/// a fault; numbers never lose leading zeros unless a step says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// No white space at the ends.
    Trim,
    /// One blank for each run of white space.
    Squeeze,
    /// Unicode normal form C.
    Nfc,
    /// Upper case.
    Upper,
    /// Lower case.
    Lower,
    /// A decimal number as digits with a point: `1.234,50` becomes `1234.50`. Digits are kept as they were sent. A group
    /// has three digits; a blank group may be a no-break blank.
    Decimal {
        /// What stands before the fraction.
        point: char,
        /// What may stand between groups of digits.
        #[serde(default)]
        group: Option<char>,
    },
    /// Takes a currency sign or code off an amount; another currency than these is a fault.
    Currency {
        /// Signs and codes that are taken off, such as `EUR` and `$`.
        signs: Vec<String>,
    },
    /// Takes a unit off a number and multiplies it into the first one: `[("kg", "1"), ("g", "0.001")]`. A number without a
    /// unit is in the first one. A `Decimal` step behind it says how the number is written.
    Unit {
        /// Units with their factors, as decimal numbers.
        factors: Vec<(String, String)>,
    },
    /// A date in one of these forms (`DD.MM.YYYY`, `YYYYMMDD`; letters D, M, Y and any separators) as `YYYY-MM-DD`.
    Date {
        /// Forms that are tried in order.
        forms: Vec<String>,
    },
    /// true or false from the sender's words, in any case; `true` and `false` are understood too.
    Flag {
        /// Words that mean true.
        yes: Vec<String>,
        /// Words that mean false.
        no: Vec<String>,
    },
    /// The sender's word for each of ours; other words stay as they are.
    Map {
        /// Pairs of theirs and ours.
        words: Vec<(String, String)>,
    },
    /// Items of a list are separated by this instead of `|`. Steps in front of it are taken of the whole text, others (and
    /// all, without it) of each item; blank items are left out.
    Split {
        /// One character, or several.
        separator: String,
    },
    /// Leading zeros are added up to 14 digits (GTIN-14).
    GtinPad,
    /// Tags of HTML are taken out, entities resolved.
    StripHtml,
}

/// One demand on a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// What is demanded.
    pub rule: Rule,
    /// What becomes of a row that does not meet it.
    #[serde(default)]
    pub policy: Policy,
}

/// What a value must be. A blank or absent value meets every rule but `Required`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Rule {
    /// Not blank, in whole records and in patches that mention the field.
    Required,
    /// Characters, at least and at most; of a list, of each item.
    Length {
        /// At least.
        #[serde(default)]
        min: Option<u32>,
        /// At most.
        #[serde(default)]
        max: Option<u32>,
    },
    /// A whole number.
    Integer,
    /// A decimal number with at most this many digits behind the point, written ones: `1.50` has two.
    Decimal {
        /// Digits behind the point.
        #[serde(default)]
        scale: Option<u32>,
    },
    /// A number between two decimal numbers, both allowed themselves; exact, never through binary fractions. What is no
    /// number is `BAD_DECIMAL`, unless a rule of the field for numbers tells it already.
    Range {
        /// Smallest.
        #[serde(default)]
        min: Option<String>,
        /// Largest.
        #[serde(default)]
        max: Option<String>,
    },
    /// true or false.
    Flag,
    /// A real date as `YYYY-MM-DD`.
    Date,
    /// 36 characters, as in RFC 9562.
    Uuid,
    /// An absolute http or https address.
    Url,
    /// GTIN-8, -12, -13 or -14 with a right check digit.
    Gtin,
    /// One of these words; of a list, each item.
    OneOf {
        /// The words.
        words: Vec<String>,
    },
    /// One word of a closed list that several fields may share; of a list, each item.
    Listed {
        /// What the list is called.
        list: String,
        /// Its words.
        words: Vec<String>,
        /// The fault's code: `UNKNOWN_REFERENCE` or a narrower one of its family.
        #[serde(default = "unknown_reference")]
        code: String,
    },
    /// A regular expression that the whole value matches; of a list, each item.
    Pattern {
        /// In the syntax of the regex crate.
        regex: String,
    },
    /// A number not greater than another field's of the same row, where both are given.
    AtMost {
        /// The other field.
        field: String,
    },
    /// A number that is a multiple of another field's of the same row, where both are given.
    MultipleOf {
        /// The other field.
        field: String,
    },
}

/// A field that is required where another has one of some values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// The field that is required.
    pub field: String,
    /// The field that decides.
    pub when: String,
    /// Its values for which `field` is required; empty: any value at all.
    #[serde(default)]
    pub is: Vec<String>,
    /// What becomes of a row that lacks the field.
    #[serde(default)]
    pub policy: Policy,
}

/// Records of one group whose windows may not overlap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Fields that tell groups apart; one without a value is a value of its own.
    pub group: Vec<String>,
    /// The field with the window's first value, a date or a number; without one it is open.
    pub from: String,
    /// The field with its last value; without one it is open.
    pub to: String,
    /// Whether the last value is the first one behind the window instead.
    #[serde(default)]
    pub end_excluded: bool,
    /// What becomes of rows whose windows overlap with others.
    #[serde(default)]
    pub policy: Policy,
}

/// Fields that lead from records to records, and never back to where they began: the file fails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acyclic {
    /// The field that says where a step begins.
    pub from: String,
    /// The field that says where it leads; of a list each item is a step.
    pub to: String,
}

/// What rows may do to the catalog, within what their operation does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Records are created and changed.
    #[default]
    #[serde(rename = "create+enrich")]
    CreateAndEnrich,
    /// Records that are there are changed; a row of another one is rejected.
    EnrichOnly,
    /// Records are created; of those that are there, fields without a value are filled and the others left.
    FillEmptyOnly,
}

impl Mode {
    /// Whether nothing is held back.
    pub fn is_default(&self) -> bool {
        *self == Mode::default()
    }
}

/// One way to find the record that a row means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identifier {
    /// The field.
    pub field: String,
    /// Compared without regard to case, white space and punctuation; a match is a `WEAK_MATCH` warning, two candidates
    /// are an `AMBIGUOUS_MATCH`.
    #[serde(default)]
    pub weak: bool,
}

/// What becomes of a row that names a record which is not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Missing {
    /// The row is rejected.
    #[default]
    Reject,
    /// The row is kept apart and applied by itself when the record arrives.
    Park,
    /// The row is applied, with a warning.
    Warn,
    /// The whole file fails.
    Fail,
}

/// A record of another entity (or of the same one) that a row names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReferenceTo {
    /// The other entity.
    pub entity: String,
    /// Pairs of a field of this row and a field of the other entity: the first one that has a value counts. Of a list
    /// each item names a record.
    pub by: Vec<(String, String)>,
    /// What becomes of the row.
    #[serde(default)]
    pub missing: Missing,
    /// The fault's code: `UNKNOWN_REFERENCE` or a narrower one of its family.
    #[serde(default = "unknown_reference")]
    pub code: String,
    /// Whether a row without any of the fields is a fault too.
    #[serde(default)]
    pub required: bool,
}

fn unknown_reference() -> String {
    "UNKNOWN_REFERENCE".into()
}

/// A tree by path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Path {
    /// The field that holds the whole way, the record's own name last.
    pub field: String,
    /// What stands between two steps; blanks around it do not count.
    pub separator: String,
    /// What makes the character behind it plain.
    #[serde(default)]
    pub escape: Option<char>,
    /// What becomes of a row whose parent is neither stored nor in the file.
    #[serde(default)]
    pub missing: Missing,
}

/// How the columns of a file are compared with the declared ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// By name, in any order.
    #[default]
    ByName,
    /// Exactly the declared ones in the declared order: anything else is `TEMPLATE_MISMATCH`.
    Strict,
}

/// What becomes of a column that is not declared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unknown {
    /// Left out, with a warning.
    #[default]
    Warn,
    /// Kept as an open text field `metadata:NAME`.
    Keep,
    /// The file fails.
    Fail,
}

/// What columns a file may have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Columns {
    /// In what order.
    pub order: Order,
    /// What becomes of others.
    pub unknown: Unknown,
    /// Declared fields without which the file fails.
    pub required: Vec<String>,
    /// Column names are compared without regard to case, blanks, `_` and `-`.
    pub loose: bool,
}

impl Columns {
    /// Whether nothing is demanded.
    pub fn is_default(&self) -> bool {
        *self == Columns::default()
    }
}
