//! What an entity is: its fields, rules and relations, as data that a profile can state.

use serde::{Deserialize, Serialize};

use super::Kind;
use super::options::{Choice, Matrix, Names};
use super::rule::{Acyclic, Check, Columns, Condition, Identifier, Mode, Path, ReferenceTo, Step, Window};

/// Where a field stands in nested JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// A member of the record itself.
    Top,
    /// A member of the record's `data` object.
    Data,
}

/// One declared field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldSpec {
    /// Canonical name: the CSV column and the stored column.
    pub name: String,
    /// Other CSV column names that mean this field.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Name in nested JSON.
    pub json: String,
    /// Where it stands in nested JSON.
    pub place: Place,
    /// Type of its values.
    pub kind: KindName,
    /// A whole record (not a patch of an existing one) needs it.
    #[serde(default)]
    pub required: bool,
    /// Longest value in characters; more is a row fault.
    #[serde(default)]
    pub max_chars: Option<u32>,
    /// Above this many characters the value is accepted with a warning.
    #[serde(default)]
    pub warn_chars: Option<u32>,
    /// The value needs at least one letter or digit.
    #[serde(default)]
    pub alphanumeric: bool,
    /// Smallest and largest integer.
    #[serde(default)]
    pub range: Option<(i64, i64)>,
    /// What is done to a value before it is checked, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub normal: Vec<Step>,
    /// What a value must be beyond its kind; all that fail are reported.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
}

/// [`Kind`] as profiles write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum KindName {
    Text,
    List,
    Flag,
    Integer,
    Json,
}

impl From<KindName> for Kind {
    fn from(name: KindName) -> Kind {
        match name {
            KindName::Text => Kind::Text,
            KindName::List => Kind::List,
            KindName::Flag => Kind::Flag,
            KindName::Integer => Kind::Integer,
            KindName::Json => Kind::Json,
        }
    }
}

/// An entity of a catalog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntitySpec {
    /// Its name: the JSON list, the archive member's stem and the stored table (`items`).
    pub name: String,
    /// Declared fields; the first one is the key.
    pub fields: Vec<FieldSpec>,
    /// `metadata:NAME`, `metadata:json:NAME` columns and any other member of `data` become fields `metadata:NAME`.
    pub metadata: bool,
    /// `facet:NAME` and `facets` columns and members of `data.facets` become fields `facet:NAME`.
    pub facets: bool,
    /// Shared by all sections of a key (groups), or owned by one (items, variations).
    pub shared: bool,
    /// Field that names the record's owner, and the owner's entity: an owner's removal removes the record.
    #[serde(default)]
    pub owner: Option<(String, String)>,
    /// List field that names records of another entity: unknown ones are a warning.
    #[serde(default)]
    pub refers: Option<(String, String)>,
    /// List field that names parents in the same entity: together they must form a DAG.
    #[serde(default)]
    pub parents: Option<String>,
    /// Flag field whose `false` counts as removal for the safeguard; absent means true.
    #[serde(default)]
    pub active: Option<String>,
    /// Largest size of a record's `data` as JSON, in bytes.
    pub max_data: u64,
    /// Largest average size over the entity's size class, in bytes.
    pub max_average: u64,
    /// Entities with the same class share one average.
    pub size_class: String,
    /// Column names that no nested JSON record has: a JSON line with one of them is flat (its members are CSV column
    /// names), and a file with one is no tree's by the names of its parents.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flat_by: Vec<String>,
    /// Longest value of an open list field (`facet:NAME`) in characters.
    #[serde(default = "max_facet", skip_serializing_if = "is_max_facet")]
    pub max_facet: u32,
    /// Longest name of an open field in characters, without its prefix.
    #[serde(default = "max_name", skip_serializing_if = "is_max_name")]
    pub max_name: u32,
    /// How a row finds its record, in order of priority. Empty: by the first field, which the sender gives. Otherwise the
    /// first field is a UUID that the engine makes for a new record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identity: Vec<Identifier>,
    /// Fields that the key is made of, by the engine, where one field alone does not tell records apart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub composed: Vec<String>,
    /// Fields whose value no two records may share.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unique: Vec<String>,
    /// Records of other entities that a row names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<ReferenceTo>,
    /// Fields that are required where another field says so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The field that holds the way from the root (`A > B > C`), where the entity is a tree by path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Path>,
    /// What columns a file may have, and in what order.
    #[serde(default, skip_serializing_if = "Columns::is_default")]
    pub columns: Columns,
    /// Windows that may not overlap.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<Window>,
    /// Steps that never lead in a circle.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acyclic: Vec<Acyclic>,
    /// What its records declare of products' options.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declares: Option<Names>,
    /// Which values of options its records allow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matrix: Option<Matrix>,
    /// What its records choose of options.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice: Option<Choice>,
    /// What rows may do to the catalog.
    #[serde(default, skip_serializing_if = "Mode::is_default")]
    pub mode: Mode,
}

impl EntitySpec {
    /// The key's name.
    pub fn key(&self) -> &str {
        &self.fields[0].name
    }

    /// Whether the engine makes the key: of other fields, or as an id of its own.
    pub fn makes_key(&self) -> bool {
        !(self.identity.is_empty() && self.composed.is_empty())
    }

    /// Fields that rules compare between records, whose values must be known of every record that changes.
    pub fn compared(&self) -> impl Iterator<Item = &String> {
        let windows = self.windows.iter().flat_map(|window| window.group.iter().chain([&window.from, &window.to]));
        windows.chain(self.acyclic.iter().flat_map(|steps| [&steps.from, &steps.to])).chain(self.named())
    }

    /// A declared field by canonical name.
    pub fn field(&self, name: &str) -> Option<&FieldSpec> {
        self.fields.iter().find(|field| field.name == name)
    }
}

fn max_facet() -> u32 {
    200
}

fn max_name() -> u32 {
    1000
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_max_facet(given: &u32) -> bool {
    *given == max_facet()
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_max_name(given: &u32) -> bool {
    *given == max_name()
}

fn field(name: &str, json: &str, place: Place, kind: KindName) -> FieldSpec {
    FieldSpec {
        name: name.into(),
        aliases: Vec::new(),
        json: json.into(),
        place,
        kind,
        required: false,
        max_chars: None,
        warn_chars: None,
        alphanumeric: false,
        range: None,
        normal: Vec::new(),
        checks: Vec::new(),
    }
}

/// The entities of Constructor's catalog: items, variations, item_groups
/// (docs.constructor.com, CSV and JSON feed format pages; limits of reference/catalog-limitations).
pub fn constructor() -> Vec<EntitySpec> {
    use KindName::{Flag, Integer, List, Text};
    use Place::{Data, Top};
    let id = FieldSpec { required: true, max_chars: Some(250), ..field("id", "id", Top, Text) };
    let name = FieldSpec {
        aliases: vec!["name".into()],
        max_chars: Some(250),
        alphanumeric: true,
        ..field("item_name", "name", Top, Text)
    };
    let shared_fields = || {
        vec![
            field("url", "url", Data, Text),
            field("image_url", "image_url", Data, Text),
            FieldSpec {
                max_chars: Some(4000),
                warn_chars: Some(1000),
                ..field("description", "description", Data, Text)
            },
            field("group_ids", "group_ids", Data, List),
            FieldSpec { max_chars: Some(1000), ..field("keywords", "keywords", Data, List) },
            field("active", "active", Data, Flag),
            FieldSpec { range: Some((-1, 500_000_000)), ..field("suggested_score", "suggested_score", Top, Integer) },
        ]
    };
    let entity = |name: &str, fields| EntitySpec {
        name: name.into(),
        fields,
        metadata: true,
        facets: true,
        shared: false,
        owner: None,
        refers: Some(("group_ids".into(), "item_groups".into())),
        parents: None,
        active: Some("active".into()),
        max_data: 200_000,
        max_average: 30_000,
        size_class: "items".into(),
        flat_by: vec!["item_name".into(), "variation_id".into()],
        max_facet: max_facet(),
        max_name: max_name(),
        identity: Vec::new(),
        composed: Vec::new(),
        unique: Vec::new(),
        references: Vec::new(),
        conditions: Vec::new(),
        path: None,
        columns: Columns::default(),
        windows: Vec::new(),
        acyclic: Vec::new(),
        declares: None,
        matrix: None,
        choice: None,
        mode: Mode::default(),
    };
    let mut item_fields = vec![id.clone(), FieldSpec { required: true, ..name.clone() }];
    item_fields.extend(shared_fields());
    let mut variation_fields = vec![
        FieldSpec { aliases: vec!["variation_id".into()], ..id.clone() },
        FieldSpec { required: true, max_chars: Some(250), ..field("item_id", "item_id", Top, Text) },
        name,
    ];
    variation_fields.extend(shared_fields());
    let group_fields = vec![
        id,
        FieldSpec { required: true, max_chars: Some(500), ..field("name", "name", Top, Text) },
        field("parent_ids", "parent_ids", Top, List),
    ];
    vec![
        entity("items", item_fields),
        EntitySpec { owner: Some(("item_id".into(), "items".into())), ..entity("variations", variation_fields) },
        EntitySpec {
            facets: false,
            shared: true,
            refers: None,
            parents: Some("parent_ids".into()),
            active: None,
            max_data: 5_000,
            max_average: 1_000,
            size_class: "item_groups".into(),
            ..entity("item_groups", group_fields)
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specs_survive_json() {
        for spec in constructor() {
            let text = serde_json::to_string(&spec).unwrap_or_default();
            assert_eq!(serde_json::from_str::<EntitySpec>(&text).ok(), Some(spec));
        }
    }
}
