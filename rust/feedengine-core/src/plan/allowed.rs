//! Judges what was gathered of a matrix, product by product: rows name what is declared, nothing that is chosen is
//! forbidden, a closed matrix has a row for everything. Rows that fall give their records' stored values back.

use std::collections::{BTreeMap, HashSet};

use super::Planner;
use super::combos::{Forbidden, lack, ordered, places};
use super::matrix::{DECLARING, Gathered, MATRIX, Part};
use super::pairs::Pair;
use super::spool::Spool;
use super::stop::Stop;
use super::touch::NEW;
use crate::bags::PARTS;
use crate::fault::{Code, Fault, Severity};
use crate::record::rule::Policy;

/// Something wrong with a row.
pub struct Found {
    /// What.
    pub code: Code,
    /// How bad.
    pub severity: Severity,
    /// The row.
    pub ordinal: u32,
    /// Where its cells are, and whether they are merged ones.
    pub place: (u64, bool),
    /// Values that it is about.
    pub pairs: Vec<u128>,
    /// Whether the product declares the option at all.
    pub knows_option: bool,
    /// The part whose stored records it is about, and how many there are.
    pub stored: (usize, u64),
}

impl Found {
    fn new(code: Code, severity: Severity, row: &Pair, pairs: Vec<u128>) -> Found {
        let place = (row.place, row.merged == 1);
        Found { code, severity, ordinal: row.ordinal, place, pairs, knows_option: true, stored: (0, 0) }
    }
}

/// What a range of products has, as it will be; by product.
pub(super) struct Standing {
    pub(super) pairs: Vec<Pair>,
    /// Products of which something changes.
    changed: HashSet<u128>,
}

fn of_product(pairs: &[Pair], product: u128) -> &[Pair] {
    let first = pairs.partition_point(|pair| pair.product < product);
    let length = pairs[first..].partition_point(|pair| pair.product == product);
    &pairs[first..first + length]
}

/// The records among `pairs`, which are in order.
fn records(pairs: &[Pair]) -> impl Iterator<Item = &[Pair]> {
    pairs.chunk_by(|a, b| (a.product, a.record()) == (b.product, b.record()))
}

fn hashes(pairs: &[Pair]) -> Vec<u128> {
    pairs.iter().map(|pair| pair.pair).collect()
}

/// What records forbid, each with its place among `listed`.
fn rules(listed: &[Pair]) -> Forbidden<usize> {
    let mut at = 0;
    let mut all = Vec::new();
    for record in records(listed) {
        if record[0].forbids == 1 {
            all.push((hashes(record), at));
        }
        at += record.len();
    }
    Forbidden::new(all)
}

impl Planner {
    /// Judges what was gathered for the matrix of `number`.
    pub(super) fn end_matrix(&mut self, number: usize) -> Result<(), Stop> {
        let Some(Gathered { mut parts, words, .. }) = self.matrix.take() else { return Ok(()) };
        let words = Spool::join(vec![words])?;
        let mut found: Vec<Vec<Found>> = parts.iter().map(|_| Vec::new()).collect();
        // What is declared never falls; what the matrix says is known once it was held against that.
        for range in 0..PARTS {
            let declared = self.standing(&parts[DECLARING], range)?;
            for at in MATRIX..parts.len() {
                unknown(&declared.pairs, &mut parts[at], range, &mut found[at])?;
            }
        }
        for range in 0..PARTS {
            let listed = self.standing(&parts[MATRIX], range)?;
            for at in MATRIX + 1..parts.len() {
                forbidden(&listed.pairs, &mut parts[at], range, &mut found[at])?;
            }
        }
        for range in 0..PARTS {
            let declared = self.standing(&parts[DECLARING], range)?;
            let listed = self.standing(&parts[MATRIX], range)?;
            self.in_use(&listed.pairs, &parts, range, &mut found[MATRIX])?;
            if self.entities[number].spec.matrix.as_ref().is_some_and(|matrix| matrix.closed) {
                self.check_complete(&parts, &declared, &listed, &words)?;
            }
        }
        self.report_shrunk(&parts, &words)?;
        for (part, found) in parts.iter().zip(found) {
            self.report_options(part, &parts, found)?;
        }
        for part in parts {
            let (read, rows) = (&mut self.read[part.number], part.fallen.0);
            read.rejected += rows.len() as u64;
            rows.iter().for_each(|ordinal| read.refused.set(*ordinal));
            self.overlapping[part.number].extend(rows);
        }
        Ok(())
    }

    /// What `part` has of a range of products after the task, as far as is known.
    pub(super) fn standing(&self, part: &Part, range: usize) -> Result<Standing, Stop> {
        let (mut pairs, mut changed) = (Vec::new(), HashSet::new());
        for pair in part.bag.load(range)? {
            let stands = if pair.is_row() {
                changed.insert(pair.product);
                !part.fallen.0.contains(&pair.ordinal)
            } else {
                let goes = self.is_leaving(part.number, pair.slot)?;
                let touched = part.touched.holds(pair.slot);
                if goes || touched {
                    changed.insert(pair.product);
                }
                !goes && (!touched || part.fallen.1.contains(&pair.slot))
            };
            if stands {
                pairs.push(pair);
            }
        }
        pairs.sort_unstable_by_key(|pair| (pair.product, pair.record(), pair.pair));
        Ok(Standing { pairs, changed })
    }

    /// Tells rows of the matrix what stored records choose although they forbid it.
    fn in_use(&self, listed: &[Pair], parts: &[Part], range: usize, found: &mut Vec<Found>) -> Result<(), Stop> {
        let mut uses: BTreeMap<(u32, usize), (Found, u64)> = BTreeMap::new();
        for (at, part) in parts.iter().enumerate().skip(MATRIX + 1) {
            let chosen = self.standing(part, range)?.pairs;
            for group in chosen.chunk_by(|a, b| a.product == b.product) {
                let rows: Vec<Pair> =
                    of_product(listed, group[0].product).iter().filter(|p| p.is_row()).copied().collect();
                let rules = rules(&rows);
                for record in records(group).filter(|record| !record[0].is_row()) {
                    for (pairs, rule) in rules.within(&hashes(record)) {
                        let row = &rows[*rule];
                        let warning = || Found::new(Code::OptionInUse, Severity::Warning, row, pairs.clone());
                        uses.entry((row.ordinal, at)).or_insert_with(|| (warning(), 0)).1 += 1;
                    }
                }
            }
        }
        found.extend(uses.into_iter().map(|((_, at), (found, count))| Found { stored: (at, count), ..found }));
        Ok(())
    }

    /// Reports products without a row for all that they declare: those of which something changes, in a whole file all.
    fn check_complete(
        &self,
        parts: &[Part],
        declared: &Standing,
        listed: &Standing,
        words: &Spool,
    ) -> Result<(), Stop> {
        let number = parts[MATRIX].number;
        let whole = self.is_whole(number);
        // A product comes before its matrix: the file with the matrix is the one that must be complete.
        let severity = if self.read[number].uploaded { Severity::File } else { Severity::Warning };
        let options = parts[MATRIX].naming.options(&self.hasher);
        for pairs in declared.pairs.chunk_by(|a, b| a.product == b.product) {
            let product = pairs[0].product;
            if !whole && !declared.changed.contains(&product) && !listed.changed.contains(&product) {
                continue;
            }
            let groups = groups(pairs, options.as_deref());
            let place = places(&groups);
            let listed = of_product(&listed.pairs, product);
            let rows: HashSet<Vec<u128>> =
                records(listed).filter_map(|record| ordered(&hashes(record), &place, groups.len())).collect();
            let lack = lack(&groups, &rows);
            if lack.missing == 0 {
                continue;
            }
            let first = listed.iter().find(|pair| pair.is_row()).map_or((product >> 65) as u64, |p| p.ordinal.into());
            let mut made = Ok(());
            self.problems.add(number, first, Code::OptionMatrixIncomplete, severity, || {
                let told = self.incomplete(parts, (pairs, &groups, &rows), &lack, words);
                told.unwrap_or_else(|stop| {
                    made = Err(stop);
                    Fault::new(Code::OptionMatrixIncomplete, "")
                })
            });
            made?;
        }
        Ok(())
    }
}

/// What there must be rows for: out of each group one value; the options of a matrix by columns are a group each.
fn groups(declared: &[Pair], options: Option<&[u64]>) -> Vec<Vec<u128>> {
    let mut values: Vec<(u64, u128)> = declared.iter().map(|pair| (pair.option, pair.pair)).collect();
    values.sort_unstable();
    values.dedup();
    let Some(options) = options else { return vec![values.into_iter().map(|(_, pair)| pair).collect()] };
    let group = |option: &u64| values.iter().filter(|(other, _)| other == option).map(|(_, pair)| *pair).collect();
    options.iter().map(group).filter(|group: &Vec<u128>| !group.is_empty()).collect()
}

/// Rows of `part` that name what their product does not declare.
fn unknown(declared: &[Pair], part: &mut Part, range: usize, found: &mut Vec<Found>) -> Result<(), Stop> {
    let rows: Vec<Pair> = part.bag.load(range)?.into_iter().filter(Pair::is_row).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let values: HashSet<(u128, u128)> = declared.iter().map(|pair| (pair.product, pair.pair)).collect();
    let options: HashSet<(u128, u64)> = declared.iter().map(|pair| (pair.product, pair.option)).collect();
    for row in rows.iter().filter(|row| !values.contains(&(row.product, row.pair))) {
        let knows_option = options.contains(&(row.product, row.option));
        let fault = Found::new(Code::OptionUnknown, part.policy.into(), row, vec![row.pair]);
        found.push(Found { knows_option, ..fault });
        if part.policy == Policy::Reject {
            fall(part, row);
        }
    }
    Ok(())
}

/// Rows of `part` that choose what the matrix forbids. One that names unknown values too is told both.
fn forbidden(listed: &[Pair], part: &mut Part, range: usize, found: &mut Vec<Found>) -> Result<(), Stop> {
    let mut rows: Vec<Pair> = part.bag.load(range)?.into_iter().filter(Pair::is_row).collect();
    rows.sort_unstable_by_key(|row| (row.product, row.ordinal, row.pair));
    for group in rows.chunk_by(|a, b| a.product == b.product) {
        let rules = rules(of_product(listed, group[0].product));
        for record in records(group) {
            if let Some((pairs, _)) = rules.within(&hashes(record)).first() {
                let row = &record[0];
                found.push(Found::new(Code::OptionForbidden, part.policy.into(), row, pairs.clone()));
                if part.policy == Policy::Reject {
                    fall(part, row);
                }
            }
        }
    }
    Ok(())
}

fn fall(part: &mut Part, row: &Pair) {
    part.fallen.0.insert(row.ordinal);
    if row.slot != NEW {
        part.fallen.1.insert(row.slot);
    }
}
