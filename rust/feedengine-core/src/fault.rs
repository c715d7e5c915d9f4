//! What can be wrong with a feed: one table of codes, and a fault that says where.

use std::fmt;
use std::sync::Arc;

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

            /// The code that reports print as `text`.
            pub fn find(text: &str) -> Option<Code> {
                Code::ALL.iter().copied().find(|code| code.text() == text)
            }

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
    NotUtf8 "NOT_UTF8" File "save the file as UTF-8, or name its encoding in the profile (format.encoding)";
    UnterminatedQuote "UNTERMINATED_QUOTE" File "a quoted field is never closed: close it or send the whole file";
    // reading: containers, continued
    TrailingGarbage "TRAILING_GARBAGE" File "bytes follow the end of the archive: build and send it again";
    ArchiveBomb "ARCHIVE_BOMB" File "the archive expands beyond the limit: raise max_expansion if it is genuine";
    ArchiveNested "ARCHIVE_NESTED" File "put the files at the root of the archive, not in a folder or another archive";
    ArchivePath "ARCHIVE_PATH" File "member names must be plain file names";
    ArchiveLink "ARCHIVE_LINK" File "archives may hold regular files only, no links";
    ArchiveSpecial "ARCHIVE_SPECIAL" File "archives may hold regular files only";
    ArchiveDuplicate "ARCHIVE_DUPLICATE" File "send one file for each entity";
    ArchiveEmpty "ARCHIVE_EMPTY" File "name the archive's members items.*, variations.* or item_groups.*";
    ZipNotSupported "ZIP_NOT_SUPPORTED" File "send a tar.gz instead of a zip";
    UnknownFormat "UNKNOWN_FORMAT" File "send CSV, JSON or JSONL, plain, gzipped or in a tar.gz, or another format that the profile declares";
    NameMismatch "NAME_MISMATCH" Warning "give the file the extension of its content";
    UnknownMemberFile "UNKNOWN_MEMBER_FILE" Warning "name the member after an entity, or leave it out";
    // reading: text and CSV
    RecordTooLong "RECORD_TOO_LONG" File "shorten the record, look for a quote that is never closed, or raise max_record";
    TooManyColumns "TOO_MANY_COLUMNS" File "send fewer columns or raise max_columns";
    DuplicateColumn "DUPLICATE_COLUMN" File "name every column once";
    EmptyColumn "EMPTY_COLUMN" File "name every column";
    MissingColumn "MISSING_COLUMN" File "add the column to the header";
    WrongDelimiter "WRONG_DELIMITER" File "separate the columns with the delimiter that is set, or change the setting";
    UnknownColumn "UNKNOWN_COLUMN" Warning "correct the column's name, or leave it out";
    NulByte "NUL_BYTE" Row "remove the NUL bytes";
    TextAfterQuote "TEXT_AFTER_QUOTE" Row "double the quotes within quoted fields";
    QuoteInField "QUOTE_IN_FIELD" Warning "quote the whole field and double the quotes within it";
    ShortRow "SHORT_ROW" Warning "give every row all columns of the header";
    LongRow "LONG_ROW" Row "quote fields that hold the delimiter";
    BadFlag "BAD_FLAG" Row "write true or false";
    BadInteger "BAD_INTEGER" Row "write a whole number";
    // reading: JSON
    BadJson "BAD_JSON" Row "write strict JSON";
    BadType "BAD_TYPE" Row "give the field a value of its type";
    BadEscape "BAD_ESCAPE" Row "write characters beyond U+FFFF as two escapes, or as they are";
    TooDeep "TOO_DEEP" File "nest values less deeply";
    Truncated "TRUNCATED" File "the file ends early: send it again";
    UnknownEntity "UNKNOWN_ENTITY" File "name the list after an entity";
    DuplicateList "DUPLICATE_LIST" File "send one list for each entity";
    FlatJsonl "FLAT_JSONL" Warning "the lines use CSV column names: accepted";
    UnknownMember "UNKNOWN_MEMBER" Warning "correct the member's name, move it into data, or leave it out";
    DuplicateMember "DUPLICATE_MEMBER" Warning "the last value counts: give every member once";
    IdNotText "ID_NOT_TEXT" Warning "write ids as JSON strings";
    NotText "NOT_TEXT" Warning "write texts as JSON strings";
    NotList "NOT_LIST" Warning "write lists as JSON lists";
    // meaning: records
    MissingKey "MISSING_KEY" Row "give every record its id";
    EmptyEntity "EMPTY_ENTITY" File "send the file again with its records";
    DuplicateSection "DUPLICATE_SECTION" File "put all records of one kind into one list";
    DuplicateItem "DUPLICATE_ITEM" Warning "send every id once: the last row counts";
    MissingField "MISSING_FIELD" Row "fill the field, or send a patch feed if only some fields are meant to change";
    TooLong "TOO_LONG" Row "shorten the value";
    LongText "LONG_TEXT" Warning "shorten the text";
    NoAlphanumeric "NO_ALPHANUMERIC" Row "give it a readable name";
    ReservedName "RESERVED_NAME" Row "rename the field: json: marks how a column is written";
    OutOfRange "OUT_OF_RANGE" Row "send a number in the range";
    DataTooLarge "DATA_TOO_LARGE" Row "move large content out of the record";
    TooManyRejected "TOO_MANY_REJECTED" File "correct the rows that are listed and send the file again";
    AverageTooLarge "AVERAGE_TOO_LARGE" File "shrink the records' data: the limit holds for the average of the catalog";
    UnknownRecord "UNKNOWN_RECORD" File "send patchdeltacreate or patchdeltaignore if new records are expected";
    EnrichOnly "ENRICH_ONLY" Row "correct the id, or create the record with a feed that may: this one only enriches";
    UnknownId "UNKNOWN_ID" Warning "nothing to do if the record is gone already";
    ExtraColumn "EXTRA_COLUMN" File "a delete or whitelist file holds the id column alone";
    AddUnderCreate "ADD_UNDER_CREATE" File "send :add and :remove with patchdelta or patchdeltaignore";
    AddNeedsPatch "ADD_NEEDS_PATCH" Row "send :add and :remove in a patch feed";
    DeltaNarrow "DELTA_NARROW" Warning "a delta replaces whole records: send a patchdelta if only these columns should change";
    // meaning: what profiles demand of values
    BadDecimal "BAD_DECIMAL" Row "write a decimal number as the profile says";
    BadDate "BAD_DATE" Row "write a real date as the profile says";
    BadUuid "BAD_UUID" Row "write the id as it was handed out: 36 characters";
    BadUrl "BAD_URL" Row "write an absolute http or https address";
    BadGtin "BAD_GTIN" Row "check the digits: the last one must fit the others";
    BadCurrency "BAD_CURRENCY" Row "send amounts in the currency that the profile names";
    BadUnit "BAD_UNIT" Row "write the number with a unit that the profile names";
    NotAllowed "NOT_ALLOWED" Row "use one of the allowed values";
    BadPattern "BAD_PATTERN" Row "write the value in the form that the profile gives";
    TooShort "TOO_SHORT" Row "write the whole value";
    RequiredWhen "REQUIRED_WHEN" Row "fill the field: another field of the row asks for it";
    NotMultiple "NOT_MULTIPLE" Row "send a multiple of the other field";
    TemplateMismatch "TEMPLATE_MISMATCH" File "use the template's columns in the template's order";
    TrailerMismatch "TRAILER_MISMATCH" File "the file is not whole: send it again";
    BadEncoding "BAD_ENCODING" File "save the file in the encoding that the profile names, or correct its format.encoding";
    XmlForbidden "XML_FORBIDDEN" File "send XML without a DTD and without entities of its own";
    BadXml "BAD_XML" File "send well-formed XML";
    BadSheet "BAD_SHEET" File "send a workbook with one header row and no merged cells";
    BadParquet "BAD_PARQUET" File "write the Parquet file again, whole, with flat columns of texts, numbers, dates, or lists of them";
    CellError "CELL_ERROR" Row "write the value itself into the cell";
    NumericId "NUMERIC_ID" Warning "give the column the format Text before ids are typed: a number has lost its leading zeros";
    UnreadSheet "UNREAD_SHEET" Warning "nothing to do if this is the sheet that is meant: name it, or the other one, in the profile (format.sheet.name)";
    FormulaCells "FORMULA_CELLS" Warning "nothing to do if the workbook was calculated before it was saved: the values count";
    BadLine "BAD_LINE" Row "give the line the length and the record type that the profile names";
    // meaning: identity and references
    DuplicateKey "DUPLICATE_KEY" Row "use every value once: all rows that share it were left out";
    KeyConflict "KEY_CONFLICT" Row "correct the pair of ids, or send the system id of the record that is meant";
    AmbiguousMatch "AMBIGUOUS_MATCH" Row "send an id: the name alone fits several records";
    WeakMatch "WEAK_MATCH" Warning "send an id with the row: it was matched by name alone";
    UnknownSystemId "UNKNOWN_SYSTEM_ID" Row "leave the system id empty for a new record, or correct it";
    UnknownReference "UNKNOWN_REFERENCE" Row "send the record that is named first, or correct the name";
    UnknownSku "UNKNOWN_SKU" Row "import the product first, then send the row again";
    UnknownCustomer "UNKNOWN_CUSTOMER" Row "import the customer first, then send the row again";
    UnknownCategory "UNKNOWN_CATEGORY" Row "import the category first, then send the row again";
    UnknownCollection "UNKNOWN_COLLECTION" Row "import the collection first, then send the row again";
    UnknownPricelist "UNKNOWN_PRICELIST" Row "correct the name of the price list, or add it to the profile's list";
    UnknownSalesRep "UNKNOWN_SALES_REP" Row "correct the name of the sales rep, or add it to the profile's list";
    DanglingReference "DANGLING_REFERENCE" Warning "update the records that still name the one that is gone";
    Parked "PARKED" Warning "nothing to do: the row is applied when the record that it names arrives";
    MissingLink "MISSING_LINK" Row "send the parent too: every step of the path must exist";
    PathConflict "PATH_CONFLICT" Row "give one record one place in the tree";
    BadPath "BAD_PATH" Row "write the path as steps with the separator between them";
    // meaning: rows and records together
    BadWindow "BAD_WINDOW" Row "give the window a first value that is not behind its last one";
    WindowOverlap "WINDOW_OVERLAP" Row "let the windows of a group follow each other: none of those that overlap was taken";
    ReferenceCycle "REFERENCE_CYCLE" File "take one of the steps out: nothing can be a part of itself";
    OptionUnknown "OPTION_UNKNOWN" Row "correct the option or the value, or send the product that declares it first";
    OptionForbidden "OPTION_FORBIDDEN" Row "choose other values, or let the matrix allow these together";
    OptionInUse "OPTION_IN_USE" Warning "update the records that still choose what is forbidden or not declared now";
    OptionMatrixIncomplete "OPTION_MATRIX_INCOMPLETE" File "send the rows that are missing too, each allowed or not, or take the values from the product";
    TooManySteps "TOO_MANY_STEPS" File "raise memory_limit, or take no_cycle out of the profile";
    // meaning: relations
    Orphan "ORPHAN" File "send the item too, or take the variation out";
    VariationMoved "VARIATION_MOVED" Warning "check that the variation really belongs to another item now";
    Cascaded "CASCADED" Warning "list the owner too if the record is to stay";
    UnknownGroup "UNKNOWN_GROUP" Warning "send the group, or correct the group id";
    DanglingGroup "DANGLING_GROUP" Warning "update the items that still name the removed group";
    UnknownParent "UNKNOWN_PARENT" File "send the parent group too";
    GroupCycle "GROUP_CYCLE" File "a group cannot be its own ancestor: correct parent_ids";
    GroupHasChildren "GROUP_HAS_CHILDREN" File "remove or move the child groups too";
    SeveralRoots "SEVERAL_ROOTS" Warning "one root group is expected";
    ConflictingNames "CONFLICTING_NAMES" Warning "give a group the same name in all its rows";
}

impl Code {
    /// The sender's view of it: `duplicate_keys`, `unknown_references` or `format`.
    pub fn family(self) -> &'static str {
        match self {
            Code::DuplicateItem
            | Code::DuplicateKey
            | Code::KeyConflict
            | Code::AmbiguousMatch
            | Code::WeakMatch
            | Code::PathConflict
            | Code::WindowOverlap
            | Code::ConflictingNames => "duplicate_keys",
            Code::UnknownRecord
            | Code::EnrichOnly
            | Code::UnknownId
            | Code::UnknownSystemId
            | Code::UnknownReference
            | Code::UnknownSku
            | Code::UnknownCustomer
            | Code::UnknownCategory
            | Code::UnknownCollection
            | Code::UnknownPricelist
            | Code::UnknownSalesRep
            | Code::DanglingReference
            | Code::OptionUnknown
            | Code::Parked
            | Code::MissingLink
            | Code::Orphan
            | Code::UnknownGroup
            | Code::DanglingGroup
            | Code::UnknownParent => "unknown_references",
            _ => "format",
        }
    }
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
    /// The sheet, where the member is a workbook: `line` is then a row of it.
    pub sheet: Option<Arc<Grid>>,
}

/// The names of a sheet and its columns.
#[derive(Debug, PartialEq, Eq)]
pub struct Grid {
    /// The sheet.
    pub sheet: String,
    /// Of each column its name, and the field that it means.
    pub columns: Vec<[String; 2]>,
}

impl Position {
    /// The cell below a column, where the member is a workbook: `Products!C7`.
    pub fn cell(&self, column: &str) -> Option<String> {
        let grid = self.sheet.as_ref()?;
        let at = grid.columns.iter().position(|names| names.iter().any(|name| name == column))?;
        Some(format!("{}!{}{}", grid.sheet, letters(at + 1), self.line))
    }
}

/// The letters of a sheet's column, from 1: `C`, `AA`.
pub fn letters(mut column: usize) -> String {
    let mut letters = Vec::new();
    while column > 0 {
        column -= 1;
        letters.push(b'A' + (column % 26) as u8);
        column /= 26;
    }
    letters.iter().rev().map(|letter| char::from(*letter)).collect()
}

/// Something wrong with one record, before its position is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// Which code.
    pub code: Code,
    /// The column or field.
    pub column: Option<String>,
    /// The value, as found.
    pub value: Option<String>,
    /// Offset within the record's bytes.
    pub offset: u32,
    /// What happened.
    pub message: String,
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
    /// Keys of the stored records that it concerns, such as the candidates of a conflict.
    pub related: Vec<String>,
}

impl Fault {
    /// A fault without a position: the caller who knows it adds it.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Fault {
            code,
            position: Position::default(),
            entity: None,
            key: None,
            column: None,
            value: None,
            message: message.into(),
            related: Vec::new(),
        }
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

impl Fault {
    /// The message, with the cell that it is about where that is known.
    pub fn told(&self) -> String {
        let cell = self.column.as_ref().and_then(|column| self.position.cell(column));
        match cell.filter(|cell| !self.message.contains(cell.as_str())) {
            Some(cell) => format!("{cell}: {}", self.message),
            None => self.message.clone(),
        }
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
