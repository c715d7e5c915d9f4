//! The safeguard: counts in, verdict out. It decides whether a plan may be carried out, before anything is written.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A limit in percent of what there is, in rows, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// More than this many hundredths of a percent are refused.
    Percent(u64),
    /// More than this many records are refused.
    Rows(u64),
    /// Anything goes.
    Off,
}

impl Limit {
    /// Whether `lost` of `base` records are more than the limit allows. Strictly more, in integers: exactly 50 % of
    /// any number passes a limit of 50 %, and an empty base is never exceeded.
    pub fn exceeded(self, lost: u64, base: u64) -> bool {
        match self {
            Limit::Percent(hundredths) => {
                base > 0 && u128::from(lost) * 10_000 > u128::from(hundredths) * u128::from(base)
            }
            Limit::Rows(rows) => base > 0 && lost > rows,
            Limit::Off => false,
        }
    }

    /// Reads `50%`, `0.5%`, `20000` or `off`.
    pub fn parse(text: &str) -> Option<Limit> {
        let text = text.trim();
        if text == "off" {
            return Some(Limit::Off);
        }
        let Some(percent) = text.strip_suffix('%') else { return text.parse().ok().map(Limit::Rows) };
        let (whole, part) = percent.trim().split_once('.').unwrap_or((percent.trim(), ""));
        if part.len() > 2 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let part: u64 = format!("{part:0<2}").parse().ok()?;
        Some(Limit::Percent(whole.parse::<u64>().ok()?.checked_mul(100)?.checked_add(part)?))
    }
}

impl std::fmt::Display for Limit {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Limit::Percent(hundredths) if hundredths % 100 == 0 => write!(out, "{}%", hundredths / 100),
            Limit::Percent(hundredths) => write!(out, "{}.{:02}%", hundredths / 100, hundredths % 100),
            Limit::Rows(rows) => write!(out, "{rows}"),
            Limit::Off => out.write_str("off"),
        }
    }
}

impl Serialize for Limit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Limit::parse(&text).ok_or_else(|| {
            serde::de::Error::custom(format!("`{text}` is no limit: write a share (50%), a number of rows or off"))
        })
    }
}

/// What to do with a plan that loses too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnBlock {
    /// Refuse the whole feed.
    Refuse,
    /// Apply adds and changes, hold the removals.
    Hold,
}

/// What shares are taken of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Denominator {
    /// Records that were active.
    Active,
    /// All records.
    All,
}

/// The rules of the safeguard for one catalog.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Safeguard {
    /// Limit of every entity that has none of its own.
    pub limit: Limit,
    /// Limits by entity.
    pub entities: BTreeMap<String, Limit>,
    /// From here on a plan carries a warning.
    pub warn: Limit,
    /// What shares are taken of.
    pub denominator: Denominator,
    /// Whether a record that becomes inactive counts as lost.
    pub deactivation_counts: bool,
    /// What to do above the limit.
    pub on_block: OnBlock,
    /// Limits for every value of a column.
    pub segments: Vec<SegmentGuard>,
    /// Limits on what values may do.
    pub values: Vec<ValueGuard>,
    /// Limits on what may become of records that lists name.
    pub must_exist: Vec<MustExist>,
}

impl Default for Safeguard {
    fn default() -> Self {
        Safeguard {
            limit: Limit::Percent(5_000),
            entities: BTreeMap::new(),
            warn: Limit::Percent(1_000),
            denominator: Denominator::Active,
            deactivation_counts: true,
            on_block: OnBlock::Refuse,
            segments: Vec::new(),
            values: Vec::new(),
            must_exist: Vec::new(),
        }
    }
}

impl Safeguard {
    /// The limit of `entity`.
    pub fn limit_of(&self, entity: &str) -> Limit {
        self.entities.get(entity).copied().unwrap_or(self.limit)
    }
}

fn items() -> String {
    "items".into()
}

/// No value of `column` may lose more than `limit` of its records.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SegmentGuard {
    /// Entity.
    #[serde(default = "items")]
    pub entity: String,
    /// Storage column; every item of a list column is a value.
    pub column: String,
    /// Limit.
    pub limit: Limit,
    /// Values with fewer records than this are not looked at.
    #[serde(default)]
    pub at_least: u64,
}

/// A limit on what the values of a column may do.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValueGuard {
    /// Entity.
    #[serde(default = "items")]
    pub entity: String,
    /// Storage column, or `*` for every one.
    pub column: String,
    /// Most records whose number may become 0.
    #[serde(default)]
    pub zero_share: Option<Limit>,
    /// Most records that may lose the value.
    #[serde(default)]
    pub null_rise: Option<Limit>,
    /// Refuse a full feed without the column, where records have it.
    #[serde(default)]
    pub vanished: bool,
}

/// Of the records that a list names, no more than `limit` may go or become inactive. The ids are told apart from this.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MustExist {
    /// Entity.
    #[serde(default = "items")]
    pub entity: String,
    /// Storage column that holds the ids.
    pub column: String,
    /// What reports call the list.
    pub file: String,
    /// Limit: of the records that it names and that are active, or, with `counts_missing`, of its ids.
    pub limit: Limit,
    /// Whether ids that named no active record before count as well, against feeds that say which records there are.
    /// `column` must be the key.
    #[serde(default)]
    pub counts_missing: bool,
}

/// The verdict on a plan or a part of it, from mild to severe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// Within all limits.
    Ok,
    /// Above the warning mark.
    Warn,
    /// Above the limit, let through by force.
    Forced,
    /// Above the limit; removals are held.
    Held,
    /// Above the limit.
    Blocked,
}

/// The safeguard's word on one entity.
#[derive(Clone, Debug, Serialize)]
pub struct EntityVerdict {
    /// Records that were active before and are gone or inactive after.
    pub lost: u64,
    /// What the share is taken of.
    pub base: u64,
    /// The limit.
    pub limit: Limit,
    /// lost / base; 0 for an empty base.
    pub share: f64,
    /// The decision, before force.
    pub decision: Decision,
}

/// Judges one entity.
pub fn judge(limit: Limit, warn: Limit, lost: u64, base: u64) -> EntityVerdict {
    let decision = if limit.exceeded(lost, base) {
        Decision::Blocked
    } else if warn.exceeded(lost, base) && limit != Limit::Off {
        Decision::Warn
    } else {
        Decision::Ok
    };
    let share = if base == 0 { 0.0 } else { lost as f64 / base as f64 };
    EntityVerdict { lost, base, limit, share, decision }
}

/// A removal that looks like a cut file: what is missing is the end of the previous full feed.
///
/// `ordinals` are the places (from 1) in the previous full feed of the records that are gone, in any order;
/// `length` is the number of records that feed had.
pub fn is_tail(ordinals: &[u32], length: u64) -> bool {
    let count = ordinals.len() as u64;
    let first = ordinals.iter().min().copied().map_or(0, u64::from);
    // A hundredth of slack: duplicates and records removed since leave holes in the previous order.
    count >= 2 && first > 1 && length + 1 - first <= count + count / 100
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_strict_and_exact() {
        let half = Limit::Percent(5_000);
        assert!(!half.exceeded(5, 10) && half.exceeded(6, 10));
        assert!(half.exceeded(1, 1) && !half.exceeded(0, 0) && half.exceeded(2, 3) && !half.exceeded(1, 3));
        let huge = u64::MAX / 2;
        assert!(half.exceeded(huge, huge) && !half.exceeded(huge / 2, huge));
        assert!(Limit::Rows(3).exceeded(4, 10) && !Limit::Rows(3).exceeded(3, 10));
        assert!(!Limit::Off.exceeded(10, 10));
    }

    #[test]
    fn limits_are_read_and_written() {
        for (text, limit) in [
            ("50%", Some(Limit::Percent(5_000))),
            ("0.5%", Some(Limit::Percent(50))),
            ("12.34 %", Some(Limit::Percent(1_234))),
            ("20000", Some(Limit::Rows(20_000))),
            ("off", Some(Limit::Off)),
            ("50.123%", None),
            ("-1", None),
            ("", None),
            ("%", None),
        ] {
            assert_eq!(Limit::parse(text), limit, "{text}");
        }
        assert_eq!(Limit::Percent(1_234).to_string(), "12.34%");
        assert_eq!(Limit::Percent(5_000).to_string(), "50%");
    }

    #[test]
    fn a_tail_is_told_from_scattered_removals() {
        assert!(is_tail(&(61..=100).collect::<Vec<_>>(), 100));
        assert!(!is_tail(&(1..=40).collect::<Vec<_>>(), 100));
        assert!(!is_tail(&(1..=100).collect::<Vec<_>>(), 100));
        assert!(!is_tail(&[3, 50, 99], 100));
        assert!(!is_tail(&[], 100));
    }
}
