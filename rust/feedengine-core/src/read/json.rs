//! Strict JSON (RFC 8259) over text at hand: values are read in place, skipped, or rewritten in canonical form.
//!
//! Canonical form: no white space, members sorted by the bytes of their names (the last of equals counts), numbers
//! as written, strings with as few escapes as JSON allows.

use std::borrow::Cow;

use crate::fault::Code;

/// Most brackets that may be open at once, the record's own among them.
pub(crate) const MAX_DEPTH: usize = 128;

/// Why text is not JSON, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) code: Code,
    pub(crate) at: usize,
    pub(crate) what: &'static str,
}

/// What kind of value comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub(crate) enum Next {
    Object,
    List,
    Text,
    Number,
    Flag,
    Null,
}

/// A reader at some place of a text.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    text: &'a str,
    /// Offset of the next byte.
    pub(crate) at: usize,
}

impl<'a> Reader<'a> {
    /// A reader at the start of `text`.
    pub(crate) fn new(text: &'a str) -> Self {
        Reader { text, at: 0 }
    }

    #[inline]
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn wrong(&self, what: &'static str) -> Wrong {
        Wrong { code: Code::BadJson, at: self.at, what }
    }

    /// Passes over white space.
    #[inline]
    pub(crate) fn space(&mut self) {
        while matches!(self.byte(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    /// What comes next, behind white space.
    #[inline]
    pub(crate) fn next(&mut self) -> Result<Next, Wrong> {
        self.space();
        match self.byte() {
            Some(b'"') => Ok(Next::Text),
            Some(b'{') => Ok(Next::Object),
            Some(b'[') => Ok(Next::List),
            Some(b'-' | b'0'..=b'9') => Ok(Next::Number),
            Some(b't' | b'f') => Ok(Next::Flag),
            Some(b'n') => Ok(Next::Null),
            Some(b'/') => Err(self.wrong("comments are not JSON")),
            Some(b'\'') => Err(self.wrong("strings need double quotes")),
            Some(b',' | b']' | b'}') => Err(self.wrong("a value is missing")),
            Some(b'N' | b'I') => Err(self.wrong("NaN and Infinity are not JSON")),
            Some(_) => Err(self.wrong("this is not a JSON value")),
            None => Err(self.wrong("the JSON text ends early")),
        }
    }

    /// Takes `byte`, or says that `what` is wrong.
    #[inline]
    fn take(&mut self, byte: u8, what: &'static str) -> Result<(), Wrong> {
        if self.byte() != Some(byte) {
            return Err(if self.byte().is_none() { self.wrong("the JSON text ends early") } else { self.wrong(what) });
        }
        self.at += 1;
        Ok(())
    }

    /// Nothing but white space may follow.
    pub(crate) fn end(&mut self) -> Result<(), Wrong> {
        self.space();
        if self.byte().is_some() { Err(self.wrong("something follows the JSON value")) } else { Ok(()) }
    }

    fn literal(&mut self, literal: &'static str) -> Result<(), Wrong> {
        if !self.text.as_bytes()[self.at..].starts_with(literal.as_bytes()) {
            return Err(self.wrong("this is not a JSON value"));
        }
        self.at += literal.len();
        Ok(())
    }

    /// Takes `null`.
    pub(crate) fn null(&mut self) -> Result<(), Wrong> {
        self.literal("null")
    }

    /// Takes `true` or `false`.
    pub(crate) fn flag(&mut self) -> Result<bool, Wrong> {
        let flag = self.byte() == Some(b't');
        self.literal(if flag { "true" } else { "false" }).map(|()| flag)
    }

    /// Takes a number, as it is written.
    pub(crate) fn number(&mut self) -> Result<&'a str, Wrong> {
        let start = self.at;
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        match self.byte() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.byte(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(&self.text[start..self.at])
    }

    fn digits(&mut self) -> Result<(), Wrong> {
        let start = self.at;
        while matches!(self.byte(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err(self.wrong("a number is not written as JSON wants it")) } else { Ok(()) }
    }

    /// Takes a string.
    #[inline]
    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>, Wrong> {
        self.take(b'"', "a member's name must be a string")?;
        let start = self.at;
        self.plain();
        if self.byte() == Some(b'"') {
            self.at += 1;
            return Ok(Cow::Borrowed(&self.text[start..self.at - 1]));
        }
        self.escaped(start).map(Cow::Owned)
    }

    /// Passes over characters of a string that stand for themselves.
    #[inline]
    fn plain(&mut self) {
        let bytes = self.text.as_bytes();
        while let Some(eight) = bytes.get(self.at..self.at + 8).and_then(|eight| eight.try_into().ok()) {
            let special = special(u64::from_le_bytes(eight));
            if special != 0 {
                self.at += special.trailing_zeros() as usize / 8;
                return;
            }
            self.at += 8;
        }
        while self.byte().is_some_and(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
            self.at += 1;
        }
    }

    /// The rest of a string that is not plain.
    #[cold]
    fn escaped(&mut self, start: usize) -> Result<String, Wrong> {
        let mut text = self.text[start..self.at].to_owned();
        loop {
            match self.byte() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => text.push(self.escape()?),
                Some(_) => return Err(self.wrong("control characters in strings must be escaped")),
                None => return Err(self.wrong("the JSON text ends early")),
            }
            let plain = self.at;
            self.plain();
            text.push_str(&self.text[plain..self.at]);
        }
    }

    fn escape(&mut self) -> Result<char, Wrong> {
        let start = self.at;
        self.at += 1;
        let byte = self.byte();
        self.at += 1;
        Ok(match byte {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{C}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let unit = self.hex(start)?;
                let low = self.text.as_bytes()[self.at..].starts_with(b"\\u");
                if (0xD800..0xDC00).contains(&unit) && low {
                    self.at += 2;
                    let low = self.hex(start)?;
                    if (0xDC00..0xE000).contains(&low) {
                        let code = 0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
                        return char::from_u32(code).ok_or_else(|| self.lone(start));
                    }
                    return Err(self.lone(start));
                }
                char::from_u32(unit).ok_or_else(|| self.lone(start))?
            }
            _ => {
                self.at = start;
                return Err(self.wrong("this escape is not JSON"));
            }
        })
    }

    fn lone(&self, at: usize) -> Wrong {
        Wrong { code: Code::BadEscape, at, what: "half of a surrogate pair stands alone" }
    }

    fn hex(&mut self, start: usize) -> Result<u32, Wrong> {
        let bad = Wrong { code: Code::BadJson, at: start, what: "this escape is not JSON" };
        let digits = self.text.as_bytes().get(self.at..self.at + 4).ok_or(bad)?;
        self.at += 4;
        digits.iter().try_fold(0, |sum, digit| char::from(*digit).to_digit(16).map(|digit| sum << 4 | digit).ok_or(bad))
    }

    /// Takes an object: calls `member` for each, with the reader at its value.
    #[inline]
    pub(crate) fn object(
        &mut self,
        depth: usize,
        mut member: impl FnMut(&mut Self, Cow<'a, str>) -> Result<(), Wrong>,
    ) -> Result<(), Wrong> {
        self.open(depth)?;
        if self.byte() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.space();
            let name = self.string()?;
            self.space();
            self.take(b':', "a colon is missing")?;
            self.space();
            member(self, name)?;
            if self.close(b'}', "a comma or a closing brace is missing")? {
                return Ok(());
            }
        }
    }

    /// Takes a list: calls `element` for each, with the reader at its value.
    #[inline]
    pub(crate) fn list(
        &mut self,
        depth: usize,
        mut element: impl FnMut(&mut Self) -> Result<(), Wrong>,
    ) -> Result<(), Wrong> {
        self.open(depth)?;
        if self.byte() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.space();
            element(self)?;
            if self.close(b']', "a comma or a closing bracket is missing")? {
                return Ok(());
            }
        }
    }

    #[inline]
    fn open(&mut self, depth: usize) -> Result<(), Wrong> {
        if depth >= MAX_DEPTH {
            return Err(Wrong { code: Code::TooDeep, at: self.at, what: "values are nested too deeply" });
        }
        self.at += 1;
        self.space();
        Ok(())
    }

    /// After a member or element: takes the comma, or the closing bracket.
    #[inline]
    fn close(&mut self, bracket: u8, what: &'static str) -> Result<bool, Wrong> {
        self.space();
        match self.byte() {
            Some(b',') => {
                self.at += 1;
                Ok(false)
            }
            Some(byte) if byte == bracket => {
                self.at += 1;
                Ok(true)
            }
            Some(_) => Err(self.wrong(what)),
            None => Err(self.wrong("the JSON text ends early")),
        }
    }

    /// Passes over a value, checking it. `depth` counts the brackets around it.
    pub(crate) fn skip(&mut self, depth: usize) -> Result<(), Wrong> {
        match self.next()? {
            Next::Object => self.object(depth, |reader, _| reader.skip(depth + 1)),
            Next::List => self.list(depth, |reader| reader.skip(depth + 1)),
            Next::Text => self.string().map(|_| ()),
            Next::Number => self.number().map(|_| ()),
            Next::Flag => self.flag().map(|_| ()),
            Next::Null => self.null(),
        }
    }

    /// Appends a value in canonical form. `depth` counts the brackets around it.
    pub(crate) fn canonical(&mut self, depth: usize, out: &mut String) -> Result<(), Wrong> {
        match self.next()? {
            Next::Object => self.canonical_object(depth, out)?,
            Next::List => {
                out.push('[');
                let mut first = true;
                self.list(depth, |reader| {
                    if !std::mem::take(&mut first) {
                        out.push(',');
                    }
                    reader.canonical(depth + 1, out)
                })?;
                out.push(']');
            }
            Next::Text => write(&self.string()?, out),
            Next::Number => out.push_str(self.number()?),
            Next::Flag => out.push_str(if self.flag()? { "true" } else { "false" }),
            Next::Null => {
                self.null()?;
                out.push_str("null");
            }
        }
        Ok(())
    }

    fn canonical_object(&mut self, depth: usize, out: &mut String) -> Result<(), Wrong> {
        let start = out.len();
        let mut members: Vec<(Cow<'a, str>, usize, usize)> = Vec::new();
        out.push('{');
        self.object(depth, |reader, name| {
            if !members.is_empty() {
                out.push(',');
            }
            let start = out.len();
            write(&name, out);
            out.push(':');
            reader.canonical(depth + 1, out)?;
            members.push((name, start, out.len()));
            Ok(())
        })?;
        out.push('}');
        if members.is_sorted_by(|one, two| one.0 < two.0) {
            return Ok(());
        }
        members.sort_by(|one, two| one.0.cmp(&two.0));
        let mut sorted = String::with_capacity(out.len() - start);
        for (at, (name, start, end)) in members.iter().enumerate() {
            if members.get(at + 1).is_some_and(|next| next.0 == *name) {
                continue;
            }
            sorted.push(if sorted.is_empty() { '{' } else { ',' });
            sorted.push_str(&out[*start..*end]);
        }
        sorted.push('}');
        out.truncate(start);
        out.push_str(&sorted);
        Ok(())
    }
}

/// The top bit of each byte that is a quote, a backslash or a control character; bits above the lowest such byte may
/// be wrong.
#[inline]
fn special(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let zero = |word: u64| word.wrapping_sub(ONES) & !word;
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    (zero(word ^ (ONES * u64::from(b'"'))) | zero(word ^ (ONES * u64::from(b'\\'))) | control) & HIGH
}

/// Appends `text` as a JSON string.
pub(crate) fn write(text: &str, out: &mut String) {
    out.push('"');
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&text[from..at]);
        from = at + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            0x08 => out.push_str("\\b"),
            0x0C => out.push_str("\\f"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            other => {
                out.push_str("\\u00");
                for digit in [other >> 4, other & 15] {
                    out.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
                }
            }
        }
    }
    out.push_str(&text[from..]);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::super::testing::Random;
    use super::*;

    fn canonical(text: &str) -> Result<String, Code> {
        let mut reader = Reader::new(text);
        let mut out = String::new();
        reader.canonical(0, &mut out).and_then(|()| reader.end()).map(|()| out).map_err(|wrong| wrong.code)
    }

    #[test]
    fn canonical_text_keeps_numbers_and_sorts_members() {
        assert_eq!(
            canonical(" {\"b\" : 1.50e+1 , \"a\":[ ],\"é\":{},\"a\":\"\\u00e9\\n\\/\\u0001\\ud83d\\ude00\"} "),
            Ok("{\"a\":\"é\\n/\\u0001😀\",\"b\":1.50e+1,\"é\":{}}".into())
        );
        assert_eq!(canonical("-0"), Ok("-0".into()));
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for text in [
            "",
            "{",
            "[1,]",
            "{\"a\":1,}",
            "{a:1}",
            "{'a':1}",
            "[1 2]",
            "// x\n1",
            "NaN",
            "Infinity",
            "-",
            "01",
            "1.",
            ".5",
            "+1",
            "1e",
            "tru",
            "nul",
            "\"\\x\"",
            "\"\n\"",
            "\"",
            "1 2",
            "{\"a\" 1}",
            "[",
            "\"\\u12g4\"",
            "[}",
        ] {
            assert_eq!(canonical(text), Err(Code::BadJson), "{text:?}");
        }
        for text in ["\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"\\ud800x\""] {
            assert_eq!(canonical(text), Err(Code::BadEscape), "{text:?}");
        }
        assert_eq!(canonical(&"[".repeat(MAX_DEPTH + 1)), Err(Code::TooDeep));
        let deep = "[".repeat(MAX_DEPTH) + &"]".repeat(MAX_DEPTH);
        assert_eq!(canonical(&deep), Ok(deep));
    }

    /// JSON, or nearly.
    fn text(random: &mut Random) -> String {
        let pieces = [
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"a\"",
            "\"b\\u0041\"",
            "\"longer than eight bytes é\\\\\"",
            "1",
            "-2.5e3",
            "true",
            "null",
            " ",
            "\n",
            "\"\"",
            "{}",
            "[]",
            "{\"x\":1}",
            "\\",
            "'",
            "\"\u{1}\"",
        ];
        let mut out = String::new();
        match random.below(3) {
            0 => (0..random.below(12)).for_each(|_| out.push_str(random.text(&pieces))),
            1 => {
                out.push('[');
                for at in 0..random.below(6) {
                    out.push_str(if at > 0 { "," } else { "" });
                    out.push_str(random.text(&pieces[6..]));
                }
                out.push(']');
            }
            _ => {
                out.push('{');
                for at in 0..random.below(6) {
                    out.push_str(if at > 0 { "," } else { "" });
                    out.push_str(random.text(&["\"k\":", "\"a\":", "\"\":", "\"\\u006b\" : "]));
                    out.push_str(random.text(&pieces[6..19]));
                }
                out.push('}');
            }
        }
        out
    }

    #[test]
    fn it_agrees_with_serde_json() {
        let mut random = Random::new(5);
        let mut good = 0;
        for _ in 0..20_000 {
            let text = text(&mut random);
            let theirs = serde_json::from_str::<serde_json::Value>(&text);
            let ours = canonical(&text);
            assert_eq!(ours.is_ok(), theirs.is_ok(), "{text:?}");
            let mut reader = Reader::new(&text);
            assert_eq!(reader.skip(0).and_then(|()| reader.end()).is_ok(), theirs.is_ok(), "{text:?}");
            if let (Ok(ours), Ok(theirs)) = (ours, theirs) {
                good += 1;
                assert_eq!(serde_json::from_str::<serde_json::Value>(&ours).ok(), Some(theirs), "{text:?}");
                assert_eq!(canonical(&ours), Ok(ours.clone()));
            }
        }
        assert!(good > 3000, "{good}");
    }
}
