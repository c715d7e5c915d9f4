//! The reading room on one thread: cutting a file into blocks, splitting and keying them, parsing every record.
#![allow(missing_docs, clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use feedengine_core::read::{Block, Feed, FormatSpec, Next, ReadOptions, Scratch, Section, Tables};
use feedengine_core::record::entity::constructor;
use feedengine_core::record::{FieldTable, Record};
use feedengine_core::sample::{Container, Spec, generate};

const ROWS: u64 = 50_000;

fn open(path: &Path) -> Feed {
    let entities = constructor();
    let tables: Tables = entities.iter().map(|spec| Arc::new(FieldTable::new(spec))).collect();
    let options = ReadOptions {
        entities,
        delimiter: None,
        block: 1 << 20,
        max_record: 1 << 24,
        max_expansion: 200,
        max_columns: 10_000,
        default_entity: None,
        entity: None,
        format: FormatSpec::default(),
    };
    Feed::open(path, options, tables).unwrap()
}

/// Reads a whole file; `work` gets every block.
fn whole(mut feed: Feed, mut work: impl FnMut(&Section, &Block)) {
    let mut block = Block::default();
    let mut section = None;
    loop {
        match feed.next(&mut block).unwrap() {
            Next::Section(begun) => section = Some(begun),
            Next::Block => section.iter().for_each(|section| work(section, &block)),
            Next::SectionEnd(_) => {}
            Next::End(_) => return,
        }
    }
}

fn read(criterion: &mut Criterion) {
    let folder = std::env::temp_dir().join(format!("feedengine-bench-read-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("items.csv");
    let spec = Spec {
        items: ROWS,
        variations: 0,
        groups: 0,
        threads: 1,
        container: Container::File,
        entities: vec!["items".into()],
        ..Spec::default()
    };
    let bytes = generate(&spec, &path).unwrap().bytes;
    let mut group = criterion.benchmark_group("read");
    group.throughput(Throughput::Bytes(bytes));
    group.bench_function("cut", |bencher| {
        bencher.iter_batched(|| open(&path), |feed| whole(feed, |_, _| {}), BatchSize::PerIteration);
    });
    let mut blocks = Vec::new();
    whole(open(&path), |section, block| {
        let mut copy = Block::default();
        copy.bytes.clone_from(&block.bytes);
        copy.spans.clone_from(&block.spans);
        blocks.push((section.layout.clone(), copy));
    });
    group.bench_function("key", |bencher| {
        bencher.iter(|| {
            let mut sum = 0;
            for (layout, block) in &blocks {
                for span in &block.spans {
                    let raw = block.raw(span);
                    sum += layout.key(raw).map_or(0, <[u8]>::len);
                }
            }
            sum
        });
    });
    group.bench_function("parse", |bencher| {
        let (mut scratch, mut record, mut issues) = (Scratch::new(), Record::default(), Vec::new());
        bencher.iter(|| {
            let mut cells = 0;
            for (layout, block) in &blocks {
                for span in &block.spans {
                    let raw = block.raw(span);
                    layout.parse(raw, &mut scratch, &mut record, &mut issues);
                    cells += record.cells().len();
                }
            }
            cells
        });
    });
    group.finish();
    let _ = std::fs::remove_dir_all(&folder);
}

criterion_group!(benches, read);
criterion_main!(benches);
