//! A made-up catalog of any size, its feeds day by day, and what each feed would change: the known answer that
//! the demo, the benchmarks and the tests check against.
//!
//! Every record is a function of the seed, its number and the day, so nothing is kept in memory and any row can
//! be made by any thread. Day by day the oldest share of the items (with their variations) goes, as many new
//! ones come, and a share of the others changes: mostly price and availability.

mod cells;
mod days;
mod groups;
mod items;
mod output;
mod random;
mod rows;
mod variations;
mod words;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use self::days::Days;
use self::output::Output;
use self::rows::{Source, Tally};

/// How records are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Comma-separated, RFC 4180, `\n` line ends.
    #[default]
    Csv,
    /// One nested object a line.
    Jsonl,
    /// One object whose one member is the array of records.
    Json,
}

impl Format {
    /// The file name's ending.
    pub fn extension(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Jsonl => "jsonl",
            Format::Json => "json",
        }
    }
}

/// Where the entities' files go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Container {
    /// `items.csv`, `variations.csv`, `item_groups.csv` in the folder that is given.
    #[default]
    #[serde(rename = "folder")]
    Folder,
    /// The one entity asked for, as the file that is given.
    #[serde(rename = "file")]
    File,
    /// A tar archive, as the file that is given.
    #[serde(rename = "tar")]
    Tar,
    /// A gzipped tar archive, as the file that is given.
    #[serde(rename = "tar.gz")]
    TarGz,
}

/// Which feed to make. The same spec gives the same bytes, whatever the number of threads.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Spec {
    /// Another seed is another catalog.
    pub seed: u64,
    /// Items of 20 columns, about 480 bytes each.
    pub items: u64,
    /// Variations of 10 columns, about 170 bytes each; needs items.
    pub variations: u64,
    /// Item groups: one tree.
    pub groups: u64,
    /// 1 is the first feed; every later day follows from the one before.
    pub day: u32,
    /// Rows in an order of the day's own instead of the catalog's.
    pub shuffle: bool,
    /// Columns (members, in JSON) in an order of the day's own.
    pub shuffle_columns: bool,
    /// Share of the items that goes and comes each day, in 1/10,000.
    pub churn: u64,
    /// Share of the records that changes each day, in 1/10,000.
    pub changed: u64,
    /// How records are written.
    pub format: Format,
    /// Where the files go.
    pub container: Container,
    /// Compression level of the archive, 1 to 9.
    pub level: u32,
    /// Threads; 0 is one per core.
    pub threads: usize,
    /// Entities to write, by name; empty is all that have records.
    pub entities: Vec<String>,
    /// Share of the rows that is written, from the start, in 1/10,000: under 10,000 is a truncated feed.
    pub keep: u64,
    /// With `keep`: end in the middle of the next record's URL (CSV only).
    pub cut_record: bool,
    /// Write a price patch of so many of the day's items instead of the feed.
    pub patch: Option<u64>,
}

impl Default for Spec {
    fn default() -> Self {
        Spec {
            seed: 1,
            items: 1_000,
            variations: 2_000,
            groups: 40,
            day: 1,
            shuffle: false,
            shuffle_columns: false,
            churn: 100,
            changed: 500,
            format: Format::Csv,
            container: Container::Folder,
            level: 4,
            threads: 0,
            entities: Vec::new(),
            keep: 10_000,
            cut_record: false,
            patch: None,
        }
    }
}

/// What one entity's file holds, and what it would change in a catalog that holds the day before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntityAnswer {
    /// Rows written.
    pub rows: u64,
    /// Records the day before (0 for day 1).
    pub before: u64,
    /// Records that are new.
    pub added: u64,
    /// Records with other values.
    pub changed: u64,
    /// Records with the same values.
    pub unchanged: u64,
    /// Records that a full feed would remove.
    pub removed: u64,
    /// Changed records by storage column.
    pub fields: BTreeMap<String, u64>,
    /// Sums (modulo 2^64) of the numbers in the ids of the records added, changed and removed.
    pub id_sums: IdSums,
    /// Bytes written, before compression.
    pub bytes: u64,
}

/// Cheap proof that a contender found the right records and not only as many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdSums {
    /// Of records added.
    pub added: u64,
    /// Of records changed.
    pub changed: u64,
    /// Of records removed.
    pub removed: u64,
}

/// What was written, by entity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// By entity name: items, variations, item_groups.
    pub entities: BTreeMap<String, EntityAnswer>,
    /// Bytes on disk.
    pub bytes: u64,
}

/// Writes the feed that `spec` describes to `out` (a folder or a file, by the container).
///
/// # Errors
/// `InvalidInput` when the spec contradicts itself; whatever writing the files answers.
pub fn generate(spec: &Spec, out: &Path) -> io::Result<Answer> {
    check(spec)?;
    let days = Days::new(spec);
    let mut answer = Answer::default();
    let sources = sources(spec, &days);
    let mut archive = match spec.container {
        Container::Folder => {
            std::fs::create_dir_all(out)?;
            None
        }
        Container::File => {
            if sources.len() != 1 {
                return Err(invalid("a single file holds one entity: name it"));
            }
            None
        }
        Container::Tar => Some(Output::tar(out, None)?),
        Container::TarGz => Some(Output::tar(out, Some(spec.level))?),
    };
    for source in &sources {
        let name = format!("{}.{}", source.entity, spec.format.extension());
        let mut single = match (&archive, spec.container) {
            (None, Container::File) => Some(Output::plain(out)?),
            (None, _) => Some(Output::plain(&out.join(&name))?),
            _ => None,
        };
        let Some(output) = single.as_mut().or(archive.as_mut()) else { continue };
        output.begin(&name)?;
        let (tally, bytes) = rows::write(source, spec, output)?;
        output.end()?;
        answer.entities.insert(source.entity.to_owned(), entity_answer(spec, &days, source, &tally, bytes));
        if let Some(output) = single {
            answer.bytes += output.finish()?;
        }
    }
    if let Some(archive) = archive {
        answer.bytes = archive.finish()?;
    }
    Ok(answer)
}

fn check(spec: &Spec) -> io::Result<()> {
    if spec.day == 0 {
        return Err(invalid("day counts from 1"));
    }
    if spec.items.max(spec.variations).max(spec.groups) > 1 << 31 {
        return Err(invalid("at most 2^31 records of an entity: their ids are made from 32 bits"));
    }
    if spec.variations > 0 && spec.items == 0 {
        return Err(invalid("variations need items"));
    }
    if spec.churn + spec.changed > 10_000 || spec.keep > 10_000 {
        return Err(invalid("shares are in 1/10,000 and together at most the whole"));
    }
    if spec.patch.is_some_and(|rows| rows > spec.items) {
        return Err(invalid("a patch has at most as many rows as there are items"));
    }
    if spec.cut_record && (spec.format != Format::Csv || spec.shuffle_columns) {
        return Err(invalid("a record is cut in CSV and in the usual column order only"));
    }
    Ok(())
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

/// What is to be written, in the order items, variations, item groups.
fn sources<'a>(spec: &'a Spec, days: &'a Days) -> Vec<Source<'a>> {
    if let Some(rows) = spec.patch {
        return vec![items::patch(days, rows)];
    }
    [items::source(days), variations::source(days), groups::source(days)]
        .into_iter()
        .filter(|source| source.rows > 0)
        .filter(|source| spec.entities.is_empty() || spec.entities.iter().any(|name| name == source.entity))
        .map(|source| Source { rows: source.rows * spec.keep / 10_000, ..source })
        .collect()
}

fn entity_answer(spec: &Spec, days: &Days, source: &Source, tally: &Tally, bytes: u64) -> EntityAnswer {
    let (before, ids_before) = if spec.patch.is_some() {
        (days.items, tally.kept_ids)
    } else if days.day == 1 {
        (0, 0)
    } else {
        (source.records_before)()
    };
    let kept = tally.changed + tally.unchanged;
    EntityAnswer {
        rows: source.rows,
        before,
        added: tally.added,
        changed: tally.changed,
        unchanged: tally.unchanged,
        removed: if spec.patch.is_some() { 0 } else { before - kept },
        fields: tally.fields(),
        id_sums: IdSums {
            added: tally.added_ids,
            changed: tally.changed_ids,
            removed: ids_before.wrapping_sub(tally.kept_ids),
        },
        bytes,
    }
}

#[cfg(test)]
mod tests;
