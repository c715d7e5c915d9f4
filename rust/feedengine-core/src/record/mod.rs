//! What a record is: fields by canonical name, cells in one canonical form, keyed digests of both.

pub mod digest;
pub mod entity;
mod fields;
pub mod options;
mod row;
pub mod rule;
pub mod scalar;
pub mod uuid;

pub use fields::{FieldId, FieldTable};
pub(crate) use row::is_cell;
pub use row::{Cell, Kind, ListItems, Record, State, Value};
