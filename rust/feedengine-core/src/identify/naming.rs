//! How a row names its record to people, and to the ledger: by its identifiers, by its content where it has none.

use twox_hash::XxHash3_128;
use unicode_normalization::UnicodeNormalization;

use super::fold::folded;
use super::identity::given;
use crate::record::Record;
use crate::record::entity::EntitySpec;
use crate::record::{FieldId, FieldTable};

/// A field and the value by which it names a record.
pub type Name = (String, String);

/// What stands for the field where a row is named by its content.
pub const CONTENT: &str = "row";

/// What names the records of one entity, in order of priority.
#[derive(Clone, Debug)]
pub struct Naming {
    strong: Vec<(FieldId, String)>,
    weak: Vec<(FieldId, String)>,
}

/// A row's names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its identifiers, weak ones too.
    pub every: Vec<Name>,
    /// What it goes by: its identifiers, a weak one only where it has no other, or its content.
    pub identity: Vec<Name>,
    /// Its content: all that it says but its identifiers. The same row keeps that name when it gets some.
    pub content: Name,
}

impl Naming {
    /// What `spec` says of it.
    pub fn new(spec: &EntitySpec, table: &FieldTable) -> Naming {
        let field = |name: &String| (table.id(name), name.clone());
        let by = |weak| spec.identity.iter().filter(move |each| each.weak == weak).map(|each| &each.field);
        let mut strong: Vec<_> = Vec::new();
        for name in std::iter::once(&spec.fields[0].name).chain(by(false)).chain(&spec.unique) {
            if !strong.iter().any(|(_, known)| known == name) {
                strong.push(field(name));
            }
        }
        Naming { strong, weak: by(true).map(field).collect() }
    }

    /// The names of a row: `record` is what it means, `words` what it says.
    pub fn of(&self, record: &Record, words: &[(String, String)]) -> Named {
        let plain = |text: &str| text.trim().nfc().collect::<String>();
        let weakly = |text: &str| {
            let mut out = String::new();
            folded(&text.nfkc().collect::<String>(), &mut out);
            out
        };
        let strong =
            self.strong.iter().filter_map(|(field, name)| Some((name.clone(), plain(&given(record, *field)?))));
        let weak = self.weak.iter().filter_map(|(field, name)| Some((name.clone(), weakly(&given(record, *field)?))));
        let strong: Vec<Name> = strong.collect();
        let weak: Vec<Name> = weak.collect();
        let content = self.content(words);
        let identity = [&strong, &weak].into_iter().find(|names| !names.is_empty());
        let identity = identity.cloned().unwrap_or_else(|| vec![content.clone()]);
        Named { every: strong.into_iter().chain(weak).collect(), identity, content }
    }

    /// Names a row by all that it says, but for identifiers and blanks.
    fn content(&self, words: &[(String, String)]) -> Name {
        let names = |name: &str| self.strong.iter().chain(&self.weak).any(|(_, known)| known == name);
        let said = words.iter().map(|(name, text)| (name.as_str(), text.trim()));
        let mut said: Vec<_> = said.filter(|(name, text)| !text.is_empty() && !names(name)).collect();
        said.sort_unstable();
        let text = serde_json::to_string(&said).unwrap_or_default();
        (CONTENT.into(), format!("{:032x}", XxHash3_128::oneshot(text.as_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::entity::constructor;
    use crate::record::rule::Identifier;

    fn named(cells: &[(&str, &str)]) -> Named {
        let mut spec = constructor()[0].clone();
        let by = |field: &str, weak| Identifier { field: field.into(), weak };
        spec.identity = vec![by("id", false), by("url", false), by("item_name", true)];
        let table = FieldTable::new(&spec);
        let mut record = Record::default();
        for (name, text) in cells {
            record.push_text(table.id(name), text);
        }
        let words: Vec<_> = cells.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        Naming::new(&spec, &table).of(&record, &words)
    }

    fn name(field: &str, value: &str) -> Name {
        (field.into(), value.into())
    }

    #[test]
    fn records_are_named_by_their_identifiers_in_order() {
        let both = named(&[("url", " R1 "), ("item_name", "ACME, Inc.")]);
        assert_eq!(both.identity, [name("url", "R1")]);
        assert_eq!(both.every, [name("url", "R1"), name("item_name", "acmeinc")]);
        assert_eq!(named(&[("item_name", "Ａcme—GmbH ")]).identity, [name("item_name", "acmegmbh")]);
        assert_eq!(named(&[("url", "e\u{301}")]).identity, [name("url", "é")]);
    }

    #[test]
    fn a_row_without_identifiers_keeps_its_name_when_it_gets_them() {
        let bare = named(&[("id", " "), ("description", "Rome"), ("keywords", "")]);
        assert_eq!(bare.identity, vec![bare.content.clone()]);
        assert!(bare.every.is_empty());
        assert_eq!(named(&[("keywords", " "), ("description", "Rome "), ("id", "7")]).content, bare.content);
        for other in [[("description", "Oslo")], [("keywords", "Rome")]] {
            assert_ne!(named(&other).content, bare.content);
        }
    }
}
