//! Where cells are made: one record under construction, and the caches that outlive it.

use std::collections::HashMap;
use std::sync::Arc;

use super::header::Way;
use super::json::{Reader, Wrong};
use super::{Issue, element, near};
use crate::check::Held;
use crate::fault::Code;
use crate::record::entity::EntitySpec;
use crate::record::scalar::{flag, integer};
use crate::record::{FieldId, FieldTable, Kind, Record, State};

/// What a worker keeps from record to record: buffers, and the numbers of open fields.
#[derive(Debug, Default)]
pub struct Scratch {
    /// The table that `fields` and `columns` speak of.
    table: Option<Arc<FieldTable>>,
    fields: HashMap<String, FieldId>,
    /// Meanings of the column names of flat JSON lines.
    pub(crate) columns: HashMap<String, Option<(Way, Option<FieldId>)>>,
    /// For each field and class of state, the last record that gave it.
    given: Vec<[u64; 3]>,
    record: u64,
    pub(crate) ends: Vec<u32>,
    pub(crate) text: String,
    pub(crate) list: Vec<u8>,
    /// A quoted CSV field without its quotes.
    pub(crate) plain: String,
    name: String,
    /// For bringing values into normal form.
    pub(crate) normal: Held,
}

impl Scratch {
    /// Empty caches.
    pub fn new() -> Self {
        Scratch::default()
    }

    /// Fields of the last record whose value was brought into another form.
    pub fn normalised(&self) -> &[FieldId] {
        &self.normal.changed
    }

    /// Prepares for one more record of `table`.
    #[inline]
    pub(crate) fn begin(&mut self, table: &Arc<FieldTable>) {
        self.record += 1;
        self.normal.changed.clear();
        if !self.table.as_ref().is_some_and(|known| Arc::ptr_eq(known, table)) {
            self.table = Some(table.clone());
            self.fields.clear();
            self.columns.clear();
            self.given.clear();
        }
    }

    /// Begins the record anew.
    pub(crate) fn again(&mut self) {
        self.record += 1;
    }
}

/// One record under construction.
pub(crate) struct Sink<'a> {
    pub(crate) spec: &'a EntitySpec,
    pub(crate) table: &'a FieldTable,
    pub(crate) most: usize,
    pub(crate) scratch: &'a mut Scratch,
    pub(crate) record: &'a mut Record,
    pub(crate) issues: &'a mut Vec<Issue>,
    /// Offset of what is being read, for issues.
    pub(crate) offset: usize,
}

impl Sink<'_> {
    /// Notes something wrong with `column`.
    #[cold]
    pub(crate) fn issue(&mut self, code: Code, column: &str, value: &str, message: impl Into<String>) {
        self.issues.push(Issue {
            code,
            column: (!column.is_empty()).then(|| column.to_owned()),
            value: Some(value.chars().take(200).collect()),
            offset: self.offset as u32,
            message: message.into(),
        });
    }

    /// Notes text that is not JSON.
    #[cold]
    pub(crate) fn wrong(&mut self, wrong: Wrong, column: &str) {
        self.issues.push(Issue {
            code: wrong.code,
            column: (!column.is_empty()).then(|| column.to_owned()),
            value: None,
            offset: (self.offset + wrong.at) as u32,
            message: wrong.what.into(),
        });
    }

    /// The open field `prefix` + `name`.
    pub(crate) fn open(&mut self, prefix: &str, name: &str) -> FieldId {
        let mut full = std::mem::take(&mut self.scratch.name);
        full.clear();
        full.push_str(prefix);
        full.push_str(name);
        let field = match self.scratch.fields.get(&full) {
            Some(field) => *field,
            None => {
                let field = self.table.id(&full);
                if field.0 as usize >= self.most {
                    let message = format!("the field is one too many: at most {} are kept", self.most);
                    self.issue(Code::TooManyColumns, &full, "", message);
                }
                self.scratch.fields.insert(full.clone(), field);
                field
            }
        };
        self.scratch.name = full;
        field
    }

    /// Says that `field` is about to be given; drops what an earlier member gave.
    #[inline]
    pub(crate) fn give(&mut self, field: FieldId, state: State, name: &str) {
        let class = match state {
            State::Blank | State::Null | State::Set => 0,
            State::Add => 1,
            State::Remove => 2,
        };
        let at = field.0 as usize;
        if at >= self.scratch.given.len() {
            self.scratch.given.resize(at + 16, [0; 3]);
        }
        if std::mem::replace(&mut self.scratch.given[at][class], self.scratch.record) == self.scratch.record {
            self.issue(Code::DuplicateMember, name, "", "the field is given more than once: the last value counts");
            self.record.retain(|cell| {
                let same = match cell.state {
                    State::Blank | State::Null | State::Set => 0,
                    State::Add => 1,
                    State::Remove => 2,
                };
                cell.field != field || same != class
            });
        }
    }

    /// A blank cell.
    pub(crate) fn blank(&mut self, field: FieldId, name: &str) {
        self.give(field, State::Blank, name);
        self.record.push_empty(field, State::Blank);
    }

    /// A cell of text, as CSV and flat JSON lines have it.
    #[inline]
    pub(crate) fn text(&mut self, way: Way, field: Option<FieldId>, name: &str, text: &str) {
        match (way, field) {
            (Way::Parent, Some(field)) => {
                self.give(field, State::Set, name);
                self.record.push_list(field, State::Set, (!text.is_empty()).then_some(text));
            }
            (_, Some(field)) if text.is_empty() => self.blank(field, name),
            (Way::Plain(kind), Some(field)) => self.plain(kind, field, name, text),
            (Way::Json, Some(field)) => {
                self.json(name, text, |sink, reader| element::free(sink, reader, field, name, 0))
            }
            (Way::Parents, Some(field)) => {
                self.json(name, text, |sink, reader| element::typed(sink, reader, field, Kind::List, name, 0))
            }
            (Way::Data, _) if !text.is_empty() => self.json(name, text, |sink, reader| element::data(sink, reader, 0)),
            (Way::Facets, _) if !text.is_empty() => self.facets(name, text),
            _ => {}
        }
    }

    fn plain(&mut self, kind: Kind, field: FieldId, name: &str, text: &str) {
        self.give(field, State::Set, name);
        match kind {
            Kind::Text => self.record.push_text(field, text),
            Kind::List => self.record.push_split(field, text, b'|'),
            Kind::Flag => match flag(text) {
                Some(flag) => self.record.push_flag(field, flag),
                None => self.issue(Code::BadFlag, name, text, format!("{name:?} is neither true nor false")),
            },
            Kind::Integer => match integer(text) {
                Some(integer) => self.record.push_integer(field, integer),
                None => self.issue(Code::BadInteger, name, text, format!("{name:?} is not a whole number")),
            },
            Kind::Json => self.json(name, text, |sink, reader| element::put_json(sink, reader, field, 0)),
        }
    }

    /// Reads JSON within a cell; the cell must hold nothing else.
    fn json(&mut self, name: &str, text: &str, read: impl FnOnce(&mut Self, &mut Reader<'_>) -> Result<(), Wrong>) {
        let mut reader = Reader::new(text);
        let start = self.offset;
        let result = read(self, &mut reader).and_then(|()| reader.end());
        self.offset = start;
        if let Err(wrong) = result {
            self.issue(wrong.code, name, text, format!("{name:?} holds no JSON that can be read: {}", wrong.what));
        }
    }

    /// The `facets` column: names and values with backslash escapes, joined to what `facet:` columns gave.
    fn facets(&mut self, column: &str, text: &str) {
        let mut found: Vec<(String, Vec<String>)> = Vec::new();
        for part in split(text, '|') {
            let pieces = split(part, ':');
            let Some((name, rest)) =
                pieces.split_first().filter(|(name, rest)| !name.trim().is_empty() && !rest.is_empty())
            else {
                let message = format!("the facet {part:?} is not written as name: value");
                return self.issue(Code::BadType, column, text, message);
            };
            let name = unescape(name).trim().to_owned();
            // Colons behind the first are part of the value.
            let value = unescape(&part[part.len() - rest.join(":").len()..]).trim_start().to_owned();
            match found.iter_mut().find(|(known, _)| *known == name) {
                Some((_, values)) => values.push(value),
                None => found.push((name, vec![value])),
            }
        }
        for (name, mut values) in found {
            let field = self.open("facet:", &name);
            if let Some(before) = self.record.find(field) {
                if let crate::record::Value::List(items) = self.record.value(before) {
                    values.splice(0..0, items.map(str::to_owned));
                }
                self.record.retain(|cell| cell.field != field);
            } else {
                self.give(field, State::Set, column);
            }
            self.record.push_list(field, State::Set, values.iter().map(String::as_str));
        }
    }

    /// Once all cells are there: the key must be among them.
    #[inline]
    pub(crate) fn finish(&mut self) {
        let key = FieldId(0);
        if !self.spec.makes_key() && self.record.text(key).is_none_or(|text| text.trim_ascii().is_empty()) {
            self.offset = 0;
            let name = self.spec.key();
            self.issue(Code::MissingKey, name, "", format!("the record has no {name:?}"));
        }
    }

    /// Notes a name that means nothing.
    #[cold]
    pub(crate) fn unknown<'n>(&mut self, code: Code, name: &str, known: impl IntoIterator<Item = &'n str>) {
        let near = near::hint(name, known);
        self.issue(code, name, "", format!("{name:?} is not known and left out{near}"));
    }
}

/// Parts between `separator`s that no backslash stands before.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut start, mut escaped) = (Vec::new(), 0, false);
    for (at, letter) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if letter == '\\' {
            escaped = true;
        } else if letter == separator {
            parts.push(&text[start..at]);
            start = at + 1;
        }
    }
    parts.push(&text[start..]);
    parts
}

/// The text without its escaping backslashes.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        out.push(if letter == '\\' { letters.next().unwrap_or('\\') } else { letter });
    }
    out
}
