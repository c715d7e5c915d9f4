//! The previous snapshot as key to digest, on disk and memory-mapped: what lets an unchanged row cost a scan and a hash.
//!
//! An index is a stack of immutable runs, each sorted by key hash. The oldest is the base, the others are overlays
//! made by small tasks; the newest run that knows a key decides. A run is a cache of what the store holds: every
//! chunk carries a checksum that is verified when it is first touched, and a run that fails is rebuilt.

mod format;
mod probe;
mod run;
mod stack;
mod write;

pub use format::{Cold, Hot};
pub use run::{Damaged, Run, prefetch};
pub use stack::{Found, Index, Live, LiveIter};
pub use write::RunWriter;
