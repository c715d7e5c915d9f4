//! A patch met with the stored record: what it changes, cell by cell (truth table 2b).

use serde_json::Value as Json;

use super::facts::Facts;
use crate::record::{Cell, FieldId, FieldTable, Kind, Record, State, Value};

/// What a patch did to one record.
#[derive(Debug, Default)]
pub struct Merged {
    /// Fields whose value is another one now.
    pub changed: Vec<FieldId>,
    /// Digest of the cells that came minus digest of those that went.
    pub digest: u128,
    /// Likewise for the size of the data.
    pub size: i64,
    /// A field whose old value is no list, so that `:add` or `:remove` makes no sense.
    pub not_a_list: Option<FieldId>,
}

fn same(old: Option<(Kind, &[u8])>, new: Option<(Kind, &[u8])>) -> bool {
    old == new
}

/// Merges `patch` into `old` and leaves the result in `out`: every field that `old` or `patch` has, as it will be.
pub fn merge(old: &Record, patch: &Record, table: &FieldTable, facts: &mut Facts, out: &mut Record) -> Merged {
    let mut merged = Merged::default();
    out.clear();
    // The key names the record: it is not among the cells that are merged, nor among those the store was asked for.
    let mut fields: Vec<FieldId> = patch.cells().iter().map(|cell| cell.field).filter(|field| field.0 > 0).collect();
    fields.sort_unstable();
    fields.dedup();
    for cell in old.cells().iter().filter(|cell| fields.binary_search(&cell.field).is_err()) {
        out.push_bytes(cell.field, State::Set, cell.kind, old.bytes(cell));
    }
    for field in fields {
        let before = old.find(field).map(|cell| (cell.kind, old.bytes(cell)));
        let whole = patch.find(field);
        let lists: Vec<&Cell> = patch
            .cells()
            .iter()
            .filter(|cell| cell.field == field && matches!(cell.state, State::Add | State::Remove))
            .collect();
        let start = out.cells().len();
        if let Some(cell) = whole {
            if cell.state == State::Set {
                out.push_bytes(field, State::Set, cell.kind, patch.bytes(cell));
            }
        } else if let Some((kind, bytes)) = before {
            out.push_bytes(field, State::Set, kind, bytes);
        }
        if !lists.is_empty() {
            let current = out.cells()[start..].first().map(|cell| out.value(cell));
            let Some((kind, items)) = list_of(current, table, field) else {
                merged.not_a_list = Some(field);
                continue;
            };
            let items = add_and_remove(items, patch, &lists);
            out.retain(|cell| cell.field != field);
            push_list(out, field, kind, items);
        }
        let after = out.find(field).copied();
        let after_bytes = after.as_ref().map(|cell| (cell.kind, out.bytes(cell)));
        if same(before, after_bytes) {
            continue;
        }
        merged.changed.push(field);
        if let Some(cell) = old.find(field) {
            merged.digest = merged.digest.wrapping_sub(facts.cell_digest(field, cell.kind, old.bytes(cell)));
            merged.size -= facts.cell_size(cell, old.bytes(cell), false) as i64;
        }
        if let Some(cell) = &after {
            merged.digest = merged.digest.wrapping_add(facts.cell_digest(field, cell.kind, out.bytes(cell)));
            merged.size += facts.cell_size(cell, out.bytes(cell), false) as i64;
        }
    }
    merged
}

/// The items of a list field, and the kind it is stored in. An absent field is an empty list.
fn list_of(value: Option<Value<'_>>, table: &FieldTable, field: FieldId) -> Option<(Kind, Vec<Json>)> {
    let text = |item: &str| Json::String(item.to_owned());
    match value {
        Some(Value::List(items)) => Some((Kind::List, items.map(text).collect())),
        Some(Value::Json(json)) => match serde_json::from_str(json) {
            Ok(Json::Array(items)) => Some((Kind::Json, items)),
            _ => None,
        },
        Some(_) => None,
        None => {
            let name = table.name(field);
            let kind = if name.starts_with("metadata:") { Kind::Json } else { Kind::List };
            Some((kind, Vec::new()))
        }
    }
}

/// Takes out first, then adds; order is kept and nothing appears twice.
fn add_and_remove(mut items: Vec<Json>, patch: &Record, cells: &[&Cell]) -> Vec<Json> {
    for state in [State::Remove, State::Add] {
        for cell in cells.iter().filter(|cell| cell.state == state) {
            let Value::List(given) = patch.value(cell) else { continue };
            for item in given {
                match state {
                    State::Remove => items.retain(|known| known.as_str() != Some(item)),
                    _ if items.iter().any(|known| known.as_str() == Some(item)) => {}
                    _ => items.push(Json::String(item.to_owned())),
                }
            }
        }
    }
    let mut once: Vec<Json> = Vec::with_capacity(items.len());
    for item in items {
        if !once.contains(&item) {
            once.push(item);
        }
    }
    once
}

fn push_list(out: &mut Record, field: FieldId, kind: Kind, items: Vec<Json>) {
    match kind {
        Kind::List => out.push_list(field, State::Set, items.iter().filter_map(Json::as_str)),
        _ => out.push_json(field, &Json::Array(items).to_string()),
    }
}
