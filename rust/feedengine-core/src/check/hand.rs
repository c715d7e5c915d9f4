//! Numbers and days that came as such (JSON, workbooks, Parquet), written as the sender writes them in text: so that the
//! steps that read the sender's hand read these too, and `1.234` is never taken for a thousand.

use std::borrow::Cow;

use super::date::{Form, is_date};
use crate::record::entity::FieldSpec;
use crate::record::rule::{Rule, Step};

/// How the sender writes the values of one field.
#[derive(Clone, Debug)]
pub struct Hand {
    point: char,
    form: Option<Form>,
    /// Whether its values are dates: a moment at midnight is then a day, as spreadsheets and data frames write days.
    dated: bool,
    /// What stands between the items of a list.
    pub separator: String,
}

impl Default for Hand {
    fn default() -> Self {
        Hand { point: '.', form: None, dated: false, separator: "|".into() }
    }
}

impl Hand {
    /// The hand that the steps of `field` read.
    pub fn of(field: &FieldSpec) -> Hand {
        let dated = field.checks.iter().any(|check| check.rule == Rule::Date);
        let mut hand = Hand { dated, ..Hand::default() };
        for step in &field.normal {
            match step {
                Step::Decimal { point, .. } => hand.point = *point,
                Step::Date { forms } => {
                    hand.form = forms.first().and_then(|form| Form::parse(form).ok());
                    hand.dated = true;
                }
                Step::Split { separator } => hand.separator.clone_from(separator),
                _ => {}
            }
        }
        hand
    }

    /// A number of digits with a point.
    pub fn number<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.point {
            '.' => text.into(),
            point => text.replace('.', point.encode_utf8(&mut [0; 4])).into(),
        }
    }

    /// A day, `2026-11-21`, or, of a field of dates, a moment that is the start of one; anything else, such as a day with
    /// a time, stays as it is.
    pub fn day<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let day = if self.dated { midnight(text).unwrap_or(text) } else { text };
        let written = self.form.as_ref().and_then(|form| form.write(day));
        written.map_or(Cow::Borrowed(day), Cow::Owned)
    }
}

/// The day of a moment at midnight, `2026-11-21T00:00:00`, where the sender is or in UTC (`Z`).
fn midnight(moment: &str) -> Option<&str> {
    let (day, time) = moment.split_once('T')?;
    (matches!(time, "00:00:00" | "00:00:00Z") && is_date(day.as_bytes())).then_some(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let plain = Hand::default();
        assert_eq!((plain.number("-1.234"), plain.day("2026-02-03")), ("-1.234".into(), "2026-02-03".into()));
        let hand = |form: &str| Hand { point: ',', form: Form::parse(form).ok(), ..Hand::default() };
        assert_eq!(hand("D.M.YYYY").number("-1234.50"), "-1234,50");
        for (form, day) in [("D.M.YYYY", "3.2.2026"), ("DD.MM.YYYY", "03.02.2026"), ("YYYYDDMM", "20260302")] {
            assert_eq!(hand(form).day("2026-02-03"), day);
        }
        for odd in ["2026-02-03T08:30:00", "2026-02-30", "08:30:00", "", "2026-2-3", "20260203"] {
            assert_eq!(hand("DD.MM.YYYY").day(odd), odd);
        }
    }

    #[test]
    fn a_day_may_come_as_its_midnight() {
        let dated = Hand { dated: true, ..Hand::default() };
        let german = Hand { form: Form::parse("D.M.YYYY").ok(), ..dated.clone() };
        for moment in ["2026-02-03T00:00:00", "2026-02-03T00:00:00Z", "2026-02-03"] {
            assert_eq!((dated.day(moment), german.day(moment)), ("2026-02-03".into(), "3.2.2026".into()));
        }
        // In a field of texts it is a text.
        assert_eq!(Hand::default().day("2026-02-03T00:00:00"), "2026-02-03T00:00:00");
        for odd in
            ["2026-02-03T00:00:00.000001", "2026-02-03T00:00:01Z", "2026-02-30T00:00:00", "T00:00:00", "00:00:00"]
        {
            assert_eq!((dated.day(odd), german.day(odd)), (odd.into(), odd.into()));
        }
    }
}
