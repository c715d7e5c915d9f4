//! Trees by path: `A > B > C`, with an escape for separators that belong to a name.

use crate::record::rule::Path;

/// The steps of a path, blanks around them taken off, escapes resolved. `None`: a step is empty, or an escape stands
/// before nothing.
pub fn steps(text: &str, rule: &Path) -> Option<Vec<String>> {
    let mut steps = Vec::new();
    // What an escape made plain is kept from trimming: (text, length up to its last plain character).
    let (mut step, mut kept) = (String::new(), 0);
    let mut rest = text;
    loop {
        if !rule.separator.is_empty() && rest.starts_with(&rule.separator) {
            end(&mut steps, &mut step, &mut kept)?;
            rest = &rest[rule.separator.len()..];
            continue;
        }
        let mut letters = rest.chars();
        let Some(letter) = letters.next() else { break };
        if Some(letter) == rule.escape {
            step.push(letters.next()?);
            kept = step.len();
        } else if !(letter.is_whitespace() && step.is_empty()) {
            step.push(letter);
        }
        rest = letters.as_str();
    }
    end(&mut steps, &mut step, &mut kept)?;
    Some(steps)
}

fn end(steps: &mut Vec<String>, step: &mut String, kept: &mut usize) -> Option<()> {
    let length = step.trim_end().len().max(*kept);
    step.truncate(length);
    (!step.is_empty()).then(|| steps.push(std::mem::take(step)))?;
    *kept = 0;
    Some(())
}

/// One form for all ways to write the same path: what is compared.
pub fn canonical(steps: &[String]) -> String {
    steps.join("\u{1f}")
}

/// The steps as a sender writes them.
pub fn written(steps: &[String], rule: &Path) -> String {
    steps.join(&format!(" {} ", rule.separator.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::rule::Missing;

    fn read(text: &str) -> Option<Vec<String>> {
        let rule = Path { field: "path".into(), separator: ">".into(), escape: Some('\\'), missing: Missing::Reject };
        steps(text, &rule)
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
            assert_eq!(read(text), expected, "{text:?}");
        }
    }
}
