//! What a caller asks of the planner: operation, settings, and the stored state to plan against. Strict JSON.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::guard::{Limit, Safeguard};
use crate::read::FormatSpec;
use crate::record::entity::{EntitySpec, constructor};

/// One planning task.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Name of the operation.
    pub operation: String,
    /// Skip the removal safeguard, and nothing else.
    #[serde(default)]
    pub force: bool,
    /// Apply adds and changes, leave removals for later.
    #[serde(default)]
    pub hold_removals: bool,
    /// How ambiguities are settled.
    #[serde(default)]
    pub settings: Settings,
    /// What may not happen without force.
    #[serde(default)]
    pub safeguard: Safeguard,
    /// The one entity that the file holds, where its name tells; otherwise its content does.
    #[serde(default)]
    pub entity: Option<String>,
    /// What the profile declares of the file's format.
    #[serde(default)]
    pub format: FormatSpec,
    /// The entities of the profile.
    #[serde(default = "constructor")]
    pub entities: Vec<EntitySpec>,
    /// The stored state, by entity; an entity that is not named is empty.
    #[serde(default)]
    pub base: BTreeMap<String, EntityBase>,
    /// Worker threads; 0 = one per processor.
    #[serde(default)]
    pub threads: usize,
    /// Memory that planning may use, in bytes.
    #[serde(default = "default_memory")]
    pub memory: usize,
    /// Folder for unnamed temporary files.
    #[serde(default = "std::env::temp_dir")]
    pub temp_dir: PathBuf,
    /// Target size of a block in bytes.
    #[serde(default = "default_block")]
    pub block: usize,
}

fn default_memory() -> usize {
    512 << 20
}

/// A block, its keys, marks and index entries together stay in a core's own cache (measured: 1 MiB costs a tenth more).
fn default_block() -> usize {
    128 << 10
}

/// What the store holds of one entity.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct EntityBase {
    /// Index runs, oldest first.
    pub runs: Vec<PathBuf>,
    /// Current records.
    pub records: u64,
    /// Active ones among them.
    pub active: u64,
    /// Sum of the sizes of their data.
    pub data_bytes: u64,
    /// The next free row number.
    pub next_row: u64,
    /// Digest over all records, 32 hexadecimal digits.
    pub digest: String,
    /// Stored columns.
    pub columns: Vec<Column>,
}

/// A stored column.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Storage name: `facet:Color`, `metadata:json:stores`.
    pub name: String,
    /// text, list, flag, integer or json.
    pub kind: String,
}

/// Warn and go on, or fail the upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Strictness {
    /// Accepted with a warning.
    Warn,
    /// The upload fails.
    Fail,
}

macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($(#[$choice_doc:meta])* $variant:ident),* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
        #[serde(rename_all = "lowercase")]
        pub enum $name { $($(#[$choice_doc])* $variant),* }
    };
}

choice! {
    /// What a JSON null in a patch does.
    PatchNull {
        /// Leaves the field as it is.
        Ignore,
        /// Takes the field away.
        Clear
    }
}
choice! {
    /// What two rows of one id do.
    Duplicates {
        /// The last row counts, with a warning.
        Last,
        /// The upload fails.
        Fail
    }
}
choice! {
    /// What a variation of an unknown item does.
    Orphans {
        /// The upload fails.
        Fail,
        /// The row is ignored with a warning.
        Skip
    }
}
choice! {
    /// What a row that cannot be applied does.
    BadRows {
        /// The upload fails.
        Fail,
        /// The row is rejected and reported; the record it names stays as it is.
        Reject
    }
}
choice! {
    /// What a single CSV file without an entity in its columns holds.
    SingleFile {
        /// What its columns say.
        Sniff,
        /// Items, whatever its columns say.
        Items
    }
}

/// The ambiguities of the published rules, each settled by name (constructor.md section 5).
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub struct Settings {
    pub patch_null: PatchNull,
    pub duplicates: Duplicates,
    pub orphan_variations: Orphans,
    pub unknown_groups: Strictness,
    pub several_roots: Strictness,
    pub delete_unknown: Strictness,
    pub short_rows: Strictness,
    /// Whether an owner's removal removes what it owns.
    pub cascade: bool,
    pub rows: BadRows,
    /// With `rows = "reject"`: more rejected rows than this fail the file.
    pub max_rejected: Limit,
    pub single_file: SingleFile,
    /// Text columns that are split on pipes.
    pub split_metadata: Vec<String>,
    /// CSV delimiter; found when absent.
    pub delimiter: Option<char>,
    pub max_record_bytes: usize,
    pub max_columns: usize,
    pub max_expansion: u64,
    /// Faults listed per code and entity; all are counted.
    pub listed_problems: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            patch_null: PatchNull::Ignore,
            duplicates: Duplicates::Last,
            orphan_variations: Orphans::Fail,
            unknown_groups: Strictness::Warn,
            several_roots: Strictness::Warn,
            delete_unknown: Strictness::Warn,
            short_rows: Strictness::Warn,
            cascade: true,
            rows: BadRows::Fail,
            max_rejected: Limit::Percent(10_000),
            single_file: SingleFile::Sniff,
            split_metadata: Vec::new(),
            delimiter: None,
            max_record_bytes: 16 << 20,
            max_columns: 4096,
            max_expansion: 1000,
            listed_problems: 100,
        }
    }
}
