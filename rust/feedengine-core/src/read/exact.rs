//! The CSV grammar byte by byte: the last word where a shortcut is in doubt, and the yardstick in tests.
//!
//! A quote opens a field only as its first byte; elsewhere in an unquoted field it is a plain character. In a quoted
//! field a doubled quote is one quote; what follows the closing quote up to the delimiter is plain text.

use super::{Cut, Span};

/// Where the reader is within a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    FieldStart,
    Plain,
    Quoted,
    /// Just after a quote in a quoted field: it closed the field, unless another one follows.
    Closed,
}

/// What a byte turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Part of a field.
    Content,
    /// The delimiter that ends a field.
    Delimiter,
    /// A line feed, or a carriage return, that ends a record.
    Newline,
}

/// The reader's state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Machine {
    delimiter: u8,
    state: State,
}

impl Machine {
    /// A reader at the start of a record.
    pub(crate) fn new(delimiter: u8) -> Self {
        Machine { delimiter, state: State::FieldStart }
    }

    /// Whether the reader is within quotes.
    pub(crate) fn quoted(&self) -> bool {
        self.state == State::Quoted
    }

    /// Takes the next byte.
    #[inline]
    pub(crate) fn step(&mut self, byte: u8) -> Event {
        let state = match (self.state, byte) {
            (State::Quoted, b'"') => State::Closed,
            (State::Quoted, _) => State::Quoted,
            (State::Closed | State::FieldStart, b'"') => State::Quoted,
            (_, b'\n' | b'\r') => {
                self.state = State::FieldStart;
                return Event::Newline;
            }
            (_, byte) if byte == self.delimiter => {
                self.state = State::FieldStart;
                return Event::Delimiter;
            }
            _ => State::Plain,
        };
        self.state = state;
        Event::Content
    }
}

/// Calls `found(end, next)` for every record that a terminator ends: its last byte's end and the next one's start.
fn ends(bytes: &[u8], delimiter: u8, mut found: impl FnMut(usize, usize)) {
    let mut machine = Machine::new(delimiter);
    let mut skip = false;
    for (at, byte) in bytes.iter().enumerate() {
        if std::mem::take(&mut skip) {
            continue;
        }
        if machine.step(*byte) == Event::Newline {
            skip = *byte == b'\r' && bytes.get(at + 1) == Some(&b'\n');
            found(at, at + 1 + usize::from(skip));
        }
    }
}

/// See [`super::scan::records`].
pub(crate) fn records(bytes: &[u8], delimiter: u8, out: &mut Vec<Span>) -> Cut {
    let (mut start, mut ordinal) = (0, 0);
    ends(bytes, delimiter, |end, next| {
        if end > start {
            out.push(Span { start: start as u32, end: end as u32, ordinal });
        }
        start = next;
        ordinal += 1;
    });
    Cut { end: start, records: u64::from(ordinal), lines: lines(&bytes[..start]) }
}

/// The end of the first record and the start of the next one; nothing if no terminator ends it and it is not `whole`,
/// or a quote is still open.
pub(crate) fn first(bytes: &[u8], delimiter: u8, whole: bool) -> Option<(usize, usize)> {
    let mut machine = Machine::new(delimiter);
    for (at, byte) in bytes.iter().enumerate() {
        if machine.step(*byte) == Event::Newline {
            return match (byte, bytes.get(at + 1)) {
                (b'\r', Some(b'\n')) => Some((at, at + 2)),
                (b'\r', None) if !whole => None,
                _ => Some((at, at + 1)),
            };
        }
    }
    (whole && !machine.quoted()).then_some((bytes.len(), bytes.len()))
}

/// See [`super::scan::fields`]: the ends of the fields of one record, unmarked.
pub(crate) fn fields(raw: &[u8], delimiter: u8, ends: &mut Vec<u32>) {
    let mut machine = Machine::new(delimiter);
    for (at, byte) in raw.iter().enumerate() {
        if machine.step(*byte) == Event::Delimiter {
            ends.push(at as u32);
        }
    }
    ends.push(raw.len() as u32);
}

/// The number of line ends, of which CRLF is one.
pub(crate) fn lines(bytes: &[u8]) -> u64 {
    let feeds = memchr::memchr_iter(b'\n', bytes).count();
    let lone = memchr::memchr_iter(b'\r', bytes).filter(|at| bytes.get(at + 1) != Some(&b'\n')).count();
    (feeds + lone) as u64
}

/// Where the quote stands that is still open at the end of `bytes`, which start with a record.
pub(crate) fn open_quote(bytes: &[u8], delimiter: u8) -> Option<usize> {
    let mut machine = Machine::new(delimiter);
    let mut opened = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let first = machine.state == State::FieldStart;
        machine.step(*byte);
        if first && machine.quoted() {
            opened = at;
        }
    }
    machine.quoted().then_some(opened)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(bytes: &str) -> Vec<(u32, &str)> {
        let mut spans = Vec::new();
        records(bytes.as_bytes(), b',', &mut spans);
        spans.iter().map(|span| (span.ordinal, &bytes[span.start as usize..span.end as usize])).collect()
    }

    #[test]
    fn every_line_end_ends_a_record_outside_quotes_only() {
        assert_eq!(texts("a\nb\r\nc\rd"), [(0, "a"), (1, "b"), (2, "c")]);
        assert_eq!(texts("\"a\nb\"\r\n\r\n\"\r\n\",x\n"), [(0, "\"a\nb\""), (2, "\"\r\n\",x")]);
        assert_eq!(texts("5\" pipe\n\"x\" y\"\nz\n"), [(0, "5\" pipe"), (1, "\"x\" y\""), (2, "z")]);
    }

    #[test]
    fn a_cut_counts_what_lies_before_it() {
        let cut = |bytes: &[u8]| records(bytes, b',', &mut Vec::new());
        assert_eq!(cut(b"a\r\n\"b\nc\"\nd\ne"), Cut { end: 11, records: 3, lines: 4 });
        assert_eq!(cut(b"\"a\n"), Cut::default());
    }

    #[test]
    fn an_open_quote_is_found_where_it_opened() {
        assert_eq!(open_quote(b"a,\"b\"\"c\n\"\"", b','), Some(2));
        assert_eq!(open_quote(b"a,\"b\"", b','), None);
        assert_eq!(open_quote(b"a\",b", b','), None);
    }
}
