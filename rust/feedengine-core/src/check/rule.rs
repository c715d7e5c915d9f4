//! One demand on one value, with everything worked out that can be before the first row comes.

use std::cell::OnceCell;
use std::cmp::Ordering;

use super::decimal::{Bound, Decimal};
use super::pattern::Pattern;
use super::words::Words;
use super::{date, form};
use crate::fault::Code;
use crate::record::rule::Rule as Declared;
use crate::record::{FieldId, FieldTable};

/// One demand.
#[derive(Debug)]
pub enum Rule {
    /// Judged by the record, see [`super::Checks`].
    Required,
    /// Characters.
    Length { min: usize, max: usize },
    /// See [`Declared::Integer`].
    Integer,
    /// Digits behind the point.
    Decimal { scale: usize },
    /// Bounds in normal form; `told` if another rule of the field tells what is no number.
    Range { min: Option<Bound>, max: Option<Bound>, told: bool },
    /// See [`Declared::Flag`].
    Flag,
    /// See [`Declared::Date`].
    Date,
    /// See [`Declared::Uuid`].
    Uuid,
    /// See [`Declared::Url`].
    Url,
    /// See [`Declared::Gtin`].
    Gtin,
    /// See [`Declared::OneOf`].
    OneOf(Words, String),
    /// The list's words and name, and what a word beside them is.
    Listed(Words, String, Code),
    /// The expression, and how it was written.
    Pattern(Box<Pattern>, String),
    /// Compared with another field.
    Other { field: FieldId, name: String, multiple: bool, told: bool },
}

/// A value that several rules look at, and the number that it is, read when the first of them asks.
pub struct Judged<'t> {
    text: &'t str,
    number: OnceCell<Option<Decimal<'t>>>,
}

impl<'t> Judged<'t> {
    /// The value `text`.
    #[inline]
    pub fn new(text: &'t str) -> Self {
        Judged { text, number: OnceCell::new() }
    }

    #[inline]
    fn number(&self) -> Option<Decimal<'t>> {
        *self.number.get_or_init(|| Decimal::parse(self.text.as_bytes()))
    }
}

impl Rule {
    /// The rule that `declared` is, one of `all` rules of its field. `None` for what [`super::wrong`] refuses.
    pub fn new<'r>(
        declared: &Declared,
        mut all: impl Iterator<Item = &'r Declared>,
        table: &FieldTable,
    ) -> Option<Rule> {
        let told = all.any(|rule| matches!(rule, Declared::Integer | Declared::Decimal { .. }));
        let other = |field: &String, multiple| {
            Some(Rule::Other { field: table.find(field)?, name: field.clone(), multiple, told })
        };
        Some(match declared {
            Declared::Required => Rule::Required,
            Declared::Length { min, max } => {
                Rule::Length { min: min.unwrap_or(0) as usize, max: max.map_or(usize::MAX, |max| max as usize) }
            }
            Declared::Integer => Rule::Integer,
            Declared::Decimal { scale } => Rule::Decimal { scale: scale.map_or(usize::MAX, |scale| scale as usize) },
            Declared::Range { min, max } => {
                let bound = |text: &Option<String>| text.as_deref().and_then(Bound::new);
                Rule::Range { min: bound(min), max: bound(max), told }
            }
            Declared::Flag => Rule::Flag,
            Declared::Date => Rule::Date,
            Declared::Uuid => Rule::Uuid,
            Declared::Url => Rule::Url,
            Declared::Gtin => Rule::Gtin,
            Declared::OneOf { words } => {
                const SHOWN: usize = 12;
                let rest = if words.len() > SHOWN { ", ..." } else { "" };
                let shown = words[..words.len().min(SHOWN)].join(", ") + rest;
                Rule::OneOf(Words::new(words.iter().map(String::as_str)), shown)
            }
            Declared::Listed { list, words, code } => {
                Rule::Listed(Words::new(words.iter().map(String::as_str)), list.clone(), Code::find(code)?)
            }
            Declared::Pattern { regex } => Rule::Pattern(Box::new(Pattern::new(regex).ok()?), regex.clone()),
            Declared::AtMost { field } => return other(field, false),
            Declared::MultipleOf { field } => return other(field, true),
        })
    }

    /// Whether `text`, which is not blank, is as it must be; otherwise what is wrong. `other` is the value of the other
    /// field that the rule names, where the record has one.
    #[inline]
    pub fn judge(&self, value: &Judged<'_>, other: Option<&str>) -> Result<(), Wrong> {
        let text = value.text;
        let bytes = text.as_bytes();
        let as_it_should = |right: bool, wrong: Wrong| if right { Ok(()) } else { Err(wrong) };
        match self {
            Rule::Required => Ok(()),
            Rule::Length { min, max } => {
                // A text has at least a quarter as many characters as bytes, and at most as many.
                if bytes.len() <= *max && bytes.len() >= min.saturating_mul(4) {
                    return Ok(());
                }
                let chars = bytes.iter().filter(|byte| (**byte as i8) >= -0x40).count();
                match chars {
                    _ if chars < *min => Err(Wrong::TooShort(chars)),
                    _ if chars > *max => Err(Wrong::TooLong(chars)),
                    _ => Ok(()),
                }
            }
            Rule::Integer => {
                let digits = bytes.strip_prefix(b"-").unwrap_or(bytes);
                as_it_should(
                    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit),
                    Wrong::Plain(Code::BadInteger),
                )
            }
            Rule::Decimal { scale } => match value.number() {
                Some(number) => as_it_should(number.scale() <= *scale, Wrong::Scale),
                None => Err(Wrong::Plain(Code::BadDecimal)),
            },
            Rule::Range { min, max, told } => match value.number() {
                Some(number) => {
                    let low = min.as_ref().is_some_and(|min| number.against(min) == Ordering::Less);
                    let high = max.as_ref().is_some_and(|max| number.against(max) == Ordering::Greater);
                    as_it_should(!low && !high, Wrong::Range)
                }
                None => as_it_should(*told, Wrong::Plain(Code::BadDecimal)),
            },
            Rule::Flag => as_it_should(matches!(text, "true" | "false"), Wrong::Plain(Code::BadFlag)),
            Rule::Date if date::is_date(bytes) => Ok(()),
            Rule::Date => Err(if date::has_time(text) { Wrong::Moment } else { Wrong::Plain(Code::BadDate) }),
            Rule::Uuid => as_it_should(form::is_uuid(bytes), Wrong::Plain(Code::BadUuid)),
            Rule::Url => as_it_should(form::is_url(text), Wrong::Plain(Code::BadUrl)),
            Rule::Gtin => as_it_should(form::is_gtin(bytes), Wrong::Plain(Code::BadGtin)),
            Rule::OneOf(words, _) => as_it_should(words.holds(bytes), Wrong::Plain(Code::NotAllowed)),
            Rule::Listed(words, _, code) => as_it_should(words.holds(bytes), Wrong::Plain(*code)),
            Rule::Pattern(pattern, _) => as_it_should(pattern.matches(text), Wrong::Plain(Code::BadPattern)),
            Rule::Other { multiple, told, .. } => {
                let Some(number) = value.number() else {
                    return as_it_should(*told, Wrong::Plain(Code::BadDecimal));
                };
                // What the other field holds is judged by its own rules.
                let Some(other) = other.and_then(|other| Decimal::parse(other.as_bytes())) else { return Ok(()) };
                if *multiple {
                    as_it_should(number.is_multiple_of(&other), Wrong::Plain(Code::NotMultiple))
                } else {
                    as_it_should(number.compare(&other) != Ordering::Greater, Wrong::Range)
                }
            }
        }
    }

    /// The code and the sentence for what is wrong with a value of `column`.
    #[cold]
    pub fn explain(&self, column: &str, wrong: Wrong) -> (Code, String) {
        match (wrong, self) {
            (Wrong::TooShort(chars), Rule::Length { min, .. }) => {
                (Code::TooShort, format!("{column} has {chars} characters, at least {min} are needed"))
            }
            (Wrong::TooLong(chars), Rule::Length { max, .. }) => {
                (Code::TooLong, format!("{column} has {chars} characters, at most {max} are allowed"))
            }
            (Wrong::Moment, _) => (Code::BadDate, date::told_with_time(column, "YYYY-MM-DD")),
            (Wrong::Scale, Rule::Decimal { scale }) => {
                (Code::BadDecimal, format!("{column} has more than {scale} digits behind the point"))
            }
            (Wrong::Range, Rule::Range { min, max, .. }) => {
                let message = match (min.as_ref().map(Bound::text), max.as_ref().map(Bound::text)) {
                    (Some(min), Some(max)) => format!("{column} must lie between {min} and {max}"),
                    (Some(min), None) => format!("{column} must be at least {min}"),
                    (_, max) => format!("{column} must be at most {}", max.unwrap_or_default()),
                };
                (Code::OutOfRange, message)
            }
            (Wrong::Range, Rule::Other { name, .. }) => (Code::OutOfRange, format!("{column} is greater than {name}")),
            (Wrong::Plain(code), Rule::Other { name, .. }) if code == Code::NotMultiple => {
                (code, format!("{column} is not a multiple of {name}"))
            }
            (Wrong::Plain(code), Rule::Listed(_, list, _)) => (code, format!("{column} is not one of the {list}")),
            (Wrong::Plain(code), Rule::OneOf(_, words)) => (code, format!("{column} is none of {words}")),
            (Wrong::Plain(code), Rule::Pattern(_, regex)) => (code, format!("{column} does not match {regex}")),
            (wrong, _) => {
                let code = if let Wrong::Plain(code) = wrong { code } else { Code::BadType };
                let what = match code {
                    Code::BadInteger => "is not a whole number",
                    Code::BadDecimal => "is not a decimal number",
                    Code::BadFlag => "is neither true nor false",
                    Code::BadDate => "is not a real date as YYYY-MM-DD",
                    Code::BadUuid => "is not a UUID",
                    Code::BadUrl => "is not an absolute http or https address",
                    Code::BadGtin => "is not a GTIN with a right check digit",
                    _ => "is not one of the allowed values",
                };
                (code, format!("{column} {what}"))
            }
        }
    }
}

/// What is wrong with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// What its code says.
    Plain(Code),
    /// Too few characters: so many.
    TooShort(usize),
    /// Too many.
    TooLong(usize),
    /// Too many digits behind the point.
    Scale,
    /// Beyond a bound.
    Range,
    /// A day with a time.
    Moment,
}
