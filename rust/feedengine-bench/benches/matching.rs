//! Matching by three identifiers: how fast the identifiers of stored customers are learnt, what they hold of memory, how
//! many rows a second find their record. `CUSTOMERS=5000000 cargo bench --bench matching` runs it whole.

#![allow(clippy::print_stdout)]

use std::time::Instant;

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
    let started = Instant::now();
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
    let learnt = started.elapsed();
    println!("learnt     {customers} customers in {learnt:.2?}, {} MB held", held().saturating_sub(before));

    let identity = Identity::new(&spec, &table, std::slice::from_ref(&spec), &[fields])?;
    // Rows in no order of the store's, made before the clock starts: reading a file is measured elsewhere.
    let rows: Vec<Record> = (0..customers.min(1_000_000))
        .map(|n| {
            let mut record = Record::default();
            let customer = n.wrapping_mul(0x9E37_79B9_7F4A_7C15) % customers;
            row(&hasher, &mut record, customer, [7, 6, 4][n as usize % 3]);
            record
        })
        .collect();
    let (mut text, mut prints, mut found) = (String::new(), Vec::new(), [0u64; 3]);
    let started = Instant::now();
    for record in &rows {
        identity.read(record, &hasher, &mut text, &mut prints);
        let row = Row { key: record.text(FieldId(0)), prints: &prints, emptied: 0, names_only: false };
        let matched = find(&identity, &directory, &index, &hasher, &row)?;
        found[usize::from(matched.by)] += u64::from(matched.found.is_some());
    }
    let taken = started.elapsed();
    assert_eq!(found.iter().sum::<u64>(), rows.len() as u64, "every row is a stored customer");
    let rate = rows.len() as f64 / taken.as_secs_f64();
    println!("matched    {} rows in {taken:.2?}: {rate:.0} rows/s by key, reference, name {found:?}", rows.len());
    Ok(())
}
