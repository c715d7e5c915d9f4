//! What a record must satisfy by itself: required fields, lengths, ranges; and how large its data is.

use crate::fault::Code;
use crate::read::Issue;
use crate::record::entity::{EntitySpec, FieldSpec, Place};
use crate::record::{Cell, FieldId, FieldTable, Kind, ListItems, Record, State, Value};

/// Longest facet value in characters (feed format pages).
const FACET_CHARS: usize = 200;
/// Longest metadata or facet name in characters.
const NAME_CHARS: usize = 1000;

/// The rules of one entity, with the numbers of its fields.
#[derive(Clone)]
pub struct Rules {
    spec: EntitySpec,
    /// Of the owner field, if there is one.
    pub owner: Option<FieldId>,
    /// Of the active flag, if there is one.
    pub active: Option<FieldId>,
    /// Of the list that refers to another entity.
    pub refers: Option<FieldId>,
}

fn issue(code: Code, column: &str, value: Option<&str>, message: String) -> Issue {
    let value = value.map(|value| value.chars().take(200).collect());
    Issue { code, column: Some(column.to_owned()), value, offset: 0, message }
}

impl Rules {
    /// The rules of `spec`, whose fields are numbered by `table`.
    pub fn new(spec: &EntitySpec, table: &FieldTable) -> Self {
        Rules {
            spec: spec.clone(),
            owner: spec.owner.as_ref().and_then(|(field, _)| table.find(field)),
            active: spec.active.as_ref().and_then(|field| table.find(field)),
            refers: spec.refers.as_ref().and_then(|(field, _)| table.find(field)),
        }
    }

    /// The declared field that `id` numbers: declared fields come first in the table.
    fn declared(&self, id: FieldId) -> Option<&FieldSpec> {
        self.spec.fields.get(id.0 as usize)
    }

    /// Checks every value of `record`; with `whole` also that nothing required is missing.
    pub fn check(&self, record: &Record, table: &FieldTable, whole: bool, issues: &mut Vec<Issue>) {
        for cell in record.cells() {
            if cell.state != State::Set {
                continue;
            }
            match self.declared(cell.field) {
                Some(field) => check_declared(field, record.value(cell), issues),
                None => check_open(&table.name(cell.field), record.value(cell), issues),
            }
        }
        if whole {
            for (number, field) in self.spec.fields.iter().enumerate().filter(|(_, field)| field.required) {
                let cell = record.find(FieldId(number as u32)).filter(|cell| cell.state == State::Set);
                if cell.is_none_or(|cell| record.bytes(cell).is_empty()) {
                    let message = format!("a new or replaced record needs {}", field.name);
                    issues.push(issue(Code::MissingField, &field.name, None, message));
                }
            }
        }
    }

    /// Whether `record`, taken as a whole record, is active: absent means true.
    pub fn is_active(&self, record: &Record) -> bool {
        let cell = self.active.and_then(|field| record.find(field)).filter(|cell| cell.state == State::Set);
        cell.is_none_or(|cell| record.value(cell) != Value::Flag(false))
    }

    /// Bytes that a cell adds to the record's `data` as JSON (UTF-8, no white space): `"name":value,`.
    pub fn cell_size(&self, table: &FieldTable, cell: &Cell, bytes: &[u8]) -> u64 {
        if cell.state != State::Set {
            return 0;
        }
        let name = match self.declared(cell.field) {
            Some(field) if field.place == Place::Top => return 0,
            Some(field) => string_size(&field.json),
            None => {
                let name = table.name(cell.field);
                string_size(name.split_once(':').map_or(&*name, |(_, name)| name))
            }
        };
        name + 2 + value_size(Value::decode(cell.kind, bytes))
    }

    /// Bytes of a whole record's `data`. The braces and the `facets` wrapper are left out, so that a patch can be
    /// applied to the size: at most 13 bytes of 200,000.
    pub fn size(&self, record: &Record, table: &FieldTable) -> u64 {
        record.cells().iter().map(|cell| self.cell_size(table, cell, record.bytes(cell))).sum()
    }
}

fn string_size(text: &str) -> u64 {
    let escapes = text.bytes().map(|byte| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 8 | 12 => 1,
        0..0x20 => 5,
        _ => 0,
    });
    text.len() as u64 + 2 + escapes.sum::<u64>()
}

fn value_size(value: Value<'_>) -> u64 {
    match value {
        Value::Text(text) => string_size(text),
        Value::Json(text) => text.len() as u64,
        Value::Flag(flag) => 5 - u64::from(flag),
        Value::Integer(integer) => integer.to_string().len() as u64,
        Value::List(items) => {
            let (count, size) = items.fold((0u64, 2), |(count, size), item| (count + 1, size + string_size(item)));
            size + count.saturating_sub(1)
        }
    }
}

fn joined_chars(items: ListItems<'_>) -> usize {
    let (count, chars) = items.fold((0usize, 0), |(count, chars), item| (count + 1, chars + item.chars().count()));
    chars + count.saturating_sub(1)
}

fn check_declared(field: &FieldSpec, value: Value<'_>, issues: &mut Vec<Issue>) {
    let (chars, text) = match value {
        Value::Text(text) => (text.chars().count(), Some(text)),
        Value::List(items) => (joined_chars(items), None),
        Value::Integer(integer) => {
            if let Some((low, high)) = field.range.filter(|(low, high)| !(*low..=*high).contains(&integer)) {
                let message = format!("{} must lie between {low} and {high}", field.name);
                issues.push(issue(Code::OutOfRange, &field.name, Some(&integer.to_string()), message));
            }
            return;
        }
        Value::Flag(_) | Value::Json(_) => return,
    };
    if field.max_chars.is_some_and(|max| chars > max as usize) {
        let message =
            format!("{} has {chars} characters, at most {} are allowed", field.name, field.max_chars.unwrap_or(0));
        issues.push(issue(Code::TooLong, &field.name, text, message));
    } else if field.warn_chars.is_some_and(|warn| chars > warn as usize) {
        let message =
            format!("{} has {chars} characters, more than the {} advised", field.name, field.warn_chars.unwrap_or(0));
        issues.push(issue(Code::LongText, &field.name, text, message));
    }
    if let Some(text) = text.filter(|text| field.alphanumeric && !text.chars().any(char::is_alphanumeric)) {
        let message = format!("{} needs at least one letter or digit", field.name);
        issues.push(issue(Code::NoAlphanumeric, &field.name, Some(text), message));
    }
}

fn check_open(name: &str, value: Value<'_>, issues: &mut Vec<Issue>) {
    let short = name.split_once(':').map_or(name, |(_, short)| short);
    if short.len() > NAME_CHARS && short.chars().count() > NAME_CHARS {
        let column: String = name.chars().take(80).collect();
        let message = format!("a field name has at most {NAME_CHARS} characters");
        issues.push(issue(Code::TooLong, &column, None, message));
    }
    if name.starts_with("metadata:json:") || name.starts_with("facet:json:") {
        let message = "a field name cannot start with json:".to_owned();
        issues.push(issue(Code::ReservedName, name, None, message));
    }
    if let Value::List(items) = value {
        for item in items {
            if item.len() > FACET_CHARS && item.chars().count() > FACET_CHARS {
                let message = format!("a facet value has at most {FACET_CHARS} characters");
                issues.push(issue(Code::TooLong, name, Some(item), message));
            }
        }
    }
}

/// Whether a field is an open one that holds lists (`facet:…`): its plain storage kind.
pub fn open_kind(name: &str) -> Kind {
    if name.starts_with("facet:") { Kind::List } else { Kind::Text }
}
