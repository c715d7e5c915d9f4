//! The pages of one column, found and unpacked within limits: what a page says of its size is checked before memory is
//! asked for, and what it unpacks to must be what it says.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use parquet::basic::{Compression, Encoding};
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};

use super::super::source::Random;
use super::thrift::Thrift;
use super::{bad, refuse};
use crate::fault::Fault;

/// Memory that the pages in use of all columns may take together.
const MEMORY: usize = 512 << 20;
/// Longest header of a page: it may hold the smallest and the largest value.
const HEADER: usize = 16 << 20;
/// What is read of a header at first.
const HEADER_AHEAD: usize = 4 << 10;
/// What a decoded value of a dictionary takes at most, beside its bytes.
const VALUE: usize = 48;

/// Where a column's pages lie.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stretch {
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// Values of all its data pages, nulls among them.
    pub(crate) values: u64,
    pub(crate) packing: Compression,
}

/// Gives a column's pages one after the other.
pub(crate) struct Pages {
    file: Random,
    at: u64,
    stretch: Stretch,
    /// Values that are still to come.
    left: u64,
    /// For messages.
    column: String,
    /// In use by all columns.
    used: Arc<AtomicUsize>,
    dictionary: usize,
    page: usize,
}

/// What is wanted of a page's header.
#[derive(Debug, Default)]
struct Header {
    kind: i64,
    unpacked: usize,
    packed: usize,
    values: u32,
    encoding: i64,
    definition: i64,
    repetition: i64,
    nulls: u32,
    rows: u32,
    definition_length: u32,
    repetition_length: u32,
    plain: bool,
    sorted: bool,
}

impl Pages {
    /// Nothing read yet.
    pub(crate) fn new(file: Random, stretch: Stretch, column: &str, used: &Arc<AtomicUsize>) -> Self {
        let column = column.to_owned();
        let (at, left, used) = (stretch.start, stretch.values, used.clone());
        Pages { file, at, stretch, left, column, used, dictionary: 0, page: 0 }
    }

    fn next(&mut self) -> std::result::Result<Option<Page>, Fault> {
        while self.left > 0 {
            let header = self.header()?;
            let end = self.at.checked_add(header.packed as u64).filter(|end| *end <= self.stretch.end);
            let end = end.ok_or_else(|| self.wrong("a page ends behind the column"))?;
            let is_dictionary = header.kind == 2;
            if !is_dictionary {
                self.left = self
                    .left
                    .checked_sub(header.values.into())
                    .ok_or_else(|| self.wrong("its pages hold more values than the file says"))?;
            }
            self.account(is_dictionary, &header)?;
            let page = match header.kind {
                0 | 2 | 3 => Some(self.page(&header)?),
                // An index, or something of later years.
                _ => None,
            };
            self.at = end;
            if let Some(page) = page {
                return Ok(Some(page));
            }
        }
        Ok(None)
    }

    /// Reads the header at the present place and goes behind it.
    fn header(&mut self) -> std::result::Result<Header, Fault> {
        let mut length = HEADER_AHEAD;
        loop {
            let rest = usize::try_from(self.stretch.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
            let bytes = self.bytes(length.min(rest))?;
            let mut thrift = Thrift::new(&bytes);
            if let Some(header) = read_header(&mut thrift) {
                self.at += thrift.at() as u64;
                return Ok(header);
            }
            if length >= rest.min(HEADER) {
                return Err(self.wrong("a page has no sound header"));
            }
            length *= 16;
        }
    }

    fn bytes(&mut self, count: usize) -> std::result::Result<Vec<u8>, Fault> {
        let mut bytes = vec![0; count];
        let read = self.file.seek(SeekFrom::Start(self.at)).and_then(|_| self.file.read_exact(&mut bytes));
        read.map(|()| bytes).map_err(|error| self.wrong(&format!("a page cannot be read: {error}")))
    }

    /// Counts the memory that the page will take, and gives back what the one before took.
    fn account(&mut self, is_dictionary: bool, header: &Header) -> std::result::Result<(), Fault> {
        let values = if is_dictionary { (header.values as usize).saturating_mul(VALUE) } else { 0 };
        let need = header.unpacked.saturating_add(header.packed).saturating_add(values);
        let held = if is_dictionary { &mut self.dictionary } else { &mut self.page };
        self.used.fetch_sub(std::mem::take(held), Ordering::Relaxed);
        let before = self.used.load(Ordering::Relaxed);
        if need > MEMORY.saturating_sub(before) {
            let message = format!("its pages need more than {} MiB at once: write smaller ones", MEMORY >> 20);
            return Err(self.wrong(&message));
        }
        *held = need;
        self.used.fetch_add(need, Ordering::Relaxed);
        Ok(())
    }

    fn page(&mut self, header: &Header) -> std::result::Result<Page, Fault> {
        let packed = self.bytes(header.packed)?;
        let levels = match header.kind {
            3 => header.definition_length as usize + header.repetition_length as usize,
            _ => 0,
        };
        if levels > packed.len() || levels > header.unpacked {
            return Err(self.wrong("a page's levels are longer than the page"));
        }
        let bytes = match (self.stretch.packing, header.plain) {
            (Compression::UNCOMPRESSED, _) | (_, true) => packed,
            (packing, false) => unpack(packing, &packed, levels, header.unpacked).map_err(|what| self.wrong(&what))?,
        };
        if bytes.len() != header.unpacked {
            return Err(self.wrong("a page is not as long as it says"));
        }
        let buf = Bytes::from(bytes);
        let (num_values, encoding) = (header.values, self.encoding(header.encoding)?);
        Ok(match header.kind {
            0 => Page::DataPage {
                buf,
                num_values,
                encoding,
                def_level_encoding: self.encoding(header.definition)?,
                rep_level_encoding: self.encoding(header.repetition)?,
                statistics: None,
            },
            2 => Page::DictionaryPage { buf, num_values, encoding, is_sorted: header.sorted },
            _ => Page::DataPageV2 {
                buf,
                num_values,
                encoding,
                num_nulls: header.nulls,
                num_rows: header.rows,
                def_levels_byte_len: header.definition_length,
                rep_levels_byte_len: header.repetition_length,
                is_compressed: !header.plain,
                statistics: None,
            },
        })
    }

    fn encoding(&self, number: i64) -> std::result::Result<Encoding, Fault> {
        Ok(match number {
            0 => Encoding::PLAIN,
            2 => Encoding::PLAIN_DICTIONARY,
            3 => Encoding::RLE,
            5 => Encoding::DELTA_BINARY_PACKED,
            6 => Encoding::DELTA_LENGTH_BYTE_ARRAY,
            7 => Encoding::DELTA_BYTE_ARRAY,
            8 => Encoding::RLE_DICTIONARY,
            9 => Encoding::BYTE_STREAM_SPLIT,
            _ => return Err(self.wrong("a page has an unknown encoding")),
        })
    }

    fn wrong(&self, what: &str) -> Fault {
        bad(format!("the column {:?} cannot be read: {what}", self.column))
    }
}

fn read_header(thrift: &mut Thrift<'_>) -> Option<Header> {
    let mut header = Header { kind: -1, ..Header::default() };
    let small = |number: i64| u32::try_from(number).ok().filter(|number| *number <= i32::MAX as u32);
    thrift.structure(&mut |field, value| {
        match field {
            1 => header.kind = value.number()?,
            2 => header.unpacked = small(value.number()?)? as usize,
            3 => header.packed = small(value.number()?)? as usize,
            5 => value.structure(&mut |field, value| {
                match field {
                    1 => header.values = small(value.number()?)?,
                    2 => header.encoding = value.number()?,
                    3 => header.definition = value.number()?,
                    4 => header.repetition = value.number()?,
                    _ => {}
                }
                Some(())
            })?,
            7 => value.structure(&mut |field, value| {
                match field {
                    1 => header.values = small(value.number()?)?,
                    2 => header.encoding = value.number()?,
                    3 => header.sorted = value.flag()?,
                    _ => {}
                }
                Some(())
            })?,
            8 => value.structure(&mut |field, value| {
                match field {
                    1 => header.values = small(value.number()?)?,
                    2 => header.nulls = small(value.number()?)?,
                    3 => header.rows = small(value.number()?)?,
                    4 => header.encoding = value.number()?,
                    5 => header.definition_length = small(value.number()?)?,
                    6 => header.repetition_length = small(value.number()?)?,
                    7 => header.plain = !value.flag()?,
                    _ => {}
                }
                Some(())
            })?,
            _ => {}
        }
        Some(())
    })?;
    (header.kind >= 0).then_some(header)
}

/// Unpacks all but the `levels` first bytes; the result may have no more than `length` bytes.
fn unpack(packing: Compression, packed: &[u8], levels: usize, length: usize) -> std::result::Result<Vec<u8>, String> {
    let rest = length - levels;
    let mut bytes = Vec::with_capacity(length);
    bytes.extend_from_slice(&packed[..levels]);
    let packed = &packed[levels..];
    if rest == 0 {
        return Ok(bytes);
    }
    let damaged = |error: &dyn std::fmt::Display| format!("a page is damaged: {error}");
    // One byte more than there should be shows that it is too long.
    let all = |from: &mut dyn Read, bytes: &mut Vec<u8>| -> io::Result<usize> {
        from.take(rest as u64 + 1).read_to_end(bytes)
    };
    match packing {
        Compression::SNAPPY => {
            if snap::raw::decompress_len(packed).ok() != Some(rest) {
                return Err("a page is not as long as it says".into());
            }
            bytes.resize(length, 0);
            snap::raw::Decoder::new().decompress(packed, &mut bytes[levels..]).map_err(|error| damaged(&error))?;
        }
        Compression::GZIP(_) => {
            all(&mut flate2::read::MultiGzDecoder::new(packed), &mut bytes).map_err(|error| damaged(&error))?;
        }
        Compression::ZSTD(_) => {
            let mut decoder = zstd::stream::read::Decoder::new(packed).map_err(|error| damaged(&error))?;
            all(&mut decoder, &mut bytes).map_err(|error| damaged(&error))?;
        }
        Compression::LZ4_RAW => {
            bytes.resize(length, 0);
            let count =
                lz4_flex::block::decompress_into(packed, &mut bytes[levels..]).map_err(|error| damaged(&error))?;
            bytes.truncate(levels + count);
        }
        other => return Err(format!("it is packed with {other}: write it with snappy, zstd, gzip or lz4_raw")),
    }
    Ok(bytes)
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        Pages::next(self).map_err(refuse)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        Err(ParquetError::NYI("pages are read in order".into()))
    }

    fn skip_next_page(&mut self) -> Result<()> {
        Err(ParquetError::NYI("pages are read in order".into()))
    }

    /// A record may go on in the next page, as long as there is one.
    fn at_record_boundary(&mut self) -> Result<bool> {
        Ok(self.left == 0)
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        self.used.fetch_sub(self.dictionary + self.page, Ordering::Relaxed);
    }
}
