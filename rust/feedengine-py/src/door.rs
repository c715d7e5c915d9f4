//! The one door for long work: the interpreter is released, and Ctrl-C is honoured within a tenth of a second.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use feedengine_core::plan::Stop;
use pyo3::prelude::*;

use crate::errors::{EngineError, to_python};

const PATIENCE: Duration = Duration::from_millis(100);

/// Runs `work` in a thread of its own. A signal sets `stop`; the work is then given time to end in order.
pub fn run<T: Send>(py: Python<'_>, stop: &AtomicBool, work: impl FnOnce() -> Result<T, Stop> + Send) -> PyResult<T> {
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(1);
        // The mutex is for the compiler: a receiver may not be lent to a closure that could run elsewhere.
        let receiver = Mutex::new(receiver);
        scope.spawn(move || {
            // The receiver outlives this thread, so a failed send cannot happen.
            let _ = sender.send(work());
        });
        let mut interrupted = None;
        loop {
            let next = py.detach(|| receiver.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(PATIENCE));
            match next {
                Ok(Ok(value)) => return interrupted.map_or(Ok(value), Err),
                Ok(Err(error)) => return Err(interrupted.unwrap_or_else(|| to_python(error))),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(EngineError::new_err("the engine's thread panicked"));
                }
                Err(RecvTimeoutError::Timeout) => {
                    if let Err(signal) = py.check_signals() {
                        stop.store(true, Ordering::Relaxed);
                        interrupted.get_or_insert(signal);
                    }
                }
            }
        }
    })
}
