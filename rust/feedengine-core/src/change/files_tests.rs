//! The light way of comparing two files against the thorough one, on files with everything that can be odd in them.

use arrow_array::RecordBatchReader;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use serde_json::json;

use super::*;
use crate::plan::StoredRows;
use crate::read::testing::Random;
use crate::record::entity::constructor;
use crate::record::{Cell, FieldTable, Record};

const HEADER: &str =
    "id,item_name,url,description,group_ids,keywords,active,suggested_score,facet:Color,metadata:p,odd";

/// A cell of each column that nothing is wrong with, and one that may be odd.
fn cell(random: &mut Random, column: usize, odd: bool) -> String {
    let long = "x".repeat(random.below(1200));
    let choices: &[&str] = match (column, odd) {
        (1, false) => &["Lamp", "Größe", "\"a, b\"", "\"say \"\"hi\"\"\"", "\"two\nlines\""],
        (1, true) => &["", "\"\"", "--", "x\"y", "\u{0}", "\"\"\"\""],
        (3, _) => &["", "plain", "\"\"", &long, "\"quoted\""],
        (4 | 5, _) => &["", "a", "a|b", "|", "\"a|b\"", "a||b"],
        (6, false) => &["", "true", "0", "\"false\"", "FALSE"],
        (6, true) => &["yes", "\"\"", " true"],
        (7, false) => &["", "7", "-1", "500000000"],
        (7, true) => &["-2", "7.5", "500000001"],
        (8, _) => &["", "red", "red|blue", "\"red\"\"\""],
        (9, _) => &["", "1.50", "\"1.50\""],
        _ => &["", "x"],
    };
    (*random.pick(choices)).to_owned()
}

fn row(random: &mut Random, key: &str, strange: usize) -> Vec<u8> {
    let odd = random.below(100) < strange;
    let mut cells = vec![key.to_owned()];
    cells.extend((1..11).map(|column| {
        let odd = odd && random.below(4) == 0;
        cell(random, column, odd)
    }));
    match random.below(60) {
        0 if odd => cells.truncate(5),
        1 if odd => cells.push("more".into()),
        2 if odd => cells[0].clear(),
        3 if odd => cells[0] = "\"K\"\"1\"".into(),
        _ => {}
    }
    let mut row = cells.join(",").into_bytes();
    if odd && random.below(40) == 0 {
        row.push(0xFF);
    }
    row
}

/// Two files with records in common: as they are, written differently, changed, doubled, gone and new.
fn files(seed: u64, strange: usize) -> [Vec<u8>; 2] {
    let random = &mut Random::new(seed);
    let keys: Vec<String> = (0..random.below(300)).map(|n| format!("K{n}")).collect();
    let mut old: Vec<Vec<u8>> = keys.iter().map(|key| row(random, key, strange)).collect();
    for _ in 0..random.below(20) {
        let key = if keys.is_empty() { "K1".into() } else { random.pick(&keys).clone() };
        old.insert(random.below(old.len() + 1), row(random, &key, strange));
    }
    let mut new = Vec::new();
    for known in &old {
        match random.below(12) {
            0 => {}
            1 => {
                let key = format!("N{}", random.below(1_000));
                new.push(row(random, &key, strange));
            }
            2 if !known.contains(&b'"') => {
                let key = known.split(|byte| *byte == b',').next().unwrap_or_default();
                let quoted = [b"\"", key, b"\"", &known[key.len()..]].concat();
                new.push(quoted);
            }
            3 => {
                let key = String::from_utf8_lossy(known.split(|byte| *byte == b',').next().unwrap_or_default());
                new.push(row(random, &key, strange));
            }
            _ => new.push(known.clone()),
        }
    }
    for _ in 0..random.below(4) {
        let copied = new.get(random.below(new.len())).cloned().unwrap_or_default();
        new.insert(random.below(new.len() + 1), copied);
    }
    let end = random.text(&["\n", "\r\n", "\n", "\n\n"]).as_bytes();
    let mark: &[u8] = if random.below(3) == 0 { b"\xEF\xBB\xBF" } else { b"" };
    [old, new].map(|rows| {
        let lines = std::iter::once(HEADER.as_bytes()).chain(rows.iter().map(Vec::as_slice));
        [mark, &lines.collect::<Vec<_>>().join(end), if seed.is_multiple_of(2) { end } else { b"" }].concat()
    })
}

/// A row: its number in the file, then field, kind and bytes of each cell.
type Row = (i64, Vec<(String, u8, Vec<u8>)>);

/// Every row of a stream.
fn shown(rows: Option<ChangeRows>) -> Vec<Row> {
    let spec = &constructor()[0];
    let table = Arc::new(FieldTable::new(spec));
    let (mut all, mut record) = (Vec::new(), Record::default());
    for batch in rows.into_iter().flatten() {
        let batch = batch.expect("a batch");
        let numbers = batch.column_by_name("_record").expect("numbers").as_primitive::<Int64Type>().clone();
        let stored = StoredRows::new(&batch, spec, &table).expect("rows");
        for at in 0..stored.len() {
            stored.read(at, &mut record).expect("a row");
            let cell = |cell: &Cell| (table.name(cell.field).to_string(), cell.kind as u8, record.bytes(cell).to_vec());
            let mut cells: Vec<_> = record.cells().iter().map(cell).collect();
            cells.sort();
            all.push((numbers.value(at), cells));
        }
    }
    all.sort();
    all
}

fn columns(rows: &Option<ChangeRows>) -> Vec<String> {
    let schema = rows.as_ref().map(|rows| rows.schema());
    schema.iter().flat_map(|schema| schema.fields()).map(|field| field.name().clone()).collect()
}

fn request(folder: &Path, seed: u64) -> Request {
    let settings = json!({
        "rows": if seed.is_multiple_of(3) { "fail" } else { "reject" },
        "short_rows": if seed.is_multiple_of(5) { "fail" } else { "warn" },
    });
    let whole = json!({
        "operation": "sync", "settings": settings, "threads": 1 + seed % 2, "memory": 1 << (16 + seed % 12),
        "temp_dir": folder, "block": 300 + 4_000 * (seed % 3),
    });
    serde_json::from_value(whole).expect("a request")
}

/// A report, its problems in one order; two threads may meet rows of one id in either order, and then only one of them
/// knows its line.
fn told(report: &Json, seed: u64) -> Json {
    let mut report = report.clone();
    let problems = report["problems"].as_object_mut().expect("problems");
    if seed % 2 == 1 {
        problems.remove("list");
    } else if let Some(list) = problems["list"].as_array_mut() {
        list.sort_by_cached_key(Json::to_string);
    }
    for entry in problems["by_code"].as_array_mut().expect("codes") {
        entry.as_object_mut().expect("a code").remove("first");
    }
    report
}

/// Those that are asked for alone are the first of all, each with what it was before.
fn the_first_changes_are_the_same(found: &FileDiff, seed: u64) {
    let key = |row: &Row| row.1.iter().find(|cell| cell.0 == "id").expect("a key").2.clone();
    let (after, before) = (shown(found.after("items", None)), shown(found.before("items", None).expect("found")));
    for most in [0, 1, 7] {
        let first = shown(found.after("items", Some(most)));
        let old = shown(found.before("items", Some(most)).expect("found"));
        // Rows that were not kept are read all together, and so is what they were.
        let whole = first.len() > most;
        let first_after = if whole { &after[..] } else { &after[..most.min(after.len())] };
        assert_eq!(first, first_after, "{seed} {most}");
        let changed = |row: &&Row| after.iter().any(|other| key(other) == key(row));
        let removed =
            before.iter().filter(|row| !changed(row)).take(if whole { usize::MAX } else { most - first.len() });
        let mut wanted: Vec<Row> =
            before.iter().filter(|row| first.iter().any(|o| key(o) == key(row))).cloned().collect();
        wanted.extend(removed.cloned());
        wanted.sort();
        assert!(old == wanted || old == before, "{seed} {most}: {old:?} for {wanted:?}");
    }
}

#[test]
fn both_ways_of_comparing_find_the_same() {
    let folder = tempfile::tempdir().expect("folder");
    let (old, new) = (folder.path().join("old.csv"), folder.path().join("new.csv"));
    let mut light = 0;
    for seed in 0..150 {
        // Files without anything strange, with a little, with much.
        let [one, other] = files(seed, [0, 10, 60][seed as usize % 3]);
        std::fs::write(&old, one).expect("old");
        std::fs::write(&new, other).expect("new");
        let control = Arc::<Control>::default();
        let request = request(folder.path(), seed);
        let secret = passing_secret();
        let found = lightly(&old, &new, &request, &secret, folder.path(), &control).expect("compared");
        let Some(found) = found else { continue };
        light += 1;
        let right = thoroughly(&old, &new, request, &secret, folder.path(), control).expect("compared");
        assert_eq!(told(&found.report, seed), told(&right.report, seed), "{seed}");
        let sides = [
            (found.after("items", None), right.after("items", None)),
            (found.before("items", None).expect("found"), right.before("items", None).expect("found")),
        ];
        for (found, right) in sides {
            assert_eq!(columns(&found), columns(&right), "{seed}");
            assert_eq!(shown(found), shown(right), "{seed}");
        }
        for found in [found, right] {
            the_first_changes_are_the_same(&found, seed);
        }
    }
    assert!(light > 100, "{light}");
}

#[test]
fn what_is_not_simple_is_compared_thoroughly() {
    let folder = tempfile::tempdir().expect("folder");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path
    };
    let plain = file("plain.csv", "id,item_name,url\nA,Lamp,u\n");
    let turned = file("turned.csv", "item_name,id,url\nLamp,A,u\n");
    let lines = file("lines.jsonl", "{\"id\": \"A\", \"item_name\": \"Lamp\", \"data\": {\"url\": \"u\"}}\n");
    let facets = file("facets.csv", "id,item_name,url,facets\nA,Lamp,u,\n");
    let variations = file("variations.csv", "variation_id,item_id,item_name,url\nV,A,Lamp,u\n");
    let control = Arc::<Control>::default();
    let (request, secret) = (request(folder.path(), 1), passing_secret());
    let looked = |old: &Path, new: &Path| {
        lightly(old, new, &request, &secret, folder.path(), &control).expect("compared").is_some()
    };
    assert!(looked(&plain, &plain));
    for (old, new) in [(&plain, &turned), (&lines, &lines), (&facets, &facets), (&variations, &variations)] {
        assert!(!looked(old, new), "{old:?} {new:?}");
        let found = diff(old, new, request.clone(), control.clone()).expect("compared");
        assert!(found.earlier.is_none());
        for entity in ["items", "variations"] {
            let counts = &found.report["entities"][entity];
            assert_eq!([&counts["added"], &counts["changed"], &counts["removed"]], [0, 0, 0], "{old:?}");
        }
    }
}
