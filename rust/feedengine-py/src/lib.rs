//! The extension module `feedengine._engine`: registers, and nothing else.
#![deny(unsafe_op_in_unsafe_fn)]

mod codes;
mod diff;
mod door;
mod errors;
mod planner;
mod rebuild;
mod sample;
mod stream;
mod unpack;
mod words;

use pyo3::prelude::*;

#[pymodule(gil_used = false)]
fn _engine(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("DEBUG_BUILD", cfg!(debug_assertions))?;
    module.add("SECRET_LEN", feedengine_core::record::digest::SECRET_LEN)?;
    module.add_class::<planner::Planner>()?;
    module.add_class::<diff::FileDiff>()?;
    module.add_class::<stream::Stream>()?;
    module.add_function(wrap_pyfunction!(codes::check_entities, module)?)?;
    module.add_function(wrap_pyfunction!(codes::codes, module)?)?;
    module.add_function(wrap_pyfunction!(codes::constructor_entities, module)?)?;
    module.add_function(wrap_pyfunction!(codes::operations, module)?)?;
    module.add_function(wrap_pyfunction!(diff::diff_files, module)?)?;
    module.add_function(wrap_pyfunction!(rebuild::build_index, module)?)?;
    module.add_function(wrap_pyfunction!(rebuild::overlay, module)?)?;
    module.add_function(wrap_pyfunction!(sample::generate, module)?)?;
    module.add_function(wrap_pyfunction!(unpack::fingerprint, module)?)?;
    module.add_function(wrap_pyfunction!(unpack::unpack, module)?)?;
    module.add_function(wrap_pyfunction!(words::compared, module)?)?;
    module.add_function(wrap_pyfunction!(words::keyed, module)?)?;
    module.add_function(wrap_pyfunction!(words::moved, module)?)?;
    errors::register(module)
}
