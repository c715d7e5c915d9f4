//! One CSV record to cells.

use super::cell::Sink;
use super::foreign::ABSENT;
use super::header::{HeaderColumn, Way};
use super::scan;
use crate::fault::Code;
use crate::record::{Kind, State};

/// Reads `raw`, one record, into `sink`. `text` is the same bytes.
/// With `ROWS` a bare [`ABSENT`] is a cell that the record does not have.
pub(crate) fn parse<const ROWS: bool>(text: &str, delimiter: u8, columns: &[HeaderColumn], sink: &mut Sink<'_>) {
    let mut ends = std::mem::take(&mut sink.scratch.ends);
    ends.clear();
    let seen = scan::fields(text.as_bytes(), delimiter, &mut ends);
    if ends.len() > columns.len() {
        let message = format!("the row has {} fields, the header {} columns", ends.len(), columns.len());
        sink.issue(Code::LongRow, "", "", message);
    } else if ends.len() < columns.len() {
        let message = format!("the row has {} fields, the header {} columns", ends.len(), columns.len());
        sink.issue(Code::ShortRow, "", "", message);
    }
    let mut start = 0;
    for (column, end) in columns.iter().zip(&ends) {
        let (end, quoted) = ((*end & !scan::QUOTED) as usize, *end & scan::QUOTED != 0);
        let field = &text[start..end];
        if ROWS && field == ABSENT {
            start = end + 1;
            continue;
        }
        match (column.way, column.field) {
            (Way::Ignored, _) => {}
            (Way::Plain(Kind::Text), Some(id)) if field.is_empty() => sink.record.push_empty(id, State::Blank),
            (Way::Plain(Kind::Text), Some(id)) if !quoted => sink.record.push_text(id, field),
            _ => {
                sink.offset = start;
                if quoted {
                    cell(column, field, sink);
                } else {
                    sink.text(column.way, column.field, &column.name, field);
                }
            }
        }
        if seen.nul && field.contains('\0') {
            sink.offset = start;
            sink.issue(Code::NulByte, &column.name, field, format!("{:?} holds a NUL byte", column.name));
        }
        start = end + 1;
    }
    sink.scratch.ends = ends;
}

/// One field that holds a quote.
fn cell(column: &HeaderColumn, field: &str, sink: &mut Sink<'_>) {
    let plain = match unquote(field) {
        Quoting::None => field,
        Quoting::Inside => {
            let message = format!("{:?} holds a quote but is not quoted: taken as it is", column.name);
            sink.issue(Code::QuoteInField, &column.name, field, message);
            field
        }
        Quoting::Whole(Inner::Plain(inner)) => inner,
        Quoting::Whole(Inner::Doubled(inner)) => {
            let mut text = std::mem::take(&mut sink.scratch.plain);
            text.clear();
            // Half of the quotes: what lies up to each pair, and one of the pair.
            let mut from = 0;
            for at in memchr::memchr_iter(b'"', inner.as_bytes()).step_by(2) {
                text.push_str(&inner[from..=at]);
                from = at + 2;
            }
            text.push_str(&inner[from..]);
            sink.text(column.way, column.field, &column.name, &text);
            sink.scratch.plain = text;
            return;
        }
        Quoting::Broken => {
            let message = format!("{:?} goes on behind its closing quote", column.name);
            return sink.issue(Code::TextAfterQuote, &column.name, field, message);
        }
    };
    sink.text(column.way, column.field, &column.name, plain);
}

pub(crate) enum Quoting<'a> {
    None,
    /// A quote within a field that does not start with one.
    Inside,
    Whole(Inner<'a>),
    /// Text behind the closing quote.
    Broken,
}

pub(crate) enum Inner<'a> {
    Plain(&'a str),
    Doubled(&'a str),
}

pub(crate) fn unquote(field: &str) -> Quoting<'_> {
    let Some(rest) = field.strip_prefix('"') else {
        return if field.contains('"') { Quoting::Inside } else { Quoting::None };
    };
    let Some(inner) = rest.strip_suffix('"') else { return Quoting::Broken };
    let mut quotes = memchr::memchr_iter(b'"', inner.as_bytes());
    let mut doubled = false;
    while let Some(at) = quotes.next() {
        doubled = true;
        if quotes.next() != Some(at + 1) {
            return Quoting::Broken;
        }
    }
    Quoting::Whole(if doubled { Inner::Doubled(inner) } else { Inner::Plain(inner) })
}

/// The texts of a record, for the header.
pub(crate) fn texts(raw: &[u8], delimiter: u8) -> Vec<String> {
    let mut ends = Vec::new();
    scan::fields(raw, delimiter, &mut ends);
    let mut start = 0;
    let mut texts = Vec::with_capacity(ends.len());
    for end in ends {
        let end = end & !scan::QUOTED;
        let field = String::from_utf8_lossy(&raw[start..end as usize]);
        texts.push(match unquote(&field) {
            Quoting::Whole(Inner::Plain(inner) | Inner::Doubled(inner)) => inner.replace("\"\"", "\""),
            _ => field.into_owned(),
        });
        start = end as usize + 1;
    }
    texts
}

/// The bytes of field `column` where they can be had without parsing the record: none of the fields before it may be
/// quoted, nor may it hold a doubled quote itself.
pub(crate) fn key(raw: &[u8], delimiter: u8, column: usize) -> Option<&[u8]> {
    let mut rest = raw;
    for _ in 0..column {
        if rest.first() == Some(&b'"') {
            return None;
        }
        rest = &rest[memchr::memchr(delimiter, rest)? + 1..];
    }
    if rest.first() != Some(&b'"') {
        return Some(&rest[..memchr::memchr(delimiter, rest).unwrap_or(rest.len())]);
    }
    let inner = &rest[1..];
    let end = memchr::memchr(b'"', inner)?;
    inner.get(end + 1).is_none_or(|next| *next == delimiter).then(|| &inner[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quick_key_is_the_parsed_one() {
        for (raw, column, expected) in [
            ("A1,x", 0, Some("A1")),
            ("A1", 0, Some("A1")),
            ("\"A,1\",x", 0, Some("A,1")),
            ("x,\"A1\"", 1, Some("A1")),
            ("\"x\",A1", 1, None),
            ("\"A\"\"1\"", 0, None),
            ("\"A1\"x,", 0, None),
            ("x", 1, None),
            (",y", 0, Some("")),
        ] {
            assert_eq!(key(raw.as_bytes(), b',', column), expected.map(str::as_bytes), "{raw}");
        }
    }

    #[test]
    fn header_texts_lose_their_quotes() {
        assert_eq!(texts(b"\"a\",b,\"c\"\"d,\"", b','), ["a", "b", "c\"d,"]);
    }
}
