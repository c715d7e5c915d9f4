//! How what is amiss with declarations is told, and who else hangs on a row.

use crate::record::entity::EntitySpec;

/// One thing that is amiss.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Amiss {
    /// In which entity.
    pub entity: String,
    /// In which field, where it is one's.
    pub field: Option<String>,
    /// What, in a sentence without a full stop.
    pub message: String,
}

impl std::fmt::Display for Amiss {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.field {
            Some(field) => write!(out, "{}.{field}: {}", self.entity, self.message),
            None => write!(out, "{}: {}", self.entity, self.message),
        }
    }
}

/// Where something may be amiss, and what was found so far.
pub(super) struct Found<'a> {
    pub(super) entity: &'a str,
    pub(super) field: Option<&'a str>,
    pub(super) all: &'a mut Vec<Amiss>,
}

impl Found<'_> {
    /// One thing more.
    pub(super) fn say(&mut self, message: String) {
        self.all.push(Amiss { entity: self.entity.into(), field: self.field.map(str::to_owned), message });
    }
}

/// Whether something hangs on rows of `spec`: one that falls late takes nothing else along.
pub(super) fn hangs(specs: &[EntitySpec], spec: &EntitySpec) -> bool {
    let named = specs.iter().any(|other| {
        other.references.iter().any(|to| to.entity == spec.name)
            || [&other.owner, &other.refers].into_iter().flatten().any(|(_, entity)| *entity == spec.name)
    });
    named
        || !(spec.identity.is_empty() && spec.unique.is_empty() && spec.path.is_none() && spec.parents.is_none())
        || spec.owner.is_some()
}

/// What [`hangs`] found, in words.
pub(super) const WHY_HANGS: &str = "it has an identity, unique fields, a tree or an owner, or others name its records";
