//! Forms in which identifiers are compared: weak names without case and punctuation, system ids as numbers.

use crate::record::digest::Hasher;

/// A name without regard to case, white space and punctuation. A name of nothing else is compared as it stands.
pub fn folded(name: &str, out: &mut String) {
    out.clear();
    if name.is_ascii() {
        out.extend(name.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| char::from(byte.to_ascii_lowercase())));
    } else {
        out.extend(name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase));
    }
    if out.is_empty() {
        out.push_str(name.trim());
    }
}

/// A new record's id: the keyed hash of `seed` in the shape of a version 4 UUID. The same seed gives the same id, and
/// nobody without the store's secret can tell which.
pub fn system_id(hasher: &Hasher, seed: &[u8]) -> u128 {
    let number = hasher.key(seed);
    number & !(0xF << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::digest::SECRET_LEN;
    use crate::record::uuid::{uuid, uuid_text};

    #[test]
    fn names_fold_and_never_to_nothing() {
        let mut out = String::new();
        for (name, expected) in [("ACME, Inc.", "acmeinc"), ("  Ünï  co-op ", "ünïcoop"), (" *** ", "***")] {
            folded(name, &mut out);
            assert_eq!(out, expected, "{name:?}");
        }
    }

    #[test]
    fn ids_are_uuids_of_version_four_and_come_back() {
        let hasher = Hasher::new(&[5; SECRET_LEN]).expect("secret");
        for seed in 0..200u32 {
            let id = system_id(&hasher, &seed.to_le_bytes());
            let text = uuid_text(id);
            assert_eq!((uuid(&text), uuid(&text.to_uppercase())), (Some(id), Some(id)));
            assert!(text.as_bytes()[14] == b'4' && matches!(text.as_bytes()[19], b'8' | b'9' | b'a' | b'b'), "{text}");
        }
        let bad = [
            "",
            "12345678-1234-1234-1234-12345678901",
            "12345678+1234-1234-1234-123456789012",
            "1234é678-1234-1234-1234-12345678901",
        ];
        assert!(bad.iter().all(|text| uuid(text).is_none()));
    }
}
