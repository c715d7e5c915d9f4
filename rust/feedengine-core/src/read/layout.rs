//! How the records of one section are to be understood: immutable, shared by all workers.

use std::sync::Arc;

use super::cell::{Scratch, Sink};
use super::composed::Composed;
use super::header::HeaderColumn;
use super::json::{self, Reader};
use super::{Block, Encoding, Issue, ReadOptions, Span, csv, element, exact, foreign, header, scan, sniff, words};
use crate::check::Normal;
use crate::fault::{Code, Grid, Position};
use crate::record::digest::fingerprint;
use crate::record::entity::EntitySpec;
use crate::record::{FieldTable, Record};

/// What a section's bytes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// CSV with its columns and the place of the key among them.
    Csv { delimiter: u8, columns: Vec<HeaderColumn>, key: usize },
    /// JSON lines, or elements of a document's list.
    Json { lines: bool, flat: bool },
    /// Rows of a foreign format as CSV text, with their columns and the place of the key among them.
    Rows { columns: Vec<HeaderColumn>, key: usize, sheet: Option<Arc<Grid>> },
    /// Records of a foreign format as flat JSON text.
    Members,
}

/// How to read the records of one section.
#[derive(Debug)]
pub struct Layout {
    form: Form,
    spec: EntitySpec,
    table: Arc<FieldTable>,
    fingerprint: u64,
    normal: Option<Normal>,
    composed: Option<Composed>,
    max_record: usize,
    max_columns: usize,
    encoding: Encoding,
}

impl Layout {
    pub(crate) fn new(form: Form, spec: &EntitySpec, table: &Arc<FieldTable>, options: &ReadOptions) -> Self {
        Layout {
            fingerprint: print(&form, spec),
            form,
            normal: Normal::new(spec),
            composed: Composed::new(spec, table),
            spec: spec.clone(),
            table: table.clone(),
            max_record: options.max_record,
            max_columns: options.max_columns,
            encoding: options.format.encoding.unwrap_or(Encoding::Utf8),
        }
    }

    /// A hash of everything that decides how a record's bytes are understood: format, column names in their order,
    /// delimiter, dialect, the entity's rules. Equal bytes under equal fingerprints are equal records.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// The header in order; `None` for JSON and XML, whose records name their own fields.
    pub fn columns(&self) -> Option<&[HeaderColumn]> {
        match &self.form {
            Form::Csv { columns, .. } | Form::Rows { columns, .. } => Some(columns),
            Form::Json { .. } | Form::Members => None,
        }
    }

    /// The bytes of the record's key, where they can be had cheaply; `None` means: parse the record to know. What
    /// [`Layout::parse`] finds is the truth.
    #[inline]
    pub fn key<'a>(&self, raw: &'a [u8]) -> Option<&'a [u8]> {
        match &self.form {
            Form::Csv { delimiter, key, .. } => csv::key(raw, *delimiter, *key),
            Form::Json { .. } => quick_key(raw, &self.spec, false),
            Form::Members => quick_key(raw, &self.spec, true),
            Form::Rows { .. } if raw.first() == Some(&0) => None,
            Form::Rows { key, .. } => csv::key(raw, b',', *key),
        }
    }

    /// Reads one record into canonical cells; what is wrong with it goes to `issues`.
    pub fn parse(&self, raw: &[u8], scratch: &mut Scratch, record: &mut Record, issues: &mut Vec<Issue>) {
        record.clear();
        scratch.begin(&self.table);
        let text = simdutf8::basic::from_utf8(raw);
        let most = self.max_columns;
        let mut sink = Sink { spec: &self.spec, table: &self.table, most, scratch, record, issues, offset: 0 };
        let Ok(text) = text else { return not_utf8(raw, &mut sink) };
        if raw.len() > self.max_record {
            let message = format!("the record has {} bytes; at most {} are read", raw.len(), self.max_record);
            return sink.issue(Code::RecordTooLong, "", "", message);
        }
        match &self.form {
            Form::Csv { delimiter, columns, .. } => {
                csv::parse::<false>(text, *delimiter, columns, &mut sink);
                sink.finish();
            }
            Form::Json { flat, .. } => element_of(text, *flat, &mut sink),
            Form::Rows { columns, .. } => {
                let text = foreign::issues(text, sink.issues);
                // A record that could not be read at all is nothing but its issues.
                if !text.is_empty() || sink.issues.is_empty() {
                    csv::parse::<true>(text, b',', columns, &mut sink);
                    sink.finish();
                }
            }
            Form::Members => {
                let text = foreign::issues(text, sink.issues);
                element_of(text, true, &mut sink);
            }
        }
        if let Some(normal) = &self.normal {
            normal.apply(record, &mut scratch.normal, issues);
        }
        if let Some(composed) = &self.composed {
            composed.apply(record, issues);
        }
        if !issues.is_empty() && (self.encoding != Encoding::Utf8 || self.is_foreign()) {
            self.place(raw, issues);
        }
    }

    /// What the bytes are.
    pub(crate) fn form(&self) -> &Form {
        &self.form
    }

    /// Whether a record's cells may be other values than its bytes say.
    pub(crate) fn changes_values(&self) -> bool {
        self.normal.is_some() || self.composed.is_some() || self.encoding != Encoding::Utf8
    }

    /// Most bytes of a record.
    pub(crate) fn most(&self) -> usize {
        self.max_record
    }

    /// Whether the bytes were made from a foreign format.
    fn is_foreign(&self) -> bool {
        matches!(self.form, Form::Rows { .. } | Form::Members)
    }

    /// Offsets in the text as offsets in what was sent.
    #[cold]
    fn place(&self, raw: &[u8], issues: &mut [Issue]) {
        for issue in issues {
            let before = &raw[..(issue.offset as usize).min(raw.len())];
            issue.offset = if self.is_foreign() { 0 } else { self.encoding.length(before) as u32 };
        }
    }

    /// The record in its sender's words, by the names of the fields that are meant; what cannot be read has none.
    pub fn texts(&self, raw: &[u8]) -> Vec<(String, String)> {
        let text = String::from_utf8_lossy(raw);
        match &self.form {
            Form::Csv { columns, .. } | Form::Rows { columns, .. } => {
                let cells = columns.iter().zip(self.cells(raw));
                cells.filter_map(|(column, cell)| Some((words::column(column, &self.table), cell?))).collect()
            }
            Form::Json { flat: false, .. } => words::nested(&text, &self.spec),
            Form::Json { .. } => words::flat(&text, &self.spec, &self.table),
            Form::Members => words::flat(foreign::issues(&text, &mut Vec::new()), &self.spec, &self.table),
        }
    }

    /// The record as a line of JSON, where that is what was sent: some of it (`:add`) no cell can say. None for one that
    /// has the names of columns.
    pub fn element(&self, raw: &[u8]) -> Option<String> {
        let Form::Json { flat: false, .. } = self.form else { return None };
        let flat = sniff::names_of(raw).iter().any(|name| header::is_flat(&self.spec, name));
        // No text of JSON holds a line end: all there are stand between its parts.
        (!flat).then(|| String::from_utf8_lossy(raw).replace(['\n', '\r'], " "))
    }

    /// The cells of a record that has columns, as its sender wrote them; none for one that it does not have.
    pub fn cells(&self, raw: &[u8]) -> Vec<Option<String>> {
        match &self.form {
            Form::Csv { delimiter, .. } => csv::texts(raw, *delimiter).into_iter().map(Some).collect(),
            Form::Rows { .. } => {
                let text = String::from_utf8_lossy(raw);
                let plain = foreign::issues(&text, &mut Vec::new());
                let cells = csv::texts(plain.as_bytes(), b',').into_iter();
                cells.map(|cell| (cell != foreign::ABSENT).then_some(cell)).collect()
            }
            Form::Json { .. } | Form::Members => Vec::new(),
        }
    }

    /// Whether the steps of the entity may bring a value into a form that needs escapes in JSON.
    pub fn may_need_escapes(&self) -> bool {
        self.normal.as_ref().is_some_and(|normal| normal.escapes)
    }

    /// Where `span` starts.
    pub fn position(&self, member: &str, block: &Block, span: &Span) -> Position {
        self.locate(member, block, span, 0)
    }

    /// As [`Layout::position`] for records of a block one behind the other: `known` is where the last one stood, and its
    /// offset in the block.
    pub fn follow(&self, block: &Block, span: &Span, known: &mut (usize, u64, u64)) -> (u64, u64) {
        if let Some(origin) = block.origins.get(span.ordinal as usize) {
            return (origin.line, origin.byte);
        }
        let start = span.start as usize;
        let between = &block.bytes[known.0..start];
        *known = (start, known.1 + exact::lines(between), known.2 + self.encoding.length(between));
        (known.1, known.2)
    }

    /// Where the byte at `offset` of the record at `span` is: its line and byte, and the record's number.
    pub fn locate(&self, member: &str, block: &Block, span: &Span, offset: u32) -> Position {
        if let Some(origin) = block.origins.get(span.ordinal as usize) {
            let record = block.first_record + u64::from(span.ordinal) + 1;
            let sheet = match &self.form {
                Form::Rows { sheet, .. } => sheet.clone(),
                _ => None,
            };
            return Position { member: member.into(), record, line: origin.line, byte: origin.byte, sheet };
        }
        let at = (span.start as usize).saturating_add(offset as usize).min(span.end as usize);
        Position {
            member: member.into(),
            record: block.first_record + u64::from(span.ordinal) + 1,
            line: block.first_line + exact::lines(&block.bytes[..at]),
            byte: block.first_byte + self.encoding.length(&block.bytes[..at]),
            sheet: None,
        }
    }
}

/// The names that faults of a sheet are told with.
pub(crate) fn grid(sheet: String, columns: &[HeaderColumn], table: &FieldTable) -> Grid {
    let field = |column: &HeaderColumn| column.field.map_or_else(String::new, |field| table.name(field).to_string());
    Grid { sheet, columns: columns.iter().map(|column| [column.name.clone(), field(column)]).collect() }
}

/// See [`Layout::fingerprint`].
fn print(form: &Form, spec: &EntitySpec) -> u64 {
    // Raised when the same bytes come to mean other cells.
    const RULES: u64 = 1;
    let mut text = serde_json::to_string(spec).unwrap_or_default();
    match form {
        Form::Csv { delimiter, columns, .. } => {
            text.push_str("csv");
            text.push(char::from(*delimiter));
            for column in columns {
                text.push_str(&format!("{}:{}", column.name.len(), column.name));
            }
        }
        Form::Rows { columns, .. } => {
            text.push_str("rows");
            for column in columns {
                text.push_str(&format!("{}:{}", column.name.len(), column.name));
            }
        }
        Form::Members => text.push_str("members"),
        // Lines and lists hold the same elements.
        Form::Json { flat, .. } => text.push_str(if *flat { "flat" } else { "json" }),
    }
    fingerprint(text.as_bytes(), RULES)
}

#[cold]
fn not_utf8(raw: &[u8], sink: &mut Sink<'_>) {
    if let Err(error) = simdutf8::compat::from_utf8(raw) {
        sink.offset = error.valid_up_to();
        let byte = raw.get(sink.offset).copied().unwrap_or_default();
        let message = format!("this is not UTF-8: byte 0x{byte:02X} at offset {} of the record", sink.offset);
        sink.issue(Code::NotUtf8, "", "", message);
    }
}

fn element_of(text: &str, flat: bool, sink: &mut Sink<'_>) {
    let mut reader = Reader::new(text);
    let result = match reader.next() {
        Ok(json::Next::Object) if flat => element::flat(sink, &mut reader),
        Ok(json::Next::Object) => element::nested(sink, &mut reader),
        Ok(_) => {
            let checked = reader.skip(0).and_then(|()| reader.end());
            sink.offset = 0;
            return match checked {
                Ok(()) => sink.issue(Code::BadJson, "", text, "a record must be a JSON object"),
                Err(wrong) => sink.wrong(wrong, ""),
            };
        }
        Err(wrong) => Err(wrong),
    };
    sink.offset = 0;
    match result.and_then(|()| reader.end()) {
        Ok(()) => sink.finish(),
        Err(wrong) => sink.wrong(wrong, ""),
    }
}

/// The value of the first top-level member that has the key's name, where neither holds an escape.
fn quick_key<'a>(raw: &'a [u8], spec: &EntitySpec, flat: bool) -> Option<&'a [u8]> {
    let mut at = skip_space(raw, 0);
    (raw.get(at) == Some(&b'{')).then_some(())?;
    at += 1;
    loop {
        at = skip_space(raw, at);
        let (name, next) = quick_string(raw, at)?;
        at = skip_space(raw, next);
        (raw.get(at) == Some(&b':')).then_some(())?;
        at = skip_space(raw, at + 1);
        let key = &spec.fields[0];
        if name == key.json.as_bytes()
            || (flat && name == key.name.as_bytes())
            || key.aliases.iter().any(|alias| alias.as_bytes() == name)
        {
            return quick_string(raw, at).map(|(value, _)| value);
        }
        at = match raw.get(at)? {
            b'"' => quick_string(raw, at)?.1,
            b'{' | b'[' => match scan::value_end(&raw[at..], json::MAX_DEPTH) {
                scan::ValueEnd::At(length) => at + length,
                _ => return None,
            },
            _ => at + raw[at..].iter().position(|byte| matches!(byte, b',' | b'}'))?,
        };
        at = skip_space(raw, at);
        (raw.get(at) == Some(&b',')).then_some(())?;
        at += 1;
    }
}

fn skip_space(raw: &[u8], mut at: usize) -> usize {
    while matches!(raw.get(at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
        at += 1;
    }
    at
}

/// A string without escapes, and what comes behind it.
fn quick_string(raw: &[u8], at: usize) -> Option<(&[u8], usize)> {
    (raw.get(at) == Some(&b'"')).then_some(())?;
    let inner = &raw[at + 1..];
    let end = memchr::memchr2(b'"', b'\\', inner)?;
    (inner[end] == b'"').then(|| (&inner[..end], at + end + 2))
}
