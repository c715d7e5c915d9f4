//! A file that another is compared with, read as lightly as an index of its records allows: keys, hashes of bytes and
//! places. Cells are made of those alone whose bytes do not tell that nothing is wrong with them.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use bytemuck::{Pod, Zeroable};

use super::earlier::{Earlier, Place};
use super::facts::Facts;
use super::request::{EntityBase, Strictness};
use super::seen::note_kind;
use super::{EntityPlan, Planner, Stop, read_blocks};
use crate::bags::{PARTS, Partitioned, part_of};
use crate::fault::{Code, Severity};
use crate::index::{Cold, Hot, RunWriter};
use crate::read::{Block, Feed, Issue, Layout, Next, Scratch, Section, Sound};
use crate::record::digest::fingerprint;
use crate::record::{FieldId, Record, State};

/// A record, 64 bytes.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
struct Light {
    key: u128,
    raw: u64,
    at: u64,
    length: u32,
    ordinal: u32,
    /// Bytes of its data at most.
    size: u32,
    active: u32,
    reserved: u128,
}

/// What one thread has seen.
struct Seen {
    parts: Vec<Vec<Light>>,
    kinds: Vec<u8>,
    given: Vec<bool>,
    filled: Vec<bool>,
    ends: Vec<u32>,
    scratch: Scratch,
    record: Record,
    issues: Vec<Issue>,
    facts: Facts,
}

/// Records that a thread gathers of a range before it hands them over.
const BATCH: usize = 256;

/// A file that can be read lightly, and how.
pub struct Readable {
    entity: usize,
    section: Section,
    sound: Sound,
}

impl Readable {
    /// The layout of its records.
    pub fn layout(&self) -> &Arc<Layout> {
        &self.section.layout
    }
}

impl EntityPlan {
    /// Whether each of its rows stands for itself: nothing but the last row of its key decides what a record is.
    fn is_simple(&self) -> bool {
        let spec = &self.spec;
        let apart = spec.unique.is_empty() && spec.references.is_empty() && spec.conditions.is_empty();
        let alone = spec.declares.is_none() && spec.matrix.is_none() && spec.choice.is_none() && spec.path.is_none();
        self.may_skip() && self.checks.is_none() && spec.owner.is_none() && apart && alone
    }
}

impl Planner {
    /// How the file at `path` can be read lightly, if it can. What is wrong with it is told when it is read as others are.
    pub fn readable(&self, path: &Path) -> Option<Readable> {
        let mut feed = Feed::open(path, self.options.clone(), self.tables.clone()).ok()?;
        let Ok(Next::Section(section)) = feed.next(&mut Block::default()) else { return None };
        let entity = self.entities.get(section.entity).filter(|_| feed.is_plain())?;
        let name_is_sound = |name: &str| entity.rules.name_is_sound(name);
        let sound = entity.is_simple().then(|| Sound::new(&section.layout, &entity.spec, name_is_sound))??;
        Some(Readable { entity: section.entity, section, sound })
    }

    /// Has the stored records of an entity read again from the file that they come from.
    pub fn compare_with(&mut self, readable: &Readable, earlier: &Earlier) {
        self.entities[readable.entity].earlier = Some(earlier.read_by(readable.layout().clone()));
    }

    /// Reads the file at `path` and writes an index of its records to `run`. Afterwards its columns are known, and the
    /// entity's name and state are given. `None` if it is not what `readable` says.
    pub fn read_lightly(
        &mut self,
        path: &Path,
        readable: &Readable,
        run: &Path,
    ) -> Result<Option<(String, EntityBase)>, Stop> {
        self.path = path.to_owned();
        let entity = &self.entities[readable.entity];
        let lights = Partitioned::<Light>::new(self.request.memory / 4, self.request.temp_dir.clone());
        let layout = readable.layout().fingerprint();
        let pass = read_blocks(
            path,
            &self.options,
            &self.tables,
            self.threads,
            &self.control,
            |_| Seen::new(entity, self),
            |seen, section, block| match section.layout.fingerprint() == layout && section.entity == entity.number {
                true => seen.block(self, entity, readable, section, block, &lights),
                false => Err(Stop::Broken("the file has several parts".into())),
            },
        )?;
        let mut kinds = Vec::new();
        for mut seen in pass.states {
            seen.hand_over(&lights, 0)?;
            for (field, mask) in seen.kinds(readable.layout()).into_iter().enumerate() {
                kinds.resize(kinds.len().max(field + 1), 0);
                kinds[field] |= mask;
            }
        }
        let Ok([(section, end)]) = <[_; 1]>::try_from(pass.sections) else { return Ok(None) };
        let mut base = self.write_light(&lights, run)?;
        let name = entity.spec.name.clone();
        self.read[readable.entity].kinds = kinds;
        self.read[readable.entity].section = Some((section, end));
        base.columns = self.added_columns(readable.entity);
        base.next_row = end.records + 1;
        Ok(Some((name, base)))
    }

    /// Writes the last record of each key.
    fn write_light(&self, lights: &Partitioned<Light>, path: &Path) -> Result<EntityBase, Stop> {
        let store = fingerprint(self.hasher.secret(), 1);
        let mut writer = RunWriter::create(path, lights.len() as u64, false, store)?;
        let mut base = EntityBase { runs: vec![path.to_owned()], ..EntityBase::default() };
        let (sender, sorted) = sync_channel(2);
        std::thread::scope(|scope| {
            // Sorting is done ahead of writing.
            scope.spawn(move || {
                for part in 0..PARTS {
                    let part = lights.take(part).map(|mut part| {
                        part.sort_unstable_by_key(|light| (light.key, light.ordinal));
                        part
                    });
                    if sender.send(part).is_err() {
                        break;
                    }
                }
            });
            for part in sorted {
                for group in part?.chunk_by(|a, b| a.key == b.key) {
                    let Some(last) = group.last() else { continue };
                    base.records += 1;
                    base.active += u64::from(last.active);
                    base.data_bytes += u64::from(last.size);
                    let hot = Hot::new(last.key, last.raw, u64::from(last.ordinal) + 1, last.active == 1);
                    let place = Place { at: last.at, length: last.length };
                    writer.push(hot, Cold::new(place.packed(), last.size, last.ordinal + 1), 0)?;
                }
            }
            Ok::<_, Stop>(())
        })?;
        writer.finish()?;
        Ok(base)
    }

    /// What [`Earlier::read`] needs of the stored records whose row is in `rows`, with the row, rising.
    pub fn places(&self, entity: usize, rows: &[u64]) -> Result<Vec<(u64, Hot, Cold)>, Stop> {
        let index = &self.entities[entity].index;
        let mut ordinals: Vec<u32> = rows.iter().map(|row| *row as u32).collect();
        let wanted = crate::change::rank::RankBitmap::new(&mut ordinals);
        let mut found = Vec::with_capacity(rows.len());
        for live in index.live() {
            let live = live?;
            if wanted.rank(live.hot.row() as u32).is_some() {
                found.push((live.hot.row(), live.hot, index.cold(live.slot)?));
            }
        }
        found.sort_unstable_by_key(|(row, ..)| *row);
        Ok(found)
    }

    /// The hashes that stored records are found by.
    pub fn hasher(&self) -> &crate::record::digest::Hasher {
        &self.hasher
    }

    /// What the bytes of the records of `readable` are hashed with.
    pub fn rules_of(&self, readable: &Readable) -> u64 {
        readable.layout().fingerprint() ^ self.entities[readable.entity].rules_mark
    }
}

impl Seen {
    fn new(entity: &EntityPlan, planner: &Planner) -> Self {
        Seen {
            parts: vec![Vec::new(); PARTS],
            kinds: Vec::new(),
            given: Vec::new(),
            filled: Vec::new(),
            ends: Vec::new(),
            scratch: Scratch::new(),
            record: Record::default(),
            issues: Vec::new(),
            facts: Facts::new(&entity.rules, &entity.table, &planner.hasher),
        }
    }

    fn block(
        &mut self,
        planner: &Planner,
        entity: &EntityPlan,
        readable: &Readable,
        section: &Section,
        block: &Block,
        lights: &Partitioned<Light>,
    ) -> Result<(), Stop> {
        let rules = planner.rules_of(readable);
        self.given.resize(section.layout.columns().map_or(0, <[_]>::len), false);
        for span in &block.spans {
            let raw = block.raw(span);
            let seen = readable.sound.look(raw, &mut self.ends, &mut self.filled, &mut self.given);
            let (key, active, size) = match seen {
                Some(seen) => {
                    let size = readable.sound.size(raw.len());
                    (planner.hasher.key(seen.key.as_bytes()), seen.active, size.try_into().unwrap_or(u32::MAX))
                }
                None => match self.read(planner, entity, &section.layout, raw) {
                    Some(read) => read,
                    None => continue,
                },
            };
            self.parts[part_of(key)].push(Light {
                key,
                raw: planner.hasher.raw(raw, rules),
                at: block.first_byte + u64::from(span.start),
                length: span.end - span.start,
                ordinal: (block.first_record + u64::from(span.ordinal)) as u32,
                size,
                active: u32::from(active),
                reserved: 0,
            });
        }
        self.hand_over(lights, BATCH)
    }

    /// Reads a record as the first of a catalog: its key, whether it is active, its size. `None` for one that a catalog
    /// would not take.
    fn read(
        &mut self,
        planner: &Planner,
        entity: &EntityPlan,
        layout: &Layout,
        raw: &[u8],
    ) -> Option<(u128, bool, u32)> {
        let Seen { scratch, record, issues, facts, .. } = self;
        issues.clear();
        layout.parse(raw, scratch, record, issues);
        record.retain(|cell| cell.state == State::Set);
        entity.rules.check(record, &entity.table, facts, true, issues);
        let short_fails = planner.request.settings.short_rows == Strictness::Fail;
        let bad =
            |issue: &Issue| issue.code.severity() > Severity::Warning || (short_fails && issue.code == Code::ShortRow);
        let size = facts.size(record, false);
        let key = record.text(FieldId(0)).filter(|key| !key.is_empty())?;
        if issues.iter().any(bad) || size > entity.spec.max_data {
            return None;
        }
        for cell in record.cells() {
            note_kind(&mut self.kinds, cell.field, cell.kind);
        }
        Some((planner.hasher.key(key.as_bytes()), entity.rules.is_active(record), size as u32))
    }

    fn hand_over(&mut self, lights: &Partitioned<Light>, least: usize) -> Result<(), Stop> {
        for (part, seen) in self.parts.iter_mut().enumerate().filter(|(_, seen)| seen.len() >= least) {
            lights.append(part, seen)?;
        }
        Ok(())
    }

    /// Kinds of values by field.
    fn kinds(mut self, layout: &Layout) -> Vec<u8> {
        for (column, _) in layout.columns().unwrap_or_default().iter().zip(self.given).filter(|(_, given)| *given) {
            if let Some((field, kind)) = column.plain() {
                note_kind(&mut self.kinds, field, kind);
            }
        }
        self.kinds
    }
}
