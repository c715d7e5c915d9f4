//! What one thread does with the records of a block: skip the unchanged, keep what may change.

use std::sync::Arc;

use super::ahead::Ahead;
use super::entity::EntityPlan;
use super::facts::{Facts, is_plain};
use super::ops::Rows;
use super::problems::Problems;
use super::request::{BadRows, Settings, Strictness};
use super::seen::{Collected, Seen};
use super::spool::SpoolPart;
use super::stop::Stop;
use super::touch::NEW;
use crate::check::{Extent, Finding};
use crate::fault::{Code, Fault, Position, Severity};
use crate::index::Found;
use crate::read::{Block, HeaderColumn, Issue, Layout, Scratch, Section};
use crate::record::digest::Hasher;
use crate::record::entity::KindName;
use crate::record::{FieldId, Record};

/// Whether records, and no header, tell which of the columns that the profile requires are there.
pub fn tells_columns(entity: &EntityPlan, layout: &Layout) -> bool {
    !entity.spec.columns.required.is_empty() && layout.columns().is_none()
}

/// What all workers of a task share.
pub struct Task<'t> {
    /// The settings.
    pub settings: &'t Settings,
    /// Keyed hashes.
    pub hasher: &'t Hasher,
    /// The entities, in the order of the request.
    pub entities: &'t [EntityPlan],
    /// The one that the file holds, where that is known.
    pub only: Option<usize>,
    /// Everything found wrong.
    pub problems: &'t Problems,
}

pub(super) fn key_text(record: &Record) -> String {
    record.text(FieldId(0)).unwrap_or_default().to_owned()
}

/// One thread's state.
pub struct Worker {
    /// Per entity.
    pub seen: Vec<Seen>,
    /// Kept records.
    pub spool: SpoolPart,
    pub(super) scratch: Scratch,
    /// Of the records of a block, where they may be left unread: raw hash, key, slot if the bytes are known.
    raws: Vec<u64>,
    keys: Vec<Option<u128>>,
    known: Vec<u32>,
    pub(super) facts: Vec<Facts>,
    record: Record,
    /// A stored record, where those lie in a file.
    pub(super) other: Record,
    /// Whether the record at hand needs no escapes in JSON.
    pub(super) plain: bool,
    pub(super) issues: Vec<Issue>,
    /// Of a row with an identity: how its sender knows it, whether its ids keep it from being applied.
    pub(super) shown: Option<String>,
    pub(super) unfit: bool,
    pub(super) text: String,
    pub(super) ahead: Vec<Ahead>,
    /// What the profile's checks found.
    pub(super) findings: Vec<Finding>,
}

/// Touches that a thread gathers before it hands them over.
const BATCH: usize = 128;
/// Keys that are looked up ahead.
const AHEAD: usize = 12;

/// Where a record stands, worked out only when somebody asks.
pub struct Place<'p> {
    /// Its ordinal.
    pub ordinal: u32,
    /// Its position.
    pub position: &'p dyn Fn() -> Position,
}

impl Worker {
    /// A worker for `task` that keeps records in `spool`.
    pub fn new(task: &Task<'_>, spool: SpoolPart) -> Self {
        Worker {
            seen: task.entities.iter().map(|_| Seen::new()).collect(),
            spool,
            scratch: Scratch::new(),
            raws: Vec::new(),
            keys: Vec::new(),
            known: Vec::new(),
            facts: task.entities.iter().map(|entity| Facts::new(&entity.rules, &entity.table, task.hasher)).collect(),
            record: Record::default(),
            other: Record::default(),
            plain: false,
            issues: Vec::new(),
            shown: None,
            unfit: false,
            text: String::new(),
            ahead: Vec::new(),
            findings: Vec::new(),
        }
    }

    /// Plans every record of `block`.
    pub fn block(&mut self, task: &Task<'_>, section: &Arc<Section>, block: &Block) -> Result<(), Stop> {
        let entity = &task.entities[section.entity];
        let layout = &section.layout;
        let spans = &block.spans;
        self.seen[section.entity].rows += spans.len() as u64;
        if block.first_record + u64::from(u32::MAX) / 2 > u64::from(u32::MAX) {
            return Err(Stop::Broken("a section has more records than the engine can number".into()));
        }
        if let Some(identity) = &entity.identity {
            self.identified_block(task, identity, section, block)?;
            return self.hand_over(entity, BATCH);
        }
        // Without a header, what columns there are is told by the records.
        let mentions = tells_columns(entity, layout);
        let may_skip = entity.may_skip() && !mentions;
        if may_skip {
            self.find(task, entity, layout, block)?;
        }
        for (number, span) in spans.iter().enumerate() {
            let raw = block.raw(span);
            let ordinal = (block.first_record + u64::from(span.ordinal)) as u32;
            let position = || layout.position(&section.member, block, span);
            let place = Place { ordinal, position: &position };
            if may_skip && self.known[number] != NEW {
                let text = || layout.key(raw).map(String::from_utf8_lossy).unwrap_or_default().into_owned();
                self.seen[entity.number].mark(task, entity, self.known[number], &place, text);
                continue;
            }
            let raw_hash = if may_skip { self.raws[number] } else { 0 };
            let mut record = std::mem::take(&mut self.record);
            self.issues.clear();
            layout.parse(raw, &mut self.scratch, &mut record, &mut self.issues);
            if mentions {
                self.mention(entity, &record);
            }
            self.check(entity, &record, layout, raw);
            if entity.spec.parents.is_some() && !entity.operation.keys_only() {
                if self.report(task, entity, &record, &place) {
                    let key = record.text(FieldId(0)).map(|key| task.hasher.key(key.as_bytes()));
                    let found = key.map(|key| entity.index.find(key)).transpose()?.flatten();
                    self.reject(entity, &place, found);
                } else {
                    let legacy =
                        layout.columns().is_some_and(|columns| columns.iter().any(HeaderColumn::is_one_parent));
                    let (record, position) = (record.clone(), position());
                    self.seen[entity.number].collected.push(Collected { ordinal, record, position, legacy });
                }
            } else {
                self.plain = self.is_plain(layout, raw);
                self.record(task, entity, &mut record, raw_hash, &place)?;
            }
            self.record = record;
        }
        self.hand_over(entity, BATCH)
    }

    /// Whether no text of the record that was just read from `raw` needs an escape as JSON.
    #[inline]
    pub(super) fn is_plain(&self, layout: &Layout, raw: &[u8]) -> bool {
        self.issues.is_empty()
            && is_plain(raw, layout.columns().is_some())
            && (self.scratch.normalised().is_empty() || !layout.may_need_escapes())
    }

    /// Notes which columns a record without a header has.
    pub(super) fn mention(&mut self, entity: &EntityPlan, record: &Record) {
        let mentioned = &mut self.seen[entity.number].mentioned;
        record.cells().iter().for_each(|cell| mentioned.set(cell.field.0));
    }

    /// Judges a record by the profile's checks and counts what was brought into normal form. Nothing to do without them.
    #[inline]
    pub(super) fn check(&mut self, entity: &EntityPlan, record: &Record, layout: &Layout, raw: &[u8]) {
        for field in self.scratch.normalised() {
            *self.seen[entity.number].normalised.entry(*field).or_default() += 1;
        }
        if let Some(checks) = entity.checks.as_ref().filter(|_| !entity.operation.keys_only()) {
            let extent = if entity.operation.rows == Rows::Merge { Extent::Part } else { Extent::Whole };
            self.findings.clear();
            checks.judge(record, extent, &self.issues, &mut self.findings);
            if !self.findings.is_empty() && !self.scratch.normalised().is_empty() {
                self.as_sent(entity, layout, raw);
            }
        }
    }

    /// Says values that are wrong as they were sent: the checks saw their normal form. Items of lists stay as they are.
    #[cold]
    fn as_sent(&mut self, entity: &EntityPlan, layout: &Layout, raw: &[u8]) {
        let texts = layout.texts(raw);
        for issue in self.findings.iter_mut().map(|finding| &mut finding.issue) {
            let (Some(column), Some(value)) = (&issue.column, &mut issue.value) else { continue };
            let is_changed = |field: FieldId| self.scratch.normalised().contains(&field);
            let is_list = |field: FieldId| entity.spec.fields[field.0 as usize].kind == KindName::List;
            if !entity.table.find(column).is_some_and(|field| is_changed(field) && !is_list(field)) {
                continue;
            }
            if let Some((_, text)) = texts.iter().find(|(name, _)| name == column) {
                *value = text.chars().take(200).collect();
            }
        }
    }

    /// Looks all records of a block up, each step ahead of the one that needs what it fetches: a directory slot, then
    /// the raw hashes it points to, then the record's mark, or its entry if its bytes are not known. One after the
    /// other, each would wait for main memory.
    fn find(&mut self, task: &Task<'_>, entity: &EntityPlan, layout: &Layout, block: &Block) -> Result<(), Stop> {
        let (index, rules) = (&entity.index, layout.fingerprint() ^ entity.rules_mark);
        self.raws.clear();
        self.keys.clear();
        self.known.clear();
        for span in &block.spans {
            let raw = block.raw(span);
            self.raws.push(task.hasher.raw(raw, rules));
            let key = layout.key(raw).filter(|_| index.depth() > 0).map(|key| task.hasher.key(key));
            key.into_iter().for_each(|key| index.prefetch_slot(key));
            self.keys.push(key);
        }
        for (number, (key, raw)) in self.keys.iter().zip(&self.raws).enumerate() {
            if let Some(Some(ahead)) = self.keys.get(number + AHEAD) {
                index.prefetch_raw(*ahead);
            }
            let slot = key.map(|key| index.unchanged(key, *raw)).transpose()?.flatten();
            match (slot, key) {
                (Some(slot), _) => entity.marks.prefetch(slot),
                (None, Some(key)) => index.prefetch(*key),
                (None, None) => {}
            }
            self.known.push(slot.unwrap_or(NEW));
        }
        Ok(())
    }

    /// Hands touches of `entity` over where at least `least` wait.
    pub fn hand_over(&mut self, entity: &EntityPlan, least: usize) -> Result<(), Stop> {
        for (part, touched) in self.seen[entity.number].touched.iter_mut().enumerate() {
            if touched.len() >= least && !touched.is_empty() {
                entity.touches.append(part, touched)?;
            }
        }
        for (bag, parts) in entity.claims.iter().zip(&mut self.seen[entity.number].claims.values) {
            for (part, claimed) in parts.iter_mut().enumerate().filter(|(_, c)| c.len() >= least && !c.is_empty()) {
                bag.append(part, claimed)?;
            }
        }
        Ok(())
    }

    /// Plans a collected record as if it had just been read; its reading issues are reported already.
    pub fn collected(&mut self, task: &Task<'_>, entity: &EntityPlan, mut collected: Collected) -> Result<(), Stop> {
        self.issues.clear();
        self.plain = false;
        let position = || collected.position.clone();
        let place = Place { ordinal: collected.ordinal, position: &position };
        let parents = entity.spec.parents.as_ref().and_then(|name| entity.table.find(name));
        if collected.legacy && entity.operation.rows == Rows::Merge {
            // A blank `parent_id` means a root in a whole record and, as any blank cell, nothing in a patch.
            let empty = collected.record.find(parents.unwrap_or(FieldId(0))).copied();
            let empty = empty.filter(|cell| collected.record.bytes(cell).is_empty()).map(|cell| cell.field);
            collected.record.retain(|cell| Some(cell.field) != empty);
        }
        self.record(task, entity, &mut collected.record, 0, &place)
    }

    /// Reports the issues that wait; says whether one of them keeps the row from being applied.
    pub(super) fn report(&mut self, task: &Task<'_>, entity: &EntityPlan, record: &Record, place: &Place<'_>) -> bool {
        let mut bad = std::mem::take(&mut self.unfit);
        let issues = self.issues.drain(..).map(|issue| (issue, None));
        let findings = self.findings.drain(..).map(|finding| (finding.issue, Some(finding.severity)));
        for (issue, severity) in issues.chain(findings) {
            if issue.code == Code::ShortRow {
                let seen = &mut self.seen[entity.number];
                seen.last_short = seen.last_short.max(Some(place.ordinal));
            }
            let severity = severity.unwrap_or(match issue.code {
                Code::ShortRow if task.settings.short_rows == Strictness::Fail => Severity::Row,
                // A patch of a record that is not there fails the file, unless bad rows alone are left out.
                Code::UnknownRecord if task.settings.rows == BadRows::Reject => Severity::Row,
                code => code.severity(),
            });
            bad |= severity > Severity::Warning;
            task.problems.add(entity.number, u64::from(place.ordinal), issue.code, severity, || {
                let mut position = (place.position)();
                position.byte += u64::from(issue.offset);
                Fault {
                    code: issue.code,
                    position,
                    entity: Some(entity.spec.name.clone()),
                    key: self.shown.clone().or_else(|| record.text(FieldId(0)).map(str::to_owned)),
                    column: issue.column,
                    value: issue.value,
                    message: issue.message,
                    related: Vec::new(),
                }
            });
        }
        bad
    }

    pub(super) fn has_bad_issue(&self) -> bool {
        self.issues.iter().any(|issue| issue.code.severity() > Severity::Warning)
    }

    pub(super) fn add(&mut self, code: Code, column: Option<&str>, message: String) {
        self.issues.push(Issue { code, column: column.map(str::to_owned), value: None, offset: 0, message });
    }

    /// Counts a row that cannot be applied; the record that it names stays as it is.
    pub(super) fn reject(&mut self, entity: &EntityPlan, place: &Place<'_>, found: Option<Found>) {
        let seen = &mut self.seen[entity.number];
        seen.rejected += 1;
        seen.refused.set(place.ordinal);
        seen.protected.extend(found.map(|found| found.slot));
    }
}
