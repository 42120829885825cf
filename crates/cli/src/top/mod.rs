//! `weir top`: what stands in its columns ([`columns`]), what keys do ([`model`]), how it is drawn ([`screen`]), and the terminal that
//! it is drawn on ([`live`]).

pub mod columns;
pub mod command;
pub mod model;
pub mod screen;

mod live;
mod shared;

pub use columns::{Column, Sort};
pub use model::{Model, Outcome, Snapshot, Source};
pub use shared::Health;
