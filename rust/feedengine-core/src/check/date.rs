//! Real dates, and the forms in which senders write them.

/// A piece of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    /// Exactly four digits.
    Year,
    /// Two digits; one or two where the form has one letter.
    Month { loose: bool },
    /// As `Month`.
    Day { loose: bool },
    /// This character.
    Plain(char),
}

/// A form such as `DD.MM.YYYY`, `D/M/YYYY` or `YYYYMMDD`.
#[derive(Clone, Debug)]
pub struct Form {
    pieces: Vec<Piece>,
}

impl Form {
    /// Reads a form: `YYYY`, `MM` or `M`, `DD` or `D`, each once, and any separators.
    ///
    /// # Errors
    /// In words, where it is no form: letters are missing or twice there, the year is short, or what has one or two
    /// digits is not kept apart from what follows.
    pub fn parse(text: &str) -> Result<Form, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(letter) = rest.chars().next() {
            let count =
                if "YMD".contains(letter) { rest.chars().take_while(|other| *other == letter).count() } else { 1 };
            pieces.push(match (letter, count) {
                ('Y', 4) => Piece::Year,
                ('M', 1 | 2) => Piece::Month { loose: count == 1 },
                ('D', 1 | 2) => Piece::Day { loose: count == 1 },
                ('Y' | 'M' | 'D', _) => return Err(format!("{text:?} is no form of a date: YYYY, MM or M, DD or D")),
                _ => Piece::Plain(letter),
            });
            rest = &rest[letter.len_utf8() * count..];
        }
        let times = |wanted: fn(&Piece) -> bool| pieces.iter().filter(|piece| wanted(piece)).count();
        let once = times(|piece| matches!(piece, Piece::Year)) == 1
            && times(|piece| matches!(piece, Piece::Month { .. })) == 1
            && times(|piece| matches!(piece, Piece::Day { .. })) == 1;
        if !once {
            return Err(format!("{text:?} is no form of a date: it names day, month and year once each"));
        }
        let runs_on = |pair: &[Piece]| {
            matches!(pair[0], Piece::Month { loose: true } | Piece::Day { loose: true })
                && match pair[1] {
                    Piece::Plain(letter) => letter.is_ascii_digit(),
                    _ => true,
                }
        };
        if pieces.windows(2).any(runs_on) {
            return Err(format!("{text:?} is no form of a date: M and D need a separator behind them"));
        }
        Ok(Form { pieces })
    }

    /// Year, month and day of `text`, if it has this form and is a real date.
    pub fn read(&self, text: &str) -> Option<(u16, u8, u8)> {
        let (mut year, mut month, mut day) = (0, 0, 0);
        let mut rest = text;
        for piece in &self.pieces {
            let (least, most) = match piece {
                Piece::Plain(letter) => {
                    rest = rest.strip_prefix(*letter)?;
                    continue;
                }
                Piece::Year => (4, 4),
                Piece::Month { loose } | Piece::Day { loose } => (if *loose { 1 } else { 2 }, 2),
            };
            let count = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
            if count < least {
                return None;
            }
            let number = rest[..count].bytes().fold(0u16, |number, digit| number * 10 + u16::from(digit - b'0'));
            match piece {
                Piece::Year => year = number,
                Piece::Month { .. } => month = number as u8,
                _ => day = number as u8,
            }
            rest = &rest[count..];
        }
        (rest.is_empty() && is_real(year, month, day)).then_some((year, month, day))
    }

    /// The day `iso` (`2026-11-21`) in this form; `None` for what is no such day.
    pub fn write(&self, iso: &str) -> Option<String> {
        if !is_date(iso.as_bytes()) {
            return None;
        }
        let digits = |from: usize, loose: bool| {
            let two = &iso[from..from + 2];
            if loose { two.strip_prefix('0').unwrap_or(two) } else { two }
        };
        let mut text = String::with_capacity(iso.len());
        for piece in &self.pieces {
            match piece {
                Piece::Year => text.push_str(&iso[..4]),
                Piece::Month { loose } => text.push_str(digits(5, *loose)),
                Piece::Day { loose } => text.push_str(digits(8, *loose)),
                Piece::Plain(letter) => text.push(*letter),
            }
        }
        Some(text)
    }
}

/// Whether there is such a day: years 1 to 9999 of the Gregorian calendar.
pub fn is_real(year: u16, month: u8, day: u8) -> bool {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    };
    (1..=9999).contains(&year) && (1..=days).contains(&day)
}

/// Whether `text` is a real date as `YYYY-MM-DD`.
pub fn is_date(text: &[u8]) -> bool {
    let Ok([y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2]) = <[u8; 10]>::try_from(text) else { return false };
    let digits = [y1, y2, y3, y4, m1, m2, d1, d2];
    if !digits.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let year = digits[..4].iter().fold(0, |number, digit| number * 10 + u16::from(digit - b'0'));
    is_real(year, (m1 - b'0') * 10 + m2 - b'0', (d1 - b'0') * 10 + d2 - b'0')
}

/// Whether `text` is a real date as `YYYY-MM-DD` and goes on with a time of day.
pub fn has_time(text: &str) -> bool {
    let two = text.split_once(['T', ' ']);
    two.is_some_and(|(day, time)| is_date(day.as_bytes()) && time.starts_with(|first: char| first.is_ascii_digit()))
}

/// What is wrong with a value of `column` that is a moment, and what is wanted of it.
#[cold]
pub fn told_with_time(column: &str, form: &str) -> String {
    format!("{column} has a time of day, and a date has none: send the day alone, as {form}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_read_what_they_say() {
        for (form, text, date) in [
            ("DD.MM.YYYY", "24.12.2026", Some((2026, 12, 24))),
            ("D.M.YYYY", "4.2.2026", Some((2026, 2, 4))),
            ("D.M.YYYY", "04.02.2026", Some((2026, 2, 4))),
            ("YYYYMMDD", "20240229", Some((2024, 2, 29))),
            ("YYYYMMDD", "20250229", None),
            ("YYYY-MM-DD", "2026-1-02", None),
            ("MM/DD/YYYY", "13/01/2026", None),
            ("MM/DD/YYYY", "12/31/2026 ", None),
            ("YYYY年MM月DD日", "2026年11月21日", Some((2026, 11, 21))),
            ("DD.MM.YYYY", "00.01.2026", None),
            ("DD.MM.YYYY", "31.04.2026", None),
            ("DD.MM.YYYY", "01.01.0000", None),
        ] {
            assert_eq!(Form::parse(form).expect(form).read(text), date, "{form} {text}");
        }
    }

    #[test]
    fn what_is_no_form_is_refused() {
        for form in ["", "DD.MM.YY", "DD.MM", "DD.MM.YYYY.DD", "DMYYYY", "MMM DD YYYY", "YYYYMD"] {
            assert!(Form::parse(form).is_err(), "{form}");
        }
    }

    #[test]
    fn the_calendar_has_as_many_days_as_it_should() {
        let days =
            |year| (0..=13).flat_map(|m| (0..=32).map(move |d| (m, d))).filter(|(m, d)| is_real(year, *m, *d)).count();
        assert_eq!([days(2024), days(2025), days(1900), days(2000), days(0)], [366, 365, 365, 366, 0]);
        for (text, moment) in [
            ("2024-02-29T08:30:00", true),
            ("2024-02-29 08:30", true),
            ("2024-02-29", false),
            ("2023-02-29T08:30:00", false),
            ("2024-02-29 ", false),
            ("2024-02-29 or so", false),
        ] {
            assert_eq!(has_time(text), moment, "{text}");
        }
        assert!(is_date(b"2024-02-29") && !is_date(b"2023-02-29") && !is_date(b"2024-2-29") && !is_date(b"2024/02/29"));
    }
}
