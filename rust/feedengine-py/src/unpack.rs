//! Files as they lie there: compressed ones as they were before, and what tells one from another.

use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use feedengine_core::read;
use pyo3::prelude::*;

use crate::door;

/// Writes what the file at `path` holds to `out`, inflated where it is compressed.
#[pyfunction]
pub fn unpack(py: Python<'_>, path: PathBuf, out: PathBuf, max_expansion: u64) -> PyResult<()> {
    door::run(py, &AtomicBool::new(false), || {
        let mut out = BufWriter::new(File::create(out)?);
        Ok(read::unpack(&path, &mut out, max_expansion)?)
    })
}

/// The fingerprint of the file at `path`, as reports of plans have it.
#[pyfunction]
pub fn fingerprint(py: Python<'_>, path: PathBuf) -> PyResult<String> {
    door::run(py, &AtomicBool::new(false), || Ok(read::fingerprint(&path)?))
}
