//! Declared formats through the public face of this room: the same records as CSV, and every refusal with its place.

use super::testing::options;
use super::tests::{Read, gzip, read_with};
use super::*;
use crate::fault::{Code, Fault};

/// Options with this declaration, in JSON.
fn declared(format: &str) -> ReadOptions {
    let format: FormatSpec = serde_json::from_str(format).unwrap_or_default();
    assert_ne!(format, FormatSpec::default(), "the declaration must say something");
    ReadOptions { format, ..options() }
}

/// What a file comes to in blocks of two sizes.
fn read(name: &str, bytes: &[u8], options: &ReadOptions) -> Result<Read, Fault> {
    let small = read_with(name, bytes, ReadOptions { block: 16, ..options.clone() });
    let large = read_with(name, bytes, ReadOptions { block: 1 << 20, ..options.clone() });
    let summary = |read: &Result<Read, Fault>| match read {
        Ok(read) => format!("{:?} {:?} {:?}", read.sections, read.issues, read.ends),
        Err(fault) => format!("{fault:?}"),
    };
    assert_eq!(summary(&small), summary(&large));
    large
}

/// Code, line and byte of the fault that a file fails with.
fn failure(bytes: &[u8], format: &str) -> (Code, u64, u64, String) {
    match read("items.dat", bytes, &declared(format)) {
        Ok(read) => panic!("{:?} was read: {read:?}", String::from_utf8_lossy(bytes)),
        Err(fault) => (fault.code, fault.position.line, fault.position.byte, fault.message),
    }
}

const CATALOG: &str = r#"{"xml":{"record":"catalog/product"}}"#;
const TAGGED: &str = r#"{"fixed":{"records":[
    {"tag":{"at":1,"text":"D"},"fields":[{"name":"id","start":2,"length":5},{"name":"item_name","start":7,"length":6}]},
    {"tag":{"at":1,"text":"P"},"fields":[{"name":"id","start":2,"length":5},{"name":"url","start":7,"length":3}]}],
    "ignore":["H","--"],"trailer":{"tag":{"at":1,"text":"T"},"start":2,"length":4}}}"#;

#[test]
fn one_list_in_every_format_is_one_list_of_records() -> Result<(), Fault> {
    let csv = "id,item_name,group_ids,active,suggested_score,facet:Color\n\
               007,\"Größe, \"\"M\"\"\",a|b,true,5,Red|Blue\n 8 ,x,,,,\n";
    let expected = read("items.csv", csv.as_bytes(), &options())?.sections;
    let utf16: Vec<u8> = csv.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let latin: Vec<u8> = csv.chars().map(|letter| letter as u8).collect();
    let xml = "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\r\n<c:catalog xmlns:c='x'><head a='1'>no</head>\r\n\
        <product id='007'>\n <item_name>\n Größe, &quot;<![CDATA[M]]>&#34; </item_name>\n <group_ids>a</group_ids>\
        <c:group_ids>b</c:group_ids><!-- no --><?no no?>\n<active>true</active><suggested_score> 5 </suggested_score>\
        <color>Red</color><color>Blue</color></product>\n\
        <product><id><![CDATA[ 8 ]]></id><item_name>x</item_name><group_ids/><active/><suggested_score/><color/>\
        </product></c:catalog>\n<!-- end -->\n";
    let xml: Vec<u8> = xml.chars().map(|letter| letter as u8).collect();
    let alias = |mut options: ReadOptions| {
        options.entities[0].fields[0].aliases = vec!["@id".into()];
        // A facet has no alias: a declared list of that name stands for it.
        let mut color = options.entities[0].fields[5].clone();
        (color.name, color.json) = ("color".into(), "color".into());
        options.entities[0].fields.push(color);
        options
    };
    let fixed = "007  Größe, \"M\"a|btrue5Red|Blue\n".chars().map(|letter| letter as u8).collect::<Vec<_>>();
    for (name, bytes, options) in [
        ("items.csv", utf16, declared(r#"{"encoding":"utf-16be"}"#)),
        ("items.csv", latin.clone(), declared(r#"{"encoding":"latin-1"}"#)),
        ("items.csv", latin.clone(), declared(r#"{"encoding":"cp1252"}"#)),
        ("items.csv.gz", gzip(&latin), declared(r#"{"encoding":"cp1252"}"#)),
        ("items.tar", super::tar::tests::archive(&[("items.csv", &latin)]), declared(r#"{"encoding":"cp1252"}"#)),
        ("items.xml", xml.clone(), alias(declared(CATALOG))),
        ("items.xml.gz", gzip(&xml), alias(declared(CATALOG))),
        ("items.tar", super::tar::tests::archive(&[("items.xml", &xml)]), alias(declared(CATALOG))),
    ] {
        let found = read(name, &bytes, &options)?;
        assert_eq!((&found.issues, &found.warnings), (&vec![], &vec![]), "{name}");
        let mut sections = found.sections;
        for cell in sections.iter_mut().flat_map(|(_, records)| records).flatten() {
            *cell = cell.replace("color=", "facet:Color=");
        }
        for record in sections.iter_mut().flat_map(|(_, records)| records) {
            record.sort();
        }
        assert_eq!(sections, expected, "{name}");
    }
    let fields = r#"{"encoding":"latin-1","fixed":{"records":[{"fields":[{"name":"id","start":1,"length":5},
        {"name":"item_name","start":6,"length":10},{"name":"group_ids","start":16,"length":3},
        {"name":"active","start":19,"length":4},{"name":"suggested_score","start":23,"length":1},
        {"name":"facet:Color","start":24,"length":8}]}]}}"#;
    assert_eq!(read("items.txt", &fixed, &declared(fields))?.sections[0].1[0], expected[0].1[0]);
    Ok(())
}

#[test]
fn an_element_that_is_not_there_is_not_blank() -> Result<(), Fault> {
    let xml =
        b"<catalog><product><id>1</id><url/></product><product><id>2</id><a b='x'>y<c>z</c></a></product></catalog>";
    let found = read("items.xml", xml, &declared(CATALOG))?;
    assert_eq!(found.sections[0].1, [vec!["id=\"1\"", "url=blank"], vec!["id=\"2\""]]);
    let names: Vec<_> = found.issues.iter().map(|issue| issue.0).collect();
    assert_eq!(names, [Code::UnknownColumn; 3], "a, a/@b and a/c");
    let lines = b"D00001Boot  \nP00001u  \n";
    let format = TAGGED.replace(",\"trailer\":{\"tag\":{\"at\":1,\"text\":\"T\"},\"start\":2,\"length\":4}", "");
    let found = read("items.txt", lines, &declared(&format))?;
    assert_eq!(found.sections[0].1, [vec!["id=\"00001\"", "item_name=\"Boot\""], vec!["id=\"00001\"", "url=\"u\""]]);
    Ok(())
}

#[test]
fn a_flat_file_says_what_is_wrong_with_its_lines() -> Result<(), Fault> {
    let text =
        "H whatever\r\n--\r\n\r\nD00001Boot  \r\nD00002Sh\nX00003Coat  \nD00004Coat  more\rD00005Coat     \nT0004";
    let found = read("items.txt", text.as_bytes(), &declared(TAGGED))?;
    let bad: Vec<_> = found.issues.iter().filter(|issue| issue.0 == Code::BadLine).collect();
    assert_eq!(bad, [&(Code::BadLine, 2, 5), &(Code::BadLine, 3, 6), &(Code::BadLine, 4, 7)]);
    assert_eq!(found.sections[0].1.len(), 5);
    assert_eq!(found.sections[0].1[1], ["id=\"00002\"", "item_name=\"Sh\""], "what is there is given");
    for (text, line, byte, message) in [
        ("D00001Boot  \nT0002", 2, 13, "the trailer counts 2 records, the file has 1"),
        ("D00001Boot  \nTwo", 2, 13, "the trailer holds no count"),
        ("D00001Boot  \nT0001\nD00002Boot  \n", 3, 19, "a line follows the trailer, which is line 2"),
        ("D00001Boot  \n", 2, 13, "the file ends without its trailer"),
    ] {
        assert_eq!(failure(text.as_bytes(), TAGGED), (Code::TrailerMismatch, line, byte, message.into()));
    }
    assert_eq!(failure(b"D00001Boot  \nD0\xE9", TAGGED).0, Code::NotUtf8);
    let utf16 = TAGGED.replacen('{', "{\"encoding\":\"utf-16le\",", 1);
    let text: Vec<u8> = "D00001Bé\nD00002Boot  \nT0003".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let message = "the trailer counts 3 records, the file has 2".to_owned();
    assert_eq!(failure(&text, &utf16), (Code::TrailerMismatch, 3, 44, message), "bytes are those of the original");
    Ok(())
}

#[test]
fn positions_are_those_of_what_was_sent() -> Result<(), Fault> {
    let text = "id,item_name,active\r\nA1,é,maybe\r\nA2,ü,true\r\nA3,é€,maybe";
    let wide: Vec<u8> = std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let found = read("items.csv", &wide, &declared(r#"{"encoding":"utf-16"}"#))?;
    assert_eq!(found.issues, [(Code::BadFlag, 1, 2), (Code::BadFlag, 3, 4)]);
    assert_eq!(found.ends[0].bytes, wide.len() as u64);
    let xml = b"<catalog>\n<product>\n<id>1</id>\n<active>x</active></product>\r\n\r\n <product><active>y</active></product></catalog>";
    let found = read("items.xml", xml, &declared(CATALOG))?;
    assert_eq!(found.issues, [(Code::BadFlag, 1, 2), (Code::BadFlag, 2, 6), (Code::MissingKey, 2, 6)]);
    Ok(())
}

#[test]
fn a_document_that_is_not_sound_is_refused_with_its_place() {
    let deep = format!("<catalog>{}", "<a>".repeat(100));
    let wide = format!("<a {}/>", (0..1001).map(|at| format!("a{at}='' ")).collect::<String>());
    for (text, code, line, byte) in [
        ("<!DOCTYPE a><catalog/>", Code::XmlForbidden, 1, 0),
        ("<?xml version='1.0'?>\n<!DOCTYPE lolz [<!ENTITY lol \"lol\">]>\n<a/>", Code::XmlForbidden, 2, 22),
        ("<catalog>\n<product><id>&lol;</id></product></catalog>", Code::XmlForbidden, 2, 23),
        ("<catalog a='&x;'/>", Code::XmlForbidden, 1, 12),
        ("<catalog><product></catalog>", Code::BadXml, 1, 18),
        ("<catalog><product>\n</product></Catalog>", Code::BadXml, 2, 29),
        ("<catalog></catalog><catalog/>", Code::BadXml, 1, 19),
        ("<catalog></catalog>x", Code::BadXml, 1, 19),
        ("<catalog>\n a & b</catalog>", Code::BadXml, 2, 13),
        ("<catalog>a]]></catalog>", Code::BadXml, 1, 10),
        ("<catalog><!-- -- --></catalog>", Code::BadXml, 1, 14),
        ("<catalog>\u{8}</catalog>", Code::BadXml, 1, 9),
        ("<catalog a='1' a='2'/>", Code::BadXml, 1, 15),
        ("<catalog a='1'b='2'/>", Code::BadXml, 1, 14),
        ("<catalog a=1/>", Code::BadXml, 1, 11),
        ("<catalog a/>", Code::BadXml, 1, 10),
        ("<catalog a='<'/>", Code::BadXml, 1, 12),
        ("< catalog/>", Code::BadXml, 1, 0),
        ("<catalog></ catalog>", Code::BadXml, 1, 9),
        (" <?xml version='1.0'?><catalog/>", Code::BadXml, 1, 1),
        ("<?xml?><catalog/>", Code::BadXml, 1, 0),
        ("<?xml version='2.0'?><catalog/>", Code::BadXml, 1, 0),
        ("<?xml encoding='utf-8' version='1.0'?><catalog/>", Code::BadXml, 1, 0),
        ("<catalog><!ELEMENT a></catalog>", Code::BadXml, 1, 9),
        ("<catalog><![CDATA[x]]", Code::Truncated, 1, 9),
        ("<catalog><product", Code::Truncated, 1, 9),
        ("<catalog><product>\n<id>1", Code::Truncated, 2, 24),
        ("<!-- a -->\n", Code::Truncated, 2, 11),
        ("<catalog><!", Code::Truncated, 1, 9),
        (&deep, Code::TooDeep, 1, 9 + 3 * 63),
        (&wide, Code::TooManyColumns, 1, 0),
        ("<catalog><item/><items><product/></items></catalog>", Code::UnknownEntity, 0, 0),
    ] {
        let found = failure(text.as_bytes(), CATALOG);
        assert_eq!((found.0, found.1, found.2), (code, line, byte), "{text:.60} {}", found.3);
    }
    assert_eq!(failure(b"<catalog>\n<a>\xE9</a></catalog>", CATALOG), {
        (Code::NotUtf8, 2, 13, "this is not UTF-8: byte 0xE9 at offset 13".into())
    });
    let named = failure(b"<?xml version='1.0' encoding='ebcdic'?><a/>", CATALOG);
    assert_eq!(
        (named.0, named.3.as_str()),
        (Code::BadEncoding, "the document names the encoding \"ebcdic\", which is not read")
    );
    let plain = read_with("items.xml", b"<catalog/>", options()).map_err(|fault| (fault.code, fault.message));
    let Err((code, message)) = plain else { panic!("it was read") };
    assert!(code == Code::UnknownFormat && message.contains("format.xml.record"), "{message}");
}

#[test]
fn a_record_path_that_never_comes_is_told_from_an_empty_list() -> Result<(), Fault> {
    let empty = read("items.xml", b"<catalog><!-- none --></catalog>", &declared(CATALOG))?;
    assert_eq!(empty.sections, [("items".into(), vec![])]);
    let message = failure(b"<catalog><produkt/><other/></catalog>", CATALOG).3;
    assert!(message.contains("at catalog/produkt, catalog/other; did you mean \"catalog/produkt\"?"), "{message}");
    Ok(())
}

#[test]
fn endless_texts_and_tags_are_refused_early() {
    for (start, middle) in
        [("<catalog>", "x"), ("<catalog a='", "x"), ("<catalog><!--", "x"), ("<catalog><![CDATA[", "x")]
    {
        let text = format!("{start}{}", middle.repeat(300_000));
        let small = ReadOptions { max_record: 1000, ..declared(CATALOG) };
        let found = read("items.xml", text.as_bytes(), &small).map_err(|fault| fault.code).err();
        assert_eq!(found, Some(Code::RecordTooLong), "{start}");
    }
    let record = format!("<catalog><product>{}</product></catalog>", "<a>xxxxxxxxx</a>".repeat(200));
    let small = ReadOptions { max_record: 1000, ..declared(CATALOG) };
    assert_eq!(read("items.xml", record.as_bytes(), &small).err().map(|fault| fault.code), Some(Code::RecordTooLong));
    let line = "D".repeat(300_000);
    let small = ReadOptions { max_record: 1000, ..declared(TAGGED) };
    assert_eq!(read("items.txt", line.as_bytes(), &small).err().map(|fault| fault.code), Some(Code::RecordTooLong));
}
