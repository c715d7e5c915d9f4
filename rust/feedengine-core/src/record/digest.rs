//! Keyed 128-bit digests of keys, cells and records.
//!
//! All hashes are keyed with the store's secret, so nobody can craft two records that look alike to the engine.
//! A record's digest is the wrapping sum of its cells' digests: it does not depend on the order of columns, absent
//! cells add nothing, and a patch can be applied to it (`new = old - cell(old) + cell(new)`). The digest of an
//! entity is the wrapping sum over its records of a mix of each record's digest; without the mix, swapping two
//! records' cells would go unseen.

use twox_hash::{XxHash3_64, XxHash3_128};

use super::{Kind, Record, State};

/// Length of a store's secret in bytes.
pub const SECRET_LEN: usize = 192;

/// The store's secret, ready to hash with.
#[derive(Clone)]
pub struct Hasher {
    secret: Box<[u8; SECRET_LEN]>,
}

impl Hasher {
    /// A hasher for `secret`; `None` unless it has [`SECRET_LEN`] bytes.
    pub fn new(secret: &[u8]) -> Option<Self> {
        Some(Hasher { secret: Box::new(secret.try_into().ok()?) })
    }

    /// The secret itself.
    pub fn secret(&self) -> &[u8] {
        &self.secret[..]
    }

    #[inline]
    fn short(&self, bytes: &[u8]) -> u64 {
        // Only a secret of fewer than 136 bytes is refused.
        XxHash3_64::oneshot_with_secret(&self.secret[..], bytes).unwrap_or_else(|_| unreachable!())
    }

    #[inline]
    fn long(&self, bytes: &[u8]) -> u128 {
        XxHash3_128::oneshot_with_secret(&self.secret[..], bytes).unwrap_or_else(|_| unreachable!())
    }

    /// A key's hash: what the index is sorted by.
    #[inline]
    pub fn key(&self, key: &[u8]) -> u128 {
        self.long(key)
    }

    /// A raw record's hash under `layout`, the fingerprint of how it was read (header, rules). Never 0, which
    /// stands for "unknown".
    #[inline]
    pub fn raw(&self, raw: &[u8], layout: u64) -> u64 {
        (self.short(raw) ^ layout).max(1)
    }

    /// A field name's hash: the seed of its cells.
    pub fn field(&self, name: &str) -> u64 {
        self.short(name.as_bytes())
    }

    /// A cell's digest; `field` is [`Hasher::field`] of its name.
    #[inline]
    pub fn cell(&self, field: u64, kind: Kind, bytes: &[u8]) -> u128 {
        XxHash3_128::oneshot_with_seed(field.wrapping_add((kind as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)), bytes)
    }

    /// A record's share of its entity's digest.
    #[inline]
    pub fn share(&self, digest: u128) -> u128 {
        self.long(&digest.to_le_bytes())
    }

    /// The digest of a whole record as stored: its `Set` cells. `fields` gives each field's hash.
    pub fn record(&self, record: &Record, mut fields: impl FnMut(super::FieldId) -> u64) -> u128 {
        record
            .cells()
            .iter()
            .filter(|cell| cell.state == State::Set)
            .fold(0, |sum, cell| sum.wrapping_add(self.cell(fields(cell.field), cell.kind, record.bytes(cell))))
    }
}

/// An unkeyed 64-bit hash, for fingerprints that must be the same in every store.
pub fn fingerprint(bytes: &[u8], seed: u64) -> u64 {
    XxHash3_64::oneshot_with_seed(seed, bytes)
}

/// [`fingerprint`] of bytes that lie in several places.
pub fn fingerprint_of(parts: &[&[u8]], seed: u64) -> u64 {
    let mut hasher = XxHash3_64::with_seed(seed);
    parts.iter().for_each(|part| std::hash::Hasher::write(&mut hasher, part));
    std::hash::Hasher::finish(&hasher)
}

#[cfg(test)]
mod tests {
    use super::super::FieldId;
    use super::*;

    fn hasher() -> Hasher {
        Hasher::new(&[7; SECRET_LEN]).unwrap_or_else(|| unreachable!())
    }

    #[test]
    fn a_digest_ignores_order_and_follows_patches() {
        let hasher = hasher();
        let seed = |field: FieldId| u64::from(field.0) + 1;
        let (mut one, mut two) = (Record::default(), Record::default());
        one.push_text(FieldId(0), "a");
        one.push_text(FieldId(1), "b");
        two.push_text(FieldId(1), "b");
        two.push_empty(FieldId(9), State::Blank);
        two.push_text(FieldId(0), "a");
        assert_eq!(hasher.record(&one, seed), hasher.record(&two, seed));
        two.clear();
        two.push_text(FieldId(0), "b");
        two.push_text(FieldId(1), "a");
        assert_ne!(hasher.record(&one, seed), hasher.record(&two, seed));
        let patched = hasher
            .record(&one, seed)
            .wrapping_sub(hasher.cell(1, Kind::Text, b"a"))
            .wrapping_add(hasher.cell(1, Kind::Text, b"c"));
        two.clear();
        two.push_text(FieldId(0), "c");
        two.push_text(FieldId(1), "b");
        assert_eq!(hasher.record(&two, seed), patched);
    }

    #[test]
    fn hashes_are_those_of_every_machine_and_release() {
        // Stored indexes and digests depend on these values.
        assert_eq!(hasher().key(b"A1"), 17_930_926_025_874_620_316_976_797_707_226_541_884);
        assert_eq!(hasher().raw(&[b'x'; 500], 5), 14_898_294_486_250_284_615);
        assert_eq!(hasher().cell(1, Kind::Json, b"19.5"), 148_103_748_626_711_779_760_729_338_960_726_401_836);
        assert_eq!(fingerprint_of(&[b"fe", b"", b"ed"], 2), fingerprint(b"feed", 2));
        assert_eq!(fingerprint(b"feed", 2), 18_446_394_739_849_613_037);
    }

    #[test]
    fn the_same_bytes_of_another_type_differ() {
        let hasher = hasher();
        assert_ne!(hasher.cell(1, Kind::Text, b"19.5"), hasher.cell(1, Kind::Json, b"19.5"));
    }
}
