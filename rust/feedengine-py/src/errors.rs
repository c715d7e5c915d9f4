//! The one place where the engine's errors become Python's.

use feedengine_core::plan::{Stop, fault_json};
use pyo3::create_exception;
use pyo3::exceptions::{PyException, PyKeyboardInterrupt, PyOSError};
use pyo3::prelude::*;

create_exception!(
    feedengine._engine,
    EngineError,
    PyException,
    "Our own bug, or a store that does not match its index."
);
create_exception!(
    feedengine._engine,
    FeedFault,
    PyException,
    "The feed cannot be read on; args[0] is the fault as JSON."
);
create_exception!(feedengine._engine, Damaged, PyException, "An index run is damaged: rebuild it. args: path, why.");

/// Adds the exceptions to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add("EngineError", py.get_type::<EngineError>())?;
    module.add("FeedFault", py.get_type::<FeedFault>())?;
    module.add("Damaged", py.get_type::<Damaged>())
}

/// Converts a reason to stop.
pub fn to_python(stop: Stop) -> PyErr {
    match stop {
        Stop::Fault(fault) => FeedFault::new_err(fault_json(&fault, fault.code.severity()).to_string()),
        Stop::Damaged(damaged) => Damaged::new_err((damaged.path.display().to_string(), damaged.why)),
        // Two arguments make Python pick the subclass and fill errno, which tells a full disk from other faults.
        Stop::Io(error) => match error.raw_os_error() {
            Some(number) => PyOSError::new_err((number, error.to_string())),
            None => PyOSError::new_err(error.to_string()),
        },
        Stop::Interrupted => PyKeyboardInterrupt::new_err(()),
        Stop::Broken(why) => EngineError::new_err(why),
    }
}
