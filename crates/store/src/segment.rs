//! Files of rows: Parquet that any reader of it understands, sorted, and with checksums of every block beside it, so that no
//! wrong byte is ever taken for a value.

mod checked;
mod joined;
mod open;
mod order;
mod restored;
mod sorted;
mod words;
mod write;

pub(crate) use checked::{CheckedFile, Sums};
pub(crate) use joined::Joined;
pub(crate) use open::{Cache, Opened, Segment};
pub(crate) use restored::restored;
pub(crate) use sorted::{Sorted, times};
pub(crate) use write::{Described, PAGE_ROWS, remove, write};
