//! Text in a declared encoding as UTF-8, strictly: a byte that means nothing fails the file, with its place in what was
//! sent.

use super::Encoding;
use super::source::{Ahead, Bytes};
use crate::fault::{Code, Fault, Position};

/// Bytes of the original that are decoded at a time.
const STEP: usize = 64 * 1024;

/// Characters of code page 1252 from 0x80 to 0x9F; the bytes that it leaves out are NUL here. (Browsers read those as
/// control characters, which is why no library made for them is used.)
const CP1252: [char; 32] = [
    '€', '\0', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\0', 'Ž', '\0', '\0', '‘', '’', '“', '”', '•',
    '–', '—', '˜', '™', 'š', '›', 'œ', '\0', 'ž', 'Ÿ',
];

/// One member of a file; its bytes as they are, or decoded.
pub(crate) struct Decoded<B> {
    inner: Ahead<B>,
    decoder: Option<Decoder>,
}

struct Decoder {
    /// Never [`Encoding::Utf16`]: its mark has told the order.
    encoding: Encoding,
    /// Read, but not decoded: the first half of a character.
    rest: Vec<u8>,
    ready: Vec<u8>,
    at: usize,
    /// Bytes of the original and lines that are decoded.
    bytes: u64,
    lines: u64,
    ended: bool,
    failed: Option<Fault>,
}

impl<B: Bytes> Decoded<B> {
    /// Bytes as they are.
    pub(crate) fn new(inner: Ahead<B>) -> Self {
        Decoded { inner, decoder: None }
    }

    /// The bytes as they are, which are still to be read.
    pub(crate) fn raw(&mut self) -> &mut Ahead<B> {
        self.decoder = None;
        &mut self.inner
    }

    /// Decodes all that follows from `encoding`.
    pub(crate) fn begin(&mut self, encoding: Encoding) -> Result<(), Fault> {
        let head = self.inner.peek(4)?;
        let mark = match head {
            [0xEF, 0xBB, 0xBF, ..] => Some(Encoding::Utf8),
            [0xFF, 0xFE, ..] => Some(Encoding::Utf16Le),
            [0xFE, 0xFF, ..] => Some(Encoding::Utf16Be),
            _ => None,
        };
        let encoding = match (encoding, mark) {
            (Encoding::Utf8, _) => {
                self.decoder = None;
                return Ok(());
            }
            (Encoding::Utf16, Some(found)) if found != Encoding::Utf8 => found,
            (Encoding::Utf16, None) if head.len() < 2 => Encoding::Utf16Le,
            (Encoding::Utf16, None) => {
                let message = "the file is declared as utf-16 but has no byte order mark: declare utf-16le or utf-16be";
                return Err(Fault::new(Code::BadEncoding, message));
            }
            (declared, Some(found)) if declared != found => {
                let message = format!(
                    "the file starts with the byte order mark of {}, but is declared as {}",
                    found.name(),
                    declared.name()
                );
                return Err(Fault::new(Code::BadEncoding, message));
            }
            (declared, _) => declared,
        };
        let (rest, ready) = (Vec::new(), Vec::new());
        self.decoder = Some(Decoder { encoding, rest, ready, at: 0, bytes: 0, lines: 0, ended: false, failed: None });
        Ok(())
    }
}

impl<B: Bytes> Bytes for Decoded<B> {
    fn read(&mut self, out: &mut [u8]) -> Result<usize, Fault> {
        let Some(decoder) = &mut self.decoder else { return self.inner.read(out) };
        while decoder.at == decoder.ready.len() {
            if let Some(fault) = &decoder.failed {
                return Err(fault.clone());
            }
            if decoder.ended {
                return Ok(0);
            }
            decoder.more(&mut self.inner)?;
        }
        let count = out.len().min(decoder.ready.len() - decoder.at);
        out[..count].copy_from_slice(&decoder.ready[decoder.at..decoder.at + count]);
        decoder.at += count;
        Ok(count)
    }
}

impl Decoder {
    fn more(&mut self, input: &mut impl Bytes) -> Result<(), Fault> {
        let mut raw = std::mem::take(&mut self.rest);
        let have = raw.len();
        raw.resize(have + STEP, 0);
        let count = input.fill(&mut raw[have..])?;
        raw.truncate(have + count);
        self.ended = count < STEP;
        self.ready.clear();
        self.at = 0;
        let result = match self.encoding {
            Encoding::Utf16Le => wide(&raw, u16::from_le_bytes, self.ended, &mut self.ready),
            Encoding::Utf16Be => wide(&raw, u16::from_be_bytes, self.ended, &mut self.ready),
            Encoding::Cp1252 => single(&raw, &CP1252, &mut self.ready),
            Encoding::Latin1 | Encoding::Utf8 | Encoding::Utf16 => single(&raw, &[], &mut self.ready),
        };
        match result {
            Ok(used) => {
                self.bytes += used as u64;
                self.lines += super::exact::lines(&self.ready);
                raw.drain(..used);
                self.rest = raw;
            }
            // What stands before it is given out first, so that a fault of an earlier record is not hidden by it.
            Err((at, what)) => {
                let line = self.lines + super::exact::lines(&self.ready) + 1;
                let byte = self.bytes + at as u64;
                let message = format!("{what} at offset {byte} is not {}", self.encoding.name());
                let place = Position { line, byte, ..Position::default() };
                self.failed = Some(Fault::new(Code::BadEncoding, message).at(place));
            }
        }
        Ok(())
    }
}

/// How far bytes were decoded, or where and what cannot be.
type Progress = Result<usize, (usize, String)>;

/// One byte, one character: `upper` are those from 0x80, where they are not the characters of their number.
fn single(raw: &[u8], upper: &[char], out: &mut Vec<u8>) -> Progress {
    out.reserve(raw.len() * 2);
    let mut at = 0;
    while at < raw.len() {
        let plain = raw[at..].iter().position(|byte| *byte >= 0x80).unwrap_or(raw.len() - at);
        out.extend_from_slice(&raw[at..at + plain]);
        at += plain;
        let Some(byte) = raw.get(at) else { break };
        let letter = upper.get(usize::from(*byte) - 0x80).copied().unwrap_or(char::from(*byte));
        if letter == '\0' {
            return Err((at, format!("the byte 0x{byte:02X}")));
        }
        out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
        at += 1;
    }
    Ok(at)
}

/// Two bytes or four, one character. A half one is left for later unless `last` says that there is no later.
fn wide(raw: &[u8], unit: impl Fn([u8; 2]) -> u16, last: bool, out: &mut Vec<u8>) -> Progress {
    out.reserve(raw.len() * 3 / 2);
    let get = |at: usize| raw.get(at..at + 2).map(|pair| unit([pair[0], pair[1]]));
    let mut at = 0;
    while let Some(first) = get(at) {
        let letter = match first {
            0..0x80 => {
                out.push(first as u8);
                at += 2;
                continue;
            }
            0xD800..0xDC00 => match get(at + 2) {
                None if !last => return Ok(at),
                second => second.and_then(|second| char::decode_utf16([first, second]).next()?.ok()),
            },
            _ => char::from_u32(u32::from(first)),
        };
        let Some(letter) = letter else {
            return Err((at, format!("the lone surrogate 0x{first:04X}")));
        };
        out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
        at += 2 * letter.len_utf16();
    }
    match raw.get(at) {
        Some(byte) if last => Err((at, format!("half a character (0x{byte:02X})"))),
        _ => Ok(at),
    }
}

/// The encoding that an XML document names in its first line, where it is one that is read.
pub(crate) fn of_xml(head: &[u8]) -> Result<Option<Encoding>, Fault> {
    let text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    let Some(end) =
        text.starts_with(b"<?xml").then(|| text.windows(2).take(1000).position(|two| two == b"?>")).flatten()
    else {
        return Ok(None);
    };
    let line = String::from_utf8_lossy(&text[..end]);
    let Some((_, rest)) = line.split_once("encoding") else { return Ok(None) };
    let rest = rest.trim_start().trim_start_matches('=').trim_start();
    let mut quote = rest.chars();
    let Some(mark) = quote.next().filter(|mark| matches!(mark, '"' | '\'')) else { return Ok(None) };
    let name = quote.as_str().split(mark).next().unwrap_or_default();
    match name.to_ascii_lowercase().as_str() {
        "utf-8" | "us-ascii" | "ascii" => Ok(None),
        "iso-8859-1" | "latin-1" | "latin1" => Ok(Some(Encoding::Latin1)),
        "windows-1252" | "cp1252" => Ok(Some(Encoding::Cp1252)),
        _ => {
            let message = format!("the document names the encoding {name:?}, which is not read");
            Err(Fault::new(Code::BadEncoding, message).value(name))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Random;
    use super::*;

    fn decode(bytes: &[u8], encoding: Encoding, size: usize) -> Result<String, (String, u64, u64)> {
        let mut decoded = Decoded::new(Ahead::new(bytes));
        let fault = |fault: Fault| (fault.message, fault.position.line, fault.position.byte);
        decoded.begin(encoding).map_err(fault)?;
        let (mut all, mut out) = (Vec::new(), vec![0; size]);
        loop {
            match decoded.read(&mut out).map_err(fault)? {
                0 => return Ok(String::from_utf8_lossy(&all).into_owned()),
                count => all.extend_from_slice(&out[..count]),
            }
        }
    }

    #[test]
    fn every_character_comes_back_whatever_the_cut() {
        let mut random = Random::new(9);
        for _ in 0..20 {
            let length = STEP - 3 + random.below(8);
            let text: String =
                (0..length).map(|_| *random.pick(&['a', '\n', 'é', 'ÿ', '€', '\u{FFFD}', '\u{1F600}', '"'])).collect();
            let units: Vec<u16> = text.encode_utf16().collect();
            let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
            let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
            assert!(decode(&little, Encoding::Utf16Le, 1000).as_ref() == Ok(&text));
            assert!(decode(&big, Encoding::Utf16Be, 70_000).as_ref() == Ok(&text));
            let narrow: String = text.chars().filter(|letter| (*letter as u32) < 0x100).collect();
            let bytes: Vec<u8> = narrow.chars().map(|letter| letter as u8).collect();
            assert!(decode(&bytes, Encoding::Latin1, 7).as_ref() == Ok(&narrow));
        }
        assert_eq!(decode(b"\x80\x9F\xE9A", Encoding::Cp1252, 9).as_deref(), Ok("€ŸéA"));
        assert_eq!(decode(b"\x80", Encoding::Latin1, 9).as_deref(), Ok("\u{80}"));
        assert_eq!(decode(b"\xFE\xFF\0a", Encoding::Utf16, 9).as_deref(), Ok("\u{FEFF}a"));
        assert_eq!(decode(b"", Encoding::Utf16, 9).as_deref(), Ok(""));
    }

    #[test]
    fn what_cannot_be_decoded_has_its_place() {
        let long = [vec![b'\n'; STEP], b"ab\x81".to_vec()].concat();
        for (bytes, encoding, message, line, byte) in [
            (&b"a\nb\x8D"[..], Encoding::Cp1252, "the byte 0x8D at offset 3 is not cp1252", 2, 3),
            (&long, Encoding::Cp1252, "the byte 0x81 at offset 65538 is not cp1252", 65537, 65538),
            (b"a\0\0\xDC", Encoding::Utf16Le, "the lone surrogate 0xDC00 at offset 2 is not utf-16le", 1, 2),
            (b"\xD8\0\0a", Encoding::Utf16Be, "the lone surrogate 0xD800 at offset 0 is not utf-16be", 1, 0),
            (b"\0\xD8", Encoding::Utf16Le, "the lone surrogate 0xD800 at offset 0 is not utf-16le", 1, 0),
            (b"a\0b", Encoding::Utf16Le, "half a character (0x62) at offset 2 is not utf-16le", 1, 2),
        ] {
            assert_eq!(decode(bytes, encoding, 100_000), Err((message.into(), line, byte)));
        }
        for (bytes, encoding) in [
            (&b"a\0b\0"[..], Encoding::Utf16),
            (b"\xEF\xBB\xBFa", Encoding::Cp1252),
            (b"\xFF\xFEa\0", Encoding::Latin1),
            (b"\xFF\xFEa\0", Encoding::Utf16Be),
        ] {
            assert!(decode(bytes, encoding, 9).is_err(), "{encoding:?}");
        }
    }

    #[test]
    fn an_xml_document_may_name_its_encoding() {
        for (text, expected) in [
            ("<?xml version='1.0' encoding='ISO-8859-1'?>", Ok(Some(Encoding::Latin1))),
            ("<?xml version=\"1.0\" encoding = \"windows-1252\" ?><a/>", Ok(Some(Encoding::Cp1252))),
            ("<?xml version='1.0' encoding='UTF-8'?>", Ok(None)),
            ("<?xml version='1.0'?>", Ok(None)),
            ("<a encoding='ISO-8859-1'/>", Ok(None)),
            ("<?xml version='1.0' encoding='koi8-r'?>", Err(Code::BadEncoding)),
        ] {
            assert_eq!(of_xml(text.as_bytes()).map_err(|fault| fault.code), expected, "{text}");
        }
    }
}
