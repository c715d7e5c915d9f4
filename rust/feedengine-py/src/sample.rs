//! Made-up catalogs for the demo, the benchmarks and the tests.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use feedengine_core::sample::{self, Spec};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use serde_json::json;

use crate::door;

/// Writes the feed that `spec` (JSON) describes to `out`; returns the known answer as JSON.
#[pyfunction]
pub fn generate(py: Python<'_>, spec: &str, out: PathBuf) -> PyResult<String> {
    let spec: Spec = serde_json::from_str(spec).map_err(|error| PyValueError::new_err(error.to_string()))?;
    let answer = door::run(py, &AtomicBool::new(false), || Ok(sample::generate(&spec, &out)?))?;
    Ok(json!(answer).to_string())
}
