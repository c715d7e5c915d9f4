//! What every cell needs to know of its field, worked out once a thread: names lie behind a lock.

use std::sync::Arc;

use super::rules::Rules;
use crate::record::digest::Hasher;
use crate::record::entity::Place;
use crate::record::{Cell, FieldId, FieldTable, Kind, ListItems, Record, State};

/// One field.
#[derive(Clone, Copy, Debug)]
struct Fact {
    /// Its hash: what its cells are hashed with.
    seed: u64,
    /// Bytes of its quoted name in a record's data; 0 if it does not count among the data.
    name: u64,
    /// Whether an open field's name is as it must be.
    sound: bool,
}

/// The fields of one entity, for one thread: digests, sizes and checks of its records.
pub struct Facts {
    rules: Rules,
    table: Arc<FieldTable>,
    hasher: Hasher,
    known: Vec<Fact>,
}

impl Facts {
    /// Nothing known yet of the fields of `table`.
    pub fn new(rules: &Rules, table: &Arc<FieldTable>, hasher: &Hasher) -> Self {
        Facts { rules: rules.clone(), table: table.clone(), hasher: hasher.clone(), known: Vec::new() }
    }

    #[inline]
    fn of(&mut self, field: FieldId) -> Fact {
        match self.known.get(field.0 as usize) {
            Some(fact) => *fact,
            None => self.learn(field),
        }
    }

    #[cold]
    fn learn(&mut self, field: FieldId) -> Fact {
        while self.known.len() <= field.0 as usize {
            let id = FieldId(self.known.len() as u32);
            let name = self.table.name(id);
            let size = match self.rules.declared(id) {
                Some(declared) if declared.place == Place::Top => 0,
                Some(declared) => text_size(declared.json.as_bytes()),
                None => text_size(name.split_once(':').map_or(&*name, |(_, name)| name).as_bytes()),
            };
            let sound = self.rules.name_is_sound(&name);
            self.known.push(Fact { seed: self.hasher.field(&name), name: size, sound });
        }
        self.known[field.0 as usize]
    }

    /// Whether the name of an open field is as it must be.
    #[inline]
    pub fn is_sound(&mut self, field: FieldId) -> bool {
        self.of(field).sound
    }

    /// A cell's digest.
    #[inline]
    pub fn cell_digest(&mut self, field: FieldId, kind: Kind, bytes: &[u8]) -> u128 {
        let seed = self.of(field).seed;
        self.hasher.cell(seed, kind, bytes)
    }

    /// The canonical digest of a whole record.
    pub fn digest(&mut self, record: &Record) -> u128 {
        let set = record.cells().iter().filter(|cell| cell.state == State::Set);
        set.fold(0, |sum: u128, cell| sum.wrapping_add(self.cell_digest(cell.field, cell.kind, record.bytes(cell))))
    }

    /// Bytes that a cell adds to the record's `data` as JSON (UTF-8, no white space): `"name":value,`. `plain` says
    /// that its texts need no escapes.
    pub fn cell_size(&mut self, cell: &Cell, bytes: &[u8], plain: bool) -> u64 {
        let name = if cell.state == State::Set { self.of(cell.field).name } else { 0 };
        match (name, cell.kind) {
            (0, _) => 0,
            (_, Kind::Text) if plain => name + 4 + bytes.len() as u64,
            (_, Kind::List) if plain => name + 2 + list_size(bytes, |item| item.len() as u64 + 2),
            _ => name + 2 + value_size(cell.kind, bytes),
        }
    }

    /// Bytes of a whole record's `data`. The braces and the `facets` wrapper are left out, so that a patch can be
    /// applied to the size: at most 13 bytes of 200,000. `plain` as for [`Facts::cell_size`].
    pub fn size(&mut self, record: &Record, plain: bool) -> u64 {
        record.cells().iter().map(|cell| self.cell_size(cell, record.bytes(cell), plain)).sum()
    }
}

/// Characters that JSON escapes, in stretches short enough for sums of bytes: those become vector instructions.
fn escapes(text: &[u8]) -> impl Iterator<Item = u8> {
    let special = |sum: u8, byte: &u8| sum + u8::from(*byte < 0x20 || *byte == b'"' || *byte == b'\\');
    text.chunks(128).map(move |part| part.iter().fold(0, special))
}

/// Whether the raw bytes of a record that was read without any issue show that no text in it needs an escape as JSON.
///
/// In CSV a quote is in a text only if it stands there twice; a JSON string has special characters only behind a
/// backslash.
pub fn is_plain(raw: &[u8], csv: bool) -> bool {
    if !csv {
        return memchr::memchr(b'\\', raw).is_none();
    }
    let special = |byte: u8| byte < 0x20 || byte == b'\\';
    let pairs = raw.windows(2).fold(0u8, |found, pair| {
        found | u8::from(special(pair[0])) | u8::from(pair[0] == b'"') & u8::from(pair[1] == b'"')
    });
    pairs == 0 && !raw.last().is_some_and(|last| special(*last))
}

/// Bytes of a text as a JSON string.
fn text_size(text: &[u8]) -> u64 {
    let escapes: u64 = escapes(text).map(u64::from).sum();
    let long = |byte: &&u8| **byte < 0x20 && !matches!(**byte, b'\n' | b'\r' | b'\t' | 8 | 12);
    let controls = if escapes == 0 { 0 } else { text.iter().filter(long).count() as u64 };
    text.len() as u64 + 2 + escapes + 4 * controls
}

fn value_size(kind: Kind, bytes: &[u8]) -> u64 {
    match kind {
        Kind::Text => text_size(bytes),
        Kind::Json => bytes.len() as u64,
        Kind::Flag => 5 - u64::from(bytes == [1]),
        Kind::Integer => bytes.try_into().map_or(0, i64::from_le_bytes).to_string().len() as u64,
        Kind::List => list_size(bytes, text_size),
    }
}

/// Bytes of a list, whose items are quoted strings of these sizes.
fn list_size(bytes: &[u8], size_of: impl Fn(&[u8]) -> u64) -> u64 {
    let (mut count, mut size) = (0u64, 2);
    let mut items = ListItems(bytes);
    while let Some(item) = items.next_bytes() {
        count += 1;
        size += size_of(item);
    }
    size + count.saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Value;
    use crate::record::digest::SECRET_LEN;
    use crate::record::entity::constructor;

    #[test]
    fn sizes_are_those_of_the_json_text() {
        for text in ["", "plain", "a \"quoted\" \\ text", "line\nfeed\ttab", "\u{1}\u{1f}\u{8}\u{c}", "Größe 漢字"]
        {
            assert_eq!(text_size(text.as_bytes()), serde_json::to_string(text).expect("text").len() as u64, "{text:?}");
        }
        let mut record = Record::default();
        record.push_list(FieldId(0), State::Set, ["a", "b\"", ""]);
        record.push_list(FieldId(0), State::Set, []);
        record.push_integer(FieldId(0), -1200);
        record.push_flag(FieldId(0), true);
        record.push_flag(FieldId(0), false);
        let sizes: Vec<u64> = record.cells().iter().map(|cell| value_size(cell.kind, record.bytes(cell))).collect();
        assert_eq!(sizes, [r#"["a","b\"",""]"#.len() as u64, 2, 5, 4, 5]);
        assert_eq!(record.value(&record.cells()[2]), Value::Integer(-1200));
    }

    #[test]
    fn a_records_size_counts_its_data_alone() {
        let spec = &constructor()[0];
        let table = Arc::new(FieldTable::new(spec));
        let hasher = Hasher::new(&[3; SECRET_LEN]).expect("secret");
        let mut facts = Facts::new(&Rules::new(spec, &table), &table, &hasher);
        let mut record = Record::default();
        record.push_text(table.id("id"), "A1");
        record.push_text(table.id("item_name"), "a name that is not among the data");
        assert_eq!(facts.size(&record, true), 0);
        record.push_text(table.id("metadata:price"), "19.5");
        record.push_list(table.id("facet:color"), State::Set, ["red", "blue"]);
        let data = r#""price":"19.5","color":["red","blue"],"#;
        assert_eq!((facts.size(&record, true), facts.size(&record, false)), (data.len() as u64, data.len() as u64));
        assert!(is_plain("Größe,1".as_bytes(), true) && is_plain(b"a,\"b,c\",d", true) && is_plain(b"", true));
        assert!(!is_plain(b"\"a \"\"b\"\"\"", true) && !is_plain(b"a\tb", true) && !is_plain(b"a\\", true));
        assert!(is_plain(br#"{"id": "A1"}"#, false) && !is_plain(br#"{"id": "A\u0031"}"#, false));
    }
}
