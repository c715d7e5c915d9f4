//! Rows of a feed in the words of its sender: read once more, for who needs what was said and not what it is worth.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::blocks::read_blocks;
use super::{Planner, Stop};
use crate::identify::{CONTENT, Name, Named, Naming};
use crate::read::{Block, Scratch, Section};
use crate::record::Record;

/// Which rows are wanted.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// By where they stand: member, entity, record from 1.
    pub places: Vec<(String, String, u64)>,
    /// By what they name: entity, field, value. A row that has an identifier is known by its content too.
    pub names: Vec<(String, String, String)>,
}

/// What is wanted of one entity.
#[derive(Default)]
struct Share {
    places: HashMap<String, HashSet<u64>>,
    names: HashSet<Name>,
    content: bool,
}

impl Share {
    /// Whether a row may be wanted.
    fn asks(&self, section: &Section, record: u64) -> (bool, bool) {
        let here = self.places.get(&section.member).is_some_and(|numbers| numbers.contains(&record));
        (here, !self.names.is_empty())
    }

    /// Which of the wanted names the row has.
    fn met(&self, named: &Named) -> Vec<Name> {
        // A row that is still named by nothing else is the one that was told of, and not one that mends it.
        let content = (self.content && !named.every.is_empty()).then_some(&named.content);
        named.every.iter().chain(content).filter(|name| self.names.contains(name)).cloned().collect()
    }
}

impl Planner {
    /// Writes the wanted rows of the feed at `path` to the file `out`, in any order, whatever the feed's format: lines of
    /// JSON `[member, entity, record, {field: text}, identity, names, element]` with identity and the wanted names that
    /// the row has as pairs of field and value; `element` is a row of JSON as it was sent, where its place was asked for.
    pub fn sent(&self, path: &Path, out: &Path, wanted: Wanted) -> Result<(), Stop> {
        let shares = self.shares(wanted);
        let namings: Vec<Naming> =
            self.entities.iter().zip(&self.tables).map(|(entity, table)| Naming::new(&entity.spec, table)).collect();
        let lines = Mutex::new(BufWriter::new(File::create(out)?));
        let write = |held: &mut (Scratch, Record), section: &Arc<Section>, block: &Block| {
            let share = &shares[section.entity];
            let mut found = Vec::new();
            for span in &block.spans {
                let record = block.first_record + u64::from(span.ordinal) + 1;
                let (here, maybe) = share.asks(section, record);
                if !here && !maybe {
                    continue;
                }
                let raw = block.raw(span);
                let texts = section.layout.texts(raw);
                section.layout.parse(raw, &mut held.0, &mut held.1, &mut Vec::new());
                let named = namings[section.entity].of(&held.1, &texts);
                let met = share.met(&named);
                if here || !met.is_empty() {
                    let values: Map<String, Json> = texts.into_iter().map(|(name, text)| (name, text.into())).collect();
                    let entity = self.entity_name(section.entity);
                    let element = here.then(|| section.layout.element(raw)).flatten();
                    let line = json!([section.member, entity, record, values, named.identity, met, element]);
                    writeln!(found, "{line}")?;
                }
            }
            lines.lock().unwrap_or_else(PoisonError::into_inner).write_all(&found)?;
            Ok(())
        };
        let start = |_| (Scratch::new(), Record::default());
        read_blocks(path, &self.options, &self.tables, self.threads, &self.control, start, write)?;
        lines.into_inner().unwrap_or_else(PoisonError::into_inner).flush()?;
        Ok(())
    }

    fn shares(&self, wanted: Wanted) -> Vec<Share> {
        let mut shares: Vec<Share> = self.entities.iter().map(|_| Share::default()).collect();
        for (member, entity, record) in wanted.places {
            if let Some(number) = self.entity(&entity) {
                shares[number].places.entry(member).or_default().insert(record);
            }
        }
        for (entity, field, value) in wanted.names {
            if let Some(number) = self.entity(&entity) {
                shares[number].content |= field == CONTENT;
                shares[number].names.insert((field, value));
            }
        }
        shares
    }
}
