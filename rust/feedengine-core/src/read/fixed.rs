//! Flat files whose fields have fixed places: one type of line or several told by tags, ignored ones, a trailer that
//! counts. Places count characters, not bytes. Blanks around a value are taken off; zeros never are.

use super::foreign::{Foreign, Row, Shape};
use super::source::Bytes;
use super::{Encoding, FixedSpec, Origin, ReadOptions, Trailer};
use crate::fault::{Code, Fault, Position};

/// What is read at a time.
const STEP: usize = 64 * 1024;

/// A flat file being read.
pub(crate) struct Fixed {
    columns: Vec<String>,
    /// What lines are told by: the longest tag first, the type without a tag last.
    tags: Vec<(usize, String, Kind)>,
    types: Vec<Type>,
    trailer: Option<Trailer>,
    lines: Lines,
    /// Records so far, and the trailer's line once it has come.
    records: u64,
    ended: Option<u64>,
}

/// A type of record: for each column first character and length, if it has it; the characters of its lines.
type Type = (Vec<Option<(usize, usize)>>, usize);

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Record(usize),
    Ignored,
    Trailer,
}

impl Fixed {
    /// A reader of what `spec` declares, behind a byte order mark of `mark` bytes.
    pub(crate) fn new(spec: &FixedSpec, options: &ReadOptions, mark: u64) -> Fixed {
        let mut columns: Vec<String> = Vec::new();
        let fields = || spec.records.iter().flat_map(|record| &record.fields);
        for field in fields() {
            if !columns.contains(&field.name) {
                columns.push(field.name.clone());
            }
        }
        let place = |record: &super::FixedRecord| {
            let of = |name: &String| record.fields.iter().find(|field| field.name == *name);
            let places = columns.iter().map(|name| of(name).map(|field| (field.start - 1, field.length))).collect();
            let tag = record.tag.iter().map(|tag| tag.at - 1 + tag.text.chars().count());
            let ends = record.fields.iter().map(|field| field.start - 1 + field.length);
            (places, tag.chain(ends).max().unwrap_or_default())
        };
        let types = spec.records.iter().map(place).collect();
        let mut tags: Vec<(usize, String, Kind)> = Vec::new();
        for (number, record) in spec.records.iter().enumerate() {
            let (at, text) = record.tag.as_ref().map_or((0, String::new()), |tag| (tag.at - 1, tag.text.clone()));
            tags.push((at, text, Kind::Record(number)));
        }
        let mut places: Vec<usize> = tags.iter().map(|(at, ..)| *at).collect();
        places.sort_unstable();
        places.dedup();
        for tag in &spec.ignore {
            tags.extend(places.iter().map(|at| (*at, tag.clone(), Kind::Ignored)));
        }
        if let Some(trailer) = &spec.trailer {
            tags.push((trailer.tag.at - 1, trailer.tag.text.clone(), Kind::Trailer));
        }
        tags.sort_by_key(|(_, text, _)| std::cmp::Reverse(text.len()));
        let lines = Lines::new(options, mark);
        Fixed { columns, tags, types, trailer: spec.trailer.clone(), lines, records: 0, ended: None }
    }

    fn end(&self) -> Result<bool, Fault> {
        if self.trailer.is_some() && self.ended.is_none() {
            let fault = Fault::new(Code::TrailerMismatch, "the file ends without its trailer");
            return Err(fault.at(self.lines.position()));
        }
        Ok(false)
    }

    fn check(&self, trailer: &Trailer, line: &Line<'_>) -> Result<(), Fault> {
        let stated = line.part(trailer.start - 1, trailer.length).trim();
        let count = if stated.bytes().all(|byte| byte.is_ascii_digit()) { stated.parse::<u64>().ok() } else { None };
        let message = match count {
            Some(count) if count == self.records => return Ok(()),
            Some(count) => format!("the trailer counts {count} records, the file has {}", self.records),
            None => "the trailer holds no count".into(),
        };
        Err(Fault::new(Code::TrailerMismatch, message).value(stated))
    }
}

impl Foreign for Fixed {
    fn shape(&self) -> Shape {
        Shape::Columns(self.columns.clone())
    }

    fn next(&mut self, input: &mut dyn Bytes, row: &mut Row) -> Result<bool, Fault> {
        loop {
            if !self.lines.advance(input)? {
                return self.end();
            }
            let text = self.lines.text()?;
            if text.trim().is_empty() {
                continue;
            }
            let line = Line::new(text);
            if let Some(trailer) = self.ended {
                let message = format!("a line follows the trailer, which is line {trailer}");
                return Err(Fault::new(Code::TrailerMismatch, message).value(text).at(self.lines.position()));
            }
            let kind = self.tags.iter().find(|(at, tag, _)| line.has(*at, tag)).map(|(.., kind)| *kind);
            match (kind, &self.trailer) {
                (Some(Kind::Ignored), _) => {}
                (Some(Kind::Trailer), Some(trailer)) => {
                    self.check(trailer, &line).map_err(|fault| fault.at(self.lines.position()))?;
                    self.ended = Some(self.lines.number);
                }
                (Some(Kind::Record(number)), _) => {
                    self.records += 1;
                    row.origin = self.lines.origin();
                    record(&self.types[number], &line, row);
                    return Ok(true);
                }
                (None | Some(Kind::Trailer), _) => {
                    row.origin = self.lines.origin();
                    let mut known: Vec<_> = self.tags.iter().map(|(_, tag, _)| format!("{tag:?}")).collect();
                    known.sort();
                    known.dedup();
                    let message = format!("the line has none of the tags {}", known.join(", "));
                    row.issue(Code::BadLine, None, Some(text), message);
                    return Ok(true);
                }
            }
        }
    }
}

/// The cells of one line. One of a wrong length gives what it has, so that reports can name its key.
fn record((places, length): &Type, line: &Line<'_>, row: &mut Row) {
    let characters = line.characters();
    if characters < *length {
        let message = format!("the line has {characters} characters, its type has {length}");
        row.issue(Code::BadLine, None, Some(line.text), message);
    } else if !line.part(*length, usize::MAX).trim().is_empty() {
        let message = format!("the line goes on behind character {length}, where its type ends");
        row.issue(Code::BadLine, None, Some(line.text), message);
    }
    for place in places {
        match place {
            Some((start, count)) if *start < characters => row.cell(line.part(*start, *count).trim_matches(' ')),
            _ => row.absent(),
        }
    }
}

/// A line by characters.
struct Line<'t> {
    text: &'t str,
    ascii: bool,
}

impl<'t> Line<'t> {
    fn new(text: &'t str) -> Self {
        Line { text, ascii: text.is_ascii() }
    }

    fn characters(&self) -> usize {
        if self.ascii { self.text.len() } else { self.text.chars().count() }
    }

    /// Where character `at` starts; the end if there are not so many.
    fn byte(&self, text: &str, at: usize) -> usize {
        match self.ascii {
            true => at.min(text.len()),
            false => text.char_indices().nth(at).map_or(text.len(), |(byte, _)| byte),
        }
    }

    /// `count` characters from `start`, or as many of them as there are.
    fn part(&self, start: usize, count: usize) -> &'t str {
        let rest = &self.text[self.byte(self.text, start)..];
        &rest[..self.byte(rest, count)]
    }

    fn has(&self, at: usize, tag: &str) -> bool {
        self.text[self.byte(self.text, at)..].starts_with(tag)
    }
}

/// Lines of the original, one at a time, whatever ends them.
struct Lines {
    encoding: Encoding,
    max: usize,
    held: Vec<u8>,
    /// The line at hand, without its end, and where the next one begins.
    line: std::ops::Range<usize>,
    next: usize,
    at_end: bool,
    /// The line's number, and where it starts in the original.
    number: u64,
    byte: u64,
}

impl Lines {
    fn new(options: &ReadOptions, mark: u64) -> Self {
        let encoding = options.format.encoding.unwrap_or(Encoding::Utf8);
        let (held, max) = (Vec::new(), options.max_record);
        Lines { encoding, max, held, line: 0..0, next: 0, at_end: false, number: 0, byte: mark }
    }

    /// Goes to the next line; false at the end.
    fn advance(&mut self, input: &mut dyn Bytes) -> Result<bool, Fault> {
        self.byte += self.encoding.length(&self.held[self.line.start..self.next]);
        self.number += 1;
        let start = self.next;
        self.line = start..start;
        let mut from = start;
        loop {
            let found = memchr::memchr2(b'\n', b'\r', &self.held[from..]).map(|at| from + at);
            match found {
                // Whether a line feed follows the carriage return, the next byte will say.
                Some(end) if self.held[end] == b'\n' || end + 1 < self.held.len() || self.at_end => {
                    let two = self.held[end] == b'\r' && self.held.get(end + 1) == Some(&b'\n');
                    self.next = end + 1 + usize::from(two);
                    self.line = self.line.start..end;
                    return Ok(true);
                }
                _ if self.at_end => {
                    self.next = self.held.len();
                    self.line.end = self.next;
                    return Ok(!self.line.is_empty());
                }
                _ => {}
            }
            self.held.drain(..self.line.start);
            self.line = 0..0;
            from = found.map_or(self.held.len(), |_| self.held.len() - 1);
            if self.held.len() > self.max {
                let message = format!("the line is longer than {} bytes", self.max);
                return Err(Fault::new(Code::RecordTooLong, message).at(self.position()));
            }
            let have = self.held.len();
            self.held.resize(have + STEP, 0);
            let count = input.fill(&mut self.held[have..])?;
            self.held.truncate(have + count);
            self.at_end = count < STEP;
        }
    }

    fn text(&self) -> Result<&str, Fault> {
        let raw = &self.held[self.line.clone()];
        simdutf8::compat::from_utf8(raw).map_err(|error| {
            let (at, byte) = (self.byte + error.valid_up_to() as u64, raw[error.valid_up_to()]);
            let fault = Fault::new(Code::NotUtf8, format!("this is not UTF-8: byte 0x{byte:02X} at offset {at}"));
            fault.at(Position { byte: at, ..self.position() })
        })
    }

    fn origin(&self) -> Origin {
        Origin { line: self.number, byte: self.byte }
    }

    fn position(&self) -> Position {
        Position { line: self.number, byte: self.byte, ..Position::default() }
    }
}
