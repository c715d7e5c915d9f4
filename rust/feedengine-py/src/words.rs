//! Texts of feeds and records that the engine rewrites for whoever writes feeds of its own.

use feedengine_core::identify::{compared as plain, path};
use feedengine_core::read;
use feedengine_core::record::entity::EntitySpec;
use feedengine_core::record::rule::Path;
use pyo3::prelude::*;

use crate::planner::understood;

/// The line of JSON `element` as the record of `key`; None where the key of `entity` (JSON) is no member of its records.
#[pyfunction]
pub fn keyed(element: &str, entity: &str, key: &str) -> PyResult<Option<String>> {
    let entity: EntitySpec = understood(entity)?;
    Ok(read::keyed(element, &entity, key))
}

/// What each of `values` is compared by in `field` of `entity` (JSON): equal for those that mean the same; None for a
/// value that means nothing there.
#[pyfunction]
pub fn compared(values: Vec<String>, entity: &str, field: &str) -> PyResult<Vec<Option<String>>> {
    let entity: EntitySpec = understood(entity)?;
    Ok(values.iter().map(|value| plain(&entity, field, value)).collect())
}

/// Each of `paths` once the record at `old` is at `new`; None for one that does not lead through it.
#[pyfunction]
pub fn moved(paths: Vec<String>, old: &str, new: &str, rule: &str) -> PyResult<Vec<Option<String>>> {
    let rule: Path = understood(rule)?;
    let Some(old) = path::steps(old, &rule) else { return Ok(vec![None; paths.len()]) };
    Ok(paths.iter().map(|text| path::moved(text, &old, new, &rule)).collect())
}
