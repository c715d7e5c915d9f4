//! A compressed file as it was before: for those who copy bytes of feeds, and do not read them.

use std::io::Write;
use std::path::Path;

use super::feed::Feed;
use super::inflate::{Inflated, Packing};
use super::source::{Bytes, FileSource};
use crate::fault::{Code, Fault};

impl Feed {
    /// Whether the bytes of records lie in the file as they are read: it is neither packed nor an archive.
    pub fn is_plain(&self) -> bool {
        self.packing.is_none() && !self.archive
    }
}

/// Writes what the file at `path` holds to `out`, inflated where it is compressed; archives stay archives. Some 100 KiB
/// are held at a time.
///
/// # Errors
/// A damaged file, one that expands to more than `max_expansion` times its size, or an `out` that takes no more.
pub fn unpack(path: &Path, out: &mut impl Write, max_expansion: u64) -> Result<(), Fault> {
    let mut file = FileSource::open(path)?;
    let mut source: Box<dyn Bytes> = match Packing::sniff(&file.head(4)?) {
        None => Box::new(file),
        Some(packing) => Box::new(Inflated::start(file, packing, max_expansion)?),
    };
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = source.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        let written = out.write_all(&buffer[..count]);
        written.map_err(|error| Fault::new(Code::Unreadable, format!("writing failed: {error}")))?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_comes_out_and_what_was_not_stays() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let content: Vec<u8> = (0..300_000u32).flat_map(u32::to_le_bytes).collect();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&content)?;
        for packed in [content.clone(), gzip.finish()?, zstd::encode_all(&content[..], 1)?] {
            let path = folder.path().join("feed");
            std::fs::write(&path, &packed)?;
            let mut out = Vec::new();
            unpack(&path, &mut out, 100).map_err(|fault| fault.message)?;
            assert!(out == content, "{} bytes came to {}", packed.len(), out.len());
            std::fs::write(&path, &packed[..packed.len() / 2])?;
            let cut = unpack(&path, &mut Vec::new(), 100);
            assert_eq!(cut.is_ok(), packed == content);
        }
        Ok(())
    }
}
