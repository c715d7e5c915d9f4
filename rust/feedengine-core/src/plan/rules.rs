//! What a record must satisfy by itself: required fields, lengths, ranges.

use super::facts::Facts;
use crate::fault::Code;
use crate::read::Issue;
use crate::record::entity::{EntitySpec, FieldSpec};
use crate::record::{Cell, FieldId, FieldTable, Kind, ListItems, Record, State, Value};

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
    pub fn declared(&self, id: FieldId) -> Option<&FieldSpec> {
        self.spec.fields.get(id.0 as usize)
    }

    /// Checks every value of `record`; with `whole` also that nothing required is missing.
    pub fn check(&self, record: &Record, table: &FieldTable, facts: &mut Facts, whole: bool, issues: &mut Vec<Issue>) {
        for cell in record.cells().iter().filter(|cell| cell.state == State::Set) {
            match self.declared(cell.field) {
                Some(field) if is_plainly_fine(field, cell, record.bytes(cell)) => {}
                Some(field) => check_declared(field, record.value(cell), issues),
                // No item is longer than all of them.
                None if facts.is_sound(cell.field)
                    && (cell.kind != Kind::List || record.bytes(cell).len() <= self.spec.max_facet as usize) => {}
                None => self.check_open(&table.name(cell.field), record.value(cell), issues),
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

    /// Whether the name of an open field is as it must be.
    pub fn name_is_sound(&self, name: &str) -> bool {
        let mut issues = Vec::new();
        self.check_name(name, &mut issues);
        issues.is_empty()
    }

    fn check_name(&self, name: &str, issues: &mut Vec<Issue>) {
        let short = name.split_once(':').map_or(name, |(_, short)| short);
        let most = self.spec.max_name;
        if is_longer(short, most) {
            let column: String = name.chars().take(80).collect();
            let message = format!("a field name has at most {most} characters");
            issues.push(issue(Code::TooLong, &column, None, message));
        }
        if name.starts_with("metadata:json:") || name.starts_with("facet:json:") {
            let message = "a field name cannot start with json:".to_owned();
            issues.push(issue(Code::ReservedName, name, None, message));
        }
    }

    fn check_open(&self, name: &str, value: Value<'_>, issues: &mut Vec<Issue>) {
        self.check_name(name, issues);
        let Value::List(items) = value else { return };
        let most = self.spec.max_facet;
        for item in items.filter(|item| is_longer(item, most)) {
            let message = format!("a facet value has at most {most} characters");
            issues.push(issue(Code::TooLong, name, Some(item), message));
        }
    }
}

/// Whether `text` has more than `most` characters; its bytes alone mostly tell.
fn is_longer(text: &str, most: u32) -> bool {
    text.len() > most as usize && text.chars().count() > most as usize
}

fn joined_chars(items: ListItems<'_>) -> usize {
    let (count, chars) = items.fold((0usize, 0), |(count, chars), item| (count + 1, chars + item.chars().count()));
    chars + count.saturating_sub(1)
}

/// Whether the bytes alone show that there is nothing to find, as they do for nearly every value: a text has at least
/// as many bytes as characters.
fn is_plainly_fine(field: &FieldSpec, cell: &Cell, bytes: &[u8]) -> bool {
    let fits = |limit: Option<u32>| limit.is_none_or(|limit| bytes.len() <= limit as usize);
    match cell.kind {
        Kind::Text | Kind::List => {
            let lettered = !field.alphanumeric || cell.kind == Kind::List;
            fits(field.max_chars) && fits(field.warn_chars) && (lettered || bytes.iter().any(u8::is_ascii_alphanumeric))
        }
        Kind::Integer => field.range.is_none(),
        Kind::Flag | Kind::Json => true,
    }
}

fn check_declared(field: &FieldSpec, value: Value<'_>, issues: &mut Vec<Issue>) {
    let (chars, text) = match value {
        Value::Text(text) => (text.chars().count(), Some(text)),
        Value::List(items) => (joined_chars(items), None),
        Value::Integer(integer) => {
            if let Some((low, high)) = field.range.filter(|(low, high)| !(*low..=*high).contains(&integer)) {
                let message = match high {
                    i64::MAX => format!("{} must be at least {low}", field.name),
                    _ => format!("{} must lie between {low} and {high}", field.name),
                };
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

/// Whether a field is an open one that holds lists (`facet:…`): its plain storage kind.
pub fn open_kind(name: &str) -> Kind {
    if name.starts_with("facet:") { Kind::List } else { Kind::Text }
}
