//! Ends of windows as numbers that can be compared: of dates and of decimal numbers.

use super::date;
use super::decimal::Decimal;

/// Digits behind the point that are told apart.
const DIGITS: usize = 12;

/// What `text` is as an end of a window: a date `YYYY-MM-DD`, or a decimal number of at most 12 digits behind the point.
/// One less is the last value before it. Dates are compared with dates, numbers with numbers.
pub fn window_end(text: &str) -> Option<i128> {
    if date::is_date(text.as_bytes()) {
        return text.replace('-', "").parse().ok();
    }
    Decimal::parse(text.as_bytes())?.scaled(DIGITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_in_the_order_of_what_they_say() {
        let dates = ["0001-01-01", "1999-12-31", "2024-02-29", "2024-03-01", "2026-11-21"];
        let numbers = ["-1000000000000", "-0.000000000001", "0", "0.5", "1", "1.000000000001", "007", "99999999999"];
        for row in [&dates[..], &numbers[..]] {
            for pair in row.windows(2) {
                assert!(window_end(pair[0]) < window_end(pair[1]) && window_end(pair[0]).is_some(), "{pair:?}");
            }
        }
        assert_eq!((window_end("1.50"), window_end("-0")), (window_end("01.5000000000000"), window_end("0")));
        for none in ["", "x", "2024-02-30", "1e5", "0.0000000000001", "100000000000000000000000000"] {
            assert_eq!(window_end(none), None, "{none}");
        }
    }
}
