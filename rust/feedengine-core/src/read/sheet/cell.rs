//! What a cell holds, as text: numbers with the digits they have, dates as ISO, escapes undone.

use std::borrow::Cow;

use super::styles::Look;
use crate::fault::{Code, Fault};
use crate::read::calendar::{self, Fraction};

/// Days from 1899-12-30, from which serial numbers count, to 1970-01-01.
const EPOCH: i64 = 25_569;
/// Days between the epochs of the two date systems.
const OFF_1904: i64 = 1_462;
const DAY: i64 = 86_400_000;

/// A number as the shortest decimal digits that mean exactly it, never with an exponent; none for what is no number.
pub(crate) fn number(text: &str) -> Option<String> {
    let text = text.trim_ascii();
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        // Programs that write more digits than a binary number holds mean them.
        let digits = match digits.trim_start_matches('0') {
            "" => return Some("0".into()),
            digits => digits,
        };
        return Some(if text.starts_with('-') { format!("-{digits}") } else { digits.into() });
    }
    let value = parse(text)?;
    Some(if value == 0.0 { "0".into() } else { value.to_string() })
}

/// Rust also reads words such as `inf`.
fn parse(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    text.parse().ok().filter(|value: &f64| plain && value.is_finite())
}

/// A number that is shown as a date or a time; `Err` says why it is none.
pub(crate) fn moment(text: &str, look: Look, from_1904: bool) -> Result<String, String> {
    let value = parse(text.trim_ascii()).ok_or_else(|| format!("{text:?} is no number"))?;
    if look == Look::Time && (0.0..1.0).contains(&value) {
        let parts = (value * DAY as f64).round() as i64;
        if parts < DAY {
            return Ok(calendar::time(parts, Fraction::Milli));
        }
    }
    let none = || format!("{text} is no date");
    if !(0.0..3_000_000.0).contains(&value) {
        return Err(none());
    }
    let parts = (value * DAY as f64).round() as i64;
    let (days, time) = (parts.div_euclid(DAY), parts.rem_euclid(DAY));
    let days = match (from_1904, days) {
        (true, days) => days + OFF_1904,
        // The first system has a 29 February 1900, which never was, and a day before the first one.
        (false, 0 | 60) => return Err(none()),
        (false, 1..60) => days + 1,
        (false, _) => days,
    };
    let date = calendar::date(days - EPOCH).ok_or_else(none)?;
    Ok(if time == 0 { date } else { format!("{date}T{}", calendar::time(time, Fraction::Milli)) })
}

/// A date that stands as text, without a time that says nothing.
pub(crate) fn iso(text: &str) -> &str {
    let text = text.trim_ascii();
    text.split_once("T00:00:00")
        .filter(|(_, rest)| rest.trim_matches(['.', '0', 'Z']).is_empty())
        .map_or(text, |two| two.0)
}

/// Undoes `_xHHHH_`: characters that XML cannot hold, as UTF-16 numbers. One that makes no character stays as it is.
pub(crate) fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains("_x") {
        return text.into();
    }
    let unit = |text: &str| {
        let hex = text.strip_prefix("_x")?.get(..4)?;
        let closed = text.as_bytes().get(6) == Some(&b'_') && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        u16::from_str_radix(hex, 16).ok().filter(|_| closed)
    };
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("_x") {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let first = unit(rest);
        let second = first.and_then(|_| unit(&rest[7..]));
        let one = first.and_then(|first| char::from_u32(first.into()));
        let pair = first.zip(second).and_then(|(first, second)| char::decode_utf16([first, second]).next()?.ok());
        let (letter, length) = match (one, pair) {
            (Some(letter), _) => (letter, 7),
            (None, Some(letter)) => (letter, 14),
            (None, None) => ('_', 1),
        };
        plain.push(letter);
        rest = &rest[length..];
    }
    plain.push_str(rest);
    plain.into()
}

/// Refuses a text that no record may hold.
pub(crate) fn check_length(text: &str, most: usize) -> Result<(), Fault> {
    match text.len() > most {
        true => Err(Fault::new(Code::RecordTooLong, format!("a cell's text is longer than {most} bytes"))),
        false => Ok(()),
    }
}

/// Row and column, both from 1, of an address such as `C7` or `$C$7`.
pub(crate) fn place(address: &str) -> Option<(u64, usize)> {
    let address = address.strip_prefix('$').unwrap_or(address);
    let end = address.find(|letter: char| !letter.is_ascii_alphabetic())?;
    let (letters, row) = address.split_at(end);
    if letters.is_empty() || letters.len() > 6 {
        return None;
    }
    let column = letters.bytes().fold(0, |sum, letter| sum * 26 + usize::from(letter.to_ascii_uppercase() - b'A') + 1);
    let row = row.strip_prefix('$').unwrap_or(row);
    let plain = row.bytes().all(|byte| byte.is_ascii_digit());
    Some((row.parse().ok().filter(|row| plain && *row > 0)?, column))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::letters;

    #[test]
    fn numbers_have_the_digits_they_mean() {
        for (text, expected) in [
            ("1", Some("1")),
            ("1.0", Some("1")),
            ("-0", Some("0")),
            ("-0.0", Some("0")),
            ("007", Some("7")),
            ("19.989999999999998", Some("19.99")),
            ("0.1", Some("0.1")),
            ("1E+15", Some("1000000000000000")),
            ("1.2345E-5", Some("0.000012345")),
            ("1e21", Some("1000000000000000000000")),
            ("12345678901234567890", Some("12345678901234567890")),
            ("-12", Some("-12")),
            (" 5 ", Some("5")),
            ("1e400", None),
            ("inf", None),
            ("NaN", None),
            ("", None),
            ("-", None),
            ("1,5", None),
        ] {
            assert_eq!(number(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn serial_numbers_are_dates() {
        for (text, look, from_1904, expected) in [
            ("1", Look::Date, false, Some("1900-01-01")),
            ("59", Look::Date, false, Some("1900-02-28")),
            ("60", Look::Date, false, None),
            ("61", Look::Date, false, Some("1900-03-01")),
            ("0", Look::Date, false, None),
            ("0", Look::Date, true, Some("1904-01-01")),
            ("46347", Look::Date, false, Some("2026-11-21")),
            ("44885", Look::Date, true, Some("2026-11-21")),
            ("46347.354166666664", Look::Date, false, Some("2026-11-21T08:30:00")),
            ("46347.999999999", Look::Date, false, Some("2026-11-22")),
            ("46347.00000011574", Look::Time, false, Some("2026-11-21T00:00:00.01")),
            ("0.354166666666667", Look::Time, false, Some("08:30:00")),
            ("0", Look::Time, false, Some("00:00:00")),
            ("2958465", Look::Date, false, Some("9999-12-31")),
            ("2958466", Look::Date, false, None),
            ("-1", Look::Date, false, None),
            ("1e99", Look::Date, false, None),
            ("x", Look::Date, false, None),
        ] {
            assert_eq!(moment(text, look, from_1904).ok().as_deref(), expected, "{text}");
        }
        assert_eq!(iso("2026-11-21T00:00:00.000Z"), "2026-11-21");
        assert_eq!(iso("2026-11-21T00:00:00.5"), "2026-11-21T00:00:00.5");
        assert_eq!(iso("2026-11-21"), "2026-11-21");
    }

    #[test]
    fn escapes_are_undone_once() {
        for (text, expected) in [
            ("plain_x", "plain_x"),
            ("a_x000D_\nb", "a\r\nb"),
            ("_x005F_x0041_", "_x0041_"),
            ("_xD83D__xDE00_!", "\u{1F600}!"),
            ("_xD83D_x", "_xD83D_x"),
            ("_x00é_", "_x00é_"),
            ("_x0041", "_x0041"),
            ("__x0041_", "_A"),
        ] {
            assert_eq!(unescape(text), expected);
        }
    }

    #[test]
    fn addresses_are_read_and_written() {
        for (column, text) in [(1, "A"), (26, "Z"), (27, "AA"), (702, "ZZ"), (703, "AAA"), (16_384, "XFD")] {
            assert_eq!(letters(column), text);
            assert_eq!(place(&format!("${text}$7")), Some((7, column)));
            assert_eq!(place(&format!("{text}12")), Some((12, column)));
        }
        for wrong in ["", "A", "7", "A0", "A-1", "A+1", "AAAAAAAAAA1", "A99999999999999999999", "é1"] {
            assert_eq!(place(wrong), None, "{wrong}");
        }
    }
}
