//! The generator against a slow comparison of the files it wrote.

use std::collections::HashMap;
use std::io::Read;
use std::path::PathBuf;
use std::process::id;

use super::*;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("feedengine-sample-{name}-{}", id()));
        std::fs::create_dir_all(&path).expect("a temporary folder");
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn spec(day: u32) -> Spec {
    Spec { seed: 5, items: 5_000, variations: 9_001, groups: 400, day, shuffle: day > 1, ..Spec::default() }
}

/// JSONL records by their id, which is the first member.
fn records(path: &Path) -> HashMap<String, String> {
    let text = std::fs::read_to_string(path).expect("a file");
    let by_id = |line: &str| (line.split('"').nth(3).expect("an id").to_owned(), line.to_owned());
    text.lines().map(by_id).collect()
}

#[test]
fn answer_agrees_with_the_files() {
    let folder = Folder::new("answer");
    for day in 2..5 {
        let (before, after) = (folder.0.join("before"), folder.0.join("after"));
        let jsonl = |day| Spec { format: Format::Jsonl, ..spec(day) };
        generate(&jsonl(day - 1), &before).expect("day before");
        let answer = generate(&jsonl(day), &after).expect("day");
        for (entity, told) in &answer.entities {
            let old = records(&before.join(format!("{entity}.jsonl")));
            let new = records(&after.join(format!("{entity}.jsonl")));
            let number = |id: &str| id[4..].parse::<u64>().expect("a number");
            let added: Vec<&String> = new.keys().filter(|id| !old.contains_key(*id)).collect();
            let removed: Vec<&String> = old.keys().filter(|id| !new.contains_key(*id)).collect();
            let changed: Vec<&String> =
                new.keys().filter(|id| old.get(*id).is_some_and(|old| *old != new[*id])).collect();
            let sum = |ids: &[&String]| ids.iter().fold(0u64, |sum, id| sum.wrapping_add(number(id)));
            assert_eq!(told.rows, new.len() as u64, "{entity}");
            assert_eq!(told.before, old.len() as u64, "{entity}");
            assert_eq!(told.added, added.len() as u64, "{entity}");
            assert_eq!(told.removed, removed.len() as u64, "{entity}");
            assert_eq!(told.changed, changed.len() as u64, "{entity}");
            assert_eq!(told.rows, told.added + told.changed + told.unchanged, "{entity}");
            let sums = IdSums { added: sum(&added), changed: sum(&changed), removed: sum(&removed) };
            assert_eq!(told.id_sums, sums, "{entity}");
        }
        let items = &answer.entities["items"];
        assert_eq!((items.added, items.changed, items.removed), (50, 250, 50));
    }
}

#[test]
fn same_bytes_for_any_number_of_threads() {
    let folder = Folder::new("threads");
    for container in [Container::Tar, Container::TarGz] {
        let mut archives = Vec::new();
        for threads in [1, 2, 3] {
            let path = folder.0.join(format!("{threads}"));
            generate(&Spec { container, threads, ..spec(2) }, &path).expect("an archive");
            archives.push(std::fs::read(&path).expect("bytes"));
        }
        assert!(archives.windows(2).all(|pair| pair[0] == pair[1]));
    }
}

#[test]
fn gzip_is_whole_and_holds_the_tar() {
    let folder = Folder::new("gzip");
    let (plain, packed) = (folder.0.join("a.tar"), folder.0.join("a.tar.gz"));
    generate(&Spec { container: Container::Tar, ..spec(2) }, &plain).expect("tar");
    generate(&Spec { container: Container::TarGz, ..spec(2) }, &packed).expect("tar.gz");
    let mut unpacked = Vec::new();
    let file = std::fs::File::open(&packed).expect("file");
    flate2::read::GzDecoder::new(file).read_to_end(&mut unpacked).expect("a whole gzip member");
    assert!(unpacked == std::fs::read(&plain).expect("bytes"));
}

#[test]
fn truncated_feed_ends_inside_a_record() {
    let folder = Folder::new("cut");
    let path = folder.0.join("cut.csv");
    let cut =
        Spec { container: Container::File, entities: vec!["items".into()], keep: 4_000, cut_record: true, ..spec(2) };
    let answer = generate(&cut, &path).expect("a file");
    let text = std::fs::read_to_string(&path).expect("text");
    assert!(!text.ends_with('\n'));
    let last = text.lines().last().expect("a line");
    assert_eq!(last.split(',').count(), 3, "{last}");
    assert_eq!(answer.entities["items"].rows, 2_000);
    assert!(answer.entities["items"].removed > 2_900);
}

#[test]
fn patch_changes_every_price_it_names() {
    let folder = Folder::new("patch");
    let (full, patch) = (folder.0.join("full.csv"), folder.0.join("patch.csv"));
    let single = Spec { container: Container::File, entities: vec!["items".into()], ..spec(3) };
    generate(&single, &full).expect("a feed");
    let answer = generate(&Spec { patch: Some(100), ..single }, &patch).expect("a patch");
    assert_eq!(answer.entities["items"].changed, 100);
    let full = std::fs::read_to_string(&full).expect("text");
    for row in std::fs::read_to_string(&patch).expect("text").lines().skip(1) {
        let (id, price) = row.split_once(',').expect("two cells");
        let line = full.lines().find(|line| line.starts_with(id)).expect("the item");
        assert!(!line.contains(&format!(",{price},")), "{line}");
    }
}

#[test]
fn a_spec_that_contradicts_itself_is_refused() {
    let path = std::env::temp_dir();
    for wrong in [
        Spec { day: 0, ..Spec::default() },
        Spec { items: 0, ..Spec::default() },
        Spec { churn: 9_000, changed: 2_000, ..Spec::default() },
        Spec { patch: Some(2_000), ..Spec::default() },
        Spec { container: Container::File, ..Spec::default() },
    ] {
        assert!(generate(&wrong, &path).is_err(), "{wrong:?}");
    }
}
