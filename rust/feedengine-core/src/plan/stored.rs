//! Stored rows, as the store hands them out in Arrow, back to records.

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType;

use super::rules::open_kind;
use super::stop::Stop;
use crate::record::entity::EntitySpec;
use crate::record::{FieldId, FieldTable, Kind, Record, State};

/// The field and kind that a storage column holds.
pub fn storage_field(spec: &EntitySpec, column: &str) -> (String, Kind) {
    for prefix in ["metadata:", "facet:"] {
        if let Some(name) = column.strip_prefix(prefix).and_then(|rest| rest.strip_prefix("json:")) {
            return (format!("{prefix}{name}"), Kind::Json);
        }
    }
    let kind = spec.field(column).map_or_else(|| open_kind(column), |field| field.kind.into());
    (column.to_owned(), kind)
}

/// The storage column of a field's values of `kind`.
pub fn storage_column(field: &str, kind: Kind) -> String {
    match (kind, field.split_once(':')) {
        (Kind::Json, Some((prefix, name))) => format!("{prefix}:json:{name}"),
        _ => field.to_owned(),
    }
}

/// A kind as the store names it.
pub fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::List => "list",
        Kind::Flag => "flag",
        Kind::Integer => "integer",
        Kind::Json => "json",
    }
}

/// Reads the rows of one batch.
pub struct StoredRows<'b> {
    rows: Option<Vec<i64>>,
    columns: Vec<(FieldId, Kind, &'b ArrayRef)>,
    length: usize,
}

impl<'b> StoredRows<'b> {
    /// Finds the columns of `batch`: `_row` and storage columns; other service columns are passed over.
    pub fn new(batch: &'b RecordBatch, spec: &EntitySpec, table: &FieldTable) -> Result<Self, Stop> {
        let mut columns = Vec::new();
        let mut rows = None;
        for (field, array) in batch.schema_ref().fields().iter().zip(batch.columns()) {
            if field.name() == "_row" {
                rows = Some(integers(array)?);
            } else if !field.name().starts_with('_') {
                let (name, kind) = storage_field(spec, field.name());
                columns.push((table.id(&name), kind, array));
            }
        }
        Ok(StoredRows { rows, columns, length: batch.num_rows() })
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The number of row `at`.
    pub fn row(&self, at: usize) -> Result<u64, Stop> {
        let rows = self.rows.as_ref().ok_or_else(|| Stop::Broken("the store's rows have no _row".into()))?;
        Ok(rows[at] as u64)
    }

    /// Reads row `at` into `record`: a cell for every value that is not NULL.
    pub fn read(&self, at: usize, record: &mut Record) -> Result<(), Stop> {
        record.clear();
        for (field, kind, array) in &self.columns {
            if array.is_null(at) {
                continue;
            }
            match kind {
                Kind::Text => record.push_text(*field, text(array, at)?),
                Kind::Json => record.push_json(*field, text(array, at)?),
                Kind::Flag => {
                    record.push_flag(*field, array.as_boolean_opt().ok_or_else(|| wrong(array, "a flag"))?.value(at))
                }
                Kind::Integer => record.push_integer(*field, integer(array, at)?),
                Kind::List => {
                    let list = array.as_list_opt::<i32>().ok_or_else(|| wrong(array, "a list"))?.value(at);
                    let items = (0..list.len()).map(|n| text(&list, n)).collect::<Result<Vec<_>, _>>()?;
                    record.push_list(*field, State::Set, items);
                }
            }
        }
        Ok(())
    }
}

fn wrong(array: &ArrayRef, what: &str) -> Stop {
    Stop::Broken(format!("the store gave {} where {what} was expected", array.data_type()))
}

fn text(array: &ArrayRef, at: usize) -> Result<&str, Stop> {
    match array.data_type() {
        DataType::Utf8 => Ok(array.as_string::<i32>().value(at)),
        DataType::LargeUtf8 => Ok(array.as_string::<i64>().value(at)),
        DataType::Utf8View => Ok(array.as_string_view().value(at)),
        _ => Err(wrong(array, "text")),
    }
}

fn integer(array: &ArrayRef, at: usize) -> Result<i64, Stop> {
    match array.data_type() {
        DataType::Int64 => Ok(array.as_primitive::<Int64Type>().value(at)),
        DataType::Int32 => Ok(i64::from(array.as_primitive::<Int32Type>().value(at))),
        _ => Err(wrong(array, "an integer")),
    }
}

fn integers(array: &ArrayRef) -> Result<Vec<i64>, Stop> {
    (0..array.len()).map(|at| integer(array, at)).collect()
}
