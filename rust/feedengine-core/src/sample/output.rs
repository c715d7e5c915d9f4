//! Where the bytes go: a plain file, or a member of a tar archive that is gzipped in parallel.
//!
//! Each chunk is deflated alone up to a byte boundary, so chunks made by several threads stand one after another
//! in one gzip member. A tar header stands before its member though the size is known only after it: it lies in
//! a stored (uncompressed) deflate block of fixed length and is filled in at the end.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

use crc32fast::Hasher;
use flate2::{Compress, Compression, FlushCompress};

const BLOCK: usize = 512;

/// Bytes ready to be put down.
pub(super) struct Packed {
    bytes: Vec<u8>,
    crc: u32,
    /// Before compression.
    length: u64,
}

/// Makes [`Packed`]; each thread has its own.
#[derive(Clone, Copy)]
pub(super) struct Packer {
    level: Option<u32>,
}

impl Packer {
    /// Compresses `bytes` if the output is compressed.
    pub(super) fn pack(&self, bytes: Vec<u8>) -> Packed {
        let length = bytes.len() as u64;
        let Some(level) = self.level else { return Packed { bytes, crc: 0, length } };
        let mut hasher = Hasher::new();
        hasher.update(&bytes);
        Packed { bytes: deflate(&bytes, level), crc: hasher.finalize(), length }
    }
}

/// A raw deflate stream without its last block, ended at a byte boundary.
fn deflate(bytes: &[u8], level: u32) -> Vec<u8> {
    let mut packed = Vec::with_capacity(bytes.len() / 4 + 1024);
    if bytes.is_empty() {
        return packed;
    }
    let mut stream = Compress::new(Compression::new(level), false);
    loop {
        let done = stream.total_in() as usize;
        // Compress answers an error only for a stream that is used after its end.
        let flushed = stream.compress_vec(&bytes[done..], &mut packed, FlushCompress::Sync);
        if flushed.is_err() || (stream.total_in() as usize == bytes.len() && packed.len() < packed.capacity()) {
            return packed;
        }
        packed.reserve(packed.capacity() / 2);
    }
}

/// A deflate block that holds `bytes` as they are.
fn stored(bytes: &[u8], last: bool) -> Vec<u8> {
    let length = bytes.len() as u16;
    let mut block = vec![u8::from(last)];
    block.extend_from_slice(&length.to_le_bytes());
    block.extend_from_slice(&(!length).to_le_bytes());
    block.extend_from_slice(bytes);
    block
}

struct Member {
    name: String,
    header_at: u64,
    length: u64,
    crc: Hasher,
}

/// An open file or archive.
pub(super) struct Output {
    file: File,
    tar: bool,
    level: Option<u32>,
    /// Bytes written to the file.
    written: u64,
    /// Checksum and length of what the archive holds before compression.
    crc: Hasher,
    length: u64,
    member: Option<Member>,
}

impl Output {
    /// A file of its own.
    pub(super) fn plain(path: &Path) -> io::Result<Self> {
        Self::open(path, false, None)
    }

    /// A tar archive, gzipped at `level` if one is given.
    pub(super) fn tar(path: &Path, level: Option<u32>) -> io::Result<Self> {
        let mut output = Self::open(path, true, level)?;
        if level.is_some() {
            // Deflate, no name, no time (the same spec gives the same bytes), an unknown system.
            output.raw(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255])?;
        }
        Ok(output)
    }

    fn open(path: &Path, tar: bool, level: Option<u32>) -> io::Result<Self> {
        let file = File::create(path)?;
        Ok(Output { file, tar, level, written: 0, crc: Hasher::new(), length: 0, member: None })
    }

    /// What a thread needs to prepare bytes for this output.
    pub(super) fn packer(&self) -> Packer {
        Packer { level: self.level }
    }

    /// Begins the member `name`.
    pub(super) fn begin(&mut self, name: &str) -> io::Result<()> {
        if self.tar {
            let header_at = self.written + if self.level.is_some() { 5 } else { 0 };
            self.member = Some(Member { name: name.to_owned(), header_at, length: 0, crc: Hasher::new() });
            self.unpacked(&[0; BLOCK])?;
        }
        Ok(())
    }

    /// Puts down the next bytes of the member; answers how many they are before compression.
    pub(super) fn put(&mut self, packed: &Packed) -> io::Result<u64> {
        self.raw(&packed.bytes)?;
        if let Some(member) = &mut self.member {
            member.length += packed.length;
            member.crc.combine(&Hasher::new_with_initial_len(packed.crc, packed.length));
        }
        Ok(packed.length)
    }

    /// Ends the member.
    pub(super) fn end(&mut self) -> io::Result<()> {
        let Some(member) = self.member.take() else { return Ok(()) };
        let header = tar_header(&member.name, member.length);
        self.file.seek(SeekFrom::Start(member.header_at))?;
        self.file.write_all(&header)?;
        self.file.seek(SeekFrom::End(0))?;
        self.checksum(&header);
        self.crc.combine(&member.crc);
        self.length += member.length;
        let padding = [0; BLOCK];
        let padding = &padding[..(BLOCK - member.length as usize % BLOCK) % BLOCK];
        self.unpacked(padding)?;
        self.checksum(padding);
        Ok(())
    }

    /// Ends the file; answers its length in bytes.
    pub(super) fn finish(mut self) -> io::Result<u64> {
        if self.tar {
            self.unpacked(&[0; 2 * BLOCK])?;
            self.checksum(&[0; 2 * BLOCK]);
        }
        if self.level.is_some() {
            self.raw(&stored(&[], true))?;
            let crc = self.crc.clone().finalize();
            self.raw(&crc.to_le_bytes())?;
            self.raw(&(self.length as u32).to_le_bytes())?;
        }
        self.file.flush()?;
        Ok(self.written)
    }

    fn unpacked(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.level.is_some() { self.raw(&stored(bytes, false)) } else { self.raw(bytes) }
    }

    fn checksum(&mut self, bytes: &[u8]) {
        self.crc.update(bytes);
        self.length += bytes.len() as u64;
    }

    fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.written += bytes.len() as u64;
        self.file.write_all(bytes)
    }
}

/// A ustar header; sizes above the octal field's 8 GiB are in base 256, as GNU tar writes them.
fn tar_header(name: &str, length: u64) -> [u8; BLOCK] {
    let mut header = [0u8; BLOCK];
    let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, name.as_bytes());
    put(100, b"0000644\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(136, b"00000000000\0");
    if length < 1 << 33 {
        put(124, format!("{length:011o}\0").as_bytes());
    } else {
        put(124, &[0x80, 0, 0, 0]);
        put(128, &length.to_be_bytes());
    }
    put(148, b"        ");
    put(156, b"0");
    put(257, b"ustar\x0000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}
