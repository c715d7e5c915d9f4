//! A feed's rows in the words of its sender: read once more, for who needs what was said and not what it is worth.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value as Json, json};

use super::blocks::read_blocks;
use super::{Planner, Stop};
use crate::read::{Block, Section};

impl Planner {
    /// Writes all rows of the feed at `path` to the file `out`, in the order of the feed: lines of JSON
    /// `[member, entity, record, {column: text}]`, whatever the feed's format.
    pub fn sent(&self, path: &Path, out: &Path) -> Result<(), Stop> {
        let lines = Mutex::new(BufWriter::new(File::create(out)?));
        let write = |(): &mut (), section: &Arc<Section>, block: &Block| {
            let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
            for span in &block.spans {
                let raw = block.raw(span);
                let record = block.first_record + u64::from(span.ordinal) + 1;
                let texts = section.layout.texts(raw).into_iter();
                let values: Map<String, Json> = texts.map(|(name, text)| (name, Json::String(text))).collect();
                let line = json!([section.member, self.entity_name(section.entity), record, values]);
                writeln!(lines, "{line}")?;
            }
            Ok(())
        };
        // One thread: the order is that of the feed.
        read_blocks(path, &self.options, &self.tables, 1, &self.control, |_| (), write)?;
        lines.into_inner().unwrap_or_else(PoisonError::into_inner).flush()?;
        Ok(())
    }
}
