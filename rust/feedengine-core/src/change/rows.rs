//! The rows to write as an Arrow stream, made ahead of the reader in threads of their own.
//!
//! Records that were kept while planning come from the spool. Where there were too many to keep (a first load), the
//! feed is read a second time and must still be the same file.

use std::collections::HashSet;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, PoisonError};

use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, SchemaRef};

use super::batch::{BatchBuilder, schema};
use crate::index::{Cold, Hot};
use crate::plan::{Earlier, Pass, Planner, Stop};
use crate::read::Scratch;
use crate::record::{FieldId, Kind, Record};

/// What the stream holds.
pub struct Output {
    /// Storage columns.
    pub columns: Vec<(String, FieldId, Kind)>,
    /// Number of the first new row.
    pub first_row: u64,
    /// Whether a column `_old_row` names the stored row to copy from.
    pub with_old_row: bool,
}

/// Where the records come from.
pub struct Source {
    /// The decided plan.
    pub planner: Arc<Planner>,
    /// The entity.
    pub entity: usize,
    /// Kept records: ordinal, place, stored row; by ordinal.
    pub kept: Vec<(u32, u64, u64)>,
    /// Whether the places are those of merged records.
    pub merged: bool,
    /// Whether the feed must be read again for the rest.
    pub reread: bool,
}

/// Rows in a batch: as many as DuckDB works on at a time (measured: with larger batches it inserts a quarter slower).
const BATCH: usize = 2_048;
/// Batches made ahead.
const AHEAD: usize = 4;

type Sent = Result<RecordBatch, ArrowError>;

/// A stream of rows to write. It can be read once.
pub struct ChangeRows {
    schema: SchemaRef,
    batches: Receiver<Sent>,
}

impl ChangeRows {
    /// Starts making batches.
    pub fn start(output: Output, source: Source) -> ChangeRows {
        Self::start_filtered(output, source, None)
    }

    /// As `start`, but only the rows whose number is in `wanted`, if that is given.
    pub fn start_filtered(output: Output, source: Source, wanted: Option<HashSet<u64>>) -> ChangeRows {
        let planner = source.planner.clone();
        Self::begin(output, &planner, move |output, schema, sender| {
            produce(output, &source, schema, wanted.as_ref(), sender)
        })
    }

    /// The records of a file at `places` (row, entry), in that order.
    pub fn of_places(
        columns: Vec<(String, FieldId, Kind)>,
        planner: &Arc<Planner>,
        earlier: Earlier,
        places: Vec<(u64, Hot, Cold)>,
    ) -> ChangeRows {
        let output = Output { columns, first_row: 1, with_old_row: false };
        let reader = planner.clone();
        Self::begin(output, planner, move |output, schema, sender| {
            fetch(output, &reader, &earlier, &places, schema, sender)
        })
    }

    fn begin(
        output: Output,
        planner: &Arc<Planner>,
        produce: impl FnOnce(&Output, &SchemaRef, &SyncSender<Sent>) -> Result<(), Ended> + Send + 'static,
    ) -> ChangeRows {
        let service: &[&str] =
            if output.with_old_row { &["_row", "_record", "_old_row"] } else { &["_row", "_record"] };
        let schema = schema(service, &output.columns);
        let (sender, batches) = sync_channel(AHEAD);
        let (made, control) = (schema.clone(), planner.control());
        std::thread::spawn(move || {
            let result = produce(&output, &made, &sender);
            if let Err(Some(stop)) = result.map_err(Ended::stop) {
                let words = stop.to_string();
                *control.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(stop);
                // The reader may be gone already; then nobody wants to know.
                let _ = sender.send(Err(ArrowError::ExternalError(words.into())));
            }
        });
        ChangeRows { schema, batches }
    }
}

impl Iterator for ChangeRows {
    type Item = Sent;

    fn next(&mut self) -> Option<Sent> {
        self.batches.recv().ok()
    }
}

impl RecordBatchReader for ChangeRows {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}

/// Why making batches ended early.
enum Ended {
    /// The reader went away.
    Unwanted,
    Stopped(Stop),
}

impl Ended {
    fn stop(self) -> Option<Stop> {
        match self {
            Ended::Unwanted => None,
            Ended::Stopped(stop) => Some(stop),
        }
    }
}

impl<E: Into<Stop>> From<E> for Ended {
    fn from(error: E) -> Self {
        Ended::Stopped(error.into())
    }
}

fn send(builder: &mut BatchBuilder, sender: &SyncSender<Sent>) -> Result<(), Ended> {
    if builder.is_empty() {
        return Ok(());
    }
    let batch = builder.finish().map_err(|error| Stop::Broken(error.to_string()))?;
    sender.send(Ok(batch)).map_err(|_| Ended::Unwanted)
}

fn fetch(
    output: &Output,
    planner: &Planner,
    earlier: &Earlier,
    places: &[(u64, Hot, Cold)],
    schema: &SchemaRef,
    sender: &SyncSender<Sent>,
) -> Result<(), Ended> {
    let mut builder = BatchBuilder::new(schema.clone(), &output.columns);
    let (mut buffer, mut scratch, mut record) = (Vec::new(), Scratch::new(), Record::default());
    earlier.must_be_same()?;
    for (row, hot, cold) in places {
        earlier.read(planner.hasher(), cold, hot.raw, (&mut buffer, &mut scratch), &mut record)?;
        builder.push(&[*row as i64, i64::from(cold.ordinal)], &record);
        if builder.len() == BATCH {
            send(&mut builder, sender)?;
        }
    }
    earlier.must_be_same()?;
    send(&mut builder, sender)
}

fn produce(
    output: &Output,
    source: &Source,
    schema: &SchemaRef,
    wanted: Option<&HashSet<u64>>,
    sender: &SyncSender<Sent>,
) -> Result<(), Ended> {
    let planner = &source.planner;
    let row_of = |ordinal: u32| planner.written(source.entity).rank(ordinal).map(|rank| output.first_row + rank);
    let is_wanted = |row: &u64| wanted.is_none_or(|wanted| wanted.contains(row));
    if source.reread {
        let start = |_| (BatchBuilder::new(schema.clone(), &output.columns), Scratch::new(), Record::default());
        let pass = planner.read_again(start, |state, section, block| {
            let (builder, scratch, record) = state;
            if section.entity != source.entity {
                return Ok(());
            }
            for span in &block.spans {
                let ordinal = block.first_record as u32 + span.ordinal;
                let kept = !source.kept.is_empty() && source.kept.binary_search_by_key(&ordinal, |kept| kept.0).is_ok();
                let Some(row) = row_of(ordinal).filter(|row| !kept && is_wanted(row)) else { continue };
                let raw = block.raw(span);
                section.layout.parse(raw, scratch, record, &mut Vec::new());
                builder.push(&[row as i64, i64::from(ordinal) + 1], record);
                if builder.len() == BATCH {
                    send(builder, sender).map_err(|ended| ended.stop().unwrap_or(Stop::Interrupted))?;
                }
            }
            Ok(())
        });
        let pass = match Pass::again(pass, planner.fingerprint()) {
            Err(Stop::Interrupted) => return Err(Ended::Unwanted),
            pass => pass?,
        };
        for (mut builder, ..) in pass.states {
            send(&mut builder, sender)?;
        }
    }
    let mut builder = BatchBuilder::new(schema.clone(), &output.columns);
    let (mut buffer, mut record) = (Vec::new(), Record::default());
    for (ordinal, place, old_row) in &source.kept {
        planner.kept_record(source.merged, *place, &mut buffer, &mut record)?;
        let row = row_of(*ordinal).ok_or_else(|| Stop::Broken("a kept record is not to be written".into()))?;
        if !is_wanted(&row) {
            continue;
        }
        builder.push(&[row as i64, i64::from(*ordinal) + 1, *old_row as i64], &record);
        if builder.len() == BATCH {
            send(&mut builder, sender)?;
        }
    }
    send(&mut builder, sender)
}
