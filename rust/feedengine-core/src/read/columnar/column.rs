//! One column: its type, and the values of a batch of its rows.

use std::borrow::Cow;

use parquet::basic::{ConvertedType, LogicalType};
use parquet::column::reader::{ColumnReader, get_column_reader};
use parquet::data_type::{ByteArray, FixedLenByteArray, Int96};
use parquet::schema::types::{ColumnDescPtr, SchemaDescriptor};

use super::pages::Pages;
use super::value::{Meaning, Value};
use super::{bad, fault};
use crate::check::Hand;
use crate::fault::Fault;

/// A column of the table.
pub(crate) struct Column {
    pub(crate) name: String,
    /// Whether each row has a list of values.
    pub(crate) list: bool,
    /// How its values are written.
    pub(crate) hand: Hand,
    descriptor: ColumnDescPtr,
    meaning: Meaning,
    reader: Option<ColumnReader>,
    /// For each value, nulls and empty lists among them: how much of its path is there, and whether it goes on a list.
    definitions: Vec<i16>,
    repetitions: Vec<i16>,
    values: Values,
    /// The next of the levels and of the values.
    level: usize,
    value: usize,
}

/// Values of a batch, as they are stored.
#[derive(Default)]
struct Values {
    flags: Vec<bool>,
    ints: Vec<i32>,
    longs: Vec<i64>,
    ints96: Vec<Int96>,
    floats: Vec<f32>,
    doubles: Vec<f64>,
    bytes: Vec<ByteArray>,
    fixed: Vec<FixedLenByteArray>,
}

/// What a row has in a column.
pub(crate) enum Cell<'c> {
    Blank,
    Text(Cow<'c, str>),
    /// A value that has no text, and why.
    Wrong(String),
}

impl Column {
    /// The column of the schema's leaf `leaf`.
    pub(crate) fn new(schema: &SchemaDescriptor, leaf: usize) -> Result<Column, Fault> {
        let descriptor = schema.column(leaf);
        let root = schema.get_column_root(leaf);
        let name = root.name().to_owned();
        let own = schema.get_column_root_idx(leaf);
        let alone = || (0..schema.num_columns()).filter(|other| schema.get_column_root_idx(*other) == own).count() == 1;
        let info = root.get_basic_info();
        let is_list =
            info.converted_type() == ConvertedType::LIST || info.logical_type_ref() == Some(&LogicalType::List);
        let list = match (descriptor.max_rep_level(), descriptor.path().parts().len()) {
            (0, 1) => false,
            (1, 1) => true,
            (1, 2 | 3) if is_list && alone() => true,
            _ => {
                let message =
                    format!("the column {name:?} is nested: flat columns, or lists of plain values, are read");
                return Err(bad(message));
            }
        };
        let meaning = Meaning::of(&descriptor)
            .ok_or_else(|| bad(format!("the column {name:?} holds values that are no text, number or time")))?;
        Ok(Column {
            name,
            list,
            hand: Hand::default(),
            descriptor,
            meaning,
            reader: None,
            definitions: Vec::new(),
            repetitions: Vec::new(),
            values: Values::default(),
            level: 0,
            value: 0,
        })
    }

    /// Begins a row group.
    pub(crate) fn begin(&mut self, pages: Pages) {
        // What the group before had decoded goes first.
        self.reader = None;
        self.reader = Some(get_column_reader(self.descriptor.clone(), Box::new(pages)));
    }

    /// Reads the next `rows` rows.
    pub(crate) fn fill(&mut self, rows: usize) -> Result<(), Fault> {
        let Column { definitions, repetitions, values, .. } = self;
        definitions.clear();
        repetitions.clear();
        (self.level, self.value) = (0, 0);
        macro_rules! read {
            ($reader:ident, $values:expr) => {{
                $values.clear();
                $reader.read_records(rows, Some(definitions), Some(repetitions), &mut $values)
            }};
        }
        let read = match &mut self.reader {
            None => return Err(bad("a column was not begun")),
            Some(ColumnReader::BoolColumnReader(reader)) => read!(reader, values.flags),
            Some(ColumnReader::Int32ColumnReader(reader)) => read!(reader, values.ints),
            Some(ColumnReader::Int64ColumnReader(reader)) => read!(reader, values.longs),
            Some(ColumnReader::Int96ColumnReader(reader)) => read!(reader, values.ints96),
            Some(ColumnReader::FloatColumnReader(reader)) => read!(reader, values.floats),
            Some(ColumnReader::DoubleColumnReader(reader)) => read!(reader, values.doubles),
            Some(ColumnReader::ByteArrayColumnReader(reader)) => read!(reader, values.bytes),
            Some(ColumnReader::FixedLenByteArrayColumnReader(reader)) => read!(reader, values.fixed),
        };
        let (records, ..) = read.map_err(fault)?;
        match records == rows {
            true => Ok(()),
            false => Err(bad(format!("the column {:?} has fewer values than the file has rows", self.name))),
        }
    }

    /// The next row's cell.
    pub(crate) fn next(&mut self) -> Result<Cell<'_>, Fault> {
        let short = || bad("a column has fewer values than levels");
        if !self.list {
            let present = self.take_level().unwrap_or(true);
            if !present {
                return Ok(Cell::Blank);
            }
            self.value += 1;
            let value = self.stored(self.value - 1).ok_or_else(short)?;
            return Ok(match value.text(self.meaning) {
                Ok(text) => Cell::Text(written(&self.hand, self.meaning, text)),
                Err(why) => Cell::Wrong(why),
            });
        }
        let mut text = String::new();
        let mut wrong = None;
        let mut items = 0;
        let separator = self.hand.separator.clone();
        let separator = separator.as_str();
        loop {
            if self.take_level().unwrap_or(true) {
                self.value += 1;
                match self.stored(self.value - 1).ok_or_else(short)?.text(self.meaning) {
                    Ok(item) if item.contains(separator) => {
                        wrong = Some(format!("the item {item:?} of a list holds {separator}"));
                    }
                    Ok(item) => {
                        if items > 0 {
                            text.push_str(separator);
                        }
                        items += 1;
                        text.push_str(&written(&self.hand, self.meaning, item));
                    }
                    Err(why) => wrong = Some(why),
                }
            }
            if self.repetitions.get(self.level).is_none_or(|level| *level == 0) {
                break;
            }
        }
        Ok(match wrong {
            Some(why) => Cell::Wrong(why),
            None if items == 0 => Cell::Blank,
            None => Cell::Text(text.into()),
        })
    }

    /// Whether the next level has a value; `None` where every one has.
    fn take_level(&mut self) -> Option<bool> {
        let level = self.definitions.get(self.level).map(|level| *level == self.descriptor.max_def_level());
        self.level += 1;
        level
    }

    fn stored(&self, at: usize) -> Option<Value<'_>> {
        let values = &self.values;
        Some(match self.reader.as_ref()? {
            ColumnReader::BoolColumnReader(_) => Value::Flag(*values.flags.get(at)?),
            ColumnReader::Int32ColumnReader(_) => Value::Int(*values.ints.get(at)?),
            ColumnReader::Int64ColumnReader(_) => Value::Long(*values.longs.get(at)?),
            ColumnReader::Int96ColumnReader(_) => Value::Int96(values.ints96.get(at)?),
            ColumnReader::FloatColumnReader(_) => Value::Float(*values.floats.get(at)?),
            ColumnReader::DoubleColumnReader(_) => Value::Double(*values.doubles.get(at)?),
            ColumnReader::ByteArrayColumnReader(_) => Value::Bytes(values.bytes.get(at)?),
            ColumnReader::FixedLenByteArrayColumnReader(_) => Value::Fixed(values.fixed.get(at)?),
        })
    }
}

/// The text of a value, as the sender would write it.
fn written<'t>(hand: &Hand, meaning: Meaning, text: Cow<'t, str>) -> Cow<'t, str> {
    let other = match meaning {
        Meaning::Decimal(_) | Meaning::Half | Meaning::Float => hand.number(&text),
        Meaning::Date | Meaning::Moment(..) | Meaning::Moment96 => hand.day(&text),
        _ => return text,
    };
    match other {
        Cow::Borrowed(same) if same.len() == text.len() => text,
        other => other.into_owned().into(),
    }
}
