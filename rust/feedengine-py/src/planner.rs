//! The planner as Python sees it: JSON for what is small, Arrow streams for rows.

use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use feedengine_core::change::batch::{closed_batch, row_batch};
use feedengine_core::plan::{self, Control, Request, Stop};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use serde_json::json;

use crate::door;
use crate::errors::to_python;
use crate::stream::{Stream, take};

enum State {
    Planning(Box<plan::Planner>),
    Decided(Arc<plan::Planner>),
    /// Between the two, and after a failure.
    Spent,
}

/// Plans one task: `scan`, answer every `next_want` by `supply`, `decide`; then take the rows.
#[pyclass(frozen, module = "feedengine._engine")]
pub struct Planner {
    state: Mutex<State>,
    control: Arc<Control>,
}

fn spent() -> PyErr {
    to_python(Stop::Broken("this planner has ended: make a new one".into()))
}

/// The request that this JSON is.
pub fn understood<T: serde::de::DeserializeOwned>(request: &str) -> PyResult<T> {
    serde_json::from_str(request).map_err(|error| to_python(Stop::Broken(format!("the request is not one: {error}"))))
}

fn arrow(error: impl std::fmt::Display) -> PyErr {
    to_python(Stop::Broken(error.to_string()))
}

impl Planner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn planning<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut plan::Planner) -> Result<T, Stop> + Send,
    ) -> PyResult<T> {
        door::run(py, &self.control.stop, || match &mut *self.lock() {
            State::Planning(planner) => work(planner),
            _ => Err(Stop::Broken("this planner has ended: make a new one".into())),
        })
    }

    fn decided(&self) -> PyResult<Arc<plan::Planner>> {
        match &*self.lock() {
            State::Decided(planner) => Ok(planner.clone()),
            _ => Err(to_python(Stop::Broken("decide first".into()))),
        }
    }

    fn number(planner: &plan::Planner, entity: &str) -> PyResult<usize> {
        planner.entity(entity).ok_or_else(|| PyValueError::new_err(format!("there is no entity called {entity}")))
    }
}

#[pymethods]
impl Planner {
    /// A planner for `request` (JSON) in a store whose secret is `secret`.
    #[new]
    fn new(request: &str, secret: &[u8]) -> PyResult<Self> {
        let request: Request = understood(request)?;
        let planner = plan::Planner::new(request, secret).map_err(to_python)?;
        Ok(Planner { control: planner.control(), state: Mutex::new(State::Planning(Box::new(planner))) })
    }

    /// What `know` must be told before `scan`, as JSON [{entity, columns}].
    fn directories(&self) -> PyResult<String> {
        match &*self.lock() {
            State::Planning(planner) => Ok(json!(planner.directories()).to_string()),
            _ => Err(spent()),
        }
    }

    /// Tells of all current records of `entity`: a stream of `_row` and the columns that `directories` names.
    fn know(&self, py: Python<'_>, entity: &str, rows: &Bound<'_, PyAny>) -> PyResult<()> {
        let reader = take(rows)?;
        let name = entity.to_owned();
        self.planning(py, move |planner| {
            let entity = planner.entity(&name);
            let entity = entity.ok_or_else(|| Stop::Broken(format!("there is no entity called {name}")))?;
            for batch in reader {
                planner.know(entity, &batch.map_err(|error| Stop::Broken(error.to_string()))?)?;
            }
            planner.known(entity)
        })
    }

    /// Takes ids of a list of the request's safeguard, by its number there; all of them before `scan`.
    fn list(&self, py: Python<'_>, number: usize, ids: Vec<String>) -> PyResult<()> {
        self.planning(py, move |planner| planner.list(number, &ids))
    }

    /// Writes the rows that `wanted` (JSON: places, names) asks for to `out`: lines of JSON [member, entity, record,
    /// {field: text}, identity, names, element]. Plans nothing.
    fn sent(&self, py: Python<'_>, path: PathBuf, out: PathBuf, wanted: &str) -> PyResult<()> {
        let wanted = understood(wanted)?;
        self.planning(py, move |planner| planner.sent(&path, &out, wanted))
    }

    /// Writes the rows at `places` (JSON: records from 1 by member) of a feed with columns to `out`: lines of JSON
    /// [member, record, cells], the header as record 0. Plans nothing.
    fn cells(&self, py: Python<'_>, path: PathBuf, out: PathBuf, places: &str) -> PyResult<()> {
        let places = understood(places)?;
        self.planning(py, move |planner| planner.cells(&path, &out, &places))
    }

    /// Writes the records of `member` at `places` (JSON: rising numbers from 1 by entity) to `out`, as a JSON document in
    /// which each is as it was sent; gives how many. Plans nothing.
    fn document(&self, py: Python<'_>, path: PathBuf, out: PathBuf, member: &str, places: &str) -> PyResult<u64> {
        let places = understood(places)?;
        let member = member.to_owned();
        self.planning(py, move |planner| planner.document(&path, &out, &member, &places))
    }

    /// Reads the feed at `path`.
    fn scan(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        self.planning(py, move |planner| planner.scan(&path))
    }

    /// Bytes done, bytes in all, records so far. May be called while `scan` works.
    fn progress(&self) -> (u64, u64, u64) {
        self.control.progress()
    }

    /// What to supply next as JSON {entity, rows: "some" | "all", columns}, or None.
    fn next_want(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.planning(py, |planner| {
            let want = planner.next_want()?;
            Ok(want.map(|want| {
                let rows = if want.all { "all" } else { "some" };
                json!({"entity": planner.entity_name(want.entity), "rows": rows, "columns": want.columns}).to_string()
            }))
        })
    }

    /// The stored rows of the last want: a stream of `_row`.
    fn wanted(&self) -> PyResult<Stream> {
        match &*self.lock() {
            State::Planning(planner) => Ok(Stream::one(row_batch(&planner.wanted()).map_err(arrow)?)),
            _ => Err(spent()),
        }
    }

    /// Answers the last want with a stream of stored rows.
    fn supply(&self, py: Python<'_>, rows: &Bound<'_, PyAny>) -> PyResult<()> {
        let reader = take(rows)?;
        self.planning(py, move |planner| {
            for batch in reader {
                planner.supply(&batch.map_err(|error| Stop::Broken(error.to_string()))?)?;
            }
            planner.supplied()
        })
    }

    /// The plan as JSON.
    fn decide(&self, py: Python<'_>) -> PyResult<String> {
        let report = self.planning(py, plan::Planner::decide)?;
        let mut state = self.lock();
        *state = match std::mem::replace(&mut *state, State::Spent) {
            State::Planning(planner) => State::Decided(Arc::from(planner)),
            other => other,
        };
        Ok(report.to_string())
    }

    /// Columns that the store must add, as JSON [{name, kind}].
    fn added_columns(&self, entity: &str) -> PyResult<String> {
        let planner = self.decided()?;
        Ok(json!(planner.added_columns(Self::number(&planner, entity)?)).to_string())
    }

    /// Stored rows to close: a stream of `_row`, `_reason`; None if there are none.
    fn closed(&self, entity: &str) -> PyResult<Option<Stream>> {
        let planner = self.decided()?;
        let closed = planner.closed(Self::number(&planner, entity)?);
        (!closed.is_empty()).then(|| closed_batch(closed).map(Stream::one).map_err(arrow)).transpose()
    }

    /// Stored rows of records that go, at most `limit`: a stream of `_row`.
    fn removed_rows(&self, entity: &str, limit: usize) -> PyResult<Stream> {
        let planner = self.decided()?;
        let rows = planner.removed_rows(Self::number(&planner, entity)?, limit);
        Ok(Stream::one(row_batch(&rows).map_err(arrow)?))
    }

    /// Whole records to insert; None if there are none.
    fn rows(&self, entity: &str) -> PyResult<Option<Stream>> {
        let planner = self.decided()?;
        let number = Self::number(&planner, entity)?;
        Ok(planner.rows(number).map(Stream::new))
    }

    /// Patched cells with the stored row to copy the rest from; None if there are none.
    fn patched(&self, entity: &str) -> PyResult<Option<Stream>> {
        let planner = self.decided()?;
        let number = Self::number(&planner, entity)?;
        Ok(planner.patched(number).map(Stream::new))
    }

    /// Rows that wait for a record: JSON lines {entity, record, line, values, waits_for: {entity, field, value}}.
    fn parked(&self, py: Python<'_>, entity: &str) -> PyResult<String> {
        let planner = self.decided()?;
        let number = Self::number(&planner, entity)?;
        door::run(py, &self.control.stop, || planner.parked(number))
    }

    /// Positions of all rejected rows: a stream of member, entity, record, line, byte. The feed is read once more.
    fn rejected(&self) -> PyResult<Stream> {
        let planner = self.decided()?;
        plan::RejectedRows::new(planner).map(Stream::new).map_err(to_python)
    }

    /// Writes the same to a file, as lines of JSON `[member, entity, record, line, byte]`; gives how many there are.
    fn keep_rejected(&self, py: Python<'_>, path: PathBuf) -> PyResult<u64> {
        let planner = self.decided()?;
        door::run(py, &self.control.stop, || {
            let mut out = std::io::BufWriter::new(std::fs::File::create(&path)?);
            let count = plan::RejectedRows::new(planner)?.write(&mut out)?;
            out.flush()?;
            Ok(count)
        })
    }

    /// Raises what ended a stream of rows early; does nothing if none did.
    fn check_streams(&self) -> PyResult<()> {
        self.control.failure().map_or(Ok(()), |stop| Err(to_python(stop)))
    }

    /// Writes the next index into `folder`; returns the next state by entity as JSON.
    fn write_index(&self, py: Python<'_>, folder: PathBuf, token: &str) -> PyResult<String> {
        let planner = self.decided()?;
        let next = door::run(py, &self.control.stop, || planner.write_index(&folder, token))?;
        Ok(json!(next).to_string())
    }
}
