//! Index files made from stored rows.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use feedengine_core::change::rebuild::Rebuild;
use feedengine_core::plan::{EntityBase, Stop};
use feedengine_core::record::digest::Hasher;
use feedengine_core::record::entity::EntitySpec;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use serde_json::json;

use crate::door;
use crate::errors::to_python;
use crate::stream::take;

const MEMORY: usize = 128 << 20;

fn parts(spec: &str, secret: &[u8]) -> PyResult<(EntitySpec, Hasher)> {
    let spec = serde_json::from_str(spec).map_err(|error| PyValueError::new_err(error.to_string()))?;
    let hasher = Hasher::new(secret).ok_or_else(|| to_python(Stop::Broken("a store's secret has 192 bytes".into())))?;
    Ok((spec, hasher))
}

/// Writes a run of all `rows` (a stream of whole stored rows with `_row`) to `path`; returns its sums as JSON.
#[pyfunction]
pub fn build_index(
    py: Python<'_>,
    spec: &str,
    secret: &[u8],
    rows: &Bound<'_, PyAny>,
    path: PathBuf,
    temp_dir: PathBuf,
) -> PyResult<String> {
    let (spec, hasher) = parts(spec, secret)?;
    let reader = take(rows)?;
    let totals = door::run(py, &AtomicBool::new(false), || {
        Rebuild { spec: &spec, hasher: &hasher, folder: temp_dir, memory: MEMORY }.build(reader, &path)
    })?;
    Ok(json!(totals).to_string())
}

/// Writes an overlay on `base` (JSON) to `path`: `rows` are records as they are now, `gone` the ids that left.
/// Returns the sums after it as JSON.
#[pyfunction]
#[allow(clippy::too_many_arguments)]
pub fn overlay(
    py: Python<'_>,
    spec: &str,
    secret: &[u8],
    base: &str,
    gone: Vec<String>,
    rows: &Bound<'_, PyAny>,
    path: PathBuf,
    temp_dir: PathBuf,
) -> PyResult<String> {
    let (spec, hasher) = parts(spec, secret)?;
    let base: EntityBase = serde_json::from_str(base).map_err(|error| PyValueError::new_err(error.to_string()))?;
    let reader = take(rows)?;
    let totals = door::run(py, &AtomicBool::new(false), || {
        Rebuild { spec: &spec, hasher: &hasher, folder: temp_dir, memory: MEMORY }.overlay(&base, &gone, reader, &path)
    })?;
    Ok(json!(totals).to_string())
}
