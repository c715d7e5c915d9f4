//! What column names mean: the header of a CSV file, and the member names of flat JSON lines.

use crate::check::{Hand, has_steps};
use crate::fault::{Code, Fault};
use crate::record::entity::{EntitySpec, FieldSpec, Place};
use crate::record::rule::{Order, Unknown};
use crate::record::scalar::loosely;
use crate::record::{FieldId, FieldTable, Kind};

use super::{csv, exact, near};

/// How a column's text becomes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Unknown: passed over.
    Ignored,
    /// By the field's type; lists are split on pipes.
    Plain(Kind),
    /// JSON, kept as it is typed.
    Json,
    /// A JSON list of texts.
    Parents,
    /// One parent, or none where it is blank.
    Parent,
    /// `color: red|color: blue|size: medium`.
    Facets,
    /// A JSON object of metadata.
    Data,
}

/// One column of a CSV header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderColumn {
    /// The name as the header has it.
    pub name: String,
    /// The field it means; `None` for an unknown column, and for `facets` and `data`, which mean several.
    pub field: Option<FieldId>,
    pub(crate) way: Way,
}

impl HeaderColumn {
    /// The field and its kind, where every text of the column is a value of that kind.
    pub(crate) fn plain(&self) -> Option<(FieldId, Kind)> {
        match (self.way, self.field) {
            (Way::Plain(kind), Some(field)) => Some((field, kind)),
            _ => None,
        }
    }

    /// Whether each row states one parent here, so that several rows of one id make one record.
    pub fn is_one_parent(&self) -> bool {
        self.way == Way::Parent
    }
}

/// What the column `name` means; `None` when it is unknown.
pub(crate) fn resolve(spec: &EntitySpec, table: &FieldTable, name: &str) -> Option<(Way, Option<FieldId>)> {
    let parents = spec.parents.as_deref();
    if let Some(field) = spec.fields.iter().find(|field| is_named(spec, field, name)) {
        let way = match parents == Some(&field.name) {
            true => Way::Parents,
            // What has steps is read as it was sent.
            false if has_steps(field) => Way::Plain(Kind::Text),
            false => Way::Plain(field.kind.into()),
        };
        return Some((way, Some(table.id(&field.name))));
    }
    if let Some(parents) = parents.filter(|parents| parents.strip_suffix('s') == Some(name)) {
        return Some((Way::Parent, Some(table.id(parents))));
    }
    let open = |prefix| name.strip_prefix(prefix).filter(|rest: &&str| !rest.is_empty());
    if spec.facets {
        if name == "facets" {
            return Some((Way::Facets, None));
        }
        if open("facet:").is_some() {
            return Some((Way::Plain(Kind::List), Some(table.id(name))));
        }
    }
    if spec.metadata {
        if name == "data" {
            return Some((Way::Data, None));
        }
        if let Some(rest) = open("metadata:json:") {
            return Some((Way::Json, Some(table.id(&format!("metadata:{rest}")))));
        }
        if open("metadata:").is_some() {
            return Some((Way::Plain(Kind::Text), Some(table.id(name))));
        }
    }
    let kept = spec.columns.unknown == Unknown::Keep;
    kept.then(|| (Way::Plain(Kind::Text), Some(table.id(&format!("metadata:{name}")))))
}

/// Whether the column `name` is `field`.
pub(crate) fn is_named(spec: &EntitySpec, field: &FieldSpec, name: &str) -> bool {
    let mut names = std::iter::once(&field.name).chain(&field.aliases);
    if spec.columns.loose {
        let name = loosely(name);
        names.any(|own| loosely(own) == name)
    } else {
        names.any(|own| own == name)
    }
}

/// Which field, of those that stand in a record itself, the column `name` is.
pub(crate) fn headed(spec: &EntitySpec, name: &str) -> Option<usize> {
    spec.fields.iter().position(|field| field.place == Place::Top && is_named(spec, field, name))
}

/// How the values of the column `name` are written in text.
pub(crate) fn hand(spec: &EntitySpec, name: &str) -> Hand {
    spec.fields.iter().find(|field| is_named(spec, field, name)).map(Hand::of).unwrap_or_default()
}

/// Whether a JSON line with the member `name` has CSV column names instead of nested data.
pub(crate) fn is_flat(spec: &EntitySpec, name: &str) -> bool {
    let open = name.starts_with("facet:") || name.starts_with("metadata:");
    spec.flat_by.iter().any(|mark| mark == name) || (open && !name.ends_with(":add") && !name.ends_with(":remove"))
}

/// Every column name that has a meaning of its own, for "did you mean".
pub(crate) fn known(spec: &EntitySpec) -> impl Iterator<Item = &str> {
    let declared = spec
        .fields
        .iter()
        .flat_map(|field| std::iter::once(field.name.as_str()).chain(field.aliases.iter().map(String::as_str)));
    declared.chain(spec.facets.then_some("facets")).chain(spec.metadata.then_some("data"))
}

/// Whether `name` has a meaning as a column.
pub(crate) fn resolve_known(spec: &EntitySpec, name: &str) -> bool {
    spec.fields.iter().any(|field| is_named(spec, field, name))
        || known(spec).any(|known| known == name)
        || (spec.facets && name.starts_with("facet:"))
        || (spec.metadata && name.starts_with("metadata:"))
}

/// Whether `name` is the key of `spec`, or a field by which its rows find their records or of which the key is made.
pub(crate) fn is_key(spec: &EntitySpec, name: &str) -> bool {
    let identifies = |field: &FieldSpec| {
        spec.identity.iter().any(|identifier| identifier.field == field.name) || spec.composed.contains(&field.name)
    };
    is_named(spec, &spec.fields[0], name)
        || spec.fields[1..].iter().any(|field| identifies(field) && is_named(spec, field, name))
}

/// The entity that these column names speak of: one with an owner, whose owner they name beside its key; one with
/// parents, which they name without what marks the default's rows; otherwise the default.
pub(crate) fn entity_of<'a>(
    specs: &[EntitySpec],
    names: impl Iterator<Item = &'a str> + Clone,
    default: usize,
) -> usize {
    let has = |name: &str| names.clone().any(|other| other == name);
    let owned = specs.iter().position(|spec| {
        spec.owner.as_ref().is_some_and(|(field, _)| {
            spec.fields[0].aliases.iter().any(|alias| has(alias)) || (has(field) && has(spec.key()))
        })
    });
    let parental = || {
        let of_default =
            |spec: &EntitySpec| specs[default].flat_by.iter().any(|mark| has(mark) && spec.field(mark).is_none());
        specs.iter().position(|spec| {
            let names_parents = |field: &String| has(field) || field.strip_suffix('s').is_some_and(&has);
            spec.parents.as_ref().is_some_and(names_parents) && !of_default(spec)
        })
    };
    owned.or_else(parental).unwrap_or(default)
}

/// A CSV header that has been found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) delimiter: u8,
    pub(crate) names: Vec<String>,
    /// Where the header's record starts and the next one begins.
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// The delimiters that are looked for.
const DELIMITERS: [u8; 4] = *b",;\t|";

/// Finds the header in `head`, the first bytes of a file behind its byte order mark; `whole` says that these are all
/// its bytes. `Ok(None)` asks for more bytes.
pub(crate) fn find(
    head: &[u8],
    whole: bool,
    given: Option<u8>,
    keyed: impl Fn(&str) -> bool,
) -> Result<Option<Header>, Fault> {
    let start = head.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(head.len());
    if start == head.len() {
        let empty = Fault::new(Code::EmptyFile, "the file holds nothing but blank lines");
        return if whole { Err(empty) } else { Ok(None) };
    }
    let candidates = given.map_or(DELIMITERS.to_vec(), |delimiter| vec![delimiter]);
    let mut best: Option<(bool, usize, Header)> = None;
    let mut open = false;
    for delimiter in candidates {
        let Some((end, next)) = exact::first(&head[start..], delimiter, whole) else {
            open = true;
            continue;
        };
        let raw = &head[start..start + end];
        if let Err(error) = simdutf8::compat::from_utf8(raw) {
            return Err(not_utf8(raw, start + error.valid_up_to()));
        }
        let names = csv::texts(raw, delimiter);
        let score = (names.iter().any(|name| keyed(name)), names.len());
        if best.as_ref().is_none_or(|(keyed, count, _)| score > (*keyed, *count)) {
            best = Some((score.0, score.1, Header { delimiter, names, start, end: start + next }));
        }
    }
    match best {
        // A line without the key may be half of a header whose quoted name goes on behind it.
        Some((keyed, _, header)) if keyed || !open => Ok(Some(header)),
        _ if whole => Err(Fault::new(Code::UnterminatedQuote, "a quote in the header is never closed")),
        _ => Ok(None),
    }
}

fn not_utf8(raw: &[u8], at: usize) -> Fault {
    let byte = raw.get(at).copied().unwrap_or_default();
    Fault::new(Code::NotUtf8, format!("the header is not UTF-8: byte 0x{byte:02X} at offset {at} of the file"))
}

/// Columns of a header, or why it cannot be read; warnings for what is passed over.
pub(crate) fn columns(
    header: &Header,
    spec: &EntitySpec,
    table: &FieldTable,
    given: Option<u8>,
    most: usize,
) -> Result<(Vec<HeaderColumn>, Vec<Fault>), Fault> {
    let names = &header.names;
    if names.len() > most {
        let message = format!("the header names {} columns; at most {most} are read", names.len());
        return Err(Fault::new(Code::TooManyColumns, message));
    }
    if let Some(name) = names.iter().find(|name| name.contains('\0')) {
        return Err(Fault::new(Code::NulByte, "the header holds NUL bytes").value(name));
    }
    if let [only] = names.as_slice() {
        if let (Some(given), Some(found)) = (given, DELIMITERS.iter().find(|byte| only.as_bytes().contains(byte))) {
            let message = format!(
                "the header has one column: it seems to be separated by {:?}, not {:?}",
                *found as char, given as char
            );
            return Err(Fault::new(Code::WrongDelimiter, message).value(only));
        }
    }
    let mut columns: Vec<HeaderColumn> = Vec::with_capacity(names.len());
    let mut warnings = Vec::new();
    let mut seen = std::collections::HashMap::new();
    for (at, name) in names.iter().enumerate() {
        if name.is_empty() {
            return Err(Fault::new(Code::EmptyColumn, format!("column {} of the header has no name", at + 1)));
        }
        let (way, field) = resolve(spec, table, name).unwrap_or((Way::Ignored, None));
        let meaning = field.map_or_else(|| name.clone(), |field| table.name(field).to_string());
        if let Some(before) = seen.insert(meaning, at) {
            let message = if names[before] == *name {
                format!("columns {} and {} are both named {name:?}", before + 1, at + 1)
            } else {
                format!("the columns {:?} and {name:?} mean the same field", names[before])
            };
            return Err(Fault::new(Code::DuplicateColumn, message).column(name));
        }
        if way == Way::Ignored {
            let near = near::hint(name, known(spec).filter(|known| !names.iter().any(|name| name == known)));
            warnings.push(
                Fault::new(Code::UnknownColumn, format!("the column {name:?} is not known and left out{near}"))
                    .column(name),
            );
        }
        columns.push(HeaderColumn { name: name.clone(), field, way });
    }
    policy(spec, table, &columns)?;
    if !names.iter().any(|name| is_key(spec, name)) {
        let key = spec.key();
        let near = near::nearest(key, names.iter().map(String::as_str));
        let near = near.map_or_else(String::new, |near| format!("; the nearest is {near:?}"));
        return Err(Fault::new(Code::MissingColumn, format!("the header has no column {key:?}{near}")).column(key));
    }
    let is_there =
        |name: &String| columns.iter().any(|column| column.field.is_some() && column.field == table.find(name));
    if let Some(part) = spec.composed.iter().find(|name| !is_there(name) && !is_there(&spec.fields[0].name)) {
        let message = format!("the header has no column {part:?}, which is a part of the key");
        return Err(Fault::new(Code::MissingColumn, message).column(part));
    }
    if warnings.len() > MOST_WARNINGS {
        let more = warnings.len() - MOST_WARNINGS;
        warnings.truncate(MOST_WARNINGS);
        warnings.push(Fault::new(Code::UnknownColumn, format!("{more} more columns are not known and left out")));
    }
    Ok((columns, warnings))
}

/// Holds the columns against what the profile says of them.
fn policy(spec: &EntitySpec, table: &FieldTable, columns: &[HeaderColumn]) -> Result<(), Fault> {
    let has = |name: &str| columns.iter().any(|column| column.field.is_some() && column.field == table.find(name));
    let quoted = |names: &[&str]| names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
    let declared: Vec<&str> = spec.fields.iter().map(|field| field.name.as_str()).collect();
    let unknown: Vec<&str> =
        columns.iter().filter(|column| !is_declared(spec, column)).map(|column| column.name.as_str()).collect();
    if spec.columns.order == Order::Strict {
        // The system's own id may be left out where nobody has one yet.
        let optional = usize::from(spec.makes_key() && !has(declared[0]));
        let expected = &declared[optional..];
        let found: Vec<&str> = columns
            .iter()
            .filter_map(|column| column.field.and_then(|field| declared.get(field.0 as usize)).copied())
            .collect();
        let missing: Vec<&str> = expected.iter().copied().filter(|name| !found.contains(name)).collect();
        let present: Vec<&str> = expected.iter().copied().filter(|name| found.contains(name)).collect();
        let moved: Vec<&str> =
            present.iter().zip(&found).filter(|(wanted, name)| wanted != name).map(|(_, name)| *name).collect();
        let parts = [("missing", missing), ("not in the template", unknown.clone()), ("out of order", moved)];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(_, names)| !names.is_empty())
            .map(|(what, names)| format!("{what}: {}", quoted(names)))
            .collect();
        if let Some(first) = parts.first() {
            let column = first.split('"').nth(1).unwrap_or_default().to_owned();
            let message = format!("the columns are not those of the template; {}", parts.join("; "));
            return Err(Fault::new(Code::TemplateMismatch, message).column(column));
        }
    }
    if spec.columns.unknown == Unknown::Fail && !unknown.is_empty() {
        let message = format!("the file has columns that the profile does not know: {}", quoted(&unknown));
        return Err(Fault::new(Code::UnknownColumn, message).column(unknown[0]));
    }
    let missing: Vec<&str> = spec.columns.required.iter().map(String::as_str).filter(|name| !has(name)).collect();
    if !missing.is_empty() {
        let message = format!("the header lacks columns that the profile requires: {}", quoted(&missing));
        return Err(Fault::new(Code::MissingColumn, message).column(missing[0]));
    }
    Ok(())
}

/// Whether a column means something that the entity declares, be it an open name of its own.
fn is_declared(spec: &EntitySpec, column: &HeaderColumn) -> bool {
    match column.field {
        Some(field) if (field.0 as usize) < spec.fields.len() => true,
        Some(_) => spec.columns.unknown != Unknown::Keep || resolve_known(spec, &column.name),
        None => column.way != Way::Ignored,
    }
}

/// Unknown columns that are named one by one.
const MOST_WARNINGS: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::entity::constructor;

    fn read(text: &str, entity: usize) -> Result<(u8, Vec<HeaderColumn>, Vec<Fault>), Code> {
        let spec = &constructor()[entity];
        let header = find(text.as_bytes(), true, None, |name| is_key(spec, name)).map_err(|fault| fault.code)?;
        let Some(header) = header else { return Err(Code::Unreadable) };
        let (columns, warnings) =
            columns(&header, spec, &FieldTable::new(spec), None, 100).map_err(|fault| fault.code)?;
        Ok((header.delimiter, columns, warnings))
    }

    #[test]
    fn the_delimiter_is_the_one_that_separates_the_key() {
        for (text, delimiter) in
            [("id,item_name\n", b','), ("id;a|b;c,d\n", b';'), ("\"id\"\turl", b'\t'), ("id", b',')]
        {
            assert_eq!(read(text, 0).map(|found| found.0), Ok(delimiter), "{text:?}");
        }
    }

    #[test]
    fn a_quoted_name_may_go_on_behind_a_line_end() {
        let text = "url,\"metadata:a\nb\",id\n";
        assert_eq!(read(text, 0).map(|found| found.1.len()), Ok(3));
        let cut = find(&text.as_bytes()[..18], false, None, |name| name == "id");
        assert_eq!(cut, Ok(None), "more bytes are asked for");
    }

    #[test]
    fn a_header_that_cannot_be_trusted_is_refused() {
        for (text, code) in [
            ("", Code::EmptyFile),
            ("\n\r\n", Code::EmptyFile),
            ("id,url,url\n", Code::DuplicateColumn),
            ("id,metadata:x,metadata:json:x\n", Code::DuplicateColumn),
            ("id,,url\n", Code::EmptyColumn),
            ("Id,url\n", Code::MissingColumn),
            ("\"id,url\n", Code::UnterminatedQuote),
            ("id,\"url\nA1,x\n", Code::UnterminatedQuote),
            ("id;\"url\nA1;x,y\n", Code::UnterminatedQuote),
            ("id,u\0rl\n", Code::NulByte),
        ] {
            assert_eq!(read(text, 0).map(|_| ()), Err(code), "{text:?}");
        }
    }

    #[test]
    fn unknown_columns_are_named_with_their_neighbour() {
        let (_, columns, warnings) = read("id,item_nam,zzz\n", 0).unwrap_or_default();
        assert_eq!(columns.len(), 3);
        assert_eq!(warnings.len(), 2);
        assert!(warnings[0].message.contains("did you mean \"item_name\"?"), "{}", warnings[0].message);
    }

    #[test]
    fn columns_tell_the_entity_of_a_loose_file() {
        let specs = constructor();
        for (names, entity) in [
            (&["variation_id"][..], 1),
            (&["id", "item_id"], 1),
            (&["id", "parent_ids"], 2),
            (&["id", "parent_id", "name"], 2),
            (&["id", "item_name", "parent_id"], 0),
            (&["id"], 0),
        ] {
            assert_eq!(entity_of(&specs, names.iter().copied(), 0), entity, "{names:?}");
        }
    }

    #[test]
    fn names_that_one_profile_knows_a_dialect_by_mean_nothing_to_others() {
        let mut specs = constructor();
        specs.iter_mut().for_each(|spec| spec.flat_by = vec!["sku_title".into()]);
        for (name, flat) in [("sku_title", true), ("item_name", false), ("metadata:x", true), ("facet:x:add", false)] {
            assert_eq!(is_flat(&specs[0], name), flat, "{name}");
        }
        for (third, entity) in [("sku_title", 0), ("item_name", 2)] {
            assert_eq!(entity_of(&specs, ["id", "parent_ids", third].into_iter(), 0), entity, "{third}");
        }
        specs[2].fields[1].name = "sku_title".into();
        assert_eq!(entity_of(&specs, ["id", "parent_ids", "sku_title"].into_iter(), 0), 2, "a field of the tree's own");
    }
}
