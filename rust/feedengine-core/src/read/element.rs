//! One JSON element to cells: members by the entity's fields, the rest of `data` as metadata and facets.

use std::borrow::Cow;

use super::cell::Sink;
use super::header::{self, Way};
use super::json::{Next, Reader, Wrong};
use crate::check::{Hand, has_steps};
use crate::fault::Code;
use crate::record::entity::{FieldSpec, Place};
use crate::record::rule::Unknown;
use crate::record::scalar::{flag, integer};
use crate::record::{FieldId, Kind, State};

/// Ends the reading of an element as nested: one of its members belongs to the flat dialect.
const FLAT: Wrong = Wrong { code: Code::FlatJsonl, at: 0, what: "the record has CSV column names" };

/// Reads one element in the nested dialect; one that turns out to be flat is read as that, with a warning.
pub(crate) fn nested(sink: &mut Sink<'_>, reader: &mut Reader<'_>) -> Result<(), Wrong> {
    let (start, issues) = (reader.at, sink.issues.len());
    let result = members(sink, reader);
    if result != Err(FLAT) {
        return result;
    }
    reader.at = start;
    sink.issues.truncate(issues);
    sink.record.clear();
    sink.scratch.again();
    sink.offset = start;
    sink.issue(Code::FlatJsonl, "", "", "the record has CSV column names instead of nested data, unlike the first one");
    flat(sink, reader)
}

fn members(sink: &mut Sink<'_>, reader: &mut Reader<'_>) -> Result<(), Wrong> {
    let spec = sink.spec;
    reader.object(0, |reader, name| {
        sink.offset = reader.at;
        if let Some(at) = declared(spec.fields.iter(), Place::Top, &name) {
            return typed(sink, reader, FieldId(at), spec.fields[at as usize].kind.into(), &name, 1);
        }
        if name == "data" && spec.metadata {
            return data(sink, reader, 1);
        }
        if spec.fields[0].aliases.iter().any(|alias| *alias == name) {
            return typed(sink, reader, FieldId(0), Kind::Text, &name, 1);
        }
        if let Some((base, state)) = change(&name) {
            let at = spec.fields.iter().position(|field| field.json == base);
            if let Some(at) = at.or_else(|| headed(sink, base)) {
                return changed(sink, reader, FieldId(at as u32), spec.fields[at].kind.into(), state, &name, 1);
            }
        }
        let parents = spec.parents.as_deref().filter(|parents| parents.strip_suffix('s') == Some(&name));
        if let Some(parents) = parents {
            let field = sink.table.id(parents);
            return parent(sink, reader, field, &name);
        }
        if header::is_flat(spec, &name) {
            return Err(FLAT);
        }
        if let Some(at) = headed(sink, &name) {
            return typed(sink, reader, FieldId(at as u32), spec.fields[at].kind.into(), &name, 1);
        }
        if spec.columns.unknown == Unknown::Keep {
            let field = sink.open("metadata:", &name);
            return free(sink, reader, field, &name, 1);
        }
        let code = unknown_code(sink, Code::UnknownMember);
        let headings = spec.fields.iter().flat_map(|field| field.aliases.iter().map(String::as_str));
        let names = spec.fields.iter().map(|field| field.json.as_str());
        sink.unknown(code, &name, names.chain(["data"]).chain(headings));
        reader.skip(1)
    })
}

/// Reads one element in the flat dialect: members have CSV column names, texts are CSV cells.
pub(crate) fn flat(sink: &mut Sink<'_>, reader: &mut Reader<'_>) -> Result<(), Wrong> {
    reader.object(0, |reader, name| {
        sink.offset = reader.at;
        let meaning = match sink.scratch.columns.get(name.as_ref()) {
            Some(meaning) => *meaning,
            None => {
                let meaning = header::resolve(sink.spec, sink.table, &name);
                if sink.scratch.columns.len() > sink.most {
                    sink.issue(Code::TooManyColumns, &name, "", format!("at most {} columns are read", sink.most));
                }
                sink.scratch.columns.insert(name.clone().into_owned(), meaning);
                meaning
            }
        };
        let Some((way, field)) = meaning else {
            let code = unknown_code(sink, Code::UnknownColumn);
            sink.unknown(code, &name, header::known(sink.spec));
            return reader.skip(1);
        };
        if reader.next()? == Next::Text {
            let text = reader.string()?;
            checked(sink, &name, &text);
            sink.text(way, field, &name, &text);
            return Ok(());
        }
        match (way, field) {
            (Way::Data, _) => data(sink, reader, 1),
            (Way::Facets, _) => facets(sink, reader, 1),
            (Way::Parent, Some(field)) => parent(sink, reader, field, &name),
            (Way::Json, Some(field)) => free(sink, reader, field, &name, 1),
            (Way::Parents, Some(field)) => typed(sink, reader, field, Kind::List, &name, 1),
            (Way::Plain(_), Some(field)) if name.starts_with("metadata:") => free(sink, reader, field, &name, 1),
            (Way::Plain(_), Some(field)) if name.starts_with("facet:") => facet(sink, reader, field, &name, 1),
            // What has steps is said to be text, whatever it is.
            (Way::Plain(kind), Some(field)) => {
                let declared = sink.spec.fields.get(field.0 as usize);
                let kind = declared.map_or(kind, |declared| declared.kind.into());
                typed(sink, reader, field, kind, &name, 1)
            }
            _ => reader.skip(1),
        }
    })
}

/// The code for a name that is not declared: `usual`, unless the profile lets the file fail.
fn unknown_code(sink: &Sink<'_>, usual: Code) -> Code {
    if sink.spec.columns.unknown == Unknown::Fail { Code::TemplateMismatch } else { usual }
}

/// Which declared field of `place` has the JSON name `name`.
fn declared<'a>(fields: impl Iterator<Item = &'a FieldSpec>, place: Place, name: &str) -> Option<u32> {
    fields.enumerate().find(|(_, field)| field.place == place && field.json == name).map(|(at, _)| at as u32)
}

/// Which declared field of the record itself has `name` over its column: a sender who fills in a template, or exports a
/// table, calls members as columns are called.
fn headed(sink: &mut Sink<'_>, name: &str) -> Option<usize> {
    let spec = sink.spec;
    if let Some(meaning) = sink.scratch.columns.get(name) {
        let (_, field) = (*meaning)?;
        let at = field?.0 as usize;
        return spec.fields.get(at).filter(|field| field.place == Place::Top).map(|_| at);
    }
    let at = header::headed(spec, name)?;
    // Names that mean nothing are not kept: there may be any number of them.
    let meaning = header::resolve(spec, sink.table, name);
    sink.scratch.columns.insert(name.to_owned(), meaning);
    Some(at)
}

/// `x:add` and `x:remove`.
fn change(name: &str) -> Option<(&str, State)> {
    let add = name.strip_suffix(":add").map(|base| (base, State::Add));
    add.or_else(|| name.strip_suffix(":remove").map(|base| (base, State::Remove)))
}

/// The `data` object.
pub(crate) fn data(sink: &mut Sink<'_>, reader: &mut Reader<'_>, depth: usize) -> Result<(), Wrong> {
    match reader.next()? {
        Next::Object => {}
        Next::Null => return reader.null(),
        _ => return mistyped(sink, reader, "data", "an object", depth),
    }
    let spec = sink.spec;
    reader.object(depth, |reader, name| {
        if let Some(at) = declared(spec.fields.iter(), Place::Data, &name) {
            return typed(sink, reader, FieldId(at), spec.fields[at as usize].kind.into(), &name, depth + 1);
        }
        if name == "facets" && spec.facets {
            return facets(sink, reader, depth + 1);
        }
        if let Some((plain, state)) = change(&name) {
            if let Some(at) = declared(spec.fields.iter(), Place::Data, plain) {
                let kind = spec.fields[at as usize].kind.into();
                return changed(sink, reader, FieldId(at), kind, state, &name, depth + 1);
            }
            let field = sink.open("metadata:", plain);
            return changed(sink, reader, field, Kind::List, state, &name, depth + 1);
        }
        let field = sink.open("metadata:", &name);
        free(sink, reader, field, &name, depth + 1)
    })
}

/// The `facets` object.
fn facets(sink: &mut Sink<'_>, reader: &mut Reader<'_>, depth: usize) -> Result<(), Wrong> {
    match reader.next()? {
        Next::Object => {}
        Next::Null => return reader.null(),
        _ => return mistyped(sink, reader, "facets", "an object", depth),
    }
    reader.object(depth, |reader, name| {
        if let Some((plain, state)) = change(&name) {
            let field = sink.open("facet:", plain);
            return changed(sink, reader, field, Kind::List, state, &name, depth + 1);
        }
        let field = sink.open("facet:", &name);
        facet(sink, reader, field, &name, depth + 1)
    })
}

/// One facet: a list of texts, a single one being a list of one; a list of anything else is kept as JSON.
fn facet(sink: &mut Sink<'_>, reader: &mut Reader<'_>, field: FieldId, name: &str, depth: usize) -> Result<(), Wrong> {
    let start = reader.at;
    match reader.next()? {
        Next::Null => return null(sink, reader, field, name),
        Next::Text => {
            let text = reader.string()?;
            checked(sink, name, &text);
            sink.give(field, State::Set, name);
            sink.record.push_list(field, State::Set, [text.as_ref()]);
            return Ok(());
        }
        Next::Number => {
            let number = reader.number()?;
            sink.give(field, State::Set, name);
            sink.record.push_json(field, &format!("[{number}]"));
            return Ok(());
        }
        Next::List if texts(sink, reader, name, depth)? => {
            sink.give(field, State::Set, name);
            let list = std::mem::take(&mut sink.scratch.list);
            sink.record.push_bytes(field, State::Set, Kind::List, &list);
            sink.scratch.list = list;
            return Ok(());
        }
        Next::List => {}
        Next::Object | Next::Flag => return mistyped(sink, reader, name, "a text, a number or a list of them", depth),
    }
    reader.at = start;
    sink.give(field, State::Set, name);
    put_json(sink, reader, field, depth)
}

/// A member of `data` that no field declares.
pub(crate) fn free(
    sink: &mut Sink<'_>,
    reader: &mut Reader<'_>,
    field: FieldId,
    name: &str,
    depth: usize,
) -> Result<(), Wrong> {
    match reader.next()? {
        Next::Null => null(sink, reader, field, name),
        Next::Text => {
            let text = reader.string()?;
            put_text(sink, field, name, &text);
            Ok(())
        }
        _ => {
            sink.give(field, State::Set, name);
            put_json(sink, reader, field, depth)
        }
    }
}

/// A value as canonical JSON.
pub(crate) fn put_json(
    sink: &mut Sink<'_>,
    reader: &mut Reader<'_>,
    field: FieldId,
    depth: usize,
) -> Result<(), Wrong> {
    let mut text = std::mem::take(&mut sink.scratch.text);
    text.clear();
    let result = reader.canonical(depth, &mut text);
    if result.is_ok() {
        sink.record.push_json(field, &text);
    }
    sink.scratch.text = text;
    result
}

/// A value of a declared field.
pub(crate) fn typed(
    sink: &mut Sink<'_>,
    reader: &mut Reader<'_>,
    field: FieldId,
    kind: Kind,
    name: &str,
    depth: usize,
) -> Result<(), Wrong> {
    let next = reader.next()?;
    let stepped = sink.spec.fields.get(field.0 as usize).is_some_and(has_steps);
    match (kind, next) {
        (_, Next::Null) => return null(sink, reader, field, name),
        // What has steps is read as it was sent.
        (_, Next::Text) if stepped => {
            let text = reader.string()?;
            put_text(sink, field, name, &text);
        }
        (_, Next::Number) if stepped => {
            let text = reader.number()?;
            let hand = sink.spec.fields.get(field.0 as usize).map(Hand::of).unwrap_or_default();
            put_text(sink, field, name, &hand.number(text));
        }
        (_, Next::Flag) if stepped => {
            let text = scalar(reader, next)?;
            put_text(sink, field, name, text);
        }
        (Kind::Text, Next::Text) => {
            let text = reader.string()?;
            put_text(sink, field, name, &text);
        }
        (Kind::Text, Next::Number | Next::Flag) => {
            let text = scalar(reader, next)?;
            let code = if field == FieldId(0) { Code::IdNotText } else { Code::NotText };
            sink.issue(code, name, text, format!("{name:?} is not a JSON string: taken as written"));
            put_text(sink, field, name, text);
        }
        (Kind::List, Next::List) => {
            if !texts(sink, reader, name, depth)? {
                return mistyped(sink, reader, name, "a list of texts", depth);
            }
            sink.give(field, State::Set, name);
            let list = std::mem::take(&mut sink.scratch.list);
            sink.record.push_bytes(field, State::Set, Kind::List, &list);
            sink.scratch.list = list;
        }
        (Kind::List, Next::Text) if sink.spec.parents.as_deref() != Some(name) => {
            let text = reader.string()?;
            checked(sink, name, &text);
            sink.issue(Code::NotList, name, &text, format!("{name:?} is a text: taken as a list of one"));
            sink.give(field, State::Set, name);
            sink.record.push_list(field, State::Set, [text.as_ref()]);
        }
        (Kind::Flag, Next::Flag) => {
            let flag = reader.flag()?;
            sink.give(field, State::Set, name);
            sink.record.push_flag(field, flag);
        }
        (Kind::Flag, Next::Text | Next::Number) => {
            let text = if next == Next::Text { reader.string()? } else { Cow::Borrowed(reader.number()?) };
            match flag(&text) {
                Some(flag) => {
                    sink.give(field, State::Set, name);
                    sink.record.push_flag(field, flag);
                }
                None => sink.issue(Code::BadFlag, name, &text, format!("{name:?} is neither true nor false")),
            }
        }
        (Kind::Integer, Next::Number | Next::Text) => {
            let text = if next == Next::Text { reader.string()? } else { Cow::Borrowed(reader.number()?) };
            match integer(&text) {
                Some(integer) => {
                    sink.give(field, State::Set, name);
                    sink.record.push_integer(field, integer);
                }
                None => sink.issue(Code::BadInteger, name, &text, format!("{name:?} is not a whole number")),
            }
        }
        (Kind::Json, _) => {
            sink.give(field, State::Set, name);
            return put_json(sink, reader, field, depth);
        }
        (Kind::Text, _) => return mistyped(sink, reader, name, "a text", depth),
        (Kind::List, _) => return mistyped(sink, reader, name, "a list of texts", depth),
        (Kind::Flag, _) => return mistyped(sink, reader, name, "true or false", depth),
        (Kind::Integer, _) => return mistyped(sink, reader, name, "a whole number", depth),
    }
    Ok(())
}

/// The older single parent: a text, blank or null for a root.
fn parent(sink: &mut Sink<'_>, reader: &mut Reader<'_>, field: FieldId, name: &str) -> Result<(), Wrong> {
    let text = match reader.next()? {
        Next::Text => reader.string()?,
        Next::Null => {
            reader.null()?;
            Cow::Borrowed("")
        }
        _ => return mistyped(sink, reader, name, "a text", 1),
    };
    sink.text(Way::Parent, Some(field), name, &text);
    Ok(())
}

/// List items to add or to remove.
fn changed(
    sink: &mut Sink<'_>,
    reader: &mut Reader<'_>,
    field: FieldId,
    kind: Kind,
    state: State,
    name: &str,
    depth: usize,
) -> Result<(), Wrong> {
    let list = reader.next()? == Next::List && kind == Kind::List;
    if !list || !texts(sink, reader, name, depth)? {
        return mistyped(sink, reader, name, "a list of texts, for a field that is a list", depth);
    }
    sink.give(field, state, name);
    let list = std::mem::take(&mut sink.scratch.list);
    sink.record.push_bytes(field, state, Kind::List, &list);
    sink.scratch.list = list;
    Ok(())
}

/// Reads a list of texts into the scratch's list. False, with the reader where it was, if it holds anything else.
fn texts(sink: &mut Sink<'_>, reader: &mut Reader<'_>, name: &str, depth: usize) -> Result<bool, Wrong> {
    let start = reader.at;
    let mut list = std::mem::take(&mut sink.scratch.list);
    list.clear();
    let mut all = true;
    let result = reader.list(depth, |reader| {
        if reader.next()? != Next::Text {
            all = false;
            return reader.skip(depth + 1);
        }
        let text = reader.string()?;
        checked(sink, name, &text);
        list.extend_from_slice(&(text.len() as u32).to_le_bytes());
        list.extend_from_slice(text.as_bytes());
        Ok(())
    });
    sink.scratch.list = list;
    result?;
    if !all {
        reader.at = start;
    }
    Ok(all)
}

fn scalar<'a>(reader: &mut Reader<'a>, next: Next) -> Result<&'a str, Wrong> {
    match next {
        Next::Number => reader.number(),
        _ => reader.flag().map(|flag| if flag { "true" } else { "false" }),
    }
}

fn null(sink: &mut Sink<'_>, reader: &mut Reader<'_>, field: FieldId, name: &str) -> Result<(), Wrong> {
    reader.null()?;
    sink.give(field, State::Null, name);
    sink.record.push_empty(field, State::Null);
    Ok(())
}

fn put_text(sink: &mut Sink<'_>, field: FieldId, name: &str, text: &str) {
    checked(sink, name, text);
    sink.give(field, State::Set, name);
    sink.record.push_text(field, text);
}

/// NUL, which only an escape can bring, is refused as in CSV.
#[inline]
fn checked(sink: &mut Sink<'_>, name: &str, text: &str) {
    if memchr::memchr(0, text.as_bytes()).is_some() {
        sink.issue(Code::NulByte, name, text, format!("{name:?} holds a NUL character"));
    }
}

/// A value of the wrong type: noted and passed over.
#[cold]
fn mistyped(sink: &mut Sink<'_>, reader: &mut Reader<'_>, name: &str, wanted: &str, depth: usize) -> Result<(), Wrong> {
    sink.issue(Code::BadType, name, "", format!("{name:?} is not {wanted}"));
    reader.skip(depth)
}
