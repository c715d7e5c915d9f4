//! Why planning ended early.

use std::io;

use crate::fault::Fault;
use crate::index::Damaged;

/// A reason to stop at once. Faults that allow the rest of the feed to be checked do not stop; they are collected.
#[derive(Debug)]
pub enum Stop {
    /// The feed cannot be read on.
    Fault(Box<Fault>),
    /// An index run is damaged: rebuild it and plan again.
    Damaged(Damaged),
    /// The machine's fault: temporary files, disk full.
    Io(io::Error),
    /// The caller asked for it.
    Interrupted,
    /// Our own bug, or a store that does not match its index.
    Broken(String),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Stop::Fault(Box::new(fault))
    }
}

impl From<Damaged> for Stop {
    fn from(damaged: Damaged) -> Self {
        Stop::Damaged(damaged)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Stop::Io(error)
    }
}

impl std::fmt::Display for Stop {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Stop::Fault(fault) => fault.fmt(out),
            Stop::Damaged(damaged) => damaged.fmt(out),
            Stop::Io(error) => error.fmt(out),
            Stop::Interrupted => out.write_str("interrupted"),
            Stop::Broken(why) => out.write_str(why),
        }
    }
}

impl std::error::Error for Stop {}
