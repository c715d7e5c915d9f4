//! Days and seconds as ISO 8601 writes them.

/// Milliseconds, microseconds or nanoseconds of one second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fraction {
    Milli,
    Micro,
    Nano,
}

impl Fraction {
    /// How many make a second.
    pub(crate) fn per_second(self) -> i64 {
        match self {
            Fraction::Milli => 1_000,
            Fraction::Micro => 1_000_000,
            Fraction::Nano => 1_000_000_000,
        }
    }
}

/// `2026-11-21` for a day counted from 1970-01-01; none outside the years 1 to 9999.
pub(crate) fn date(days: i64) -> Option<String> {
    // Days from 0000-03-01 on, in eras of 400 years: a leap day is then the last of its year.
    let shifted = days.checked_add(719_468)?;
    let (era, day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (1..=9999).contains(&year).then(|| format!("{year:04}-{month:02}-{day:02}"))
}

/// `08:30:00`, with its fraction where there is one (no zeros at its end).
pub(crate) fn time(parts: i64, fraction: Fraction) -> String {
    let (seconds, rest) = (parts.div_euclid(fraction.per_second()), parts.rem_euclid(fraction.per_second()));
    let text = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if rest == 0 {
        return text;
    }
    let digits = fraction.per_second().ilog10() as usize;
    format!("{text}.{}", format!("{rest:0digits$}").trim_end_matches('0'))
}

/// `2026-11-21T08:30:00` for parts of a second counted from 1970-01-01.
pub(crate) fn moment(parts: i64, fraction: Fraction) -> Option<String> {
    let day = 86_400 * fraction.per_second();
    Some(format!("{}T{}", date(parts.div_euclid(day))?, time(parts.rem_euclid(day), fraction)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_follows_the_one_before() {
        let leap = |year: i64| (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        let (mut year, mut month, mut day) = (1, 1, 1);
        for days in -719_162..=2_932_896 {
            assert_eq!(date(days), Some(format!("{year:04}-{month:02}-{day:02}")), "{days}");
            day += 1;
            let length = match month {
                2 => 28 + i64::from(leap(year)),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            if day > length {
                (day, month) = (1, month + 1);
            }
            if month > 12 {
                (month, year) = (1, year + 1);
            }
        }
        assert_eq!((date(-719_163), date(2_932_897), date(i64::MAX), date(i64::MIN)), (None, None, None, None));
    }

    #[test]
    fn times_have_the_digits_they_need() {
        assert_eq!(time(0, Fraction::Milli), "00:00:00");
        assert_eq!(time(30_600_250, Fraction::Milli), "08:30:00.25");
        assert_eq!(time(86_399_999_999, Fraction::Micro), "23:59:59.999999");
        assert_eq!(moment(-1, Fraction::Nano), Some("1969-12-31T23:59:59.999999999".into()));
        assert_eq!(moment(1_000, Fraction::Milli), Some("1970-01-01T00:00:01".into()));
        assert_eq!(moment(i64::MAX, Fraction::Milli), None);
    }
}
