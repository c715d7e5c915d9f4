//! Rows whose records are found by identifiers, a few at a time: what one looks up in main memory comes while the others
//! are read, and nobody waits for it alone.

use std::sync::Arc;

use super::entity::EntityPlan;
use super::identified::emptied;
use super::stop::Stop;
use super::worker::{Place, Task, Worker, tells_columns};
use crate::check::Finding;
use crate::identify::Identity;
use crate::identify::matching::{self, Match, Row};
use crate::read::{Block, Issue, Section};
use crate::record::Record;

/// Rows at a time: more than main memory answers at once, few enough to stay in the cache.
const AT_ONCE: usize = 16;

/// A row that was read and is not planned yet.
#[derive(Default)]
pub struct Ahead {
    record: Record,
    plain: bool,
    issues: Vec<Issue>,
    findings: Vec<Finding>,
    row: Row,
    matched: Match,
}

impl Worker {
    /// Plans every record of `block`, whose entity has an `identity`.
    pub(super) fn identified_block(
        &mut self,
        task: &Task<'_>,
        identity: &Identity,
        section: &Arc<Section>,
        block: &Block,
    ) -> Result<(), Stop> {
        let entity = &task.entities[section.entity];
        let layout = &section.layout;
        let mut ahead = std::mem::take(&mut self.ahead);
        ahead.resize_with(AT_ONCE, Ahead::default);
        for spans in block.spans.chunks(AT_ONCE) {
            let ahead = &mut ahead[..spans.len()];
            for (ahead, span) in ahead.iter_mut().zip(spans) {
                self.read_ahead(task, entity, identity, ahead, section, block.raw(span));
            }
            ahead.iter().for_each(|ahead| ahead.row.approach(&entity.directory, &entity.index));
            for Ahead { row, matched, .. } in &mut *ahead {
                *matched = matching::find(identity, &entity.directory, &entity.index, row)?;
                if let Some(found) = matched.found {
                    entity.directory.prefetch_key(found.slot);
                    entity.index.prefetch_cold(found.slot);
                }
            }
            for (ahead, span) in ahead.iter_mut().zip(spans) {
                let position = || layout.position(&section.member, block, span);
                let ordinal = (block.first_record + u64::from(span.ordinal)) as u32;
                let place = Place { ordinal, position: &position };
                self.plain = ahead.plain;
                std::mem::swap(&mut self.issues, &mut ahead.issues);
                std::mem::swap(&mut self.findings, &mut ahead.findings);
                let Ahead { record, row, matched, .. } = ahead;
                self.identified(task, entity, identity, record, &row.prints, matched, &place)?;
            }
        }
        self.ahead = ahead;
        Ok(())
    }

    /// Reads one row, and asks for the places that say where its record is.
    fn read_ahead(
        &mut self,
        task: &Task<'_>,
        entity: &EntityPlan,
        identity: &Identity,
        ahead: &mut Ahead,
        section: &Section,
        raw: &[u8],
    ) {
        let layout = &section.layout;
        self.issues.clear();
        self.findings.clear();
        layout.parse(raw, &mut self.scratch, &mut ahead.record, &mut self.issues);
        if tells_columns(entity, layout) {
            self.mention(entity, &ahead.record);
        }
        self.check(entity, &ahead.record, layout, raw);
        ahead.plain = self.is_plain(layout, raw);
        std::mem::swap(&mut self.issues, &mut ahead.issues);
        std::mem::swap(&mut self.findings, &mut ahead.findings);
        ahead.row.read(identity, &ahead.record, task.hasher, &mut self.text);
        ahead.row.emptied = emptied(task, entity, identity, &ahead.record);
        // What is filled is left alone: an id that says otherwise cannot have been meant.
        ahead.row.names_only = entity.operation.keys_only() || entity.operation.fills;
        ahead.row.foresee(&entity.directory, &entity.index);
    }
}
