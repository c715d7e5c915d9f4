//! The engine: reads a feed, compares it with the stored catalog's index, answers with a plan.
//!
//! Data moves one way through the rooms: `read` (bytes to records with their position), `record` (fields,
//! canonical cells, digests), `check` (values in normal form, and what they must be), `index` (the stored snapshot as
//! key to digest), `identify` (which stored record a row means), `plan` (which records change),
//! `guard` (may they), `change` (the rows to write). Nothing here knows Python, a database, a network or a clock.
#![deny(unsafe_op_in_unsafe_fn)]

pub mod bags;
pub mod change;
pub mod check;
pub mod fault;
pub mod guard;
pub mod identify;
pub mod index;
mod pages;
pub mod plan;
pub mod read;
pub mod record;
pub mod sample;
