//! One file on its way in: container, members and sections, cut into blocks.

mod begin;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::decode::Decoded;
use super::document::{Document, Event};
use super::foreign::Rows;
use super::inflate::{Inflated, Packing};
use super::layout::{Form, Layout};
use super::lines::Lines;
use super::sniff::{Format, HEAD};
use super::source::{Ahead, Bytes, FileSource, Random, Source, Totals};
use super::tar::{Tar, is_tar};
use super::{Block, ReadOptions, near};
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
}

/// Unknown members that are named one by one.
const MOST_WARNINGS: usize = 100;
