//! "Did you mean": the known name that is nearest to an unknown one.

/// The nearest of `known` to `name`, if it is near enough to be a slip.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = plain(name);
    let limit = plain.len() / 3 + 1;
    known
        .into_iter()
        .filter(|other| *other != name)
        .map(|other| (distance(&plain, &self::plain(other)), other))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, other)| other)
}

/// `; did you mean "x"?` or nothing.
pub(crate) fn hint<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, known).map_or_else(String::new, |near| format!("; did you mean {near:?}?"))
}

/// Letters in lower case, without what people vary: spaces, `-` and `_`. Long names are cut: slips are short.
fn plain(name: &str) -> Vec<char> {
    name.chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '-' | '_'))
        .flat_map(char::to_lowercase)
        .take(64)
        .collect()
}

/// Edits (insert, delete, replace) from one to the other.
fn distance(one: &[char], two: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=two.len()).collect();
    for (above, a) in one.iter().enumerate() {
        let mut corner = above;
        row[0] = above + 1;
        for (at, b) in two.iter().enumerate() {
            let best = (corner + usize::from(a != b)).min(row[at] + 1).min(row[at + 1] + 1);
            corner = std::mem::replace(&mut row[at + 1], best);
        }
    }
    row[two.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_strangers_are_not() {
        let known = ["items", "variations", "item_groups", "id"];
        assert_eq!(nearest("item", known), Some("items"));
        assert_eq!(nearest("Variation", known), Some("variations"));
        assert_eq!(nearest("ItemGroups", known), Some("item_groups"));
        assert_eq!(nearest("ID", known), Some("id"));
        assert_eq!(nearest("products", known), None);
    }
}
