//! Groups form a DAG: parents exist, nobody is its own ancestor, nobody loses its parent.

use std::collections::{BTreeMap, HashMap};

use crate::fault::Code;

/// A group as it will be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// Its id.
    pub id: String,
    /// Its parents' ids; empty = a root.
    pub parents: Vec<String>,
}

/// Something wrong with a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeFault {
    /// Which code.
    pub code: Code,
    /// The group.
    pub id: String,
    /// What about it.
    pub message: String,
}

/// Checks the groups `after`; `removed` holds the ids that this upload takes away.
pub fn check(after: &BTreeMap<String, Node>, removed: &HashMap<String, ()>) -> Vec<TreeFault> {
    let mut faults = Vec::new();
    let mut missing = 0usize;
    for node in after.values() {
        for parent in node.parents.iter().filter(|parent| !after.contains_key(*parent)) {
            missing += 1;
            let (code, message) = if removed.contains_key(parent) {
                (Code::GroupHasChildren, format!("its parent {parent} would be removed"))
            } else {
                (Code::UnknownParent, format!("its parent {parent} is not in the catalog"))
            };
            faults.push(TreeFault { code, id: node.id.clone(), message });
        }
    }
    faults.extend(cycles(after));
    let roots: Vec<_> = after.values().filter(|node| node.parents.is_empty()).collect();
    if roots.len() > 1 && missing == 0 {
        let message = format!("{} groups have no parent", roots.len());
        faults.push(TreeFault { code: Code::SeveralRoots, id: roots[1].id.clone(), message });
    }
    faults
}

/// Every group that cannot be ordered after its parents and lies on a cycle itself: groups below a cycle are not named.
fn cycles(after: &BTreeMap<String, Node>) -> Vec<TreeFault> {
    let mut waiting: HashMap<&str, usize> = HashMap::new();
    let mut children: HashMap<&str, Vec<&str>> = HashMap::new();
    for node in after.values() {
        let known: Vec<&String> = node.parents.iter().filter(|parent| after.contains_key(*parent)).collect();
        waiting.insert(&node.id, known.len());
        for parent in known {
            children.entry(parent).or_default().push(&node.id);
        }
    }
    let mut ready: Vec<&str> = waiting.iter().filter(|(_, parents)| **parents == 0).map(|(id, _)| *id).collect();
    while let Some(id) = ready.pop() {
        waiting.remove(id);
        for child in children.get(id).into_iter().flatten() {
            if let Some(left) = waiting.get_mut(child) {
                *left -= 1;
                if *left == 0 {
                    ready.push(child);
                }
            }
        }
    }
    // What is left lies on a cycle or below one. Peeling off what has no waiting child leaves the cycles.
    loop {
        let leaf = waiting
            .keys()
            .copied()
            .find(|id| !children.get(id).into_iter().flatten().any(|child| waiting.contains_key(child)));
        match leaf {
            Some(leaf) => waiting.remove(leaf),
            None => break,
        };
    }
    let mut ids: Vec<&str> = waiting.into_keys().collect();
    ids.sort_unstable();
    let fault = |id: &str| TreeFault {
        code: Code::GroupCycle,
        id: id.to_owned(),
        message: "the group is its own ancestor".to_owned(),
    };
    ids.into_iter().map(fault).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(list: &[(&str, &[&str])]) -> BTreeMap<String, Node> {
        let node = |(id, parents): &(&str, &[&str])| {
            let parents = parents.iter().map(|parent| (*parent).to_owned()).collect();
            ((*id).to_owned(), Node { id: (*id).to_owned(), parents })
        };
        list.iter().map(node).collect()
    }

    fn codes(list: &[(&str, &[&str])], removed: &[&str]) -> Vec<(Code, String)> {
        let removed = removed.iter().map(|id| ((*id).to_owned(), ())).collect();
        check(&groups(list), &removed).into_iter().map(|fault| (fault.code, fault.id)).collect()
    }

    #[test]
    fn a_dag_passes() {
        assert!(codes(&[("all", &[]), ("a", &["all"]), ("b", &["all", "a"])], &[]).is_empty());
    }

    #[test]
    fn cycles_are_named_without_what_hangs_below() {
        let list: &[(&str, &[&str])] = &[("all", &[]), ("a", &["b"]), ("b", &["a"]), ("c", &["b"]), ("d", &["d"])];
        let found = codes(list, &[]);
        let ids: Vec<_> = found.iter().filter(|(code, _)| *code == Code::GroupCycle).map(|(_, id)| &**id).collect();
        assert_eq!(ids, ["a", "b", "d"]);
    }

    #[test]
    fn missing_and_removed_parents_differ() {
        assert_eq!(codes(&[("all", &[]), ("a", &["x"])], &[]), [(Code::UnknownParent, "a".to_owned())]);
        assert_eq!(codes(&[("all", &[]), ("a", &["x"])], &["x"]), [(Code::GroupHasChildren, "a".to_owned())]);
        assert_eq!(codes(&[("a", &[]), ("b", &[])], &[]), [(Code::SeveralRoots, "b".to_owned())]);
    }
}
