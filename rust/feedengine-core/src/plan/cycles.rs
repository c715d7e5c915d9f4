//! Steps from record to record: whether one that the feed brings leads back to where it began.

use std::collections::{HashMap, VecDeque};

/// One step.
#[derive(Clone, Copy, Debug)]
pub struct Edge {
    from: u32,
    to: u32,
    /// The row that brings it, or `STORED`.
    pub ordinal: u32,
    /// Slot of its record, or `NEW`.
    pub slot: u32,
}

/// Bytes that a name takes besides its letters: its place in the table, and in what is made of it while circles are
/// looked for.
const NAME: usize = 96;
/// Bytes that a step takes: itself, once more in order, and as one way onwards.
const EDGE: usize = 2 * size_of::<Edge>() + size_of::<u32>();

/// All steps.
#[derive(Default)]
pub struct Steps {
    numbers: HashMap<String, u32>,
    edges: Vec<Edge>,
    letters: usize,
}

impl Steps {
    fn number(&mut self, name: String) -> u32 {
        let next = self.numbers.len() as u32;
        *self.numbers.entry(name).or_insert_with_key(|name| {
            self.letters += name.len();
            next
        })
    }

    /// How much memory it takes to find the circles of these steps, in bytes.
    pub fn bytes(&self) -> usize {
        self.letters + self.numbers.len() * NAME + self.edges.len() * EDGE
    }

    /// Adds a step that the row `ordinal` or the stored record in `slot` has.
    pub fn add(&mut self, from: String, to: String, ordinal: u32, slot: u32) {
        let (from, to) = (self.number(from), self.number(to));
        self.edges.push(Edge { from, to, ordinal, slot });
    }

    /// The circles that steps of rows close, each with the first row in it; `counts` says which steps there are.
    pub fn circles(&self, counts: impl Fn(&Edge) -> bool, is_row: impl Fn(&Edge) -> bool) -> Vec<(u32, String)> {
        let mut edges: Vec<Edge> = self.edges.iter().filter(|edge| counts(edge)).copied().collect();
        let mut names = vec![""; self.numbers.len()];
        self.numbers.iter().for_each(|(name, number)| names[*number as usize] = name);
        let name = |number: u32| names[number as usize];
        edges.sort_by(|a, b| (name(a.from), name(a.to), a.ordinal).cmp(&(name(b.from), name(b.to), b.ordinal)));
        let mut next: Vec<Vec<u32>> = vec![Vec::new(); names.len()];
        edges.iter().for_each(|edge| next[edge.from as usize].push(edge.to));
        let knots = knots(&next);
        let mut found: HashMap<u32, Edge> = HashMap::new();
        for edge in edges.iter().filter(|edge| is_row(edge)) {
            let knot = knots[edge.from as usize];
            if knot == knots[edge.to as usize] {
                let first = found.entry(knot).or_insert(*edge);
                if edge.ordinal < first.ordinal {
                    *first = *edge;
                }
            }
        }
        let mut circles: Vec<(u32, String)> = found
            .into_values()
            .map(|edge| {
                let way = way(&next, edge.to, edge.from);
                let names: Vec<&str> = std::iter::once(edge.from).chain(way).map(name).collect();
                (edge.ordinal, names.join(" > "))
            })
            .collect();
        circles.sort();
        circles
    }
}

/// The shortest way from one to another, both named.
fn way(next: &[Vec<u32>], from: u32, to: u32) -> Vec<u32> {
    let mut before: HashMap<u32, u32> = HashMap::from([(from, from)]);
    let mut waiting = VecDeque::from([from]);
    while let Some(at) = waiting.pop_front().filter(|at| *at != to) {
        for other in &next[at as usize] {
            if !before.contains_key(other) {
                before.insert(*other, at);
                waiting.push_back(*other);
            }
        }
    }
    let mut way = vec![to];
    while let Some(at) = way.last().filter(|at| **at != from).and_then(|at| before.get(at)) {
        way.push(*at);
    }
    way.reverse();
    way
}

/// Numbers of the knots that nodes belong to: two nodes share one if each can be reached from the other (Tarjan).
fn knots(next: &[Vec<u32>]) -> Vec<u32> {
    const NONE: u32 = u32::MAX;
    let count = next.len();
    let (mut index, mut low, mut knot) = (vec![NONE; count], vec![0u32; count], vec![NONE; count]);
    let (mut open, mut numbered, mut knots) = (Vec::new(), 0, 0);
    for start in 0..count as u32 {
        if index[start as usize] != NONE {
            continue;
        }
        let mut path: Vec<(u32, usize)> = vec![(start, 0)];
        while let Some((node, child)) = path.pop() {
            let at = node as usize;
            if child == 0 {
                (index[at], low[at]) = (numbered, numbered);
                numbered += 1;
                open.push(node);
            }
            match next[at].get(child) {
                Some(other) => {
                    path.push((node, child + 1));
                    if index[*other as usize] == NONE {
                        path.push((*other, 0));
                    } else if knot[*other as usize] == NONE {
                        low[at] = low[at].min(index[*other as usize]);
                    }
                }
                None => {
                    if low[at] == index[at] {
                        while let Some(member) = open.pop() {
                            knot[member as usize] = knots;
                            if member == node {
                                break;
                            }
                        }
                        knots += 1;
                    }
                    if let Some((parent, _)) = path.last() {
                        low[*parent as usize] = low[*parent as usize].min(low[at]);
                    }
                }
            }
        }
    }
    knot
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether `to` can be reached from `from`, by trying every step as often as there are nodes.
    fn reaches(edges: &[(u32, u32)], from: u32, to: u32) -> bool {
        let mut reached = vec![from];
        for _ in 0..8 {
            let more: Vec<u32> = edges.iter().filter(|(a, _)| reached.contains(a)).map(|(_, b)| *b).collect();
            reached.extend(more);
            reached.sort_unstable();
            reached.dedup();
        }
        reached.contains(&to)
    }

    #[test]
    fn circles_are_those_that_trying_every_way_finds() {
        let mut random = 7u64;
        let mut below = |limit: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            ((random >> 33) % limit) as u32
        };
        for _ in 0..3_000 {
            let edges: Vec<(u32, u32)> = (0..below(9)).map(|_| (below(6), below(6))).collect();
            let mut steps = Steps::default();
            let rows: Vec<bool> = edges.iter().map(|_| below(2) == 0).collect();
            for (at, (from, to)) in edges.iter().enumerate() {
                steps.add(from.to_string(), to.to_string(), at as u32, 0);
            }
            let circles = steps.circles(|_| true, |edge| rows[edge.ordinal as usize]);
            let closes: Vec<u32> = (0..edges.len() as u32)
                .filter(|at| rows[*at as usize] && reaches(&edges, edges[*at as usize].1, edges[*at as usize].0))
                .collect();
            assert_eq!(circles.first().map(|(row, _)| *row), closes.first().copied(), "{edges:?}");
            for (row, told) in &circles {
                assert!(closes.contains(row));
                let way: Vec<u32> = told.split(" > ").map(|node| node.parse().expect("a node")).collect();
                assert!(way.len() > 1 && way.first() == way.last(), "{told}");
                assert!(way.windows(2).all(|pair| edges.contains(&(pair[0], pair[1]))), "{told} {edges:?}");
            }
        }
    }
}
