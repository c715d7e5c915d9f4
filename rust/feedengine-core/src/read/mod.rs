//! Bytes to records with their position: containers, formats, column names. Streaming, in bounded memory.
//!
//! A [`Feed`] is cut into [`Block`]s of whole records by one thread at a time (that part is cheap: it copies bytes
//! and finds where records end); blocks are then keyed and parsed by any number of threads through the
//! block's [`Layout`], which is immutable.

mod calendar;
mod cell;
mod columnar;
mod composed;
mod csv;
mod declared;
mod decode;
mod deflate;
mod document;
mod element;
mod exact;
mod feed;
mod fixed;
mod foreign;
#[cfg(test)]
mod format_tests;
mod header;
mod inflate;
mod json;
mod keyed;
mod layout;
mod lines;
mod near;
mod scan;
mod sheet;
mod simd;
mod sniff;
mod sound;
mod source;
mod tar;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod unpack;
mod words;
mod xml;
mod zip;

pub use cell::Scratch;
pub use declared::{Encoding, FixedField, FixedRecord, FixedSpec, FormatSpec, SheetSpec, Tag, Trailer, XmlSpec};
pub use feed::{Feed, FileInfo, Next, Section, SectionEnd, Tables};
pub use header::HeaderColumn;
pub(crate) use header::is_key;
pub use keyed::keyed;
pub use layout::Layout;
pub use sound::Sound;
pub use source::{fingerprint, told};
pub use unpack::unpack;

pub use crate::fault::Issue;

use crate::record::entity::EntitySpec;

/// How to read. The same options and file give the same blocks.
#[derive(Clone, Debug)]
pub struct ReadOptions {
    /// The entities that feeds of this profile may hold.
    pub entities: Vec<EntitySpec>,
    /// CSV delimiter; found from the header when `None` (`,` `;` tab `|`).
    pub delimiter: Option<u8>,
    /// Target size of a block in bytes.
    pub block: usize,
    /// A record longer than this fails the file.
    pub max_record: usize,
    /// The largest ratio of inflated to compressed bytes, above the first 64 MiB.
    pub max_expansion: u64,
    /// Most columns or distinct open fields.
    pub max_columns: usize,
    /// A loose CSV or JSONL file whose entity cannot be told holds this one.
    pub default_entity: Option<String>,
    /// The file holds this entity, whatever its columns look like.
    pub entity: Option<String>,
    /// What is declared of its format.
    pub format: FormatSpec,
}

/// One stretch of whole records of one section.
#[derive(Debug, Default)]
pub struct Block {
    /// The bytes; record terminators included.
    pub bytes: Vec<u8>,
    /// Number of the section in the feed, from 0.
    pub section: u32,
    /// Ordinal (from 0) of the first record within its section. Blank lines count as records here, so that ordinals
    /// can be known before the block is split.
    pub first_record: u64,
    /// Line (from 1) of the first byte.
    pub first_line: u64,
    /// Offset of the first byte in the member.
    pub first_byte: u64,
    /// The records, blank ones left out: where they lie was found when the block was cut.
    pub spans: Vec<Span>,
    /// Where the records stand in the original, one for each span, where the bytes were made from a foreign format;
    /// otherwise empty.
    pub origins: Vec<Origin>,
}

impl Block {
    /// A record's bytes.
    #[inline]
    pub fn raw(&self, span: &Span) -> &[u8] {
        &self.bytes[span.start as usize..span.end as usize]
    }
}

/// Where a record of a foreign format starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Line, or row of a sheet, from 1; 0 = there are none.
    pub line: u64,
    /// Offset in the member's bytes, where it is known.
    pub byte: u64,
}

/// The last record end in some bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cut {
    /// One past it; 0 if there is none.
    pub(crate) end: usize,
    /// Records before it, blank ones among them.
    pub(crate) records: u64,
    /// Lines before it.
    pub(crate) lines: u64,
}

/// Where a record lies in its block, without its terminator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// Ordinal relative to the block's `first_record`.
    pub ordinal: u32,
}
