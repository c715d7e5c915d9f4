//! XML documents as a stream of records: the elements at one declared path.
//!
//! An element of a record is a column by the names that lead to it (`price`, `images/image`), an attribute is `@name`
//! behind them (`@id`, `price/@currency`), what is repeated is joined by `|`. Names are local ones: prefixes of
//! namespaces do not count. White space at the ends of a text is laid out by whoever wrote the document and taken off,
//! unless it stands in CDATA.

mod letters;
mod tokens;

use std::collections::HashMap;
use std::sync::Arc;

use super::foreign::{Foreign, Row, Shape};
use super::source::Bytes;
use super::{Encoding, Origin, ReadOptions, XmlSpec, header, near};
use crate::fault::{Code, Fault};
use crate::record::entity::EntitySpec;
use tokens::{Token, Tokens};

/// Deepest nesting of elements.
const MAX_DEPTH: usize = 64;
/// Paths that are remembered for "did you mean".
const MOST_PATHS: usize = 100;
/// What the text of a record's own element is called, where it has any.
const OWN_TEXT: &str = "text()";

/// A document being read.
pub(crate) struct Xml {
    tokens: Tokens,
    path: Vec<String>,
    /// Open elements: their full names, for the tags that close them.
    open: Vec<String>,
    /// How many of them, from the root, are the path's.
    matched: usize,
    record: Record,
    found: bool,
    /// Other paths that were seen.
    others: Vec<String>,
    /// The parent of records was seen without any element in it.
    empty_parent: bool,
    max_record: usize,
    max_columns: usize,
}

impl Xml {
    /// A document in `encoding` behind a byte order mark of `mark` bytes.
    pub(crate) fn new(spec: &XmlSpec, options: &ReadOptions, encoding: Encoding, mark: u64) -> Xml {
        Xml {
            tokens: Tokens::new(encoding, mark, options.max_record),
            path: spec.record.split('/').map(str::to_owned).collect(),
            open: Vec::new(),
            matched: 0,
            record: Record::default(),
            found: false,
            others: Vec::new(),
            empty_parent: false,
            max_record: options.max_record,
            max_columns: options.max_columns,
        }
    }

    fn within_record(&self) -> bool {
        self.matched == self.path.len()
    }

    /// An element begins, and perhaps a record with it.
    fn begin(&mut self) -> Result<(), Fault> {
        let name = self.tokens.name.as_str();
        if self.open.len() >= MAX_DEPTH {
            return Err(self.tokens.fault(Code::TooDeep, format!("elements are nested more than {MAX_DEPTH} deep")));
        }
        let (depth, within) = (self.open.len(), self.within_record());
        self.open.push(name.to_owned());
        if within {
            self.record.begin(local(name));
        } else if self.matched == depth && self.path.get(depth).is_some_and(|step| step == local(name)) {
            self.matched += 1;
            if self.within_record() {
                self.found = true;
                self.record.start();
            }
            self.empty_parent |= self.matched + 1 == self.path.len();
        } else {
            self.empty_parent &= self.matched != depth || depth + 1 != self.path.len();
            self.note();
        }
        if self.within_record() {
            for attribute in &self.tokens.attributes {
                let prefix = attribute.name.split_once(':').map_or("", |(prefix, _)| prefix);
                if attribute.name != "xmlns" && prefix != "xmlns" && prefix != "xml" {
                    self.record.attribute(local(&attribute.name), &attribute.value);
                }
            }
            self.limits()?;
        }
        Ok(())
    }

    /// Remembers where an element lies that is none of the path's.
    fn note(&mut self) {
        if self.found || self.others.len() >= MOST_PATHS {
            return;
        }
        let path = self.open.iter().map(|name| local(name)).collect::<Vec<_>>().join("/");
        if !self.others.contains(&path) {
            self.others.push(path);
        }
    }

    /// The element ends; true if it was a record.
    fn end(&mut self) -> bool {
        let within = self.within_record();
        self.open.pop();
        if !within {
            self.matched = self.matched.min(self.open.len());
            return false;
        }
        if self.open.len() >= self.path.len() {
            self.record.end();
            return false;
        }
        self.matched -= 1;
        self.record.finish();
        true
    }

    fn limits(&self) -> Result<(), Fault> {
        if self.record.texts.len() > self.max_columns {
            let message = format!("the records have more than {} different elements and attributes", self.max_columns);
            return Err(self.tokens.fault(Code::TooManyColumns, message));
        }
        if self.record.size > self.max_record {
            let message = format!("the record is longer than {} bytes", self.max_record);
            return Err(self.tokens.fault(Code::RecordTooLong, message));
        }
        Ok(())
    }

    /// The end of the document, which must have had the path in it.
    fn finish(&self) -> Result<bool, Fault> {
        if self.found || (self.empty_parent && self.path.len() > 1) {
            return Ok(false);
        }
        let path = self.path.join("/");
        let near = near::hint(&path, self.others.iter().map(String::as_str));
        let some: Vec<_> = self.others.iter().take(5).map(String::as_str).collect();
        let message = format!("no element lies at the record path {path:?} but at {}{near}", some.join(", "));
        Err(Fault::new(Code::UnknownEntity, message).value(&path))
    }
}

impl Foreign for Xml {
    fn shape(&self) -> Shape {
        Shape::Members
    }

    fn write_as(&mut self, spec: &EntitySpec) {
        let record = &mut self.record;
        let names = record.texts.iter();
        record.separators = names.map(|(name, _)| header::hand(spec, name).separator).collect();
        record.spec = Some(spec.clone());
    }

    fn next(&mut self, input: &mut dyn Bytes, row: &mut Row) -> Result<bool, Fault> {
        loop {
            let token = self.tokens.next(input, !self.open.is_empty())?;
            match token {
                Token::Start { empty } => {
                    let fresh = !self.within_record();
                    self.begin()?;
                    if fresh && self.within_record() {
                        self.record.origin = self.tokens.origin();
                    }
                    if empty && self.end() {
                        break;
                    }
                }
                Token::End => {
                    let (name, open) = (&self.tokens.name, self.open.last().map_or("", String::as_str));
                    if open != name {
                        let message = format!("</{name}> closes <{open}>");
                        return Err(self.tokens.fault(Code::BadXml, message));
                    }
                    if self.end() {
                        break;
                    }
                }
                Token::Text { plain } => {
                    if self.within_record() {
                        self.record.text(&self.tokens.text, plain);
                        self.limits()?;
                    }
                }
                Token::Eof => return self.finish(),
            }
        }
        row.origin = self.record.origin;
        for (name, text) in self.record.cells() {
            row.member(name, text);
        }
        Ok(true)
    }
}

/// A name without its prefix.
fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| if local.is_empty() { name } else { local })
}

/// A record under construction.
#[derive(Default)]
struct Record {
    origin: Origin,
    /// Every name that a record had so far with its place, by place the text in this record, and the places that it
    /// has in their order.
    places: HashMap<Arc<str>, usize>,
    texts: Vec<(Arc<str>, String)>,
    /// What stands between the texts of a name that is given again, by place.
    separators: Vec<String>,
    /// Whose records they are, once that is known.
    spec: Option<EntitySpec>,
    given: Vec<usize>,
    is_given: Vec<bool>,
    /// Names from the record to the open element, joined, and the open elements.
    path: String,
    open: Vec<Element>,
    size: usize,
}

/// An open element of a record.
#[derive(Default)]
struct Element {
    /// How long the path was before it.
    outer: usize,
    text: String,
    /// How much of the text is not to be trimmed; `None`: nothing has come yet.
    solid: Option<usize>,
    has_children: bool,
}

impl Record {
    fn start(&mut self) {
        for place in self.given.drain(..) {
            self.texts[place].1.clear();
            self.is_given[place] = false;
        }
        self.path.clear();
        self.open.clear();
        self.size = 0;
        self.open.push(Element::default());
    }

    fn begin(&mut self, name: &str) {
        if let Some(parent) = self.open.last_mut() {
            parent.has_children = true;
        }
        self.open.push(Element { outer: self.path.len(), ..Element::default() });
        if !self.path.is_empty() {
            self.path.push('/');
        }
        self.path.push_str(name);
    }

    fn attribute(&mut self, name: &str, value: &str) {
        let slash = if self.path.is_empty() { "" } else { "/" };
        let full = format!("{}{slash}@{name}", self.path);
        self.put(&full, value);
    }

    fn text(&mut self, text: &str, plain: bool) {
        let Some(element) = self.open.last_mut() else { return };
        let text = if plain && element.solid.is_none() { text.trim_start_matches(BLANK) } else { text };
        if text.is_empty() {
            return;
        }
        element.text.push_str(text);
        self.size += text.len();
        let before = element.solid.unwrap_or_default();
        element.solid = Some(if plain { before } else { element.text.len() });
    }

    /// The innermost element ends: it is a cell unless it only holds others.
    fn end(&mut self) {
        let Some(element) = self.open.pop() else { return };
        let path = std::mem::take(&mut self.path);
        if !element.has_children || !element.trimmed().is_empty() {
            self.put(&path, element.trimmed());
        }
        self.path = path;
        self.path.truncate(element.outer);
    }

    /// The record's own element ends.
    fn finish(&mut self) {
        let Some(element) = self.open.pop() else { return };
        if !element.trimmed().is_empty() {
            self.put(OWN_TEXT, element.trimmed());
        }
    }

    fn put(&mut self, name: &str, text: &str) {
        self.size += text.len() + 1;
        let place = match self.places.get(name) {
            Some(place) => *place,
            None => {
                self.separators
                    .push(self.spec.as_ref().map(|spec| header::hand(spec, name)).unwrap_or_default().separator);
                let name: Arc<str> = name.into();
                self.places.insert(name.clone(), self.texts.len());
                self.texts.push((name, String::new()));
                self.is_given.push(false);
                self.texts.len() - 1
            }
        };
        let cell = &mut self.texts[place].1;
        if std::mem::replace(&mut self.is_given[place], true) {
            cell.push_str(&self.separators[place]);
        } else {
            self.size += name.len();
            self.given.push(place);
        }
        cell.push_str(text);
    }

    /// Names and texts in the order in which the names first came.
    fn cells(&self) -> impl Iterator<Item = (&str, &str)> {
        self.given.iter().map(|place| &self.texts[*place]).map(|(name, text)| (&**name, text.as_str()))
    }
}

impl Element {
    fn trimmed(&self) -> &str {
        let solid = self.solid.unwrap_or_default();
        let rest = self.text[solid..].trim_end_matches(BLANK).len();
        &self.text[..solid + rest]
    }
}

/// White space as XML knows it.
const BLANK: [char; 4] = [' ', '\t', '\n', '\r'];
