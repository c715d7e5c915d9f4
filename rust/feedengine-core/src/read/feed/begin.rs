//! How a member of a feed begins: what format its bytes are, its header, whose records it holds.

use std::sync::Arc;

use crate::read::columnar::Table;
use crate::read::decode;
use crate::read::document::Document;

use super::{Feed, Next, Reader, Stage};
use crate::fault::{Code, Fault, Position};
use crate::read::fixed::Fixed;
use crate::read::foreign::{Foreign, Rows, Shape};
use crate::read::inflate::Packing;
use crate::read::layout::{self, Form};
use crate::read::lines::Lines;
use crate::read::sheet;
use crate::read::sniff::{self, Format, HEAD};
use crate::read::source::Bytes;
use crate::read::tar::is_tar;
use crate::read::xml::Xml;
use crate::read::{Encoding, exact, header};

impl Feed {
    /// Looks into a member and begins it; lines begin their section at once.
    pub(super) fn begin(&mut self, entity: Option<usize>) -> Result<Option<Next>, Fault> {
        let raw = self.input.behind().raw().peek(HEAD)?;
        if let Some(format) = sniff::binary(raw) {
            let head = raw[..raw.len().min(64)].to_vec();
            return self.begin_binary(entity, format, &head).map(Some);
        }
        let encoding = match self.options.format.encoding {
            Some(encoding) => encoding,
            None => decode::of_xml(raw)?.unwrap_or(Encoding::Utf8),
        };
        self.input.behind().begin(encoding)?;
        let head = self.input.peek(HEAD)?.to_vec();
        sniff::refuse(&head)?;
        if self.archive && (Packing::sniff(&head).is_some() || is_tar(&head)) {
            return Err(Fault::new(Code::ArchiveNested, format!("the member {:?} is an archive itself", self.member)));
        }
        let mark = sniff::mark(&head);
        let text = &head[mark..];
        let format = sniff::format(text, &self.member, &self.options);
        let format = if self.options.format.fixed.is_some() { Format::Fixed } else { format };
        self.check_name(format);
        if !self.formats.contains(&format) {
            self.formats.push(format);
        }
        match format {
            Format::Fixed => {
                self.drop_bytes(mark)?;
                let fixed = self.options.format.fixed.clone().unwrap_or_default();
                let fixed = Box::new(Fixed::new(&fixed, &self.options, encoding.length(&head[..mark])));
                self.begin_rows(entity, fixed).map(Some)
            }
            Format::Xml => {
                let Some(xml) = self.options.format.xml.clone() else {
                    let message = "this is an XML document, but nothing says where its records are: name their path in \
                                   the profile (format.xml.record, such as \"catalog/product\")";
                    return Err(Fault::new(Code::UnknownFormat, message));
                };
                self.drop_bytes(mark)?;
                let xml = Xml::new(&xml, &self.options, encoding, encoding.length(&head[..mark]));
                self.begin_rows(entity, Box::new(xml)).map(Some)
            }
            Format::Csv => self.begin_csv(entity, mark, encoding).map(Some),
            Format::Jsonl => {
                self.drop_bytes(mark)?;
                let first = text.trim_ascii_start();
                let names = sniff::names_of(first);
                let entity = entity.unwrap_or_else(|| self.entity_of(&names));
                let flat = names.iter().any(|name| header::is_flat(&self.options.entities[entity], name));
                let warnings = if flat {
                    vec![Fault::new(Code::FlatJsonl, "the lines have CSV column names instead of nested data")]
                } else {
                    Vec::new()
                };
                self.stage = Stage::Inside(Reader::Lines(Lines::new(
                    None,
                    &self.options,
                    self.sections,
                    0,
                    encoding.length(&head[..mark]),
                )));
                self.section(entity, Form::Json { lines: true, flat }, warnings).map(Some)
            }
            // The binary ones were begun before anything was taken for text.
            Format::Json | Format::Xlsx | Format::Parquet => {
                self.drop_bytes(mark)?;
                let first = text.trim_ascii_start().strip_prefix(b"[").unwrap_or_default().trim_ascii_start();
                let bare = entity.unwrap_or_else(|| self.entity_of(&sniff::names_of(first)));
                self.entity = None;
                self.stage =
                    Stage::Inside(Reader::Document(Box::new(Document::new(&self.options, bare, &head[..mark]))));
                Ok(None)
            }
        }
    }

    /// Begins a format that jumps about in its file.
    fn begin_binary(&mut self, entity: Option<usize>, format: Format, head: &[u8]) -> Result<Next, Fault> {
        let file = self.random()?;
        let source: Box<dyn Foreign> = match format {
            Format::Parquet => Box::new(Table::open(file, &self.options)?),
            _ => Box::new(sheet::open(file, head, &self.options)?),
        };
        self.check_name(format);
        if !self.formats.contains(&format) {
            self.formats.push(format);
        }
        self.begin_rows(entity, source)
    }

    /// Begins the section of a foreign format.
    fn begin_rows(&mut self, entity: Option<usize>, source: Box<dyn Foreign>) -> Result<Next, Fault> {
        let (shape, sheet) = (source.shape(), source.sheet().map(str::to_owned));
        let mut rows = Box::new(Rows::new(source, &self.options, self.sections));
        entity.into_iter().for_each(|entity| rows.write_as(&self.options.entities[entity]));
        let names = match &shape {
            Shape::Columns(names) => names.clone(),
            Shape::Members => sniff::names_of(&rows.first(&mut self.input)?),
        };
        let entity = entity.unwrap_or_else(|| self.entity_of(&names));
        self.entity = Some(entity);
        let spec = &self.options.entities[entity];
        rows.write_as(spec);
        let (form, warnings) = match shape {
            Shape::Members => (Form::Members, Vec::new()),
            Shape::Columns(names) => {
                let found = header::Header { delimiter: b',', names, start: 0, end: 0 };
                let (columns, warnings) =
                    header::columns(&found, spec, &self.tables[entity], None, self.options.max_columns)
                        .map_err(|fault| elsewhere(fault, &mut rows))?;
                let key = found.names.iter().position(|name| header::is_key(spec, name)).unwrap_or_default();
                let sheet = sheet.map(|sheet| Arc::new(layout::grid(sheet, &columns, &self.tables[entity])));
                (Form::Rows { columns, key, sheet }, warnings)
            }
        };
        self.stage = Stage::Inside(Reader::Rows(rows));
        self.section(entity, form, warnings)
    }

    fn begin_csv(&mut self, entity: Option<usize>, mark: usize, encoding: Encoding) -> Result<Next, Fault> {
        let mut count = HEAD;
        let (found, lines, start, bytes) = loop {
            let head = self.input.peek(count)?;
            let whole = head.len() < count;
            let entities = &self.options.entities;
            let keyed = |name: &str| match entity {
                Some(entity) => header::is_key(&entities[entity], name),
                None => entities.iter().any(|spec| header::is_key(spec, name)),
            };
            if let Some(found) = header::find(&head[mark..], whole, self.options.delimiter, keyed)? {
                let lines = exact::lines(&head[..mark + found.end])
                    + u64::from(whole && mark + found.end == head.len() && !matches!(head.last(), Some(b'\n' | b'\r')));
                let start = encoding.length(&head[..mark + found.start]);
                let bytes = encoding.length(&head[..mark + found.end]);
                break (found, lines, start, bytes);
            }
            if count > self.options.max_record {
                // Taken for the whole file, it tells of a quote that is never closed.
                header::find(&head[mark..], true, self.options.delimiter, keyed)?;
                return Err(Fault::new(Code::RecordTooLong, "the header does not end"));
            }
            count *= 4;
        };
        let entity = entity.unwrap_or_else(|| self.entity_of(&found.names));
        self.entity = Some(entity);
        let spec = &self.options.entities[entity];
        let at = Position { member: self.member.clone(), line: lines.max(1), byte: start, ..Position::default() };
        let (columns, warnings) =
            header::columns(&found, spec, &self.tables[entity], self.options.delimiter, self.options.max_columns)
                .map_err(|fault| fault.at(at.clone()))?;
        let warnings = warnings.into_iter().map(|warning| warning.at(at.clone())).collect();
        let key = found.names.iter().position(|name| header::is_key(spec, name)).unwrap_or_default();
        self.drop_bytes(mark + found.end)?;
        let delimiter = found.delimiter;
        let lines = Lines::new(Some(delimiter), &self.options, self.sections, lines, bytes);
        self.stage = Stage::Inside(Reader::Lines(lines));
        self.section(entity, Form::Csv { delimiter, columns, key }, warnings)
    }

    /// The entity that member names speak of.
    fn entity_of(&self, names: &[String]) -> usize {
        let specs = &self.options.entities;
        let default = self.options.default_entity.as_ref();
        let default = default.and_then(|name| specs.iter().position(|spec| spec.name == *name)).unwrap_or(0);
        header::entity_of(specs, names.iter().map(String::as_str), default)
    }

    /// Reads and forgets.
    fn drop_bytes(&mut self, count: usize) -> Result<(), Fault> {
        self.input.fill(&mut vec![0; count]).map(|_| ())
    }

    /// Warns when a name claims something else than the bytes say. Names without an extension claim nothing.
    fn check_name(&mut self, format: Format) {
        let lower = self.member.to_ascii_lowercase();
        let ends = |ends: &[&str]| ends.iter().any(|end| lower.ends_with(end));
        let told = format != Format::Fixed;
        let mut wrong = told && sniff::named(&lower).is_some_and(|named| named != format);
        if !self.archive {
            let packed = ends(&[".gz", ".tgz", ".zst", ".tzst"]);
            let tar = ends(&[".tar", ".tgz", ".tzst", ".tar.gz", ".tar.zst"]);
            let claims = packed || tar || sniff::named(&lower).is_some();
            wrong |= tar || (claims && packed != self.packing.is_some());
        }
        self.mismatch(wrong, &self.member.clone(), format.name());
        if self.archive && self.formats.is_empty() {
            let lower = self.name.to_ascii_lowercase();
            let gzip = lower.ends_with(".gz") || lower.ends_with(".tgz");
            let zstd = lower.ends_with(".zst") || lower.ends_with(".tzst");
            let tar = lower.contains(".tar") || lower.ends_with(".tgz") || lower.ends_with(".tzst");
            let claims = gzip || zstd || tar || sniff::named(&lower).is_some();
            let packed = self.packing == Some(Packing::Gzip) && gzip || self.packing == Some(Packing::Zstd) && zstd;
            let plain = self.packing.is_none() && !gzip && !zstd;
            self.mismatch(claims && !(tar && (packed || plain)), &self.name.clone(), "an archive");
        }
    }

    fn mismatch(&mut self, wrong: bool, name: &str, found: &str) {
        if wrong {
            let packed = self.packing.map_or("", Packing::name);
            let message =
                format!("the name {name:?} does not say what the file is: {packed} {found}").replace(":  ", ": ");
            let place = Position { member: name.to_owned(), ..Position::default() };
            self.warnings.push(Fault::new(Code::NameMismatch, message).at(place));
        }
    }
}

/// A column that is missing may stand on another sheet.
fn elsewhere(mut fault: Fault, rows: &mut Rows) -> Fault {
    let unread = rows.warnings().into_iter().find(|warning| warning.code == Code::UnreadSheet);
    if let Some(unread) = unread.filter(|_| fault.code == Code::MissingColumn) {
        fault.message += &format!("; {} (format.sheet.name chooses)", unread.message);
    }
    fault
}
