//! Numbers and days that came as such (JSON, workbooks, Parquet), written as the sender writes them in text: so that the
//! steps that read the sender's hand read these too, and `1.234` is never taken for a thousand.

use std::borrow::Cow;

use super::date::Form;
use crate::record::entity::FieldSpec;
use crate::record::rule::Step;

/// How the sender writes the values of one field.
#[derive(Clone, Debug)]
pub struct Hand {
    point: char,
    form: Option<Form>,
    /// What stands between the items of a list.
    pub separator: String,
}

impl Default for Hand {
    fn default() -> Self {
        Hand { point: '.', form: None, separator: "|".into() }
    }
}

impl Hand {
    /// The hand that the steps of `field` read.
    pub fn of(field: &FieldSpec) -> Hand {
        let mut hand = Hand::default();
        for step in &field.normal {
            match step {
                Step::Decimal { point, .. } => hand.point = *point,
                Step::Date { forms } => hand.form = forms.first().and_then(|form| Form::parse(form).ok()),
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

    /// A day, `2026-11-21`; anything else, such as a day with a time, stays as it is.
    pub fn day<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let written = self.form.as_ref().and_then(|form| form.write(text));
        written.map_or(Cow::Borrowed(text), Cow::Owned)
    }
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
}
