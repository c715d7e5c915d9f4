//! What a spec says of identity, with the numbers of its fields: how values are compared, what is unique, what is named.

use super::fold::folded;
use super::lookup::Print;
use super::path;
use crate::record::digest::Hasher;
use crate::record::entity::EntitySpec;
use crate::record::rule::Path;
use crate::record::uuid::{uuid, uuid_bytes, uuid_text};
use crate::record::{Cell, FieldId, FieldTable, Record, State, Value};

/// How two values of a field are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// Byte by byte.
    Exact,
    /// Without regard to case, white space and punctuation.
    Weak,
    /// Step by step.
    Path(Path),
}

impl Form {
    /// The form of `field` in `spec`.
    pub fn of(spec: &EntitySpec, field: &str) -> Form {
        match &spec.path {
            Some(path) if path.field == field => Form::Path(path.clone()),
            _ if spec.identity.iter().any(|identifier| identifier.weak && identifier.field == field) => Form::Weak,
            _ => Form::Exact,
        }
    }

    /// What the value is compared by; none for a blank one and for a path that is none. `text` is scratch.
    fn plain<'v>(&self, value: &'v str, text: &'v mut String) -> Option<&'v str> {
        if value.trim().is_empty() {
            return None;
        }
        match self {
            Form::Exact => return Some(value),
            Form::Weak => folded(value, text),
            Form::Path(rule) => *text = path::canonical(&path::steps(value, rule)?),
        }
        Some(text)
    }

    /// Its hash.
    pub fn print(&self, value: &str, hasher: &Hasher, text: &mut String) -> Option<Print> {
        self.plain(value, text).map(|plain| Print::new(hasher.key(plain.as_bytes())))
    }
}

/// What `value` is compared by where it stands for records of `spec` by `field`: equal for those that mean the same.
pub fn compared(spec: &EntitySpec, field: &str, value: &str) -> Option<String> {
    if field == spec.key() && !spec.identity.is_empty() {
        return uuid(value.trim()).map(uuid_text);
    }
    Form::of(spec, field).plain(value, &mut String::new()).map(str::to_owned)
}

/// A field by which records are found or held apart.
#[derive(Clone, Debug)]
pub struct KeyField {
    /// The field.
    pub field: FieldId,
    /// Its name.
    pub name: String,
    /// How its values are compared.
    pub form: Form,
    /// Rows are matched by it.
    pub identifies: bool,
    /// By likeness alone.
    pub weak: bool,
    /// No two records may share a value of it.
    pub unique: bool,
}

/// A reference to another entity, ready to be looked up.
#[derive(Clone, Debug)]
pub struct Link {
    /// The other entity's number.
    pub entity: usize,
    /// Field of the row; name of the other's field; its number in the other's directory, or none where it is the key.
    pub by: Vec<(FieldId, String, Option<usize>)>,
    /// Its number in the spec.
    pub number: usize,
}

/// Most fields by which an entity's records can be held apart: a bit each.
pub const MOST_KEYS: usize = 32;

/// Characters of an id that are shown.
const SHOWN: usize = 200;

/// What a spec says of identity.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Keys are the engine's; otherwise the first field is the sender's own key.
    pub made: bool,
    /// The fields of the entity's directory: those by which records are found, in order of priority, then those that
    /// are only held apart, the path, and what other entities name.
    pub keys: Vec<KeyField>,
    /// The path's number among the keys, and its rule.
    pub path: Option<(usize, Path)>,
    /// Fields of other entities that rows name.
    pub links: Vec<Link>,
}

impl Identity {
    /// The field by which a record was found: `by` as in [`super::matching::Match`].
    pub fn name_of<'i>(&'i self, by: u8, spec: &'i EntitySpec) -> &'i str {
        let field = usize::from(by).checked_sub(1).and_then(|key| self.keys.get(key));
        field.map_or(spec.key(), |field| &field.name)
    }

    /// Whether `spec` needs more than its first field. `specs` are all entities.
    pub fn is_needed(spec: &EntitySpec, specs: &[EntitySpec]) -> bool {
        let named = || specs.iter().flat_map(|other| &other.references).any(|to| to.entity == spec.name);
        !(spec.identity.is_empty() && spec.unique.is_empty() && spec.references.is_empty() && spec.path.is_none())
            || named()
    }

    /// The fields of `spec` that its directory holds, those that others name (`named`) among them: [`Identity::keys`].
    pub fn fields(spec: &EntitySpec, named: &[String]) -> Vec<(String, Form)> {
        let identity = spec.identity.iter().map(|identifier| &identifier.field);
        let own = identity.chain(&spec.unique).chain(spec.path.iter().map(|path| &path.field));
        let mut fields: Vec<(String, Form)> = Vec::new();
        for name in own.chain(named).filter(|name| **name != spec.fields[0].name) {
            if !fields.iter().any(|(known, _)| known == name) {
                fields.push((name.clone(), Form::of(spec, name)));
            }
        }
        fields
    }

    /// The identity of `spec`. `specs` are all entities, `directories` the names of the fields that each holds.
    ///
    /// # Errors
    /// What is wrong with the spec, in words.
    pub fn new(
        spec: &EntitySpec,
        table: &FieldTable,
        specs: &[EntitySpec],
        directories: &[Vec<(String, Form)>],
    ) -> Result<Identity, String> {
        let name = &spec.name;
        let field = |field: &str| {
            table.find(field).ok_or_else(|| format!("the entity {name} identifies by {field}, which is no field of it"))
        };
        if spec.parents.is_some() {
            return Err(format!("the entity {name} has both parents and an identity: make it a tree by path"));
        }
        let mut keys = Vec::new();
        let own = specs.iter().position(|other| other.name == *name).map_or(&[][..], |own| &directories[own]);
        for (key, form) in own.iter().cloned() {
            let identifier = spec.identity.iter().find(|identifier| identifier.field == key);
            let weak = identifier.is_some_and(|identifier| identifier.weak);
            let unique = spec.unique.contains(&key) || (identifier.is_some() && !weak);
            keys.push(KeyField {
                field: field(&key)?,
                identifies: identifier.is_some(),
                weak,
                unique,
                form,
                name: key,
            });
        }
        if keys.len() > MOST_KEYS {
            return Err(format!("the entity {name} has more than {MOST_KEYS} unique fields"));
        }
        let path = spec
            .path
            .as_ref()
            .and_then(|path| keys.iter().position(|key| key.name == path.field).map(|number| (number, path.clone())));
        let mut links = Vec::new();
        for (number, reference) in spec.references.iter().enumerate() {
            let entity = specs.iter().position(|other| other.name == reference.entity);
            let entity = entity.ok_or_else(|| format!("{name} refers to {}, which is no entity", reference.entity))?;
            let mut by = Vec::new();
            for (own, other) in &reference.by {
                if specs[entity].field(other).is_none() {
                    return Err(format!("{name} refers to {other} of {}, which is no field of it", reference.entity));
                }
                by.push((field(own)?, other.clone(), directories[entity].iter().position(|(known, _)| known == other)));
            }
            links.push(Link { entity, by, number });
        }
        Ok(Identity { made: !spec.identity.is_empty(), keys, path, links })
    }

    /// The id that a row gives first: how its sender knows it.
    pub fn shown(&self, record: &Record) -> Option<String> {
        let system = given(record, FieldId(0));
        let first = self.keys.iter().filter(|key| key.identifies).find_map(|key| given(record, key.field));
        system.or(first).map(|text| {
            let end = text.char_indices().nth(SHOWN).map_or(text.len(), |(at, _)| at);
            text[..end].to_owned()
        })
    }

    /// What a row gives in each of the keys.
    pub fn read(&self, record: &Record, hasher: &Hasher, text: &mut String, prints: &mut Vec<Option<Print>>) {
        prints.clear();
        prints.extend(
            self.keys.iter().map(|key| given(record, key.field).and_then(|value| key.form.print(&value, hasher, text))),
        );
    }
}

/// The text of a cell that has a value which is not blank.
pub fn given(record: &Record, field: FieldId) -> Option<std::borrow::Cow<'_, str>> {
    let cell = record.find(field).filter(|cell| cell.state == State::Set)?;
    let text = plain(record, cell)?;
    (!text.trim().is_empty()).then_some(text)
}

/// A single value as text; none for lists.
fn plain<'r>(record: &'r Record, cell: &Cell) -> Option<std::borrow::Cow<'r, str>> {
    match record.value(cell) {
        Value::Text(text) | Value::Json(text) => Some(text.into()),
        Value::Integer(number) => Some(number.to_string().into()),
        Value::Flag(flag) => Some(if flag { "true" } else { "false" }.into()),
        Value::List(_) => None,
    }
}

/// Every value of a cell: the items of a list, or the one value; blank ones are none.
pub fn items(record: &Record, field: FieldId) -> Vec<String> {
    let cells =
        record.cells().iter().filter(|cell| cell.field == field && matches!(cell.state, State::Set | State::Add));
    let mut all = Vec::new();
    for cell in cells {
        match record.value(cell) {
            Value::List(items) => all.extend(items.filter(|item| !item.trim().is_empty()).map(str::to_owned)),
            _ => all.extend(plain(record, cell).filter(|text| !text.trim().is_empty()).map(|text| text.into_owned())),
        }
    }
    all
}

/// The hash under which the index knows a key: made ids in small letters, others as they are. None for what is no id.
pub fn key_hash(made: bool, value: &str, hasher: &Hasher) -> Option<u128> {
    match made {
        true => uuid_bytes(value.trim().as_bytes()).map(|bytes| hasher.key(&bytes)),
        false => Some(hasher.key(value.as_bytes())),
    }
}
