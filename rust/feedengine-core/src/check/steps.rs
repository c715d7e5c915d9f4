//! The steps that bring a value into its normal form, each ready to be taken a million times.

use unicode_normalization::{UnicodeNormalization, is_nfc};

use super::date::Form;
use super::decimal::Decimal;
use super::html;
use super::words::Words;
use crate::fault::Code;
use crate::record::rule::Step as Declared;

/// Why a step cannot read a value: the fault's code, and what the value is not.
pub type Unreadable = (Code, &'static str);

/// How a sender writes numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Before the fraction.
    pub point: char,
    /// Between groups of three digits.
    pub group: Option<char>,
}

/// Numbers as the engine writes them.
pub const PLAIN: Style = Style { point: '.', group: None };

/// One step.
#[derive(Debug)]
pub enum Step {
    /// See [`Declared::Trim`].
    Trim,
    /// See [`Declared::Squeeze`].
    Squeeze,
    /// See [`Declared::Nfc`].
    Nfc,
    /// See [`Declared::Upper`].
    Upper,
    /// See [`Declared::Lower`].
    Lower,
    /// See [`Declared::Decimal`].
    Decimal(Style),
    /// Signs, the longest first.
    Currency(Vec<String>),
    /// Units with their factors, the longest first; `None` for the unit that the others are turned into.
    Unit(Vec<(String, Option<String>)>, Style),
    /// See [`Declared::Date`].
    Date(Vec<Form>),
    /// Words in lower case.
    Flag(Words, Words),
    /// Theirs and ours, sorted by theirs.
    Map(Vec<(String, String)>),
    /// See [`Declared::GtinPad`].
    GtinPad,
    /// See [`Declared::StripHtml`].
    StripHtml,
}

impl Step {
    /// The step that `declared` is; `numbers` says how the field's numbers are written while it is taken. `None` for
    /// [`Declared::Split`], which makes items and is no step of a value. Forms and factors that are none are left out:
    /// [`super::wrong`] has refused them before.
    pub fn new(declared: &Declared, numbers: Style) -> Option<Step> {
        Some(match declared {
            Declared::Trim => Step::Trim,
            Declared::Squeeze => Step::Squeeze,
            Declared::Nfc => Step::Nfc,
            Declared::Upper => Step::Upper,
            Declared::Lower => Step::Lower,
            Declared::Decimal { point, group } => Step::Decimal(Style { point: *point, group: *group }),
            Declared::Currency { signs } => {
                let mut signs = signs.clone();
                signs.sort_by_key(|sign| std::cmp::Reverse(sign.len()));
                Step::Currency(signs)
            }
            Declared::Unit { factors } => {
                let factor =
                    |(at, (unit, factor)): (usize, &(String, String))| (unit.clone(), (at > 0).then(|| factor.clone()));
                let mut units: Vec<_> = factors.iter().enumerate().map(factor).collect();
                units.sort_by_key(|(unit, _)| std::cmp::Reverse(unit.len()));
                Step::Unit(units, numbers)
            }
            Declared::Date { forms } => Step::Date(forms.iter().filter_map(|form| Form::parse(form).ok()).collect()),
            Declared::Flag { yes, no } => {
                let lower = |words: &[String]| words.iter().map(|word| word.to_lowercase()).collect::<Vec<_>>();
                let (yes, no) = (lower(yes), lower(no));
                Step::Flag(Words::new(yes.iter().map(String::as_str)), Words::new(no.iter().map(String::as_str)))
            }
            Declared::Map { words } => {
                let mut words = words.clone();
                words.sort();
                Step::Map(words)
            }
            Declared::Split { .. } => return None,
            Declared::GtinPad => Step::GtinPad,
            Declared::StripHtml => Step::StripHtml,
        })
    }

    /// Whether what the step writes may need escapes in JSON although nothing that it read does.
    pub fn may_need_escapes(&self) -> bool {
        matches!(self, Step::Map(_) | Step::StripHtml)
    }

    /// Takes the step: true if the value is now in `out`, which is empty before; false if it stays as it is.
    ///
    /// # Errors
    /// Where the value cannot be read; it stays as it is.
    #[inline]
    pub fn take(&self, value: &str, out: &mut String) -> Result<bool, Unreadable> {
        match self {
            Step::Trim => Ok(trim(value, out)),
            Step::Squeeze => Ok(squeeze(value, out)),
            Step::Nfc => Ok(nfc(value, out)),
            Step::Upper => Ok(upper(value, out)),
            Step::Lower => Ok(lower(value, out)),
            Step::Decimal(style) => match decimal(value, *style, out) {
                Some(changed) => Ok(changed),
                None => Err((Code::BadDecimal, "is not a decimal number as the profile writes them")),
            },
            Step::Currency(signs) => currency(value, signs, out),
            Step::Unit(units, style) => unit(value, units, *style, out),
            Step::Date(forms) => match forms.iter().find_map(|form| form.read(value)) {
                Some((year, month, day)) => {
                    out.push_str(&format!("{year:04}-{month:02}-{day:02}"));
                    Ok(out != value)
                }
                None => Err((Code::BadDate, "is not a real date in a form that the profile names")),
            },
            Step::Flag(yes, no) => flag(value, yes, no, out),
            Step::Map(words) => Ok(match words.binary_search_by(|(theirs, _)| theirs.as_str().cmp(value)) {
                Ok(at) => {
                    out.push_str(&words[at].1);
                    true
                }
                Err(_) => false,
            }),
            Step::GtinPad => {
                if !(1..=14).contains(&value.len()) || !value.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err((Code::BadGtin, "is not a GTIN: at most 14 digits"));
                }
                (value.len()..14).for_each(|_| out.push('0'));
                out.push_str(value);
                Ok(value.len() < 14)
            }
            Step::StripHtml => Ok(html::strip(value, out)),
        }
    }
}

#[inline]
fn trim(value: &str, out: &mut String) -> bool {
    let plain = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_graphic);
    if plain(value.as_bytes().first()) && plain(value.as_bytes().last()) {
        return false;
    }
    let trimmed = value.trim();
    out.push_str(trimmed);
    trimmed.len() < value.len()
}

#[inline]
fn squeeze(value: &str, out: &mut String) -> bool {
    let bytes = value.as_bytes();
    let double = bytes.windows(2).fold(false, |found, pair| found | (pair[0] == b' ' && pair[1] == b' '));
    // Above 0x7F stand no-break blanks and others.
    if !double && bytes.iter().all(|byte| *byte >= b' ' && *byte < 0x80) {
        return false;
    }
    let mut blank = false;
    for letter in value.chars() {
        if !letter.is_whitespace() {
            out.push(letter);
        } else if !blank {
            out.push(' ');
        }
        blank = letter.is_whitespace();
    }
    out != value
}

#[inline]
fn nfc(value: &str, out: &mut String) -> bool {
    // Below U+0300 nothing is composed of others, and below this byte no character is beyond it.
    if value.bytes().all(|byte| byte < 0xCC) || is_nfc(value) {
        return false;
    }
    out.extend(value.nfc());
    true
}

#[inline]
fn upper(value: &str, out: &mut String) -> bool {
    if value.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_lowercase()) {
        return false;
    }
    out.push_str(&value.to_uppercase());
    out != value
}

#[inline]
fn lower(value: &str, out: &mut String) -> bool {
    if value.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        return false;
    }
    out.push_str(&value.to_lowercase());
    out != value
}

/// Whether `letter` may stand between groups where the profile says `group`: a blank is any of the blanks that stand
/// in numbers.
fn groups(group: Option<char>, letter: char) -> bool {
    group == Some(letter) || (group == Some(' ') && matches!(letter, '\u{a0}' | '\u{202f}'))
}

/// Writes the number in normal form; `None` if it is no number of this style. A group has three digits, so that a
/// comma which is meant as a point is not taken for nothing.
fn decimal(value: &str, style: Style, out: &mut String) -> Option<bool> {
    let bytes = value.as_bytes();
    // Most numbers are in normal form; a point there may be a sender's group.
    let unmarked = bytes.iter().all(|byte| byte.is_ascii_digit() || (*byte == b'.' && style.point == '.'));
    if unmarked && Decimal::parse(bytes).is_some() {
        return Some(false);
    }
    let (negative, digits) = match value.chars().next()? {
        '-' => (true, &value[1..]),
        '\u{2212}' => (true, &value['\u{2212}'.len_utf8()..]),
        '+' => (false, &value[1..]),
        _ => (false, value),
    };
    if negative {
        out.push('-');
    }
    let start = out.len();
    let mut part = None;
    let mut group = None;
    for (at, letter) in digits.char_indices() {
        if letter.is_ascii_digit() {
            out.push(letter);
        } else if letter == style.point && part.is_none() {
            if out.len() == start {
                out.push('0');
            }
            part = Some(at);
            close_group(group, out.len() - start)?;
            group = None;
            out.push('.');
        } else if groups(style.group, letter) && part.is_none() {
            let count = out.len() - start;
            match group {
                None if !(1..=3).contains(&count) => return None,
                None => {}
                Some(_) => close_group(group, count)?,
            }
            group = Some(count);
        } else {
            return None;
        }
    }
    close_group(group, out.len() - start)?;
    Decimal::parse(out.as_bytes())?;
    Some(out != value)
}

/// A group that was begun after some digits has three of them.
fn close_group(begun: Option<usize>, count: usize) -> Option<()> {
    begun.is_none_or(|begun| count == begun + 3).then_some(())
}

/// A character of an amount that is no currency: digits, signs, points and blanks.
fn is_amount(letter: char) -> bool {
    letter.is_ascii_digit()
        || matches!(letter, '+' | '-' | '.' | ',' | '\'' | ' ' | '\u{2212}' | '\u{2019}' | '\u{a0}' | '\u{202f}')
}

fn currency(value: &str, signs: &[String], out: &mut String) -> Result<bool, Unreadable> {
    if value.bytes().all(|byte| is_amount(byte as char)) && value.is_ascii() {
        return Ok(false);
    }
    let (minus, mut rest) = match value.strip_prefix(['-', '\u{2212}']) {
        Some(rest) => ("-", rest.trim_start()),
        None => ("", value),
    };
    let is = |part: Option<&str>, sign: &str| part.is_some_and(|part| part.eq_ignore_ascii_case(sign));
    if let Some(sign) = signs.iter().find(|sign| is(rest.get(..sign.len()), sign)) {
        rest = rest[sign.len()..].trim_start();
    }
    if let Some(sign) =
        signs.iter().find(|sign| is(rest.len().checked_sub(sign.len()).and_then(|at| rest.get(at..)), sign))
    {
        rest = rest[..rest.len() - sign.len()].trim_end();
    }
    if !rest.chars().all(is_amount) || !rest.contains(|letter: char| letter.is_ascii_digit()) {
        return Err((Code::BadCurrency, "is not an amount in a currency that the profile names"));
    }
    out.push_str(minus);
    out.push_str(rest);
    Ok(out != value)
}

fn unit(value: &str, units: &[(String, Option<String>)], style: Style, out: &mut String) -> Result<bool, Unreadable> {
    const WRONG: Unreadable = (Code::BadUnit, "is not a number with a unit that the profile names");
    let found = units.iter().find_map(|(unit, factor)| Some((value.strip_suffix(unit.as_str())?.trim_end(), factor)));
    // A bare number is one of the first unit.
    let (number, factor) = found.unwrap_or((value, &None));
    let mut plain = String::new();
    let changed = decimal(number, style, &mut plain).ok_or(WRONG)?;
    let Some(factor) = factor else {
        out.push_str(number);
        return Ok(out != value);
    };
    let number = Decimal::parse(if changed { plain.as_bytes() } else { number.as_bytes() }).ok_or(WRONG)?;
    number.multiply(&Decimal::parse(factor.as_bytes()).ok_or(WRONG)?, out);
    if style.point != '.' {
        *out = out.replace('.', style.point.encode_utf8(&mut [0; 4]));
    }
    Ok(true)
}

fn flag(value: &str, yes: &Words, no: &Words, out: &mut String) -> Result<bool, Unreadable> {
    let small;
    let word = if value.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        value
    } else {
        small = value.to_lowercase();
        &small
    };
    out.push_str(match word {
        _ if yes.holds(word.as_bytes()) => "true",
        _ if no.holds(word.as_bytes()) => "false",
        // What JSON and other profiles say is understood, unless the words above say otherwise.
        "true" | "false" => word,
        _ => return Err((Code::BadFlag, "is none of the profile's words for true and false")),
    });
    Ok(out != value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(declared: &Declared, value: &str) -> Result<String, Code> {
        let mut out = String::new();
        let step = Step::new(declared, Style { point: ',', group: Some('.') }).expect("a step");
        match step.take(value, &mut out) {
            Ok(true) => {
                assert_ne!(out, value, "{declared:?} changes {value:?} into itself");
                Ok(out)
            }
            Ok(false) => Ok(value.to_owned()),
            Err((code, _)) => Err(code),
        }
    }

    #[test]
    fn numbers_of_a_locale() {
        let german = Declared::Decimal { point: ',', group: Some('.') };
        let french = Declared::Decimal { point: ',', group: Some(' ') };
        let plain = Declared::Decimal { point: '.', group: None };
        for (step, value, result) in [
            (&german, "1.234,50", Some("1234.50")),
            (&german, "0012,5", Some("0012.5")),
            (&german, "-1.234.567", Some("-1234567")),
            (&german, "\u{2212}3", Some("-3")),
            (&german, "+3", Some("3")),
            (&german, ",5", Some("0.5")),
            (&german, "-,5", Some("-0.5")),
            (&german, "1.5", None),
            (&german, "1234.567", None),
            (&german, "1.23,4", None),
            (&german, ".123", None),
            (&german, "5,", None),
            (&german, "1,2,3", None),
            (&german, "1,234.5", None),
            (&german, "", None),
            (&german, "-", None),
            (&german, "1e5", None),
            (&french, "12 345,6", Some("12345.6")),
            (&french, "12\u{202f}345\u{a0}678,6", Some("12345678.6")),
            (&plain, "007.10", Some("007.10")),
            (&plain, "1,5", None),
        ] {
            assert_eq!(take(step, value), result.map(str::to_owned).ok_or(Code::BadDecimal), "{step:?} {value:?}");
        }
    }

    #[test]
    fn amounts_lose_their_currency() {
        let step = Declared::Currency { signs: ["EUR", "€", "$", "US$", "kr."].map(str::to_owned).to_vec() };
        for (value, result) in [
            ("12,50 €", Some("12,50")),
            ("€12,50", Some("12,50")),
            ("-€ 5", Some("-5")),
            ("eur 1.000", Some("1.000")),
            ("US$ 7", Some("7")),
            ("100 kr.", Some("100")),
            ("12.5", Some("12.5")),
            ("5 USD", None),
            ("£5", None),
            ("€", None),
            ("five", None),
        ] {
            assert_eq!(take(&step, value), result.map(str::to_owned).ok_or(Code::BadCurrency), "{value:?}");
        }
    }

    #[test]
    fn units_are_multiplied_into_the_first() {
        let pairs = [("kg", "1"), ("g", "0.001"), ("t", "1000")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        let step = Declared::Unit { factors: pairs.to_vec() };
        for (value, result) in [
            ("2,50 kg", Some("2,50")),
            ("1.000 g", Some("1")),
            ("500g", Some("0,5")),
            ("-2,5 t", Some("-2500")),
            ("0 g", Some("0")),
            ("7", Some("7")),
            ("7 lb", None),
            ("kg", None),
            ("7 KG", None),
        ] {
            assert_eq!(take(&step, value), result.map(str::to_owned).ok_or(Code::BadUnit), "{value:?}");
        }
    }

    #[test]
    fn other_steps() {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let flag = Declared::Flag { yes: words(&["Yes", "ja", "1"]), no: words(&["no", "Größe", "0"]) };
        let map = Declared::Map { words: vec![("rot".into(), "red".into()), ("n/a".into(), String::new())] };
        let date = Declared::Date { forms: words(&["YYYY-MM-DD", "DD.MM.YYYY"]) };
        for (step, value, result) in [
            (&Declared::Trim, "\t a b\u{a0}\u{3000}", Ok("a b")),
            (&Declared::Trim, "  ", Ok("")),
            (&Declared::Squeeze, " a \n\t b\u{a0}\u{a0}c", Ok(" a b c")),
            (&Declared::Squeeze, "größe x", Ok("größe x")),
            (&Declared::Nfc, "Gro\u{308}ße", Ok("Größe")),
            (&Declared::Nfc, "\u{212b}", Ok("Å")),
            (&Declared::Upper, "straße é", Ok("STRASSE É")),
            (&Declared::Lower, "ÀB C", Ok("àb c")),
            (&Declared::GtinPad, "036000291452", Ok("00036000291452")),
            (&Declared::GtinPad, "00036000291452", Ok("00036000291452")),
            (&Declared::GtinPad, "36-1", Err(Code::BadGtin)),
            (&Declared::GtinPad, "123456789012345", Err(Code::BadGtin)),
            (&flag, "YES", Ok("true")),
            (&flag, "GRÖSSE", Err(Code::BadFlag)),
            (&flag, "größe", Ok("false")),
            (&flag, "true", Ok("true")),
            (&flag, "maybe", Err(Code::BadFlag)),
            (&map, "rot", Ok("red")),
            (&map, "n/a", Ok("")),
            (&map, "blau", Ok("blau")),
            (&date, "24.12.2026", Ok("2026-12-24")),
            (&date, "2026-12-24", Ok("2026-12-24")),
            (&date, "30.02.2026", Err(Code::BadDate)),
            (&Declared::StripHtml, "<b>x</b>", Ok("x")),
        ] {
            assert_eq!(take(step, value), result.map(str::to_owned), "{step:?} {value:?}");
        }
    }
}
