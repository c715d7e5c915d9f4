//! Which stored record a row means: by which of its identifiers, whether two rows or records claim the same, whether
//! what it names is there. Knows the identifiers of stored records as hashes; reads no feed and writes nothing.
//!
//! `identity` (what a spec demands) -> `directory` (what is stored) -> `matching` (one row) -> `verdicts` (all rows
//! of a file together: duplicates, conflicts, references among them).

mod directory;
mod fold;
mod identity;
mod lookup;
pub mod matching;
mod naming;
pub mod path;

pub use crate::record::uuid::{uuid, uuid_text};
pub use directory::{Directory, Told};
pub use fold::system_id;
pub use identity::{Form, Identity, KeyField, Link, compared, given, items, key_hash};
pub use lookup::{Entry, Lookup, Print};
pub use naming::{CONTENT, Name, Named, Naming};
