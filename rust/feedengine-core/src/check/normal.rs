//! Brings the values of a record into their normal form, where they were read: all that comes later sees nothing else.

use super::date::{has_time, told_with_time};
use super::steps::{PLAIN, Step, Style, Unreadable};
use crate::fault::{Code, Issue};
use crate::record::entity::{EntitySpec, FieldSpec};
use crate::record::rule::Step as Declared;
use crate::record::scalar::{flag, integer};
use crate::record::{FieldId, Kind, ListItems, Record, State, Value};

/// The steps of one field.
#[derive(Debug)]
struct Field {
    name: String,
    kind: Kind,
    /// Steps of the text as it was sent.
    whole: Vec<Step>,
    /// What separates the items of a list.
    separator: String,
    /// Steps of each item.
    items: Vec<Step>,
    /// As they were declared, to say what is wanted.
    declared: Vec<Declared>,
}

/// The steps of one entity.
#[derive(Debug)]
pub struct Normal {
    fields: Vec<Option<Field>>,
    /// Whether a changed value may need escapes in JSON.
    pub escapes: bool,
}

/// What a thread keeps from record to record.
#[derive(Debug, Default)]
pub struct Held {
    value: String,
    next: String,
    items: Vec<u8>,
    /// Fields of the last record whose value was changed.
    pub changed: Vec<FieldId>,
}

/// Whether a field has steps; its cells are then read as texts, whatever its kind.
pub fn has_steps(field: &FieldSpec) -> bool {
    !field.normal.is_empty()
}

impl Field {
    fn new(field: &FieldSpec) -> Self {
        let split = field.normal.iter().position(|step| matches!(step, Declared::Split { .. }));
        let is_list = Kind::from(field.kind) == Kind::List;
        let (whole, items) = match split {
            Some(at) => (&field.normal[..at], &field.normal[at + 1..]),
            None if is_list => (&field.normal[..0], &field.normal[..]),
            None => (&field.normal[..], &field.normal[..0]),
        };
        let separator = field.normal.iter().find_map(|step| match step {
            Declared::Split { separator } => Some(separator.clone()),
            _ => None,
        });
        Field {
            name: field.name.clone(),
            kind: field.kind.into(),
            whole: compiled(whole),
            separator: separator.unwrap_or_else(|| "|".into()),
            items: compiled(items),
            declared: field.normal.clone(),
        }
    }
}

/// The steps; those before a step that reads the sender's numbers meet them as the sender writes them.
fn compiled(declared: &[Declared]) -> Vec<Step> {
    let style = |at: usize| {
        declared[at..].iter().find_map(|step| match step {
            Declared::Decimal { point, group } => Some(Style { point: *point, group: *group }),
            _ => None,
        })
    };
    declared.iter().enumerate().filter_map(|(at, step)| Step::new(step, style(at).unwrap_or(PLAIN))).collect()
}

impl Normal {
    /// The steps of `spec`; `None` if it has none.
    pub fn new(spec: &EntitySpec) -> Option<Normal> {
        if !spec.fields.iter().any(has_steps) {
            return None;
        }
        let fields: Vec<_> = spec.fields.iter().map(|field| has_steps(field).then(|| Field::new(field))).collect();
        let steps = || fields.iter().flatten().flat_map(|field| field.whole.iter().chain(&field.items));
        Some(Normal { escapes: steps().any(Step::may_need_escapes), fields })
    }

    /// Takes all steps of `record`. A value that cannot be read stays as it is, with an issue.
    pub fn apply(&self, record: &mut Record, held: &mut Held, issues: &mut Vec<Issue>) {
        held.changed.clear();
        for at in 0..record.cells().len() {
            let cell = record.cells()[at];
            let Some(Some(field)) = self.fields.get(cell.field.0 as usize) else { continue };
            if matches!(cell.state, State::Blank | State::Null) {
                continue;
            }
            let outcome = match record.value(&cell) {
                Value::Text("") => continue,
                Value::Text(text) => field.text(text, held, issues),
                Value::List(items) => field.list(items, held, issues),
                Value::Flag(_) | Value::Integer(_) | Value::Json(_) => continue,
            };
            let Some((outcome, changed)) = outcome else { continue };
            match outcome {
                Outcome::Same => {}
                Outcome::Blank => record.replace(at, State::Blank, Kind::Text, &[]),
                Outcome::Text => record.replace(at, cell.state, Kind::Text, held.value.as_bytes()),
                Outcome::Items => record.replace(at, cell.state, Kind::List, &held.items),
                Outcome::Flag(flag) => record.replace(at, cell.state, Kind::Flag, &[u8::from(flag)]),
                Outcome::Integer(integer) => record.replace(at, cell.state, Kind::Integer, &integer.to_le_bytes()),
            }
            if changed {
                held.changed.push(cell.field);
            }
        }
    }
}

/// What a cell becomes.
enum Outcome {
    Same,
    Blank,
    /// The held value.
    Text,
    /// The held items.
    Items,
    Flag(bool),
    Integer(i64),
}

impl Field {
    /// What `text` becomes, and whether that says anything else; `None` if it cannot be read.
    fn text(&self, sent: &str, held: &mut Held, issues: &mut Vec<Issue>) -> Option<(Outcome, bool)> {
        let changed = match run(&self.whole, sent, &mut held.value, &mut held.next) {
            Ok(changed) => changed,
            Err(why) => {
                issues.push(self.unreadable(sent, why));
                return None;
            }
        };
        let value = std::mem::take(&mut held.value);
        let text = if changed { value.as_str() } else { sent };
        let outcome = match self.kind {
            _ if text.is_empty() => Some((Outcome::Blank, changed)),
            Kind::List => self
                .each(text.split(self.separator.as_str()), held, issues)
                .map(|(count, other)| (if count > 0 { Outcome::Items } else { Outcome::Blank }, changed || other)),
            Kind::Flag => match flag(text) {
                Some(flag) => Some((Outcome::Flag(flag), changed)),
                None => {
                    issues.push(self.unreadable(sent, (Code::BadFlag, "is neither true nor false")));
                    None
                }
            },
            Kind::Integer => match integer(text) {
                Some(integer) => Some((Outcome::Integer(integer), changed)),
                None => {
                    issues.push(self.unreadable(sent, (Code::BadInteger, "is not a whole number")));
                    None
                }
            },
            Kind::Text | Kind::Json => Some((if changed { Outcome::Text } else { Outcome::Same }, changed)),
        };
        held.value = value;
        outcome
    }

    fn list(&self, items: ListItems<'_>, held: &mut Held, issues: &mut Vec<Issue>) -> Option<(Outcome, bool)> {
        self.each(items, held, issues)
            .map(|(_, changed)| (if changed { Outcome::Items } else { Outcome::Same }, changed))
    }

    /// Holds the items in normal form, blank ones left out; how many there are, and whether one of them changed.
    fn each<'i>(
        &self,
        items: impl Iterator<Item = &'i str>,
        held: &mut Held,
        issues: &mut Vec<Issue>,
    ) -> Option<(usize, bool)> {
        let (before, mut count, mut any) = (issues.len(), 0, false);
        let mut value = String::new();
        held.items.clear();
        for item in items {
            let changed = match run(&self.items, item, &mut value, &mut held.next) {
                Ok(changed) => changed,
                Err(_) if item.is_empty() => false,
                Err(why) => {
                    issues.push(self.unreadable(item, why));
                    continue;
                }
            };
            let text = if changed { value.as_str() } else { item };
            any |= changed || text.is_empty();
            if !text.is_empty() {
                held.items.extend_from_slice(&(text.len() as u32).to_le_bytes());
                held.items.extend_from_slice(text.as_bytes());
                count += 1;
            }
        }
        (issues.len() == before).then_some((count, any))
    }

    #[cold]
    fn unreadable(&self, text: &str, (code, what): Unreadable) -> Issue {
        let value = Some(text.chars().take(200).collect());
        let message = match self.forms().filter(|_| code == Code::BadDate && has_time(text.trim())) {
            Some(forms) => told_with_time(&self.name, &forms),
            None => format!("{} {}", self.name, self.wanted(code).as_deref().unwrap_or(what)),
        };
        Issue { code, column: Some(self.name.clone()), value, offset: 0, message }
    }

    /// How dates are written.
    fn forms(&self) -> Option<String> {
        self.declared.iter().find_map(|step| match step {
            Declared::Date { forms } => Some(forms.join(" or ")),
            _ => None,
        })
    }

    /// What the value is not, in the words of the step that could not read it.
    #[cold]
    fn wanted(&self, code: Code) -> Option<String> {
        if code == Code::BadDate {
            return Some(format!("is not a real date as {}", self.forms()?));
        }
        self.declared.iter().find_map(|step| match (code, step) {
            (Code::BadFlag, Declared::Flag { yes, no }) => {
                Some(format!("is neither {} nor {}", yes.join(" / "), no.join(" / ")))
            }
            (Code::BadDecimal, Declared::Decimal { point, group }) => {
                let group = group.map_or(String::new(), String::from);
                Some(format!("is not a number such as 1{group}234{point}5"))
            }
            (Code::BadCurrency, Declared::Currency { signs }) => {
                Some(format!("is not an amount in {}", signs.join(" or ")))
            }
            (Code::BadUnit, Declared::Unit { factors }) => {
                let units: Vec<&str> = factors.iter().map(|(unit, _)| unit.as_str()).collect();
                Some(format!("is not a number with the unit {}", units.join(" or ")))
            }
            _ => None,
        })
    }
}

/// Takes `steps`, one behind the other: true if the result is now in `value`, false if it is `text` still.
#[inline]
fn run(steps: &[Step], text: &str, value: &mut String, next: &mut String) -> Result<bool, Unreadable> {
    let mut changed = false;
    for step in steps {
        let now = if changed { value.as_str() } else { text };
        if now.is_empty() {
            break;
        }
        next.clear();
        if step.take(now, next)? {
            std::mem::swap(value, next);
            changed = true;
        }
    }
    // Steps may undo each other.
    Ok(changed && value != text)
}
