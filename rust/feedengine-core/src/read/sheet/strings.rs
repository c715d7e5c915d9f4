//! The texts that cells share: in memory while they are few, otherwise in an unnamed file.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::ops::Deref;

use memmap2::Mmap;

use super::cell;
use super::xml::{Piece, Xml};
use crate::fault::{Code, Fault};

/// Bytes that are held in memory, of texts and of places each.
const HELD: usize = 16 << 20;

/// Shared texts by number.
#[derive(Default)]
pub(crate) struct Strings {
    texts: Store,
    /// For each text where it ends among the texts, four bytes.
    ends: Store,
}

impl Strings {
    /// Reads the part `sharedStrings.xml`.
    pub(crate) fn read(part: impl Read, most: usize) -> Result<Strings, Fault> {
        let mut xml = Xml::new(part, most);
        let (mut texts, mut ends) = (Writer::default(), Writer::default());
        let (mut text, mut inside, mut phonetic) = (String::new(), false, false);
        loop {
            match xml.next()? {
                Piece::Open(tag) => match tag.name() {
                    "si" => text.clear(),
                    "t" => inside = !phonetic,
                    "rPh" => phonetic = true,
                    _ => {}
                },
                Piece::Text(part) if inside => {
                    text.push_str(&part);
                    cell::check_length(&text, most)?;
                }
                Piece::Close(tag) => match tag.local_name().into_inner() {
                    "t" => inside = false,
                    "rPh" => phonetic = false,
                    "si" => {
                        texts.push(cell::unescape(&text).as_bytes())?;
                        let Ok(end) = u32::try_from(texts.length) else {
                            let message = "the workbook's shared texts are longer than 4 GiB";
                            return Err(Fault::new(Code::ArchiveBomb, message));
                        };
                        ends.push(&end.to_le_bytes())?;
                    }
                    _ => {}
                },
                Piece::Text(_) | Piece::Other => {}
                Piece::End => return Ok(Strings { texts: texts.done()?, ends: ends.done()? }),
            }
        }
    }

    /// The text `number`, from 0.
    pub(crate) fn get(&self, number: usize) -> Option<&str> {
        let end = |number: usize| {
            let bytes = self.ends.get(number.checked_mul(4)?..)?.first_chunk()?;
            Some(u32::from_le_bytes(*bytes) as usize)
        };
        let start = if number == 0 { 0 } else { end(number - 1)? };
        std::str::from_utf8(self.texts.get(start..end(number)?)?).ok()
    }
}

/// Bytes that have been written.
enum Store {
    Held(Vec<u8>),
    File(Mmap),
}

impl Default for Store {
    fn default() -> Self {
        Store::Held(Vec::new())
    }
}

impl Deref for Store {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Store::Held(bytes) => bytes,
            Store::File(bytes) => bytes,
        }
    }
}

#[derive(Default)]
struct Writer {
    held: Vec<u8>,
    file: Option<BufWriter<File>>,
    length: u64,
}

fn refuse(error: io::Error) -> Fault {
    Fault::new(Code::Unreadable, format!("the workbook's texts cannot be kept in a temporary file: {error}"))
}

impl Writer {
    fn push(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.length += bytes.len() as u64;
        if let Some(file) = &mut self.file {
            return file.write_all(bytes).map_err(refuse);
        }
        self.held.extend_from_slice(bytes);
        if self.held.len() > HELD {
            let file = self.file.insert(BufWriter::new(tempfile::tempfile().map_err(refuse)?));
            file.write_all(&std::mem::take(&mut self.held)).map_err(refuse)?;
        }
        Ok(())
    }

    fn done(self) -> Result<Store, Fault> {
        let Some(file) = self.file else { return Ok(Store::Held(self.held)) };
        let file = file.into_inner().map_err(|error| refuse(error.into_error()))?;
        // SAFETY: the file has no name, so nobody else can change it or cut it.
        let bytes = unsafe { Mmap::map(&file) }.map_err(refuse)?;
        Ok(Store::File(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_by_number() -> Result<(), Fault> {
        let part = "<sst><si><t>a</t></si><si/><si><r><rPr><b/></rPr><t>b </t></r><r><t xml:space=\"preserve\"> c</t></r>\
                    <rPh sb=\"0\" eb=\"1\"><t>no</t></rPh></si><si><t>&lt;&#x41;_x000D_&#10;</t><phoneticPr/></si></sst>";
        let strings = Strings::read(part.as_bytes(), 1000)?;
        let texts: Vec<_> = (0..5).map(|number| strings.get(number)).collect();
        assert_eq!(texts, [Some("a"), Some(""), Some("b  c"), Some("<A\r\n"), None]);
        assert_eq!(strings.get(usize::MAX), None);
        Ok(())
    }

    #[test]
    fn many_texts_go_to_a_file() -> Result<(), Fault> {
        let text = "x".repeat(1000);
        let count = HELD / 1000 + 100;
        let rest = (0..count).map(|number| format!("<si><t>{number} {text}</t></si>")).collect::<String>();
        let strings = Strings::read(format!("<sst>{rest}</sst>").as_bytes(), 10_000)?;
        assert!(matches!(strings.texts, Store::File(_)));
        for number in [0, 1, count / 2, count - 1] {
            assert_eq!(strings.get(number), Some(format!("{number} {text}").as_str()));
        }
        assert_eq!(strings.get(count), None);
        Ok(())
    }
}
