//! What is amiss with declarations: told when a profile is checked and when a request is understood, not at a row.

use std::collections::HashSet;

use super::amiss::{Amiss, Found, WHY_HANGS, hangs};
use super::date::Form;
use super::decimal::Decimal;
use super::pattern::Pattern;
use crate::record::Kind;
use crate::record::entity::{EntitySpec, FieldSpec};
use crate::record::rule::{Policy, Rule, Step};

/// Everything that is amiss with `specs`, the entities of one profile.
pub fn wrong(specs: &[EntitySpec]) -> Vec<Amiss> {
    let mut all = Vec::new();
    for (at, spec) in specs.iter().enumerate() {
        let mut found = Found { entity: &spec.name, field: None, all: &mut all };
        if specs[..at].iter().any(|other| other.name == spec.name) {
            found.say("there are two entities of this name".into());
        }
        if spec.fields.is_empty() {
            found.say("it has no fields".into());
            continue;
        }
        names(spec, &mut found);
        for field in &spec.fields {
            let mut found = Found { entity: &spec.name, field: Some(&field.name), all: found.all };
            steps(field, &mut found);
            rules(spec, field, &mut found);
        }
        relations(specs, spec, &mut found);
    }
    all
}

/// Column names, of which each means one field.
fn names(spec: &EntitySpec, found: &mut Found<'_>) {
    let mut seen = HashSet::new();
    let shown = |name: &str| if spec.columns.loose { crate::record::scalar::loosely(name) } else { name.to_owned() };
    for field in &spec.fields {
        for name in std::iter::once(&field.name).chain(&field.aliases) {
            if name.is_empty() {
                found.say("a field or alias has no name".into());
            } else if !seen.insert(shown(name)) {
                found.say(format!("the column name {name:?} means two fields"));
            }
        }
    }
}

fn twice<'w>(words: impl IntoIterator<Item = &'w String>) -> Option<&'w String> {
    let mut seen = HashSet::new();
    words.into_iter().find(|word| !seen.insert(*word))
}

fn steps(field: &FieldSpec, found: &mut Found<'_>) {
    if !field.normal.is_empty() && Kind::from(field.kind) == Kind::Json {
        found.say("a field of JSON has no steps".into());
    }
    if field.normal.iter().filter(|step| matches!(step, Step::Split { .. })).count() > 1 {
        found.say("it is split twice".into());
    }
    for step in &field.normal {
        match step {
            Step::Trim | Step::Squeeze | Step::Nfc | Step::Upper | Step::Lower | Step::GtinPad | Step::StripHtml => {}
            Step::Decimal { point, group } => {
                let bad = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '+');
                if bad(*point) || group.is_some_and(bad) {
                    found.say("the point and the group of a number are signs, no letters or digits".into());
                }
                if Some(*point) == *group {
                    found.say(format!("{point:?} cannot be both the point and the group of a number"));
                }
            }
            Step::Currency { signs } => {
                if signs.is_empty() {
                    found.say("no currency is named".into());
                }
                for sign in signs {
                    if !sign.chars().any(char::is_alphabetic) && sign.chars().all(|c| c.is_ascii() && c != '$') {
                        found.say(format!("{sign:?} is no sign or code of a currency"));
                    }
                }
            }
            Step::Unit { factors } => {
                if let Some(unit) = twice(factors.iter().map(|(unit, _)| unit)) {
                    found.say(format!("the unit {unit:?} is given twice"));
                }
                match factors.first() {
                    None => found.say("no unit is named".into()),
                    Some((unit, factor)) if factor != "1" => {
                        found.say(format!("the first unit, {unit:?}, has the factor 1: the others are turned into it"));
                    }
                    Some(_) => {}
                }
                for (unit, factor) in factors {
                    if unit.trim() != unit || unit.is_empty() || unit.ends_with(|c: char| c.is_ascii_digit()) {
                        found.say(format!("{unit:?} is no unit"));
                    }
                    let number = Decimal::parse(factor.as_bytes());
                    if number.is_none_or(|number| !number.is_positive()) {
                        found.say(format!("the factor of {unit:?} is no number above 0: {factor:?}"));
                    }
                }
            }
            Step::Date { forms } => {
                if forms.is_empty() {
                    found.say("no form of a date is named".into());
                }
                forms.iter().filter_map(|form| Form::parse(form).err()).for_each(|message| found.say(message));
            }
            Step::Flag { yes, no } => {
                if yes.is_empty() || no.is_empty() {
                    found.say("a flag needs words for true and for false".into());
                }
                let lower: Vec<String> = yes.iter().chain(no).map(|word| word.to_lowercase()).collect();
                if let Some(word) = twice(&lower) {
                    found.say(format!("the word {word:?} is given twice"));
                }
            }
            Step::Map { words } => {
                if let Some(word) = twice(words.iter().map(|(theirs, _)| theirs)) {
                    found.say(format!("the word {word:?} is given twice"));
                }
            }
            Step::Split { separator } => {
                if separator.is_empty() {
                    found.say("a separator has at least one character".into());
                }
                if Kind::from(field.kind) != Kind::List {
                    found.say("only a list is split".into());
                }
            }
        }
    }
}

fn rules(spec: &EntitySpec, field: &FieldSpec, found: &mut Found<'_>) {
    for check in &field.checks {
        match &check.rule {
            Rule::Length { min, max } => {
                if min.is_none() && max.is_none() {
                    found.say("a length needs a least or a most".into());
                }
                if let (Some(min), Some(max)) = (min, max) {
                    if min > max {
                        found.say(format!("a length of at least {min} and at most {max} is none"));
                    }
                }
            }
            Rule::Range { min, max } => {
                if min.is_none() && max.is_none() {
                    found.say("a range needs a smallest or a largest".into());
                }
                let bounds = [min, max].map(|bound| bound.as_ref().map(|text| (text, Decimal::parse(text.as_bytes()))));
                for (text, _) in bounds.iter().flatten().filter(|(_, number)| number.is_none()) {
                    found.say(format!("{text:?} is no decimal number"));
                }
                if let [Some((low, Some(min))), Some((high, Some(max)))] = bounds {
                    if min.compare(&max) == std::cmp::Ordering::Greater {
                        found.say(format!("nothing lies between {low} and {high}"));
                    }
                }
            }
            Rule::OneOf { words } => {
                if words.is_empty() {
                    found.say("no allowed value is named".into());
                }
                if let Some(word) = twice(words) {
                    found.say(format!("the value {word:?} is given twice"));
                }
            }
            Rule::Listed { list, words, code } => {
                if words.is_empty() {
                    found.say(format!("the list {list:?} has no words"));
                }
                if crate::fault::Code::find(code).is_none() {
                    found.say(format!("there is no fault called {code:?}"));
                }
            }
            Rule::Pattern { regex } => {
                if let Err(message) = Pattern::new(regex) {
                    found.say(format!("{regex:?} is no regular expression: {message}"));
                }
            }
            Rule::AtMost { field: other } | Rule::MultipleOf { field: other } => {
                if *other == field.name {
                    found.say("a field cannot be compared with itself".into());
                } else if spec.field(other).is_none() {
                    found.say(format!("there is no field {other:?} to compare it with"));
                }
            }
            Rule::Required
            | Rule::Integer
            | Rule::Decimal { .. }
            | Rule::Flag
            | Rule::Date
            | Rule::Uuid
            | Rule::Url
            | Rule::Gtin => {}
        }
    }
}

/// Fields and entities that are named elsewhere in the entity.
fn relations(specs: &[EntitySpec], spec: &EntitySpec, found: &mut Found<'_>) {
    let mut own: Vec<(&str, &str)> = Vec::new();
    own.extend(spec.identity.iter().map(|identifier| ("an identifier", identifier.field.as_str())));
    own.extend(spec.unique.iter().map(|field| ("what is unique", field.as_str())));
    own.extend(spec.compared().map(|field| ("what is compared between records", field.as_str())));
    own.extend(spec.composed.iter().map(|field| ("a part of the key", field.as_str())));
    own.extend(spec.columns.required.iter().map(|field| ("a required column", field.as_str())));
    own.extend(spec.conditions.iter().map(|condition| ("a condition", condition.field.as_str())));
    own.extend(spec.conditions.iter().map(|condition| ("a condition", condition.when.as_str())));
    own.extend(spec.references.iter().flat_map(|to| to.by.iter().map(|(field, _)| ("a reference", field.as_str()))));
    own.extend(spec.path.iter().map(|path| ("the path", path.field.as_str())));
    own.extend(spec.owner.iter().map(|(field, _)| ("the owner", field.as_str())));
    own.extend(spec.refers.iter().map(|(field, _)| ("a reference", field.as_str())));
    own.extend(spec.parents.iter().map(|field| ("the parents", field.as_str())));
    own.extend(spec.active.iter().map(|field| ("the active flag", field.as_str())));
    for (what, name) in own {
        if spec.field(name).is_none() {
            found.say(format!("{what} is the field {name:?}, which is not declared"));
        }
    }
    for condition in spec.conditions.iter().filter(|condition| condition.field == condition.when) {
        found.say(format!("{:?} cannot be required by itself", condition.field));
    }
    together(specs, spec, found);
    super::options::wrong(specs, spec, found);
    if let Some(name) = twice(&spec.composed) {
        found.say(format!("the key has {name:?} as a part twice"));
    }
    if !spec.composed.is_empty() && !spec.identity.is_empty() {
        found.say("its key is made of its fields or an id of its own, not both".into());
    }
    for field in spec.fields.iter().filter(|field| spec.composed.contains(&field.name)) {
        if field.name == spec.key() {
            found.say("the key cannot be a part of itself".into());
        } else if !matches!(Kind::from(field.kind), Kind::Text | Kind::Integer) {
            found.say(format!("{:?} cannot be a part of the key: it is no single text or number", field.name));
        }
    }
    if !spec.composed.is_empty() && Kind::from(spec.fields[0].kind) != Kind::Text {
        found.say("a key that is made of other fields is a text".into());
    }
    for to in &spec.references {
        if to.by.is_empty() {
            found.say(format!("a reference to {:?} names no fields", to.entity));
        }
        match specs.iter().find(|other| other.name == to.entity) {
            None => found.say(format!("there is no entity {:?} to refer to", to.entity)),
            Some(other) => {
                for (_, name) in to.by.iter().filter(|(_, name)| other.field(name).is_none()) {
                    found.say(format!("there is no field {name:?} in {:?} to refer to", to.entity));
                }
            }
        }
        if !crate::fault::Code::ALL.iter().any(|code| code.text() == to.code) {
            found.say(format!("there is no fault called {:?}", to.code));
        }
    }
    if spec.path.as_ref().is_some_and(|path| path.separator.trim().is_empty()) {
        found.say("the separator of a path is more than blanks".into());
    }
}

/// Rules about records of the entity together.
fn together(specs: &[EntitySpec], spec: &EntitySpec, found: &mut Found<'_>) {
    let is_list = |name: &String| spec.field(name).is_some_and(|field| Kind::from(field.kind) == Kind::List);
    for window in &spec.windows {
        if let Some(name) = window.group.iter().chain([&window.from, &window.to]).find(|name| is_list(name)) {
            found.say(format!("a window cannot be told by the list {name:?}"));
        }
        if window.from == window.to {
            found.say(format!("a window begins and ends with {:?}", window.from));
        }
    }
    for steps in spec.acyclic.iter().filter(|steps| is_list(&steps.from)) {
        found.say(format!("a step cannot begin at the list {:?}", steps.from));
    }
    if hangs(specs, spec) && spec.windows.iter().any(|window| window.policy == Policy::Reject) {
        found.say(format!("windows that overlap must fail the file or be a warning here: {WHY_HANGS}"));
    }
}
