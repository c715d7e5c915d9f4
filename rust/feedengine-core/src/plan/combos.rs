//! Combinations of values of one product: which of those that there could be have no row, and which forbidden ones
//! something that was chosen holds.

use std::collections::{HashMap, HashSet};

/// What has no row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lack {
    /// How many combinations there could be.
    pub all: u128,
    /// How many of them have no row.
    pub missing: u128,
}

/// Counts combinations, one value out of each of `groups`, that are not among `rows`, which are such themselves.
pub fn lack(groups: &[Vec<u128>], rows: &HashSet<Vec<u128>>) -> Lack {
    let all = match groups {
        [] => 0,
        groups => groups.iter().fold(1u128, |all, group| all.saturating_mul(group.len() as u128)),
    };
    Lack { all, missing: all.saturating_sub(rows.len() as u128) }
}

/// The first `most` combinations that are not among `rows`, in the order of `groups`, the last one running fastest.
pub fn missing(groups: &[Vec<u128>], rows: &HashSet<Vec<u128>>, most: usize) -> Vec<Vec<u128>> {
    let mut found = Vec::new();
    let mut at = vec![0; groups.len()];
    if groups.is_empty() || groups.iter().any(Vec::is_empty) {
        return found;
    }
    while found.len() < most {
        let combination: Vec<u128> = at.iter().zip(groups).map(|(at, group)| group[*at]).collect();
        if !rows.contains(&combination) {
            found.push(combination);
        }
        let Some(next) = (0..groups.len()).rev().find(|place| at[*place] + 1 < groups[*place].len()) else { break };
        at[next] += 1;
        at[next + 1..].fill(0);
    }
    found
}

/// Of each value the group that it is in.
pub fn places(groups: &[Vec<u128>]) -> HashMap<u128, usize> {
    groups.iter().enumerate().flat_map(|(number, group)| group.iter().map(move |value| (*value, number))).collect()
}

/// `row` in the order of groups, where it names one value out of each of them (whose `places` these are) and nothing else.
pub fn ordered(row: &[u128], places: &HashMap<u128, usize>, groups: usize) -> Option<Vec<u128>> {
    let mut combination = vec![None; groups];
    for value in row {
        if combination[*places.get(value)?].replace(*value).is_some() {
            return None;
        }
    }
    combination.into_iter().collect()
}

/// Forbidden combinations, found by one of their values.
pub struct Forbidden<T> {
    rules: Vec<(Vec<u128>, T)>,
    by_first: HashMap<u128, Vec<usize>>,
}

impl<T: Ord> Forbidden<T> {
    /// The combinations `rules`, none of them empty.
    pub fn new(mut rules: Vec<(Vec<u128>, T)>) -> Self {
        rules.iter_mut().for_each(|(rule, _)| rule.sort_unstable());
        rules.sort_unstable();
        let mut by_first: HashMap<u128, Vec<usize>> = HashMap::new();
        for (number, (rule, _)) in rules.iter().enumerate() {
            by_first.entry(rule[0]).or_default().push(number);
        }
        Forbidden { rules, by_first }
    }

    /// The combinations that `chosen` holds, in one order.
    pub fn within(&self, chosen: &[u128]) -> Vec<&(Vec<u128>, T)> {
        let candidates = chosen.iter().filter_map(|pair| self.by_first.get(pair)).flatten();
        let held = |number: &&usize| self.rules[**number].0.iter().all(|pair| chosen.contains(pair));
        let mut found: Vec<usize> = candidates.filter(held).copied().collect();
        found.sort_unstable();
        found.dedup();
        found.into_iter().map(|number| &self.rules[number]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every combination, by making all.
    fn every(groups: &[Vec<u128>]) -> Vec<Vec<u128>> {
        let mut all = vec![Vec::new()];
        for group in groups {
            all = all.iter().flat_map(|c| group.iter().map(move |v| [&c[..], &[*v]].concat())).collect();
        }
        if groups.is_empty() { Vec::new() } else { all }
    }

    #[test]
    fn combinations_are_those_of_making_all() {
        let mut random = 11u64;
        let mut below = |limit: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (random >> 33) % limit
        };
        for _ in 0..2_000 {
            let sizes: Vec<u64> = (0..below(4)).map(|_| below(4)).collect();
            let groups: Vec<Vec<u128>> = sizes
                .iter()
                .enumerate()
                .map(|(g, n)| (0..*n).map(|v| u128::from(g as u64 * 10 + v)).collect())
                .collect();
            let all = every(&groups);
            let rows: Vec<Vec<u128>> =
                (0..below(8)).map(|_| (0..below(4)).map(|_| u128::from(below(4) * 10 + below(4))).collect()).collect();
            let whole: HashSet<Vec<u128>> =
                rows.iter().filter_map(|row| ordered(row, &places(&groups), groups.len())).collect();
            let is_whole = |combination: &&Vec<u128>| {
                rows.iter().any(|row| row.len() == combination.len() && combination.iter().all(|v| row.contains(v)))
            };
            let absent: Vec<&Vec<u128>> = all.iter().filter(|combination| !is_whole(combination)).collect();
            assert_eq!(
                lack(&groups, &whole),
                Lack { all: all.len() as u128, missing: absent.len() as u128 },
                "{groups:?} {rows:?}"
            );
            assert_eq!(missing(&groups, &whole, 3).iter().collect::<Vec<_>>(), absent[..absent.len().min(3)]);
            let rules: Vec<(Vec<u128>, usize)> =
                rows.iter().cloned().enumerate().map(|(n, row)| (row, n)).filter(|(row, _)| !row.is_empty()).collect();
            let forbidden = Forbidden::new(rules.clone());
            let chosen: Vec<u128> = (0..below(6)).map(|_| u128::from(below(4) * 10 + below(4))).collect();
            let mut found: Vec<usize> = forbidden.within(&chosen).iter().map(|(_, number)| *number).collect();
            found.sort_unstable();
            let slow: Vec<usize> =
                rules.iter().filter(|(row, _)| row.iter().all(|v| chosen.contains(v))).map(|(_, n)| *n).collect();
            assert_eq!(found, slow, "{rules:?} {chosen:?}");
        }
    }
}
