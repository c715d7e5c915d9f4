//! Workbooks made by hand: what their cells come to, and the exact answer to those that are wrong.

use crc32fast::hash;

use super::super::foreign::Rows;
use super::super::source::Random;
use super::super::testing::{Random as Dice, options};
use super::super::{Block, ReadOptions, SheetSpec};
use super::*;

/// A zip archive of stored members.
fn zip(parts: &[(&str, &str)]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    let word = |number: usize| (number as u32).to_le_bytes();
    for (name, content) in parts {
        let header = out.len();
        let common = [
            &[20, 0, 0, 0, 0, 0, 0, 0, 0, 0][..],
            &hash(content.as_bytes()).to_le_bytes(),
            &word(content.len()),
            &word(content.len()),
            &[name.len() as u8, 0, 0, 0],
        ]
        .concat();
        out.extend([&b"PK\x03\x04"[..], &common, name.as_bytes(), content.as_bytes()].concat());
        directory.extend([&b"PK\x01\x02\x14\0"[..], &common, &[0; 10], &word(header), name.as_bytes()].concat());
    }
    let count = [parts.len() as u8, 0];
    let end = [&b"PK\x05\x06\0\0\0\0"[..], &count, &count, &word(directory.len()), &word(out.len()), &[0, 0]].concat();
    [out, directory, end].concat()
}

const LINKS: &str = "<Relationships><Relationship Id='r1' Type='x/worksheet' Target='worksheets/sheet1.xml'/>\
    <Relationship Id='r2' Type='x/worksheet' Target='/xl/worksheets/sheet2.xml'/>\
    <Relationship Id='r3' Type='x/chartsheet' Target='chartsheets/sheet3.xml'/>\
    <Relationship Id='r4' Type='x/styles' Target='styles.xml'/>\
    <Relationship Id='r5' Type='x/sharedStrings' Target='sharedStrings.xml'/></Relationships>";
const BOOK_XML: &str = "<?xml version='1.0' encoding='UTF-8'?><workbook xmlns:r='r'><sheets>\
    <sheet name='Old' r:id='r2' state='hidden'/><sheet name='Chart' r:id='r3'/><sheet name='Products' r:id='r1'/>\
    </sheets></workbook>";
const STYLES: &str = "<styleSheet><numFmts><numFmt numFmtId='170' formatCode='dd/mm/yyyy'/></numFmts>\
    <cellXfs><xf/><xf numFmtId='170'/><xf numFmtId='20'/><xf numFmtId='49'/></cellXfs></styleSheet>";
const STRINGS: &str =
    "<sst><si><t>id</t></si><si><t>item_name</t></si><si><r><t>Rich </t></r><r><t>Boot</t></r></si></sst>";
const OLD: &str = "<worksheet><sheetData><row><c t='str'><v>id</v></c></row><row><c t='str'><v>X</v></c></row></sheetData></worksheet>";

/// A workbook whose sheet `Products` has these rows, and this behind them.
fn book(data: &str, behind: &str) -> Vec<u8> {
    let sheet = format!("<worksheet><dimension ref='A1:XFD1048576'/><sheetData>{data}</sheetData>{behind}</worksheet>");
    zip(&[
        ("[Content_Types].xml", "<Types/>"),
        ("xl/workbook.xml", BOOK_XML),
        ("xl/_rels/workbook.xml.rels", LINKS),
        ("xl/styles.xml", STYLES),
        ("xl/sharedStrings.xml", STRINGS),
        ("xl/worksheets/sheet1.xml", &sheet),
        ("xl/worksheets/sheet2.xml", OLD),
        ("xl/vbaProject.bin", "never read"),
    ])
}

/// Names and rows as text: `row: cells`, with issues in front of the cells.
fn read_with(bytes: &[u8], options: &ReadOptions) -> Result<String, Fault> {
    let file = Random::spool(&mut &bytes[..])?;
    let sheet = open(file, &bytes[..bytes.len().min(64)], options)?;
    let Shape::Columns(names) = sheet.shape() else { return Ok(String::new()) };
    let mut rows = Rows::new(Box::new(sheet), options, 0);
    let (mut text, mut block) = (names.join(","), Block::default());
    while rows.next(&mut &b""[..], &mut block)? {
        for (span, origin) in block.spans.iter().zip(&block.origins) {
            let record = String::from_utf8_lossy(block.raw(span));
            text += &format!(" {}: {record}", origin.line);
        }
    }
    for warning in rows.warnings() {
        text += &format!(" {}", warning);
    }
    Ok(text)
}

fn read(data: &str) -> Result<String, Fault> {
    read_with(&book(data, ""), &options())
}

const HEAD: &str = "<row r='1'><c r='A1' t='s'><v>0</v></c><c r='B1' t='s'><v>1</v></c><c r='C1' t='inlineStr'><is><t>x</t></is></c></row>";

/// What column C of the second row comes to.
fn cell(xml: &str) -> Result<String, Fault> {
    let text = read(&format!("{HEAD}<row r='2'><c r='A2' t='str'><v>A</v></c>{xml}</row>"))?;
    Ok(text.strip_prefix("id,item_name,x 2: A,,").unwrap_or(&text).to_owned())
}

#[test]
fn cells_are_what_the_sheet_says() {
    for (xml, expected) in [
        ("<c r='C2'><v>1</v></c>", "1"),
        ("<c r='C2' t='n'><v>19.989999999999998</v></c>", "19.99"),
        ("<c r='C2'><v>1E+15</v></c>", "1000000000000000"),
        ("<c r='C2' s='1'><v>46347</v></c>", "2026-11-21"),
        ("<c r='C2' s='2'><v>0.5</v></c>", "12:00:00"),
        ("<c r='C2' s='3'><v>007</v></c>", "7"),
        ("<c r='C2' s='99'><v>46347</v></c>", "46347"),
        ("<c r='C2' t='s'><v>2</v></c>", "Rich Boot"),
        (
            "<c r='C2' t='inlineStr'><is><r><t>a</t></r><rPh sb='0' eb='1'><t>no</t></rPh><r><t> b</t></r></is></c>",
            "a b",
        ),
        ("<c r='C2' t='inlineStr'><is><t>00042</t></is></c>", "00042"),
        ("<c r='C2' t='inlineStr'><is><t>a,b&#34;_x000D_\n<![CDATA[<>]]></t></is></c>", "\"a,b\"\"\r\n<>\""),
        ("<c r='C2' t='b'><v>1</v></c>", "true"),
        ("<c r='C2' t='b'><v>0</v></c>", "false"),
        ("<c r='C2' t='d'><v>2026-11-21T00:00:00</v></c>", "2026-11-21"),
        ("<x:c r='C2' xmlns:x='x'><x:v>5</x:v></x:c>", "5"),
        ("<c r='C2'/>", ""),
        ("<c r='C2' s='1'><v></v></c>", ""),
        (
            "<c r='C2'><f>1+1</f><v>2</v></c>",
            "2 FORMULA_CELLS: 1 cells hold formulas: the values they had when the \
          workbook was saved count; the first one is Products!C2",
        ),
    ] {
        assert_eq!(cell(xml).as_deref().map_err(|fault| fault.message.as_str()), Ok(expected), "{xml}");
    }
}

#[test]
fn cells_without_a_value_are_faults_of_their_rows() {
    for (xml, expected) in [
        ("<c r='C2' t='e'><v>#N/A</v></c>", "Products!C2: the cell holds the error #N/A"),
        ("<c r='C2' s='1'><v>60</v></c>", "Products!C2: 60 is no date"),
        ("<c r='C2'><v>1e999</v></c>", "Products!C2: \\\"1e999\\\" is no number"),
        ("<c r='C2' t='b'><v>2</v></c>", "Products!C2: \\\"2\\\" is neither true nor false"),
        ("<c r='C2'><f>A1</f></c>", "Products!C2: the cell's formula has no value"),
    ] {
        let found = read(&format!(
            "{HEAD}<row r='2'><c r='A2' t='str'><v>A</v></c>{xml}</row><row r='3'><c t='str'><v>B</v></c></row>"
        ));
        let found = found.unwrap_or_default();
        assert!(found.contains(expected) && found.contains("\"code\":\"CELL_ERROR\",\"column\":\"x\""), "{found}");
        assert!(found.contains(" 3: B,,"), "{found}");
    }
}

#[test]
fn rows_keep_their_numbers_and_blank_ones_are_left_out() -> Result<(), Fault> {
    let data = format!(
        "{HEAD}<row r='3'><c r='B3' t='str'><v>b</v></c></row><row r='4'><c r='A4' t='str'><v></v></c></row>\
         <row><c t='str'><v>a</v></c><c/><c t='str'><v>c</v></c><c t='str'><v>beyond</v></c></row><row r='1048576' hidden='1'/>"
    );
    assert_eq!(read(&data)?, "id,item_name,x 3: ,b, 5: a,,c,beyond");
    let mut options = options();
    options.format.sheet = Some(SheetSpec { name: None, header_row: 3 });
    let data = "<row r='1'><c r='A1' t='str'><v>Our products</v></c></row>\
                <row r='3'><c r='A3' t='str'><v>id</v></c></row><row r='9'><c r='A9'><v>12</v></c></row>";
    let merged = "<mergeCells><mergeCell ref='A1:C2'/><mergeCell ref='A10:B11'/><mergeCell ref='C4:D4'/></mergeCells>";
    let told = "id 9: 12 NUMERIC_ID: 1 ids are stored as numbers, not as text; the first one is Products!A9";
    assert_eq!(read_with(&book(data, merged), &options)?, told);
    options.format.sheet = Some(SheetSpec { name: Some("Old".into()), header_row: 1 });
    assert_eq!(read_with(&book(data, ""), &options)?, "id 2: X");
    Ok(())
}

#[test]
fn what_is_wrong_has_its_exact_answer() {
    let one = "<row r='2'><c r='A2' t='str'><v>A</v></c></row>";
    for (data, behind, code, message, line) in [
        ("", "", Code::BadSheet, "row 1 of Products holds no column names", 1),
        (
            "<row r='1'/><row r='2'><c><v>1</v></c></row>",
            "",
            Code::BadSheet,
            "row 1 of Products holds no column names",
            1,
        ),
        (
            "<row r='1'><c t='e'><v>#REF!</v></c></row>",
            "",
            Code::BadSheet,
            "Products!A1: the cell holds the error #REF!",
            1,
        ),
        ("H<row r='2'/><row r='2'/>", "", Code::BadSheet, "row 2 of Products follows row 2", 0),
        ("H<row r='1048577'/>", "", Code::BadSheet, "row 1048577 of Products follows row 1", 0),
        ("H<row r='x'/>", "", Code::BadSheet, "the workbook's XML is not well-formed: a row has no number", 0),
        ("H<row r='2'><c r='B2'/><c r='A2'/></row>", "", Code::BadSheet, "Products!A2: the cell follows column B", 2),
        ("H<row r='2'><c r='A3'/></row>", "", Code::BadSheet, "Products!A2: a cell in this row says that it is A3", 2),
        ("H<row r='2'><c r='XFE2'/></row>", "", Code::BadSheet, "Products!XFE2: a sheet has 16384 columns at most", 2),
        (
            "H<row r='2'><c r='A2' t='s'><v>3</v></c></row>",
            "",
            Code::BadSheet,
            "Products!A2: the cell names a shared text that is not there",
            2,
        ),
        (
            "H<row r='2'><c r='A2' t='q'><v>3</v></c></row>",
            "",
            Code::BadSheet,
            "Products!A2: the cell has the unknown type \"q\"",
            2,
        ),
        (
            "H2",
            "<mergeCells><mergeCell ref='B2:C3'/></mergeCells>",
            Code::BadSheet,
            "the cells Products!B2:C3 are merged: give each row its own values",
            2,
        ),
        (
            "H2",
            "<mergeCells><mergeCell ref='A1:B1'/></mergeCells>",
            Code::BadSheet,
            "the cells Products!A1:B1 are merged: give each row its own values",
            1,
        ),
        ("H2</sheetData>", "", Code::BadSheet, "the workbook's XML is not well-formed: ", 0),
        ("H<!DOCTYPE a [<!ENTITY b 'c'>]>", "", Code::XmlForbidden, "the workbook's XML has a DTD", 0),
        (
            "H<row><c t='str'><v>&b;</v></c></row>",
            "",
            Code::XmlForbidden,
            "the workbook's XML has an entity of its own, \"b\"",
            0,
        ),
        ("H<row><c t='str'><v>&#0;</v></c></row>", "", Code::BadSheet, "the workbook's XML is not well-formed: ", 0),
    ] {
        let data = data.replace("H2", &format!("{HEAD}{one}")).replace('H', HEAD);
        let fault = read_with(&book(&data, behind), &options()).err();
        let found = fault.map(|fault| (fault.code, fault.message, fault.position.line));
        let fits = found.as_ref().is_some_and(|(c, m, l)| *c == code && m.starts_with(message) && *l == line);
        assert!(fits, "{data}: {found:?}");
    }
}

#[test]
fn a_sheet_that_is_not_there_is_answered_with_those_that_are() {
    for (name, expected) in [
        ("products", "the workbook has no sheet \"products\"; it has \"Products\""),
        ("Everything", "the workbook has no sheet \"Everything\"; it has \"Old\", \"Chart\", \"Products\""),
        ("Chart", "the sheet \"Chart\" is no table"),
    ] {
        let mut options = options();
        options.format.sheet = Some(SheetSpec { name: Some(name.into()), header_row: 1 });
        let fault = read_with(&book(HEAD, ""), &options).err();
        assert_eq!(fault.map(|fault| fault.message).as_deref(), Some(expected));
    }
}

#[test]
fn archives_that_lie_are_refused() {
    let sound = book(&format!("{HEAD}<row><c t='str'><v>A</v></c></row>"), "");
    assert!(read_with(&sound, &options()).is_ok());
    let code = |bytes: &[u8]| read_with(bytes, &options()).err().map(|fault| fault.code);
    for cut in [60, sound.len() / 2, sound.len() - 30, sound.len() - 1] {
        assert_eq!(code(&sound[..cut]), Some(Code::ArchiveTruncated), "{cut}");
    }
    assert_eq!(code(&zip(&[("items.csv", "id\nA\n")])), Some(Code::ZipNotSupported));
    assert_eq!(code(b"PK\x03\x04"), Some(Code::ZipNotSupported));
    assert_eq!(code(&zip(&[("xl/workbook.bin", "")])), Some(Code::BadSheet));
    assert_eq!(code(&zip(&[("xl/workbook.xml", BOOK_XML)])), Some(Code::ArchiveCorrupt));
    assert_eq!(code(&zip(&[("xl/workbook.xml", ""), ("xl/workbook.xml", "")])), Some(Code::ArchiveCorrupt));
    let mut options = options();
    options.max_record = 200;
    for (data, what) in [("x".repeat(300), "text"), (format!("<b a='{}'/>", "y".repeat(200_000)), "element")] {
        let data = format!("<row><c t='inlineStr'><is><t>{data}</t></is></c></row>");
        let fault = read_with(&book(&data, ""), &options).err();
        assert_eq!(fault.map(|fault| fault.code), Some(Code::RecordTooLong), "{what}");
    }
}

/// Whatever is changed in a workbook, it is read or refused: nothing panics, and nothing takes long.
#[test]
fn damaged_workbooks_are_answered() {
    let sound = book(&format!("{HEAD}<row r='2'><c r='A2' t='s'><v>0</v></c><c r='B2' s='1'><v>5</v></c></row>"), "");
    let mut dice = Dice::new(11);
    let mut read_well = 0;
    for _ in 0..3000 {
        let mut bytes = sound.clone();
        for _ in 0..=dice.below(3) {
            let at = dice.below(bytes.len());
            match dice.below(3) {
                0 => bytes[at] = dice.next() as u8,
                1 => bytes[at] ^= 1 << dice.below(8),
                _ => {
                    bytes.drain(at..(at + dice.below(20)).min(bytes.len()));
                }
            }
            if bytes.is_empty() {
                break;
            }
        }
        read_well += usize::from(read_with(&bytes, &options()).is_ok());
    }
    assert!(read_well < 3000);
}
