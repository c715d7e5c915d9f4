//! Finds records again by their number: for faults that show only when the whole feed is known.

use std::collections::BTreeMap;
use std::path::Path;

use super::blocks::{Control, Pass, read_blocks};
use super::stop::Stop;
use crate::fault::Position;
use crate::read::{ReadOptions, Section, Tables};

/// Reads the feed again, which must still be the one of `fingerprint`, and gives what `each` makes of the records
/// `wanted` (entity, ordinal; sorted).
pub fn revisit<T: Send>(
    path: &Path,
    options: &ReadOptions,
    tables: &Tables,
    fingerprint: Option<u128>,
    wanted: &[(usize, u32)],
    each: impl Fn(&Section, &[u8], Position) -> T + Sync,
) -> Result<BTreeMap<(usize, u32), T>, Stop> {
    let control = Control::default();
    let start = |_| BTreeMap::new();
    let pass = read_blocks(path, options, tables, 1, &control, start, |found, section, block| {
        let first = (section.entity, block.first_record as u32);
        let from = wanted.partition_point(|place| *place < first);
        if from == wanted.len() || wanted[from].0 != section.entity {
            return Ok(());
        }
        for span in &block.spans {
            let ordinal = block.first_record as u32 + span.ordinal;
            if wanted.binary_search(&(section.entity, ordinal)).is_err() {
                continue;
            }
            let raw = block.raw(span);
            let position = section.layout.position(&section.member, block, span);
            found.insert((section.entity, ordinal), each(section, raw, position));
        }
        Ok(())
    });
    let pass = Pass::again(pass, fingerprint)?;
    Ok(pass.states.into_iter().flatten().collect())
}
