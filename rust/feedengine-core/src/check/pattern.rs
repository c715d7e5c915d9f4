//! Regular expressions that a whole value must match.

use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::{Anchored, Input, meta};

/// The largest automaton that is built beforehand, in bytes.
const LARGEST: usize = 1 << 20;

/// One expression: as a table of states where that is small, which costs about a nanosecond a byte; otherwise searched.
#[derive(Debug)]
pub struct Pattern {
    table: Option<Box<dense::DFA<Vec<u32>>>>,
    searched: meta::Regex,
}

impl Pattern {
    /// The expression `regex`, of the syntax of the regex crate.
    ///
    /// # Errors
    /// In words, where it is none.
    pub fn new(regex: &str) -> Result<Pattern, String> {
        let plain = |error: &dyn std::fmt::Display| error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        // Alone first: `a)(b` must not become sound by what is put around it.
        meta::Regex::new(regex).map_err(|error| match error.syntax_error() {
            Some(wrong) => plain(wrong),
            None => "it is too large; `[0-9]` and `[A-Za-z]` are smaller than `\\d` and `\\w`".to_owned(),
        })?;
        let whole = format!("^(?:{regex})$");
        let searched = meta::Regex::new(&whole).map_err(|_| "the expression must not end in a comment".to_owned())?;
        let config = dense::Config::new()
            .start_kind(StartKind::Anchored)
            .dfa_size_limit(Some(LARGEST))
            .determinize_size_limit(Some(4 * LARGEST));
        let table = dense::Builder::new().configure(config).build(&whole);
        Ok(Pattern { table: table.ok().map(Box::new), searched })
    }

    /// Whether the whole of `text` matches.
    #[inline]
    pub fn matches(&self, text: &str) -> bool {
        match &self.table {
            Some(table) => walk(table, text.as_bytes()).unwrap_or_else(|| self.searched.is_match(text)),
            None => self.searched.is_match(text),
        }
    }
}

/// `None` where the table cannot tell.
#[inline]
fn walk(table: &dense::DFA<Vec<u32>>, text: &[u8]) -> Option<bool> {
    let mut state = table.start_state_forward(&Input::new(text).anchored(Anchored::Yes)).ok()?;
    for byte in text {
        state = table.next_state(state, *byte);
        if table.is_special_state(state) {
            if table.is_dead_state(state) {
                return Some(false);
            }
            if table.is_quit_state(state) {
                return None;
            }
        }
    }
    Some(table.is_match_state(table.next_eoi_state(state)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_value_must_match() {
        for (regex, text, right) in [
            ("[A-Z]{2}-[0-9]+", "AB-12", true),
            ("[A-Z]{2}-[0-9]+", "AB-12 ", false),
            ("[A-Z]{2}-[0-9]+", "xAB-12", false),
            ("a|ab", "ab", true),
            ("(?i)größe|x", "GRÖSSE", false),
            ("(?i)größe|x", "GRÖßE", true),
            (r"\bword\b", "word", true),
            (r"\w{1,30}", "Größe", true),
            (r"\w{1,30}", "a b", false),
            ("a$|b\n", "b\n", true),
            ("", "", true),
            ("", "x", false),
        ] {
            assert_eq!(Pattern::new(regex).expect(regex).matches(text), right, "{regex} {text:?}");
        }
    }

    #[test]
    fn what_is_no_expression_is_told_in_words() {
        for regex in ["a)(b", "[a", "(?<x>a", "*", "(?x)a # b", r"\1", r"\w{1,3000}"] {
            let message = Pattern::new(regex).map(|_| ()).expect_err(regex);
            assert!(!message.is_empty() && !message.contains('\n'), "{regex}: {message}");
        }
    }
}
