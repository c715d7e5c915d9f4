//! A set of words that is asked once for every value.

use crate::record::digest::fingerprint;

/// Words by their hash, in a table that is at most half full.
#[derive(Debug)]
pub struct Words {
    table: Vec<Option<Box<[u8]>>>,
}

impl Words {
    /// The set of `words`.
    pub fn new<'w>(words: impl IntoIterator<Item = &'w str>) -> Self {
        let words: Vec<&str> = words.into_iter().collect();
        let mut set = Words { table: vec![None; (words.len() * 2).next_power_of_two().max(4)] };
        for word in words {
            let at = set.place(word.as_bytes());
            set.table[at] = Some(word.as_bytes().into());
        }
        set
    }

    /// Where `word` is, or would be.
    #[inline]
    fn place(&self, word: &[u8]) -> usize {
        let mask = self.table.len() - 1;
        let mut at = fingerprint(word, 0) as usize & mask;
        while self.table[at].as_deref().is_some_and(|other| other != word) {
            at = (at + 1) & mask;
        }
        at
    }

    /// Whether `word` is one of them.
    #[inline]
    pub fn holds(&self, word: &[u8]) -> bool {
        self.table[self.place(word)].is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_it_was_given() {
        let words: Vec<String> = (0..2_000).map(|n| format!("word {}", n * n)).collect();
        for count in [0, 1, 2, 7, 2_000] {
            let set = Words::new(words[..count].iter().map(String::as_str));
            for (at, word) in words.iter().enumerate() {
                assert_eq!(set.holds(word.as_bytes()), at < count, "{word} of {count}");
            }
            assert!(!set.holds(b""));
        }
    }
}
