//! Rows of one id: how they are told, and what that does to the file.

use super::entity::EntityPlan;
use super::request::{Duplicates, Settings};
use super::worker::{Place, Task};
use crate::fault::{Code, Fault, Position, Severity};

/// Reports that `text` is named by the records `place` and `other`.
pub fn duplicate(task: &Task<'_>, entity: &EntityPlan, place: &Place<'_>, other: u32, text: &str) {
    let severity = duplicate_severity(task.settings);
    let later = place.ordinal.max(other);
    task.problems.add(entity.number, u64::from(later), Code::DuplicateItem, severity, || {
        let here = (place.position)();
        let position = if later == place.ordinal {
            here
        } else {
            Position { member: here.member, record: u64::from(later) + 1, ..Position::default() }
        };
        duplicate_fault(entity, position, text)
    });
}

/// What a duplicate does under `settings`.
pub fn duplicate_severity(settings: &Settings) -> Severity {
    if settings.duplicates == Duplicates::Fail { Severity::File } else { Code::DuplicateItem.severity() }
}

/// The fault of a duplicate.
pub fn duplicate_fault(entity: &EntityPlan, position: Position, text: &str) -> Fault {
    let mut fault = Fault::new(Code::DuplicateItem, "the id was given before in this file; the last row counts");
    fault.position = position;
    fault.entity = Some(entity.spec.name.clone());
    fault.key = Some(text.to_owned());
    fault.column = Some(entity.spec.key().to_owned());
    fault
}
