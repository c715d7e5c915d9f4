//! Items: 20 columns, about 480 bytes.

use super::cells::{Cells, Column, Place, Shape};
use super::days::{Days, Fate, Kind, Revisions};
use super::groups;
use super::random::{Permutation, Rng, mix, scramble};
use super::rows::{Source, Tally};
use super::words::{ADJECTIVES, AVAILABILITY, BRANDS, COLORS, KINDS, MATERIALS, PHRASES, SIZES, SUPPLIERS};

const fn column(csv: &'static str, json: &'static str, place: Place, shape: Shape) -> Column {
    Column { csv, json, place, shape }
}

pub(super) const COLUMNS: [Column; 20] = [
    column("id", "id", Place::Top, Shape::Text),
    column("item_name", "name", Place::Top, Shape::Text),
    column("url", "url", Place::Data, Shape::Text),
    column("image_url", "image_url", Place::Data, Shape::Text),
    column("description", "description", Place::Data, Shape::Text),
    column("group_ids", "group_ids", Place::Data, Shape::List),
    column("keywords", "keywords", Place::Data, Shape::List),
    column("active", "active", Place::Data, Shape::Flag),
    column("suggested_score", "suggested_score", Place::Top, Shape::Integer),
    column("facet:Brand", "Brand", Place::Facet, Shape::List),
    column("facet:Color", "Color", Place::Facet, Shape::List),
    column("facet:Size", "Size", Place::Facet, Shape::List),
    column("facet:Material", "Material", Place::Facet, Shape::List),
    column("metadata:price", "price", Place::Data, Shape::Text),
    column("metadata:list_price", "list_price", Place::Data, Shape::Text),
    column("metadata:availability", "availability", Place::Data, Shape::Text),
    column("metadata:stock", "stock", Place::Data, Shape::Text),
    column("metadata:gtin", "gtin", Place::Data, Shape::Text),
    column("metadata:supplier", "supplier", Place::Data, Shape::Text),
    column("metadata:weight_g", "weight_g", Place::Data, Shape::Text),
];

const PATCH_COLUMNS: [Column; 2] =
    [column("id", "id", Place::Top, Shape::Text), column("metadata:price", "price", Place::Data, Shape::Text)];

/// Columns that a change touches, for the answer's count by field.
pub(super) const TOUCHED: [&str; 5] =
    ["metadata:price", "metadata:availability", "metadata:stock", "facet:Color", "description"];

/// Counts what `kind` touches into `fields`, in the order of `TOUCHED`.
pub(super) fn touched(kind: Kind, fields: &mut [u64]) {
    let on: &[usize] = match kind {
        Kind::Price => &[0],
        Kind::Availability => &[1, 2],
        Kind::PriceAndAvailability => &[0, 1, 2],
        Kind::Colour => &[3],
        Kind::Text => &[4],
    };
    for field in on {
        fields[*field] += 1;
    }
}

/// The items of the day.
pub(super) fn source(days: &Days) -> Source<'_> {
    let write = move |position: u64, cells: &mut Cells, tally: &mut Tally| {
        let item = days.item_in(days.slot(0, position), days.day);
        let (fate, revisions) = days.item(item);
        record(days, item, &revisions, cells);
        tally.count(fate, scramble(item));
        if let (Fate::Changed, Some(kind)) = (fate, revisions.today) {
            touched(kind, &mut tally.touched);
        }
    };
    Source {
        entity: "items",
        columns: &COLUMNS,
        touched: &TOUCHED,
        rows: days.items,
        write: Box::new(write),
        records_before: Box::new(|| days.items_before()),
    }
}

/// New prices for `rows` of the day's items.
pub(super) fn patch(days: &Days, rows: u64) -> Source<'_> {
    let order = Permutation::new(days.items, mix(days.seed ^ 0x7061) ^ u64::from(days.day));
    let write = move |position: u64, cells: &mut Cells, tally: &mut Tally| {
        let item = days.item_in(order.at(position), days.day);
        let (_, revisions) = days.item(item);
        id(cells, item);
        // Half a turn away from every price that the day's feed can hold.
        price(cells, base_price(days, item), revisions.price, 50);
        tally.count(Fate::Changed, scramble(item));
        touched(Kind::Price, &mut tally.touched);
    };
    Source {
        entity: "items",
        columns: &PATCH_COLUMNS,
        touched: &TOUCHED,
        rows,
        write: Box::new(write),
        records_before: Box::new(|| days.items_before()),
    }
}

pub(super) fn id(cells: &mut Cells, item: u64) {
    cells.text("SKU-").number(scramble(item), 10).end();
}

/// Cents, before any change.
pub(super) fn base_price(days: &Days, item: u64) -> u64 {
    499 + mix(days.seed ^ mix(item ^ 0x7072)) % 60_000
}

/// A price of which only the cents move, by 37 each revision: two revisions in a row never agree.
pub(super) fn price(cells: &mut Cells, base: u64, revision: u64, offset: u64) {
    let cents = (base % 100 + revision * 37 + offset) % 100;
    cells.number(base / 100, 1).text(".").number(cents, 2).end();
}

/// The item's kind of thing, from which its name, and its variations' names, are made.
pub(super) fn name(cells: &mut Cells, days: &Days, item: u64) -> (u64, &'static str, &'static str) {
    let mut rng = Rng::new(days.seed, 2, item);
    let brand = rng.skewed(BRANDS.len() as u64);
    let (adjective, kind) = (rng.pick(&ADJECTIVES), rng.pick(&KINDS));
    cells.text(BRANDS[brand as usize]).text(" ").text(adjective).text(" ").text(kind).text(" ");
    cells.number(rng.below(9_000) + 1_000, 4);
    (brand, adjective, kind)
}

fn record(days: &Days, item: u64, revisions: &Revisions, cells: &mut Cells) {
    let mut rng = Rng::new(days.seed, 1, item);
    let number = scramble(item);
    id(cells, item);
    let (brand, adjective, kind) = name(cells, days, item);
    cells.end();
    cells.text("https://shop.example/p/").slug(adjective).text("-").slug(kind).text("-").number(number, 10).end();
    cells.text("https://img.example/").number(number % 1_000, 3).text("/").number(number, 10).text("_main.jpg").end();
    description(cells, &mut rng, adjective, kind, revisions.text);
    groups::of_item(cells, days, &mut rng);
    cells.slug(kind).text("|").slug(adjective).text("|").slug(BRANDS[brand as usize]);
    if rng.below(2) == 0 {
        cells.text("|").slug(rng.pick(&MATERIALS));
    }
    cells.end();
    cells.text(if rng.below(100) == 0 { "false" } else { "true" }).end();
    cells.number(rng.skewed(1_000_000), 1).end();
    cells.text(BRANDS[brand as usize]).end();
    let colour = rng.below(COLORS.len() as u64) + revisions.colour;
    cells.text(COLORS[colour as usize % COLORS.len()]);
    if rng.below(3) == 0 {
        cells.text("|").text(COLORS[(colour as usize + 5) % COLORS.len()]);
    }
    cells.end();
    sizes(cells, &mut rng);
    // One item in ten says nothing about its material.
    if rng.below(10) > 0 {
        cells.text(rng.pick(&MATERIALS));
    }
    cells.end();
    let base = base_price(days, item);
    price(cells, base, revisions.price, 0);
    cells.number(base / 100 + 5 + rng.below(40), 1).text(".99").end();
    let availability = rng.skewed(AVAILABILITY.len() as u64) + revisions.availability;
    cells.text(AVAILABILITY[availability as usize % AVAILABILITY.len()]).end();
    cells.number(rng.skewed(500) + revisions.availability * 13, 1).end();
    cells.number(rng.below(10_000_000_000_000), 13).end();
    cells.text(rng.pick(&SUPPLIERS)).end();
    cells.number(50 + rng.below(20_000), 1).end();
}

/// Prose with commas; in some, quotes and line breaks.
fn description(cells: &mut Cells, rng: &mut Rng, adjective: &str, kind: &str, revision: u64) {
    cells.text(adjective).text(" ").text(kind);
    let odd = rng.below(48);
    if odd < 6 {
        cells.text(" \"").text(rng.pick(&SIZES)).text(" series\"");
    }
    for n in 0..5 + rng.below(4) {
        cells.text(if n == 2 && odd == 7 { ".\n" } else { ", " }).text(rng.pick(&PHRASES));
    }
    cells.text(".");
    if revision > 0 {
        cells.text(" Edition ").number(revision + 1, 1).text(".");
    }
    cells.end();
}

fn sizes(cells: &mut Cells, rng: &mut Rng) {
    let (start, count) = (rng.below(8) as usize, 1 + rng.below(4) as usize);
    for (n, size) in SIZES[start..start + count].iter().enumerate() {
        cells.text(if n > 0 { "|" } else { "" }).text(size);
    }
    cells.end();
}
