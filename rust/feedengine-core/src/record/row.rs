//! One record in canonical form: cells over one byte arena, reused from record to record.

use super::FieldId;

/// The canonical type of a cell's value. A CSV `19.5` is `Text`, a JSON `19.5` is `Json`: types are never guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// UTF-8 text.
    Text = 0,
    /// A list of texts.
    List = 1,
    /// true or false.
    Flag = 2,
    /// A 64-bit integer.
    Integer = 3,
    /// Any other JSON value as canonical text: no white space, member names sorted by bytes, numbers as written.
    Json = 4,
}

/// What a feed says about a field. A field that a record does not mention has no cell at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum State {
    /// An empty CSV cell (and a blank string in flat JSONL).
    Blank = 0,
    /// A JSON null.
    Null = 1,
    /// A value; an empty JSON string, list or object is a value too.
    Set = 2,
    /// Patch only, `"x:add"`: list items to add to field x.
    Add = 3,
    /// Patch only, `"x:remove"`: list items to take out of field x.
    Remove = 4,
}

/// One field of a record. Its bytes lie in the record's arena.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    /// Which field.
    pub field: FieldId,
    /// What the feed says of it.
    pub state: State,
    /// The type of the value; without meaning for `Blank` and `Null`.
    pub kind: Kind,
    start: u32,
    end: u32,
}

/// A borrowed cell value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// Text.
    Text(&'a str),
    /// List items.
    List(ListItems<'a>),
    /// Flag.
    Flag(bool),
    /// Integer.
    Integer(i64),
    /// Canonical JSON text.
    Json(&'a str),
}

/// The text in a cell's bytes.
///
/// # Safety
/// The bytes must come from a [`Record`]: its cells of text are made from `&str` alone, or copied from such cells.
unsafe fn text(bytes: &[u8]) -> &str {
    debug_assert!(std::str::from_utf8(bytes).is_ok());
    // SAFETY: the caller's promise.
    unsafe { std::str::from_utf8_unchecked(bytes) }
}

/// The items of a list cell: each is a 32-bit little-endian length and its bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ListItems<'a>(pub &'a [u8]);

impl<'a> ListItems<'a> {
    /// The next item's bytes.
    pub fn next_bytes(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.0.split_first_chunk::<4>()?;
        let (item, rest) = rest.split_at(u32::from_le_bytes(*length) as usize);
        self.0 = rest;
        Some(item)
    }
}

impl<'a> Iterator for ListItems<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        // SAFETY: see `text`.
        self.next_bytes().map(|item| unsafe { text(item) })
    }
}

/// A record being read. `clear` keeps the memory.
#[derive(Clone, Debug, Default)]
pub struct Record {
    arena: Vec<u8>,
    cells: Vec<Cell>,
}

impl Record {
    /// Forgets all cells.
    pub fn clear(&mut self) {
        self.arena.clear();
        self.cells.clear();
    }

    /// The cells, in the order in which they were given; a field appears at most once per [`State`] class
    /// (`Add` and `Remove` of one field are two cells).
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// The `Set`, `Blank` or `Null` cell of `field`.
    pub fn find(&self, field: FieldId) -> Option<&Cell> {
        self.cells.iter().find(|cell| cell.field == field && !matches!(cell.state, State::Add | State::Remove))
    }

    /// The text of `field`, where it is `Set` and `Text`.
    pub fn text(&self, field: FieldId) -> Option<&str> {
        match self.find(field).filter(|cell| cell.state == State::Set).map(|cell| self.value(cell)) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Drops the cells for which `keep` is false; their bytes stay in the arena until `clear`.
    pub fn retain(&mut self, keep: impl FnMut(&Cell) -> bool) {
        self.cells.retain(keep);
    }

    /// Adds a cell without a value: `Blank` or `Null`.
    pub fn push_empty(&mut self, field: FieldId, state: State) {
        self.push_bytes(field, state, Kind::Text, &[]);
    }

    /// Adds a text value.
    pub fn push_text(&mut self, field: FieldId, text: &str) {
        self.push_bytes(field, State::Set, Kind::Text, text.as_bytes());
    }

    /// Adds canonical JSON text.
    pub fn push_json(&mut self, field: FieldId, canonical: &str) {
        self.push_bytes(field, State::Set, Kind::Json, canonical.as_bytes());
    }

    /// Adds a flag.
    pub fn push_flag(&mut self, field: FieldId, flag: bool) {
        self.push_bytes(field, State::Set, Kind::Flag, &[u8::from(flag)]);
    }

    /// Adds an integer.
    pub fn push_integer(&mut self, field: FieldId, integer: i64) {
        self.push_bytes(field, State::Set, Kind::Integer, &integer.to_le_bytes());
    }

    /// Adds a list; `state` is `Set`, `Add` or `Remove`.
    pub fn push_list<'i>(&mut self, field: FieldId, state: State, items: impl IntoIterator<Item = &'i str>) {
        let start = self.arena.len() as u32;
        for item in items {
            self.arena.extend_from_slice(&(item.len() as u32).to_le_bytes());
            self.arena.extend_from_slice(item.as_bytes());
        }
        self.cells.push(Cell { field, state, kind: Kind::List, start, end: self.arena.len() as u32 });
    }

    /// Adds a list of what stands between `separator`s, an ASCII character. Items are a few bytes each, so a plain loop
    /// beats any search.
    #[inline]
    pub(crate) fn push_split(&mut self, field: FieldId, text: &str, separator: u8) {
        let (first, bytes) = (self.arena.len() as u32, text.as_bytes());
        let mut start = 0;
        for end in 0..=bytes.len() {
            if bytes.get(end).is_none_or(|byte| *byte == separator) {
                self.arena.extend_from_slice(&((end - start) as u32).to_le_bytes());
                self.arena.extend_from_slice(&bytes[start..end]);
                start = end + 1;
            }
        }
        let cell = Cell { field, state: State::Set, kind: Kind::List, start: first, end: self.arena.len() as u32 };
        self.cells.push(cell);
    }

    /// Adds a cell with the bytes of another record's cell of the same kind.
    pub(crate) fn push_bytes(&mut self, field: FieldId, state: State, kind: Kind, bytes: &[u8]) {
        let start = self.arena.len() as u32;
        self.arena.extend_from_slice(bytes);
        self.cells.push(Cell { field, state, kind, start, end: self.arena.len() as u32 });
    }

    /// Gives cell number `at` another value; the old one's bytes stay in the arena until `clear`.
    pub(crate) fn replace(&mut self, at: usize, state: State, kind: Kind, bytes: &[u8]) {
        let start = self.arena.len() as u32;
        self.arena.extend_from_slice(bytes);
        let field = self.cells[at].field;
        self.cells[at] = Cell { field, state, kind, start, end: self.arena.len() as u32 };
    }

    /// A cell's canonical bytes: what is hashed and stored.
    pub fn bytes(&self, cell: &Cell) -> &[u8] {
        &self.arena[cell.start as usize..cell.end as usize]
    }

    /// A cell's value.
    pub fn value(&self, cell: &Cell) -> Value<'_> {
        Value::decode(cell.kind, self.bytes(cell))
    }
}

/// Whether `bytes`, which came from outside this process, can be a cell's of `kind`.
pub(crate) fn is_cell(kind: Kind, bytes: &[u8]) -> bool {
    let is_text = |bytes: &[u8]| simdutf8::basic::from_utf8(bytes).is_ok();
    match kind {
        Kind::Text | Kind::Json => is_text(bytes),
        Kind::Flag | Kind::Integer => true,
        Kind::List => {
            let mut rest = bytes;
            while let Some((length, items)) = rest.split_first_chunk::<4>() {
                let Some((item, behind)) = items.split_at_checked(u32::from_le_bytes(*length) as usize) else {
                    return false;
                };
                if !is_text(item) {
                    return false;
                }
                rest = behind;
            }
            rest.is_empty()
        }
    }
}

impl<'a> Value<'a> {
    /// Reads a value back from its canonical bytes.
    fn decode(kind: Kind, bytes: &'a [u8]) -> Self {
        match kind {
            // SAFETY: see `text`.
            Kind::Text => Value::Text(unsafe { text(bytes) }),
            // SAFETY: see `text`.
            Kind::Json => Value::Json(unsafe { text(bytes) }),
            Kind::List => Value::List(ListItems(bytes)),
            Kind::Flag => Value::Flag(bytes.first() == Some(&1)),
            Kind::Integer => Value::Integer(bytes.try_into().map_or(0, i64::from_le_bytes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_as_they_were_given() {
        let mut record = Record::default();
        record.push_text(FieldId(0), "A1");
        record.push_list(FieldId(1), State::Set, ["red", "", "Blü"]);
        record.push_flag(FieldId(2), true);
        record.push_integer(FieldId(3), -7);
        record.push_json(FieldId(4), "{\"a\":1}");
        record.push_empty(FieldId(5), State::Null);
        let values: Vec<_> = record.cells().iter().map(|cell| record.value(cell)).collect();
        assert_eq!(record.text(FieldId(0)), Some("A1"));
        assert!(matches!(values[1], Value::List(items) if items.collect::<Vec<_>>() == ["red", "", "Blü"]));
        assert_eq!(values[2], Value::Flag(true));
        assert_eq!(values[3], Value::Integer(-7));
        assert_eq!(values[4], Value::Json("{\"a\":1}"));
        assert_eq!(record.find(FieldId(5)).map(|cell| cell.state), Some(State::Null));
    }
}
