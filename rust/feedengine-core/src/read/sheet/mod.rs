//! XLSX: one sheet of a workbook as records, row by row.
//!
//! Hidden rows and columns are read like any others: a filter that somebody forgot must not remove products. What the
//! sheet says of its own size is not believed; what a cell looks like does not matter, but for dates.

mod book;
mod cell;
mod others;
mod strings;
mod styles;
mod xml;

#[cfg(test)]
mod tests;

use std::io::{Read, Take};
use std::ops::Range;

use self::book::{BOOK, Book};
use self::strings::Strings;
use self::styles::Look;
use self::xml::{Piece, Xml};
use super::foreign::{Foreign, Row, Shape};
use super::source::{Bytes, Random};
use super::zip::{Member, Zip};
use super::{ReadOptions, header};
use crate::check::Hand;
use crate::fault::{Code, Fault, Position, letters};
use crate::record::entity::EntitySpec;

/// Rows and columns that a sheet can have.
const ROWS: u64 = 1_048_576;
const COLUMNS: usize = 16_384;

/// Opens the declared sheet of a zip archive that starts with `head`.
pub(crate) fn open(file: Random, head: &[u8], options: &ReadOptions) -> Result<Sheet, Fault> {
    let other = |what: &str| Fault::new(Code::ZipNotSupported, format!("this is {what}"));
    let name = head.get(30..).unwrap_or_default();
    let zip = match Zip::open(file, options.max_expansion, |name| name.starts_with("xl/")) {
        Ok(zip) => zip,
        // The first part tells what the archive would be if it were whole.
        Err(fault) if FIRST.iter().any(|first| name.starts_with(first)) => return Err(fault),
        Err(_) => return Err(other("a zip archive")),
    };
    if zip.has(BOOK) {
        return Sheet::open(&zip, options);
    }
    let is_binary = zip.has("xl/workbook.bin");
    let is_open = name.starts_with(b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet");
    Err(match (is_binary, is_open) {
        (true, _) => Fault::new(Code::BadSheet, "this is a binary workbook (xlsb): save it as xlsx"),
        (_, true) => Fault::new(Code::BadSheet, "this is an OpenDocument spreadsheet: save it as xlsx"),
        _ => other("a zip archive without a workbook"),
    })
}

/// What a workbook's archive begins with.
const FIRST: [&[u8]; 4] = [b"[Content_Types].xml", b"_rels/.rels", b"docProps/", b"xl/"];

/// A sheet being read.
pub(crate) struct Sheet {
    book: Book,
    strings: Strings,
    looks: Vec<Look>,
    most: usize,
    xml: Xml<Take<Member>>,
    /// Behind the start of its data.
    inside: bool,
    /// The present row and column.
    row: u64,
    column: usize,
    cells: Vec<Cell>,
    /// All texts of the row.
    text: String,
    present: Present,
    /// Column names; the row they stand in.
    names: Vec<String>,
    header_row: u64,
    /// The last row that held something.
    filled: u64,
    /// Columns that hold ids.
    ids: Vec<bool>,
    /// How the values of each column are written.
    hands: Vec<Hand>,
    numbers: Tally,
    formulas: Tally,
    /// Other sheets that hold records, where nobody chose this one.
    unread: Vec<String>,
}

/// A cell that holds something.
struct Cell {
    column: usize,
    text: Range<usize>,
    /// Why its value cannot be told.
    wrong: Option<String>,
}

/// The cell that is being read.
#[derive(Default)]
struct Present {
    kind: String,
    style: usize,
    value: String,
    formula: bool,
    /// Within its value, and within a guide to its pronunciation.
    taking: bool,
    phonetic: bool,
}

/// How many cells there are of a kind, and where the first one is.
#[derive(Default)]
struct Tally {
    count: u64,
    first: Option<(u64, usize)>,
}

impl Tally {
    fn add(&mut self, row: u64, column: usize) {
        self.count += 1;
        self.first.get_or_insert((row, column));
    }
}

/// What a piece of XML asks for.
enum Step {
    Row(Option<u64>),
    Cell(Option<String>),
    CellEnd,
    RowEnd,
    Merged(String),
    Nothing,
    End,
}

impl Sheet {
    /// Opens the sheet that is declared and reads up to its column names.
    fn open(zip: &Zip, options: &ReadOptions) -> Result<Sheet, Fault> {
        let spec = options.format.sheet.clone().unwrap_or_default();
        let most = options.max_record;
        let book = Book::read(zip, spec.name.as_deref(), most)?;
        let strings = match &book.strings {
            Some(part) => Strings::read(zip.read(part)?, most)?,
            None => Strings::default(),
        };
        let looks = match &book.styles {
            Some(part) => styles::read(zip.read(part)?, most)?,
            None => Vec::new(),
        };
        let mut sheet = Sheet {
            xml: Xml::new(zip.read(&book.sheet)?.take(u64::MAX), most),
            book,
            strings,
            looks,
            most,
            inside: false,
            row: 0,
            column: 0,
            cells: Vec::new(),
            text: String::new(),
            present: Present::default(),
            names: Vec::new(),
            header_row: spec.header_row.into(),
            filled: 0,
            ids: Vec::new(),
            hands: Vec::new(),
            numbers: Tally::default(),
            formulas: Tally::default(),
            unread: Vec::new(),
        };
        if spec.name.is_none() {
            sheet.look_around(zip, options);
        }
        sheet.header(options)?;
        Ok(sheet)
    }

    /// Reads the row of the column names.
    fn header(&mut self, options: &ReadOptions) -> Result<(), Fault> {
        while self.row < self.header_row {
            if !self.read_row()? {
                break;
            }
        }
        if self.row != self.header_row || self.cells.is_empty() {
            let message = format!("row {} of {} holds no column names", self.header_row, self.book.name);
            let place = Position { line: self.header_row, ..Position::default() };
            return Err(Fault::new(Code::BadSheet, message).at(place));
        }
        self.filled = self.row;
        self.formulas = Tally::default();
        let width = self.cells.last().map_or(0, |cell| cell.column);
        self.names = vec![String::new(); width];
        for cell in &self.cells {
            if let Some(wrong) = &cell.wrong {
                return Err(self.bad(cell.column, wrong));
            }
            self.names[cell.column - 1].push_str(&self.text[cell.text.clone()]);
        }
        let is_id = |name: &String| options.entities.iter().any(|spec| header::is_key(spec, name));
        self.ids = self.names.iter().map(is_id).collect();
        Ok(())
    }

    /// Reads the next row that the sheet has; its cells that hold something are then in `cells`.
    fn read_row(&mut self) -> Result<bool, Fault> {
        self.cells.clear();
        self.text.clear();
        loop {
            match self.step()? {
                Step::Row(number) => {
                    let row = number.unwrap_or(self.row + 1);
                    if row <= self.row || row > ROWS {
                        let message = format!("row {row} of {} follows row {}", self.book.name, self.row);
                        return Err(Fault::new(Code::BadSheet, message));
                    }
                    (self.row, self.column) = (row, 0);
                }
                Step::Cell(address) => self.begin_cell(address.as_deref())?,
                Step::CellEnd => self.end_cell()?,
                Step::RowEnd => return Ok(true),
                Step::Merged(cells) => self.merged(&cells)?,
                Step::Nothing => {}
                Step::End => return Ok(false),
            }
        }
    }

    fn step(&mut self) -> Result<Step, Fault> {
        let present = &mut self.present;
        Ok(match self.xml.next()? {
            Piece::Open(tag) => match tag.name() {
                "sheetData" => {
                    self.inside = true;
                    Step::Nothing
                }
                "mergeCell" => Step::Merged(tag.get("ref")?.unwrap_or_default()),
                _ if !self.inside => Step::Nothing,
                "row" => match tag.get("r")? {
                    Some(text) => Step::Row(Some(text.parse().map_err(|_| xml::bad("a row has no number"))?)),
                    None => Step::Row(None),
                },
                "c" => {
                    present.kind.clear();
                    present.style = 0;
                    present.value.clear();
                    present.formula = false;
                    let mut address = None;
                    tag.attributes(|name, value| match name {
                        "r" => address = Some(value.to_owned()),
                        "s" => present.style = value.parse().unwrap_or(0),
                        "t" => value.clone_into(&mut present.kind),
                        _ => {}
                    })?;
                    Step::Cell(address)
                }
                "f" => {
                    present.formula = true;
                    Step::Nothing
                }
                "rPh" => {
                    present.phonetic = true;
                    Step::Nothing
                }
                "v" | "t" => {
                    present.taking = !present.phonetic;
                    Step::Nothing
                }
                _ => Step::Nothing,
            },
            Piece::Text(text) => {
                if present.taking {
                    present.value.push_str(&text);
                    cell::check_length(&present.value, self.most)?;
                }
                Step::Nothing
            }
            Piece::Close(tag) => match tag.local_name().into_inner() {
                "sheetData" => {
                    self.inside = false;
                    Step::Nothing
                }
                "v" | "t" => {
                    present.taking = false;
                    Step::Nothing
                }
                "rPh" => {
                    present.phonetic = false;
                    Step::Nothing
                }
                "c" if self.inside => Step::CellEnd,
                "row" if self.inside => Step::RowEnd,
                _ => Step::Nothing,
            },
            Piece::Other => Step::Nothing,
            Piece::End => Step::End,
        })
    }

    fn begin_cell(&mut self, address: Option<&str>) -> Result<(), Fault> {
        let column = match address {
            None => self.column + 1,
            Some(address) => match cell::place(address) {
                Some((row, column)) if row == self.row => column,
                _ => return Err(self.bad(self.column + 1, &format!("a cell in this row says that it is {address}"))),
            },
        };
        if column > COLUMNS {
            return Err(self.bad(column, &format!("a sheet has {COLUMNS} columns at most")));
        }
        if column <= self.column {
            return Err(self.bad(column, &format!("the cell follows column {}", letters(self.column))));
        }
        self.column = column;
        Ok(())
    }

    /// Keeps the cell if it holds something.
    fn end_cell(&mut self) -> Result<(), Fault> {
        let start = self.text.len();
        let present = std::mem::take(&mut self.present);
        let found = self.value(&present);
        if present.formula {
            self.formulas.add(self.row, self.column);
        }
        self.present = present;
        let wrong = match found? {
            Ok(()) if self.text.len() == start => return Ok(()),
            Ok(()) => None,
            Err(wrong) => Some(wrong),
        };
        self.cells.push(Cell { column: self.column, text: start..self.text.len(), wrong });
        if self.text.len() + self.cells.len() > self.most {
            let message = format!("row {} of {} is longer than {} bytes", self.row, self.book.name, self.most);
            return Err(Fault::new(Code::RecordTooLong, message).at(self.position()));
        }
        Ok(())
    }

    /// Adds the cell's value to the row's text, or says why it has none.
    fn value(&mut self, cell: &Present) -> Result<Result<(), String>, Fault> {
        let value = cell.value.as_str();
        match cell.kind.as_str() {
            "s" => match value.trim_ascii().parse().ok().and_then(|number| self.strings.get(number)) {
                Some(text) => self.text.push_str(text),
                None => return Err(self.bad(self.column, "the cell names a shared text that is not there")),
            },
            "inlineStr" | "str" => self.text.push_str(&cell::unescape(value)),
            "e" => return Ok(Err(format!("the cell holds the error {value}"))),
            _ if value.trim_ascii().is_empty() => {
                let never = "the cell's formula has no value: calculate and save the workbook again";
                return Ok(if cell.formula { Err(never.into()) } else { Ok(()) });
            }
            "b" => match value.trim_ascii() {
                "1" | "true" => self.text.push_str("true"),
                "0" | "false" => self.text.push_str("false"),
                _ => return Ok(Err(format!("{value:?} is neither true nor false"))),
            },
            "d" => {
                let day = cell::iso(value);
                self.text.push_str(&self.hands.get(self.column - 1).map_or(day.into(), |hand| hand.day(day)));
            }
            "" | "n" => {
                let look = self.looks.get(cell.style).copied().unwrap_or_default();
                let text = match look {
                    Look::Number => cell::number(value).ok_or_else(|| format!("{value:?} is no number")),
                    Look::Date | Look::Time => cell::moment(value, look, self.book.from_1904),
                };
                match (text, self.hands.get(self.column - 1)) {
                    (Ok(text), Some(hand)) if look == Look::Number => self.text.push_str(&hand.number(&text)),
                    (Ok(text), Some(hand)) => self.text.push_str(&hand.day(&text)),
                    (Ok(text), None) => self.text.push_str(&text),
                    (Err(wrong), _) => return Ok(Err(wrong)),
                }
                if look == Look::Number && self.ids.get(self.column - 1) == Some(&true) {
                    self.numbers.add(self.row, self.column);
                }
            }
            kind => return Err(self.bad(self.column, &format!("the cell has the unknown type {kind:?}"))),
        }
        Ok(Ok(()))
    }

    /// Refuses merged cells within the table: only one of them holds the value, the others would be blank.
    fn merged(&self, cells: &str) -> Result<(), Fault> {
        let (first, last) = cells.split_once(':').unwrap_or((cells, cells));
        let (Some((top, left)), Some((bottom, _))) = (cell::place(first), cell::place(last)) else {
            return Err(xml::bad(&format!("{cells:?} are no cells")));
        };
        if bottom < self.header_row || top > self.filled || left > self.names.len() {
            return Ok(());
        }
        let message = format!("the cells {}!{cells} are merged: give each row its own values", self.book.name);
        Err(Fault::new(Code::BadSheet, message).at(Position { line: top, ..Position::default() }).value(cells))
    }

    /// `Products!C7`.
    fn address(&self, row: u64, column: usize) -> String {
        format!("{}!{}{row}", self.book.name, letters(column))
    }

    fn position(&self) -> Position {
        Position { record: self.row.saturating_sub(self.header_row), line: self.row, ..Position::default() }
    }

    fn bad(&self, column: usize, what: &str) -> Fault {
        let message = format!("{}: {what}", self.address(self.row, column));
        Fault::new(Code::BadSheet, message).at(self.position())
    }
}

impl Foreign for Sheet {
    fn shape(&self) -> Shape {
        Shape::Columns(self.names.clone())
    }

    fn next(&mut self, _: &mut dyn Bytes, row: &mut Row) -> Result<bool, Fault> {
        loop {
            if !self.read_row()? {
                return Ok(false);
            }
            if !self.cells.is_empty() {
                break;
            }
        }
        self.filled = self.row;
        row.origin.line = self.row;
        let mut column = 0;
        for cell in &self.cells {
            while column + 1 < cell.column {
                row.cell("");
                column += 1;
            }
            row.cell(&self.text[cell.text.clone()]);
            column += 1;
            if let Some(wrong) = &cell.wrong {
                let message = format!("{}: {wrong}", self.address(self.row, cell.column));
                row.issue(Code::CellError, self.names.get(column - 1).map(String::as_str), None, message);
            }
        }
        while column < self.names.len() {
            row.cell("");
            column += 1;
        }
        Ok(true)
    }

    fn write_as(&mut self, spec: &EntitySpec) {
        self.hands = self.names.iter().map(|name| header::hand(spec, name)).collect();
    }

    fn sheet(&self) -> Option<&str> {
        Some(&self.book.name)
    }

    fn warnings(&mut self) -> Vec<Fault> {
        let odd = [
            (&self.numbers, Code::NumericId, "ids are stored as numbers, not as text"),
            (
                &self.formulas,
                Code::FormulaCells,
                "cells hold formulas: the values they had when the workbook was saved count",
            ),
        ];
        let warn = |(tally, code, what): (&Tally, Code, &str)| {
            let (row, column) = tally.first?;
            let message = format!("{} {what}; the first one is {}", tally.count, self.address(row, column));
            let name = self.names.get(column - 1).cloned().unwrap_or_default();
            Some(Fault::new(code, message).at(Position { line: row, ..Position::default() }).column(name))
        };
        odd.into_iter().filter_map(warn).chain(self.told_of_others()).collect()
    }
}
