//! What is wrong with options in words: rows with what they name, products with the first of what they lack.

use std::collections::{HashMap, HashSet};

use super::Planner;
use super::allowed::Found;
use super::combos::{Lack, missing};
use super::matrix::{DECLARING, MATRIX, Part};
use super::pairs::{Named, Pair, pair_hash};
use super::spool::Spool;
use super::stop::Stop;
use crate::fault::{Code, Fault};
use crate::record::Record;

/// Combinations of one product that are told.
const TOLD: usize = 3;

impl Planner {
    /// The fault that says what a product lacks.
    pub(super) fn incomplete(
        &self,
        parts: &[Part],
        (pairs, groups, rows): (&[Pair], &[Vec<u128>], &HashSet<Vec<u128>>),
        lack: &Lack,
        words: &Spool,
    ) -> Result<Fault, Stop> {
        let naming = &parts[DECLARING].naming;
        let (mut buffer, mut record, mut product) = (Vec::new(), Record::default(), String::new());
        let mut known: HashMap<u128, Named> = HashMap::new();
        for pair in pairs.chunk_by(|a, b| a.place == b.place) {
            words.read(pair[0].place, &mut buffer, &mut record)?;
            product = naming.product(&record).unwrap_or_default().into_owned();
            let named = naming.named(&record).into_iter();
            known.extend(named.map(|named| (pair_hash(&self.hasher, &named.option, &named.value), named)));
        }
        let mut groups = groups.to_vec();
        groups
            .iter_mut()
            .for_each(|group| group.sort_by_key(|value| known.get(value).map(|named| (&named.option, &named.value))));
        let tell = |combination: &Vec<u128>| {
            let values = combination.iter().filter_map(|value| known.get(value)).map(ToString::to_string);
            values.collect::<Vec<_>>().join(" and ")
        };
        // What has a row is kept in the order of the groups, which is the same as before.
        let mut told: Vec<String> = missing(&groups, rows, TOLD).iter().map(tell).collect();
        if lack.missing > TOLD as u128 {
            told.push("...".into());
        }
        let spec = &self.entities[parts[MATRIX].number].spec;
        let what = if groups.len() > 1 { "combinations" } else { "values" };
        let message = format!("{} of {} {what} of {product} have no row: {}", lack.missing, lack.all, told.join(", "));
        let column = spec.names().map(|names| names.product.clone()).unwrap_or_default();
        let mut fault = Fault::new(Code::OptionMatrixIncomplete, message).column(column).value(&product);
        fault.entity = Some(spec.name.clone());
        Ok(fault)
    }

    /// Reports what is wrong with rows of `part`.
    pub(super) fn report_options(&self, part: &Part, parts: &[Part], mut found: Vec<Found>) -> Result<(), Stop> {
        found.sort_by(|a, b| (a.code, a.ordinal, &a.pairs).cmp(&(b.code, b.ordinal, &b.pairs)));
        let limit = self.request.settings.listed_problems;
        let mut listed: Vec<&Found> = Vec::new();
        for group in found.chunk_by(|a, b| a.code == b.code) {
            listed.extend(group.iter().take(limit));
            let more = group.len().saturating_sub(limit) as u64;
            self.problems.count(part.number, group[0].code, group[0].severity, more);
        }
        let mut wanted: Vec<(usize, u32)> = listed.iter().map(|found| (part.number, found.ordinal)).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let visited = if wanted.is_empty() { Default::default() } else { self.visit(&wanted)? };
        for found in listed {
            let mut fault = self.told(part, parts, found)?;
            if let Some((position, key, ..)) = visited.get(&(part.number, found.ordinal)) {
                (fault.position, fault.key) = (position.clone(), key.clone());
            }
            self.problems.add(part.number, u64::from(found.ordinal), found.code, found.severity, || fault);
        }
        Ok(())
    }

    /// What is wrong with a row, in words.
    fn told(&self, part: &Part, parts: &[Part], found: &Found) -> Result<Fault, Stop> {
        let (mut buffer, mut record) = (Vec::new(), Record::default());
        let spool = if found.place.1 { &self.joined } else { &self.spool };
        spool.read(found.place.0, &mut buffer, &mut record)?;
        let product = part.naming.product(&record).unwrap_or_default().into_owned();
        let mut named = part.naming.named(&record);
        named.retain(|named| found.pairs.contains(&pair_hash(&self.hasher, &named.option, &named.value)));
        let entity = &self.entities[part.number];
        let (mut field, mut value) = (part.naming.product, String::new());
        if let Some(first) = named.first() {
            let by_option = !found.knows_option && first.fields.0 != first.fields.1;
            field = if by_option { first.fields.0 } else { first.fields.1 };
            value.clone_from(if by_option { &first.option } else { &first.value });
        }
        let all: Vec<String> = named.iter().map(ToString::to_string).collect();
        let together = if all.len() > 1 { " together" } else { "" };
        let all = all.join(" and ");
        let message = match found.code {
            Code::OptionUnknown if found.knows_option => format!("{product} declares no {all}"),
            Code::OptionUnknown => {
                let option = named.first().map(|named| named.option.clone()).unwrap_or_default();
                format!("{product} declares no option {option:?}")
            }
            Code::OptionInUse => {
                let other = &self.entities[parts[found.stored.0].number].spec.name;
                format!("{} records of {other} choose {all} of {product}, which the row forbids", found.stored.1)
            }
            _ => format!("{all} of {product} are not allowed{together}"),
        };
        let mut fault = Fault::new(found.code, message).column(&*entity.table.name(field)).value(&value);
        fault.entity = Some(entity.spec.name.clone());
        Ok(fault)
    }
}
