//! The XML of a workbook's parts, piece by piece: no DTD, no entities of its own, no piece beyond a limit.

use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, Read};

use quick_xml::events::{BytesEnd, BytesRef, BytesStart, Event};
use quick_xml::{Error, Reader, XmlVersion};

use crate::fault::{Code, Fault};

/// What comes next.
pub(crate) enum Piece<'x> {
    /// An element begins; an empty one ends at once.
    Open(Tag<'x>),
    /// An element ends.
    Close(BytesEnd<'x>),
    /// Part of a text: several may follow one another.
    Text(Cow<'x, str>),
    /// Nothing that means anything.
    Other,
    /// The part is over.
    End,
}

/// The start of an element.
pub(crate) struct Tag<'x>(BytesStart<'x>);

impl Tag<'_> {
    /// Its name without a prefix.
    pub(crate) fn name(&self) -> &str {
        self.0.local_name().into_inner()
    }

    /// Calls `each` with the attributes' names, without a prefix, and values.
    pub(crate) fn attributes(&self, mut each: impl FnMut(&str, &str)) -> Result<(), Fault> {
        for attribute in self.0.attributes().with_checks(false) {
            let attribute = attribute.map_err(|error| bad(&error.to_string()))?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| bad(&error.to_string()))?;
            each(attribute.key.local_name().into_inner(), &value);
        }
        Ok(())
    }

    /// An attribute's value.
    pub(crate) fn get(&self, wanted: &str) -> Result<Option<String>, Fault> {
        let mut found = None;
        self.attributes(|name, value| {
            if name == wanted {
                found = Some(value.to_owned());
            }
        })?;
        Ok(found)
    }
}

/// Elements within one another: no part of a workbook goes deeper.
const DEEPEST: usize = 100;

/// XML that is not what it must be.
pub(crate) fn bad(what: &str) -> Fault {
    Fault::new(Code::BadSheet, format!("the workbook's XML is not well-formed: {what}"))
}

/// One part being read.
pub(crate) struct Xml<R> {
    reader: Reader<Bounded<BufReader<R>>>,
    buffer: Vec<u8>,
    depth: usize,
    most: usize,
}

impl<R: Read> Xml<R> {
    /// Reads `part`; a single piece of it may have `most` bytes.
    pub(crate) fn new(part: R, most: usize) -> Self {
        let part = Bounded { inner: BufReader::with_capacity(128 << 10, part), left: most };
        let mut reader = Reader::from_reader(part);
        reader.config_mut().expand_empty_elements = true;
        Xml { reader, buffer: Vec::new(), depth: 0, most }
    }

    /// Goes on to the next piece.
    pub(crate) fn next(&mut self) -> Result<Piece<'_>, Fault> {
        self.buffer.clear();
        self.reader.get_mut().left = self.most;
        match self.reader.read_event_into(&mut self.buffer).map_err(wrong)? {
            Event::Start(tag) => {
                self.depth += 1;
                if self.depth > DEEPEST {
                    return Err(bad("its elements are nested too deeply"));
                }
                Ok(Piece::Open(Tag(tag)))
            }
            Event::End(tag) => {
                self.depth -= 1;
                Ok(Piece::Close(tag))
            }
            Event::Text(text) => Ok(Piece::Text(content(text.into_inner()))),
            Event::CData(text) => Ok(Piece::Text(content(text.into_inner()))),
            Event::GeneralRef(reference) => resolve(&reference).map(|letter| Piece::Text(letter.to_string().into())),
            Event::Decl(declaration) => match declaration.encoding().transpose() {
                Ok(name) if name.as_ref().is_none_or(|name| name.eq_ignore_ascii_case("utf-8")) => Ok(Piece::Other),
                _ => Err(bad("it is not UTF-8")),
            },
            Event::DocType(_) => Err(Fault::new(Code::XmlForbidden, "the workbook's XML has a DTD")),
            Event::Eof if self.depth > 0 => Err(bad("it ends early")),
            Event::Eof => Ok(Piece::End),
            Event::Empty(_) | Event::Comment(_) | Event::PI(_) => Ok(Piece::Other),
        }
    }
}

/// Line ends as XML has them.
fn content(text: Cow<'_, str>) -> Cow<'_, str> {
    match text.contains('\r') {
        true => text.replace("\r\n", "\n").replace('\r', "\n").into(),
        false => text,
    }
}

fn resolve(reference: &BytesRef<'_>) -> Result<char, Fault> {
    let known = match &**reference {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => reference.resolve_char_ref().map_err(wrong)?,
    };
    known.ok_or_else(|| {
        Fault::new(Code::XmlForbidden, format!("the workbook's XML has an entity of its own, {:?}", &**reference))
    })
}

/// A fault of the archive or of a limit as it was, any other as bad XML.
fn wrong(error: Error) -> Fault {
    if let Error::Io(error) = &error {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Fault>());
        return inner.cloned().unwrap_or_else(|| Fault::new(Code::Unreadable, format!("reading failed: {error}")));
    }
    bad(&error.to_string())
}

/// Fails when too much is read without a pause: a piece without an end would be held in memory.
struct Bounded<R> {
    inner: R,
    left: usize,
}

impl<R: BufRead> Read for Bounded<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(out)?;
        self.consume(count);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Bounded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            let message = "the workbook holds a text or an element beyond the limit";
            return Err(io::Error::other(Fault::new(Code::RecordTooLong, message)));
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.left = self.left.saturating_sub(count);
        self.inner.consume(count);
    }
}
