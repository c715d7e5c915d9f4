//! What must be known of stored records before a feed is read: asked from the store, kept as directories.

use arrow_array::RecordBatch;

use super::request::Request;
use super::stop::Stop;
use super::stored::StoredRows;
use super::{EntityPlan, Planner};
use crate::bags::Partitioned;
use crate::identify::{Directory, Form, Identity, Told, given};
use crate::record::entity::EntitySpec;
use crate::record::{FieldId, Record};

/// Columns of current records that the planner needs before it reads.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Needed {
    /// Of which entity.
    pub entity: String,
    /// Which; the key is the first.
    pub columns: Vec<String>,
}

/// Entries that one field gathers in a part before they are handed over.
const BATCH: usize = 256;

/// The fields that each entity's directory must hold.
fn directory_fields(specs: &[EntitySpec]) -> Vec<Vec<(String, Form)>> {
    let named = |entity: &str| -> Vec<String> {
        let references = specs.iter().flat_map(|spec| &spec.references).filter(|to| to.entity == entity);
        references.flat_map(|to| to.by.iter().map(|(_, other)| other.clone())).collect()
    };
    specs.iter().map(|spec| Identity::fields(spec, &named(&spec.name))).collect()
}

impl Planner {
    /// What [`Planner::know`] must be told before [`Planner::scan`]: of the entities that the file can hold, and of those
    /// that their rows can name.
    pub fn directories(&self) -> Vec<Needed> {
        let needed = self.entities.iter().filter(|entity| self.is_asked(entity));
        let columns = |entity: &EntityPlan| {
            let stored = |name: &String| entity.base.columns.iter().any(|column| column.name == *name);
            let fields = entity.directory.fields.iter().map(|field| field.name.clone()).filter(stored);
            std::iter::once(entity.spec.key().to_owned()).chain(fields).collect()
        };
        needed.map(|entity| Needed { entity: entity.spec.name.clone(), columns: columns(entity) }).collect()
    }

    fn is_asked(&self, entity: &EntityPlan) -> bool {
        let can_hold = |name: &str| self.request.entity.as_deref().is_none_or(|only| only == name);
        let is_named = || {
            self.entities.iter().filter(|other| can_hold(&other.spec.name)).any(|other| {
                let mut links = other.identity.iter().flat_map(|identity| &identity.links);
                links.any(|link| link.entity == entity.number && link.by.iter().any(|(.., field)| field.is_some()))
            })
        };
        !entity.directory.known && ((entity.identity.is_some() && can_hold(&entity.spec.name)) || is_named())
    }

    /// Takes a batch of `_row` and the columns that [`Planner::directories`] names, of current records of `number`.
    pub fn know(&mut self, number: usize, batch: &RecordBatch) -> Result<(), Stop> {
        let entity = &mut self.entities[number];
        let rows = StoredRows::new(batch, &entity.spec, &entity.table)?;
        let fields: Vec<Option<FieldId>> =
            entity.directory.fields.iter().map(|field| entity.table.find(&field.name)).collect();
        let mut record = Record::default();
        for at in 0..rows.len() {
            rows.read(at, &mut record)?;
            let values: Vec<_> = fields.iter().map(|field| field.and_then(|field| given(&record, field))).collect();
            let values: Vec<Option<&str>> = values.iter().map(Option::as_deref).collect();
            let key = record.text(FieldId(0)).unwrap_or_default();
            if !entity.directory.tell(&entity.index, &self.hasher, &Told { key, values: &values })? {
                let name = &entity.spec.name;
                return Err(Stop::Broken(format!("the index does not know the stored record {key:?} of {name}")));
            }
        }
        Ok(entity.directory.hand_over(BATCH)?)
    }

    /// Ends what is known of `number`; fails if the store left records out.
    pub fn known(&mut self, number: usize) -> Result<(), Stop> {
        let entity = &mut self.entities[number];
        let (told, stored) = (entity.directory.told(), entity.base.records);
        if told != stored {
            let name = &entity.spec.name;
            return Err(Stop::Broken(format!("the store told of {told} of {stored} records of {name}")));
        }
        entity.index.release();
        Ok(entity.directory.finish()?)
    }

    /// Fails if something that the feed's rows need is not known.
    pub(super) fn check_known(&self) -> Result<(), Stop> {
        match self.directories().first() {
            Some(needed) => {
                Err(Stop::Broken(format!("the records of {} are not known: know them first", needed.entity)))
            }
            None => Ok(()),
        }
    }
}

/// The directory of an entity, empty until it is told.
fn directory(entity: &EntityPlan, fields: Vec<(String, Form)>, memory: usize, folder: &std::path::Path) -> Directory {
    let made = !entity.spec.identity.is_empty();
    let slots = if fields.is_empty() && !made { 0 } else { entity.index.slots() };
    Directory::new(fields, made, slots, memory, folder)
}

/// Gives each entity what its spec says of identity.
pub fn identified(request: &Request, mut entities: Vec<EntityPlan>) -> Result<Vec<EntityPlan>, Stop> {
    let fields = directory_fields(&request.entities);
    let share = request.memory / 4 / fields.iter().map(Vec::len).sum::<usize>().max(1);
    for (entity, named) in entities.iter_mut().zip(&fields) {
        if Identity::is_needed(&entity.spec, &request.entities) {
            let identity = Identity::new(&entity.spec, &entity.table, &request.entities, &fields);
            let identity = identity.map_err(Stop::Broken)?;
            let bag = || Partitioned::new(request.memory / 8 / (identity.keys.len() + 1), request.temp_dir.clone());
            entity.claims = (0..=identity.keys.len()).map(|_| bag()).collect();
            entity.identity = Some(identity);
        }
        entity.directory = directory(entity, named.clone(), share * named.len(), &request.temp_dir);
    }
    Ok(entities)
}
