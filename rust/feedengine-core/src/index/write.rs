//! Writes a run in one stream, in key order.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use bytemuck::{bytes_of, cast_slice};

use super::format::{CHUNK, Cold, HEADER, Head, Hot, MAGIC, checksum, checksum_of, directory_bits};

/// Takes entries in rising key order and writes a run. A writer that is dropped unfinished leaves a file that no
/// reader accepts.
pub struct RunWriter {
    out: BufWriter<File>,
    owned: bool,
    store: u64,
    hot: Vec<Hot>,
    cold: Vec<Cold>,
    owner: Vec<u128>,
    sums: Vec<[u64; 2]>,
    counts: Vec<u32>,
    bits: u32,
    entries: u64,
    last: Option<u128>,
}

impl RunWriter {
    /// Starts a run of about `expected` entries at `path`. `store` is a hash of the store's secret.
    pub fn create(path: &Path, expected: u64, owned: bool, store: u64) -> io::Result<Self> {
        let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
        out.write_all(&[0; HEADER])?;
        let bits = directory_bits(expected);
        Ok(RunWriter {
            out,
            owned,
            store,
            hot: Vec::with_capacity(CHUNK),
            cold: Vec::with_capacity(CHUNK),
            owner: Vec::with_capacity(if owned { CHUNK } else { 0 }),
            sums: Vec::new(),
            counts: vec![0; 1 << bits],
            bits,
            entries: 0,
            last: None,
        })
    }

    /// Adds an entry; keys must rise. `owner` is not kept in a run without owners.
    pub fn push(&mut self, hot: Hot, cold: Cold, owner: u128) -> io::Result<()> {
        if self.last.is_some_and(|last| last >= hot.key) {
            return Err(io::Error::other("index entries out of order"));
        }
        self.last = Some(hot.key);
        self.counts[(hot.key >> (128 - self.bits)) as usize] += 1;
        self.hot.push(hot);
        self.cold.push(cold);
        if self.owned {
            self.owner.push(owner);
        }
        self.entries += 1;
        if self.hot.len() == CHUNK { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.hot.resize(CHUNK, Hot::default());
        self.cold.resize(CHUNK, Cold::default());
        self.owner.resize(if self.owned { CHUNK } else { 0 }, 0);
        let (hot, cold, owner): (&[u8], &[u8], &[u8]) =
            (cast_slice(&self.hot), cast_slice(&self.cold), cast_slice(&self.owner));
        self.sums.push([checksum(hot), checksum(cold) ^ checksum(owner).rotate_left(1)]);
        self.out.write_all(hot)?;
        self.out.write_all(cold)?;
        self.out.write_all(owner)?;
        self.hot.clear();
        self.cold.clear();
        self.owner.clear();
        Ok(())
    }

    /// Writes the footer and then the header: only now the file is a run. Returns the number of entries.
    pub fn finish(mut self) -> io::Result<u64> {
        if !self.hot.is_empty() {
            self.flush()?;
        }
        let footer = self.out.stream_position()?;
        // The counts become the directory where they are: for many entries it is large.
        let mut directory = std::mem::take(&mut self.counts);
        let mut start = 0u32;
        for slot in &mut directory {
            start += std::mem::replace(slot, start);
        }
        directory.push(start);
        let parts: [&[u8]; 2] = [cast_slice(&self.sums), cast_slice(&directory)];
        let length = footer + parts.iter().map(|part| part.len() as u64).sum::<u64>();
        let footer_sum = checksum_of(&parts);
        for part in parts {
            self.out.write_all(part)?;
        }
        let mut head = Head {
            magic: MAGIC,
            entries: self.entries,
            owned: u64::from(self.owned),
            bits: u64::from(self.bits),
            footer,
            length,
            store: self.store,
            footer_sum,
            head_sum: 0,
            reserved: 0,
        };
        head.head_sum = checksum(bytes_of(&head));
        self.out.seek(SeekFrom::Start(0))?;
        self.out.write_all(bytes_of(&head))?;
        self.out.flush()?;
        Ok(self.entries)
    }
}
