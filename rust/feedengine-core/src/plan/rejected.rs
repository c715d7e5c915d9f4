//! All rows that were rejected: a bit for each while planning, their positions by reading the feed once more.

use std::path::Path;
use std::sync::{Arc, PoisonError};

use arrow_array::builder::{Int64Builder, StringBuilder};
use arrow_array::{ArrayRef, RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};

use super::{Planner, Stop};
use crate::fault::{Code, Fault};
use crate::read::{Block, Feed, Next, Section};

/// A growing set of ordinals: an eighth of a byte for each row, however many are rejected.
#[derive(Clone, Debug, Default)]
pub struct Bits {
    words: Vec<u64>,
}

impl Bits {
    /// Adds `ordinal`.
    pub fn set(&mut self, ordinal: u32) {
        let at = ordinal as usize / 64;
        if at >= self.words.len() {
            self.words.resize(at + 1, 0);
        }
        self.words[at] |= 1 << (ordinal % 64);
    }

    /// Whether `ordinal` is among them.
    pub fn holds(&self, ordinal: u32) -> bool {
        self.words.get(ordinal as usize / 64).is_some_and(|word| word & (1 << (ordinal % 64)) != 0)
    }

    /// Adds all of `other`.
    pub fn join(&mut self, other: &Bits) {
        if self.words.len() < other.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        self.words.iter_mut().zip(&other.words).for_each(|(all, more)| *all |= more);
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }
}

/// Rows in a batch.
const BATCH: usize = 8_192;

/// The positions of all rejected rows, in the order of the file: member, entity, record and line (from 1), byte (from 0).
pub struct RejectedRows {
    planner: Arc<Planner>,
    schema: SchemaRef,
    feed: Option<Feed>,
    sections: Vec<Section>,
    block: Block,
    texts: [StringBuilder; 2],
    numbers: [Int64Builder; 3],
    rows: usize,
}

impl RejectedRows {
    /// Positions of the rows that `planner`, which has read its feed, has rejected.
    ///
    /// # Errors
    /// If the feed cannot be opened any more.
    pub fn new(planner: Arc<Planner>) -> Result<Self, Stop> {
        let any = planner.read.iter().any(|read| !read.refused.is_empty());
        let open = |path: &Path| Feed::open(path, planner.options.clone(), planner.tables.clone());
        let feed = if any { Some(open(&planner.path)?) } else { None };
        let text = |name: &str| Field::new(name, DataType::Utf8, false);
        let number = |name: &str| Field::new(name, DataType::Int64, false);
        let fields = vec![text("member"), text("entity"), number("record"), number("line"), number("byte")];
        Ok(RejectedRows {
            planner,
            schema: Arc::new(Schema::new(fields)),
            feed,
            sections: Vec::new(),
            block: Block::default(),
            texts: Default::default(),
            numbers: Default::default(),
            rows: 0,
        })
    }

    /// Reads on until a batch is full or the feed has ended.
    fn fill(&mut self) -> Result<(), Stop> {
        while let Some(feed) = self.feed.as_mut().filter(|_| self.rows < BATCH) {
            match feed.next(&mut self.block)? {
                Next::Section(section) => self.sections.push(section),
                Next::SectionEnd(_) => {}
                Next::Block => self.note(),
                Next::End(info) => {
                    self.feed = None;
                    if Some(info.fingerprint) != self.planner.fingerprint() {
                        let message = "the file is another one than a moment ago";
                        return Err(Fault::new(Code::FileChanged, message).into());
                    }
                }
            }
        }
        Ok(())
    }

    fn note(&mut self) {
        let section = &self.sections[self.block.section as usize];
        let refused = &self.planner.read[section.entity].refused;
        let name = self.planner.entity_name(section.entity);
        let mut known = (0, self.block.first_line, self.block.first_byte);
        for span in &self.block.spans {
            let record = self.block.first_record + u64::from(span.ordinal);
            if !refused.holds(record as u32) {
                continue;
            }
            let (line, byte) = section.layout.follow(&self.block, span, &mut known);
            self.texts[0].append_value(&section.member);
            self.texts[1].append_value(name);
            self.numbers[0].append_value(record as i64 + 1);
            self.numbers[1].append_value(line as i64);
            self.numbers[2].append_value(byte as i64);
            self.rows += 1;
        }
    }
}

impl RejectedRows {
    /// Writes the positions as lines of JSON, `[member, entity, record, line, byte]`; gives how many there are.
    ///
    /// # Errors
    /// If the feed is another one by now, or `out` cannot be written.
    pub fn write(mut self, out: &mut impl std::io::Write) -> Result<u64, Stop> {
        let mut count = 0;
        loop {
            self.fill()?;
            if self.rows == 0 {
                return Ok(count);
            }
            count += std::mem::take(&mut self.rows) as u64;
            let [members, entities] = self.texts.each_mut().map(StringBuilder::finish);
            let [records, lines, bytes] = self.numbers.each_mut().map(Int64Builder::finish);
            for at in 0..records.len() {
                let line = (members.value(at), entities.value(at), records.value(at), lines.value(at), bytes.value(at));
                serde_json::to_writer(&mut *out, &line).map_err(std::io::Error::from)?;
                out.write_all(b"\n")?;
            }
        }
    }
}

impl Iterator for RejectedRows {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Err(stop) = self.fill() {
            self.feed = None;
            let words = stop.to_string();
            *self.planner.control.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(stop);
            return Some(Err(ArrowError::ExternalError(words.into())));
        }
        if self.rows == 0 {
            return None;
        }
        self.rows = 0;
        let texts = self.texts.iter_mut().map(|builder| Arc::new(builder.finish()) as ArrayRef);
        let numbers = self.numbers.iter_mut().map(|builder| Arc::new(builder.finish()) as ArrayRef);
        Some(RecordBatch::try_new(self.schema.clone(), texts.chain(numbers).collect()))
    }
}

impl RecordBatchReader for RejectedRows {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}
