//! Keys that are made of columns: joined so that no two rows with other columns have the same, and taken apart again.

use super::Issue;
use crate::fault::Code;
use crate::record::entity::EntitySpec;
use crate::record::{FieldId, FieldTable, Kind, Record, State, Value};

/// What stands between two columns of a key; within a column it has an [`ESCAPE`] before it.
const SEPARATOR: char = '|';
/// What makes the character behind it plain.
const ESCAPE: char = '\\';
/// The key.
const KEY: FieldId = FieldId(0);

/// How the keys of an entity are made.
#[derive(Debug)]
pub(crate) struct Composed {
    key: String,
    names: Vec<String>,
    parts: Vec<(FieldId, Kind)>,
}

impl Composed {
    /// The way of `spec`; `None` where its sender gives the key.
    pub(crate) fn new(spec: &EntitySpec, table: &FieldTable) -> Option<Composed> {
        let kind = |name: &str| spec.field(name).map_or(Kind::Text, |field| field.kind.into());
        (!spec.composed.is_empty()).then(|| Composed {
            key: spec.key().to_owned(),
            names: spec.composed.clone(),
            parts: spec.composed.iter().map(|name| (table.id(name), kind(name))).collect(),
        })
    }

    /// Gives `record` its key. One that has a key alone, as in a file of ids, is given its columns.
    pub(crate) fn apply(&self, record: &mut Record, issues: &mut Vec<Issue>) {
        let given = record.text(KEY).filter(|key| !key.is_empty()).map(str::to_owned);
        let texts: Vec<String> = self.parts.iter().map(|(field, _)| text(record, *field)).collect();
        if texts.iter().all(String::is_empty) {
            if let Some(given) = given {
                self.take_apart(&given, record, issues);
            }
            return;
        }
        let made = join(&texts);
        if given.as_ref().is_some_and(|given| *given != made) {
            let message = format!("the {} is not the one that {} make: {made}", self.key, self.names.join(", "));
            issues.push(issue(Code::BadPattern, &self.key, given, message));
        }
        record.retain(|cell| cell.field != KEY);
        record.push_text(KEY, &made);
    }

    fn take_apart(&self, given: &str, record: &mut Record, issues: &mut Vec<Issue>) {
        let Some(texts) = split(given).filter(|texts| texts.len() == self.parts.len()) else {
            let message = format!("the {} is not made of {}", self.key, self.names.join(", "));
            issues.push(issue(Code::BadPattern, &self.key, Some(given.to_owned()), message));
            return;
        };
        let own = |cell: &crate::record::Cell| self.parts.iter().any(|(field, _)| *field == cell.field);
        record.retain(|cell| !own(cell));
        for (at, text) in texts.iter().enumerate().filter(|(_, text)| !text.is_empty()) {
            let (field, kind) = self.parts[at];
            match (kind, text.parse::<i64>()) {
                (Kind::Integer, Ok(number)) => record.push_integer(field, number),
                (Kind::Integer, Err(_)) => {
                    let message = format!("{} is not a whole number", self.names[at]);
                    issues.push(issue(Code::BadInteger, &self.names[at], Some(text.clone()), message));
                }
                _ => record.push_text(field, text),
            }
        }
    }
}

fn issue(code: Code, column: &str, value: Option<String>, message: String) -> Issue {
    let value = value.map(|value| value.chars().take(200).collect());
    Issue { code, column: Some(column.to_owned()), value, offset: 0, message }
}

/// A column's part of the key; nothing where it has no value.
fn text(record: &Record, field: FieldId) -> String {
    match record.find(field).filter(|cell| cell.state == State::Set).map(|cell| record.value(cell)) {
        Some(Value::Text(text) | Value::Json(text)) => text.to_owned(),
        Some(Value::Integer(number)) => number.to_string(),
        _ => String::new(),
    }
}

fn join(texts: &[String]) -> String {
    let mut key = String::new();
    for (at, text) in texts.iter().enumerate() {
        if at > 0 {
            key.push(SEPARATOR);
        }
        for letter in text.chars() {
            if matches!(letter, SEPARATOR | ESCAPE) {
                key.push(ESCAPE);
            }
            key.push(letter);
        }
    }
    key
}

/// The columns of a key; `None` if it ends in an escape.
fn split(key: &str) -> Option<Vec<String>> {
    let mut texts = vec![String::new()];
    let mut letters = key.chars();
    while let Some(letter) = letters.next() {
        match letter {
            SEPARATOR => texts.push(String::new()),
            ESCAPE => texts.last_mut()?.push(letters.next()?),
            _ => texts.last_mut()?.push(letter),
        }
    }
    Some(texts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn no_two_rows_share_a_key_and_every_key_comes_apart() {
        let pieces = ["", "a", "|", "\\", "a|", "|a", "\\|", "a\\", "\\\\", "é"];
        let mut keys: HashMap<String, Vec<String>> = HashMap::new();
        for one in pieces {
            for two in pieces {
                for three in pieces {
                    let texts: Vec<String> = [one, two, three].map(str::to_owned).to_vec();
                    let key = join(&texts);
                    assert_eq!(split(&key), Some(texts.clone()), "{key}");
                    assert_eq!(keys.insert(key, texts), None);
                }
            }
        }
        assert_eq!(split("a\\"), None);
    }
}
