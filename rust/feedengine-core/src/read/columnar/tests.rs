//! Parquet files made here: what their values come to, and the exact answer to those that are wrong.

use std::sync::Arc;

use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::super::Block;
use super::super::foreign::Rows;
use super::super::testing::{Random as Dice, options};
use super::*;

const SCHEMA: &str = "message m { REQUIRED BYTE_ARRAY id (UTF8); OPTIONAL INT64 n; OPTIONAL GROUP tags (LIST) \
    { REPEATED GROUP list { OPTIONAL BYTE_ARRAY element (UTF8); } } }";

/// Two row groups of three rows.
fn file() -> Option<Vec<u8>> {
    let schema = Arc::new(parse_message_type(SCHEMA).ok()?);
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, Arc::default()).ok()?;
    for ids in [["A", "B", "C"], ["D", "E", "F,\"x\""]] {
        let mut group = writer.next_row_group().ok()?;
        let ids: Vec<ByteArray> = ids.iter().map(|id| ByteArray::from(*id)).collect();
        let mut column = group.next_column().ok()??;
        column.typed::<ByteArrayType>().write_batch(&ids, None, None).ok()?;
        column.close().ok()?;
        let mut column = group.next_column().ok()??;
        column.typed::<Int64Type>().write_batch(&[7, -8], Some(&[1, 0, 1]), None).ok()?;
        column.close().ok()?;
        let mut column = group.next_column().ok()??;
        let tags = ["r", "s", "t"].map(ByteArray::from);
        // [r, null, s], null, [t]
        let (definitions, repetitions) = ([3, 2, 3, 0, 3], [0, 1, 1, 0, 0]);
        column.typed::<ByteArrayType>().write_batch(&tags, Some(&definitions), Some(&repetitions)).ok()?;
        column.close().ok()?;
        group.close().ok()?;
    }
    writer.close().ok()?;
    Some(bytes)
}

fn read(bytes: &[u8]) -> Result<String, Fault> {
    let options = options();
    let table = Table::open(Random::spool(&mut &bytes[..])?, &options)?;
    let Shape::Columns(names) = table.shape() else { return Ok(String::new()) };
    let mut rows = Rows::new(Box::new(table), &options, 0);
    let (mut text, mut block) = (names.join(","), Block::default());
    while rows.next(&mut &b""[..], &mut block)? {
        for span in &block.spans {
            text += "\n";
            text += &String::from_utf8_lossy(block.raw(span));
        }
    }
    Ok(text)
}

#[test]
fn rows_come_from_all_columns() -> Result<(), Fault> {
    let bytes = file().unwrap_or_default();
    assert_eq!(read(&bytes)?, "id,n,tags\nA,7,r|s\nB,,\nC,-8,t\nD,7,r|s\nE,,\n\"F,\"\"x\"\"\",-8,t");
    Ok(())
}

#[test]
fn what_is_no_whole_file_is_refused() {
    let sound = file().unwrap_or_default();
    let directory = sound.len() - 8;
    let mut long = sound.clone();
    long[directory..directory + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    let mut locked = sound.clone();
    locked[directory + 4..].copy_from_slice(b"PARE");
    let mut damaged = sound.clone();
    damaged[directory - 200..directory].fill(0xFF);
    for (bytes, expected) in [
        (&sound[..6], "the Parquet file ends early: it has no directory"),
        (&sound[..sound.len() / 2], "the Parquet file ends early: its last bytes are not PAR1"),
        (&long, "the Parquet file is damaged: its directory is longer than the file"),
        (&locked, "the Parquet file is encrypted"),
        (&damaged, "the Parquet file is damaged: its directory cannot be read"),
    ] {
        let fault = read(bytes).err();
        assert_eq!(fault.map(|fault| (fault.code, fault.message)), Some((Code::BadParquet, expected.to_owned())));
    }
}

#[test]
fn a_schema_without_a_bottom_is_refused_before_it_is_followed() {
    // Each element (a structure in a list) has one member: field 4 (name, empty), field 5 (members, 1).
    let element = [0x48, 0, 0x15, 2, 0];
    let count = 100_000u32;
    let mut directory = vec![0x15, 2, 0x19, 0xFC];
    let mut rest = count;
    while rest >= 0x80 {
        directory.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    directory.push(rest as u8);
    directory.extend(element.repeat(count as usize));
    directory.push(0);
    assert_eq!(depth(&directory), Some(count as usize));
    let length = (directory.len() as u32).to_le_bytes();
    let bytes = [&MAGIC[..], &directory, &length, MAGIC].concat();
    let fault = read(&bytes).err();
    assert_eq!(
        fault.map(|fault| fault.message).as_deref(),
        Some("the Parquet file's columns are nested more than 32 deep")
    );
}

/// Whatever is changed in a file, it is read or refused.
#[test]
fn damaged_files_are_answered() {
    let sound = file().unwrap_or_default();
    let mut dice = Dice::new(5);
    let mut refused = 0;
    for _ in 0..3000 {
        let mut bytes = sound.clone();
        for _ in 0..=dice.below(3) {
            let at = dice.below(bytes.len());
            bytes[at] = if dice.below(2) == 0 { dice.next() as u8 } else { bytes[at] ^ 1 << dice.below(8) };
        }
        refused += usize::from(read(&bytes).is_err());
    }
    assert!(refused > 300, "{refused}");
}
