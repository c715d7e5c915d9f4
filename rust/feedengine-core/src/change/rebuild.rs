//! The index made from stored rows: when it was lost, and after a rollback.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchReader};

use crate::index::{Cold, Hot, Index, RunWriter};
use crate::plan::{EntityBase, Facts, PARTS, Partitioned, Rules, Stop, StoredRows, Touch, kind, part_of};
use crate::record::digest::{Hasher, fingerprint};
use crate::record::entity::EntitySpec;
use crate::record::{FieldId, FieldTable, Record};

/// Sums over the records of an index.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Totals {
    /// Records.
    pub records: u64,
    /// Active ones among them.
    pub active: u64,
    /// Sum of the sizes of their data.
    pub data_bytes: u64,
    /// Digest over all records, 32 hexadecimal digits.
    pub digest: String,
}

/// What rebuilding needs.
pub struct Rebuild<'r> {
    /// The entity.
    pub spec: &'r EntitySpec,
    /// The store's secret.
    pub hasher: &'r Hasher,
    /// Folder for unnamed temporary files.
    pub folder: PathBuf,
    /// Memory for entries.
    pub memory: usize,
}

impl Rebuild<'_> {
    fn store(&self) -> u64 {
        fingerprint(self.hasher.secret(), 1)
    }

    /// Reads stored rows into touches by key range.
    fn read(&self, rows: impl RecordBatchReader) -> Result<Partitioned<Touch>, Stop> {
        let table = Arc::new(FieldTable::new(self.spec));
        let rules = Rules::new(self.spec, &table);
        let mut facts = Facts::new(&rules, &table, self.hasher);
        let touches = Partitioned::new(self.memory, self.folder.clone());
        let mut record = Record::default();
        for batch in rows {
            let batch: RecordBatch = batch.map_err(|error| Stop::Broken(error.to_string()))?;
            let rows = StoredRows::new(&batch, self.spec, &table)?;
            let mut parts: Vec<Vec<Touch>> = vec![Vec::new(); PARTS];
            for at in 0..rows.len() {
                rows.read(at, &mut record)?;
                let id = record.text(FieldId(0)).ok_or_else(|| Stop::Broken("a stored record has no key".into()))?;
                let key = self.hasher.key(id.as_bytes());
                let owner = rules.owner.and_then(|owner| record.text(owner));
                parts[part_of(key)].push(Touch {
                    key,
                    digest: facts.digest(&record),
                    owner: owner.map_or(0, |owner| self.hasher.key(owner.as_bytes())),
                    raw: 0,
                    place: 0,
                    old_row: rows.row(at)?,
                    slot: 0,
                    ordinal: 0,
                    size: facts.size(&record, false) as u32,
                    kind: kind::SAME,
                    active: u32::from(rules.is_active(&record)),
                    reserved: 0,
                });
            }
            for (part, mut entries) in parts.into_iter().enumerate().filter(|(_, entries)| !entries.is_empty()) {
                touches.append(part, &mut entries)?;
            }
        }
        Ok(touches)
    }

    /// Writes a run of all stored rows to `path`. Two current rows of one key are an error: the store is damaged.
    pub fn build(&self, rows: impl RecordBatchReader, path: &Path) -> Result<Totals, Stop> {
        let touches = self.read(rows)?;
        let expected = touches.len() as u64;
        let mut writer = RunWriter::create(path, expected, self.spec.owner.is_some(), self.store())?;
        let mut totals = Totals::default();
        let mut digest = 0u128;
        for part in 0..PARTS {
            let mut entries = touches.take(part)?;
            entries.sort_unstable_by_key(|entry| entry.key);
            for pair in entries.windows(2) {
                if pair[0].key == pair[1].key {
                    let (one, two) = (pair[0].old_row, pair[1].old_row);
                    return Err(Stop::Broken(format!("stored rows {one} and {two} are both current for one key")));
                }
            }
            for entry in entries {
                totals.records += 1;
                totals.active += u64::from(entry.active);
                totals.data_bytes += u64::from(entry.size);
                digest = digest.wrapping_add(self.hasher.share(entry.digest));
                let hot = Hot::new(entry.key, 0, entry.old_row, entry.active == 1);
                writer.push(hot, Cold::new(entry.digest, entry.size, 0), entry.owner)?;
            }
        }
        writer.finish()?;
        totals.digest = format!("{digest:032x}");
        Ok(totals)
    }

    /// Writes an overlay for `base`: `rows` are records as they are now, `gone` the keys that left. Returns the sums
    /// after it.
    pub fn overlay(
        &self,
        base: &EntityBase,
        gone: &[String],
        rows: impl RecordBatchReader,
        path: &Path,
    ) -> Result<Totals, Stop> {
        let index = Index::open(&base.runs, self.store())?;
        let touches = self.read(rows)?;
        let mut digest = u128::from_str_radix(&base.digest, 16).unwrap_or(0);
        let (mut records, mut active, mut bytes) = (base.records as i64, base.active as i64, base.data_bytes as i64);
        let mut entries = Vec::new();
        let mut forget = |key: u128| -> Result<(), Stop> {
            if let Some(found) = index.find(key)? {
                let cold = index.cold(found.slot)?;
                digest = digest.wrapping_sub(self.hasher.share(cold.digest()));
                records -= 1;
                active -= i64::from(found.hot.is_active());
                bytes -= i64::from(cold.size);
            }
            Ok(())
        };
        for part in 0..PARTS {
            for entry in touches.take(part)? {
                forget(entry.key)?;
                let hot = Hot::new(entry.key, 0, entry.old_row, entry.active == 1);
                entries.push((hot, Cold::new(entry.digest, entry.size, 0), entry.owner));
            }
        }
        let renewed: std::collections::HashSet<u128> = entries.iter().map(|(hot, ..)| hot.key).collect();
        for id in gone {
            let key = self.hasher.key(id.as_bytes());
            if !renewed.contains(&key) {
                forget(key)?;
                entries.push((Hot::gone(key), Cold::default(), 0));
            }
        }
        entries.sort_unstable_by_key(|(hot, ..)| hot.key);
        let mut writer = RunWriter::create(path, entries.len() as u64, self.spec.owner.is_some(), self.store())?;
        for (hot, cold, owner) in entries {
            if !hot.is_gone() {
                digest = digest.wrapping_add(self.hasher.share(cold.digest()));
                records += 1;
                active += i64::from(hot.is_active());
                bytes += i64::from(cold.size);
            }
            writer.push(hot, cold, owner)?;
        }
        writer.finish()?;
        let positive = |number: i64| number.max(0) as u64;
        Ok(Totals {
            records: positive(records),
            active: positive(active),
            data_bytes: positive(bytes),
            digest: format!("{digest:032x}"),
        })
    }
}
