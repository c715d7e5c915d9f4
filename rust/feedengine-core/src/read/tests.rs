//! Whole feeds through the public face of this room.

use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use super::testing::options;
use super::*;
use crate::fault::{Code, Fault};
use crate::record::{FieldTable, Record, State, Value};
use std::sync::Arc;

/// A file that is gone when the test is over.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str, bytes: &[u8]) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let folder = format!("feedengine-read-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(folder);
        std::fs::create_dir_all(&folder).unwrap_or_default();
        std::fs::write(folder.join(name), bytes).unwrap_or_default();
        Temporary(folder.join(name))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(folder) = self.0.parent() {
            std::fs::remove_dir_all(folder).unwrap_or_default();
        }
    }
}

/// All that a feed gave: sections with their records as text, and issues.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// Entity name and records; a record is `field=value` for each cell, sorted.
    pub(super) sections: Vec<(String, Vec<Vec<String>>)>,
    pub(super) issues: Vec<(Code, u64, u64)>,
    pub(super) warnings: Vec<Code>,
    pub(super) ends: Vec<SectionEnd>,
    info: FileInfo,
}

fn show(record: &Record, table: &FieldTable) -> Vec<String> {
    let mut cells: Vec<String> = record
        .cells()
        .iter()
        .map(|cell| {
            let value = match (cell.state, record.value(cell)) {
                (State::Blank, _) => "blank".into(),
                (State::Null, _) => "null".into(),
                (state, Value::List(items)) => {
                    let items: Vec<_> = items.collect();
                    let sign = if state == State::Set {
                        ""
                    } else if state == State::Add {
                        "+"
                    } else {
                        "-"
                    };
                    format!("{sign}{items:?}")
                }
                (_, Value::Text(text)) => format!("{text:?}"),
                (_, Value::Json(text)) => format!("json {text}"),
                (_, Value::Flag(flag)) => flag.to_string(),
                (_, Value::Integer(integer)) => integer.to_string(),
            };
            format!("{}={value}", table.name(cell.field))
        })
        .collect();
    cells.sort();
    cells
}

pub(super) fn read_with(name: &str, bytes: &[u8], options: ReadOptions) -> Result<Read, Fault> {
    let file = Temporary::new(name, bytes);
    let tables: Tables = options.entities.iter().map(|spec| Arc::new(FieldTable::new(spec))).collect();
    let names: Vec<_> = options.entities.iter().map(|spec| spec.name.clone()).collect();
    let mut feed = Feed::open(&file.0, options, tables.clone())?;
    let (mut block, mut scratch) = (Block::default(), Scratch::new());
    let (mut record, mut issues, mut read) = (Record::default(), Vec::new(), Read::default());
    let mut section: Option<Section> = None;
    loop {
        match feed.next(&mut block)? {
            Next::Section(begun) => {
                read.warnings.extend(begun.warnings.iter().map(|warning| warning.code));
                read.sections.push((names[begun.entity].clone(), Vec::new()));
                section = Some(begun);
            }
            Next::Block => {
                let Some(section) = &section else { continue };
                assert_eq!(block.section, section.number);
                for span in &block.spans {
                    let raw = block.raw(span);
                    issues.clear();
                    section.layout.parse(raw, &mut scratch, &mut record, &mut issues);
                    let table = &tables[section.entity];
                    let key = record.text(crate::record::FieldId(0)).map(str::as_bytes);
                    if let (Some(quick), Some(key)) = (section.layout.key(raw), key) {
                        assert_eq!(quick, key);
                    }
                    for issue in &issues {
                        let place = section.layout.locate(&section.member, &block, span, issue.offset);
                        read.issues.push((issue.code, place.record, place.line));
                    }
                    if let Some((_, records)) = read.sections.last_mut() {
                        records.push(show(&record, table));
                    }
                }
            }
            Next::SectionEnd(end) => read.ends.push(end),
            Next::End(info) => {
                read.warnings.extend(info.warnings.iter().map(|warning| warning.code));
                read.info = info;
                assert_eq!(feed.progress().0, feed.progress().1);
                return Ok(read);
            }
        }
    }
}

fn read(name: &str, bytes: impl AsRef<[u8]>) -> Result<Read, Fault> {
    read_with(name, bytes.as_ref(), options())
}

/// The code with which a file fails.
fn failure(name: &str, bytes: impl AsRef<[u8]>) -> Option<Code> {
    read(name, bytes).err().map(|fault| fault.code)
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(bytes).unwrap_or_default();
    packer.finish().unwrap_or_default()
}

fn sample() -> &'static str {
    "id,item_name,group_ids,active,suggested_score,metadata:price,metadata:json:stores,facet:Color,facets,description\r\n\
     A1,Boot,shoes|sale,TRUE,7,19.5,\"{\"\"s\"\":3, \"\"a\"\":[1]}\",Red|Blue,size: m|size: l|a\\:b: c\\|d,\r\n\
     \r\n\
     A2,\"a \"\"b\"\"\nc\",,0,-1,\"x,y\",\"\"\"t\"\"\",M,,d"
}

#[test]
fn a_csv_file_becomes_cells() -> Result<(), Fault> {
    for size in [16, 50, 1 << 20] {
        let read = read_with("items.csv", sample().as_bytes(), ReadOptions { block: size, ..options() })?;
        assert_eq!(read.sections.len(), 1);
        let (entity, records) = &read.sections[0];
        assert_eq!(entity, "items");
        assert_eq!(
            records[0],
            [
                "active=true",
                "description=blank",
                "facet:Color=[\"Red\", \"Blue\"]",
                "facet:a:b=[\"c|d\"]",
                "facet:size=[\"m\", \"l\"]",
                "group_ids=[\"shoes\", \"sale\"]",
                "id=\"A1\"",
                "item_name=\"Boot\"",
                "metadata:price=\"19.5\"",
                "metadata:stores=json {\"a\":[1],\"s\":3}",
                "suggested_score=7"
            ]
        );
        assert_eq!(
            records[1],
            [
                "active=false",
                "description=\"d\"",
                "facet:Color=[\"M\"]",
                "group_ids=blank",
                "id=\"A2\"",
                "item_name=\"a \\\"b\\\"\\nc\"",
                "metadata:price=\"x,y\"",
                "metadata:stores=\"t\"",
                "suggested_score=-1"
            ]
        );
        assert_eq!(read.issues, []);
        assert_eq!(read.warnings, []);
        let bytes = sample().len() as u64;
        assert_eq!(read.ends, [SectionEnd { number: 0, records: 3, lines: 5, bytes, final_newline: false }]);
        assert_eq!((read.info.container.as_str(), read.info.bytes), ("csv", bytes));
        let print = twox_hash::XxHash3_128::oneshot(sample().as_bytes());
        assert_eq!(read.info.fingerprint, print);
    }
    Ok(())
}

#[test]
fn containers_change_nothing_but_the_container() -> Result<(), Fault> {
    let plain = read("items.csv", sample())?;
    let tar = tar::tests::archive(&[("./items.csv", sample().as_bytes()), ("._items.csv", b"x"), (".DS_Store", b"y")]);
    let zstd = |bytes: &[u8]| zstd::stream::encode_all(bytes, 1).unwrap_or_default();
    let (half, rest) = sample().as_bytes().split_at(100);
    for (name, bytes, container) in [
        ("items.csv.gz", gzip(sample().as_bytes()), "gz of csv"),
        ("two.csv.gz", [gzip(half), gzip(rest), vec![0; 30]].concat(), "gz of csv"),
        ("items.csv.zst", zstd(sample().as_bytes()), "zst of csv"),
        ("two.csv.zst", [zstd(half), zstd(rest)].concat(), "zst of csv"),
        ("all.tar", tar.clone(), "tar of csv"),
        ("all.tar.gz", gzip(&tar), "tar.gz of csv"),
        ("all.tgz", gzip(&tar), "tar.gz of csv"),
        ("all.tar.zst", zstd(&tar), "tar.zst of csv"),
        ("items.csv", sample().as_bytes().to_vec(), "csv"),
        ("bom.csv", [b"\xEF\xBB\xBF", sample().as_bytes()].concat(), "csv"),
    ] {
        let other = read(name, &bytes)?;
        assert_eq!(other.sections, plain.sections, "{name}");
        assert_eq!(other.info.container, container, "{name}");
        assert_eq!(other.info.bytes, bytes.len() as u64);
        assert_eq!(other.warnings, [], "{name}");
    }
    for name in ["items.csv", "all.tar", "items.json.gz"] {
        assert_eq!(read(name, gzip(&tar))?.warnings, [Code::NameMismatch], "{name}");
    }
    assert_eq!(read("all.tar.gz", sample())?.warnings, [Code::NameMismatch]);
    assert_eq!(read("upload", gzip(&tar))?.warnings, []);
    Ok(())
}

#[test]
fn damaged_archives_are_refused() {
    let many: String = (0..3000).map(|at| format!("A{at},Boot {}\n", at * 7919 % 1000)).collect();
    let csv = format!("id,item_name\n{many}");
    let tar = tar::tests::archive(&[("items.csv", csv.as_bytes())]);
    let packed = gzip(&tar);
    for length in (2..packed.len()).step_by(97).chain(packed.len() - 9..packed.len()) {
        let code = failure("x.tar.gz", &packed[..length]);
        assert!(matches!(code, Some(Code::ArchiveTruncated)), "{length}: {code:?}");
    }
    let mut broken = packed.clone();
    let end = broken.len();
    broken[end - 6] ^= 1;
    assert_eq!(failure("x.tar.gz", &broken), Some(Code::ArchiveCorrupt));
    assert_eq!(failure("x.tar.gz", [&packed[..], b"garbage"].concat()), Some(Code::TrailingGarbage));
    assert_eq!(failure("x.tar.gz", gzip(&packed)), Some(Code::ArchiveNested));
    assert_eq!(failure("x.tar", &tar[..tar.len() - 1024]), Some(Code::ArchiveTruncated));
    let members = |files: &[(&str, &[u8])]| failure("x.tar", tar::tests::archive(files));
    assert_eq!(members(&[("a/items.csv", b"id\n1")]), Some(Code::ArchiveNested));
    assert_eq!(members(&[("items.csv", &packed)]), Some(Code::ArchiveNested));
    assert_eq!(members(&[("items.csv", b"id\n1"), ("items.json", b"[]")]), Some(Code::ArchiveDuplicate));
    assert_eq!(members(&[("item.csv", b"id\n1")]), Some(Code::ArchiveEmpty));
    assert_eq!(members(&[("items.csv", b"")]), Some(Code::EmptyFile));
    let bomb = gzip(&b"id\n".repeat(30 << 20));
    let few = ReadOptions { max_expansion: 5, ..options() };
    assert_eq!(read_with("x.gz", &bomb, few).err().map(|fault| fault.code), Some(Code::ArchiveBomb));
}

#[test]
fn unknown_members_are_named() -> Result<(), Fault> {
    let tar = tar::tests::archive(&[("item.csv", b"x"), ("items.csv", b"id\n1\n"), ("readme", b"")]);
    assert_eq!(read("x.tar", tar)?.warnings, [Code::UnknownMemberFile, Code::UnknownMemberFile]);
    Ok(())
}

#[test]
fn faulty_rows_are_reported_where_they_are() -> Result<(), Fault> {
    let csv = "id,active,suggested_score,metadata:json:x\n\
               A1,maybe,1,1\n\
               A2,,x,\n\
               \n\
               A3,,,{bad\n\
               ,,,\n\
               A4\n\
               A5,,,1,2\n\
               \"A\n6\",\"x\"y,,\n\
               A\0,,,\n\
               A7,5\",,\n";
    let read = read("items.csv", csv)?;
    assert_eq!(
        read.issues,
        [
            (Code::BadFlag, 1, 2),
            (Code::BadInteger, 2, 3),
            (Code::BadJson, 4, 5),
            (Code::MissingKey, 5, 6),
            (Code::ShortRow, 6, 7),
            (Code::LongRow, 7, 8),
            (Code::TextAfterQuote, 8, 10),
            (Code::NulByte, 9, 11),
            (Code::QuoteInField, 10, 12),
            (Code::BadFlag, 10, 12),
        ]
    );
    Ok(())
}

#[test]
fn files_that_are_no_feed_are_refused() {
    for (name, bytes, code) in [
        ("a.csv", &b""[..], Code::EmptyFile),
        ("a.csv", b"\xEF\xBB\xBF\n", Code::EmptyFile),
        ("a.csv", b"id,x\n1,\"a\n", Code::UnterminatedQuote),
        ("a.csv", b"Id,x\n1,a\n", Code::MissingColumn),
        ("a.zip", b"PK\x03\x04", Code::ZipNotSupported),
        ("a.json", b"{\"product\":[{\"id\":\"1\"}]}", Code::UnknownEntity),
        ("a.json", b"{}", Code::UnknownEntity),
        ("a.json", b"42", Code::BadJson),
        ("a.json", b"{\"items\":[{\"id\":\"1\"}", Code::Truncated),
        ("a.json", b"{\"items\":[],\"items\":[]}", Code::DuplicateList),
        ("a.jsonl", b"{\"id\":\"1\"}\n{\"id\":\"2\"", Code::Truncated),
    ] {
        assert_eq!(failure(name, bytes), Some(code), "{name} {bytes:?}");
    }
    assert_eq!(failure("a.csv", [b"id\n1\n".as_slice(), &[b'x'; 3000]].concat()), None);
}

/// One catalog three times.
const NESTED: [&str; 2] = [
    r#"{"id":"A1","name":"Boot","suggested_score":7,"data":{"url":"/a","group_ids":["x","y"],"facets":{"Color":["Red"]},"active":true,"price":"19.5","stores":{"s":3}}}"#,
    r#"{"id":"A2","name":"Shoe \"é\"","data":{"facets":{"Color":"Blue"},"active":false,"price":"x,y"}}"#,
];

#[test]
fn one_catalog_in_every_format_gives_the_same_cells() -> Result<(), Fault> {
    let csv = "id,item_name,suggested_score,url,group_ids,facet:Color,active,metadata:price,metadata:json:stores\n\
               A1,Boot,7,/a,x|y,Red,true,19.5,\"{\"\"s\"\":3}\"\n\
               A2,\"Shoe \"\"é\"\"\",,,,Blue,0,\"x,y\",\n";
    let flat = "{\"id\":\"A1\",\"item_name\":\"Boot\",\"suggested_score\":\"7\",\"url\":\"/a\",\"group_ids\":\"x|y\",\
                \"facet:Color\":\"Red\",\"active\":true,\"metadata:price\":\"19.5\",\"metadata:json:stores\":{\"s\":3}}\n\n\
                {\"id\":\"A2\",\"item_name\":\"Shoe \\\"é\\\"\",\"url\":\"\",\"facet:Color\":[\"Blue\"],\"active\":\"0\",\"metadata:price\":\"x,y\"}";
    let bare = |read: Read| -> Vec<Vec<String>> {
        let records = read.sections.into_iter().flat_map(|(_, records)| records);
        records.map(|record| record.into_iter().filter(|cell| !cell.ends_with("=blank")).collect()).collect()
    };
    let csv = bare(read("a.csv", csv)?);
    assert_eq!(csv.len(), 2);
    assert_eq!(bare(read("a.jsonl", NESTED.join("\r\n"))?), csv);
    assert_eq!(bare(read("a.json", format!("{{\"items\":[{}]}}", NESTED.join(",\n")))?), csv);
    assert_eq!(bare(read("a.json", format!("[{}]", NESTED.join(",\n")))?), csv);
    let flat = read("a.jsonl", flat)?;
    assert_eq!(flat.warnings, [Code::FlatJsonl]);
    assert_eq!(bare(flat), csv);
    Ok(())
}

#[test]
fn patches_and_odd_values_keep_their_meaning() -> Result<(), Fault> {
    let text = r#"{"items":[
        {"id":7,"name":null,"nonsense":1,"data":{"url":"","group_ids":[],"x":{},"tags:add":["a"],"tags:remove":["b"],
         "group_ids:add":["g"],"facets":{"S":[1,"m"],"T:add":["t"],"N":5},"n":-0,"a":null,"url":"/b","keywords":"k"}},
        {"id":"B","data":{"group_ids":{}}},
        {"id":"C","name":"\ud800"},
        {"name":"x"},
        {"id":"D","data":[1,]}]}"#;
    let read = read("a.json", text)?;
    assert_eq!(
        read.sections[0].1[0],
        [
            "facet:N=json [5]",
            "facet:S=json [1,\"m\"]",
            "facet:T=+[\"t\"]",
            "group_ids=+[\"g\"]",
            "group_ids=[]",
            "id=\"7\"",
            "item_name=null",
            "keywords=[\"k\"]",
            "metadata:a=null",
            "metadata:n=json -0",
            "metadata:tags=+[\"a\"]",
            "metadata:tags=-[\"b\"]",
            "metadata:x=json {}",
            "url=\"/b\""
        ]
    );
    let codes: Vec<_> = read.issues.iter().map(|(code, record, _)| (*code, *record)).collect();
    assert_eq!(
        codes,
        [
            (Code::IdNotText, 1),
            (Code::UnknownMember, 1),
            (Code::DuplicateMember, 1),
            (Code::NotList, 1),
            (Code::BadType, 2),
            (Code::BadEscape, 3),
            (Code::MissingKey, 4),
            (Code::BadType, 5),
            (Code::BadJson, 5),
        ]
    );
    Ok(())
}

#[test]
fn several_lists_and_groups_in_one_document() -> Result<(), Fault> {
    let text = r#"{"item_groups":[{"id":"all","name":"All","parent_ids":[],"data":{"u":1}},{"id":"s","parent_ids":["all"]}],
                  "items":[],"variations":[{"id":"V","item_id":"A"}]}"#;
    let document = read("a.json", text)?;
    let names: Vec<_> = document.sections.iter().map(|(name, records)| (name.as_str(), records.len())).collect();
    assert_eq!(names, [("item_groups", 2), ("items", 0), ("variations", 1)]);
    assert_eq!(document.ends.iter().map(|end| (end.number, end.records)).collect::<Vec<_>>(), [(0, 2), (1, 0), (2, 1)]);
    let csv = read("g.csv", "id,name,parent_ids,data\nall,All,\"[]\",\"{\"\"u\"\":1}\"\ns,,\"[\"\"all\"\"]\",\n")?;
    assert_eq!(csv.sections[0].0, "item_groups");
    assert_eq!(csv.sections[0].1[0], document.sections[0].1[0]);
    assert_eq!(
        csv.sections[0].1[1],
        ["id=\"s\"", "item_name=blank", "parent_ids=[\"all\"]"].map(|cell| cell.replace("item_name", "name"))
    );
    let legacy = read("g.csv", "id,name,parent_id\nall,All,\ns,S,all\n")?;
    assert_eq!(legacy.sections[0].1[0][2], "parent_ids=[]");
    assert_eq!(legacy.sections[0].1[1][2], "parent_ids=[\"all\"]");
    let mixed = tar::tests::archive(&[
        ("items.csv", b"id\nA\n"),
        ("variations.jsonl", b"{\"id\":\"V\"}\n"),
        ("item_groups.json", b"[{\"id\":\"g\"}]"),
    ]);
    let mixed = read("m.tar", mixed)?;
    assert_eq!(mixed.info.container, "tar of csv, jsonl, json");
    assert_eq!(mixed.sections.len(), 3);
    Ok(())
}

#[test]
fn bytes_that_are_not_utf8_are_found_exactly() -> Result<(), Fault> {
    let read = read("a.csv", b"id,x\nA,ok\nB,\xE9\n")?;
    assert_eq!(read.issues, [(Code::NotUtf8, 2, 3)]);
    assert_eq!(failure("a.csv", b"id,\xE9\nA,ok\n"), Some(Code::NotUtf8));
    assert_eq!(failure("a.csv", b"\xFF\xFEi\0d\0\n\0"), Some(Code::NotUtf8));
    Ok(())
}

#[test]
fn each_line_is_read_in_its_own_dialect() -> Result<(), Fault> {
    let nested = r#"{"id":"A1","name":"Boot","data":{"url":"u","x":"1","facets":{"c":["r"]}}}"#;
    let flat = r#"{"id":"A1","item_name":"Boot","url":"u","metadata:x":"1","facet:c":"r"}"#;
    let one = read("items.jsonl", nested)?;
    for lines in [format!("{nested}\n{flat}\n{nested}"), format!("{flat}\n{nested}\n{flat}")] {
        let read = read("items.jsonl", &lines)?;
        let records = &read.sections[0].1;
        assert!(records.len() == 3 && records.iter().all(|record| *record == one.sections[0].1[0]), "{records:?}");
        let told = read.issues.iter().map(|issue| issue.0).chain(read.warnings).collect::<Vec<_>>();
        assert_eq!(told, [Code::FlatJsonl], "{lines}");
    }
    // What was read of a line before it showed its dialect leaves nothing behind.
    let late = r#"{"id":"A2","zzz":1,"data":{"y":"2"},"item_name":"Hat"}"#;
    let read = read("items.jsonl", format!("{nested}\n{late}"))?;
    assert_eq!(read.sections[0].1[1], ["id=\"A2\"", "item_name=\"Hat\"", "metadata:y=\"2\""]);
    assert_eq!(read.issues, [(Code::FlatJsonl, 2, 2), (Code::UnknownColumn, 2, 2)]);
    Ok(())
}

#[test]
fn a_file_that_changes_while_it_is_read_is_refused() -> Result<(), Fault> {
    // Long enough that the thread that inflates cannot have come to the end before the change.
    let rows: String =
        (0..1_000_000u64).map(|n| format!("A{n},Item {}\n", n.wrapping_mul(0x9E37_79B9_7F4A_7C15))).collect();
    let content = format!("id,item_name\n{rows}");
    let add = |path: &std::path::Path| {
        let file = std::fs::OpenOptions::new().append(true).open(path);
        file.and_then(|mut file| file.write_all(b"B1,late\n"))
    };
    let cut = |path: &std::path::Path| std::fs::write(path, &content.as_bytes()[..100_000]);
    let replace = |path: &std::path::Path| std::fs::write(path, content.replace("Item", "ITEM"));
    let gzipped = gzip(content.as_bytes());
    let (half, rest) = gzipped.split_at(gzipped.len() / 2);
    let go_on = |path: &std::path::Path| {
        let file = std::fs::OpenOptions::new().append(true).open(path);
        file.and_then(|mut file| file.write_all(rest))
    };
    type Change<'c> = &'c dyn Fn(&std::path::Path) -> std::io::Result<()>;
    let changes: [(&[u8], Change<'_>); 4] =
        [(content.as_bytes(), &add), (content.as_bytes(), &cut), (content.as_bytes(), &replace), (half, &go_on)];
    for (number, (bytes, change)) in changes.into_iter().enumerate() {
        let file = Temporary::new("items.csv", bytes);
        let options = options();
        let tables: Tables = options.entities.iter().map(|spec| Arc::new(FieldTable::new(spec))).collect();
        let mut feed = Feed::open(&file.0, options, tables)?;
        let mut block = Block::default();
        let mut begun = false;
        let end = loop {
            match feed.next(&mut block) {
                Ok(Next::End(_)) => break None,
                Ok(Next::Block) if !begun => {
                    begun = true;
                    assert!(change(&file.0).is_ok());
                }
                Ok(_) => {}
                Err(fault) => break Some(fault.code),
            }
        };
        assert_eq!(end, Some(Code::FileChanged), "{number}");
    }
    Ok(())
}
