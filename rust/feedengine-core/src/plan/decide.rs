//! The plan as a value: counts that balance, the safeguard's verdict, problems. Everything a person or the caller needs.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::entity::EntityPlan;
use super::ops::Rows;
use super::outcome::Outcome;
use super::stop::Stop;
use super::{Planner, Step};
use crate::fault::{Code, Fault, Severity};
use crate::guard::{Decision, Denominator, OnBlock, is_tail, judge};
use crate::read::told;
use crate::record::FieldId;

/// The counts of one entity; see [`Counts::balance`].
#[derive(Clone, Debug, Default)]
struct Counts {
    rows: u64,
    before: u64,
    after: u64,
    added: u64,
    changed: u64,
    unchanged: u64,
    removed: u64,
    rejected: u64,
    parked: u64,
    ignored: u64,
    listed: u64,
    duplicates: u64,
    merged: u64,
    unknown: u64,
    skipped: u64,
    overruled: u64,
}

impl Counts {
    /// Nothing lost, nothing silent: every row is accounted for, and so is every record.
    fn balance(&self, entity: &str) -> Result<(), Stop> {
        let rows =
            self.added + self.changed + self.unchanged + self.rejected + self.parked + self.ignored + self.listed;
        let after = (self.before + self.added).checked_sub(self.removed);
        if self.rows == rows && Some(self.after) == after {
            return Ok(());
        }
        Err(Stop::Broken(format!("the counts of {entity} do not balance: {self:?}")))
    }
}

/// A severity as reports print it.
pub fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Warning => "warning",
        Severity::Row => "row",
        Severity::File => "file",
    }
}

/// A fault as reports print it.
pub fn fault_json(fault: &Fault, severity: Severity) -> Json {
    json!({
        "code": fault.code.text(),
        "severity": severity_name(severity),
        "member": fault.position.member,
        "record": fault.position.record,
        "line": fault.position.line,
        "byte": fault.position.byte,
        "entity": fault.entity,
        "key": fault.key,
        "column": fault.column,
        "value": fault.value,
        "message": fault.told(),
        "hint": fault.code.hint(),
        "family": fault.code.family(),
        "related": fault.related,
    })
}

impl Planner {
    /// Decides. Afterwards the rows to write can be had, if the verdict is `apply` or `held`.
    ///
    /// # Errors
    /// If something is still wanted, or if the counts do not balance.
    pub fn decide(&mut self) -> Result<Json, Stop> {
        if !matches!(self.step, Step::Ready) {
            return Err(Stop::Broken("answer every want before deciding".into()));
        }
        self.check_averages();
        self.check_rejected();
        let rows_fail = self.request.settings.rows == super::request::BadRows::Fail;
        let invalid = self.problems.fatal(rows_fail);
        let (mut safeguard, holding_helps) = self.safeguard()?;
        let blocked = safeguard["decision"] == "blocked";
        // Rows were let in where stored ones were to go: if those stay, windows overlap, or steps lead in a circle,
        // or a matrix does not allow what came.
        let made_room = |(entity, outcome): (&EntityPlan, &Outcome)| {
            let rules = !(entity.spec.windows.is_empty() && entity.spec.acyclic.is_empty());
            outcome.removed > 0 && outcome.added + outcome.changed > 0 && rules
        };
        let needed = self.entities.iter().zip(&self.outcomes).any(made_room) || self.needs_removals();
        let helps = holding_helps && !needed && !self.operation.joins;
        let holds = blocked && helps && self.request.safeguard.on_block == OnBlock::Hold;
        let mut decision = "apply";
        if invalid {
            decision = "invalid";
        } else if self.request.hold_removals || holds {
            let waiting: u64 = self.outcomes.iter().map(|outcome| outcome.removed).sum();
            if waiting == 0 && blocked && !self.request.hold_removals {
                decision = "refused";
            } else if waiting > 0 {
                let held: Map<String, Json> = self
                    .outcomes
                    .iter()
                    .enumerate()
                    .map(|(number, outcome)| (self.entity_name(number).to_owned(), json!(outcome.removed)))
                    .collect();
                self.held = true;
                self.relate()?;
                safeguard["decision"] = json!("held");
                safeguard["held"] = Json::Object(held);
                decision = "held";
            }
        } else if blocked {
            decision = "refused";
        }
        let mut entities = Map::new();
        let mut moves = 0;
        for number in 0..self.entities.len() {
            let (entry, changes) = self.entity_report(number, invalid)?;
            moves += changes;
            entities.insert(self.entity_name(number).to_owned(), entry);
        }
        if moves == 0 && decision == "apply" {
            decision = "no_change";
        }
        let info = self.info.as_ref();
        Ok(json!({
            "schema": "feedengine.plan/1",
            "operation": self.operation.name,
            "force": self.request.force,
            "file": {
                "bytes": info.map(|info| info.bytes),
                "fingerprint": info.map(|info| told(info.fingerprint)),
                "container": info.map(|info| info.container.clone()),
            },
            "entities": entities,
            "safeguard": safeguard,
            "verdict": decision,
            "problems": self.problem_report(),
        }))
    }

    /// Checks the average size of what the catalog will hold, per class of entities.
    fn check_averages(&mut self) {
        let mut classes: BTreeMap<&str, (u64, i64, u64, usize, bool)> = BTreeMap::new();
        for (entity, outcome) in self.entities.iter().zip(&self.outcomes) {
            let class = classes.entry(&entity.spec.size_class).or_insert((0, 0, 0, entity.number, false));
            class.0 += entity.base.records + outcome.added - outcome.removed;
            class.1 += entity.base.data_bytes as i64 + outcome.data_bytes;
            class.2 = entity.spec.max_average;
            class.4 |= outcome.added + outcome.changed > 0;
        }
        for (class, (records, bytes, limit, number, changed)) in classes {
            if changed && records > 0 && bytes.max(0) as u64 > limit * records {
                let average = bytes.max(0) as u64 / records;
                let message = format!("the data of {class} would have {average} bytes on average, at most {limit}");
                let code = Code::AverageTooLarge;
                self.problems.add(number, 0, code, code.severity(), || {
                    let mut fault = Fault::new(code, message);
                    fault.entity = Some(class.to_owned());
                    fault
                });
            }
        }
    }

    /// Fails the file if it has more bad rows than the settings tolerate.
    fn check_rejected(&self) {
        let limit = self.request.settings.max_rejected;
        for (entity, read) in self.entities.iter().zip(&self.read) {
            if limit.exceeded(read.rejected, read.rows) {
                let message = format!("{} of {} rows cannot be applied, at most {limit}", read.rejected, read.rows);
                let code = Code::TooManyRejected;
                self.problems.add(entity.number, 0, code, code.severity(), || {
                    let mut fault = Fault::new(code, message);
                    fault.entity = Some(entity.spec.name.clone());
                    fault
                });
            }
        }
    }

    /// The safeguard's findings, and whether what it blocks could go ahead without the removals.
    fn safeguard(&self) -> Result<(Json, bool), Stop> {
        let rules = &self.request.safeguard;
        let mut holding_helps = true;
        let mut worst = Decision::Ok;
        let mut entities = Map::new();
        let mut alarms = (Vec::new(), Vec::new());
        let mut lists = Vec::new();
        for (entity, outcome) in self.entities.iter().zip(&self.outcomes) {
            let deactivated = if rules.deactivation_counts { outcome.deactivated } else { 0 };
            let (lost, base) = match rules.denominator {
                Denominator::Active => (outcome.lost + deactivated, entity.base.active),
                Denominator::All => (outcome.gone + deactivated, entity.base.records),
            };
            let verdict = judge(rules.limit_of(&entity.spec.name), rules.warn, lost, base);
            worst = worst.max(verdict.decision);
            holding_helps &= !rules.limit_of(&entity.spec.name).exceeded(deactivated, base);
            entities.insert(entity.spec.name.clone(), json!(verdict));
            let settling = &self.settling[entity.number];
            let section = self.read[entity.number].section.as_ref();
            let given: Option<Vec<FieldId>> = (entity.operation.rows == Rows::Replace)
                .then(|| section.and_then(|(section, _)| section.layout.columns()))
                .flatten()
                .map(|columns| columns.iter().filter_map(|column| column.field).collect());
            let scan = &self.scans[entity.number];
            for alarm in scan.alarms(entity, &settling.nulled, &settling.zeroed, given.as_deref()) {
                if alarm.segment {
                    alarms.0.push(alarm.entry)
                } else {
                    alarms.1.push(alarm.entry);
                    holding_helps = false;
                }
                worst = Decision::Blocked;
            }
            for verdict in scan.lists.verdicts() {
                worst = worst.max(verdict.decision);
                holding_helps &= !verdict.removals_or_not;
                lists.push(verdict.entry);
            }
        }
        if worst == Decision::Blocked && self.request.force {
            worst = Decision::Forced;
        }
        let found = json!({
            "decision": worst,
            "entities": entities,
            "signature": self.signature()?,
            "segments": alarms.0,
            "values": alarms.1,
            "must_exist": lists,
        });
        Ok((found, holding_helps))
    }

    /// Why the removals look like a cut file rather than like removed products, if they do.
    fn signature(&self) -> Result<Option<Json>, Stop> {
        if !self.operation.removes_absent || self.operation.keys_only() {
            return Ok(None);
        }
        for (entity, outcome) in self.entities.iter().zip(&self.outcomes) {
            let read = &self.read[entity.number];
            let Some((section, end)) = read.section.as_ref().filter(|_| outcome.removed > 0) else { continue };
            if !end.final_newline && read.last_short.map(u64::from) == end.records.checked_sub(1) {
                return Ok(Some(json!({"kind": "unfinished_record", "entity": entity.spec.name, "message":
                    format!("the last record of {} is cut: it has fewer columns than the header", section.member)})));
            }
            let ordinals = &outcome.removed_ordinals;
            // Only records that lay together can be an end; then it matters whether any lay behind them.
            if !is_tail(ordinals, ordinals.iter().max().copied().map_or(0, u64::from)) {
                continue;
            }
            let length = entity.index.feed_length()?;
            if is_tail(ordinals, length) {
                return Ok(Some(json!({"kind": "contiguous_tail", "entity": entity.spec.name, "message": format!(
                    "the file ends early: what is missing are the last {} of the {} records of the previous full feed",
                    ordinals.len(), length)})));
            }
        }
        Ok(None)
    }

    fn entity_report(&self, number: usize, invalid: bool) -> Result<(Json, u64), Stop> {
        let (entity, outcome, read) = (&self.entities[number], &self.outcomes[number], &self.read[number]);
        let settling = &self.settling[number];
        let mut counts = Counts {
            rows: read.rows,
            before: entity.base.records,
            added: outcome.added,
            changed: outcome.changed,
            removed: outcome.removed,
            rejected: read.rejected,
            parked: read.parked,
            listed: outcome.listed,
            duplicates: read.duplicates + settling.duplicates,
            merged: read.merged,
            unknown: read.unknown,
            skipped: (self.dropped[number].len() - self.overlapping[number].len()) as u64,
            overruled: self.overruled[number],
            ..Counts::default()
        };
        counts.ignored = counts.duplicates + counts.merged + counts.unknown + counts.skipped + counts.overruled;
        counts.after = entity.base.records + outcome.added - outcome.removed;
        let dropped_added = settling.added - outcome.added;
        let dropped_changed = (self.dropped[number].len() as u64).saturating_sub(dropped_added);
        let listed = if self.held { 0 } else { outcome.listed };
        let named = read.named.checked_sub(outcome.changed + listed + counts.overruled + dropped_changed);
        counts.unchanged = named.ok_or_else(|| {
            Stop::Broken(format!("{} names fewer records than it changes: {counts:?}", entity.spec.name))
        })?;
        if !invalid {
            counts.balance(&entity.spec.name)?;
        }
        let fields: Map<String, Json> = settling
            .fields
            .iter()
            .map(|(field, count)| (entity.table.name(*field).to_string(), json!(count)))
            .collect();
        let normalised: Map<String, Json> = read
            .normalised
            .iter()
            .map(|(field, count)| (entity.table.name(*field).to_string(), json!(count)))
            .collect();
        let new_columns: Vec<String> = self.added_columns(number).into_iter().map(|column| column.name).collect();
        let mut entry = json!({
            "uploaded": read.uploaded,
            "rows": counts.rows, "before": counts.before, "after": counts.after,
            "added": counts.added, "changed": counts.changed, "unchanged": counts.unchanged,
            "removed": counts.removed, "rejected": counts.rejected, "parked": counts.parked, "ignored": counts.ignored,
            "listed": counts.listed, "duplicates": counts.duplicates, "merged": counts.merged,
            "unknown": counts.unknown, "skipped": counts.skipped, "overruled": counts.overruled,
            "cascaded": outcome.cascaded, "deactivated": outcome.deactivated, "blank_lines": read.blank_lines,
            "active_before": entity.base.active, "lost": outcome.lost + outcome.deactivated,
            "data_bytes": entity.base.data_bytes as i64 + outcome.data_bytes,
            "digest": format!("{:032x}", outcome.digest),
            "fields": fields, "new_columns": new_columns, "normalised": normalised,
        });
        if let Some(matched_by) = self.matched_by(entity) {
            entry["matched_by"] = matched_by;
        }
        Ok((entry, outcome.added + outcome.changed + outcome.removed))
    }

    fn problem_report(&self) -> Json {
        let rows_fail = self.request.settings.rows == super::request::BadRows::Fail;
        let (mut errors, mut warnings) = (0, 0);
        let (mut by_code, mut list) = (Vec::new(), Vec::new());
        for ((code, number), tally) in self.problems.all() {
            let severity = tally.severity.unwrap_or(code.severity());
            if severity == Severity::Warning {
                warnings += tally.count
            } else {
                errors += tally.count
            }
            by_code.push(json!({
                "code": code.text(), "entity": self.entity_name(number), "severity": severity_name(severity),
                "count": tally.count, "hint": code.hint(), "fails_file": severity == Severity::File
                    || (severity == Severity::Row && rows_fail),
                "first": tally.listed.first().map(|(_, fault)| fault_json(fault, severity)),
            }));
            list.extend(tally.listed.iter().map(|(_, fault)| fault_json(fault, severity)));
        }
        json!({"errors": errors, "warnings": warnings, "listed": list.len(), "by_code": by_code, "list": list})
    }
}
