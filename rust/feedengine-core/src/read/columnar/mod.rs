//! Parquet: its rows as records, read a batch at a time from all columns side by side.
//!
//! Columns are flat, or lists of plain values, which become the engine's lists; deeper ones are refused. A null is a
//! blank cell. The library decodes; finding, bounding and unpacking of pages is done here, for files lie.

mod column;
mod pages;
mod thrift;
mod value;

#[cfg(test)]
mod tests;

use std::io::{Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader};

use self::column::{Cell, Column};
use self::pages::{Pages, Stretch};
use self::thrift::Thrift;
use super::foreign::{Foreign, Row, Shape};
use super::source::{Bytes, Random};
use super::{ReadOptions, header};
use crate::fault::{Code, Fault, Position};
use crate::record::entity::EntitySpec;

/// At both ends of every file.
pub(crate) const MAGIC: &[u8; 4] = b"PAR1";
/// Longest directory: what it becomes in memory is some thirty times longer.
const DIRECTORY: u64 = 16 << 20;
/// Groups within one another in a schema.
const DEEPEST: usize = 32;
/// Cells of a batch, and its rows at most.
const CELLS: usize = 1 << 18;
const ROWS: usize = 1024;
/// Values of a list column beyond 16 for each row.
const LISTED: u64 = 4 << 20;

/// What a file is not.
pub(crate) fn bad(message: impl Into<String>) -> Fault {
    Fault::new(Code::BadParquet, message)
}

/// A fault on its way through the library.
fn refuse(fault: Fault) -> ParquetError {
    ParquetError::External(Box::new(fault))
}

/// And on its way out of it.
fn fault(error: ParquetError) -> Fault {
    match error {
        ParquetError::External(error) => match error.downcast::<Fault>() {
            Ok(fault) => *fault,
            Err(error) => bad(format!("the file is damaged: {error}")),
        },
        error => bad(format!("the file is damaged: {error}")),
    }
}

/// Runs what a damaged file might make the library panic in.
fn guarded<T>(work: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(bad("the file is damaged: it cannot be decoded")))
}

/// A file being read.
pub(crate) struct Table {
    file: Random,
    directory: ParquetMetaData,
    columns: Vec<Column>,
    most: usize,
    /// The row group that comes next, and rows of the present one that are not in a batch yet.
    group: usize,
    left: usize,
    /// Rows of the batch that are still to be given out.
    batch: usize,
    records: u64,
    used: Arc<AtomicUsize>,
}

impl Table {
    /// Reads the file's directory.
    pub(crate) fn open(mut file: Random, options: &ReadOptions) -> Result<Table, Fault> {
        let bytes = directory(&mut file)?;
        let directory = guarded(|| ParquetMetaDataReader::decode_metadata(&bytes).map_err(fault))?;
        let schema = directory.file_metadata().schema_descr_ptr();
        if schema.num_columns() > options.max_columns {
            let message =
                format!("the file has {} columns; at most {} are read", schema.num_columns(), options.max_columns);
            return Err(Fault::new(Code::TooManyColumns, message));
        }
        let columns: Vec<Column> =
            (0..schema.num_columns()).map(|leaf| Column::new(&schema, leaf)).collect::<Result<_, _>>()?;
        if columns.is_empty() {
            return Err(bad("the file has no columns"));
        }
        let most = options.max_record;
        let used = Arc::default();
        Ok(Table { file, directory, columns, most, group: 0, left: 0, batch: 0, records: 0, used })
    }

    /// Makes the next batch; false at the end.
    fn load(&mut self) -> Result<bool, Fault> {
        while self.left == 0 {
            if self.group == self.directory.num_row_groups() {
                return Ok(false);
            }
            self.open_group()?;
            self.group += 1;
        }
        let rows = (CELLS / self.columns.len()).clamp(16, ROWS).min(self.left);
        for column in &mut self.columns {
            column.fill(rows)?;
        }
        self.left -= rows;
        self.batch = rows;
        Ok(true)
    }

    /// Begins all columns of the next row group.
    fn open_group(&mut self) -> Result<(), Fault> {
        let group = self.directory.row_group(self.group);
        let rows = u64::try_from(group.num_rows()).map_err(|_| bad("a row group has a negative number of rows"))?;
        if group.num_columns() != self.columns.len() {
            return Err(bad("a row group has other columns than the file"));
        }
        for (column, chunk) in self.columns.iter_mut().zip(group.columns()) {
            let wrong = |what: &str| bad(format!("the column {:?} cannot be read: {what}", column.name));
            let stretch = stretch(chunk, self.file.size()).map_err(wrong)?;
            match column.list {
                false if stretch.values != rows => {
                    return Err(wrong("it has another number of values than its row group"));
                }
                true if stretch.values > rows.saturating_mul(16).saturating_add(LISTED) => {
                    return Err(wrong("its lists are too long"));
                }
                _ => {}
            }
            column.begin(Pages::new(self.file.again(), stretch, &column.name, &self.used));
        }
        self.left = usize::try_from(rows).map_err(|_| bad("a row group has too many rows"))?;
        Ok(())
    }
}

/// Where a column of a row group lies.
fn stretch(chunk: &ColumnChunkMetaData, size: u64) -> Result<Stretch, &'static str> {
    if chunk.file_path().is_some() {
        return Err("it lies in another file");
    }
    let data = chunk.data_page_offset();
    // Some writers give an offset of zero where there is no dictionary.
    let start = chunk.dictionary_page_offset().filter(|offset| *offset > 0).map_or(data, |offset| offset.min(data));
    let place = |number: i64| u64::try_from(number).map_err(|_| "its place is a negative number");
    let (start, length, values) = (place(start)?, place(chunk.compressed_size())?, place(chunk.num_values())?);
    let end = start.checked_add(length).filter(|end| *end <= size).ok_or("it ends behind the file")?;
    Ok(Stretch { start, end, values, packing: chunk.compression() })
}

/// The bytes of the directory at the end of the file, once they have been found harmless.
fn directory(file: &mut Random) -> Result<Vec<u8>, Fault> {
    let unreadable = |error: std::io::Error| Fault::new(Code::Unreadable, format!("reading failed: {error}"));
    let size = file.size();
    if size < 12 {
        return Err(bad("the Parquet file ends early: it has no directory"));
    }
    let mut tail = [0; 8];
    file.seek(SeekFrom::Start(size - 8)).and_then(|_| file.read_exact(&mut tail)).map_err(unreadable)?;
    if &tail[4..] == b"PARE" {
        return Err(bad("the Parquet file is encrypted"));
    }
    if &tail[4..] != MAGIC {
        return Err(bad("the Parquet file ends early: its last bytes are not PAR1"));
    }
    let length = u64::from(u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]));
    if length > size - 12 {
        return Err(bad("the Parquet file is damaged: its directory is longer than the file"));
    }
    if length > DIRECTORY {
        return Err(bad(format!("the Parquet file's directory is longer than {} MiB", DIRECTORY >> 20)));
    }
    let mut bytes = vec![0; length as usize];
    file.seek(SeekFrom::Start(size - 8 - length)).and_then(|_| file.read_exact(&mut bytes)).map_err(unreadable)?;
    let damaged = || bad("the Parquet file is damaged: its directory cannot be read");
    match depth(&bytes).ok_or_else(damaged)? {
        deep if deep > DEEPEST => Err(bad(format!("the Parquet file's columns are nested more than {DEEPEST} deep"))),
        _ => Ok(bytes),
    }
}

/// How deep the groups of a schema are nested: the library follows them by recursion.
fn depth(directory: &[u8]) -> Option<usize> {
    let mut deepest = 0;
    // Members that are still to come, of each group that is open.
    let mut open: Vec<i64> = Vec::new();
    Thrift::new(directory).structure(&mut |field, value| {
        if field != 2 {
            return Some(());
        }
        value.structures(&mut |element| {
            let mut members = 0;
            element.structure(&mut |field, value| {
                if field == 5 {
                    members = value.number()?;
                }
                Some(())
            })?;
            while open.last() == Some(&0) {
                open.pop();
            }
            if let Some(left) = open.last_mut() {
                *left -= 1;
            }
            if members > 0 {
                open.push(members);
                deepest = deepest.max(open.len());
            }
            Some(())
        })
    })?;
    Some(deepest)
}

impl Foreign for Table {
    fn shape(&self) -> Shape {
        Shape::Columns(self.columns.iter().map(|column| column.name.clone()).collect())
    }

    fn write_as(&mut self, spec: &EntitySpec) {
        self.columns.iter_mut().for_each(|column| column.hand = header::hand(spec, &column.name));
    }

    fn next(&mut self, _: &mut dyn Bytes, row: &mut Row) -> Result<bool, Fault> {
        let place = Position { record: self.records + 1, ..Position::default() };
        if self.batch == 0 && !guarded(|| self.load()).map_err(|fault| fault.at(place.clone()))? {
            return Ok(false);
        }
        self.batch -= 1;
        self.records += 1;
        let mut length = 0;
        for column in &mut self.columns {
            match column.next()? {
                Cell::Blank => row.cell(""),
                Cell::Text(text) => {
                    length += text.len();
                    row.cell(&text);
                }
                Cell::Wrong(message) => {
                    row.cell("");
                    row.issue(Code::CellError, Some(&column.name), None, format!("{:?}: {message}", column.name));
                }
            }
            if length > self.most {
                let message = format!("the record is longer than {} bytes", self.most);
                return Err(Fault::new(Code::RecordTooLong, message).at(place));
            }
        }
        Ok(true)
    }
}
