//! Matching by three identifiers: how fast the identifiers of stored customers are learnt, what they hold of memory, how
//! many rows a second find their record. `CUSTOMERS=5000000 cargo bench --bench matching` runs it whole.

#![allow(clippy::print_stdout)]

use feedengine_core::identify::matching::{Row, find};
use feedengine_core::identify::{Directory, Identity, Told, given, system_id, uuid_text};
use feedengine_core::index::{Cold, Hot, Index, RunWriter};
use feedengine_core::record::digest::{Hasher, SECRET_LEN};
use feedengine_core::record::entity::EntitySpec;
use feedengine_core::record::{FieldId, FieldTable, Record};

const SPEC: &str = r#"{"name": "customers", "metadata": false, "facets": false, "shared": false, "max_data": 100000,
  "max_average": 100000, "size_class": "customers", "fields": [
    {"name": "system_id", "json": "system_id", "place": "top", "kind": "text"},
    {"name": "reference_id", "json": "reference_id", "place": "top", "kind": "text"},
    {"name": "company_name", "json": "company_name", "place": "top", "kind": "text"}],
  "identity": [{"field": "system_id"}, {"field": "reference_id"}, {"field": "company_name", "weak": true}]}"#;
const STORE: u64 = 7;

type Failure = Box<dyn std::error::Error>;

fn key(hasher: &Hasher, n: u64) -> String {
    uuid_text(system_id(hasher, &n.to_le_bytes()))
}

/// Rows that the planner matches at a time.
const AT_ONCE: usize = 16;
/// Rows that are made at a time: the cache holds them, as it holds rows that were just read.
const MADE: usize = 2048;

/// Seconds for which a processor worked for this thread: what other processes do meanwhile does not count.
fn cpu() -> f64 {
    let spent = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    spent.split_whitespace().next().and_then(|nanoseconds| nanoseconds.parse::<f64>().ok()).unwrap_or(0.0) / 1e9
}

/// The customer `n` as a row that gives its ids (bits of `ids`: key, reference, name).
fn row(hasher: &Hasher, record: &mut Record, n: u64, ids: u32) {
    record.clear();
    if ids & 1 != 0 {
        record.push_text(FieldId(0), &key(hasher, n));
    }
    if ids & 2 != 0 {
        record.push_text(FieldId(1), &format!("CUST-{n:08}"));
    }
    if ids & 4 != 0 {
        record.push_text(FieldId(2), &format!("Nordic Interiors {n} Ltd."));
    }
}

/// Megabytes that this process holds, where the system tells.
fn held() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kilobytes| kilobytes.parse::<u64>().ok()).unwrap_or(0) / 1024
}

fn main() -> Result<(), Failure> {
    let customers: u64 = std::env::var("CUSTOMERS").ok().and_then(|count| count.parse().ok()).unwrap_or(100_000);
    let hasher = Hasher::new(&[11; SECRET_LEN]).ok_or("no secret")?;
    let folder = tempfile::tempdir()?;
    let spec: EntitySpec = serde_json::from_str(SPEC)?;
    let table = FieldTable::new(&spec);
    let path = folder.path().join("customers.run");
    let mut keys: Vec<u128> = (0..customers).map(|n| hasher.key(key(&hasher, n).as_bytes())).collect();
    keys.sort_unstable();
    let mut writer = RunWriter::create(&path, customers, false, STORE)?;
    for (row, key) in keys.iter().enumerate() {
        writer.push(Hot::new(*key, 0, row as u64 + 1, true), Cold::new(0, 0, 0), 0)?;
    }
    writer.finish()?;
    drop(keys);
    let index = Index::open(&[path], STORE)?;

    let fields = Identity::fields(&spec, &[]);
    let before = held();
    let started = cpu();
    let mut directory = Directory::new(fields.clone(), true, index.slots(), 1 << 30, folder.path());
    let mut record = Record::default();
    for n in 0..customers {
        row(&hasher, &mut record, n, 7);
        let values = [given(&record, FieldId(1)), given(&record, FieldId(2))];
        let values: Vec<Option<&str>> = values.iter().map(Option::as_deref).collect();
        let key = record.text(FieldId(0)).unwrap_or_default();
        assert!(directory.tell(&index, &hasher, &Told { key, values: &values })?);
        if n % 4096 == 0 {
            directory.hand_over(256)?;
        }
    }
    directory.finish()?;
    let learnt = cpu() - started;
    println!("learnt     {customers} customers in {learnt:.2} s of CPU, {} MB held", held().saturating_sub(before));

    let identity = Identity::new(&spec, &table, std::slice::from_ref(&spec), &[fields])?;
    // Rows in no order of the store's. They are made while the clock stands: reading a file is measured elsewhere.
    let (mut text, mut found, mut taken) = (String::new(), [0u64; 3], 0.0);
    let mut batch: Vec<Row> = (0..AT_ONCE).map(|_| Row::default()).collect();
    let mut records: Vec<Record> = (0..MADE).map(|_| Record::default()).collect();
    let count = customers.min(1_000_000) / MADE as u64 * MADE as u64;
    for first in (0..count).step_by(MADE) {
        for (n, record) in (first..).zip(&mut records) {
            row(&hasher, record, n.wrapping_mul(0x9E37_79B9_7F4A_7C15) % customers, [7, 6, 4][n as usize % 3]);
        }
        let started = cpu();
        for records in records.chunks(AT_ONCE) {
            let batch = &mut batch[..records.len()];
            for (row, record) in batch.iter_mut().zip(records) {
                row.read(&identity, record, &hasher, &mut text);
                row.foresee(&directory, &index);
            }
            batch.iter().for_each(|row| row.approach(&directory, &index));
            for row in &*batch {
                let matched = find(&identity, &directory, &index, row)?;
                found[usize::from(matched.by)] += u64::from(matched.found.is_some());
            }
        }
        taken += cpu() - started;
    }
    assert_eq!(found.iter().sum::<u64>(), count, "every row is a stored customer");
    let rate = count as f64 / taken;
    println!("matched    {count} rows in {taken:.2} s of CPU: {rate:.0} rows/s by key, reference, name {found:?}");
    Ok(())
}
