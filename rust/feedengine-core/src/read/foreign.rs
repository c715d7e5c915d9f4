//! Foreign formats: whatever they are, their records become text that the engine's own readers understand.
//!
//! A [`Foreign`] reader gives one record after the other. With [`Shape::Columns`] a record is a row of cells under
//! column names and is handed on as CSV text; with [`Shape::Members`] it names its own fields and is handed on as a
//! flat JSON line, so that a field it does not mention is not taken for a blank one. Positions stay those of the
//! original.

use serde::{Deserialize, Serialize};

use super::source::Bytes;
use super::{Block, Issue, Origin, Span};
use crate::fault::{Code, Fault};
use crate::record::entity::EntitySpec;

/// A reader of a foreign format. It holds a bounded part of the file at a time.
pub(crate) trait Foreign: Send {
    /// What its records look like.
    fn shape(&self) -> Shape;

    /// Puts the next record into `row`, which is empty; false at the end. `input` is what lies behind what was read
    /// before; formats that need to jump about have a [`super::source::Random`] of their own and leave it alone. A
    /// fault fails the file: what is wrong with one record only is an issue of its row.
    fn next(&mut self, input: &mut dyn Bytes, row: &mut Row) -> Result<bool, Fault>;

    /// Says whose records these are: numbers, days and lists are then written as its fields are in text.
    fn write_as(&mut self, _spec: &EntitySpec) {}

    /// The name of the sheet, where records are rows of one.
    fn sheet(&self) -> Option<&str> {
        None
    }

    /// What was odd about the file, once its last record has been read.
    fn warnings(&mut self) -> Vec<Fault> {
        Vec::new()
    }
}

/// What records look like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Cells under these column names.
    Columns(Vec<String>),
    /// Members with names of their own.
    Members,
}

/// What stands for a cell that the record does not have, as opposed to a blank one: no written cell is like it.
pub(crate) const ABSENT: &str = "\0";

/// One record under construction.
#[derive(Debug, Default)]
pub(crate) struct Row {
    text: String,
    open: bool,
    notes: Vec<Note>,
    /// Where it starts in the original.
    pub(crate) origin: Origin,
}

/// An issue on its way through a block: the line in front of the record's text.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    code: String,
    column: Option<String>,
    value: Option<String>,
    message: String,
}

impl Row {
    fn clear(&mut self) {
        self.text.clear();
        self.notes.clear();
        self.open = false;
        self.origin = Origin::default();
    }

    /// The next column's cell.
    pub(crate) fn cell(&mut self, text: &str) {
        self.separate(',');
        if !text.contains([',', '"', '\n', '\r', '\0']) {
            return self.text.push_str(text);
        }
        self.text.push('"');
        for (number, part) in text.split('"').enumerate() {
            self.text.push_str(if number > 0 { "\"\"" } else { "" });
            self.text.push_str(part);
        }
        self.text.push('"');
    }

    /// The next column has no cell in this record.
    pub(crate) fn absent(&mut self) {
        self.separate(',');
        self.text.push_str(ABSENT);
    }

    /// The member `name`; every name once.
    pub(crate) fn member(&mut self, name: &str, text: &str) {
        self.separate(',');
        self.string(name);
        self.text.push(':');
        self.string(text);
    }

    /// A JSON string.
    fn string(&mut self, text: &str) {
        if text.bytes().fold(false, |found, byte| found | (byte < 0x20) | (byte == b'"') | (byte == b'\\')) {
            return self.text.push_str(&serde_json::to_string(text).unwrap_or_default());
        }
        self.text.push('"');
        self.text.push_str(text);
        self.text.push('"');
    }

    /// Something that is wrong with this record; its code says how wrong.
    pub(crate) fn issue(&mut self, code: Code, column: Option<&str>, value: Option<&str>, message: impl Into<String>) {
        self.notes.push(Note {
            code: code.text().into(),
            column: column.map(str::to_owned),
            value: value.map(|value| value.chars().take(200).collect()),
            message: message.into(),
        });
    }

    fn separate(&mut self, separator: char) {
        if std::mem::replace(&mut self.open, true) {
            self.text.push(separator);
        }
    }

    /// The text as a block holds it.
    fn write(&self, members: bool, out: &mut Vec<u8>) {
        if !self.notes.is_empty() {
            out.push(0);
            out.extend(serde_json::to_vec(&self.notes).unwrap_or_default());
            out.push(b'\n');
        }
        let (open, close): (&[u8], &[u8]) = if members { (b"{", b"}") } else { (b"", b"") };
        out.extend_from_slice(open);
        out.extend_from_slice(self.text.as_bytes());
        out.extend_from_slice(close);
    }
}

/// Takes the issues off a record's text.
pub(crate) fn issues<'t>(text: &'t str, issues: &mut Vec<Issue>) -> &'t str {
    let Some((notes, rest)) = text.strip_prefix('\0').and_then(|text| text.split_once('\n')) else { return text };
    let notes: Vec<Note> = serde_json::from_str(notes).unwrap_or_default();
    issues.extend(notes.into_iter().filter_map(|note| {
        let code = Code::ALL.iter().find(|code| code.text() == note.code)?;
        Some(Issue { code: *code, column: note.column, value: note.value, offset: 0, message: note.message })
    }));
    rest
}

/// The records of a foreign reader, cut into blocks.
pub(crate) struct Rows {
    source: Box<dyn Foreign>,
    members: bool,
    block: usize,
    section: u32,
    row: Row,
    /// `row` was read ahead.
    waiting: bool,
    at_end: bool,
    pub(crate) records: u64,
    /// Where the last record started.
    pub(crate) last: Origin,
}

impl Rows {
    /// Nothing read yet.
    pub(crate) fn new(source: Box<dyn Foreign>, options: &super::ReadOptions, section: u32) -> Self {
        let members = source.shape() == Shape::Members;
        let (block, row) = (options.block.max(16), Row::default());
        let last = Origin::default();
        Rows { source, members, block, section, row, waiting: false, at_end: false, records: 0, last }
    }

    /// See [`Foreign::write_as`].
    pub(crate) fn write_as(&mut self, spec: &EntitySpec) {
        self.source.write_as(spec);
    }

    /// See [`Foreign::warnings`].
    pub(crate) fn warnings(&mut self) -> Vec<Fault> {
        self.source.warnings()
    }

    /// The text of the first record, which is still to be read; empty if there is none.
    pub(crate) fn first(&mut self, input: &mut dyn Bytes) -> Result<Vec<u8>, Fault> {
        let mut text = Vec::new();
        if self.read(input)? {
            self.waiting = true;
            self.row.write(self.members, &mut text);
        }
        Ok(text)
    }

    fn read(&mut self, input: &mut dyn Bytes) -> Result<bool, Fault> {
        if std::mem::take(&mut self.waiting) {
            return Ok(true);
        }
        if self.at_end {
            return Ok(false);
        }
        self.row.clear();
        self.at_end = !self.source.next(input, &mut self.row)?;
        Ok(!self.at_end)
    }

    /// Fills `block` with the next records; false when there are no more.
    pub(crate) fn next(&mut self, input: &mut dyn Bytes, block: &mut Block) -> Result<bool, Fault> {
        block.section = self.section;
        block.first_record = self.records;
        block.bytes.clear();
        block.spans.clear();
        while block.bytes.len() < self.block && self.read(input)? {
            let start = block.bytes.len() as u32;
            self.row.write(self.members, &mut block.bytes);
            let ordinal = block.spans.len() as u32;
            block.spans.push(Span { start, end: block.bytes.len() as u32, ordinal });
            block.bytes.push(b'\n');
            block.origins.push(self.row.origin);
            self.last = self.row.origin;
        }
        let first = block.origins.first().copied().unwrap_or_default();
        (block.first_line, block.first_byte) = (first.line, first.byte);
        self.records += block.spans.len() as u64;
        Ok(!block.spans.is_empty())
    }
}
