//! A record in its sender's words: texts by the fields they are meant for, not brought into any form.
//!
//! A name is such that the text under it, in a CSV file of our own, means the same again.

use super::header::{self, HeaderColumn, Way};
use super::json::{Next, Reader, Wrong};
use crate::check::Hand;
use crate::record::FieldTable;
use crate::record::entity::{EntitySpec, FieldSpec};
use crate::record::entity::{KindName, Place};
use crate::record::rule::Step;

/// Texts by field.
pub(crate) type Words = Vec<(String, String)>;

/// What a column's text is called: its field where it is declared, its own name otherwise.
pub(crate) fn column(column: &HeaderColumn, table: &FieldTable) -> String {
    match (column.way, column.field) {
        (Way::Plain(_) | Way::Parents, Some(field)) => table.name(field).to_string(),
        _ => column.name.clone(),
    }
}

/// Members of a JSON record whose `data` is nested; what is no JSON object has none.
pub(crate) fn nested(text: &str, spec: &EntitySpec) -> Words {
    let mut said = Said { text, spec, words: Vec::new() };
    let _ = Reader::new(text).object_or(|reader, name| said.top(reader, name));
    said.words
}

/// Members of a JSON record that have the names of columns.
pub(crate) fn flat(text: &str, spec: &EntitySpec, table: &FieldTable) -> Words {
    let mut said = Said { text, spec, words: Vec::new() };
    let _ = Reader::new(text).object_or(|reader, name| said.column(reader, name, table));
    said.words
}

impl Reader<'_> {
    /// Takes an object; nothing of what is none.
    fn object_or(mut self, mut member: impl FnMut(&mut Self, &str) -> Result<(), Wrong>) -> Result<(), Wrong> {
        if self.next()? != Next::Object {
            return Ok(());
        }
        self.object(0, |reader, name| member(reader, &name))
    }
}

struct Said<'t> {
    text: &'t str,
    spec: &'t EntitySpec,
    words: Words,
}

impl Said<'_> {
    fn declared(&self, place: Place, name: &str) -> Option<&FieldSpec> {
        self.spec.fields.iter().find(|field| field.place == place && field.json == name)
    }

    fn top(&mut self, reader: &mut Reader<'_>, name: &str) -> Result<(), Wrong> {
        if let Some(field) = self.declared(Place::Top, name).cloned() {
            return self.value(reader, &field.name, Some(&field), 1);
        }
        if name == "data" && reader.next()? == Next::Object {
            return reader.object(1, |reader, name| self.data(reader, &name));
        }
        if let Some(field) = header::headed(self.spec, name).map(|at| self.spec.fields[at].clone()) {
            return self.value(reader, &field.name, Some(&field), 1);
        }
        self.value(reader, name, None, 1)
    }

    fn data(&mut self, reader: &mut Reader<'_>, name: &str) -> Result<(), Wrong> {
        if let Some(field) = self.declared(Place::Data, name).cloned() {
            return self.value(reader, &field.name, Some(&field), 2);
        }
        if name == "facets" && self.spec.facets && reader.next()? == Next::Object {
            return self.facets(reader, 2);
        }
        self.open(reader, name)
    }

    fn facets(&mut self, reader: &mut Reader<'_>, depth: usize) -> Result<(), Wrong> {
        reader.object(depth, |reader, name| self.value(reader, &format!("facet:{name}"), None, depth + 1))
    }

    /// Metadata: texts as they are, all else as JSON.
    fn open(&mut self, reader: &mut Reader<'_>, name: &str) -> Result<(), Wrong> {
        if matches!(reader.next()?, Next::Text | Next::Null) {
            return self.value(reader, &format!("metadata:{name}"), None, 2);
        }
        let start = reader.at;
        reader.skip(2)?;
        self.words.push((format!("metadata:json:{name}"), self.text[start..reader.at].to_owned()));
        Ok(())
    }

    fn column(&mut self, reader: &mut Reader<'_>, name: &str, table: &FieldTable) -> Result<(), Wrong> {
        let next = reader.next()?;
        let Some((way, field)) = header::resolve(self.spec, table, name) else {
            return self.value(reader, name, None, 1);
        };
        match (way, next) {
            (Way::Facets, Next::Object) => return self.facets(reader, 1),
            (Way::Data, Next::Object) => return reader.object(1, |reader, name| self.data(reader, &name)),
            _ => {}
        }
        let known = column(&HeaderColumn { name: name.to_owned(), field, way }, table);
        let field = self.spec.field(&known).cloned();
        self.value(reader, &known, field.as_ref(), 1)
    }

    /// A value as the text of a cell; null is no text at all.
    fn value(
        &mut self,
        reader: &mut Reader<'_>,
        name: &str,
        field: Option<&FieldSpec>,
        depth: usize,
    ) -> Result<(), Wrong> {
        let next = reader.next()?;
        let start = reader.at;
        let said = match next {
            Next::Null => return reader.null(),
            Next::Text => reader.string()?.into_owned(),
            Next::Number => field.map(Hand::of).unwrap_or_default().number(reader.number()?).into_owned(),
            Next::List if field.is_none_or(|field| self.is_split(field)) => match texts(reader, depth)? {
                Some(items) => items.join(separator(field)),
                None => self.text[start..reader.at].to_owned(),
            },
            _ => {
                reader.skip(depth)?;
                self.text[start..reader.at].to_owned()
            }
        };
        self.words.push((name.to_owned(), said));
        Ok(())
    }

    /// Whether the field's cells hold items one behind the other.
    fn is_split(&self, field: &FieldSpec) -> bool {
        field.kind != KindName::Json && self.spec.parents.as_ref() != Some(&field.name)
    }
}

/// What stands between the items of a list in a cell.
fn separator(field: Option<&FieldSpec>) -> &str {
    let step = |step: &'_ Step| matches!(step, Step::Split { .. });
    match field.and_then(|field| field.normal.iter().find(|each| step(each))) {
        Some(Step::Split { separator }) => separator,
        _ => "|",
    }
}

/// The items of a list of texts; nothing, but behind it, where there is anything else among them.
fn texts(reader: &mut Reader<'_>, depth: usize) -> Result<Option<Vec<String>>, Wrong> {
    let mut items = Some(Vec::new());
    reader.list(depth, |reader| {
        if reader.next()? != Next::Text {
            items = None;
            return reader.skip(depth + 1);
        }
        let item = reader.string()?.into_owned();
        if let Some(items) = &mut items {
            items.push(item);
        }
        Ok(())
    })?;
    Ok(items)
}
