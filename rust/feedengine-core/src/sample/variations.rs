//! Variations: 10 columns, about 170 bytes; some items have none, some have many.

use super::cells::{Cells, Column, Place, Shape};
use super::days::{Days, Fate, Kind};
use super::items;
use super::random::{Rng, scramble};
use super::rows::{Source, Tally};
use super::words::{AVAILABILITY, COLORS, SIZES};

const fn column(csv: &'static str, json: &'static str, place: Place, shape: Shape) -> Column {
    Column { csv, json, place, shape }
}

const COLUMNS: [Column; 10] = [
    column("variation_id", "id", Place::Top, Shape::Text),
    column("item_id", "item_id", Place::Top, Shape::Text),
    column("item_name", "name", Place::Top, Shape::Text),
    column("url", "url", Place::Data, Shape::Text),
    column("active", "active", Place::Data, Shape::Flag),
    column("facet:Color", "Color", Place::Facet, Shape::List),
    column("facet:Size", "Size", Place::Facet, Shape::List),
    column("metadata:price", "price", Place::Data, Shape::Text),
    column("metadata:availability", "availability", Place::Data, Shape::Text),
    column("metadata:stock", "stock", Place::Data, Shape::Text),
];

/// Where the items' variations lie among the variation slots: the share of four neighbours is dealt out as
/// 0, 1/8, 2/8 and 5/8 of it.
struct Deal {
    items: u64,
    variations: u64,
}

impl Deal {
    fn start(&self, slot: u64) -> u64 {
        slot * self.variations / self.items.max(1)
    }

    /// First variation slot of the item in `slot`; that of `slot + 1` is its end.
    fn first(&self, slot: u64) -> u64 {
        let four = slot / 4 * 4;
        let (start, end) = (self.start(four), self.start((four + 4).min(self.items)));
        start + (end - start) * [0, 0, 1, 3][(slot - four) as usize] / 8
    }

    fn end(&self, slot: u64) -> u64 {
        if slot % 4 == 3 || slot + 1 == self.items { self.start(slot + 1) } else { self.first(slot + 1) }
    }

    /// The slot of the item that variation slot `variation` belongs to.
    fn item(&self, variation: u64) -> u64 {
        let mut slot = (variation * self.items / self.variations).min(self.items - 1);
        while self.start(slot / 4 * 4) > variation {
            slot = slot / 4 * 4 - 1;
        }
        while self.start((slot / 4 * 4 + 4).min(self.items)) <= variation {
            slot = slot / 4 * 4 + 4;
        }
        slot = slot / 4 * 4;
        while self.end(slot) <= variation {
            slot += 1;
        }
        slot
    }
}

/// The variations of the day's items.
pub(super) fn source(days: &Days) -> Source<'_> {
    let deal = Deal { items: days.items, variations: days.variations };
    let write = move |position: u64, cells: &mut Cells, tally: &mut Tally| {
        let slot = days.slot(1, position);
        let item = days.item_in(deal.item(slot), days.day);
        let number = number(days, slot, item);
        let (fate, revisions) = days.variation(slot, days.birth(item));
        // A variation has no long text of its own: such a change is one of its colour.
        let colour_changes = revisions.colour + revisions.text;
        let mut rng = Rng::new(days.seed, 3, number);
        cells.text("VAR-").number(number, 10).end();
        items::id(cells, item);
        items::name(cells, days, item);
        let size = rng.pick(&SIZES);
        cells.text(", ").text(size).end();
        cells.text("https://shop.example/v/").number(number, 10).end();
        cells.text(if rng.below(100) == 0 { "false" } else { "true" }).end();
        let colour = rng.below(COLORS.len() as u64) + colour_changes;
        cells.text(COLORS[colour as usize % COLORS.len()]).end();
        cells.text(size).end();
        items::price(cells, items::base_price(days, item) + rng.below(20) * 100, revisions.price, 0);
        let availability = rng.skewed(AVAILABILITY.len() as u64) + revisions.availability;
        cells.text(AVAILABILITY[availability as usize % AVAILABILITY.len()]).end();
        cells.number(rng.skewed(200) + revisions.availability * 13, 1).end();
        tally.count(fate, number);
        if let (Fate::Changed, Some(kind)) = (fate, revisions.today) {
            let kind = if kind == Kind::Text { Kind::Colour } else { kind };
            items::touched(kind, &mut tally.touched);
        }
    };
    Source {
        entity: "variations",
        columns: &COLUMNS,
        touched: &items::TOUCHED,
        rows: days.variations,
        write: Box::new(write),
        records_before: Box::new(move || before(days)),
    }
}

/// The number in the id of the variation in `slot`, of `item`: each new item in the slot brings its own.
fn number(days: &Days, slot: u64, item: u64) -> u64 {
    scramble(slot + item / days.items * days.variations)
}

fn before(days: &Days) -> (u64, u64) {
    let deal = Deal { items: days.items, variations: days.variations };
    let mut sum = 0u64;
    for slot in 0..days.items {
        let item = days.item_in(slot, days.day - 1);
        for variation in deal.first(slot)..deal.end(slot) {
            sum = sum.wrapping_add(number(days, variation, item));
        }
    }
    (days.variations, sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variation_has_the_item_that_has_it() {
        for (items, variations) in [(1, 1), (3, 10), (4, 7), (1000, 2000), (1000, 37), (10, 999)] {
            let deal = Deal { items, variations };
            let mut next = 0;
            for slot in 0..items {
                assert_eq!(deal.first(slot), next);
                next = deal.end(slot);
                assert!((deal.first(slot)..next).all(|variation| deal.item(variation) == slot));
            }
            assert_eq!(next, variations);
        }
    }
}
