//! Everything found wrong: all of it counted, the first of each kind listed with its position.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::fault::{Code, Fault, Severity};

type Key = (Code, usize, Severity);

/// Faults of one task, from all threads.
pub struct Problems {
    limit: usize,
    /// By code and entity, and by severity: a profile may reject a row for a value and warn of another one's.
    tallies: Mutex<BTreeMap<Key, Tally>>,
}

/// The faults of one code and severity in one entity.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// How many there are.
    pub count: u64,
    /// Severity in this task, which settings may have changed.
    pub severity: Option<Severity>,
    /// The first ones, by record.
    pub listed: Vec<(u64, Fault)>,
}

impl Problems {
    /// A list that shows `limit` faults per code and entity.
    pub fn new(limit: usize) -> Self {
        Problems { limit, tallies: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Key, Tally>> {
        self.tallies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a fault of `entity` at `ordinal` and, if it is among the first, asks for its text. The list does not
    /// depend on which thread came first.
    pub fn add(&self, entity: usize, ordinal: u64, code: Code, severity: Severity, fault: impl FnOnce() -> Fault) {
        let mut tallies = self.lock();
        let tally = tallies.entry((code, entity, severity)).or_default();
        tally.count += 1;
        tally.severity = Some(severity);
        if tally.listed.len() < self.limit {
            tally.listed.push((ordinal, fault()));
        } else if let Some(last) = tally.listed.iter_mut().max_by_key(|(ordinal, _)| *ordinal) {
            if ordinal < last.0 {
                *last = (ordinal, fault());
            }
        }
    }

    /// Adds to the count alone.
    pub fn count(&self, entity: usize, code: Code, severity: Severity, more: u64) {
        if more > 0 {
            let mut tallies = self.lock();
            let tally = tallies.entry((code, entity, severity)).or_default();
            tally.count += more;
            tally.severity = Some(severity);
        }
    }

    /// Makes the faults of `code` in `entity` at least as severe as `severity`.
    pub fn raise(&self, entity: usize, code: Code, severity: Severity) {
        let mut tallies = self.lock();
        for lower in [Severity::Warning, Severity::Row, Severity::File].into_iter().filter(|lower| *lower < severity) {
            let Some(mut found) = tallies.remove(&(code, entity, lower)) else { continue };
            let tally = tallies.entry((code, entity, severity)).or_default();
            tally.count += found.count;
            tally.severity = Some(severity);
            tally.listed.append(&mut found.listed);
            tally.listed.sort_by_key(|(ordinal, _)| *ordinal);
            tally.listed.truncate(self.limit);
        }
    }

    /// Whether anything was found that fails the file, given whether bad rows do.
    pub fn fatal(&self, rows_fail: bool) -> bool {
        let worst = if rows_fail { Severity::Row } else { Severity::File };
        self.lock().values().any(|tally| tally.severity >= Some(worst))
    }

    /// Everything, by code, entity and severity; lists in record order.
    pub fn all(&self) -> Vec<((Code, usize), Tally)> {
        let key = |(code, entity, _): &Key| (*code, *entity);
        let mut all: Vec<_> = self.lock().iter().map(|(of, tally)| (key(of), tally.clone())).collect();
        for (_, tally) in &mut all {
            tally.listed.sort_by_key(|(ordinal, _)| *ordinal);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_faults_are_listed_whatever_the_order() {
        let problems = Problems::new(3);
        for ordinal in [9, 2, 7, 1, 8, 3] {
            let fault = || Fault::new(Code::MissingKey, format!("{ordinal}"));
            problems.add(0, ordinal, Code::MissingKey, Severity::Row, fault);
        }
        let all = problems.all();
        assert_eq!(all[0].1.count, 6);
        assert_eq!(all[0].1.listed.iter().map(|(ordinal, _)| *ordinal).collect::<Vec<_>>(), [1, 2, 3]);
        assert!(problems.fatal(true) && !problems.fatal(false));
    }

    #[test]
    fn one_code_may_warn_here_and_reject_there() {
        let problems = Problems::new(3);
        for (ordinal, severity) in [(1, Severity::Warning), (2, Severity::Row), (3, Severity::Warning)] {
            problems.add(0, ordinal, Code::TooLong, severity, || Fault::new(Code::TooLong, "long"));
        }
        let counts =
            |problems: &Problems| problems.all().iter().map(|(_, t)| (t.severity, t.count)).collect::<Vec<_>>();
        assert_eq!(counts(&problems), [(Some(Severity::Warning), 2), (Some(Severity::Row), 1)]);
        problems.raise(0, Code::TooLong, Severity::File);
        assert_eq!(counts(&problems), [(Some(Severity::File), 3)]);
        assert_eq!(problems.all()[0].1.listed.iter().map(|(ordinal, _)| *ordinal).collect::<Vec<_>>(), [1, 2, 3]);
    }
}
