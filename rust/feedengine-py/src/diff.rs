//! Two files against each other.

use std::path::PathBuf;
use std::sync::Arc;

use feedengine_core::change::files;
use feedengine_core::plan::Control;
use pyo3::prelude::*;

use crate::door;
use crate::errors::to_python;
use crate::planner::understood;
use crate::stream::Stream;

/// What differs between two files.
#[pyclass(frozen, module = "feedengine._engine")]
pub struct FileDiff(files::FileDiff, Arc<Control>);

#[pymethods]
impl FileDiff {
    /// Counts as a plan report (JSON): what the second file would change if the first were the catalog.
    #[getter]
    fn report(&self) -> String {
        self.0.report.to_string()
    }

    /// Added and changed records as the second file has them; None if there are none. The first `most` will do.
    #[pyo3(signature = (entity, most=None))]
    fn after(&self, entity: &str, most: Option<usize>) -> Option<Stream> {
        self.0.after(entity, most).map(Stream::new)
    }

    /// Changed and removed records as the first file has them; None if there are none. Those of the first `most` changes
    /// will do.
    #[pyo3(signature = (entity, most=None))]
    fn before(&self, entity: &str, most: Option<usize>) -> PyResult<Option<Stream>> {
        Ok(self.0.before(entity, most).map_err(to_python)?.map(Stream::new))
    }

    /// Raises what ended a stream of rows early; does nothing if none did.
    fn check_streams(&self) -> PyResult<()> {
        self.1.failure().map_or(Ok(()), |stop| Err(to_python(stop)))
    }
}

/// Compares the feeds at `old` and `new` under `request` (JSON; its base is not used).
#[pyfunction]
pub fn diff_files(py: Python<'_>, old: PathBuf, new: PathBuf, request: &str) -> PyResult<FileDiff> {
    let request = understood(request)?;
    let control = Arc::new(Control::default());
    let watched = control.clone();
    let diff = door::run(py, &control.stop, move || files::diff(&old, &new, request, watched))?;
    Ok(FileDiff(diff, control))
}
