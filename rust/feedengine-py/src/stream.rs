//! Arrow streams across the border, by the PyCapsule interface: any library's object in, any library may take ours.

use std::ffi::CStr;
use std::sync::{Mutex, PoisonError};

use arrow_array::ffi_stream::{FFI_ArrowArrayStream, RecordBatchStreamReader};
use arrow_array::{RecordBatch, RecordBatchIterator, RecordBatchReader};
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

const NAME: &CStr = c"arrow_array_stream";

/// An Arrow stream that can be read once.
#[pyclass(frozen, module = "feedengine._engine")]
pub struct Stream(Mutex<Option<Box<dyn RecordBatchReader + Send>>>);

impl Stream {
    /// Wraps a reader.
    pub fn new(reader: impl RecordBatchReader + Send + 'static) -> Self {
        Stream(Mutex::new(Some(Box::new(reader))))
    }

    /// Wraps one batch.
    pub fn one(batch: RecordBatch) -> Self {
        let schema = batch.schema();
        Stream::new(RecordBatchIterator::new([Ok(batch)], schema))
    }
}

#[pymethods]
impl Stream {
    /// The stream as an Arrow capsule. `requested_schema` is not used: consumers cast for themselves.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        drop(requested_schema);
        let reader = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let reader =
            reader.ok_or_else(|| PyRuntimeError::new_err("this stream was read already: ask for a new one"))?;
        PyCapsule::new_with_value(py, FFI_ArrowArrayStream::new(reader), NAME)
    }
}

/// Takes the stream out of any object that has `__arrow_c_stream__`.
pub fn take(object: &Bound<'_, PyAny>) -> PyResult<RecordBatchStreamReader> {
    let capsule = object.call_method0("__arrow_c_stream__").map_err(|error| {
        if object.hasattr("__arrow_c_stream__").unwrap_or(false) {
            error
        } else {
            PyTypeError::new_err("an Arrow stream is expected: an object with __arrow_c_stream__")
        }
    })?;
    let capsule = capsule.cast::<PyCapsule>()?;
    let pointer = capsule.pointer_checked(Some(NAME))?.cast::<FFI_ArrowArrayStream>();
    // SAFETY: the name was checked, so the capsule holds an Arrow C stream; `from_raw` moves it out and leaves a
    // released one behind, which the capsule's destructor accepts.
    let reader = unsafe { RecordBatchStreamReader::from_raw(pointer.as_ptr()) };
    reader.map_err(|error| PyValueError::new_err(error.to_string()))
}
