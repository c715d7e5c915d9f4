//! Records on their way to the store: encoded, in memory until the limit, then in an unnamed file.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

use crate::record::{FieldId, Kind, Record, State, is_cell};

/// One writer's part of a spool. Parts are joined into a [`Spool`] when writing is over.
pub struct SpoolPart {
    number: u64,
    held: Vec<u8>,
    limit: usize,
    folder: PathBuf,
    file: Option<File>,
    pending: Vec<u8>,
    length: u64,
}

/// Says "no record was kept".
pub const NOWHERE: u64 = u64::MAX;
const PART_SHIFT: u32 = 48;
const FLUSH: usize = 1 << 20;

impl SpoolPart {
    /// Part `number` that holds `memory` bytes before it writes to `folder`.
    pub fn new(number: usize, memory: usize, folder: PathBuf) -> Self {
        SpoolPart {
            number: number as u64,
            held: Vec::new(),
            limit: memory,
            folder,
            file: None,
            pending: Vec::new(),
            length: 0,
        }
    }

    /// Whether the next record would still be held in memory.
    pub fn has_room(&self) -> bool {
        self.held.len() < self.limit
    }

    /// Keeps `record`; returns where.
    pub fn push(&mut self, record: &Record) -> io::Result<u64> {
        let place = self.number << PART_SHIFT | self.length;
        let in_memory = self.file.is_none() && self.has_room();
        let target = if in_memory { &mut self.held } else { &mut self.pending };
        let before = target.len();
        encode(record, target);
        self.length += (target.len() - before) as u64;
        if !in_memory && (self.file.is_none() || self.pending.len() > FLUSH) {
            self.flush()?;
        }
        Ok(place)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        if self.file.is_none() {
            self.file = Some(tempfile::tempfile_in(&self.folder)?);
        }
        if let Some(file) = &mut self.file {
            file.write_all(&self.pending)?;
        }
        self.pending.clear();
        Ok(())
    }
}

/// All records that were kept, by place.
#[derive(Default)]
pub struct Spool {
    parts: Vec<SpoolPart>,
}

impl Spool {
    /// Joins parts; `parts[i]` must have number i.
    pub fn join(mut parts: Vec<SpoolPart>) -> io::Result<Spool> {
        parts.sort_by_key(|part| part.number);
        for part in &mut parts {
            part.flush()?;
        }
        Ok(Spool { parts })
    }

    /// Reads the record at `place` into `record`; `buffer` is scratch.
    pub fn read(&self, place: u64, buffer: &mut Vec<u8>, record: &mut Record) -> io::Result<()> {
        let part = &self.parts[(place >> PART_SHIFT) as usize];
        let offset = place & ((1 << PART_SHIFT) - 1);
        let held = part.held.len() as u64;
        if offset < held {
            let bytes = &part.held[offset as usize..];
            return decode(bytes, record, true).ok_or_else(damaged);
        }
        let file = part.file.as_ref().ok_or_else(|| io::Error::other("spool place out of range"))?;
        let mut length = [0; 4];
        read_at(file, &mut length, offset - held)?;
        buffer.resize(u32::from_le_bytes(length) as usize, 0);
        read_at(file, buffer, offset - held)?;
        decode(buffer, record, false).ok_or_else(damaged)
    }
}

fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    use std::os::unix::fs::FileExt;
    file.read_exact_at(bytes, offset)
}

/// Length of the whole (4 bytes, itself included), then per cell: field, state, kind, length, bytes.
fn encode(record: &Record, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    for cell in record.cells() {
        let bytes = record.bytes(cell);
        out.extend_from_slice(&cell.field.0.to_le_bytes());
        out.push(cell.state as u8);
        out.push(cell.kind as u8);
        out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        out.extend_from_slice(bytes);
    }
    let length = (out.len() - start) as u32;
    out[start..start + 4].copy_from_slice(&length.to_le_bytes());
}

fn damaged() -> io::Error {
    io::Error::other("a temporary file does not hold what was written to it")
}

/// `held` bytes never left memory; others are looked at before they are taken for cells.
fn decode(bytes: &[u8], record: &mut Record, held: bool) -> Option<()> {
    record.clear();
    let end = u32::from_le_bytes(*bytes.first_chunk::<4>()?) as usize;
    let mut rest = bytes.get(4..end)?;
    while !rest.is_empty() {
        let (head, behind) = rest.split_first_chunk::<10>()?;
        let [f0, f1, f2, f3, state, kind, l0, l1, l2, l3] = *head;
        let (state, kind) = (*STATES.get(state as usize)?, *KINDS.get(kind as usize)?);
        let (cell, behind) = behind.split_at_checked(u32::from_le_bytes([l0, l1, l2, l3]) as usize)?;
        if !held && !is_cell(kind, cell) {
            return None;
        }
        record.push_bytes(FieldId(u32::from_le_bytes([f0, f1, f2, f3])), state, kind, cell);
        rest = behind;
    }
    Some(())
}

const STATES: [State; 5] = [State::Blank, State::Null, State::Set, State::Add, State::Remove];
const KINDS: [Kind; 5] = [Kind::Text, Kind::List, Kind::Flag, Kind::Integer, Kind::Json];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_from_memory_and_from_disk() {
        let folder = tempfile::tempdir().expect("folder");
        let mut parts: Vec<SpoolPart> = (0..2).map(|n| SpoolPart::new(n, 5_000, folder.path().to_owned())).collect();
        let mut places = Vec::new();
        for n in 0..2_000usize {
            let mut record = Record::default();
            record.push_text(FieldId(0), &format!("A{n}"));
            record.push_list(FieldId(1), State::Add, ["x", "y"]);
            record.push_integer(FieldId(2), n as i64);
            places.push(parts[n % 2].push(&record).expect("push"));
        }
        let spool = Spool::join(parts).expect("join");
        let (mut buffer, mut record) = (Vec::new(), Record::default());
        for (n, place) in places.iter().enumerate() {
            spool.read(*place, &mut buffer, &mut record).expect("read");
            assert_eq!(record.text(FieldId(0)), Some(&*format!("A{n}")));
            assert_eq!(record.cells().len(), 3);
            assert_eq!(record.cells()[1].state, State::Add);
        }
        let mut bytes = Vec::new();
        encode(&record, &mut bytes);
        assert_eq!(decode(&bytes, &mut record, false), Some(()));
        for at in [0, 8, 13] {
            let mut other = bytes.clone();
            other[at] = 0xFF;
            assert_eq!(decode(&other, &mut record, false), None, "byte {at}");
        }
    }
}
