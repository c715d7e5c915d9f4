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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Rules;
    use crate::read::testing::{Random, options};
    use crate::record::FieldTable;
    use crate::record::digest::{Hasher, SECRET_LEN};

    const COLUMNS: [&str; 9] =
        ["id", "item_name", "url", "description", "keywords", "active", "suggested_score", "facet:Color", "metadata:p"];

    /// How a file is read that has these columns and one that means nothing.
    fn layout(table: &Arc<FieldTable>) -> Arc<Layout> {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("items.csv");
        std::fs::write(&path, format!("{},odd\nA1,A1{}\n", COLUMNS.join(","), ",".repeat(8))).expect("written");
        let mut options = options();
        options.entities.truncate(1);
        let mut feed = Feed::open(&path, options, vec![table.clone()]).expect("a feed");
        match feed.next(&mut Block::default()).expect("a section") {
            Next::Section(section) => section.layout,
            next => unreachable!("{next:?}"),
        }
    }

    /// A look never calls sound what reading finds something wrong with, and sees of it what reading does.
    #[test]
    fn a_look_finds_what_reading_finds() {
        let spec = &options().entities[0];
        let table = Arc::new(FieldTable::new(spec));
        let layout = layout(&table);
        let rules = Rules::new(spec, &table);
        let sound = Sound::new(&layout, spec, |name| rules.name_is_sound(name)).expect("a simple layout");
        let hasher = Hasher::new(&[1; SECRET_LEN]).expect("a secret");
        let mut facts = Facts::new(&rules, &table, &hasher);
        let (mut ends, mut filled, mut scratch, mut record) = (vec![], vec![], Scratch::new(), Record::default());
        let pieces = [
            "",
            "",
            "A1",
            "true",
            "0",
            "7",
            "-1",
            "red|blue",
            "|",
            "x",
            "\"",
            "\"\"",
            "\"a\"",
            "\"a,b\"",
            "\"a\"\"b\"",
            "\"7\"",
            "\"false\"",
            " ",
            "--",
            "\u{0}",
            "\u{1}\u{2}",
            "ü",
            "\n",
            "\"\"\"\"",
            "a\"b",
            "9999999999999999999",
        ];
        let long = ["y".repeat(250), "y".repeat(251), "ü".repeat(130), "z|".repeat(120), "w".repeat(1_001)];
        let mut random = Random::new(3);
        let (mut looked, mut clean) = (0, 0);
        for _ in 0..40_000 {
            let count = if random.below(20) == 0 { random.below(13) } else { 10 };
            let cells: Vec<&str> = (0..count)
                .map(|column| match (column, random.below(12)) {
                    (_, 0) => random.text(&pieces),
                    (_, 1) if random.below(9) == 0 => &**random.pick(&long),
                    (0 | 1, _) => "A1",
                    (5, _) => random.text(&["", "true", "FALSE", "\"0\""]),
                    (6, _) => random.text(&["", "12", "\"500000000\""]),
                    _ => random.text(&["", "a", "\"a, b\"", "a|b"]),
                })
                .collect();
            let mut raw = cells.join(",").into_bytes();
            if random.below(200) == 0 {
                raw.push(0xC3);
            }
            let mut given = [false; 10];
            let seen = sound.look(&raw, &mut ends, &mut filled, &mut given);
            let mut issues = Vec::new();
            layout.parse(&raw, &mut scratch, &mut record, &mut issues);
            record.retain(|cell| cell.state == State::Set);
            rules.check(&record, &table, &mut facts, true, &mut issues);
            clean += u32::from(issues.is_empty());
            let Some(seen) = seen else {
                assert_eq!(given, [false; 10]);
                continue;
            };
            looked += 1;
            let shown = String::from_utf8_lossy(&raw);
            assert!(issues.is_empty(), "{shown}: {issues:?}");
            assert_eq!(Some(seen.key), record.text(FieldId(0)), "{shown}");
            assert_eq!(seen.active, rules.is_active(&record), "{shown}");
            assert!(facts.size(&record, false) <= sound.size(raw.len()) as u64, "{shown}");
            for (name, given) in COLUMNS.iter().zip(given) {
                assert_eq!(record.find(table.id(name)).is_some(), given, "{name} of {shown}");
            }
        }
        assert!(looked * 10 > clean * 9, "{looked} of {clean}");
    }
}
