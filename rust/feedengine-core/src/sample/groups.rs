//! Item groups: a tree of lasting groups, and a few seasonal leaves that come and go.

use super::cells::{Cells, Column, Place, Shape};
use super::days::{Days, Fate};
use super::random::{Permutation, Rng, mix};
use super::rows::{Source, Tally};
use super::words::{ADJECTIVES, KINDS};

const COLUMNS: [Column; 4] = [
    Column { csv: "id", json: "id", place: Place::Top, shape: Shape::Text },
    Column { csv: "name", json: "name", place: Place::Top, shape: Shape::Text },
    Column { csv: "parent_ids", json: "parent_ids", place: Place::Top, shape: Shape::Json },
    Column { csv: "data", json: "data", place: Place::Spread, shape: Shape::Json },
];

const TOUCHED: [&str; 1] = ["metadata:rank"];
const CHILDREN: u64 = 8;

/// Seasonal groups at any time, and how many of them are replaced each day.
fn seasonal(days: &Days) -> (u64, u64) {
    let count = days.groups / 50;
    (count, (count / 10).max(1).min(count))
}

fn lasting(days: &Days) -> u64 {
    days.groups - seasonal(days).0
}

/// The cell with the groups of one item: a lasting group, often with its parent.
pub(super) fn of_item(cells: &mut Cells, days: &Days, rng: &mut Rng) {
    let lasting = lasting(days);
    if lasting > 0 {
        let group = lasting - 1 - rng.skewed(lasting);
        cells.text("cat-").number(group, 5);
        if group > 0 && rng.below(2) == 0 {
            cells.text("|cat-").number((group - 1) / CHILDREN, 5);
        }
    }
    cells.end();
}

/// The groups of the day.
pub(super) fn source(days: &Days) -> Source<'_> {
    let lasting = lasting(days);
    let (seasons, replaced) = seasonal(days);
    let changes: Vec<Permutation> =
        (2..=u64::from(days.day)).map(|day| Permutation::new(lasting, mix(days.seed ^ 0x6772) ^ (day << 8))).collect();
    let write = move |position: u64, cells: &mut Cells, tally: &mut Tally| {
        let slot = days.slot(2, position);
        let first = u64::from(days.day - 1) * replaced;
        let (number, fate, rank, parent) = if slot < lasting {
            let changed = |n: usize| changes[n].at(slot) < lasting / 100;
            let rank = (0..changes.len()).filter(|n| changed(*n)).count() as u64;
            let fate = match days.day {
                1 => Fate::Added,
                _ if changed(changes.len() - 1) => Fate::Changed,
                _ => Fate::Unchanged,
            };
            (slot, fate, rank, slot.checked_sub(1).map(|n| n / CHILDREN))
        } else {
            let season = first + (slot - lasting + seasons - first % seasons) % seasons;
            let born = if season < seasons { 1 } else { 2 + (season - seasons) / replaced };
            let fate = if born == u64::from(days.day) { Fate::Added } else { Fate::Unchanged };
            (lasting + season, fate, 0, Some(season % lasting))
        };
        record(days, number, rank, parent, cells);
        tally.count(fate, number);
        if fate == Fate::Changed {
            tally.touched[0] += 1;
        }
    };
    let records_before = move || {
        let first = u64::from(days.day - 2) * replaced;
        (days.groups, (0..lasting).chain(lasting + first..lasting + first + seasons).sum())
    };
    Source {
        entity: "item_groups",
        columns: &COLUMNS,
        touched: &TOUCHED,
        rows: days.groups,
        write: Box::new(write),
        records_before: Box::new(records_before),
    }
}

fn record(days: &Days, number: u64, rank: u64, parent: Option<u64>, cells: &mut Cells) {
    let mut rng = Rng::new(days.seed, 4, number);
    cells.text("cat-").number(number, 5).end();
    if number == 0 {
        cells.text("All products").end();
    } else {
        cells.text(rng.pick(&ADJECTIVES)).text(" ").text(rng.pick(&KINDS)).text("s ").number(number, 1).end();
    }
    match parent {
        Some(parent) => cells.text("[\"cat-").number(parent, 5).text("\"]").end(),
        None => cells.text("[]").end(),
    }
    cells.text("{\"url\":\"/c/").number(number, 5).text("\",\"rank\":").number(rng.below(90) + rank, 1).text("}").end();
}
