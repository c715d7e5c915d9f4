//! Records to Arrow batches, column by column.

use std::sync::Arc;

use arrow_array::builder::{ArrayBuilder, BooleanBuilder, Int64Builder, ListBuilder, StringBuilder};
use arrow_array::{ArrayRef, Int32Array, Int64Array, RecordBatch};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};

use crate::record::{FieldId, Kind, Record, State, Value};

enum Builder {
    Text(StringBuilder),
    List(ListBuilder<StringBuilder>),
    Flag(BooleanBuilder),
    Integer(Int64Builder),
}

/// Gathers records of one entity into a batch.
pub struct BatchBuilder {
    schema: SchemaRef,
    service: Vec<Int64Builder>,
    columns: Vec<Builder>,
    filled: Vec<usize>,
    /// Column of each (field, kind).
    places: Vec<[u32; 5]>,
    rows: usize,
}

const NO_COLUMN: u32 = u32::MAX;

/// The Arrow type of a kind.
pub fn data_type(kind: Kind) -> DataType {
    match kind {
        Kind::Text | Kind::Json => DataType::Utf8,
        Kind::List => DataType::List(Arc::new(Field::new("item", DataType::Utf8, true))),
        Kind::Flag => DataType::Boolean,
        Kind::Integer => DataType::Int64,
    }
}

/// The schema of `service` columns (all Int64) and `columns`.
pub fn schema(service: &[&str], columns: &[(String, FieldId, Kind)]) -> SchemaRef {
    let mut fields: Vec<Field> = service.iter().map(|name| Field::new(*name, DataType::Int64, true)).collect();
    fields.extend(columns.iter().map(|(name, _, kind)| Field::new(name, data_type(*kind), true)));
    Arc::new(Schema::new(fields))
}

impl BatchBuilder {
    /// A builder of batches with `schema`, made by [`schema`] from the same columns.
    pub fn new(schema: SchemaRef, columns: &[(String, FieldId, Kind)]) -> Self {
        let service = schema.fields().len() - columns.len();
        let fields = columns.iter().map(|(_, field, _)| field.0 as usize + 1).max().unwrap_or(0);
        let mut places = vec![[NO_COLUMN; 5]; fields];
        for (place, (_, field, kind)) in columns.iter().enumerate() {
            places[field.0 as usize][*kind as usize] = place as u32;
        }
        let builder = |kind: Kind| match kind {
            Kind::Text | Kind::Json => Builder::Text(StringBuilder::new()),
            Kind::List => Builder::List(ListBuilder::new(StringBuilder::new())),
            Kind::Flag => Builder::Flag(BooleanBuilder::new()),
            Kind::Integer => Builder::Integer(Int64Builder::new()),
        };
        BatchBuilder {
            schema,
            service: (0..service).map(|_| Int64Builder::new()).collect(),
            columns: columns.iter().map(|(_, _, kind)| builder(*kind)).collect(),
            filled: vec![0; columns.len()],
            places,
            rows: 0,
        }
    }

    /// Rows gathered.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether nothing is gathered.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Adds a record: the `Set` cells for which there is a column. `service` are the service columns' values.
    pub fn push(&mut self, service: &[i64], record: &Record) {
        for (builder, value) in self.service.iter_mut().zip(service) {
            builder.append_value(*value);
        }
        self.rows += 1;
        for cell in record.cells().iter().filter(|cell| cell.state == State::Set) {
            let place = self.places.get(cell.field.0 as usize).map_or(NO_COLUMN, |kinds| kinds[cell.kind as usize]);
            if place == NO_COLUMN || self.filled[place as usize] == self.rows {
                continue;
            }
            let place = place as usize;
            self.filled[place] = self.rows;
            match (&mut self.columns[place], record.value(cell)) {
                (Builder::Text(builder), Value::Text(text) | Value::Json(text)) => builder.append_value(text),
                (Builder::Flag(builder), Value::Flag(flag)) => builder.append_value(flag),
                (Builder::Integer(builder), Value::Integer(integer)) => builder.append_value(integer),
                (Builder::List(builder), Value::List(items)) => {
                    items.for_each(|item| builder.values().append_value(item));
                    builder.append(true);
                }
                (builder, _) => builder.append_null(),
            }
        }
        for (builder, filled) in self.columns.iter_mut().zip(&mut self.filled) {
            if *filled != self.rows {
                builder.append_null();
                *filled = self.rows;
            }
        }
    }

    /// The batch; the builder is empty again.
    pub fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let mut arrays: Vec<ArrayRef> = self.service.iter_mut().map(|b| Arc::new(b.finish()) as ArrayRef).collect();
        arrays.extend(self.columns.iter_mut().map(|column| column.finish(self.rows)));
        self.rows = 0;
        self.filled.fill(0);
        RecordBatch::try_new(self.schema.clone(), arrays)
    }
}

impl Builder {
    fn append_null(&mut self) {
        match self {
            Builder::Text(builder) => builder.append_null(),
            Builder::List(builder) => builder.append_null(),
            Builder::Flag(builder) => builder.append_null(),
            Builder::Integer(builder) => builder.append_null(),
        }
    }

    /// The column's array. The next one gets room for as much as this one held: growing step by step copies.
    fn finish(&mut self, rows: usize) -> ArrayRef {
        let texts = |bytes: usize, rows: usize| StringBuilder::with_capacity(rows, bytes + bytes / 8);
        match self {
            Builder::Text(builder) => {
                let next = texts(builder.values_slice().len(), rows);
                Arc::new(std::mem::replace(builder, next).finish())
            }
            Builder::List(builder) => {
                let items = builder.values();
                let next = ListBuilder::with_capacity(texts(items.values_slice().len(), items.len()), rows);
                Arc::new(std::mem::replace(builder, next).finish())
            }
            Builder::Flag(builder) => Arc::new(builder.finish()),
            Builder::Integer(builder) => Arc::new(builder.finish()),
        }
    }
}

/// One batch of stored row numbers.
pub fn row_batch(rows: &[u64]) -> Result<RecordBatch, ArrowError> {
    let rows: Int64Array = rows.iter().map(|row| Some(*row as i64)).collect();
    let schema = Schema::new(vec![Field::new("_row", DataType::Int64, false)]);
    RecordBatch::try_new(Arc::new(schema), vec![Arc::new(rows)])
}

/// One batch of rows to close with their reasons.
pub fn closed_batch(closed: &[(u64, i32)]) -> Result<RecordBatch, ArrowError> {
    let rows: Int64Array = closed.iter().map(|(row, _)| Some(*row as i64)).collect();
    let reasons: Int32Array = closed.iter().map(|(_, reason)| Some(*reason)).collect();
    let schema =
        Schema::new(vec![Field::new("_row", DataType::Int64, false), Field::new("_reason", DataType::Int32, false)]);
    RecordBatch::try_new(Arc::new(schema), vec![Arc::new(rows), Arc::new(reasons)])
}
