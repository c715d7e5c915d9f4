//! What can be wrong with a feed: one table of codes, and a fault that says where.

use std::fmt;

/// What a fault does to the task it is found in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Accepted; counted and reported.
    Warning,
    /// The row cannot be applied. The whole file fails with it unless the settings say `rows = "reject"`.
    Row,
    /// The file cannot be applied; nothing is.
    File,
}

macro_rules! codes {
    ($($variant:ident $text:literal $severity:ident $hint:literal;)*) => {
        /// Stable fault codes. A code never changes its meaning; messages may improve.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs)]
        pub enum Code { $($variant),* }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Code] = &[$(Code::$variant),*];

            /// The code as reports print it.
            pub fn text(self) -> &'static str { match self { $(Code::$variant => $text),* } }

            /// What the code does to its task by default.
            pub fn severity(self) -> Severity { match self { $(Code::$variant => Severity::$severity),* } }

            /// What the sender or operator should do.
            pub fn hint(self) -> &'static str { match self { $(Code::$variant => $hint),* } }
        }
    };
}

codes! {
    // reading: containers
    EmptyFile "EMPTY_FILE" File "send the file again with its content";
    Unreadable "UNREADABLE" File "check that the file exists and may be read";
    FileChanged "FILE_CHANGED" File "the sender was still writing: wait until the file is complete, then run the command again";
    ArchiveTruncated "ARCHIVE_TRUNCATED" File "the archive ends early: send it again";
    ArchiveCorrupt "ARCHIVE_CORRUPT" File "the archive is damaged: build and send it again";
    // reading: text
    NotUtf8 "NOT_UTF8" File "save the file as UTF-8";
    UnterminatedQuote "UNTERMINATED_QUOTE" File "a quoted field is never closed: close it or send the whole file";
    // meaning: records
    MissingKey "MISSING_KEY" Row "give every record its id";
}

/// Where in a feed something was found. Every number starts at 1 except `byte`, which starts at 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Archive member, or the file's own name where it is no archive.
    pub member: String,
    /// Data record within the member (a CSV header is not counted); 0 = the file or its header.
    pub record: u64,
    /// Line on which the record starts; 0 = unknown.
    pub line: u64,
    /// Offset in the member's (decompressed) bytes.
    pub byte: u64,
}

/// One thing that is wrong, with everything a report needs. `code`, `message` and the hint are three things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which entry of the table.
    pub code: Code,
    /// Where.
    pub position: Position,
    /// Entity name (`items`), where known.
    pub entity: Option<String>,
    /// The record's key, where known.
    pub key: Option<String>,
    /// The column or field, where it concerns one.
    pub column: Option<String>,
    /// The offending value, cut to 200 characters.
    pub value: Option<String>,
    /// What happened, in one sentence without a full stop.
    pub message: String,
}

impl Fault {
    /// A fault without a position: the caller who knows it adds it.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Fault { code, position: Position::default(), entity: None, key: None, column: None, value: None, message: message.into() }
    }

    /// The same fault at `position`.
    #[must_use]
    pub fn at(mut self, position: Position) -> Self {
        self.position = position;
        self
    }

    /// The same fault concerning `column`.
    #[must_use]
    pub fn column(mut self, column: impl Into<String>) -> Self {
        self.column = Some(column.into());
        self
    }

    /// The same fault showing `value`, cut to 200 characters.
    #[must_use]
    pub fn value(mut self, value: &str) -> Self {
        self.value = Some(value.chars().take(200).collect());
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.code.text(), self.message)?;
        if !self.position.member.is_empty() {
            write!(out, " ({}", self.position.member)?;
            if self.position.record > 0 {
                write!(out, ", record {}", self.position.record)?;
            }
            if self.position.line > 0 {
                write!(out, ", line {}", self.position.line)?;
            }
            write!(out, ", byte {})", self.position.byte)?;
        }
        Ok(())
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn codes_are_unique_upper_case_and_hinted() {
        let texts: HashSet<_> = Code::ALL.iter().map(|code| code.text()).collect();
        assert_eq!(texts.len(), Code::ALL.len());
        for code in Code::ALL {
            assert!(code.text().bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_'), "{code:?}");
            assert!(!code.hint().is_empty() && !code.hint().ends_with('.'), "{code:?}");
        }
    }
}
