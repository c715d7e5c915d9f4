//! Guards that look at values: segments that lose too much, columns that empty or turn to zero, records of a list
//! that go. They read one pass over the stored columns that they name, and nothing when none is set.

use std::collections::{BTreeMap, HashMap};

use arrow_array::RecordBatch;
use serde_json::{Value as Json, json};

use super::entity::EntityPlan;
use super::listed::Lists;
use super::stop::Stop;
use super::stored::StoredRows;
use crate::guard::{Safeguard, SegmentGuard, ValueGuard};
use crate::record::digest::Hasher;
use crate::record::entity::EntitySpec;
use crate::record::{FieldId, Record, Value};

/// What the pass over the stored columns of one entity found.
#[derive(Default)]
pub struct ColumnScan {
    segments: Vec<SegmentGuard>,
    values: Vec<ValueGuard>,
    /// Records and lost records per value, for each segment guard.
    counts: Vec<HashMap<String, (u64, u64)>>,
    /// Records with a value, and how many of them go, per field.
    filled: BTreeMap<FieldId, (u64, u64)>,
    /// Lists of records that must exist.
    pub lists: Lists,
}

/// A guard that says no.
pub struct Alarm {
    /// Its entry in the report.
    pub entry: Json,
    /// Whether it is one of a segment.
    pub segment: bool,
}

/// Visits a value as text; of a list every item.
pub fn each_text(value: Value<'_>, mut visit: impl FnMut(&str)) {
    match value {
        Value::List(items) => items.for_each(visit),
        Value::Text(text) | Value::Json(text) => visit(text),
        Value::Flag(flag) => visit(if flag { "true" } else { "false" }),
        Value::Integer(integer) => visit(&integer.to_string()),
    }
}

impl ColumnScan {
    /// The guards of `safeguard` for the entity `spec`.
    pub fn new(safeguard: &Safeguard, spec: &EntitySpec) -> Self {
        let segments: Vec<_> = safeguard.segments.iter().filter(|guard| guard.entity == spec.name).cloned().collect();
        let values = safeguard.values.iter().filter(|guard| guard.entity == spec.name).cloned().collect();
        let lists = Lists::new(safeguard, &spec.name);
        ColumnScan { counts: vec![HashMap::new(); segments.len()], segments, values, lists, ..ColumnScan::default() }
    }

    /// Stored columns to read; none if no guard is set or there is nothing stored.
    pub fn columns(&self, entity: &EntityPlan) -> Vec<String> {
        if entity.base.records == 0 {
            return Vec::new();
        }
        let wanted = |name: &str| {
            self.segments.iter().any(|guard| guard.column == name)
                || self.values.iter().any(|guard| guard.column == name || guard.column == "*")
                || self.lists.wants(entity, name)
        };
        entity.base.columns.iter().map(|column| column.name.clone()).filter(|name| wanted(name)).collect()
    }

    /// Counts a batch of stored rows; `closed` says which go.
    pub fn supply(
        &mut self,
        entity: &EntityPlan,
        hasher: &Hasher,
        closed: &[(u64, i32)],
        batch: &RecordBatch,
    ) -> Result<(), Stop> {
        let rows = StoredRows::new(batch, &entity.spec, &entity.table)?;
        let mut record = Record::default();
        let fields: Vec<_> = self.segments.iter().map(|guard| entity.table.find(&guard.column)).collect();
        for at in 0..rows.len() {
            rows.read(at, &mut record)?;
            let row = rows.row(at)?;
            let goes = closed.binary_search_by_key(&row, |(row, _)| *row).is_ok_and(|at| closed[at].1 != 0);
            for (field, counts) in fields.iter().zip(&mut self.counts) {
                let Some(cell) = field.and_then(|field| record.find(field)) else { continue };
                each_text(record.value(cell), |value| {
                    let entry = counts.entry(value.to_owned()).or_default();
                    entry.0 += 1;
                    entry.1 += u64::from(goes);
                });
            }
            self.lists.count(entity, hasher, &record, row, goes);
            if !self.values.is_empty() {
                for cell in record.cells() {
                    let filled = self.filled.entry(cell.field).or_default();
                    filled.0 += 1;
                    filled.1 += u64::from(goes);
                }
            }
        }
        Ok(())
    }

    /// The guards that say no. `nulled` and `zeroed` count changed records by field; `given` are the columns of a
    /// full CSV feed.
    pub fn alarms(
        &self,
        entity: &EntityPlan,
        nulled: &BTreeMap<FieldId, i64>,
        zeroed: &BTreeMap<FieldId, u64>,
        given: Option<&[FieldId]>,
    ) -> Vec<Alarm> {
        let mut alarms = Vec::new();
        let name = &entity.spec.name;
        for (guard, counts) in self.segments.iter().zip(&self.counts) {
            let mut bad: Vec<_> = counts
                .iter()
                .filter(|(_, (base, lost))| *base >= guard.at_least && guard.limit.exceeded(*lost, *base))
                .collect();
            bad.sort_by_key(|(value, (_, lost))| (std::cmp::Reverse(*lost), (*value).clone()));
            alarms.extend(bad.into_iter().map(|(value, (base, lost))| Alarm {
                segment: true,
                entry: json!({"entity": name, "column": guard.column, "value": value, "lost": lost, "base": base,
                              "limit": guard.limit}),
            }));
        }
        for guard in &self.values {
            for (field, (filled, gone)) in &self.filled {
                let column = entity.table.name(*field);
                if guard.column != "*" && guard.column != *column {
                    continue;
                }
                let mut alarm = |kind: &str, count: u64, limit: Json| {
                    alarms.push(Alarm {
                        segment: false,
                        entry: json!({"entity": name, "guard": kind, "column": &*column, "count": count,
                                      "base": filled, "limit": limit}),
                    });
                };
                let zeros = zeroed.get(field).copied().unwrap_or(0);
                if let Some(limit) = guard.zero_share.filter(|limit| limit.exceeded(zeros, *filled)) {
                    alarm("zero_share", zeros, json!(limit));
                }
                let nulls = nulled.get(field).copied().unwrap_or(0).max(0) as u64;
                if let Some(limit) = guard.null_rise.filter(|limit| limit.exceeded(nulls, *filled)) {
                    alarm("null_rise", nulls, json!(limit));
                }
                if guard.vanished && *filled > *gone && given.is_some_and(|given| !given.contains(field)) {
                    alarm("column_vanished", *filled, Json::Null);
                }
            }
        }
        alarms
    }
}
