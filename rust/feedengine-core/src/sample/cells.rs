//! One record's cells before they are CSV or JSON, and the two ways of writing them.

use memchr::memchr3;

use super::Format;

/// What a column holds; decides its form in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Text.
    Text,
    /// Several values with pipes between them; an array in JSON.
    List,
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Integer,
    /// JSON text, written as it is.
    Json,
}

/// A column: its CSV header, its place in JSON, its shape.
pub(super) struct Column {
    pub(super) csv: &'static str,
    pub(super) json: &'static str,
    pub(super) place: Place,
    pub(super) shape: Shape,
}

/// Where a column stands in the nested JSON form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A member of the record itself.
    Top,
    /// A member of `data`.
    Data,
    /// A member of `data.facets`.
    Facet,
    /// The members of the value are those of `data` (groups).
    Spread,
}

/// The cells of one record, one after another in one buffer that is used again for the next record.
#[derive(Default)]
pub(super) struct Cells {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Cells {
    /// Forgets the record.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Adds text to the cell that is being written.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.bytes.extend_from_slice(text.as_bytes());
        self
    }

    /// Adds a number, zero-padded to `width`.
    pub(super) fn number(&mut self, mut value: u64, width: usize) -> &mut Self {
        let mut digits = [b'0'; 20];
        let mut at = digits.len();
        while value > 0 || at == digits.len() {
            at -= 1;
            digits[at] = b'0' + (value % 10) as u8;
            value /= 10;
        }
        let at = at.min(digits.len() - width.min(digits.len()));
        self.bytes.extend_from_slice(&digits[at..]);
        self
    }

    /// Adds text in lower case, with dashes for what is not a letter or digit of ASCII.
    pub(super) fn slug(&mut self, text: &str) -> &mut Self {
        self.bytes.extend(text.bytes().map(|b| if b.is_ascii_alphanumeric() { b.to_ascii_lowercase() } else { b'-' }));
        self
    }

    /// Ends the cell.
    pub(super) fn end(&mut self) {
        self.ends.push(self.bytes.len());
    }

    fn cell(&self, column: usize) -> &[u8] {
        let start = if column == 0 { 0 } else { self.ends[column - 1] };
        &self.bytes[start..self.ends[column]]
    }
}

/// Writes the header line of a CSV file.
pub(super) fn header(out: &mut Vec<u8>, columns: &[Column], order: &[usize]) {
    for (n, column) in order.iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        out.extend_from_slice(columns[*column].csv.as_bytes());
    }
    out.push(b'\n');
}

/// Writes one record in `format`.
pub(super) fn record(out: &mut Vec<u8>, cells: &Cells, columns: &[Column], order: &[usize], format: Format) {
    match format {
        Format::Csv => csv(out, cells, order),
        Format::Jsonl | Format::Json => json(out, cells, columns, order),
    }
}

fn csv(out: &mut Vec<u8>, cells: &Cells, order: &[usize]) {
    for (n, column) in order.iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        let cell = cells.cell(*column);
        if memchr3(b',', b'"', b'\n', cell).is_none() {
            out.extend_from_slice(cell);
            continue;
        }
        out.push(b'"');
        let mut rest = cell;
        while let Some(at) = memchr::memchr(b'"', rest) {
            out.extend_from_slice(&rest[..=at]);
            out.push(b'"');
            rest = &rest[at + 1..];
        }
        out.extend_from_slice(rest);
        out.push(b'"');
    }
    out.push(b'\n');
}

fn json(out: &mut Vec<u8>, cells: &Cells, columns: &[Column], order: &[usize]) {
    out.push(b'{');
    members(out, cells, columns, order, Place::Top);
    let nested = order.iter().any(|column| columns[*column].place != Place::Top);
    if nested {
        out.extend_from_slice(b",\"data\":{");
        let spread = order.iter().find(|column| columns[**column].place == Place::Spread);
        if let Some(column) = spread {
            let object = cells.cell(*column);
            out.extend_from_slice(&object[1..object.len() - 1]);
        }
        members(out, cells, columns, order, Place::Data);
        if order.iter().any(|column| columns[*column].place == Place::Facet) {
            comma(out);
            out.extend_from_slice(b"\"facets\":{");
            members(out, cells, columns, order, Place::Facet);
            out.push(b'}');
        }
        out.push(b'}');
    }
    out.push(b'}');
}

fn comma(out: &mut Vec<u8>) {
    if out.last() != Some(&b'{') {
        out.push(b',');
    }
}

/// The members of one object. An empty cell is an absent member, as in CSV.
fn members(out: &mut Vec<u8>, cells: &Cells, columns: &[Column], order: &[usize], place: Place) {
    for column in order.iter().copied().filter(|column| columns[*column].place == place) {
        let cell = cells.cell(column);
        if cell.is_empty() {
            continue;
        }
        comma(out);
        string(out, columns[column].json.as_bytes());
        out.push(b':');
        match columns[column].shape {
            Shape::Text => string(out, cell),
            Shape::Flag | Shape::Integer | Shape::Json => out.extend_from_slice(cell),
            Shape::List => {
                out.push(b'[');
                for (n, value) in cell.split(|byte| *byte == b'|').enumerate() {
                    if n > 0 {
                        out.push(b',');
                    }
                    string(out, value);
                }
                out.push(b']');
            }
        }
    }
}

fn string(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    let mut rest = text;
    while let Some(at) = memchr3(b'"', b'\\', b'\n', rest) {
        out.extend_from_slice(&rest[..at]);
        out.push(b'\\');
        out.push(if rest[at] == b'\n' { b'n' } else { rest[at] });
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}
