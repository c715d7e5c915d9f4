//! The file itself: plain reads, counted and fingerprinted on the way, and checked for changes at the end.
//!
//! The file is not mapped into memory: a sender that cuts a mapped file would kill the process.

use std::fs::{File, Metadata};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use twox_hash::XxHash3_128;

use crate::fault::{Code, Fault};

/// Something bytes come from.
pub(crate) trait Bytes: Send {
    /// Puts the next bytes into `out`; fewer than it holds when that is convenient, none at the end only.
    fn read(&mut self, out: &mut [u8]) -> Result<usize, Fault>;

    /// Fills `out` as far as there are bytes.
    fn fill(&mut self, out: &mut [u8]) -> Result<usize, Fault> {
        let mut filled = 0;
        while filled < out.len() {
            match self.read(&mut out[filled..])? {
                0 => break,
                count => filled += count,
            }
        }
        Ok(filled)
    }
}

/// Where a file's bytes come from, which knows at the end what the whole file was.
pub(crate) trait Source: Bytes {
    /// Reads what is left and says what the file was.
    fn finish(&mut self) -> Result<Totals, Fault>;
}

/// What a file was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// Its length.
    pub(crate) bytes: u64,
    /// xxh3-128 of its bytes.
    pub(crate) fingerprint: u128,
}

/// A file being read.
pub(crate) struct FileSource {
    file: File,
    size: u64,
    modified: Option<SystemTime>,
    read: u64,
    hash: Box<XxHash3_128>,
    meter: Arc<AtomicU64>,
}

impl FileSource {
    /// Opens a regular file.
    pub(crate) fn open(path: &Path) -> Result<Self, Fault> {
        let refuse = |error: std::io::Error| Fault::new(Code::Unreadable, format!("the file cannot be read: {error}"));
        let kind = std::fs::metadata(path).map_err(refuse)?;
        if !kind.is_file() {
            return Err(Fault::new(Code::Unreadable, "this is not a regular file"));
        }
        let file = File::open(path).map_err(refuse)?;
        let found = file.metadata().map_err(refuse)?;
        Ok(FileSource {
            size: found.len(),
            modified: modified(&found),
            file,
            read: 0,
            hash: Box::new(XxHash3_128::new()),
            meter: Arc::new(AtomicU64::new(0)),
        })
    }

    /// The first bytes, which are still to be read.
    pub(crate) fn head(&mut self, count: u64) -> Result<Vec<u8>, Fault> {
        let mut head = Vec::new();
        let read = (&self.file).take(count).read_to_end(&mut head).and_then(|_| self.file.rewind());
        read.map_err(|error| Fault::new(Code::Unreadable, format!("reading failed: {error}")))?;
        Ok(head)
    }

    /// The same file, read at any place without moving anything here. What it reads is not counted.
    pub(crate) fn random(&self) -> Result<Random, Fault> {
        let refuse = |error: std::io::Error| Fault::new(Code::Unreadable, format!("the file cannot be read: {error}"));
        Ok(Random { file: Arc::new(self.file.try_clone().map_err(refuse)?), at: 0, size: self.size })
    }

    /// The length when it was opened.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// How many bytes have been read, for anybody to look at.
    pub(crate) fn meter(&self) -> Arc<AtomicU64> {
        self.meter.clone()
    }
}

/// A file for formats that jump about in it: it has a place of its own, whoever else reads the file.
pub(crate) struct Random {
    file: Arc<File>,
    at: u64,
    size: u64,
}

impl Random {
    /// What is left of `input` in a temporary file without a name.
    pub(crate) fn spool(input: &mut dyn Bytes) -> Result<Random, Fault> {
        let refuse = |error: std::io::Error| Fault::new(Code::Unreadable, format!("no temporary file: {error}"));
        let mut file = tempfile::tempfile().map_err(refuse)?;
        let (mut buffer, mut size) = (vec![0; 64 * 1024], 0);
        loop {
            match input.read(&mut buffer)? {
                0 => return Ok(Random { file: Arc::new(file), at: 0, size }),
                count => file.write_all(&buffer[..count]).map_err(refuse)?,
            }
            size = file.stream_position().map_err(refuse)?;
        }
    }

    /// Its length.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Another one of the same file, from its start.
    pub(crate) fn again(&self) -> Random {
        Random { file: self.file.clone(), at: 0, size: self.size }
    }
}

impl Read for Random {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let count = self.file.read_at(out, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Random {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::End(off) => self.size.checked_add_signed(off),
            SeekFrom::Current(off) => self.at.checked_add_signed(off),
        };
        self.at = place.ok_or_else(|| std::io::Error::from(ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}

/// xxh3-128 of the bytes of the file at `path`, as reports of plans have it of their feed.
///
/// # Errors
/// A file that cannot be read, or that changes meanwhile.
pub fn fingerprint(path: &Path) -> Result<String, Fault> {
    Ok(told(FileSource::open(path)?.finish()?.fingerprint))
}

/// A file's fingerprint as reports have it.
pub fn told(fingerprint: u128) -> String {
    format!("xxh3:{fingerprint:032x}")
}

fn modified(file: &Metadata) -> Option<SystemTime> {
    file.modified().ok()
}

impl Bytes for FileSource {
    fn read(&mut self, out: &mut [u8]) -> Result<usize, Fault> {
        loop {
            match self.file.read(out) {
                Ok(count) => {
                    self.hash.write(&out[..count]);
                    self.read += count as u64;
                    self.meter.store(self.read, Ordering::Relaxed);
                    return Ok(count);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Fault::new(Code::Unreadable, format!("reading failed: {error}"))),
            }
        }
    }
}

impl Source for FileSource {
    fn finish(&mut self) -> Result<Totals, Fault> {
        let mut rest = vec![0; 64 * 1024];
        while self.read(&mut rest)? > 0 {}
        let now = self.file.metadata().ok();
        let same = now.is_some_and(|now| now.len() == self.size && modified(&now) == self.modified);
        if !same || self.read != self.size {
            return Err(Fault::new(Code::FileChanged, "the file changed while it was read"));
        }
        Ok(Totals { bytes: self.read, fingerprint: self.hash.finish_128() })
    }
}

/// Bytes with a look ahead.
pub(crate) struct Ahead<B> {
    inner: B,
    held: Vec<u8>,
    at: usize,
}

impl<B: Bytes> Ahead<B> {
    /// Nothing looked at yet.
    pub(crate) fn new(inner: B) -> Self {
        Ahead { inner, held: Vec::new(), at: 0 }
    }

    /// The next `count` bytes, fewer only at the end. They are still to be read.
    pub(crate) fn peek(&mut self, count: usize) -> Result<&[u8], Fault> {
        self.held.drain(..self.at);
        self.at = 0;
        let have = self.held.len();
        if have < count {
            self.held.resize(count, 0);
            let filled = self.inner.fill(&mut self.held[have..]);
            self.held.truncate(have + *filled.as_ref().unwrap_or(&0));
            filled?;
        }
        Ok(&self.held[..count.min(self.held.len())])
    }

    /// Forgets what was looked at, and gives access to what lies behind.
    pub(crate) fn behind(&mut self) -> &mut B {
        self.held.clear();
        self.at = 0;
        &mut self.inner
    }
}

impl<B: Bytes> Bytes for Ahead<B> {
    fn read(&mut self, out: &mut [u8]) -> Result<usize, Fault> {
        let held = &self.held[self.at..];
        if held.is_empty() {
            return self.inner.read(out);
        }
        let count = held.len().min(out.len());
        out[..count].copy_from_slice(&held[..count]);
        self.at += count;
        Ok(count)
    }
}

impl Bytes for Box<dyn Source> {
    fn read(&mut self, out: &mut [u8]) -> Result<usize, Fault> {
        (**self).read(out)
    }
}

/// Bytes that are in memory already.
#[cfg(test)]
impl Bytes for &[u8] {
    fn read(&mut self, out: &mut [u8]) -> Result<usize, Fault> {
        let count = self.len().min(out.len());
        let (now, later) = self.split_at(count);
        out[..count].copy_from_slice(now);
        *self = later;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looking_ahead_changes_nothing() {
        let mut ahead = Ahead::new(&b"abcdef"[..]);
        assert_eq!(ahead.peek(2).map(<[u8]>::to_vec), Ok(b"ab".to_vec()));
        let mut three = [0; 3];
        assert_eq!(ahead.fill(&mut three), Ok(3));
        assert_eq!(&three, b"abc");
        assert_eq!(ahead.peek(9).map(<[u8]>::to_vec), Ok(b"def".to_vec()));
        assert_eq!(ahead.fill(&mut three), Ok(3));
        assert_eq!(ahead.fill(&mut three), Ok(0));
    }
}
