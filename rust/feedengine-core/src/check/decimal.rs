//! Decimal numbers of any length, exact: digits are compared and multiplied as they are written, never through binary
//! fractions.

use std::cmp::Ordering;

/// Digits that fit a machine number together with another number's scale.
const SMALL: usize = 18;

/// A number in normal form: `-?\d+(\.\d+)?`. Leading and trailing zeros are kept, and mean nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal<'a> {
    negative: bool,
    whole: &'a [u8],
    part: &'a [u8],
    /// All digits as one number, if there are at most [`SMALL`]; otherwise of no meaning.
    digits: u64,
}

/// A number that is kept: a bound.
#[derive(Clone, Debug)]
pub struct Bound {
    text: String,
    negative: bool,
    /// Digits before the point.
    whole: usize,
    digits: u64,
}

impl Bound {
    /// The number that `text` is, if it is one.
    pub fn new(text: &str) -> Option<Bound> {
        let number = Decimal::parse(text.as_bytes())?;
        let (negative, whole, digits) = (number.negative, number.whole.len(), number.digits);
        Some(Bound { text: text.to_owned(), negative, whole, digits })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    #[inline]
    fn number(&self) -> Decimal<'_> {
        let (whole, part) = self.text.as_bytes()[usize::from(self.negative)..].split_at(self.whole);
        Decimal { negative: self.negative, whole, part: part.get(1..).unwrap_or_default(), digits: self.digits }
    }
}

impl<'a> Decimal<'a> {
    /// Reads a number in normal form; `None` if `text` is anything else.
    #[inline]
    pub fn parse(text: &'a [u8]) -> Option<Self> {
        let (negative, written) = match text.split_first()? {
            (b'-', rest) => (true, rest),
            _ => (false, text),
        };
        let (mut digits, mut point) = (0u64, written.len());
        for (at, byte) in written.iter().enumerate() {
            let digit = byte.wrapping_sub(b'0');
            if digit <= 9 {
                digits = digits.wrapping_mul(10).wrapping_add(u64::from(digit));
            } else if *byte == b'.' && point == written.len() {
                point = at;
            } else {
                return None;
            }
        }
        let (whole, part) = written.split_at(point);
        let part = part.get(1..).unwrap_or_default();
        let sound = !whole.is_empty() && (point == written.len() || !part.is_empty());
        sound.then_some(Decimal { negative, whole, part, digits })
    }

    fn is_small(&self) -> bool {
        self.whole.len() + self.part.len() <= SMALL
    }

    /// Compares it with a bound.
    #[inline]
    pub fn against(&self, bound: &Bound) -> Ordering {
        self.compare(&bound.number())
    }

    /// Digits behind the point, as they are written.
    pub fn scale(&self) -> usize {
        self.part.len()
    }

    /// Whether it is above 0.
    pub fn is_positive(&self) -> bool {
        !self.negative && !self.is_zero()
    }

    fn is_zero(&self) -> bool {
        self.whole.iter().chain(self.part).all(|digit| *digit == b'0')
    }

    /// Compares the numbers, not their texts: `1.0` equals `01`.
    pub fn compare(&self, other: &Decimal<'_>) -> Ordering {
        if self.is_small() && other.is_small() {
            let scale = self.scale().max(other.scale());
            let raised = |number: &Decimal<'_>| {
                let size = i128::from(number.digits) * 10i128.pow((scale - number.scale()) as u32);
                if number.negative { -size } else { size }
            };
            return raised(self).cmp(&raised(other));
        }
        let negative = (self.negative && !self.is_zero(), other.negative && !other.is_zero());
        match negative {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.compare_sizes(other),
            (true, true) => other.compare_sizes(self),
        }
    }

    fn compare_sizes(&self, other: &Decimal<'_>) -> Ordering {
        let (left, right) = (without_leading(self.whole), without_leading(other.whole));
        let whole = left.len().cmp(&right.len()).then_with(|| left.cmp(right));
        whole.then_with(|| without_trailing(self.part).cmp(without_trailing(other.part)))
    }

    /// The digits as one whole number times ten to the minus `scale`, where it is small enough.
    fn small(&self) -> Option<i128> {
        self.is_small().then(|| i128::from(self.digits))
    }

    /// The number times ten to the power of `digits`; `None` if that is no whole number, or a very large one.
    pub fn scaled(&self, digits: usize) -> Option<i128> {
        let (whole, part) = (without_leading(self.whole), without_trailing(self.part));
        if part.len() > digits || whole.len() + digits > 2 * SMALL {
            return None;
        }
        let zeros = std::iter::repeat_n(&b'0', digits - part.len());
        let all = whole.iter().chain(part).chain(zeros);
        let size = all.fold(0, |number: i128, digit| number * 10 + i128::from(digit - b'0'));
        Some(if self.negative { -size } else { size })
    }

    /// Whether the number is a whole multiple of `unit`. Of zero only zero is.
    pub fn is_multiple_of(&self, unit: &Decimal<'_>) -> bool {
        if unit.is_zero() || self.is_zero() {
            return self.is_zero();
        }
        let scale = self.scale().max(unit.scale());
        if let (Some(number), Some(step)) = (self.small(), unit.small()) {
            if scale <= SMALL {
                let raised = |number: i128, by: usize| number * 10i128.pow((scale - by) as u32);
                return raised(number, self.scale()) % raised(step, unit.scale()) == 0;
            }
        }
        let (number, step) = (self.digits(scale), unit.digits(scale));
        remainder(&number, without_leading(&step)).is_empty()
    }

    /// All digits up to `scale` behind the point.
    fn digits(&self, scale: usize) -> Vec<u8> {
        let mut digits = [self.whole, self.part].concat();
        digits.resize(self.whole.len() + scale, b'0');
        digits
    }

    /// Writes the product to `out`, without zeros that say nothing.
    pub fn multiply(&self, factor: &Decimal<'_>, out: &mut String) {
        let (left, right) = (self.digits(self.scale()), factor.digits(factor.scale()));
        let mut digits = vec![0u8; left.len() + right.len()];
        for (at, a) in left.iter().enumerate().rev() {
            let mut carry = 0;
            for (shift, b) in right.iter().enumerate().rev() {
                let sum = digits[at + shift + 1] + (a - b'0') * (b - b'0') + carry;
                digits[at + shift + 1] = sum % 10;
                carry = sum / 10;
            }
            digits[at] = carry;
        }
        digits.iter_mut().for_each(|digit| *digit += b'0');
        let (whole, part) = digits.split_at(digits.len() - self.scale() - factor.scale());
        let (whole, part) = (without_leading(whole), without_trailing(part));
        if self.negative != factor.negative && !(whole.is_empty() && part.is_empty()) {
            out.push('-');
        }
        out.push_str(if whole.is_empty() { "0" } else { std::str::from_utf8(whole).unwrap_or_default() });
        if !part.is_empty() {
            out.push('.');
            out.push_str(std::str::from_utf8(part).unwrap_or_default());
        }
    }
}

fn without_leading(digits: &[u8]) -> &[u8] {
    &digits[digits.iter().take_while(|digit| **digit == b'0').count()..]
}

fn without_trailing(digits: &[u8]) -> &[u8] {
    &digits[..digits.len() - digits.iter().rev().take_while(|digit| **digit == b'0').count()]
}

/// What long division leaves; empty for nothing.
fn remainder(number: &[u8], step: &[u8]) -> Vec<u8> {
    let mut rest: Vec<u8> = Vec::new();
    for digit in number {
        if !(rest.is_empty() && *digit == b'0') {
            rest.push(*digit);
        }
        while rest.len() > step.len() || (rest.len() == step.len() && *rest >= *step) {
            subtract(&mut rest, step);
        }
    }
    rest
}

/// Takes `step` from `rest`, which is not smaller.
fn subtract(rest: &mut Vec<u8>, step: &[u8]) {
    let offset = rest.len() - step.len();
    let mut borrow = 0;
    for at in (0..rest.len()).rev() {
        let taken = borrow + if at >= offset { step[at - offset] - b'0' } else { 0 };
        let have = rest[at] - b'0';
        borrow = u8::from(have < taken);
        rest[at] = b'0' + have + 10 * borrow - taken;
    }
    let zeros = rest.iter().take_while(|digit| **digit == b'0').count();
    rest.drain(..zeros);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Decimal<'_> {
        Decimal::parse(text.as_bytes()).expect("a number")
    }

    #[test]
    fn only_the_normal_form_is_a_number() {
        for text in ["0", "-0", "007", "1.50", "-12.0001", "123456789012345678901234567890.5"] {
            assert!(Decimal::parse(text.as_bytes()).is_some(), "{text}");
        }
        for text in ["", "-", ".5", "5.", "+1", "1e3", "1,5", " 1", "1.2.3", "--1", "٣"] {
            assert_eq!(Decimal::parse(text.as_bytes()), None, "{text}");
        }
    }

    /// A slow, obvious model over small numbers: thousandths as integers.
    #[test]
    fn small_numbers_behave_as_integers_of_thousandths() {
        let texts: Vec<(String, i64)> = (-40i64..40)
            .map(|n| n * 125)
            .flat_map(|thousandths| {
                let sign = if thousandths < 0 { "-" } else { "" };
                let (whole, part) = (thousandths.abs() / 1000, thousandths.abs() % 1000);
                [
                    (format!("{sign}{whole}.{part:03}"), thousandths),
                    (format!("{sign}00{whole}.{part:03}00"), thousandths),
                ]
            })
            .collect();
        for (left, a) in &texts {
            for (right, b) in &texts {
                let (x, y) = (number(left), number(right));
                assert_eq!(x.compare(&y), a.cmp(b), "{left} {right}");
                let multiple = if *b == 0 { *a == 0 } else { a % b == 0 };
                assert_eq!(x.is_multiple_of(&y), multiple, "{left} {right}");
                let mut product = String::new();
                x.multiply(&y, &mut product);
                let millionths = format!("{}{}", if a * b < 0 { "-" } else { "" }, {
                    let text = format!("{}.{:06}", (a * b).abs() / 1_000_000, (a * b).abs() % 1_000_000);
                    text.trim_end_matches('0').trim_end_matches('.').to_owned()
                });
                assert_eq!(product, millionths, "{left} {right}");
            }
        }
    }

    #[test]
    fn long_numbers_are_exact() {
        let long = number("100000000000000000000000000000000000000.1");
        assert_eq!(long.compare(&number("100000000000000000000000000000000000000.09")), Ordering::Greater);
        assert!(long.is_multiple_of(&number("0.1")) && !long.is_multiple_of(&number("0.3")));
        assert!(number("999999999999999999999999999999").is_multiple_of(&number("333333333333333333333333333333")));
        assert!(!number("999999999999999999999999999998").is_multiple_of(&number("333333333333333333333333333333")));
        let mut product = String::new();
        number("99999999999999999999").multiply(&number("99999999999999999999"), &mut product);
        assert_eq!(product, "9999999999999999999800000000000000000001");
    }
}
