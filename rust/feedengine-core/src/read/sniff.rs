//! What a file is, told by its first bytes; its name only settles what bytes leave open.

use super::ReadOptions;
use super::header;
use super::json::{Next, Reader};
use super::scan::{self, ValueEnd};
use crate::fault::{Code, Fault};

/// Bytes that are looked at.
pub(crate) const HEAD: usize = 64 * 1024;

/// A text format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Csv,
    Jsonl,
    Json,
    /// A workbook.
    Xlsx,
    Parquet,
    /// By declaration only.
    Fixed,
    Xml,
}

impl Format {
    /// Its name and extension.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Jsonl => "jsonl",
            Format::Json => "json",
            Format::Xlsx => "xlsx",
            Format::Parquet => "parquet",
            Format::Fixed => "fixed width",
            Format::Xml => "xml",
        }
    }
}

/// Length of the byte order mark.
pub(crate) fn mark(head: &[u8]) -> usize {
    if head.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 }
}

/// Refuses what is no text feed, with a reason that helps.
pub(crate) fn refuse(head: &[u8]) -> Result<(), Fault> {
    if head.is_empty() {
        return Err(Fault::new(Code::EmptyFile, "the file is empty"));
    }
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return Err(Fault::new(Code::ZipNotSupported, "this is a zip archive"));
    }
    let formats: [(&[u8], &str); 6] = [
        (b"\xFD7zXZ\0", "an xz archive"),
        (b"BZh", "a bzip2 archive"),
        (b"7z\xBC\xAF", "a 7z archive"),
        (b"Rar!", "a rar archive"),
        (b"PAR1", "a Parquet file"),
        (b"\xD0\xCF\x11\xE0", "an old or a locked Excel file"),
    ];
    if let Some((_, name)) = formats.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Err(Fault::new(Code::UnknownFormat, format!("this is {name}")));
    }
    let sample = &head[..head.len().min(1024)];
    let nul = |parity: usize| sample.iter().skip(parity).step_by(2).filter(|byte| **byte == 0).count();
    let half = sample.len() / 2;
    let wide = half >= 2 && (nul(0) * 2 > half || nul(1) * 2 > half);
    if head.starts_with(b"\xFF\xFE") || head.starts_with(b"\xFE\xFF") || wide {
        return Err(Fault::new(Code::NotUtf8, "the file is UTF-16 from its first byte (offset 0), not UTF-8"));
    }
    Ok(())
}

/// The format of bytes that are no text, of those that are read by jumping about in them.
pub(crate) fn binary(head: &[u8]) -> Option<Format> {
    match head {
        [b'P', b'K', 3, 4, ..] => Some(Format::Xlsx),
        [b'P', b'A', b'R', b'1', ..] => Some(Format::Parquet),
        _ => None,
    }
}

/// The format of text that starts with `head` (behind the byte order mark); `name` is the file's.
pub(crate) fn format(head: &[u8], name: &str, options: &ReadOptions) -> Format {
    let named = named(name);
    let text = head.trim_ascii_start();
    match text.first() {
        Some(b'<') if options.format.xml.is_some() || !csv_like(head, options) => Format::Xml,
        Some(b'[') if named != Some(Format::Jsonl) => Format::Json,
        Some(b'[') => Format::Jsonl,
        Some(b'{') => object(text, named, options),
        // No record starts like this, but a JSON file that is broken from the start may.
        Some(_)
            if named.is_some_and(|named| matches!(named, Format::Json | Format::Jsonl)) && !csv_like(head, options) =>
        {
            named.unwrap_or(Format::Csv)
        }
        _ => Format::Csv,
    }
}

/// The format that a file name claims.
pub(crate) fn named(name: &str) -> Option<Format> {
    let mut parts: Vec<&str> = name.rsplit('.').collect();
    parts.pop();
    let format = |part: &str| match part.to_ascii_lowercase().as_str() {
        "csv" | "tsv" | "txt" => Some(Format::Csv),
        "json" => Some(Format::Json),
        "jsonl" | "ndjson" => Some(Format::Jsonl),
        "xlsx" | "xlsm" => Some(Format::Xlsx),
        "parquet" => Some(Format::Parquet),
        "xml" => Some(Format::Xml),
        _ => None,
    };
    parts.iter().take(2).find_map(|part| format(part))
}

/// Whether the first line names a key between delimiters.
fn csv_like(head: &[u8], options: &ReadOptions) -> bool {
    let keyed = |name: &str| options.entities.iter().any(|spec| header::is_key(spec, name));
    let header = header::find(head, head.len() < HEAD, options.delimiter, keyed);
    header.ok().flatten().is_some_and(|header| header.names.iter().any(|name| keyed(name)))
}

/// An object is a document when it holds lists by entity, or the first of many lines.
fn object(text: &[u8], named: Option<Format>, options: &ReadOptions) -> Format {
    let mut names = Vec::new();
    let mut listed = false;
    members(text, |name, next| {
        listed |= next == Next::List;
        names.push(name.to_owned());
    });
    let is = |test: &dyn Fn(&str) -> bool| names.iter().any(|name| test(name));
    // A field may be called as an entity is: of lines, the name of the file says that they are records.
    let of_field = |name: &str| {
        named == Some(Format::Jsonl)
            && options.entities.iter().any(|spec| spec.fields.iter().any(|field| field.json == name))
    };
    if is(&|name| options.entities.iter().any(|spec| spec.name == name) && !of_field(name)) {
        return Format::Json;
    }
    let of_record = |name: &str| {
        name == "data"
            || options
                .entities
                .iter()
                .any(|spec| header::resolve_known(spec, name) || spec.fields.iter().any(|field| field.json == name))
    };
    if is(&of_record) {
        return Format::Jsonl;
    }
    if let ValueEnd::At(end) = scan::value_end(text, super::json::MAX_DEPTH) {
        if text[end..].trim_ascii_start().first() == Some(&b'{') {
            return Format::Jsonl;
        }
    }
    match named {
        Some(Format::Jsonl) if !listed => Format::Jsonl,
        _ => Format::Json,
    }
}

/// Calls `each` for the members of the object that `text` starts with, as far as they can be read.
pub(crate) fn members(text: &[u8], mut each: impl FnMut(&str, Next)) {
    let whole = match std::str::from_utf8(text) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&text[..error.valid_up_to()]).unwrap_or_default(),
    };
    let mut reader = Reader::new(whole);
    if reader.next() != Ok(Next::Object) {
        return;
    }
    let _ = reader.object(0, |reader, name| {
        each(&name, reader.next()?);
        reader.skip(1)
    });
}

/// Names of the members of the object that `text` starts with.
pub(crate) fn names_of(text: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    members(text, |name, _| names.push(name.to_owned()));
    names
}

#[cfg(test)]
mod tests {
    use super::super::testing::options;
    use super::*;

    #[test]
    fn content_decides_and_names_help() {
        for (text, name, expected) in [
            ("id,item_name\n", "x.csv", Format::Csv),
            ("id,item_name\n", "x.json", Format::Csv),
            ("{\"items\":[{\"id\":\"1\"}]}", "x.csv", Format::Json),
            ("{\"total_count\":1,\"items\":[", "x", Format::Json),
            ("{\"product\":[{\"id\":\"1\"}]}", "x.jsonl", Format::Json),
            ("{\"id\":\"1\"}", "x.json", Format::Jsonl),
            ("{\"id\":\"1\",\"data\":{}}\n{\"id\":\"2\"}\n", "x", Format::Jsonl),
            ("{\"item_name\":\"1\"}", "x", Format::Jsonl),
            ("[]", "x.csv", Format::Json),
            ("[1]\n", "x.jsonl", Format::Jsonl),
            ("{}", "x.json", Format::Json),
            ("{}", "x.jsonl", Format::Jsonl),
            ("42", "x.json", Format::Json),
            ("// no\n{}", "x.json", Format::Json),
            ("'a'", "x.jsonl.gz", Format::Jsonl),
        ] {
            assert_eq!(format(text.as_bytes(), name, &options()), expected, "{text} {name}");
        }
    }

    #[test]
    fn a_field_that_is_called_as_an_entity_makes_no_document_of_lines() {
        let mut options = options();
        options.entities[0].fields[1].json = "item_groups".into();
        let text = br#"{"id":"A","item_groups":["x"]}"#;
        assert_eq!(format(text, "items.jsonl", &options), Format::Jsonl);
        assert_eq!(format(text, "items.json", &options), Format::Json);
        assert_eq!(format(br#"{"items":[]}"#, "items.jsonl", &options), Format::Json);
    }

    #[test]
    fn what_is_no_text_is_refused() {
        let wide: Vec<u8> = "id,item_name\n".bytes().flat_map(|byte| [byte, 0]).collect();
        for (bytes, code) in [
            (&b""[..], Code::EmptyFile),
            (b"PK\x03\x04xx", Code::ZipNotSupported),
            (b"PAR1", Code::UnknownFormat),
            (b"\xFF\xFEi\0", Code::NotUtf8),
            (&wide, Code::NotUtf8),
        ] {
            assert_eq!(refuse(bytes).map_err(|fault| fault.code), Err(code), "{bytes:?}");
        }
        assert_eq!(refuse(b"id,a\n\0"), Ok(()));
    }
}
