//! How a run lies on disk.
//!
//! One header page, then chunks of [`CHUNK`] entries, then the footer: checksums and directory. Within a chunk the
//! three parts lie one after the other (hot, cold, owner), so that a run is written in one stream, a probe touches
//! one cache line of the hot part, and only records that changed touch the cold part.

use bytemuck::{Pod, Zeroable};

/// Entries in a chunk: the unit of checksums.
pub const CHUNK: usize = 4096;
/// Bytes before the first chunk.
pub const HEADER: usize = 4096;
/// First bytes of every run; the last one is the format's version.
pub const MAGIC: [u8; 8] = *b"FERUN\0\0\x01";

/// What a probe reads: 32 bytes, sorted by `key`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Hot {
    /// Keyed hash of the record's key.
    pub key: u128,
    /// Keyed hash of the record's bytes in the feed that last brought it; 0 = unknown.
    pub raw: u64,
    row: u64,
}

const ROW_BITS: u32 = 48;
const ACTIVE: u64 = 1 << ROW_BITS;
const GONE: u64 = 1 << (ROW_BITS + 1);

impl Hot {
    /// An entry for stored row `row` (48 bits).
    pub fn new(key: u128, raw: u64, row: u64, active: bool) -> Self {
        Hot { key, raw, row: row | if active { ACTIVE } else { 0 } }
    }

    /// An overlay's word that `key` is no longer in the catalog.
    pub fn gone(key: u128) -> Self {
        Hot { key, raw: 0, row: GONE }
    }

    /// Number of the stored row that holds the record.
    pub fn row(&self) -> u64 {
        self.row & (ACTIVE - 1)
    }

    /// Whether the record counts as active for the safeguard.
    pub fn is_active(&self) -> bool {
        self.row & ACTIVE != 0
    }

    /// Whether the record was removed by the task that wrote this run.
    pub fn is_gone(&self) -> bool {
        self.row & GONE != 0
    }
}

/// What is read of changed and removed records only: 24 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Cold {
    digest: [u64; 2],
    /// Size of the record's data in bytes.
    pub size: u32,
    /// Ordinal + 1 in the last full feed; 0 = it was not in it.
    pub ordinal: u32,
}

impl Cold {
    /// An entry with `digest`.
    pub fn new(digest: u128, size: u32, ordinal: u32) -> Self {
        Cold { digest: [digest as u64, (digest >> 64) as u64], size, ordinal }
    }

    /// The record's canonical digest.
    pub fn digest(&self) -> u128 {
        u128::from(self.digest[0]) | u128::from(self.digest[1]) << 64
    }
}

/// The fixed head of a run.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub struct Head {
    /// [`MAGIC`].
    pub magic: [u8; 8],
    /// Entries in the run.
    pub entries: u64,
    /// 1 if entries have an owner part.
    pub owned: u64,
    /// Bits of the directory.
    pub bits: u64,
    /// Offset of the footer.
    pub footer: u64,
    /// Length of the whole file.
    pub length: u64,
    /// A hash of the secret: a run of another store is refused.
    pub store: u64,
    /// Checksum of the footer.
    pub footer_sum: u64,
    /// Checksum of this head with this field 0.
    pub head_sum: u64,
    /// Keeps the size a multiple of 16.
    pub reserved: u64,
}

/// Bytes of one full chunk.
pub const fn stride(owned: bool) -> usize {
    CHUNK * (size_of::<Hot>() + size_of::<Cold>() + if owned { 16 } else { 0 })
}

/// Bits of the directory for `entries`: one or two entries a slot, so that a probe reads one cache line of them.
pub fn directory_bits(entries: u64) -> u32 {
    (u64::BITS - entries.leading_zeros()).saturating_sub(1).clamp(1, 26)
}

/// Unkeyed checksum of a part of a run.
pub fn checksum(bytes: &[u8]) -> u64 {
    crate::record::digest::fingerprint(bytes, 0xFEED)
}

/// [`checksum`] of bytes that lie in several places.
pub fn checksum_of(parts: &[&[u8]]) -> u64 {
    crate::record::digest::fingerprint_of(parts, 0xFEED)
}

#[cfg(target_endian = "big")]
compile_error!("runs are mapped as they lie on disk: little-endian machines only");
