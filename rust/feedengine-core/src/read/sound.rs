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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::plan::{Facts, Rules};
    use crate::read::testing::{Random, options};
    use crate::read::{HeaderColumn, Scratch};
    use crate::record::digest::{Hasher, SECRET_LEN};
    use crate::record::{FieldTable, Record, State};

    const COLUMNS: [&str; 9] =
        ["id", "item_name", "url", "description", "keywords", "active", "suggested_score", "facet:Color", "metadata:p"];

    /// A layout of [`COLUMNS`] and one that means nothing.
    fn layout(spec: &EntitySpec, table: &Arc<FieldTable>) -> Layout {
        let named = |name: &&str| {
            let (way, field) = super::super::header::resolve(spec, table, name).expect("a known column");
            HeaderColumn { name: (*name).to_owned(), field, way }
        };
        let mut columns: Vec<_> = COLUMNS.iter().map(named).collect();
        columns.push(HeaderColumn { name: "odd".into(), field: None, way: Way::Ignored });
        Layout::new(Form::Csv { delimiter: b',', columns, key: 0 }, spec, table, &options())
    }

    /// A look never calls sound what reading finds something wrong with, and sees of it what reading does.
    #[test]
    fn a_look_finds_what_reading_finds() {
        let spec = &options().entities[0];
        let table = Arc::new(FieldTable::new(spec));
        let layout = layout(spec, &table);
        let rules = Rules::new(spec, &table);
        let sound = Sound::new(&layout, spec, |name| rules.name_is_sound(name)).expect("a simple layout");
        let hasher = Hasher::new(&[1; SECRET_LEN]).expect("a secret");
        let mut facts = Facts::new(&rules, &table, &hasher);
        let (mut ends, mut filled, mut scratch, mut record) = (vec![], vec![], Scratch::new(), Record::default());
        let pieces = [
            "",
            "",
            "A1",
            "true",
            "0",
            "7",
            "-1",
            "red|blue",
            "|",
            "x",
            "\"",
            "\"\"",
            "\"a\"",
            "\"a,b\"",
            "\"a\"\"b\"",
            "\"7\"",
            "\"false\"",
            " ",
            "--",
            "\u{0}",
            "\u{1}\u{2}",
            "ü",
            "\n",
            "\"\"\"\"",
            "a\"b",
            "9999999999999999999",
        ];
        let long = ["y".repeat(250), "y".repeat(251), "ü".repeat(130), "z|".repeat(120), "w".repeat(1_001)];
        let mut random = Random::new(3);
        let (mut looked, mut clean) = (0, 0);
        for _ in 0..40_000 {
            let count = if random.below(20) == 0 { random.below(13) } else { 10 };
            let cells: Vec<&str> = (0..count)
                .map(|column| match (column, random.below(12)) {
                    (_, 0) => random.text(&pieces),
                    (_, 1) if random.below(9) == 0 => &**random.pick(&long),
                    (0 | 1, _) => "A1",
                    (5, _) => random.text(&["", "true", "FALSE", "\"0\""]),
                    (6, _) => random.text(&["", "12", "\"500000000\""]),
                    _ => random.text(&["", "a", "\"a, b\"", "a|b"]),
                })
                .collect();
            let mut raw = cells.join(",").into_bytes();
            if random.below(200) == 0 {
                raw.push(0xC3);
            }
            let mut given = [false; 10];
            let seen = sound.look(&raw, &mut ends, &mut filled, &mut given);
            let mut issues = Vec::new();
            layout.parse(&raw, &mut scratch, &mut record, &mut issues);
            record.retain(|cell| cell.state == State::Set);
            rules.check(&record, &table, &mut facts, true, &mut issues);
            clean += u32::from(issues.is_empty());
            let Some(seen) = seen else {
                assert_eq!(given, [false; 10]);
                continue;
            };
            looked += 1;
            let shown = String::from_utf8_lossy(&raw);
            assert!(issues.is_empty(), "{shown}: {issues:?}");
            assert_eq!(Some(seen.key), record.text(FieldId(0)), "{shown}");
            assert_eq!(seen.active, rules.is_active(&record), "{shown}");
            assert!(facts.size(&record, false) <= sound.size(raw.len()) as u64, "{shown}");
            for (name, given) in COLUMNS.iter().zip(given) {
                assert_eq!(record.find(table.id(name)).is_some(), given, "{name} of {shown}");
            }
        }
        assert!(looked * 10 > clean * 9, "{looked} of {clean}");
    }
}
