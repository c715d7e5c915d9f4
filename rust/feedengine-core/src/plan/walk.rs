//! Visits what is stored and what the feed touches, together: where counts, removals and the next index come from.

use super::entity::EntityPlan;
use super::stop::Stop;
use super::touch::{NEW, Touch};
use crate::bags::{PARTS, part_of};
use crate::index::{Found, Live};

/// So few touches of a range of keys are not worth giving pages back for.
const FEW: usize = 100;

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
        // This range of keys will not be looked at again.
        entity.release();
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
        // A patch of ten rows has touched no more than a few pages.
        if touches.len() > FEW {
            entity.release();
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
    let slots = entity.index.slots();
    let range = (slots / PARTS).max(1);
    for first in (0..slots).step_by(range) {
        for slot in first..(first + range).min(slots) {
            if touched[slot / 64] >> (slot % 64) & 1 == 0 && leaves(slot as u32) {
                visit(Some(Found { slot: slot as u32, hot: entity.index.hot(slot as u32)? }), None)?;
            }
        }
        entity.release();
    }
    Ok(())
}
