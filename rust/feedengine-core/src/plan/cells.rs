//! Rows of a feed that has columns, cell by cell under its own header: to write some of them as the sender wrote all.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;

use super::blocks::read_blocks;
use super::{Planner, Stop};
use crate::read::{Block, Section};

impl Planner {
    /// Writes the rows that stand at `places` (member, record from 1) of the feed at `path` to the file `out`, in their
    /// order: lines of JSON `[member, record, [cell or null]]`, before those of a member its column names as record 0.
    /// Formats whose records name their own fields have no rows.
    pub fn cells(&self, path: &Path, out: &Path, places: &HashMap<String, HashSet<u64>>) -> Result<(), Stop> {
        let lines = Mutex::new((BufWriter::new(File::create(out)?), HashSet::new()));
        let write = |(): &mut (), section: &Arc<Section>, block: &Block| {
            let (Some(wanted), Some(columns)) = (places.get(&section.member), section.layout.columns()) else {
                return Ok(());
            };
            let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
            if lines.1.insert(section.number) {
                let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
                writeln!(lines.0, "{}", json!([section.member, 0, names]))?;
            }
            for span in &block.spans {
                let record = block.first_record + u64::from(span.ordinal) + 1;
                if wanted.contains(&record) {
                    let raw = block.raw(span);
                    writeln!(lines.0, "{}", json!([section.member, record, section.layout.cells(raw)]))?;
                }
            }
            Ok(())
        };
        // One thread: the order is that of the feed.
        read_blocks(path, &self.options, &self.tables, 1, &self.control, |_| (), write)?;
        lines.into_inner().unwrap_or_else(PoisonError::into_inner).0.flush()?;
        Ok(())
    }
}
