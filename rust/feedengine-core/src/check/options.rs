//! What is amiss with declarations of options: who declares, lists and chooses fit each other.

use super::amiss::{Found, WHY_HANGS, hangs};
use crate::record::Kind;
use crate::record::entity::EntitySpec;
use crate::record::options::Names;
use crate::record::rule::Policy;

/// Everything that is amiss with what `spec` says of options.
pub(super) fn wrong(specs: &[EntitySpec], spec: &EntitySpec, found: &mut Found<'_>) {
    let roles = [spec.declares.is_some(), spec.matrix.is_some(), spec.choice.is_some()];
    if roles.into_iter().filter(|role| *role).count() > 1 {
        found.say("its records declare options, list what is allowed, or choose: one of these".into());
    }
    let Some(names) = spec.names() else { return };
    named(spec, names, found);
    let other = |name: &str| specs.iter().find(|other| other.name == name);
    let mut policy = None;
    if let Some(matrix) = &spec.matrix {
        if other(&matrix.of).is_none_or(|other| other.declares.is_none()) {
            found.say(format!("the matrix is of {:?}, which is no entity that declares options", matrix.of));
        }
        let is_flag = |name: &String| spec.field(name).is_none_or(|field| Kind::from(field.kind) == Kind::Flag);
        if let Some(name) = matrix.allowed.as_ref().filter(|name| !is_flag(name)) {
            found.say(format!("what is allowed is told by true and false, which {name:?} is not"));
        }
        policy = Some(matrix.policy);
    }
    if let Some(choice) = &spec.choice {
        if other(&choice.of).is_none_or(|other| other.matrix.is_none()) {
            found.say(format!("options are chosen of {:?}, which is no entity with a matrix", choice.of));
        }
        policy = Some(choice.policy);
    }
    if policy == Some(Policy::Reject) && hangs(specs, spec) {
        found.say(format!("rows with wrong options must fail the file or be a warning here: {WHY_HANGS}"));
    }
    if policy == Some(Policy::Reject) && spec.windows.iter().any(|window| window.policy == Policy::Reject) {
        found.say("either windows that overlap reject a row, or wrong options do: the other must fail the file".into());
    }
}

fn named(spec: &EntitySpec, names: &Names, found: &mut Found<'_>) {
    let is_list = |name: &String| spec.field(name).is_some_and(|field| Kind::from(field.kind) == Kind::List);
    let (option, values) = names.fields();
    if values.is_empty() || (names.pair.is_some() && !names.columns.is_empty()) {
        found.say("options are named by a pair of fields, or by columns of which each is one".into());
    }
    for (what, name) in [("a product", Some(&names.product)), ("an option", option)] {
        if let Some(name) = name.filter(|name| is_list(name)) {
            found.say(format!("{what} cannot be named by the list {name:?}"));
        }
    }
    if let Some(name) = values.iter().find(|name| spec.declares.is_none() && is_list(name)) {
        found.say(format!("one value of an option cannot be named by the list {name:?}"));
    }
    for (at, (field, option)) in names.columns.iter().enumerate() {
        if names.columns[..at].iter().any(|other| other.0 == *field || other.1 == *option) {
            found.say(format!("the option {option:?} or its column {field:?} is given twice"));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::check::wrong;
    use crate::record::entity::{EntitySpec, constructor};
    use crate::record::options::{Choice, Matrix, Names};
    use crate::record::rule::Policy;

    fn names(pair: Option<(&str, &str)>, columns: &[&str]) -> Names {
        let pair = pair.map(|(option, value)| (option.to_owned(), value.to_owned()));
        let columns = columns.iter().map(|name| ((*name).to_owned(), (*name).to_owned())).collect();
        Names { product: "id".into(), pair, columns }
    }

    fn entity(name: &str, change: impl FnOnce(&mut EntitySpec)) -> EntitySpec {
        let mut spec = constructor().swap_remove(0);
        (spec.name, spec.refers) = (name.into(), None);
        change(&mut spec);
        spec
    }

    /// Products that declare, a matrix, and what chooses; each as it must be but for what is changed.
    fn said(
        declares: impl FnOnce(&mut Names),
        matrix: impl FnOnce(&mut Matrix),
        choice: impl FnOnce(&mut Choice),
        more: impl FnOnce(&mut [EntitySpec]),
    ) -> String {
        let mut named = names(None, &["keywords", "group_ids"]);
        declares(&mut named);
        let (of, allowed, policy) = ("products".to_owned(), Some("active".to_owned()), Policy::Reject);
        let mut listed = Matrix { of, names: names(Some(("url", "item_name")), &[]), allowed, closed: true, policy };
        matrix(&mut listed);
        let mut chosen = Choice { of: "matrix".into(), names: names(None, &["url", "image_url"]), policy };
        choice(&mut chosen);
        let mut specs = vec![
            entity("products", |spec| spec.declares = Some(named)),
            entity("matrix", |spec| spec.matrix = Some(listed)),
            entity("chosen", |spec| spec.choice = Some(chosen)),
        ];
        more(&mut specs);
        wrong(&specs).iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn what_fits_is_taken_and_what_does_not_is_told() {
        assert_eq!(said(|_| {}, |_| {}, |_| {}, |_| {}), "");
        let cases = [
            (said(|d| d.product = "group_ids".into(), |_| {}, |_| {}, |_| {}), "a product cannot be named by the list"),
            (said(|d| d.columns.clear(), |_| {}, |_| {}, |_| {}), "by a pair of fields, or by columns"),
            (said(|d| d.columns[0].1 = "group_ids".into(), |_| {}, |_| {}, |_| {}), "is given twice"),
            (said(|_| {}, |m| m.of = "chosen".into(), |_| {}, |_| {}), "no entity that declares options"),
            (said(|_| {}, |m| m.allowed = Some("url".into()), |_| {}, |_| {}), "true and false, which \"url\" is not"),
            (
                said(|_| {}, |m| m.names.product = "nothing".into(), |_| {}, |_| {}),
                "\"nothing\", which is not declared",
            ),
            (said(|_| {}, |_| {}, |c| c.of = "products".into(), |_| {}), "no entity with a matrix"),
            (said(|_| {}, |_| {}, |c| c.names.columns[0].0 = "keywords".into(), |_| {}), "one value of an option"),
            (said(|_| {}, |_| {}, |_| {}, |s| s[1].unique = vec!["url".into()]), "must fail the file or be a warning"),
            (said(|_| {}, |_| {}, |_| {}, |s| s[1].declares = s[0].declares.clone()), "one of these"),
        ];
        for (told, part) in cases {
            assert!(told.contains(part), "{told:?} does not say {part:?}");
        }
        assert_eq!(said(|_| {}, |m| m.policy = Policy::Fail, |_| {}, |s| s[1].unique = vec!["url".into()]), "");
    }
}
