//! Reads any bytes as a feed and checks what must hold for all of them.

use std::path::PathBuf;
use std::sync::Arc;

use feedengine_core::fault::Code;
use feedengine_core::read::{Block, Feed, FormatSpec, Next, ReadOptions, Scratch, Section, Tables};
use feedengine_core::record::entity::constructor;
use feedengine_core::record::{FieldId, FieldTable, Record};

/// What a feed came to: every record as one text, or the code it failed with.
pub type Outcome = Result<Vec<String>, Code>;

/// Reads `bytes` as the file `name` in two block sizes: neither may panic, and both must come to the same.
pub fn check(name: &str, bytes: &[u8]) {
    declared(name, bytes, "{}");
}

/// The same for a file of a declared format (in JSON, as requests have it).
pub fn declared(name: &str, bytes: &[u8], format: &str) {
    let format: FormatSpec = serde_json::from_str(format).expect("the target's declaration is sound");
    assert_eq!(format.check(), Ok(()));
    let path = file(name);
    if std::fs::write(&path, bytes).is_err() {
        return;
    }
    let (small, large) = (read(&path, 16, &format), read(&path, 1 << 16, &format));
    assert_eq!(small, large);
}

/// One file for each process: fuzzing runs several side by side.
fn file(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("feedengine-fuzz-{}", std::process::id()));
    let _ = std::fs::create_dir_all(&folder);
    folder.join(name)
}

fn read(path: &std::path::Path, block: usize, format: &FormatSpec) -> Outcome {
    let entities = constructor();
    let tables: Tables = entities.iter().map(|spec| Arc::new(FieldTable::new(spec))).collect();
    let options = ReadOptions {
        entities,
        delimiter: None,
        block,
        max_record: 1 << 20,
        max_expansion: 100,
        max_columns: 1000,
        default_entity: None,
        entity: None,
        format: format.clone(),
    };
    let mut feed = Feed::open(path, options, tables.clone()).map_err(|fault| fault.code)?;
    let (mut block, mut scratch) = (Block::default(), Scratch::new());
    let (mut record, mut issues, mut out) = (Record::default(), Vec::new(), Vec::new());
    let mut section: Option<Section> = None;
    loop {
        match feed.next(&mut block).map_err(|fault| fault.code)? {
            Next::Section(begun) => section = Some(begun),
            Next::SectionEnd(end) => out.push(format!("{end:?}")),
            Next::End(_) => return Ok(out),
            Next::Block => {
                let Some(section) = &section else { continue };
                for span in &block.spans {
                    let raw = block.raw(span);
                    issues.clear();
                    section.layout.parse(raw, &mut scratch, &mut record, &mut issues);
                    let place = section.layout.position(&section.member, &block, span);
                    let cells: Vec<_> = record.cells().iter().map(|cell| (cell.field, record.value(cell))).collect();
                    let text = format!("{place:?} {cells:?} {:?}", issues.iter().map(|issue| issue.code).collect::<Vec<_>>());
                    // A quick key may not differ from a record's own, unless the record says it twice.
                    let twice = issues.iter().any(|issue| issue.code == Code::DuplicateMember);
                    let key = record.text(FieldId(0)).map(str::as_bytes);
                    if let (Some(quick), Some(key), false) = (section.layout.key(raw), key, twice) {
                        assert_eq!(quick, key);
                    }
                    out.push(text);
                }
            }
        }
    }
}

/// A workbook, not compressed, with a header and these rows.
pub fn workbook(rows: &[u8]) -> Vec<u8> {
    let head = b"<worksheet><sheetData><row><c t=\"str\"><v>id</v></c><c t=\"str\"><v>item_name</v></c></row>";
    let sheet = [&head[..], rows, b"</sheetData></worksheet>"].concat();
    let links = b"<Relationships><Relationship Id=\"r\" Type=\"/worksheet\" Target=\"s.xml\"/></Relationships>";
    let parts: [(&str, &[u8]); 3] = [
        ("xl/workbook.xml", b"<workbook><sheets><sheet name=\"S\" id=\"r\"/></sheets></workbook>"),
        ("xl/_rels/workbook.xml.rels", links),
        ("xl/s.xml", &sheet),
    ];
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    let word = |number: usize| (number as u32).to_le_bytes();
    for (name, content) in parts {
        let (sum, length) = (crc32fast::hash(content).to_le_bytes(), word(content.len()));
        let common = [&[0; 10][..], &sum, &length, &length, &[name.len() as u8, 0, 0, 0]].concat();
        directory.extend([&b"PK\x01\x02\0\0"[..], &common, &[0; 10], &word(out.len()), name.as_bytes()].concat());
        out.extend([&b"PK\x03\x04"[..], &common, name.as_bytes(), content].concat());
    }
    let count = [parts.len() as u8, 0];
    let end = [&b"PK\x05\x06\0\0\0\0"[..], &count, &count, &word(directory.len()), &word(out.len()), &[0, 0]].concat();
    [out, directory, end].concat()
}
