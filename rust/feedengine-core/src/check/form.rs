//! Values with a form of their own: UUIDs, web addresses, GTINs.

/// Whether `text` is a UUID as RFC 9562 writes them: 8-4-4-4-12 hexadecimal digits, in either case.
pub fn is_uuid(text: &[u8]) -> bool {
    text.len() == 36
        && text.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Whether `text` is a GTIN-8, -12, -13 or -14 whose last digit fits the others.
pub fn is_gtin(text: &[u8]) -> bool {
    if !matches!(text.len(), 8 | 12 | 13 | 14) || !text.iter().all(u8::is_ascii_digit) {
        return false;
    }
    // From the right the digits weigh 1, 3, 1, 3, …; together they are a multiple of ten.
    let weighed = |(at, digit): (usize, &u8)| u32::from(digit - b'0') * if at % 2 == 0 { 1 } else { 3 };
    text.iter().rev().enumerate().map(weighed).sum::<u32>() % 10 == 0
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
    if bytes.iter().any(|byte| *byte <= b' ' || matches!(byte, 0x7F | b'"' | b'<' | b'>' | b'\\'))
        || (!text.is_ascii() && text.chars().any(|letter| letter.is_whitespace() || letter.is_control()))
    {
        return false;
    }
    let rest = &text[start..];
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (host, port) = match host.strip_prefix('[') {
        Some(inner) => {
            let Some((inner, behind)) = inner.split_once(']') else { return false };
            let address =
                inner.contains(':') && inner.bytes().all(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.'));
            return address && (behind.is_empty() || behind.strip_prefix(':').is_some_and(is_port));
        }
        None => host.split_once(':').map_or((host, None), |(host, port)| (host, Some(port))),
    };
    let label = |label: &str| {
        !label.is_empty()
            && label.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_') || !c.is_ascii())
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    port.is_none_or(is_port) && host.strip_suffix('.').unwrap_or(host).split('.').all(label)
}

fn is_port(port: &str) -> bool {
    (1..=5).contains(&port.len())
        && port.bytes().all(|byte| byte.is_ascii_digit())
        && port.parse::<u32>().is_ok_and(|port| (1..=65_535).contains(&port))
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
