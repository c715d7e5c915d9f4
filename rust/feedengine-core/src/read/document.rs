//! One JSON document as a stream: its lists are sections, their elements are cut out by their brackets alone. What
//! stands between the brackets of an element is checked when it is parsed; all the rest is checked here.

use super::json::{MAX_DEPTH, Next, Reader, Wrong};
use super::scan::{self, ValueEnd};
use super::source::Bytes;
use super::{Block, Encoding, ReadOptions, Span, exact, near};
use crate::fault::{Code, Fault, Position};

/// What the document gives next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A list of this entity's elements begins.
    List(usize),
    /// The block holds more elements.
    Block,
    /// The list has ended.
    ListEnd,
    /// So has the document.
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Start,
    /// Before a member of the document's object; the first one has no comma before it.
    Member {
        first: bool,
    },
    /// Within a list, before its first element, or behind another one.
    List {
        first: bool,
    },
    /// Behind the list, which `bare` says is the whole document.
    ListEnd,
    Trailer,
}

/// Bytes that are read at once between lists.
const STEP: usize = 16 * 1024;

/// The state of one document.
pub(crate) struct Document {
    names: Vec<String>,
    block: usize,
    max_record: usize,
    /// Entity of a document that is nothing but a list.
    bare: usize,
    is_bare: bool,
    state: State,
    /// What was read but not consumed.
    tail: Vec<u8>,
    at_end: bool,
    pub(crate) section: u32,
    pub(crate) records: u64,
    pub(crate) lines: u64,
    pub(crate) bytes: u64,
    encoding: Encoding,
    /// Where the current list began: its lines and bytes are counted from here.
    pub(crate) list_start: (u64, u64),
    pub(crate) warnings: Vec<Fault>,
}

impl Document {
    /// Begins behind the byte order mark.
    pub(crate) fn new(options: &ReadOptions, bare: usize, mark: &[u8]) -> Self {
        let encoding = options.format.encoding.unwrap_or(Encoding::Utf8);
        Document {
            names: options.entities.iter().map(|spec| spec.name.clone()).collect(),
            block: options.block.max(16),
            max_record: options.max_record,
            bare,
            is_bare: false,
            state: State::Start,
            tail: Vec::new(),
            at_end: false,
            section: 0,
            records: 0,
            lines: 0,
            bytes: encoding.length(mark),
            encoding,
            list_start: (0, 0),
            warnings: Vec::new(),
        }
    }

    /// Goes on to the next event.
    pub(crate) fn next(&mut self, input: &mut impl Bytes, block: &mut Block) -> Result<Event, Fault> {
        loop {
            match self.state {
                State::Start => match self.peek(input)? {
                    Some(b'{') => {
                        self.consume(1);
                        self.state = State::Member { first: true };
                    }
                    Some(b'[') => {
                        self.is_bare = true;
                        return Ok(self.list(self.bare));
                    }
                    Some(_) => return Err(self.bad("a document must be an object or a list")),
                    None => return Err(self.fault(Code::EmptyFile, "the document is empty")),
                },
                State::Member { first } => {
                    if let Some(entity) = self.member(input, first)? {
                        return Ok(self.list(entity));
                    }
                }
                State::List { .. } => {
                    if self.elements(input, block)? {
                        return Ok(Event::Block);
                    }
                    return Ok(Event::ListEnd);
                }
                State::ListEnd => {
                    self.state = if self.is_bare { State::Trailer } else { State::Member { first: false } };
                }
                State::Trailer => {
                    return match self.peek(input)? {
                        None => Ok(Event::End),
                        Some(_) => Err(self.bad("something follows the document")),
                    };
                }
            }
        }
    }

    fn list(&mut self, entity: usize) -> Event {
        self.consume(1);
        self.records = 0;
        self.list_start = (self.lines, self.bytes);
        self.state = State::List { first: true };
        Event::List(entity)
    }

    /// Reads the next member's name, up to the bracket of its list. Members that are no lists are passed over.
    fn member(&mut self, input: &mut impl Bytes, first: bool) -> Result<Option<usize>, Fault> {
        match self.peek(input)? {
            Some(b'}') => {
                self.consume(1);
                self.state = State::Trailer;
                return Ok(None);
            }
            Some(b',') if !first => {
                self.consume(1);
                self.peek(input)?;
            }
            Some(_) if first => {}
            Some(_) => return Err(self.bad("a comma or a closing brace is missing")),
            None => return Err(self.truncated()),
        }
        let name = self.token(input, |reader| reader.string().map(|name| name.into_owned()))?;
        match self.peek(input)? {
            Some(b':') => self.consume(1),
            Some(_) => return Err(self.bad("a colon is missing")),
            None => return Err(self.truncated()),
        }
        self.state = State::Member { first: false };
        let entity = self.names.iter().position(|known| *known == name);
        match (self.peek(input)?, entity) {
            (None, _) => Err(self.truncated()),
            (Some(b'['), Some(entity)) => Ok(Some(entity)),
            (Some(b'['), None) => {
                let near = near::hint(&name, self.names.iter().map(String::as_str));
                let message = format!("the list {name:?} is none of {}{near}", self.names.join(", "));
                Err(self.fault(Code::UnknownEntity, message).value(&name))
            }
            (Some(_), Some(_)) => Err(self.bad("this member must be a list")),
            (Some(_), None) => {
                let message = format!("the document's member {name:?} is not known and left out");
                let warning = self.fault(Code::UnknownMember, message).column(name);
                self.token(input, |reader| reader.skip(1))?;
                self.warnings.push(warning);
                Ok(None)
            }
        }
    }

    /// Reads something small, which may need more bytes than are at hand.
    fn token<T>(
        &mut self,
        input: &mut impl Bytes,
        read: impl Fn(&mut Reader<'_>) -> Result<T, Wrong>,
    ) -> Result<T, Fault> {
        loop {
            // A character that is cut at the end of the bytes at hand is whole when there are more.
            let valid = match std::str::from_utf8(&self.tail) {
                Ok(text) => text,
                Err(error) if error.error_len().is_none() && !self.at_end => {
                    std::str::from_utf8(&self.tail[..error.valid_up_to()]).unwrap_or_default()
                }
                Err(error) => {
                    let fault = self.fault_at(error.valid_up_to(), Code::NotUtf8, "the document is not UTF-8");
                    return Err(fault);
                }
            };
            let mut reader = Reader::new(valid);
            let result = read(&mut reader);
            // At the very end of what is at hand a number, or an error, may look otherwise with more bytes.
            let settled = reader.at < valid.len() && !matches!(result, Err(wrong) if wrong.at + 8 > valid.len());
            if settled || self.at_end {
                return match result {
                    Ok(value) => {
                        let length = reader.at;
                        self.consume(length);
                        Ok(value)
                    }
                    Err(wrong) if wrong.at >= self.tail.len() => Err(self.truncated()),
                    Err(wrong) => Err(self.fault_at(wrong.at, wrong.code, wrong.what)),
                };
            }
            if self.tail.len() > self.max_record {
                return Err(self.fault(Code::RecordTooLong, "a member of the document is too long"));
            }
            self.more(input, STEP.max(self.tail.len()))?;
        }
    }

    /// Fills `block` with elements; false at the end of the list.
    fn elements(&mut self, input: &mut impl Bytes, block: &mut Block) -> Result<bool, Fault> {
        block.section = self.section;
        block.first_record = self.records;
        block.first_line = self.lines + 1;
        block.first_byte = self.bytes;
        block.spans.clear();
        let bytes = &mut block.bytes;
        let mut have = self.tail.len();
        let mut target = self.block.max(2 * have);
        bytes.resize(target, 0);
        bytes[..have].copy_from_slice(&self.tail);
        loop {
            if !self.at_end {
                have += input.fill(&mut bytes[have..target])?;
                self.at_end = have < target;
            }
            let found = self.cut(&bytes[..have], &mut block.spans)?;
            let end = block.spans.last().map_or(0, |span| span.end as usize);
            if end > 0 {
                // What stands behind the last element is looked at again with the next block.
                self.take(bytes, have, end);
                self.records += block.spans.len() as u64;
                self.state = State::List { first: false };
                return Ok(true);
            }
            if let Some(end) = found {
                self.take(bytes, have, end);
                self.state = State::ListEnd;
                return Ok(false);
            }
            if self.at_end {
                self.take(bytes, have, have);
                return Err(self.truncated());
            }
            if have > self.max_record {
                let message = format!("the element is longer than {} bytes", self.max_record);
                return Err(self.fault(Code::RecordTooLong, message));
            }
            target = have * 2;
            bytes.resize(target, 0);
        }
    }

    /// Notes the elements of `bytes`; the offset behind the list's end, if it is there.
    fn cut(&self, bytes: &[u8], spans: &mut Vec<Span>) -> Result<Option<usize>, Fault> {
        let mut at = 0;
        let (mut comma, mut element) = (false, self.state == State::List { first: false });
        loop {
            at += bytes[at..].iter().take_while(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t')).count();
            match bytes.get(at) {
                None => return Ok(None),
                Some(b']') if !comma => return Ok(Some(at + 1)),
                Some(b',') if element => {
                    at += 1;
                    (comma, element) = (true, false);
                }
                Some(b'{') if !element => match scan::value_end(&bytes[at..], MAX_DEPTH - 1) {
                    ValueEnd::At(length) => {
                        let ordinal = spans.len() as u32;
                        spans.push(Span { start: at as u32, end: (at + length) as u32, ordinal });
                        at += length;
                        (comma, element) = (false, true);
                    }
                    ValueEnd::Beyond => return Ok(None),
                    ValueEnd::TooDeep => {
                        return Err(self.inside(bytes, at, spans, Code::TooDeep, "values are nested too deeply"));
                    }
                },
                Some(b']') => {
                    return Err(self.inside(bytes, at, spans, Code::BadJson, "a comma stands before the end"));
                }
                Some(_) if element => {
                    return Err(self.inside(
                        bytes,
                        at,
                        spans,
                        Code::BadJson,
                        "a comma or a closing bracket is missing",
                    ));
                }
                Some(_) => return Err(self.inside(bytes, at, spans, Code::BadJson, "an element must be an object")),
            }
        }
    }

    /// A fault at `at` of a block's bytes.
    fn inside(&self, bytes: &[u8], at: usize, spans: &[Span], code: Code, message: &str) -> Fault {
        let position = Position {
            member: String::new(),
            record: self.records + spans.len() as u64 + 1,
            line: self.lines + 1 + exact::lines(&bytes[..at]),
            byte: self.bytes + self.encoding.length(&bytes[..at]),
            sheet: None,
        };
        Fault::new(code, message).at(position)
    }

    /// Keeps what lies behind `end` for later.
    fn take(&mut self, bytes: &mut Vec<u8>, have: usize, end: usize) {
        self.tail.clear();
        self.tail.extend_from_slice(&bytes[end..have]);
        bytes.truncate(end);
        self.lines += exact::lines(bytes);
        self.bytes += self.encoding.length(bytes);
    }

    /// The next byte that is not white space; all before it is consumed.
    fn peek(&mut self, input: &mut impl Bytes) -> Result<Option<u8>, Fault> {
        loop {
            let space = self.tail.iter().take_while(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t')).count();
            if let Some(byte) = self.tail.get(space).copied() {
                self.consume(space);
                return Ok(Some(byte));
            }
            if self.at_end {
                self.consume(space);
                return Ok(None);
            }
            // The last one is kept: it may be the first half of a line end.
            self.consume(space.saturating_sub(1));
            self.more(input, STEP)?;
        }
    }

    fn more(&mut self, input: &mut impl Bytes, count: usize) -> Result<(), Fault> {
        let have = self.tail.len();
        self.tail.resize(have + count, 0);
        let filled = input.fill(&mut self.tail[have..])?;
        self.tail.truncate(have + filled);
        self.at_end = filled < count;
        Ok(())
    }

    fn consume(&mut self, count: usize) {
        self.lines += exact::lines(&self.tail[..count]);
        self.bytes += self.encoding.length(&self.tail[..count]);
        self.tail.drain(..count);
    }

    fn fault(&self, code: Code, message: impl Into<String>) -> Fault {
        self.fault_at(0, code, message)
    }

    fn fault_at(&self, at: usize, code: Code, message: impl Into<String>) -> Fault {
        let before = &self.tail[..at.min(self.tail.len())];
        let line = self.lines + 1 + exact::lines(before);
        let byte = self.bytes + self.encoding.length(before);
        let position = Position { line, byte, ..Position::default() };
        Fault::new(code, message).at(position)
    }

    fn bad(&self, message: &str) -> Fault {
        let wrong = Reader::new(std::str::from_utf8(&self.tail).unwrap_or_default()).next();
        match wrong {
            Err(wrong) if !self.tail.is_empty() => self.fault(Code::BadJson, format!("{message}: {}", wrong.what)),
            Ok(Next::Object | Next::List) | Ok(_) | Err(_) => self.fault(Code::BadJson, message),
        }
    }

    fn truncated(&self) -> Fault {
        self.fault(Code::Truncated, "the document ends before it is closed")
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Random, options};
    use super::*;

    /// Lists of a document: entity and elements with the line on which each starts.
    /// Elements with their first byte, by list.
    type Lists = Vec<(usize, Vec<(String, u64)>)>;

    fn read(text: &str, size: usize) -> Result<Lists, (Code, u64)> {
        let mut options = options();
        options.block = size;
        let mut document = Document::new(&options, 0, b"");
        let (mut input, mut block, mut lists) = (text.as_bytes(), Block::default(), Vec::new());
        loop {
            match document.next(&mut input, &mut block).map_err(|fault| (fault.code, fault.position.byte))? {
                Event::List(entity) => lists.push((entity, Vec::new())),
                Event::Block => {
                    for (at, span) in block.spans.iter().enumerate() {
                        assert_eq!(span.ordinal as usize, at);
                        let raw = block.raw(span);
                        let line = block.first_line + exact::lines(&block.bytes[..span.start as usize]);
                        let start = block.first_byte as usize + span.start as usize;
                        assert_eq!(&text.as_bytes()[start..start + raw.len()], raw);
                        assert_eq!(line, exact::lines(&text.as_bytes()[..start]) + 1);
                        if let Some((_, elements)) = lists.last_mut() {
                            assert_eq!(block.first_record as usize + at, elements.len());
                            elements.push((String::from_utf8_lossy(raw).into_owned(), line));
                        }
                    }
                }
                Event::ListEnd => {}
                Event::End => return Ok(lists),
            }
        }
    }

    #[test]
    fn lists_and_elements_come_in_order() {
        let text = "\r\n{ \"n\": {\"items\":[1]}, \"items\" :[ {\"id\":\"}]\"},\r\n{} ] ,\"variations\":[]}\n";
        for size in [16, 20, 1000] {
            assert_eq!(
                read(text, size),
                Ok(vec![(0, vec![("{\"id\":\"}]\"}".into(), 2), ("{}".into(), 3)]), (1, vec![])])
            );
        }
        assert_eq!(read(" [ ] ", 16), Ok(vec![(0, vec![])]));
    }

    #[test]
    fn what_is_wrong_between_the_elements_is_found() {
        for (text, code, byte) in [
            ("42", Code::BadJson, 0),
            ("{\"items\":[{}]} {}", Code::BadJson, 15),
            ("{\"items\":[{},]}", Code::BadJson, 13),
            ("{\"items\":[,{}]}", Code::BadJson, 10),
            ("{\"items\":[{} {}]}", Code::BadJson, 13),
            ("{\"items\":[1]}", Code::BadJson, 10),
            ("{\"items\":[{}],}", Code::BadJson, 14),
            ("{items:[]}", Code::BadJson, 1),
            ("{\"items\":{}}", Code::BadJson, 9),
            ("{\"item\":[]}", Code::UnknownEntity, 8),
            ("{\"items\":[{}", Code::Truncated, 12),
            ("{\"items\":[{}]", Code::Truncated, 13),
            ("{\"items\":[{\"a\":", Code::Truncated, 15),
            ("{\"ite", Code::Truncated, 1),
            ("// x\n{}", Code::BadJson, 0),
        ] {
            for size in [16, 1000] {
                assert_eq!(read(text, size), Err((code, byte)), "{text}");
            }
        }
        let deep = format!("[{}", "{\"a\":".repeat(100_000));
        assert_eq!(read(&deep, 64), Err((Code::TooDeep, 1)));
    }

    #[test]
    fn elements_are_those_that_serde_json_finds() {
        let mut random = Random::new(7);
        for _ in 0..300 {
            let mut text = String::from("{\"items\": [");
            for at in 0..random.below(20) {
                text.push_str(if at > 0 { random.text(&[",", " ,\n", ", "]) } else { "" });
                text.push_str(random.text(&[
                    "{}",
                    "{\"a\":[{\"b\":\"}\\\"]\"}]}",
                    "{\"long name\\\\\":\"[[[é\"}",
                    "{\"x\":{\"y\":[]}}",
                ]));
            }
            text.push_str("]}");
            let value: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
            for size in [16, 33, 100, 10_000] {
                let lists = read(&text, size).unwrap_or_default();
                let ours: Vec<serde_json::Value> =
                    lists[0].1.iter().map(|(raw, _)| serde_json::from_str(raw).unwrap_or_default()).collect();
                assert_eq!(Some(&ours), value["items"].as_array());
            }
        }
    }
}
