//! Values: the steps that bring them into normal form, and what they must be. Declared in `record/rule.rs`, compiled
//! once for each entity, applied to every row that is read.
//!
//! [`Normal`] is part of reading: a record has its normal values before anything else looks at it. [`Checks`] judges
//! the record, all of it at once. [`wrong`] tells what is amiss with declarations, before any file is opened.

mod amiss;
mod date;
mod decimal;
mod declared;
mod form;
mod hand;
mod html;
mod normal;
mod options;
mod pattern;
mod record;
mod rule;
mod steps;
mod window_end;
mod words;

pub use amiss::Amiss;
pub use declared::wrong;
pub use hand::Hand;
pub use normal::{Held, Normal, has_steps};
pub use record::{Checks, Extent, Finding};
pub use window_end::window_end;
