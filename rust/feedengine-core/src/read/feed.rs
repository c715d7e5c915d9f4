//! One file on its way in: container, members and sections, cut into blocks.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::columnar::Table;
use super::decode::{self, Decoded};
use super::document::{Document, Event};
use super::fixed::Fixed;
use super::foreign::{Foreign, Rows, Shape};
use super::header;
use super::inflate::{Inflated, Packing};
use super::layout::{self, Form, Layout};
use super::lines::Lines;
use super::sheet;
use super::sniff::{self, Format, HEAD};
use super::source::{Ahead, Bytes, FileSource, Random, Source, Totals};
use super::tar::{Tar, is_tar};
use super::xml::Xml;
use super::{Block, Encoding, ReadOptions, exact, near};
use crate::fault::{Code, Fault, Position};
use crate::record::FieldTable;

/// One table for each of [`ReadOptions::entities`], in the same order.
pub type Tables = Vec<Arc<FieldTable>>;

/// What a feed gives next.
#[derive(Debug)]
pub enum Next {
    /// A section begins; the blocks that follow are its records.
    Section(Section),
    /// The block was filled with whole records.
    Block,
    /// The section that began last has ended.
    SectionEnd(SectionEnd),
    /// The file has ended, and was sound. Asking again gives the same answer.
    End(FileInfo),
}

/// A run of records of one entity.
#[derive(Clone, Debug)]
pub struct Section {
    /// Its number in the feed, from 0.
    pub number: u32,
    /// The archive member, or the file's own name.
    pub member: String,
    /// Index of its entity in [`ReadOptions::entities`].
    pub entity: usize,
    /// How to read its records.
    pub layout: Arc<Layout>,
    /// What is odd about its header or dialect.
    pub warnings: Vec<Fault>,
}

/// What a section was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SectionEnd {
    /// The section's number.
    pub number: u32,
    /// Its records, blank lines among them.
    pub records: u64,
    /// Its lines, those of the header among them.
    pub lines: u64,
    /// Its bytes, header and byte order mark among them.
    pub bytes: u64,
    /// The last record ended with a line end; always true for JSON documents.
    pub final_newline: bool,
}

/// What a file was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileInfo {
    /// Length of the file as it lies on disk.
    pub bytes: u64,
    /// xxh3-128 of those bytes, without a key.
    pub fingerprint: u128,
    /// `csv`, `gz of jsonl`, `tar.gz of csv, json`.
    pub container: String,
    /// What is odd about the file or its archive.
    pub warnings: Vec<Fault>,
}

/// Where members come from.
enum Input {
    Plain(Ahead<Box<dyn Source>>),
    Tar(Box<Tar<Box<dyn Source>>>),
}

impl Bytes for Input {
    fn read(&mut self, out: &mut [u8]) -> Result<usize, Fault> {
        match self {
            Input::Plain(plain) => plain.read(out),
            Input::Tar(tar) => tar.read(out),
        }
    }
}

impl Input {
    fn finish(&mut self) -> Result<Totals, Fault> {
        match self {
            Input::Plain(plain) => plain.behind().finish(),
            Input::Tar(tar) => tar.source().finish(),
        }
    }
}

/// Reads one member.
enum Reader {
    Lines(Lines),
    Document(Box<Document>),
    Rows(Box<Rows>),
}

enum Stage {
    /// Before a member, or behind the last one.
    Between,
    /// Within one.
    Inside(Reader),
    Ended(FileInfo),
    Failed(Fault),
}

/// A file being read. Workers share it behind a mutex: [`Feed::next`] copies and counts, and leaves all else to them.
pub struct Feed {
    input: Ahead<Decoded<Input>>,
    /// The file itself, for formats that jump about in it.
    random: Random,
    options: ReadOptions,
    tables: Tables,
    /// The file's own name.
    name: String,
    size: u64,
    meter: Arc<AtomicU64>,
    pub(super) packing: Option<Packing>,
    pub(super) archive: bool,
    stage: Stage,
    /// The member being read.
    member: String,
    opened: bool,
    sections: u32,
    entity: Option<usize>,
    seen: Vec<bool>,
    formats: Vec<Format>,
    warnings: Vec<Fault>,
}

impl Feed {
    /// Opens a file and looks at its first bytes to see what it is.
    pub fn open(path: &Path, options: ReadOptions, tables: Tables) -> Result<Feed, Fault> {
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let place = Position { member: name.clone(), ..Position::default() };
        Feed::start(path, name, options, tables).map_err(|fault| fault.at(place))
    }

    fn start(path: &Path, name: String, options: ReadOptions, tables: Tables) -> Result<Feed, Fault> {
        if options.entities.is_empty() || options.entities.len() != tables.len() {
            return Err(Fault::new(Code::Unreadable, "every entity needs its field table"));
        }
        let mut file = FileSource::open(path)?;
        let (size, meter) = (file.size(), file.meter());
        let random = file.random()?;
        let packing = Packing::sniff(&file.head(4)?);
        let source: Box<dyn Source> = match packing {
            None => Box::new(file),
            Some(packing) => Box::new(Inflated::start(file, packing, options.max_expansion)?),
        };
        let mut ahead = Ahead::new(source);
        let head = ahead.peek(HEAD)?;
        if packing.is_some() && Packing::sniff(head).is_some() {
            return Err(Fault::new(Code::ArchiveNested, "the archive holds another archive"));
        }
        let archive = is_tar(head);
        let input = if archive { Input::Tar(Box::new(Tar::new(ahead))) } else { Input::Plain(ahead) };
        Ok(Feed {
            input: Ahead::new(Decoded::new(Ahead::new(input))),
            random,
            seen: vec![false; options.entities.len()],
            options,
            tables,
            member: name.clone(),
            name,
            size,
            meter,
            packing,
            archive,
            stage: Stage::Between,
            opened: false,
            sections: 0,
            entity: None,
            formats: Vec::new(),
            warnings: Vec::new(),
        })
    }

    /// Bytes of the file read so far, and all of them.
    pub fn progress(&self) -> (u64, u64) {
        (self.meter.load(Ordering::Relaxed), self.size)
    }

    /// The first half of [`Feed::progress`], to be kept where the feed itself is locked away.
    pub fn meter(&self) -> Arc<AtomicU64> {
        self.meter.clone()
    }

    /// Goes on to the next event; `block` is filled when that is [`Next::Block`]. A fault fails the file: asking
    /// again gives the same fault.
    pub fn next(&mut self, block: &mut Block) -> Result<Next, Fault> {
        match &self.stage {
            Stage::Ended(info) => return Ok(Next::End(info.clone())),
            Stage::Failed(fault) => return Err(fault.clone()),
            Stage::Between | Stage::Inside(_) => {}
        }
        self.step(block).map_err(|fault| self.fail(fault))
    }

    /// What members come from; all that was looked at is forgotten.
    fn source(&mut self) -> &mut Input {
        self.input.behind().raw().behind()
    }

    /// The member as a file that a format may jump about in.
    fn random(&mut self) -> Result<Random, Fault> {
        if self.archive || self.packing.is_some() {
            return Random::spool(self.input.behind().raw());
        }
        Ok(self.random.again())
    }

    /// Completes a fault and remembers it.
    fn fail(&mut self, mut fault: Fault) -> Fault {
        let early = [Code::Truncated, Code::UnterminatedQuote, Code::ArchiveTruncated];
        if early.contains(&fault.code) {
            // That the file was still being written explains more than that it is cut.
            fault = self.source().finish().err().filter(|other| other.code == Code::FileChanged).unwrap_or(fault);
        }
        if fault.position.member.is_empty() {
            fault.position.member.clone_from(&self.member);
        }
        if fault.entity.is_none() {
            fault.entity = self.entity.map(|entity| self.options.entities[entity].name.clone());
        }
        self.stage = Stage::Failed(fault.clone());
        fault
    }

    fn step(&mut self, block: &mut Block) -> Result<Next, Fault> {
        block.origins.clear();
        loop {
            match &mut self.stage {
                Stage::Inside(Reader::Lines(lines)) => {
                    if lines.next(&mut self.input, block)? {
                        return Ok(Next::Block);
                    }
                    let end = SectionEnd {
                        number: self.sections - 1,
                        records: lines.records,
                        lines: lines.lines,
                        bytes: lines.bytes,
                        final_newline: lines.final_newline,
                    };
                    self.stage = Stage::Between;
                    return Ok(Next::SectionEnd(end));
                }
                Stage::Inside(Reader::Document(document)) => match document.next(&mut self.input, block)? {
                    Event::List(entity) => {
                        document.section = self.sections;
                        let warnings = std::mem::take(&mut document.warnings);
                        return self.section(entity, Form::Json { lines: false, flat: false }, warnings);
                    }
                    Event::Block => return Ok(Next::Block),
                    Event::ListEnd => {
                        let end = SectionEnd {
                            number: self.sections - 1,
                            records: document.records,
                            lines: document.lines - document.list_start.0,
                            bytes: document.bytes - document.list_start.1,
                            final_newline: true,
                        };
                        return Ok(Next::SectionEnd(end));
                    }
                    Event::End => {
                        self.warnings.append(&mut document.warnings);
                        if self.entity.is_none() {
                            let names: Vec<_> = self.options.entities.iter().map(|spec| spec.name.as_str()).collect();
                            let message = format!("the document holds no list of {}", names.join(", "));
                            return Err(Fault::new(Code::UnknownEntity, message));
                        }
                        self.stage = Stage::Between;
                    }
                },
                Stage::Inside(Reader::Rows(rows)) => {
                    if rows.next(&mut self.input, block)? {
                        return Ok(Next::Block);
                    }
                    self.warnings.extend(rows.warnings());
                    let end = SectionEnd {
                        number: self.sections - 1,
                        records: rows.records,
                        lines: rows.last.line,
                        bytes: rows.last.byte,
                        final_newline: true,
                    };
                    self.stage = Stage::Between;
                    return Ok(Next::SectionEnd(end));
                }
                Stage::Between => {
                    let Some(entity) = self.member()? else { return self.end() };
                    if let Some(section) = self.begin(entity)? {
                        return Ok(section);
                    }
                }
                Stage::Ended(info) => return Ok(Next::End(info.clone())),
                Stage::Failed(fault) => return Err(fault.clone()),
            }
        }
    }

    /// Goes to the next member that holds an entity; the outer `None` is the end, the inner one "not known yet".
    fn member(&mut self) -> Result<Option<Option<usize>>, Fault> {
        self.entity = None;
        if !self.archive {
            let told = self.options.entity.as_ref();
            let told = told.and_then(|name| self.options.entities.iter().position(|spec| spec.name == *name));
            return Ok((!std::mem::replace(&mut self.opened, true)).then_some(told));
        }
        // What was looked at of the member before is no longer wanted.
        while let Input::Tar(tar) = self.source() {
            let Some(full) = tar.next()? else { break };
            let name = full.trim_start_matches("./");
            let place = || Position { member: full.clone(), ..Position::default() };
            let (folder, base) = name.rsplit_once('/').unwrap_or(("", name));
            if base.starts_with("._") || base == ".DS_Store" || folder.starts_with("__MACOSX") {
                continue;
            }
            if !folder.is_empty() {
                let message = format!("the member {full:?} lies in a folder");
                return Err(Fault::new(Code::ArchiveNested, message).at(place()));
            }
            let stem = base.split('.').next().unwrap_or_default();
            let names = self.options.entities.iter().map(|spec| spec.name.as_str());
            if let Some(entity) = names.clone().position(|known| known == stem) {
                self.member = name.to_owned();
                self.opened = true;
                self.entity = Some(entity);
                return Ok(Some(Some(entity)));
            }
            let near = near::hint(stem, names);
            let message = format!("the member {full:?} is none of the entities' and left out{near}");
            if self.warnings.len() < MOST_WARNINGS {
                self.warnings.push(Fault::new(Code::UnknownMemberFile, message).at(place()));
            }
        }
        Ok(None)
    }

    /// Looks into a member and begins it; lines begin their section at once.
    fn begin(&mut self, entity: Option<usize>) -> Result<Option<Next>, Fault> {
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
                    header::columns(&found, spec, &self.tables[entity], None, self.options.max_columns)?;
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

    fn section(&mut self, entity: usize, form: Form, mut warnings: Vec<Fault>) -> Result<Next, Fault> {
        let spec = &self.options.entities[entity];
        self.entity = Some(entity);
        if std::mem::replace(&mut self.seen[entity], true) {
            let code = if self.archive { Code::ArchiveDuplicate } else { Code::DuplicateList };
            return Err(Fault::new(code, format!("there is more than one list of {}", spec.name)));
        }
        for warning in &mut warnings {
            warning.entity = Some(spec.name.clone());
            warning.position.member.clone_from(&self.member);
        }
        let number = self.sections;
        self.sections += 1;
        let layout = Arc::new(Layout::new(form, spec, &self.tables[entity], &self.options));
        Ok(Next::Section(Section { number, member: self.member.clone(), entity, layout, warnings }))
    }

    fn end(&mut self) -> Result<Next, Fault> {
        if !self.opened {
            self.member.clone_from(&self.name);
            return Err(Fault::new(Code::ArchiveEmpty, "the archive holds no file of an entity"));
        }
        let totals = self.source().finish()?;
        let formats: Vec<_> = self.formats.iter().map(|format| format.name()).collect();
        let parts: Vec<_> = self.archive.then_some("tar").into_iter().chain(self.packing.map(Packing::name)).collect();
        let container = match parts.is_empty() {
            true => formats.join(", "),
            false => format!("{} of {}", parts.join("."), formats.join(", ")),
        };
        let warnings = std::mem::take(&mut self.warnings);
        let info = FileInfo { bytes: totals.bytes, fingerprint: totals.fingerprint, container, warnings };
        self.stage = Stage::Ended(info.clone());
        Ok(Next::End(info))
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

/// Unknown members that are named one by one.
const MOST_WARNINGS: usize = 100;
