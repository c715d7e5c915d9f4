//! Visits what is stored and what the feed touches, together: where counts, removals and the next index come from.

use super::entity::EntityPlan;
use super::stop::Stop;
use super::touch::{NEW, Touch};
use crate::bags::{PARTS, part_of};
use crate::index::{Found, Live};

/// Bytes of an index whose pages are given back on the way.
const LARGE: usize = 64 << 20;

/// Calls `visit` for every current record and every settled touch, in key order; a record that is touched comes
/// with its touch.
pub fn walk_all(
    entity: &EntityPlan,
    mut visit: impl FnMut(Option<Live>, Option<&Touch>) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let mut live = entity.index.live().peekable();
    for part in 0..PARTS {
        let mut touches = entity.settled.load(part)?;
        touches.sort_unstable_by_key(|touch| touch.key);
        let mut waiting = touches.iter().peekable();
        loop {
            let next_live = match live.peek() {
                Some(Ok(found)) if part_of(found.hot.key) == part => Some(*found),
                Some(Ok(_)) | None => None,
                Some(Err(damaged)) => return Err(damaged.clone().into()),
            };
            let next_touch = waiting.peek().map(|touch| touch.key);
            let (take_live, take_touch) = match (next_live.map(|found| found.hot.key), next_touch) {
                (None, None) => break,
                (Some(_), None) => (true, false),
                (None, Some(_)) => (false, true),
                (Some(stored), Some(touched)) => (stored <= touched, touched <= stored),
            };
            let touch = if take_touch { waiting.next() } else { None };
            if take_live {
                live.next();
            }
            visit(next_live.filter(|_| take_live), touch)?;
        }
        if entity.index.bytes() > LARGE {
            // This range of a large index will not be looked at again: without this, all of it would stay in memory.
            entity.index.release();
            entity.marks.release();
        }
    }
    Ok(())
}

/// Calls `visit` for every settled touch, in key order, with the stored record where there is one.
pub fn walk_touched(
    entity: &EntityPlan,
    mut visit: impl FnMut(Option<Live>, Option<&Touch>) -> Result<(), Stop>,
) -> Result<(), Stop> {
    for part in 0..PARTS {
        let mut touches = entity.settled.load(part)?;
        touches.sort_unstable_by_key(|touch| touch.key);
        for touch in &touches {
            let stored = match touch.slot {
                NEW => None,
                slot => Some(Found { slot, hot: entity.index.hot(slot)? }),
            };
            visit(stored, Some(touch))?;
        }
    }
    Ok(())
}

/// Calls `visit` for every settled touch as [`walk_touched`] does, and for every current record that no touch is about
/// and that `leaves`, in whatever order. What stays is not looked at: a mark says that, and marks lie close together.
pub fn walk_leaving(
    entity: &EntityPlan,
    leaves: &dyn Fn(u32) -> bool,
    mut visit: impl FnMut(Option<Live>, Option<&Touch>) -> Result<(), Stop>,
) -> Result<(), Stop> {
    if entity.index.depth() > 1 {
        // Which slots of several runs are current shows by their keys.
        return walk_all(entity, |stored, touch| match (stored, touch) {
            (Some(stored), None) if !leaves(stored.slot) => Ok(()),
            _ => visit(stored, touch),
        });
    }
    let mut touched = vec![0u64; entity.index.slots().div_ceil(64)];
    walk_touched(entity, |stored, touch| {
        if let Some(stored) = stored {
            touched[stored.slot as usize / 64] |= 1 << (stored.slot % 64);
        }
        visit(stored, touch)
    })?;
    for (first, touched) in (0..).step_by(64).zip(touched) {
        for slot in first..(first + 64).min(entity.index.slots() as u32) {
            if touched >> (slot % 64) & 1 == 0 && leaves(slot) {
                visit(Some(Found { slot, hot: entity.index.hot(slot)? }), None)?;
            }
        }
    }
    if entity.index.bytes() > LARGE {
        entity.index.release();
        entity.marks.release();
    }
    Ok(())
}
