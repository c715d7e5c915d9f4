//! How numbers are shown: which styles of a workbook make a date of one.

use std::collections::HashMap;
use std::io::Read;

use super::xml::{Piece, Xml, bad};
use crate::fault::Fault;

/// What a style makes of a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Look {
    /// A number, whatever its digits look like; lengths of time (`[h]:mm`) too.
    #[default]
    Number,
    /// A day, with a time where it has one.
    Date,
    /// A time of day.
    Time,
}

/// Styles beyond this are none that anybody made (programs allow 65,490).
const MOST: usize = 1 << 20;

/// Reads the part `styles.xml`: a look for each style that cells name.
pub(crate) fn read(part: impl Read, most: usize) -> Result<Vec<Look>, Fault> {
    let mut xml = Xml::new(part, most);
    let mut own: HashMap<u32, Look> = HashMap::new();
    let mut looks = Vec::new();
    let mut of_cells = false;
    loop {
        match xml.next()? {
            Piece::Open(tag) => match tag.name() {
                "cellXfs" => of_cells = true,
                "numFmt" => {
                    let (mut number, mut code) = (None, String::new());
                    tag.attributes(|name, value| match name {
                        "numFmtId" => number = value.parse().ok(),
                        "formatCode" => code = value.to_owned(),
                        _ => {}
                    })?;
                    if let Some(number) = number {
                        own.insert(number, look(&code));
                    }
                }
                "xf" if of_cells => {
                    let number = tag.get("numFmtId")?.and_then(|text| text.parse().ok()).unwrap_or(0);
                    looks.push(own.get(&number).copied().unwrap_or_else(|| built_in(number)));
                }
                _ => {}
            },
            Piece::Close(tag) => of_cells &= tag.local_name().into_inner() != "cellXfs",
            Piece::Text(_) | Piece::Other => {}
            Piece::End => return Ok(looks),
        }
        if looks.len() > MOST || own.len() > MOST {
            return Err(bad("it has too many styles"));
        }
    }
}

/// The formats that files do not spell out.
fn built_in(number: u32) -> Look {
    match number {
        14..=17 | 22 | 27..=31 | 36 | 50..=54 | 57 | 58 => Look::Date,
        18..=21 | 32..=35 | 45 | 47 | 55 | 56 => Look::Time,
        _ => Look::Number,
    }
}

/// What a format code makes of a positive number: its first section counts.
fn look(code: &str) -> Look {
    let (mut day, mut clock, mut minute) = (false, false, false);
    let mut letters = code.chars();
    while let Some(letter) = letters.next() {
        match letter.to_ascii_lowercase() {
            '"' => while letters.next().is_some_and(|inner| inner != '"') {},
            '\\' | '_' | '*' => {
                letters.next();
            }
            '[' => {
                let inner: String = letters.by_ref().take_while(|inner| *inner != ']').collect();
                let inner = inner.to_ascii_lowercase();
                // A length of time is a number of days.
                if !inner.is_empty() && ['h', 'm', 's'].iter().any(|unit| inner.chars().all(|letter| letter == *unit)) {
                    return Look::Number;
                }
            }
            ';' => break,
            'g' if letters.as_str().to_ascii_lowercase().starts_with("eneral") => {
                letters.nth(5);
            }
            'a' if letters.as_str().to_ascii_lowercase().starts_with("m/pm") => {
                letters.nth(3);
            }
            'd' | 'y' => day = true,
            'h' | 's' => clock = true,
            'm' => minute = true,
            _ => {}
        }
    }
    match (day, clock, minute) {
        (true, ..) | (false, false, true) => Look::Date,
        (false, true, _) => Look::Time,
        (false, false, false) => Look::Number,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn format_codes_tell_dates_from_numbers() {
        for (code, expected) in [
            ("General", Look::Number),
            ("0.00E+00", Look::Number),
            ("#,##0.00 \"days\"", Look::Number),
            ("[$€-407] #,##0.00;[Red]-#,##0.00", Look::Number),
            ("0\\d", Look::Number),
            ("@", Look::Number),
            ("[h]:mm:ss", Look::Number),
            ("[mm]:ss", Look::Number),
            ("0;\"d\"d", Look::Number),
            ("yyyy-mm-dd", Look::Date),
            ("[$-409]d/m/yy h:mm AM/PM;@", Look::Date),
            ("DD.MM.YYYY", Look::Date),
            ("mmmm", Look::Date),
            ("[Red]mmm yy", Look::Date),
            ("h:mm", Look::Time),
            ("mm:ss.0", Look::Time),
            ("hh:mm:ss AM/PM", Look::Time),
        ] {
            assert_eq!(look(code), expected, "{code}");
        }
    }

    #[test]
    fn a_style_is_found_by_its_place_among_those_of_cells() -> Result<(), Fault> {
        let part = "<styleSheet><numFmts><numFmt numFmtId=\"164\" formatCode=\"d&quot;.&quot;m\"/></numFmts>\
                    <cellStyleXfs><xf numFmtId=\"14\"/></cellStyleXfs>\
                    <cellXfs><xf/><xf numFmtId=\"14\"><alignment/></xf><xf numFmtId=\"164\"/><xf numFmtId=\"20\"/></cellXfs>\
                    <dxfs><dxf><numFmt numFmtId=\"0\" formatCode=\"d\"/></dxf></dxfs></styleSheet>";
        assert_eq!(read(part.as_bytes(), 1000)?, [Look::Number, Look::Date, Look::Date, Look::Time]);
        Ok(())
    }
}
