//! Some records of a JSON document as a document of their own, each as it was sent: to be mended and sent again.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::blocks::read_blocks;
use super::{Planner, Stop};
use crate::read::{Block, Encoding, Section};

/// A document under construction.
struct Document<W> {
    out: W,
    encoding: Encoding,
    /// The list that is open.
    list: Option<u32>,
    records: u64,
}

impl Planner {
    /// Writes the records of `member` at `places` (numbers from 1 by entity, rising) to the file `out`, as a document
    /// with a list for each entity in the encoding that is declared; gives how many. One record is held at a time.
    pub fn document(
        &self,
        path: &Path,
        out: &Path,
        member: &str,
        places: &BTreeMap<String, Vec<u64>>,
    ) -> Result<u64, Stop> {
        let encoding = self.options.format.encoding.unwrap_or(Encoding::Utf8);
        let out = BufWriter::new(File::create(out)?);
        let document = Mutex::new(Document { out, encoding, list: None, records: 0 });
        let write = |(): &mut (), section: &Arc<Section>, block: &Block| {
            let name = self.entity_name(section.entity);
            let Some(wanted) = places.get(name).filter(|_| section.member == member) else { return Ok(()) };
            let mut document = document.lock().unwrap_or_else(PoisonError::into_inner);
            for span in &block.spans {
                let record = block.first_record + u64::from(span.ordinal) + 1;
                if wanted.binary_search(&record).is_ok() {
                    document.record(section.number, name, &String::from_utf8_lossy(block.raw(span)))?;
                }
            }
            Ok(())
        };
        // One thread: the order is that of the feed.
        read_blocks(path, &self.options, &self.tables, 1, &self.control, |_| (), write)?;
        let mut document = document.into_inner().unwrap_or_else(PoisonError::into_inner);
        document.end()?;
        Ok(document.records)
    }
}

impl<W: Write> Document<W> {
    fn record(&mut self, list: u32, name: &str, text: &str) -> std::io::Result<()> {
        if self.list != Some(list) {
            let before = if self.list.is_some() { "\n],\n" } else { "{\n" };
            self.put(&format!("{before}{}: [\n", serde_json::Value::from(name)))?;
        } else {
            self.put(",\n")?;
        }
        self.list = Some(list);
        self.records += 1;
        self.put(text)
    }

    fn end(&mut self) -> std::io::Result<()> {
        self.put(if self.list.is_some() { "\n]\n}\n" } else { "{}\n" })?;
        self.out.flush()
    }

    fn put(&mut self, text: &str) -> std::io::Result<()> {
        let units = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
        match self.encoding {
            Encoding::Utf8 => self.out.write_all(text.as_bytes()),
            Encoding::Utf16Be => self.out.write_all(&units(u16::to_be_bytes)),
            Encoding::Utf16Le => self.out.write_all(&units(u16::to_le_bytes)),
            Encoding::Utf16 => {
                // Without a mark nobody could tell the order.
                let mark: &[u8] = if self.list.is_none() { &[0xFF, 0xFE] } else { &[] };
                self.out.write_all(mark)?;
                self.out.write_all(&units(u16::to_le_bytes))
            }
            Encoding::Latin1 | Encoding::Cp1252 => {
                // What is not ASCII stands in strings alone, where JSON has a way to say it in ASCII.
                for letter in text.chars() {
                    match letter.is_ascii() {
                        true => self.out.write_all(&[letter as u8])?,
                        false => {
                            for unit in letter.encode_utf16(&mut [0; 2]) {
                                write!(self.out, "\\u{unit:04x}")?;
                            }
                        }
                    }
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_means_the_same_in_every_encoding() {
        let rows = [r#"{"id": "é😀"}"#, r#"{"id":1.50}"#];
        let decoded = |encoding| {
            let mut document = Document { out: Vec::new(), encoding, list: None, records: 0 };
            for (list, row) in [(3, rows[0]), (3, rows[1]), (4, rows[1])] {
                document.record(list, if list == 3 { "items" } else { "others" }, row).expect("memory");
            }
            document.end().expect("memory");
            assert_eq!(document.records, 3);
            document.out
        };
        let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
            let units: Vec<u16> = bytes.chunks(2).map(|two| unit([two[0], two[1]])).collect();
            String::from_utf16(&units).expect("UTF-16")
        };
        let plain = String::from_utf8(decoded(Encoding::Utf8)).expect("UTF-8");
        assert_eq!(
            plain,
            format!("{{\n\"items\": [\n{},\n{}\n],\n\"others\": [\n{}\n]\n}}\n", rows[0], rows[1], rows[1])
        );
        assert_eq!(wide(&decoded(Encoding::Utf16Le), u16::from_le_bytes), plain);
        assert_eq!(wide(&decoded(Encoding::Utf16Be), u16::from_be_bytes), plain);
        assert_eq!(wide(&decoded(Encoding::Utf16), u16::from_le_bytes), format!("\u{FEFF}{plain}"));
        let narrow = decoded(Encoding::Cp1252);
        assert!(narrow.is_ascii());
        let read = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).expect("JSON");
        assert_eq!(read(&narrow), read(plain.as_bytes()));
        let mut empty = Document { out: Vec::new(), encoding: Encoding::Utf8, list: None, records: 0 };
        empty.end().expect("memory");
        assert_eq!(empty.out, b"{}\n");
    }
}
