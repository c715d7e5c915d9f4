//! A workbook's table of contents: which sheet is meant, and where its parts are.

use std::collections::HashMap;

use super::super::near;
use super::super::zip::Zip;
use super::xml::{Piece, Xml, bad};
use crate::fault::{Code, Fault};

/// The part that makes a zip archive a workbook.
pub(crate) const BOOK: &str = "xl/workbook.xml";
const LINKS: &str = "xl/_rels/workbook.xml.rels";
/// Sheets beyond this are none that anybody made.
const MOST: usize = 10_000;

/// Where the parts of one sheet are.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Book {
    /// The sheet's name.
    pub(crate) name: String,
    /// Its part.
    pub(crate) sheet: String,
    /// The shared texts, where there are any.
    pub(crate) strings: Option<String>,
    /// The styles, where there are any.
    pub(crate) styles: Option<String>,
    /// Days count from 1904.
    pub(crate) from_1904: bool,
    /// Names and parts of the other tables in sight.
    pub(crate) others: Vec<(String, String)>,
}

/// A sheet as the workbook lists it.
struct Listed {
    name: String,
    link: String,
    hidden: bool,
}

/// A part by its link: what it is, and its name in the archive.
struct Link {
    kind: String,
    part: String,
}

impl Book {
    /// Finds the sheet `wanted`, hidden or not, or the first one in sight.
    pub(crate) fn read(zip: &Zip, wanted: Option<&str>, most: usize) -> Result<Book, Fault> {
        let (sheets, from_1904) = sheets(zip, most)?;
        let links = links(zip, most)?;
        let table = |sheet: &&Listed| links.get(&sheet.link).is_some_and(|link| link.kind.ends_with("/worksheet"));
        let found = match wanted {
            Some(name) => sheets.iter().find(|sheet| sheet.name == name),
            None => sheets.iter().find(|sheet| !sheet.hidden && table(sheet)),
        };
        let Some(found) = found else { return Err(missing(&sheets, wanted)) };
        if !table(&found) {
            return Err(Fault::new(Code::BadSheet, format!("the sheet {:?} is no table", found.name)));
        }
        let first = |kind: &str| {
            let mut parts: Vec<_> =
                links.values().filter(|link| link.kind.ends_with(kind)).map(|link| &link.part).collect();
            parts.sort();
            parts.first().map(|part| (*part).clone()).filter(|part| zip.has(part))
        };
        let part = |sheet: &Listed| links.get(&sheet.link).map(|link| link.part.clone()).unwrap_or_default();
        let others = sheets.iter().filter(|sheet| !sheet.hidden && table(sheet) && sheet.name != found.name);
        Ok(Book {
            name: found.name.clone(),
            sheet: part(found),
            strings: first("/sharedStrings"),
            styles: first("/styles"),
            from_1904,
            others: others.map(|sheet| (sheet.name.clone(), part(sheet))).collect(),
        })
    }
}

fn missing(sheets: &[Listed], wanted: Option<&str>) -> Fault {
    let Some(wanted) = wanted else {
        return Fault::new(Code::BadSheet, "the workbook has no sheet in sight");
    };
    let mut message = format!("the workbook has no sheet {wanted:?}");
    match near::nearest(wanted, sheets.iter().map(|sheet| sheet.name.as_str())) {
        Some(name) => message += &format!("; it has {name:?}"),
        None => {
            let names: Vec<_> = sheets.iter().take(10).map(|sheet| format!("{:?}", sheet.name)).collect();
            message += &format!("; it has {}", names.join(", "));
        }
    }
    Fault::new(Code::BadSheet, message).value(wanted)
}

fn sheets(zip: &Zip, most: usize) -> Result<(Vec<Listed>, bool), Fault> {
    let mut xml = Xml::new(zip.read(BOOK)?, most);
    let (mut sheets, mut from_1904) = (Vec::new(), false);
    loop {
        match xml.next()? {
            Piece::Open(tag) if tag.name() == "workbookPr" => {
                from_1904 = tag.get("date1904")?.is_some_and(|flag| flag == "1" || flag == "true");
            }
            Piece::Open(tag) if tag.name() == "sheet" => {
                let mut sheet = Listed { name: String::new(), link: String::new(), hidden: false };
                tag.attributes(|name, value| match name {
                    "name" => value.clone_into(&mut sheet.name),
                    "id" => value.clone_into(&mut sheet.link),
                    "state" => sheet.hidden = value != "visible",
                    _ => {}
                })?;
                sheets.push(sheet);
                if sheets.len() > MOST {
                    return Err(bad("it has too many sheets"));
                }
            }
            Piece::End => return Ok((sheets, from_1904)),
            _ => {}
        }
    }
}

fn links(zip: &Zip, most: usize) -> Result<HashMap<String, Link>, Fault> {
    let mut xml = Xml::new(zip.read(LINKS)?, most);
    let mut links = HashMap::new();
    loop {
        match xml.next()? {
            Piece::Open(tag) if tag.name() == "Relationship" => {
                let mut link = Link { kind: String::new(), part: String::new() };
                let mut id = String::new();
                tag.attributes(|name, value| match name {
                    "Id" => value.clone_into(&mut id),
                    "Type" => value.clone_into(&mut link.kind),
                    "Target" => link.part = part(value),
                    _ => {}
                })?;
                links.insert(id, link);
                if links.len() > MOST {
                    return Err(bad("it has too many links"));
                }
            }
            Piece::End => return Ok(links),
            _ => {}
        }
    }
}

/// The archive's name of what a link of the workbook points at.
fn part(target: &str) -> String {
    match target.strip_prefix('/') {
        Some(whole) => whole.to_owned(),
        None => format!("xl/{}", target.strip_prefix("./").unwrap_or(target)),
    }
}
