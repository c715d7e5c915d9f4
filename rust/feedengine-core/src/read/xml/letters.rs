//! Characters and names as XML 1.0 allows them, and what stands for others in a text.

use std::borrow::Cow;

use crate::fault::Code;

/// What is wrong in a text: where, which code, and what.
pub(super) type Wrong = (usize, Code, String);

/// Longest name.
const MAX_NAME: usize = 1024;

fn starts_name(letter: char) -> bool {
    matches!(letter,
        ':' | '_' | 'A'..='Z' | 'a'..='z' | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}'
        | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}'
        | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}'
        | '\u{10000}'..='\u{EFFFF}')
}

fn goes_on_name(letter: char) -> bool {
    starts_name(letter)
        || matches!(letter, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

/// The name that `text` starts with.
pub(super) fn name(text: &str) -> Result<&str, &'static str> {
    let end = text.find(|letter| !goes_on_name(letter)).unwrap_or(text.len());
    match text.chars().next() {
        Some(first) if starts_name(first) && end <= MAX_NAME => Ok(&text[..end]),
        Some(first) if starts_name(first) => Err("a name is longer than 1024 bytes"),
        _ => Err("a name is missing"),
    }
}

/// Whether a document may hold `letter`.
fn is_allowed(letter: char) -> bool {
    matches!(letter, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// The first character that no document may hold.
pub(super) fn forbidden(text: &str) -> Option<Wrong> {
    // Most texts have none of the bytes that these characters start with.
    let odd = |byte: u8| (byte < 0x20) & (byte != b'\t') & (byte != b'\n') & (byte != b'\r') | (byte == 0xEF);
    if !text.bytes().fold(false, |found, byte| found | odd(byte)) {
        return None;
    }
    let (at, letter) = text.char_indices().find(|(_, letter)| !is_allowed(*letter))?;
    Some((at, Code::BadXml, format!("the character U+{:04X} is not allowed", letter as u32)))
}

/// A text with its line ends as line feeds and its references replaced; in an attribute white space becomes blanks.
pub(super) fn resolve(text: &str, attribute: bool) -> Result<Cow<'_, str>, Wrong> {
    if let Some(wrong) = forbidden(text) {
        return Err(wrong);
    }
    let special = |byte: &u8| matches!(byte, b'&' | b'\r') || (attribute && matches!(byte, b'\n' | b'\t'));
    let plain = !attribute && memchr::memchr2(b'&', b'\r', text.as_bytes()).is_none();
    if plain || !text.bytes().any(|byte| special(&byte)) {
        return Ok(Cow::Borrowed(text));
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| special(&byte)) {
        out.push_str(&rest[..at]);
        let byte = rest.as_bytes()[at];
        let from = text.len() - rest.len() + at;
        rest = &rest[at + 1..];
        match byte {
            b'&' => {
                let (letter, length) = reference(rest).map_err(|(code, what)| (from, code, what))?;
                out.push(letter);
                rest = &rest[length..];
            }
            b'\r' => {
                out.push(if attribute { ' ' } else { '\n' });
                rest = rest.strip_prefix('\n').unwrap_or(rest);
            }
            _ => out.push(' '),
        }
    }
    out.push_str(rest);
    Ok(Cow::Owned(out))
}

/// The character that a reference behind `&` stands for, and the reference's length.
fn reference(text: &str) -> Result<(char, usize), (Code, String)> {
    let bad = |what: String| (Code::BadXml, what);
    let end = text.bytes().take(MAX_NAME + 2).position(|byte| byte == b';');
    let Some(name) = end.map(|end| &text[..end]) else {
        return Err(bad("& must be written as &amp;".into()));
    };
    let letter = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => match name.strip_prefix('#') {
            Some(number) => {
                let (digits, radix) = number.strip_prefix('x').map_or((number, 10), |digits| (digits, 16));
                let sound = !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix));
                let number = if sound { u32::from_str_radix(digits, radix).ok() } else { None };
                let letter = number.and_then(char::from_u32).filter(|letter| is_allowed(*letter));
                letter.ok_or_else(|| bad(format!("&{name}; is no character")))?
            }
            None if self::name(name) == Ok(name) => {
                return Err((Code::XmlForbidden, format!("the entity &{name}; is none of XML's own")));
            }
            None => return Err(bad("& must be written as &amp;".into())),
        },
    };
    Ok((letter, name.len() + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_and_line_ends_are_replaced() {
        assert_eq!(
            resolve("a &lt;b&gt; &amp;amp; &#65;&#x1F600;\r\nc\rd", false).as_deref(),
            Ok("a <b> &amp; A\u{1F600}\nc\nd")
        );
        assert_eq!(resolve("a\tb\r\nc\nd&#10;", true).as_deref(), Ok("a b c d\n"));
        for (text, at, code) in [
            ("a&b", 1, Code::BadXml),
            ("a &; b", 2, Code::BadXml),
            ("a & b;", 2, Code::BadXml),
            ("&nbsp;", 0, Code::XmlForbidden),
            ("x&lol9;", 1, Code::XmlForbidden),
            ("&#0;", 0, Code::BadXml),
            ("&#xD800;", 0, Code::BadXml),
            ("&#x110000;", 0, Code::BadXml),
            ("&#99999999999999999999;", 0, Code::BadXml),
            ("&#x;", 0, Code::BadXml),
            ("&#+5;", 0, Code::BadXml),
            ("ab\u{1}", 2, Code::BadXml),
            ("é\u{FFFF}", 2, Code::BadXml),
        ] {
            let found = resolve(text, false).map_err(|(at, code, _)| (at, code));
            assert_eq!(found, Err((at, code)), "{text:?}");
        }
        assert!(forbidden("\u{FFFD}\u{7F}\u{85}").is_none());
    }

    #[test]
    fn names_are_those_of_the_standard() {
        for (text, expected) in
            [("a-1.b:c>", Some("a-1.b:c")), ("é=", Some("é")), ("1a", None), ("-", None), ("", None)]
        {
            assert_eq!(name(text).ok(), expected, "{text}");
        }
        assert!(name(&"a".repeat(1025)).is_err());
    }
}
