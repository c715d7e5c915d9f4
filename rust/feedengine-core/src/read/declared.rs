//! What a profile declares of a file's format: everything that its bytes do not tell. Plain data, strict JSON.

use serde::{Deserialize, Serialize};

/// How characters are written as bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark.
    #[serde(rename = "utf-8")]
    Utf8,
    /// ISO 8859-1: every byte is the character of its number.
    #[serde(rename = "latin-1")]
    Latin1,
    /// Windows code page 1252; the five bytes that it leaves out are refused.
    #[serde(rename = "cp1252")]
    Cp1252,
    /// UTF-16 in the order that its byte order mark tells.
    #[serde(rename = "utf-16")]
    Utf16,
    /// UTF-16, lower byte first.
    #[serde(rename = "utf-16le")]
    Utf16Le,
    /// UTF-16, higher byte first.
    #[serde(rename = "utf-16be")]
    Utf16Be,
}

impl Encoding {
    /// Its name in a profile.
    pub fn name(self) -> &'static str {
        match self {
            Encoding::Utf8 => "utf-8",
            Encoding::Latin1 => "latin-1",
            Encoding::Cp1252 => "cp1252",
            Encoding::Utf16 => "utf-16",
            Encoding::Utf16Le => "utf-16le",
            Encoding::Utf16Be => "utf-16be",
        }
    }

    /// Bytes that `text` (UTF-8) takes in this encoding: how positions in what was sent are found again.
    pub(crate) fn length(self, text: &[u8]) -> u64 {
        let characters = || text.iter().filter(|byte| **byte & 0xC0 != 0x80).count() as u64;
        match self {
            Encoding::Utf8 => text.len() as u64,
            Encoding::Latin1 | Encoding::Cp1252 => characters(),
            Encoding::Utf16 | Encoding::Utf16Le | Encoding::Utf16Be => {
                2 * (characters() + text.iter().filter(|byte| **byte >= 0xF0).count() as u64)
            }
        }
    }
}

/// The format of a feed, as far as a profile declares it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FormatSpec {
    /// Of text; `None` is UTF-8, or what an XML document declares itself.
    pub encoding: Option<Encoding>,
    /// Where the records of an XML document are.
    pub xml: Option<XmlSpec>,
    /// Lines whose fields have fixed places.
    pub fixed: Option<FixedSpec>,
    /// Where the table of a workbook is.
    pub sheet: Option<SheetSpec>,
}

/// Where the records of an XML document are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct XmlSpec {
    /// Local names from the root to a record: `catalog/product`.
    pub record: String,
}

/// Lines whose fields have fixed places, of one type or several.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FixedSpec {
    /// Types of lines that are records.
    pub records: Vec<FixedRecord>,
    /// Tags of lines that are passed over, at the place of the records' tags.
    #[serde(default)]
    pub ignore: Vec<String>,
    /// The last line, which says how many records there are.
    #[serde(default)]
    pub trailer: Option<Trailer>,
}

/// A type of lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FixedRecord {
    /// What tells it; `None`: every line that no other type claims.
    #[serde(default)]
    pub tag: Option<Tag>,
    /// Its fields.
    pub fields: Vec<FixedField>,
}

/// A text at a place of a line. Places count characters from 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tag {
    /// Where it starts.
    pub at: usize,
    /// The text.
    pub text: String,
}

/// A field at a place of a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FixedField {
    /// Its column name.
    pub name: String,
    /// Its first character, from 1.
    pub start: usize,
    /// Its characters.
    pub length: usize,
}

/// The line that ends a file and counts its records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trailer {
    /// What tells it.
    pub tag: Tag,
    /// First character of the count, from 1.
    pub start: usize,
    /// Characters of the count.
    pub length: usize,
}

/// Where the table of a workbook is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SheetSpec {
    /// The sheet's name; `None`: the first one.
    pub name: Option<String>,
    /// The row of the column names, from 1; records follow it.
    pub header_row: u32,
}

impl Default for SheetSpec {
    fn default() -> Self {
        SheetSpec { name: None, header_row: 1 }
    }
}

/// Longest line that a declaration may ask for, in characters.
const MOST_CHARACTERS: usize = 1 << 20;

impl FormatSpec {
    /// What cannot be meant, in one sentence that names the setting.
    pub fn check(&self) -> Result<(), String> {
        if self.xml.is_some() && self.fixed.is_some() {
            return Err("format: xml and fixed exclude one another".into());
        }
        if let Some(xml) = &self.xml {
            let sound =
                |step: &str| !step.is_empty() && !step.contains(|c: char| c.is_whitespace() || "@:*[]".contains(c));
            if !xml.record.split('/').all(sound) {
                let example = "it is written as element names from the root, such as catalog/product";
                return Err(format!("format.xml.record: {:?} is no record path: {example}", xml.record));
            }
        }
        if self.sheet.as_ref().is_some_and(|sheet| sheet.header_row == 0) {
            return Err("format.sheet.header_row: rows count from 1".into());
        }
        self.fixed.as_ref().map_or(Ok(()), FixedSpec::check)
    }
}

impl FixedSpec {
    fn check(&self) -> Result<(), String> {
        let place = |what: String, start: usize, length: usize| match (start, length) {
            (0, _) => Err(format!("{what}: characters count from 1")),
            (_, 0) => Err(format!("{what}: it needs at least one character")),
            _ if start.saturating_add(length) > MOST_CHARACTERS => {
                Err(format!("{what}: it ends behind character {MOST_CHARACTERS}"))
            }
            _ => Ok(()),
        };
        let tag = |what: &str, tag: &Tag| place(format!("{what}.tag"), tag.at, tag.text.chars().count());
        if self.records.is_empty() {
            return Err("format.fixed.records: at least one type of record is needed".into());
        }
        let mut tags: Vec<Option<&Tag>> = Vec::new();
        for (number, record) in self.records.iter().enumerate() {
            let what = format!("format.fixed.records[{number}]");
            if tags.contains(&record.tag.as_ref()) {
                return Err(format!("{what}.tag: another type of record has the same tag"));
            }
            tags.push(record.tag.as_ref());
            if let Some(of) = &record.tag {
                tag(&what, of)?;
            }
            if record.fields.is_empty() {
                return Err(format!("{what}.fields: at least one field is needed"));
            }
            for (at, field) in record.fields.iter().enumerate() {
                let what = format!("{what}.fields[{at}] {:?}", field.name);
                place(what.clone(), field.start, field.length)?;
                if field.name.is_empty() || record.fields[..at].iter().any(|other| other.name == field.name) {
                    return Err(format!("{what}: every field needs a name of its own"));
                }
                let overlaps = |other: &&FixedField| {
                    field.start < other.start + other.length && other.start < field.start + field.length
                };
                if let Some(other) = record.fields[..at].iter().find(overlaps) {
                    return Err(format!("{what}: it overlaps {:?}", other.name));
                }
            }
        }
        if self.ignore.iter().any(String::is_empty) {
            return Err("format.fixed.ignore: a tag has at least one character".into());
        }
        let Some(trailer) = &self.trailer else { return Ok(()) };
        tag("format.fixed.trailer", &trailer.tag)?;
        place("format.fixed.trailer".into(), trailer.start, trailer.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<FormatSpec, String> {
        let spec: FormatSpec = serde_json::from_str(text).map_err(|error| error.to_string())?;
        spec.check().map(|()| spec)
    }

    #[test]
    fn a_declaration_is_read_strictly() {
        let whole = r#"{"encoding":"cp1252","xml":null,"fixed":{"records":[{"tag":{"at":1,"text":"D"},
            "fields":[{"name":"id","start":2,"length":10}]}],"ignore":["H"],
            "trailer":{"tag":{"at":1,"text":"T"},"start":2,"length":8}},"sheet":{"name":"Products","header_row":3}}"#;
        assert!(read(whole).is_ok_and(|spec| spec.encoding == Some(Encoding::Cp1252)));
        assert_eq!(read("{}"), Ok(FormatSpec::default()));
        for (text, expected) in [
            (r#"{"encodng":"utf-8"}"#, "unknown field `encodng`"),
            (r#"{"encoding":"ebcdic"}"#, "unknown variant `ebcdic`"),
            (r#"{"xml":{"record":""}}"#, "format.xml.record: \"\" is no record path"),
            (r#"{"xml":{"record":"/a/b"}}"#, "format.xml.record: \"/a/b\" is no record path"),
            (r#"{"xml":{"record":"a//b"}}"#, "is no record path"),
            (r#"{"xml":{"record":"a"},"fixed":{"records":[]}}"#, "xml and fixed exclude one another"),
            (r#"{"sheet":{"header_row":0}}"#, "rows count from 1"),
            (r#"{"fixed":{"records":[]}}"#, "at least one type of record"),
            (r#"{"fixed":{"records":[{"fields":[]}]}}"#, "at least one field"),
            (r#"{"fixed":{"records":[{"fields":[{"name":"a","start":0,"length":1}]}]}}"#, "count from 1"),
            (r#"{"fixed":{"records":[{"fields":[{"name":"a","start":1,"length":0}]}]}}"#, "at least one character"),
            (
                r#"{"fixed":{"records":[{"fields":[{"name":"a","start":9999999,"length":1}]}]}}"#,
                "ends behind character",
            ),
            (
                r#"{"fixed":{"records":[{"fields":[{"name":"a","start":1,"length":3},{"name":"b","start":3,"length":1}]}]}}"#,
                "\"b\": it overlaps \"a\"",
            ),
            (
                r#"{"fixed":{"records":[{"fields":[{"name":"a","start":1,"length":3}]},{"fields":[]}]}}"#,
                "another type of record has the same tag",
            ),
        ] {
            let found = read(text).err().unwrap_or_default();
            assert!(found.contains(expected), "{text}: {found}");
        }
    }

    #[test]
    fn lengths_are_those_of_the_encoding() {
        let text = "aé€\u{1F600}".as_bytes();
        assert_eq!(Encoding::Utf8.length(text), 10);
        assert_eq!(Encoding::Latin1.length("aé".as_bytes()), 2);
        assert_eq!(Encoding::Utf16.length(text), 10);
        assert_eq!(Encoding::Utf16Be.length("aé€".as_bytes()), 6);
    }
}
