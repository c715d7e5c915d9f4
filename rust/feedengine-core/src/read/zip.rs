//! The parts of a zip archive that are asked for: its directory read once as a stream, its members one at a time.
//!
//! What a member holds is taken from the directory at the end of the file, as every spreadsheet program does.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Take};

use crc32fast::Hasher;
use flate2::bufread::DeflateDecoder;

use super::source::Random;
use crate::fault::{Code, Fault};

/// One member, as the directory has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    deflated: bool,
    locked: bool,
    sum: u32,
    packed: u64,
    size: u64,
    /// Where its own header stands.
    header: u64,
}

/// The members whose names were wanted.
pub(crate) struct Zip {
    file: Random,
    entries: BTreeMap<String, Entry>,
    expansion: u64,
}

const END: [u8; 4] = *b"PK\x05\x06";
const END_LENGTH: u64 = 22;
const LONG_END: [u8; 4] = *b"PK\x06\x06";
const LONG_END_PLACE: [u8; 4] = *b"PK\x06\x07";
const RECORD: [u8; 4] = *b"PK\x01\x02";
const HEADER: [u8; 4] = *b"PK\x03\x04";
/// Longest comment behind the directory.
const COMMENT: u64 = 65_535;
/// Wanted members beyond this are no book that anybody made.
const MOST: usize = 10_000;
/// Expansion below this many bytes is never called a bomb.
const FREE: u64 = 64 << 20;

fn broken(what: impl std::fmt::Display) -> Fault {
    Fault::new(Code::ArchiveCorrupt, format!("the zip archive is damaged: {what}"))
}

fn unreadable(error: &io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Fault::new(Code::ArchiveTruncated, "the zip archive ends early"),
        _ => Fault::new(Code::Unreadable, format!("reading failed: {error}")),
    }
}

fn short(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 2).map_or(0, |two| u64::from(two[0]) | u64::from(two[1]) << 8)
}

fn word(bytes: &[u8], at: usize) -> u64 {
    short(bytes, at) | short(bytes, at + 2) << 16
}

fn long(bytes: &[u8], at: usize) -> u64 {
    word(bytes, at) | word(bytes, at + 4) << 32
}

impl Zip {
    /// Reads the directory of `file` and keeps the members that `wanted` names; a member may grow to `expansion` times
    /// its size.
    pub(crate) fn open(file: Random, expansion: u64, wanted: impl Fn(&str) -> bool) -> Result<Zip, Fault> {
        let (start, length, count) = directory(&file)?;
        let mut records = BufReader::new(part(&file, start, length)?);
        let mut entries = BTreeMap::new();
        for _ in 0..count {
            let mut fixed = [0; 46];
            records.read_exact(&mut fixed).map_err(|error| unreadable(&error))?;
            if fixed[..4] != RECORD {
                return Err(broken("its directory is not where it should be"));
            }
            let mut read = |count: u64| {
                let mut bytes = vec![0; count as usize];
                records.read_exact(&mut bytes).map(|()| bytes).map_err(|error| unreadable(&error))
            };
            let name = read(short(&fixed, 28))?;
            let extra = read(short(&fixed, 30))?;
            read(short(&fixed, 32))?;
            let Ok(name) = String::from_utf8(name) else { continue };
            if wanted(&name) {
                let entry = entry(&fixed, &extra)?;
                if entries.insert(name.clone(), entry).is_some() {
                    return Err(broken(format!("it holds {name} twice")));
                }
                if entries.len() > MOST {
                    return Err(broken(format!("it holds more than {MOST} parts")));
                }
            }
        }
        Ok(Zip { file, entries, expansion })
    }

    /// Whether the member is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    /// A member's content. Reading fails with a [`Fault`] inside where the content is not what the directory says.
    pub(crate) fn read(&self, name: &str) -> Result<Member, Fault> {
        let entry = self.entries.get(name).ok_or_else(|| broken(format!("{name} is missing")))?;
        if entry.locked {
            return Err(broken(format!("{name} is encrypted")));
        }
        if entry.size > FREE.saturating_add(entry.packed.saturating_mul(self.expansion)) {
            let message = format!("{name} grows from {} to {} bytes", entry.packed, entry.size);
            return Err(Fault::new(Code::ArchiveBomb, message));
        }
        let fixed = bytes(&self.file, entry.header, 30)?;
        if fixed[..4] != HEADER {
            return Err(broken(format!("{name} is not where it should be")));
        }
        let start = entry.header + 30 + short(&fixed, 26) + short(&fixed, 28);
        let packed = BufReader::with_capacity(64 << 10, part(&self.file, start, entry.packed)?);
        let content = match entry.deflated {
            true => Content::Deflated(DeflateDecoder::new(packed)),
            false => Content::Stored(packed),
        };
        Ok(Member { name: name.into(), content, sum: Hasher::new(), wanted: entry.sum, left: entry.size })
    }
}

/// A stretch of the file.
fn part(file: &Random, start: u64, length: u64) -> Result<Take<Random>, Fault> {
    let mut part = file.again();
    part.seek(SeekFrom::Start(start)).map_err(|error| unreadable(&error))?;
    Ok(part.take(length))
}

/// Its bytes: at most some thousands.
fn bytes(file: &Random, start: u64, length: usize) -> Result<Vec<u8>, Fault> {
    let mut bytes = vec![0; length];
    part(file, start, length as u64)?.read_exact(&mut bytes).map_err(|error| unreadable(&error))?;
    Ok(bytes)
}

/// Where the directory starts, its length and the number of its records.
fn directory(file: &Random) -> Result<(u64, u64, u64), Fault> {
    let tail = file.size().min(END_LENGTH + COMMENT);
    let first = file.size() - tail;
    let last = bytes(file, first, tail as usize)?;
    let ends = |at: &usize| short(&last, at + 20) + *at as u64 + END_LENGTH == tail;
    let Some(at) = memchr::memmem::rfind_iter(&last, &END).find(ends) else {
        return Err(Fault::new(Code::ArchiveTruncated, "the zip archive ends before its directory"));
    };
    let end = &last[at..];
    let (mut start, mut length, mut count) = (word(end, 16), word(end, 12), short(end, 10));
    if start == 0xFFFF_FFFF || length == 0xFFFF_FFFF || count == 0xFFFF {
        let place = (first + at as u64).checked_sub(20).ok_or_else(|| broken("its directory is nowhere"))?;
        let pointer = bytes(file, place, 20)?;
        if pointer[..4] == LONG_END_PLACE {
            let long_end = bytes(file, long(&pointer, 8), 56)?;
            if long_end[..4] != LONG_END {
                return Err(broken("its directory is nowhere"));
            }
            (start, length, count) = (long(&long_end, 48), long(&long_end, 40), long(&long_end, 32));
        }
    }
    let fits = start.checked_add(length).is_some_and(|end| end <= file.size());
    if !fits || count > length / 46 {
        return Err(broken("its directory does not fit into it"));
    }
    Ok((start, length, count))
}

fn entry(fixed: &[u8; 46], extra: &[u8]) -> Result<Entry, Fault> {
    let (mut packed, mut size, mut header) = (word(fixed, 20), word(fixed, 24), word(fixed, 42));
    let mut rest = extra;
    while rest.len() >= 4 {
        let (kind, length) = (short(rest, 0), short(rest, 2) as usize);
        let field = rest.get(4..4 + length).ok_or_else(|| broken("a field of its directory is cut"))?;
        if kind == 1 {
            // What does not fit into four bytes stands here, in this order.
            let mut longer = field.chunks_exact(8).map(|bytes| long(bytes, 0));
            for value in [&mut size, &mut packed, &mut header] {
                if *value == 0xFFFF_FFFF {
                    *value = longer.next().ok_or_else(|| broken("a size is missing"))?;
                }
            }
        }
        rest = &rest[4 + length..];
    }
    let method = short(fixed, 10);
    if method != 0 && method != 8 {
        return Err(broken(format!("it is packed by method {method}, which spreadsheets do not use")));
    }
    let sum = word(fixed, 16) as u32;
    Ok(Entry { deflated: method == 8, locked: fixed[8] & 1 != 0, sum, packed, size, header })
}

enum Content {
    Stored(BufReader<Take<Random>>),
    Deflated(DeflateDecoder<BufReader<Take<Random>>>),
}

/// A member being read.
pub(crate) struct Member {
    name: String,
    content: Content,
    sum: Hasher,
    wanted: u32,
    left: u64,
}

impl Read for Member {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let name = &self.name;
        let result = match &mut self.content {
            Content::Stored(stored) => stored.read(out),
            Content::Deflated(deflated) => deflated.read(out),
        };
        let wrong = |what: &str| Err(io::Error::other(broken(format!("{name} {what}"))));
        let count = match result {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(_) => return wrong("cannot be inflated"),
        };
        if count as u64 > self.left {
            return wrong("is longer than its directory says");
        }
        self.left -= count as u64;
        self.sum.update(&out[..count]);
        if count == 0 && !out.is_empty() {
            if self.left > 0 {
                return wrong("ends early");
            }
            if self.sum.clone().finalize() != self.wanted {
                return wrong("has another checksum");
            }
        }
        Ok(count)
    }
}
