//! Decides what a feed would change. Pure: it reads the feed and the index, asks the caller for stored cells where
//! it needs them, and answers with counts, a verdict and the rows to write. It writes nothing but temporary files.
//!
//! The way of a record: `worker` (read, skipped if its bytes are known, else parsed and checked) -> `settle` (each
//! record once, against its stored cells) -> `relate` (owners, trees, references) -> `outcome` (counts) -> `decide`.

mod ahead;
mod allowed;
mod blocks;
mod cells;
mod claims;
mod combos;
mod cycles;
mod dangling;
mod decide;
mod document;
mod duplicates;
mod earlier;
mod entity;
mod facts;
mod guards;
mod identified;
mod known;
mod lacks;
mod light;
mod listed;
mod locate;
mod marks;
mod matrix;
mod merge;
pub mod ops;
mod outcome;
mod owners;
mod pairs;
mod parked;
mod problems;
mod rejected;
mod relate;
mod request;
mod rows;
mod rules;
mod sections;
mod seen;
mod sent;
mod sentences;
mod settle;
mod shrunk;
mod spool;
mod stop;
mod stored;
mod together;
mod touch;
mod tree;
mod verdicts;
mod walk;
mod wants;
mod windows;
mod worker;
mod write;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

pub use crate::bags::{PARTS, Partitioned, part_of};
pub use blocks::{Control, Pass, read_blocks};
pub use decide::{fault_json, severity_name};
pub use earlier::Earlier;
pub use entity::EntityPlan;
pub use facts::Facts;
pub use known::Needed;
pub use light::Readable;
pub use outcome::{Outcome, reason};
pub use rejected::{Bits, RejectedRows};
pub use request::{Column, EntityBase, Request, Settings};
pub use rules::{Rules, open_kind};
pub use sent::Wanted;
pub use spool::{NOWHERE, Spool, SpoolPart};
pub use stop::Stop;
pub use stored::{StoredRows, kind_name, storage_column, storage_field};
pub use touch::{Touch, kind};
pub use walk::{walk_all, walk_touched};
pub use wants::Want;
pub use write::NextBase;

use crate::check;
use crate::fault::Severity;
use crate::identify::Print;
use crate::read::{FileInfo, ReadOptions, Section, SectionEnd, Tables};
use crate::record::FieldId;
use crate::record::digest::{Hasher, fingerprint};
use claims::Claims;
use dangling::Dangling;
use guards::ColumnScan;
use matrix::Gathered;
use ops::Operation;
use problems::Problems;
use request::{BadRows, SingleFile};
use seen::{Collected, Reference, Seen};
use settle::Settling;
use together::Together;
use tree::Node;
use verdicts::Waiting;
use wants::Step;
use worker::{Task, Worker};

/// What the reading of the feed found out about one entity.
#[derive(Default)]
struct Read {
    uploaded: bool,
    rows: u64,
    blank_lines: u64,
    rejected: u64,
    parked: u64,
    waiting: Vec<Waiting>,
    matched_by: Vec<u64>,
    /// Stored records whose path another takes.
    moved: HashSet<u32>,
    refused: Bits,
    unknown: u64,
    merged: u64,
    named: u64,
    duplicates: u64,
    last_short: Option<u32>,
    kinds: Vec<u8>,
    protected: HashSet<u32>,
    patched: BTreeSet<FieldId>,
    references: HashMap<u128, Reference>,
    mentioned: Bits,
    normalised: BTreeMap<FieldId, u64>,
    section: Option<(Arc<Section>, SectionEnd)>,
}

/// Plans one task. Call `scan`, then answer `next_want` until it has no more wishes, then `decide`.
pub struct Planner {
    request: Request,
    operation: &'static Operation,
    hasher: Hasher,
    entities: Vec<EntityPlan>,
    tables: Tables,
    options: ReadOptions,
    problems: Problems,
    control: Arc<Control>,
    path: PathBuf,
    threads: usize,
    info: Option<FileInfo>,
    read: Vec<Read>,
    spool: Spool,
    merged: Mutex<SpoolPart>,
    joined: Spool,
    step: Step,
    settling: Vec<Settling>,
    tree_base: BTreeMap<String, Node>,
    scans: Vec<ColumnScan>,
    outcomes: Vec<Outcome>,
    dangling: Dangling,
    standing: Option<HashSet<Print>>,
    dropped: Vec<HashSet<u32>>,
    together: Together,
    matrix: Option<Gathered>,
    /// Rows that fell because of what records are together; among those that are dropped.
    overlapping: Vec<HashSet<u32>>,
    overruled: Vec<u64>,
    held: bool,
}

impl Planner {
    /// Prepares a task against the state that `request` names. `secret` has 192 bytes.
    pub fn new(mut request: Request, secret: &[u8]) -> Result<Planner, Stop> {
        let operation = Operation::find(&request.operation)
            .ok_or_else(|| Stop::Broken(format!("there is no operation called {}", request.operation)))?;
        if operation.joins {
            request.settings.rows = BadRows::Fail;
        }
        request.format.check().map_err(Stop::Broken)?;
        let hasher = Hasher::new(secret).ok_or_else(|| Stop::Broken("a store's secret has 192 bytes".into()))?;
        let store = fingerprint(secret, 1);
        let threads = match request.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        };
        let amiss = check::wrong(&request.entities);
        if !amiss.is_empty() {
            let told: Vec<String> = amiss.iter().map(ToString::to_string).collect();
            return Err(Stop::Broken(format!("the entities are not declared as they must be: {}", told.join("; "))));
        }
        let settings = &request.settings;
        // Only what decides whether a row passes belongs here: a changed thread count must not re-read a catalog.
        let mark = format!("{:?}{:?}{:?}", settings.short_rows, settings.split_metadata, settings.max_record_bytes);
        let mark = fingerprint(mark.as_bytes(), 2);
        let memory = request.memory / 4 / request.entities.len().max(1);
        let entities = request
            .entities
            .iter()
            .enumerate()
            .map(|(number, spec)| {
                let base = request.base.get(&spec.name).cloned().unwrap_or_default();
                EntityPlan::open(number, operation, spec, base, mark, store, memory, &request.temp_dir)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let entities = known::identified(&request, entities)?;
        let options = ReadOptions {
            entities: request.entities.clone(),
            delimiter: settings.delimiter.map(|delimiter| delimiter as u8),
            block: request.block,
            max_record: settings.max_record_bytes,
            max_expansion: settings.max_expansion,
            max_columns: settings.max_columns,
            entity: request.entity.clone(),
            format: request.format.clone(),
            default_entity: match settings.single_file {
                SingleFile::Sniff => None,
                SingleFile::Items => request.entities.first().map(|spec| spec.name.clone()),
            },
        };
        let count = entities.len();
        let scans = (0..count).map(|entity| ColumnScan::new(&request.safeguard, &request.entities[entity])).collect();
        Ok(Planner {
            tables: entities.iter().map(|entity| entity.table.clone()).collect(),
            problems: Problems::new(settings.listed_problems),
            control: Arc::default(),
            path: PathBuf::new(),
            info: None,
            read: (0..count).map(|_| Read::default()).collect(),
            spool: Spool::default(),
            merged: Mutex::new(SpoolPart::new(0, request.memory / 16, request.temp_dir.clone())),
            joined: Spool::default(),
            step: Step::Read,
            settling: (0..count).map(|_| Settling::default()).collect(),
            tree_base: BTreeMap::new(),
            scans,
            outcomes: Vec::new(),
            dangling: Dangling::new(),
            standing: None,
            dropped: (0..count).map(|_| HashSet::new()).collect(),
            together: Together::default(),
            matrix: None,
            overlapping: (0..count).map(|_| HashSet::new()).collect(),
            overruled: vec![0; count],
            held: false,
            request,
            operation,
            hasher,
            entities,
            options,
            threads,
        })
    }

    /// The same planner, watched and stopped through `control`.
    #[must_use]
    pub fn watched_by(mut self, control: Arc<Control>) -> Self {
        self.control = control;
        self
    }

    /// What other threads may watch and say while `scan` works.
    pub fn control(&self) -> Arc<Control> {
        self.control.clone()
    }

    /// The number of the entity called `name`.
    pub fn entity(&self, name: &str) -> Option<usize> {
        self.entities.iter().position(|entity| entity.spec.name == name)
    }

    /// The entity's name.
    pub fn entity_name(&self, entity: usize) -> &str {
        &self.entities[entity].spec.name
    }

    /// Reads the whole feed at `path`: stage one.
    pub fn scan(&mut self, path: &Path) -> Result<(), Stop> {
        self.path = path.to_owned();
        self.check_known()?;
        self.end_lists()?;
        self.expect(path)?;
        let task = Task {
            settings: &self.request.settings,
            hasher: &self.hasher,
            entities: &self.entities,
            only: self.request.entity.as_ref().and_then(|name| self.entity(name)),
            problems: &self.problems,
        };
        let room = self.request.memory / 8 / self.threads;
        let worker = |number| Worker::new(&task, SpoolPart::new(number, room, self.request.temp_dir.clone()));
        let pass = match read_blocks(
            path,
            &self.options,
            &self.tables,
            self.threads,
            &self.control,
            worker,
            |worker, section, block| worker.block(&task, section, block),
        ) {
            Ok(pass) => pass,
            // A feed that cannot be read on still gets a report: this fault, and what was found before it.
            Err(Stop::Fault(fault)) => {
                let number = fault.entity.as_ref().and_then(|name| self.entity(name)).unwrap_or(0);
                let fault = *fault;
                let severity = Severity::File.max(fault.code.severity());
                self.problems.add(number, u64::MAX, fault.code, severity, || fault);
                self.outcomes = (0..self.entities.len()).map(|_| Outcome::default()).collect();
                self.step = Step::Ready;
                return Ok(());
            }
            Err(stop) => return Err(stop),
        };
        let mut workers = pass.states;
        self.collected(&task, &mut workers)?;
        for entity in &self.entities {
            for worker in &mut workers {
                worker.hand_over(entity, 0)?;
            }
        }
        let (sections, info) = (pass.sections, pass.info);
        let mut parts = Vec::new();
        let mut claims: Vec<Claims> = self.entities.iter().map(|_| Claims::default()).collect();
        for worker in workers {
            for ((read, claims), mut seen) in self.read.iter_mut().zip(&mut claims).zip(worker.seen) {
                claims.take(std::mem::take(&mut seen.claims));
                read.take(seen);
            }
            parts.push(worker.spool);
        }
        self.spool = Spool::join(parts)?;
        // From here on the index is read in order; the memory is the store's, which hands out old rows now.
        for entity in &mut self.entities {
            entity.index.calm();
            entity.marks.release();
        }
        self.sections(sections, &info);
        self.info = Some(info);
        self.judge(claims)?;
        self.step = Step::Settle(0);
        Ok(())
    }

    /// Prepares indexes that a feed of this size will probe all over.
    fn expect(&mut self, path: &Path) -> Result<(), Stop> {
        let size = std::fs::metadata(path).map_or(0, |file| file.len() as usize);
        let mut room = self.request.memory / 8 * 5;
        for entity in &mut self.entities {
            // Rows of a patch are about as long as an entry: one that names a twentieth of the records touches most pages.
            if entity.index.hot_bytes() / 16 < size {
                let by_bytes = entity.may_skip();
                room -= entity.index.expect_many(self.threads, room, by_bytes)?;
                entity.marks.expect_many();
            }
        }
        Ok(())
    }

    /// Plans the records that were collected, each with the other rows of its id.
    fn collected(&self, task: &Task<'_>, workers: &mut [Worker]) -> Result<(), Stop> {
        for entity in &self.entities {
            let mut rows: Vec<Collected> = Vec::new();
            for worker in workers.iter_mut() {
                rows.append(&mut worker.seen[entity.number].collected);
            }
            if rows.is_empty() {
                continue;
            }
            rows.sort_unstable_by_key(|row| row.ordinal);
            let joined = relate::merge_relations(task, entity, &mut rows);
            let worker = &mut workers[0];
            worker.seen[entity.number].merged += joined.merged;
            worker.seen[entity.number].duplicates += joined.duplicates;
            for row in rows {
                worker.collected(task, entity, row)?;
            }
        }
        Ok(())
    }
}

impl Read {
    fn take(&mut self, seen: Seen) {
        self.rows += seen.rows;
        self.rejected += seen.rejected;
        self.refused.join(&seen.refused);
        self.mentioned.join(&seen.mentioned);
        self.unknown += seen.unknown;
        self.merged += seen.merged;
        self.named += seen.named;
        self.duplicates += seen.duplicates;
        self.last_short = self.last_short.max(seen.last_short);
        if self.kinds.len() < seen.kinds.len() {
            self.kinds.resize(seen.kinds.len(), 0);
        }
        self.kinds.iter_mut().zip(&seen.kinds).for_each(|(all, kinds)| *all |= kinds);
        self.protected.extend(seen.protected);
        self.patched.extend(seen.patched);
        for (field, count) in seen.normalised {
            *self.normalised.entry(field).or_default() += count;
        }
        for (key, reference) in seen.references {
            match self.references.get_mut(&key) {
                Some(known) => {
                    known.count += reference.count;
                    if reference.ordinal < known.ordinal {
                        (known.ordinal, known.position) = (reference.ordinal, reference.position);
                    }
                }
                None => {
                    self.references.insert(key, reference);
                }
            }
        }
    }
}
