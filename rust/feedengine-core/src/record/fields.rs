//! Canonical field names as small numbers, shared by all threads that read one entity.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::entity::EntitySpec;

/// A field of one entity; an index into its [`FieldTable`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldId(pub u32);

/// Field names of one entity. The entity's declared fields come first, in the order of its spec; open fields
/// (`metadata:…`, `facet:…`) are added as feeds bring them. Names are case-sensitive.
#[derive(Debug)]
pub struct FieldTable {
    inner: RwLock<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    names: Vec<Arc<str>>,
    ids: HashMap<Arc<str>, FieldId>,
}

impl FieldTable {
    /// A table that holds the declared fields of `spec`.
    pub fn new(spec: &EntitySpec) -> Self {
        let table = FieldTable { inner: RwLock::default() };
        for field in &spec.fields {
            table.id(&field.name);
        }
        table
    }

    /// The number of `name`, made when it is new. Readers keep their own cache: this takes a lock.
    pub fn id(&self, name: &str) -> FieldId {
        if let Some(id) = self.find(name) {
            return id;
        }
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(id) = inner.ids.get(name) {
            return *id;
        }
        let id = FieldId(inner.names.len() as u32);
        let name: Arc<str> = name.into();
        inner.names.push(name.clone());
        inner.ids.insert(name, id);
        id
    }

    /// The number of `name`, if it is known.
    pub fn find(&self, name: &str) -> Option<FieldId> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner).ids.get(name).copied()
    }

    /// The name of `id`.
    ///
    /// # Panics
    /// If `id` is of another table.
    pub fn name(&self, id: FieldId) -> Arc<str> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner).names[id.0 as usize].clone()
    }

    /// All names, in the order of their numbers.
    pub fn names(&self) -> Vec<Arc<str>> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner).names.clone()
    }
}
