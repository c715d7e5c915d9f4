//! What a CSV record's bytes tell without making cells of them: its key, and that reading it would find nothing wrong.
//!
//! It says so of nearly every record and never of one with a fault; whatever is unusual is left to [`Layout::parse`].

use super::csv::{Inner, Quoting, unquote};
use super::header::Way;
use super::layout::{Form, Layout};
use super::scan;
use crate::record::entity::EntitySpec;
use crate::record::scalar::{flag, integer};
use crate::record::{FieldId, Kind};

/// What a column's cells must be for nothing to be found.
#[derive(Debug)]
struct Expected {
    /// `None` for a column that means nothing.
    kind: Option<Kind>,
    /// Most bytes: no text has more characters than bytes.
    most: usize,
    range: Option<(i64, i64)>,
    lettered: bool,
    required: bool,
    active: bool,
}

/// The columns of one CSV layout, prepared.
#[derive(Debug)]
pub struct Sound {
    delimiter: u8,
    columns: Vec<Expected>,
    key: usize,
    /// Most bytes of a record.
    most: usize,
    /// Bytes that the names of fields add to a record's data at most.
    names: usize,
}

/// What was seen of a sound record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glance<'r> {
    /// Its key.
    pub key: &'r str,
    /// Whether it counts as active.
    pub active: bool,
}

/// A byte becomes at most six in JSON (`\u0001`), an item of a list at most three more than its separator.
const JSON: usize = 6;

impl Sound {
    /// For records of `layout` that keep the rules of `spec`; `name_is_sound` says so of an open field's name. `None`
    /// where a look at the bytes does not tell.
    pub(crate) fn new(layout: &Layout, spec: &EntitySpec, name_is_sound: impl Fn(&str) -> bool) -> Option<Sound> {
        let Form::Csv { delimiter, columns, key } = layout.form() else { return None };
        if layout.changes_values() {
            return None;
        }
        let mut seen: Vec<FieldId> = columns.iter().filter_map(|column| column.field).collect();
        let fields = seen.len();
        seen.sort_unstable();
        seen.dedup();
        let given = |number: usize| seen.contains(&FieldId(number as u32));
        let lacks = spec.fields.iter().enumerate().any(|(number, field)| field.required && !given(number));
        if seen.len() < fields || lacks {
            return None;
        }
        let expected = columns.iter().map(|column| {
            let kind = match (column.way, column.field) {
                (Way::Ignored, _) => None,
                (Way::Plain(kind), Some(_)) => Some(kind),
                _ => return None,
            };
            let declared = column.field.and_then(|field| spec.fields.get(field.0 as usize));
            let Some(declared) = declared else {
                let most = if kind == Some(Kind::List) { spec.max_facet as usize } else { usize::MAX };
                let sound = kind.is_none() || name_is_sound(&column.name);
                let open = Expected { kind, most, range: None, lettered: false, required: false, active: false };
                return sound.then_some(open);
            };
            let most = declared.max_chars.into_iter().chain(declared.warn_chars).min();
            let plain = declared.checks.is_empty() && !(declared.required && kind == Some(Kind::List));
            plain.then(|| Expected {
                kind,
                most: most.map_or(usize::MAX, |most| most as usize),
                range: declared.range,
                lettered: declared.alphanumeric && kind == Some(Kind::Text),
                required: declared.required,
                active: spec.active.as_ref() == Some(&declared.name),
            })
        });
        let names = columns.iter().map(|column| column.name.len() * JSON + 8).sum();
        Some(Sound {
            delimiter: *delimiter,
            columns: expected.collect::<Option<_>>()?,
            key: *key,
            most: layout.most().min(usize::try_from(spec.max_data).ok()?.checked_sub(names)? / JSON),
            names,
        })
    }

    /// The most bytes that the data of a sound record of `length` bytes can have as JSON.
    pub fn size(&self, length: usize) -> usize {
        length * JSON + self.names
    }

    /// Looks at `raw`. `given` notes the columns that hold something, of a sound record alone; `ends` and `filled` are
    /// scratch. `None`: read it to know.
    pub fn look<'r>(
        &self,
        raw: &'r [u8],
        ends: &mut Vec<u32>,
        filled: &mut Vec<bool>,
        given: &mut [bool],
    ) -> Option<Glance<'r>> {
        let text = simdutf8::basic::from_utf8(raw).ok().filter(|text| text.len() <= self.most)?;
        ends.clear();
        let seen = scan::fields(raw, self.delimiter, ends);
        if seen.nul || ends.len() != self.columns.len() {
            return None;
        }
        filled.clear();
        let mut found = Glance { key: "", active: true };
        let mut start = 0;
        for (number, (column, end)) in self.columns.iter().zip(&*ends).enumerate() {
            let (end, quoted) = ((*end & !scan::QUOTED) as usize, *end & scan::QUOTED != 0);
            let mut field = &text[start..end];
            start = end + 1;
            if quoted {
                let Quoting::Whole(inner) = unquote(field) else { return None };
                field = match inner {
                    Inner::Plain(inner) => inner,
                    // With its quotes doubled it is longer than it means, which no rule here forgives.
                    Inner::Doubled(inner) if column.kind == Some(Kind::Text) && number != self.key => inner,
                    Inner::Doubled(_) => return None,
                };
            }
            filled.push(!field.is_empty());
            if field.is_empty() {
                if column.required {
                    return None;
                }
                continue;
            }
            column.allows(field)?;
            if column.active && flag(field) == Some(false) {
                found.active = false;
            }
            if number == self.key {
                found.key = field;
            }
        }
        if found.key.trim_ascii().is_empty() {
            return None;
        }
        given.iter_mut().zip(&*filled).for_each(|(given, filled)| *given |= filled);
        Some(found)
    }
}

impl Expected {
    #[inline]
    fn allows(&self, field: &str) -> Option<()> {
        let fits = field.len() <= self.most;
        let sound = match self.kind {
            None => true,
            Some(Kind::Text) => fits && (!self.lettered || field.bytes().any(|byte| byte.is_ascii_alphanumeric())),
            Some(Kind::List) => fits,
            Some(Kind::Flag) => flag(field).is_some(),
            Some(Kind::Integer) => {
                integer(field).is_some_and(|value| self.range.is_none_or(|(low, high)| (low..=high).contains(&value)))
            }
            Some(Kind::Json) => false,
        };
        sound.then_some(())
    }
}
