//! Judges a whole record: all that is wrong with it, each with what becomes of the row.

use super::rule::{Judged, Rule};
use super::words::Words;
use crate::fault::{Code, Issue, Severity};
use crate::record::entity::EntitySpec;
use crate::record::rule::{Policy, Rule as Declared};
use crate::record::{Cell, FieldId, FieldTable, Record, State, Value};

/// How much of a stored record a row tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of it: what is not there is missing.
    Whole,
    /// Some fields: what is not mentioned is as it was.
    Part,
}

/// Something wrong, and what becomes of the row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub issue: Issue,
    /// What it does to the task.
    pub severity: Severity,
}

/// The rules of one field.
#[derive(Debug)]
struct Field {
    name: String,
    aliases: Vec<String>,
    rules: Vec<(Rule, Severity)>,
    /// What becomes of a row without a value.
    required: Option<Severity>,
}

/// A field that another one asks for.
#[derive(Debug)]
struct Condition {
    field: FieldId,
    name: String,
    when: FieldId,
    asks: String,
    /// `None`: any value at all.
    is: Option<Words>,
    severity: Severity,
}

/// What the records of one entity must be.
#[derive(Debug)]
pub struct Checks {
    fields: Vec<Option<Field>>,
    required: Vec<FieldId>,
    conditions: Vec<Condition>,
}

impl From<Policy> for Severity {
    fn from(policy: Policy) -> Severity {
        match policy {
            Policy::Reject => Severity::Row,
            Policy::Fail => Severity::File,
            Policy::Warn => Severity::Warning,
        }
    }
}

impl Checks {
    /// The checks of `spec`, whose fields are numbered by `table`; `None` if it has none. Declarations that
    /// [`super::wrong`] refuses are left out.
    pub fn new(spec: &EntitySpec, table: &FieldTable) -> Option<Checks> {
        let fields: Vec<Option<Field>> = spec
            .fields
            .iter()
            .map(|field| {
                let all = || field.checks.iter().map(|check| &check.rule);
                let compiled = |check: &crate::record::rule::Check| {
                    Some((Rule::new(&check.rule, all(), table)?, check.policy.into()))
                };
                (!field.checks.is_empty()).then(|| Field {
                    name: field.name.clone(),
                    aliases: field.aliases.clone(),
                    rules: field.checks.iter().filter_map(compiled).collect(),
                    required: field
                        .checks
                        .iter()
                        .find(|check| check.rule == Declared::Required)
                        .map(|check| check.policy.into()),
                })
            })
            .collect();
        let conditions: Vec<Condition> = spec
            .conditions
            .iter()
            .filter_map(|condition| {
                Some(Condition {
                    field: table.find(&condition.field)?,
                    name: condition.field.clone(),
                    when: table.find(&condition.when)?,
                    asks: condition.when.clone(),
                    is: (!condition.is.is_empty()).then(|| Words::new(condition.is.iter().map(String::as_str))),
                    severity: condition.policy.into(),
                })
            })
            .collect();
        let required = |(at, field): (usize, &Option<Field>)| {
            field.as_ref().and_then(|field| field.required).map(|_| FieldId(at as u32))
        };
        let required = fields.iter().enumerate().filter_map(required).collect();
        let any = !conditions.is_empty() || fields.iter().any(Option::is_some);
        any.then_some(Checks { fields, required, conditions })
    }

    /// Finds all that is wrong with `record`. Fields that `issues` speak of already are not judged again.
    #[inline]
    pub fn judge(&self, record: &Record, extent: Extent, issues: &[Issue], found: &mut Vec<Finding>) {
        for cell in record.cells() {
            let Some(Some(field)) = self.fields.get(cell.field.0 as usize) else { continue };
            if matches!(cell.state, State::Blank | State::Null) || (!issues.is_empty() && field.is_told(issues)) {
                continue;
            }
            field.judge(record, cell, found);
        }
        for id in &self.required {
            self.required(record, *id, |cell| extent == Extent::Whole || cell.is_some(), issues, found);
        }
        for condition in &self.conditions {
            condition.judge(record, extent, found);
        }
    }

    /// What a row of some fields lacks to be a whole record, for one that is to be made from it.
    pub fn absent(&self, record: &Record, issues: &[Issue], found: &mut Vec<Finding>) {
        for id in &self.required {
            self.required(record, *id, |cell| cell.is_none(), issues, found);
        }
        for condition in self.conditions.iter().filter(|condition| record.find(condition.field).is_none()) {
            condition.judge(record, Extent::Whole, found);
        }
    }

    /// Reports a required field without a value, if `wanted` says so of its cell.
    #[inline]
    fn required(
        &self,
        record: &Record,
        id: FieldId,
        wanted: impl Fn(Option<&Cell>) -> bool,
        issues: &[Issue],
        found: &mut Vec<Finding>,
    ) {
        let cell = record.find(id);
        let filled = cell.is_some_and(|cell| cell.state == State::Set && !record.bytes(cell).is_empty());
        let Some(Some(field)) = self.fields.get(id.0 as usize).filter(|_| !filled && wanted(cell)) else { return };
        if !field.is_told(issues) {
            let severity = field.required.unwrap_or(Severity::Row);
            found.push(finding(Code::MissingField, &field.name, None, format!("{} is blank", field.name), severity));
        }
    }
}

#[cold]
fn finding(code: Code, column: &str, value: Option<&str>, message: String, severity: Severity) -> Finding {
    let value = value.map(|value| value.chars().take(200).collect());
    Finding { issue: Issue { code, column: Some(column.to_owned()), value, offset: 0, message }, severity }
}

impl Field {
    /// Whether something is known to be wrong with the field: what is unreadable is not judged as well.
    #[cold]
    fn is_told(&self, issues: &[Issue]) -> bool {
        let named = |name: &str| name == self.name || self.aliases.iter().any(|alias| alias == name);
        issues
            .iter()
            .any(|issue| issue.code.severity() > Severity::Warning && issue.column.as_deref().is_some_and(named))
    }

    #[inline]
    fn judge(&self, record: &Record, cell: &Cell, found: &mut Vec<Finding>) {
        match record.value(cell) {
            Value::Text(text) | Value::Json(text) => self.value(text, record, found),
            Value::Flag(flag) => self.value(if flag { "true" } else { "false" }, record, found),
            Value::Integer(integer) => self.value(&integer.to_string(), record, found),
            Value::List(items) => items.for_each(|item| self.value(item, record, found)),
        }
    }

    #[inline]
    fn value(&self, text: &str, record: &Record, found: &mut Vec<Finding>) {
        if text.is_empty() {
            return;
        }
        let judged = Judged::new(text);
        for (rule, severity) in &self.rules {
            let held;
            let other = match rule {
                Rule::Other { field, .. } => match record.find(*field).filter(|cell| cell.state == State::Set) {
                    Some(cell) => match record.value(cell) {
                        Value::Text(text) | Value::Json(text) => Some(text),
                        Value::Integer(integer) => {
                            held = integer.to_string();
                            Some(held.as_str())
                        }
                        Value::Flag(_) | Value::List(_) => None,
                    },
                    None => None,
                },
                _ => None,
            };
            if let Err(wrong) = rule.judge(&judged, other) {
                let (code, message) = rule.explain(&self.name, wrong);
                found.push(finding(code, &self.name, Some(text), message, *severity));
            }
        }
    }
}

impl Condition {
    fn judge(&self, record: &Record, extent: Extent, found: &mut Vec<Finding>) {
        let cell = record.find(self.field);
        if cell.is_some_and(|cell| cell.state == State::Set && !record.bytes(cell).is_empty())
            || (extent == Extent::Part && cell.is_none())
        {
            return;
        }
        let Some(when) = record.find(self.when).filter(|cell| cell.state == State::Set) else { return };
        let says = |text: &str| !text.is_empty() && self.is.as_ref().is_none_or(|words| words.holds(text.as_bytes()));
        let value = match record.value(when) {
            Value::Text(text) | Value::Json(text) => Some(text.to_owned()),
            Value::Flag(flag) => Some(if flag { "true" } else { "false" }.to_owned()),
            Value::Integer(integer) => Some(integer.to_string()),
            Value::List(mut items) => items.find(|item| says(item)).map(str::to_owned),
        };
        if let Some(value) = value.filter(|value| says(value)) {
            let value: String = value.chars().take(80).collect();
            let message = format!("{} is blank, and {} is {value:?}", self.name, self.asks);
            found.push(finding(Code::RequiredWhen, &self.name, None, message, self.severity));
        }
    }
}
