//! Values with a form of their own: UUIDs, web addresses, GTINs.

use crate::record::uuid::uuid_bytes;

/// Whether `text` is a UUID as RFC 9562 writes them: 8-4-4-4-12 hexadecimal digits, in either case.
pub fn is_uuid(text: &[u8]) -> bool {
    uuid_bytes(text).is_some()
}

/// Whether `text` is a GTIN-8, -12, -13 or -14 whose last digit fits the others.
pub fn is_gtin(text: &[u8]) -> bool {
    if !matches!(text.len(), 8 | 12 | 13 | 14) || !text.iter().all(u8::is_ascii_digit) {
        return false;
    }
    // From the right the digits weigh 1, 3, 1, 3, …; together they are a multiple of ten.
    let value = |digit: &u8| u32::from(digit - b'0');
    let weighed = |pair: &[u8]| match pair {
        [left, right] => 3 * value(left) + value(right),
        _ => pair.iter().map(value).sum(),
    };
    text.rchunks(2).map(weighed).sum::<u32>() % 10 == 0
}

/// What a byte may be in an address: bits of these.
const CLASSES: [u8; 256] = {
    let mut classes = [0u8; 256];
    let mut byte = 0;
    while byte < 256 {
        let letter = byte as u8;
        if letter <= b' ' || matches!(letter, 0x7F | b'"' | b'<' | b'>' | b'\\') {
            classes[byte] |= NOWHERE;
        }
        if letter.is_ascii_alphanumeric() || matches!(letter, b'-' | b'_') || letter >= 0x80 {
            classes[byte] |= LABEL;
        }
        if matches!(letter, b'/' | b'?' | b'#') {
            classes[byte] |= AFTER_HOST;
        }
        if letter >= 0x80 {
            classes[byte] |= FOREIGN;
        }
        byte += 1;
    }
    classes
};
/// No address holds it: white space, controls, quotes, angle brackets.
const NOWHERE: u8 = 1;
/// A host's labels hold it.
const LABEL: u8 = 2;
/// It ends the host.
const AFTER_HOST: u8 = 4;
/// Part of a letter beyond ASCII.
const FOREIGN: u8 = 8;

fn class(byte: &u8) -> u8 {
    CLASSES[usize::from(*byte)]
}

/// Whether `text` is an absolute http or https address: a host, maybe a port, and nothing that no address may hold
/// (white space, controls, quotes, angle brackets).
pub fn is_url(text: &str) -> bool {
    let bytes = text.as_bytes();
    let lower =
        |at: usize, wanted: &[u8]| bytes.get(at..at + wanted.len()).is_some_and(|b| b.eq_ignore_ascii_case(wanted));
    let start = if lower(0, b"https://") {
        8
    } else if lower(0, b"http://") {
        7
    } else {
        return false;
    };
    let seen = bytes.iter().fold(0, |all, byte| all | class(byte));
    if seen & NOWHERE != 0
        || (seen & FOREIGN != 0 && text.chars().any(|letter| letter.is_whitespace() || letter.is_control()))
    {
        return false;
    }
    let rest = &bytes[start..];
    let authority = &rest[..rest.iter().position(|byte| class(byte) & AFTER_HOST != 0).unwrap_or(rest.len())];
    let host = authority.iter().rposition(|byte| *byte == b'@').map_or(authority, |at| &authority[at + 1..]);
    if let [b'[', inner @ ..] = host {
        let Some(end) = inner.iter().position(|byte| *byte == b']') else { return false };
        let (inner, behind) = (&inner[..end], &inner[end + 1..]);
        let address = inner.contains(&b':') && inner.iter().all(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.'));
        return address && (behind.is_empty() || behind.strip_prefix(b":").is_some_and(is_port));
    }
    let (host, port) = match host.iter().position(|byte| *byte == b':') {
        Some(at) => (&host[..at], Some(&host[at + 1..])),
        None => (host, None),
    };
    let is_label = |label: &[u8]| {
        label.iter().all(|byte| class(byte) & LABEL != 0)
            && !matches!(label.first(), None | Some(b'-'))
            && !matches!(label.last(), Some(b'-'))
    };
    port.is_none_or(is_port) && host.strip_suffix(b".").unwrap_or(host).split(|byte| *byte == b'.').all(is_label)
}

fn is_port(port: &[u8]) -> bool {
    let number = port.iter().try_fold(0u32, |number, byte| {
        byte.is_ascii_digit().then(|| number * 10 + u32::from(byte - b'0')).filter(|number| *number <= 65_535)
    });
    (1..=5).contains(&port.len()) && number.is_some_and(|number| number > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_told_apart() {
        for (text, right) in [
            ("https://shop.example/a?b=c#d", true),
            ("HTTP://shop.example:8080", true),
            ("https://user@shop.example./x", true),
            ("https://münchen.example/größe", true),
            ("http://[2001:db8::1]:80/", true),
            ("http://localhost", true),
            ("https://", false),
            ("https:///x", false),
            ("ftp://shop.example", false),
            ("shop.example/a", false),
            ("//shop.example", false),
            ("https://shop example/", false),
            ("https://shop.example/a b", false),
            ("https://shop..example", false),
            ("https://-shop.example", false),
            ("https://shop.example:0", false),
            ("https://shop.example:99999", false),
            ("https://shop.example/\u{a0}", false),
            ("https://[2001:db8::1", false),
            ("https://shop.example/\"x\"", false),
        ] {
            assert_eq!(is_url(text), right, "{text}");
        }
        assert!(is_uuid(b"f81d4fae-7dec-11d0-a765-00a0c91e6bf6") && is_uuid(b"F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6"));
        assert!(!is_uuid(b"f81d4fae7dec11d0a76500a0c91e6bf6") && !is_uuid(b"g81d4fae-7dec-11d0-a765-00a0c91e6bf6"));
        assert!(!is_uuid(b"{81d4fae-7dec-11d0-a765-00a0c91e6bf}"));
    }

    #[test]
    fn every_other_last_digit_of_a_gtin_is_wrong() {
        for body in ["4006381", "01234567890", "400638133393", "1061414101234"] {
            let right: Vec<_> = (0..10).filter(|digit| is_gtin(format!("{body}{digit}").as_bytes())).collect();
            assert_eq!(right.len(), 1, "{body}");
        }
        assert!(is_gtin(b"4006381333931") && is_gtin(b"036000291452") && is_gtin(b"96385074"));
        assert!(!is_gtin(b"") && !is_gtin(b"0") && !is_gtin(b"400638133393") && !is_gtin("４００６３８１".as_bytes()));
    }
}
