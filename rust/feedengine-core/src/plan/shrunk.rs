//! Values of options that products no longer declare while stored records still choose them.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::Planner;
use super::matrix::{DECLARING, MATRIX, Part};
use super::pairs::{Pair, pair_hash};
use super::spool::Spool;
use super::stop::Stop;
use crate::bags::PARTS;
use crate::fault::{Code, Fault, Severity};
use crate::record::Record;

/// What one record declared before the task, and nobody does after it.
struct Lost {
    /// Where the record is among the words.
    place: u64,
    pairs: HashSet<u128>,
    product: u128,
    /// The part whose stored records choose it, and how many of them.
    chosen: (usize, u64),
}

impl Planner {
    /// Whether products declare less than before.
    pub(super) fn is_shrinking(&self, declaring: &Part) -> Result<bool, Stop> {
        for range in 0..PARTS {
            if !self.lost(declaring, range)?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What a range of products declared before the task and does not after it; products that are gone are left out.
    fn lost(&self, declaring: &Part, range: usize) -> Result<Vec<Pair>, Stop> {
        let after = self.standing(declaring, range)?.pairs;
        let products: HashSet<u128> = after.iter().map(|pair| pair.product).collect();
        let values: HashSet<(u128, u128)> = after.iter().map(|pair| (pair.product, pair.pair)).collect();
        let mut lost = Vec::new();
        for pair in declaring.bag.load(range)?.into_iter().filter(|pair| !pair.is_row()) {
            if values.contains(&(pair.product, pair.pair)) {
                continue;
            }
            // A row that declares nothing any more is one still.
            if products.contains(&pair.product) || !self.is_leaving(declaring.number, pair.slot)? {
                lost.push(pair);
            }
        }
        Ok(lost)
    }

    /// Warns of stored records that choose what their product no longer declares, at the row that does not say it.
    pub(super) fn report_shrunk(&self, parts: &[Part], words: &Spool) -> Result<(), Stop> {
        let declaring = &parts[DECLARING];
        let mut found: BTreeMap<(u32, usize), Lost> = BTreeMap::new();
        for range in 0..PARTS {
            let lost = self.lost(declaring, range)?;
            for (at, part) in parts.iter().enumerate().skip(MATRIX + 1).filter(|_| !lost.is_empty()) {
                self.choosing(&lost, (at, part), range, &mut found)?;
            }
        }
        if found.is_empty() {
            return Ok(());
        }
        let slots: HashSet<u32> = found.keys().map(|(slot, _)| *slot).collect();
        let mut rows: HashMap<u32, u32> = HashMap::new();
        if !self.entities[declaring.number].operation.keys_only() {
            self.each_row(declaring.number, |_, touch, _| {
                if slots.contains(&touch.slot) {
                    rows.insert(touch.slot, touch.ordinal);
                }
                Ok(())
            })?;
        }
        let mut all: Vec<(Option<u32>, Lost)> =
            found.into_iter().map(|((slot, _), lost)| (rows.get(&slot).copied(), lost)).collect();
        all.sort_by_key(|(ordinal, lost)| (*ordinal, lost.product, lost.chosen.0));
        let limit = self.request.settings.listed_problems;
        let more = all.len().saturating_sub(limit) as u64;
        self.problems.count(declaring.number, Code::OptionInUse, Severity::Warning, more);
        all.truncate(limit);
        let mut wanted: Vec<(usize, u32)> =
            all.iter().filter_map(|(ordinal, _)| Some((declaring.number, (*ordinal)?))).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let visited = if wanted.is_empty() { Default::default() } else { self.visit(&wanted)? };
        for (ordinal, lost) in all {
            let mut fault = self.shrunk(parts, &lost, words)?;
            let row = ordinal.and_then(|ordinal| visited.get(&(declaring.number, ordinal)));
            if let Some((position, key, ..)) = row {
                (fault.position, fault.key) = (position.clone(), key.clone());
            }
            let first = ordinal.map_or((lost.product >> 65) as u64, u64::from);
            self.problems.add(declaring.number, first, Code::OptionInUse, Severity::Warning, || fault);
        }
        Ok(())
    }

    /// Counts stored records of a part that choose what is lost, for each record that declared it.
    fn choosing(
        &self,
        lost: &[Pair],
        (at, part): (usize, &Part),
        range: usize,
        found: &mut BTreeMap<(u32, usize), Lost>,
    ) -> Result<(), Stop> {
        let mut declared: HashMap<(u128, u128), Vec<&Pair>> = HashMap::new();
        for pair in lost {
            declared.entry((pair.product, pair.pair)).or_default().push(pair);
        }
        let chosen = self.standing(part, range)?.pairs;
        for record in chosen.chunk_by(|a, b| (a.product, a.record()) == (b.product, b.record())) {
            if record[0].is_row() {
                continue;
            }
            let named = record.iter().flat_map(|pair| declared.get(&(pair.product, pair.pair)).into_iter().flatten());
            let mut counted = HashSet::new();
            for pair in named {
                let (place, product) = (pair.place, pair.product);
                let new = || Lost { place, pairs: HashSet::new(), product, chosen: (at, 0) };
                let lost = found.entry((pair.slot, at)).or_insert_with(new);
                lost.pairs.insert(pair.pair);
                lost.chosen.1 += u64::from(counted.insert(pair.slot));
            }
        }
        Ok(())
    }

    /// The warning, in words.
    fn shrunk(&self, parts: &[Part], lost: &Lost, words: &Spool) -> Result<Fault, Stop> {
        let (naming, entity) = (&parts[DECLARING].naming, &self.entities[parts[DECLARING].number]);
        let (mut buffer, mut record) = (Vec::new(), Record::default());
        words.read(lost.place, &mut buffer, &mut record)?;
        let product = naming.product(&record).unwrap_or_default().into_owned();
        let mut named = naming.named(&record);
        named.retain(|named| lost.pairs.contains(&pair_hash(&self.hasher, &named.option, &named.value)));
        let other = &self.entities[parts[lost.chosen.0].number].spec.name;
        let all: Vec<String> = named.iter().map(ToString::to_string).collect();
        let message = format!(
            "{} records of {other} choose {}, which {product} no longer declares",
            lost.chosen.1,
            all.join(" or ")
        );
        let field = named.first().map_or(naming.product, |first| first.fields.1);
        let value = named.first().map(|first| first.value.clone()).unwrap_or_default();
        let mut fault = Fault::new(Code::OptionInUse, message).column(&*entity.table.name(field)).value(&value);
        fault.entity = Some(entity.spec.name.clone());
        Ok(fault)
    }
}
