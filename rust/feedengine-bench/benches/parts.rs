//! The parts of the core alone, on one thread: digests of records, and the sample generator.
#![allow(missing_docs, clippy::unwrap_used)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use feedengine_core::record::digest::{Hasher, SECRET_LEN};
use feedengine_core::record::{FieldId, Record};
use feedengine_core::sample::{Container, Spec, generate};

const ROWS: u64 = 10_000;

/// A folder that goes with the process.
fn folder() -> std::path::PathBuf {
    let path = std::env::temp_dir().join(format!("feedengine-bench-{}", std::process::id()));
    std::fs::create_dir_all(&path).unwrap();
    path
}

fn spec() -> Spec {
    Spec {
        items: ROWS,
        variations: 0,
        groups: 0,
        threads: 1,
        container: Container::File,
        entities: vec!["items".into()],
        ..Spec::default()
    }
}

fn sample(criterion: &mut Criterion) {
    let folder = folder();
    let bytes = generate(&spec(), &folder.join("items.csv")).unwrap().bytes;
    let mut group = criterion.benchmark_group("sample");
    group.throughput(Throughput::Bytes(bytes));
    group.bench_function("items as csv", |bencher| {
        bencher.iter(|| generate(&spec(), &folder.join("items.csv")).unwrap());
    });
    group.finish();
    let _ = std::fs::remove_dir_all(&folder);
}

fn digests(criterion: &mut Criterion) {
    let folder = folder();
    let path = folder.join("digests.csv");
    generate(&spec(), &path).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let hasher = Hasher::new(&[7; SECRET_LEN]).unwrap();
    let fields: Vec<u64> = (0..64).map(|n| hasher.field(&format!("metadata:{n}"))).collect();
    let mut group = criterion.benchmark_group("digest");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("raw records", |bencher| {
        bencher.iter(|| text.lines().fold(0, |sum, line| sum ^ hasher.raw(line.as_bytes(), 1)));
    });
    group.bench_function("keys", |bencher| {
        bencher.iter(|| text.lines().fold(0, |sum, line| sum ^ hasher.key(&line.as_bytes()[..line.len().min(14)])));
    });
    // Cells as a plain split finds them: the digest's cost does not depend on the quoting.
    group.bench_function("records by cell", |bencher| {
        let mut record = Record::default();
        bencher.iter(|| {
            text.lines().fold(0u128, |sum, line| {
                record.clear();
                for (n, cell) in line.split(',').take(64).enumerate() {
                    record.push_text(FieldId(n as u32), cell);
                }
                sum.wrapping_add(hasher.share(hasher.record(&record, |field| fields[field.0 as usize])))
            })
        });
    });
    group.finish();
    let _ = std::fs::remove_dir_all(&folder);
}

criterion_group!(benches, sample, digests);
criterion_main!(benches);
