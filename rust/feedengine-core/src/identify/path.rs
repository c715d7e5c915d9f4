//! Trees by path: `A > B > C`, with an escape for separators that belong to a name.

use crate::record::rule::Path;

/// A step that is read, and where in the text it ends.
#[derive(Default)]
struct Step {
    name: String,
    /// Length up to the last character that is no blank at the end, which an escaped one never is.
    kept: usize,
    end: usize,
}

/// The steps of a path, blanks around them taken off, escapes resolved. `None`: a step is empty, or an escape stands
/// before nothing.
pub fn steps(text: &str, rule: &Path) -> Option<Vec<String>> {
    Some(read(text, rule)?.into_iter().map(|step| step.name).collect())
}

fn read(text: &str, rule: &Path) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut step = Step::default();
    let mut rest = text;
    loop {
        if !rule.separator.is_empty() && rest.starts_with(&rule.separator) {
            end(&mut steps, &mut step)?;
            rest = &rest[rule.separator.len()..];
            continue;
        }
        let mut letters = rest.chars();
        let Some(mut letter) = letters.next() else { break };
        let plain = Some(letter) == rule.escape;
        if plain {
            letter = letters.next()?;
        }
        rest = letters.as_str();
        if plain || !(letter.is_whitespace() && step.name.is_empty()) {
            step.name.push(letter);
        }
        if plain || !letter.is_whitespace() {
            step.kept = step.name.len();
            step.end = text.len() - rest.len();
        }
    }
    end(&mut steps, &mut step)?;
    Some(steps)
}

fn end(steps: &mut Vec<Step>, step: &mut Step) -> Option<()> {
    step.name.truncate(step.kept);
    (!step.name.is_empty()).then(|| steps.push(std::mem::take(step)))
}

/// One form for all ways to write the same path: what is compared.
pub fn canonical(steps: &[String]) -> String {
    steps.join("\u{1f}")
}

/// The steps as a sender writes them.
pub fn written(steps: &[String], rule: &Path) -> String {
    // Blanks beside a separator do not count, unless they are part of it.
    let between = match rule.separator.contains(char::is_whitespace) {
        true => rule.separator.clone(),
        false => format!(" {} ", rule.separator),
    };
    steps.iter().map(|step| escaped(step, rule)).collect::<Vec<_>>().join(&between)
}

/// A step with an escape before whatever would not be read as a part of it.
fn escaped(step: &str, rule: &Path) -> String {
    let Some(escape) = rule.escape else { return step.to_owned() };
    let mut text = String::with_capacity(step.len() + 2);
    // Of blanks at the end, the last one keeps the others.
    let last = step.char_indices().next_back().map_or(0, |(at, _)| at);
    for (at, letter) in step.char_indices() {
        let parts = !rule.separator.is_empty() && step[at..].starts_with(&rule.separator);
        if parts || letter == escape || (letter.is_whitespace() && (at == 0 || at == last)) {
            text.push(escape);
        }
        text.push(letter);
    }
    text
}

/// The path `text` once the record that was at `old` is at the path `new`: none unless it is `old`, or leads through it.
/// What lies below stays as it is written.
pub fn moved(text: &str, old: &[String], new: &str, rule: &Path) -> Option<String> {
    let steps = read(text, rule)?;
    let through = steps.len() >= old.len() && steps.iter().zip(old).all(|(step, name)| step.name == *name);
    let last = steps.get(old.len().checked_sub(1)?).filter(|_| through)?;
    Some(format!("{new}{}", &text[last.end..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::rule::Missing;

    fn rule(separator: &str) -> Path {
        Path { field: "path".into(), separator: separator.into(), escape: Some('\\'), missing: Missing::Reject }
    }

    #[test]
    fn paths_are_split_trimmed_and_unescaped() {
        for (text, expected) in [
            ("A", Some(vec!["A"])),
            (" A >B>  C c ", Some(vec!["A", "B", "C c"])),
            (r"A \> B > C", Some(vec!["A > B", "C"])),
            (r"A\\ > B\ ", Some(vec!["A\\", "B "])),
            ("A > > C", None),
            ("> A", None),
            ("A >", None),
            ("", None),
            (r"A > B\", None),
        ] {
            let expected = expected.map(|steps| steps.into_iter().map(str::to_owned).collect());
            assert_eq!(steps(text, &rule(">")), expected, "{text:?}");
        }
    }

    #[test]
    fn steps_that_are_written_are_read_as_the_same() {
        for names in [&["A", "C c"][..], &["A > B", ">", "\\"], &[" a ", "  ", "b\\"], &["é", "> >"]] {
            for separator in [">", " > ", "/", "::", ">>"] {
                let rule = rule(separator);
                let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
                let text = written(&names, &rule);
                assert_eq!(steps(&text, &rule), Some(names), "{text:?} {separator:?}");
            }
        }
    }

    #[test]
    fn what_leads_through_a_step_that_moves_moves_with_it() {
        for (text, expected) in [
            ("A > B", Some(r"N\> > O")),
            (" A>B >C  \\> c > D ", Some(r"N\> > O >C  \> c > D ")),
            (r"A > B\ > C", None),
            ("A", None),
            ("A > BB", None),
            ("A > > C", None),
        ] {
            let old = ["A".to_owned(), "B".to_owned()];
            assert_eq!(moved(text, &old, r"N\> > O", &rule(">")).as_deref(), expected, "{text:?}");
        }
        assert_eq!(moved("A", &[], "B", &rule(">")), None);
    }
}
