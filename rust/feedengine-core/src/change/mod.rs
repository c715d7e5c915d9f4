//! The change set: which rows to write and to close, as Arrow, and the index that goes with them.

pub mod batch;
pub mod files;
pub mod rank;
pub mod rebuild;
pub mod rows;
