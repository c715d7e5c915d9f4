//! Which records live on which day, and which of them changed.

use super::Spec;
use super::random::{Permutation, mix, scramble};

/// What a day does to one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It comes on this day.
    Added,
    /// It was there and gets other values.
    Changed,
    /// It was there and stays as it is.
    Unchanged,
}

/// How often each kind of value of one record has changed by the day, and what the day itself changed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Revisions {
    pub(super) price: u64,
    pub(super) availability: u64,
    pub(super) colour: u64,
    pub(super) text: u64,
    /// What the day itself changed, if anything.
    pub(super) today: Option<Kind>,
}

/// What one change touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Price,
    Availability,
    PriceAndAvailability,
    Colour,
    Text,
}

impl Kind {
    fn of(dice: u64) -> Kind {
        match dice % 100 {
            0..55 => Kind::Price,
            55..75 => Kind::Availability,
            75..90 => Kind::PriceAndAvailability,
            90..95 => Kind::Colour,
            _ => Kind::Text,
        }
    }
}

/// The calendar of one catalog.
///
/// Items are numbered in the order in which they come; a day's items are the `items` numbers from `first` on.
/// An item's slot is its number modulo `items`: an item that goes leaves its slot to the one that comes, so
/// the catalog's own order stays.
pub(super) struct Days {
    pub(super) seed: u64,
    pub(super) day: u32,
    pub(super) items: u64,
    pub(super) variations: u64,
    pub(super) groups: u64,
    pub(super) churn: u64,
    order: [Permutation; 3],
    item_changes: Vec<Permutation>,
    item_share: u64,
    variation_changes: Vec<Permutation>,
    variation_share: u64,
}

const ORDER: u64 = 0x6f72;
const ITEMS: u64 = 0x6974;
const VARIATIONS: u64 = 0x7661;

impl Days {
    pub(super) fn new(spec: &Spec) -> Self {
        let churn = spec.items * spec.churn / 10_000;
        let day_key = if spec.shuffle { u64::from(spec.day) << 8 } else { 0 };
        let order = |entity: u64, size: u64| Permutation::new(size, mix(spec.seed ^ ORDER) ^ day_key ^ entity);
        let daily = |entity: u64, size: u64| {
            (2..=u64::from(spec.day)).map(|day| Permutation::new(size, mix(spec.seed ^ entity) ^ (day << 8))).collect()
        };
        Days {
            seed: spec.seed,
            day: spec.day,
            items: spec.items,
            variations: spec.variations,
            groups: spec.groups,
            churn,
            order: [order(1, spec.items), order(2, spec.variations), order(3, spec.groups)],
            item_changes: daily(ITEMS, spec.items - churn),
            item_share: spec.items * spec.changed / 10_000,
            variation_changes: daily(VARIATIONS, spec.variations),
            variation_share: spec.variations * spec.changed / 10_000,
        }
    }

    /// The number of the oldest item on `day`.
    pub(super) fn first(&self, day: u32) -> u64 {
        u64::from(day.saturating_sub(1)) * self.churn
    }

    /// The item that has `slot` on `day`.
    pub(super) fn item_in(&self, slot: u64, day: u32) -> u64 {
        let first = self.first(day);
        first + (slot + self.items - first % self.items) % self.items
    }

    /// The slot of the row at `position` of the items' (0), variations' (1) or groups' (2) file.
    pub(super) fn slot(&self, entity: usize, position: u64) -> u64 {
        self.order[entity].at(position)
    }

    /// The day on which `item` came.
    pub(super) fn birth(&self, item: u64) -> u32 {
        if item < self.items { 1 } else { 2 + ((item - self.items) / self.churn.max(1)) as u32 }
    }

    /// What happened to `item` up to the day.
    pub(super) fn item(&self, item: u64) -> (Fate, Revisions) {
        let changed_on = |day: u32| self.item_changes[day as usize - 2].at(item - self.first(day)) < self.item_share;
        self.history(self.birth(item), ITEMS ^ (item << 16), changed_on)
    }

    /// What happened to variation slot `slot` (whose item came on day `birth`) up to the day.
    pub(super) fn variation(&self, slot: u64, birth: u32) -> (Fate, Revisions) {
        let changed_on = |day: u32| self.variation_changes[day as usize - 2].at(slot) < self.variation_share;
        self.history(birth, VARIATIONS ^ (slot << 16), changed_on)
    }

    fn history(&self, birth: u32, record: u64, changed_on: impl Fn(u32) -> bool) -> (Fate, Revisions) {
        let mut revisions = Revisions::default();
        for day in (birth + 1).max(2)..=self.day {
            if !changed_on(day) {
                continue;
            }
            let kind = Kind::of(mix(self.seed ^ mix(record ^ u64::from(day))));
            match kind {
                Kind::Price => revisions.price += 1,
                Kind::Availability => revisions.availability += 1,
                Kind::PriceAndAvailability => {
                    revisions.price += 1;
                    revisions.availability += 1;
                }
                Kind::Colour => revisions.colour += 1,
                Kind::Text => revisions.text += 1,
            }
            if day == self.day {
                revisions.today = Some(kind);
            }
        }
        let fate = match revisions.today {
            _ if birth == self.day => Fate::Added,
            Some(_) => Fate::Changed,
            None => Fate::Unchanged,
        };
        (fate, revisions)
    }

    /// How many items there were the day before, and the sum of their ids' numbers.
    pub(super) fn items_before(&self) -> (u64, u64) {
        let first = self.first(self.day - 1);
        let sum = (first..first + self.items).fold(0u64, |sum, item| sum.wrapping_add(scramble(item)));
        (self.items, sum)
    }
}
