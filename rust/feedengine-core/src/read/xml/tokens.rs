//! An XML document cut into its tags and texts, strictly: what is not well-formed fails with its place. No DTD is read,
//! so nothing can be fetched or expanded.

use super::super::source::Bytes;
use super::super::{Encoding, Origin, exact};
use super::letters::{self, Wrong};
use crate::fault::{Code, Fault, Position};

/// What is read at a time.
const STEP: usize = 64 * 1024;
/// Most attributes of one element.
const MOST_ATTRIBUTES: usize = 1000;

/// One attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Attribute {
    /// Its full name.
    pub(super) name: String,
    /// Its value, references replaced.
    pub(super) value: String,
}

/// A part of a document; what it holds is in the fields of [`Tokens`], whose memory is used again. Comments and
/// instructions are checked and passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// `name` and `attributes`; `empty` says that it ends as well.
    Start { empty: bool },
    /// `name`.
    End,
    /// `text`; `plain` is false in CDATA.
    Text { plain: bool },
    /// The document has ended and was whole.
    Eof,
}

/// A document being cut.
pub(super) struct Tokens {
    pub(super) name: String,
    pub(super) attributes: Vec<Attribute>,
    pub(super) text: String,
    encoding: Encoding,
    max: usize,
    held: Vec<u8>,
    /// Up to here `held` is consumed; the token at hand began at `from`.
    at: usize,
    from: usize,
    at_end: bool,
    /// Up to here line ends and bytes of the original are counted: that is done when somebody asks.
    counted: usize,
    lines: u64,
    byte: u64,
    /// Nothing has come yet; the root has come.
    fresh: bool,
    rooted: bool,
}

impl Tokens {
    pub(super) fn new(encoding: Encoding, mark: u64, max: usize) -> Tokens {
        Tokens {
            name: String::new(),
            attributes: Vec::new(),
            text: String::new(),
            encoding,
            max,
            held: Vec::new(),
            at: 0,
            from: 0,
            counted: 0,
            at_end: false,
            lines: 0,
            byte: mark,
            fresh: true,
            rooted: false,
        }
    }

    /// Where the token at hand starts.
    pub(super) fn origin(&mut self) -> Origin {
        self.count();
        Origin { line: self.lines + 1, byte: self.byte }
    }

    /// A fault where the token at hand starts.
    pub(super) fn fault(&self, code: Code, message: impl Into<String>) -> Fault {
        self.fault_at(self.from, code, message)
    }

    fn fault_at(&self, at: usize, code: Code, message: impl Into<String>) -> Fault {
        let before = &self.held[self.counted..at];
        let line = self.lines + exact::lines(before) + 1;
        let byte = self.byte + self.encoding.length(before);
        Fault::new(code, message).at(Position { line, byte, ..Position::default() })
    }

    fn wrong(&self, at: usize, (inner, code, what): Wrong) -> Fault {
        self.fault_at(at + inner, code, what)
    }

    /// The next token; `inside` says that an element is open.
    pub(super) fn next(&mut self, input: &mut dyn Bytes, inside: bool) -> Result<Token, Fault> {
        loop {
            self.from = self.at;
            if self.ends(input, 1)? {
                return match (inside, self.rooted) {
                    (true, _) => Err(self.fault(Code::Truncated, "the document ends before its elements are closed")),
                    (false, false) => Err(self.fault(Code::Truncated, "the document ends without an element")),
                    (false, true) => Ok(Token::Eof),
                };
            }
            let fresh = std::mem::take(&mut self.fresh);
            if self.held[self.at] != b'<' {
                if self.text(input, inside)? {
                    return Ok(Token::Text { plain: true });
                }
                continue;
            }
            if self.ends(input, 2)? {
                return Err(self.truncated());
            }
            match self.held[self.at + 1] {
                b'!' => {
                    if self.declared(input, inside)? {
                        return Ok(Token::Text { plain: false });
                    }
                }
                b'?' => self.instruction(input, fresh)?,
                b'/' => return self.end(input),
                _ => return self.start(input, inside),
            }
        }
    }

    /// Counts lines and bytes up to the token at hand.
    fn count(&mut self) {
        let before = &self.held[self.counted..self.from];
        self.lines += exact::lines(before);
        self.byte += self.encoding.length(before);
        self.counted = self.from;
    }

    /// Whether fewer than `count` bytes are left.
    fn ends(&mut self, input: &mut dyn Bytes, count: usize) -> Result<bool, Fault> {
        while self.held.len() < self.at + count && !self.at_end {
            self.more(input)?;
        }
        Ok(self.held.len() < self.at + count)
    }

    fn more(&mut self, input: &mut dyn Bytes) -> Result<(), Fault> {
        self.count();
        self.held.drain(..self.from);
        self.at -= self.from;
        (self.from, self.counted) = (0, 0);
        let have = self.held.len();
        if have > self.max {
            let message = format!("a tag or a text is longer than {} bytes", self.max);
            return Err(self.fault(Code::RecordTooLong, message));
        }
        // At most one byte more than a token may have, so that no limit depends on how much is read at a time.
        let room = self.max - have + 1;
        self.held.resize(have + have.max(STEP).min(room), 0);
        let count = input.fill(&mut self.held[have..])?;
        self.at_end = have + count < self.held.len();
        self.held.truncate(have + count);
        Ok(())
    }

    /// What lies between `at + skip` and the next `mark`, which is consumed.
    fn until(&mut self, input: &mut dyn Bytes, skip: usize, mark: &[u8]) -> Result<std::ops::Range<usize>, Fault> {
        let mut searched = skip;
        loop {
            let rest = self.held.get(self.at + searched..).unwrap_or_default();
            if let Some(found) = memchr::memmem::find(rest, mark) {
                let (start, end) = (self.at + skip, self.at + searched + found);
                self.at = end + mark.len();
                return Ok(start..end);
            }
            if self.at_end {
                return Err(self.truncated());
            }
            searched = (self.held.len() - self.at).saturating_sub(mark.len() - 1).max(skip);
            self.more(input)?;
        }
    }

    fn utf8(&self, range: std::ops::Range<usize>) -> Result<&str, Fault> {
        let raw = &self.held[range.clone()];
        simdutf8::compat::from_utf8(raw).map_err(|error| {
            let at = range.start + error.valid_up_to();
            let fault = self.fault_at(at, Code::NotUtf8, "");
            let (byte, place) = (self.held[at], fault.position.byte);
            Fault { message: format!("this is not UTF-8: byte 0x{byte:02X} at offset {place}"), ..fault }
        })
    }

    /// Character data up to the next tag; false outside of the root, where it must be white space.
    fn text(&mut self, input: &mut dyn Bytes, inside: bool) -> Result<bool, Fault> {
        let mut searched = 0;
        loop {
            if let Some(found) = memchr::memchr(b'<', &self.held[self.at + searched..]) {
                self.at += searched + found;
                break;
            }
            if self.at_end {
                self.at = self.held.len();
                break;
            }
            searched = self.held.len() - self.at;
            self.more(input)?;
        }
        let mut buffer = emptied(&mut self.text);
        let start = self.from;
        let text = self.utf8(start..self.at)?;
        if !inside {
            let blank = text.trim_start_matches(super::BLANK);
            if blank.is_empty() {
                return Ok(false);
            }
            let what =
                if self.rooted { "text follows the end of the document" } else { "text comes before the document" };
            return Err(self.fault_at(self.at - blank.len(), Code::BadXml, what));
        }
        if let Some(at) = memchr::memmem::find(text.as_bytes(), b"]]>") {
            return Err(self.fault_at(start + at, Code::BadXml, "]]> must be written as ]]&gt;"));
        }
        let text = letters::resolve(text, false).map_err(|wrong| self.wrong(start, wrong))?;
        buffer.push_str(&text);
        self.text = buffer;
        Ok(true)
    }

    /// A comment, CDATA (true), or what is refused.
    fn declared(&mut self, input: &mut dyn Bytes, inside: bool) -> Result<bool, Fault> {
        self.ends(input, 9)?;
        let head = &self.held[self.at..];
        if head.starts_with(b"<!--") {
            let range = self.until(input, 4, b"--")?;
            if self.ends(input, 1)? {
                return Err(self.truncated());
            }
            if self.held[self.at] != b'>' {
                return Err(self.fault_at(range.end, Code::BadXml, "-- must not stand within a comment"));
            }
            self.at += 1;
            self.checked(range)?;
            return Ok(false);
        }
        if head.starts_with(b"<![CDATA[") {
            if !inside {
                return Err(self.fault(Code::BadXml, "CDATA must stand within an element"));
            }
            let range = self.until(input, 9, b"]]>")?;
            let text = self.checked(range)?;
            self.text = text.replace("\r\n", "\n").replace('\r', "\n");
            return Ok(true);
        }
        if b"<!DOCTYPE".starts_with(&head[..head.len().min(9)]) && head.len() > 2 {
            return match head.len() {
                9.. => Err(self.fault(Code::XmlForbidden, "the document has a DTD")),
                _ => Err(self.truncated()),
            };
        }
        match [&b"<!--"[..], b"<![CDATA["].iter().any(|start| start.starts_with(head)) {
            true => Err(self.truncated()),
            false => Err(self.fault(Code::BadXml, "<! begins neither a comment nor CDATA")),
        }
    }

    /// `range` as text in which every character is allowed.
    fn checked(&self, range: std::ops::Range<usize>) -> Result<&str, Fault> {
        let start = range.start;
        let text = self.utf8(range)?;
        letters::forbidden(text).map_or(Ok(text), |wrong| Err(self.wrong(start, wrong)))
    }

    /// `<?target ... ?>`
    fn instruction(&mut self, input: &mut dyn Bytes, fresh: bool) -> Result<(), Fault> {
        let range = self.until(input, 2, b"?>")?;
        let text = self.checked(range.clone())?;
        let target = letters::name(text).map_err(|what| self.fault(Code::BadXml, what))?;
        let rest = &text[target.len()..];
        if !rest.is_empty() && !rest.starts_with(super::BLANK) {
            return Err(self.fault(Code::BadXml, "a blank must stand behind the name of an instruction"));
        }
        if !target.eq_ignore_ascii_case("xml") {
            return Ok(());
        }
        if !fresh || target != "xml" {
            return Err(self.fault(Code::BadXml, "<?xml may stand at the very start only"));
        }
        let given = self.attributes(range.start + target.len()..range.end)?;
        let value = |name: &str| given.iter().find(|other| other.name == name).map(|other| other.value.as_str());
        let order: Vec<_> = given.iter().map(|attribute| attribute.name.as_str()).collect();
        let known = ["version", "encoding", "standalone"];
        let expected: Vec<_> = known.into_iter().filter(|name| order.contains(name)).collect();
        let sound = order == expected
            && value("version").is_some_and(|version| version == "1.0" || version == "1.1")
            && value("standalone").is_none_or(|alone| matches!(alone, "yes" | "no"));
        if !sound {
            return Err(self.fault(Code::BadXml, "the first line is not <?xml version=\"1.0\" encoding=...?>"));
        }
        Ok(())
    }

    fn end(&mut self, input: &mut dyn Bytes) -> Result<Token, Fault> {
        let range = self.until(input, 2, b">")?;
        let mut buffer = emptied(&mut self.name);
        let text = self.utf8(range)?;
        let name = letters::name(text).map_err(|what| self.fault(Code::BadXml, what))?;
        if !text[name.len()..].trim_start_matches(super::BLANK).is_empty() {
            return Err(self.fault(Code::BadXml, "a closing tag holds nothing but its name"));
        }
        buffer.push_str(name);
        self.name = buffer;
        Ok(Token::End)
    }

    fn start(&mut self, input: &mut dyn Bytes, inside: bool) -> Result<Token, Fault> {
        if !inside && std::mem::replace(&mut self.rooted, true) {
            return Err(self.fault(Code::BadXml, "a second element follows the end of the document"));
        }
        let range = self.tag(input)?;
        let mut buffer = emptied(&mut self.name);
        let text = self.utf8(range.clone())?;
        let name = letters::name(text).map_err(|what| self.fault(Code::BadXml, what))?;
        let empty = text.ends_with('/');
        let rest = range.start + name.len()..range.end - usize::from(empty);
        buffer.push_str(name);
        self.name = buffer;
        self.attributes = self.attributes(rest)?;
        Ok(Token::Start { empty })
    }

    /// What lies between `<` and the `>` that closes the tag, which no quotes surround.
    fn tag(&mut self, input: &mut dyn Bytes) -> Result<std::ops::Range<usize>, Fault> {
        let (mut searched, mut quote) = (1, None);
        loop {
            while let Some(byte) = self.held.get(self.at + searched) {
                match (quote, byte) {
                    (None, b'>') => {
                        let range = self.at + 1..self.at + searched;
                        self.at = range.end + 1;
                        return Ok(range);
                    }
                    (_, b'<') => {
                        let at = self.at + searched;
                        return Err(self.fault_at(at, Code::BadXml, "< must not stand within a tag"));
                    }
                    (None, b'"' | b'\'') => quote = Some(*byte),
                    (Some(open), byte) if *byte == open => quote = None,
                    _ => {}
                }
                searched += 1;
            }
            if self.at_end {
                return Err(self.truncated());
            }
            self.more(input)?;
        }
    }

    /// The attributes in `range`, which begins behind the element's name.
    fn attributes(&self, range: std::ops::Range<usize>) -> Result<Vec<Attribute>, Fault> {
        let text = self.utf8(range.clone())?;
        let mut found: Vec<Attribute> = Vec::new();
        let mut rest = text;
        let bad = |rest: &str, what: &str| self.fault_at(range.end - rest.len(), Code::BadXml, what);
        loop {
            let blank = rest.trim_start_matches(super::BLANK);
            if blank.is_empty() {
                break;
            }
            if blank.len() == rest.len() {
                return Err(bad(rest, "a blank must stand before each attribute"));
            }
            let name = letters::name(blank).map_err(|what| bad(blank, what))?;
            let behind = blank[name.len()..].trim_start_matches(super::BLANK);
            let Some(value) = behind.strip_prefix('=').map(|value| value.trim_start_matches(super::BLANK)) else {
                return Err(bad(behind, "an attribute has no value"));
            };
            let Some(quote) = value.chars().next().filter(|quote| matches!(quote, '"' | '\'')) else {
                return Err(bad(value, "an attribute's value must stand in quotes"));
            };
            let Some((inner, after)) = value[1..].split_once(quote) else {
                return Err(bad(value, "an attribute's value is not closed"));
            };
            let at = range.end - value.len() + 1;
            let inner = letters::resolve(inner, true).map_err(|wrong| self.wrong(at, wrong))?;
            if found.len() >= MOST_ATTRIBUTES {
                let message = format!("an element has more than {MOST_ATTRIBUTES} attributes");
                return Err(self.fault(Code::TooManyColumns, message));
            }
            if found.iter().any(|other| other.name == name) {
                return Err(bad(blank, "an attribute stands twice"));
            }
            found.push(Attribute { name: name.to_owned(), value: inner.into_owned() });
            rest = after;
        }
        Ok(found)
    }

    fn truncated(&self) -> Fault {
        self.fault(Code::Truncated, "the document ends within a tag, a comment or CDATA")
    }
}

/// The memory of `text`, to be filled while the reader lends its bytes.
fn emptied(text: &mut String) -> String {
    let mut taken = std::mem::take(text);
    taken.clear();
    taken
}
