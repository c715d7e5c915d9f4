//! Values of a column as text: whole and decimal numbers exact, binary fractions as short as they are exact, times as ISO.

use std::borrow::Cow;

use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type as Physical};
use parquet::data_type::{ByteArray, FixedLenByteArray, Int96};
use parquet::schema::types::ColumnDescriptor;

use crate::read::calendar::{self, Fraction};

/// What the values of a column mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    Flag,
    Integer,
    Unsigned,
    /// A decimal with this many digits behind the point.
    Decimal(usize),
    /// A number of two, four or eight bytes.
    Half,
    Float,
    Text,
    Uuid,
    Date,
    Time(Fraction),
    /// A point in time; in UTC, or wherever the sender is.
    Moment(Fraction, bool),
    /// Twelve bytes: nanoseconds of a day and the day.
    Moment96,
}

impl Meaning {
    /// What a column's type says; `None` for what no cell can hold.
    pub(crate) fn of(column: &ColumnDescriptor) -> Option<Meaning> {
        let fraction = |unit: TimeUnit| match unit {
            TimeUnit::MILLIS => Fraction::Milli,
            TimeUnit::MICROS => Fraction::Micro,
            TimeUnit::NANOS => Fraction::Nano,
        };
        let scale = usize::try_from(column.type_scale()).ok().filter(|scale| *scale <= 10_000);
        let logical = column.logical_type_ref().map(|logical| match logical {
            LogicalType::String | LogicalType::Enum | LogicalType::Json => Some(Meaning::Text),
            LogicalType::Decimal(decimal) => {
                usize::try_from(decimal.scale).ok().filter(|scale| *scale <= 10_000).map(Meaning::Decimal)
            }
            LogicalType::Date => Some(Meaning::Date),
            LogicalType::Time(time) => Some(Meaning::Time(fraction(time.unit))),
            LogicalType::Timestamp(moment) => Some(Meaning::Moment(fraction(moment.unit), moment.is_adjusted_to_u_t_c)),
            LogicalType::Integer(integer) if integer.is_signed => Some(Meaning::Integer),
            LogicalType::Integer(_) => Some(Meaning::Unsigned),
            LogicalType::Uuid => Some(Meaning::Uuid),
            LogicalType::Float16 => Some(Meaning::Half),
            // A column of nothing but nulls.
            LogicalType::Unknown => Some(Meaning::Text),
            _ => None,
        });
        let converted = || match column.converted_type() {
            ConvertedType::NONE => Some(None),
            ConvertedType::UTF8 | ConvertedType::ENUM | ConvertedType::JSON => Some(Some(Meaning::Text)),
            ConvertedType::DECIMAL => scale.map(|scale| Some(Meaning::Decimal(scale))),
            ConvertedType::DATE => Some(Some(Meaning::Date)),
            ConvertedType::TIME_MILLIS => Some(Some(Meaning::Time(Fraction::Milli))),
            ConvertedType::TIME_MICROS => Some(Some(Meaning::Time(Fraction::Micro))),
            ConvertedType::TIMESTAMP_MILLIS => Some(Some(Meaning::Moment(Fraction::Milli, true))),
            ConvertedType::TIMESTAMP_MICROS => Some(Some(Meaning::Moment(Fraction::Micro, true))),
            ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64 => {
                Some(Some(Meaning::Unsigned))
            }
            ConvertedType::INT_8 | ConvertedType::INT_16 | ConvertedType::INT_32 | ConvertedType::INT_64 => {
                Some(Some(Meaning::Integer))
            }
            _ => None,
        };
        let said = match logical {
            Some(meaning) => Some(meaning?),
            None => converted()?,
        };
        let plain = match column.physical_type() {
            Physical::BOOLEAN => Some(Meaning::Flag),
            Physical::INT32 | Physical::INT64 => Some(Meaning::Integer),
            Physical::INT96 => Some(Meaning::Moment96),
            Physical::FLOAT | Physical::DOUBLE => Some(Meaning::Float),
            // Older writers do not say that their texts are texts.
            Physical::BYTE_ARRAY => Some(Meaning::Text),
            Physical::FIXED_LEN_BYTE_ARRAY => None,
        };
        said.or(plain)
    }
}

/// One value, as it is stored.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'v> {
    Flag(bool),
    Int(i32),
    Long(i64),
    Int96(&'v Int96),
    Float(f32),
    Double(f64),
    Bytes(&'v ByteArray),
    Fixed(&'v FixedLenByteArray),
}

impl<'v> Value<'v> {
    /// The value's text; `Err` says why it has none.
    pub(crate) fn text(self, meaning: Meaning) -> Result<Cow<'v, str>, String> {
        let none = |what: &str| format!("the value is no {what}");
        Ok(match (meaning, self) {
            (Meaning::Text, Value::Bytes(bytes)) => {
                return std::str::from_utf8(bytes.data()).map(Cow::Borrowed).map_err(|_| none("UTF-8 text"));
            }
            (Meaning::Text, Value::Fixed(bytes)) => {
                let text = std::str::from_utf8(bytes.data()).map_err(|_| none("UTF-8 text"))?;
                Cow::Borrowed(text)
            }
            (Meaning::Flag, Value::Flag(flag)) => if flag { "true" } else { "false" }.into(),
            (Meaning::Integer, Value::Int(number)) => number.to_string().into(),
            (Meaning::Integer, Value::Long(number)) => number.to_string().into(),
            (Meaning::Unsigned, Value::Int(number)) => (number as u32).to_string().into(),
            (Meaning::Unsigned, Value::Long(number)) => (number as u64).to_string().into(),
            (Meaning::Decimal(scale), Value::Int(number)) => decimal(&number.to_string(), scale).into(),
            (Meaning::Decimal(scale), Value::Long(number)) => decimal(&number.to_string(), scale).into(),
            (Meaning::Decimal(scale), Value::Bytes(bytes)) => decimal(&digits(bytes.data()), scale).into(),
            (Meaning::Decimal(scale), Value::Fixed(bytes)) => decimal(&digits(bytes.data()), scale).into(),
            (Meaning::Float, Value::Float(number)) if number.is_finite() => plain(number == 0.0, &number).into(),
            (Meaning::Float, Value::Double(number)) if number.is_finite() => plain(number == 0.0, &number).into(),
            (Meaning::Half, Value::Fixed(bytes)) => {
                let two = bytes.data().try_into().map_err(|_| none("number"))?;
                half(u16::from_le_bytes(two)).ok_or_else(|| none("number"))?.into()
            }
            (Meaning::Float, _) => return Err(none("number")),
            (Meaning::Uuid, Value::Fixed(bytes)) => uuid(bytes.data()).ok_or_else(|| none("UUID"))?.into(),
            (Meaning::Date, Value::Int(days)) => calendar::date(days.into()).ok_or_else(|| none("date"))?.into(),
            (Meaning::Time(fraction), Value::Int(parts)) => time(parts.into(), fraction)?.into(),
            (Meaning::Time(fraction), Value::Long(parts)) => time(parts, fraction)?.into(),
            (Meaning::Moment(fraction, utc), Value::Long(parts)) => {
                let text = calendar::moment(parts, fraction).ok_or_else(|| none("date"))?;
                if utc { text + "Z" } else { text }.into()
            }
            (Meaning::Moment96, Value::Int96(value)) => moment96(value.data()).ok_or_else(|| none("date"))?.into(),
            _ => return Err("the value does not fit the column's type".into()),
        })
    }
}

fn time(parts: i64, fraction: Fraction) -> Result<String, String> {
    match (0..86_400 * fraction.per_second()).contains(&parts) {
        true => Ok(calendar::time(parts, fraction)),
        false => Err("the value is no time of day".into()),
    }
}

/// Rust writes the shortest digits that mean the number, and never an exponent.
fn plain(zero: bool, number: &dyn std::fmt::Display) -> String {
    if zero { "0".into() } else { number.to_string() }
}

fn half(bits: u16) -> Option<String> {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1F), f32::from(bits & 0x3FF));
    let value = match exponent {
        0 => fraction * 2f32.powi(-24),
        31 => return None,
        _ => (1024.0 + fraction) * 2f32.powi(exponent - 25),
    };
    let value = if bits & 0x8000 == 0 { value } else { -value };
    Some(plain(value == 0.0, &value))
}

fn uuid(bytes: &[u8]) -> Option<String> {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let part = |range: std::ops::Range<usize>| hex.get(range);
    (hex.len() == 32).then_some(())?;
    Some([part(0..8)?, part(8..12)?, part(12..16)?, part(16..20)?, part(20..32)?].join("-"))
}

fn moment96(words: &[u32]) -> Option<String> {
    let [low, high, day] = words else { return None };
    let nanos = i64::try_from(u64::from(*high) << 32 | u64::from(*low)).ok().filter(|n| *n < 86_400_000_000_000)?;
    // The Julian day of 1970-01-01.
    Some(format!("{}T{}", calendar::date(i64::from(*day) - 2_440_588)?, calendar::time(nanos, Fraction::Nano)))
}

/// The decimal digits of a whole number of any length, most significant byte first, in two's complement.
fn digits(bytes: &[u8]) -> String {
    if let Ok(number) = sixteen(bytes) {
        return number.to_string();
    }
    let negative = bytes.first().is_some_and(|first| *first >= 0x80);
    let mut rest: Vec<u8> = bytes.to_vec();
    if negative {
        // The complement and one.
        let mut carry = true;
        for byte in rest.iter_mut().rev() {
            let (sum, over) = (!*byte).overflowing_add(u8::from(carry));
            (*byte, carry) = (sum, over);
        }
    }
    let mut groups = Vec::new();
    while rest.iter().any(|byte| *byte != 0) {
        let mut left = 0u32;
        for byte in &mut rest {
            let part = left << 8 | u32::from(*byte);
            (*byte, left) = ((part / 100) as u8, part % 100);
        }
        groups.push(left);
    }
    let text: String = groups.iter().rev().map(|group| format!("{group:02}")).collect();
    match text.trim_start_matches('0') {
        "" => "0".into(),
        text => format!("{}{text}", if negative { "-" } else { "" }),
    }
}

/// A number of up to sixteen bytes.
fn sixteen(bytes: &[u8]) -> Result<i128, ()> {
    let fill = if bytes.first().is_some_and(|first| *first >= 0x80) { 0xFF } else { 0 };
    let mut whole = [fill; 16];
    whole.get_mut(16usize.checked_sub(bytes.len()).ok_or(())?..).ok_or(())?.copy_from_slice(bytes);
    Ok(i128::from_be_bytes(whole))
}

/// Puts the point into digits: all digits behind it stay, for they are the sender's.
fn decimal(digits: &str, scale: usize) -> String {
    if scale == 0 {
        return digits.into();
    }
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |digits| ("-", digits));
    let padded = format!("{digits:0>width$}", width = scale + 1);
    let (whole, part) = padded.split_at(padded.len() - scale);
    format!("{sign}{whole}.{part}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact() {
        for (digits, scale, expected) in [
            ("0", 2, "0.00"),
            ("5", 2, "0.05"),
            ("-5", 2, "-0.05"),
            ("1950", 2, "19.50"),
            ("-123", 3, "-0.123"),
            ("7", 0, "7"),
        ] {
            assert_eq!(decimal(digits, scale), expected);
        }
        for number in [0, 1, -1, 127, -128, 255, 256, i128::from(i64::MIN), i128::MAX, i128::MIN] {
            for length in [16, 17, 32] {
                let fill = if number < 0 { 0xFF } else { 0 };
                let bytes = [vec![fill; length - 16], number.to_be_bytes().to_vec()].concat();
                assert_eq!(digits(&bytes), number.to_string());
            }
        }
    }

    #[test]
    fn odd_types_have_their_text() {
        for (bits, expected) in [
            (0x3C00, Some("1")),
            (0xC000, Some("-2")),
            (0x0001, Some("0.000000059604645")),
            (0x7BFF, Some("65504")),
            (0x8000, Some("0")),
            (0x7C00, None),
            (0x7E00, None),
        ] {
            assert_eq!(half(bits).as_deref(), expected);
        }
        assert_eq!(uuid(&[0xAB; 16]).as_deref(), Some("abababab-abab-abab-abab-abababababab"));
        assert_eq!(uuid(&[0; 15]), None);
        assert_eq!(moment96(&[0, 0, 2_440_588]).as_deref(), Some("1970-01-01T00:00:00"));
        assert_eq!(moment96(&[u32::MAX, u32::MAX, 2_440_588]), None);
    }
}
