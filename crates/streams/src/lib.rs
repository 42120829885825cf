//! Ordered byte streams out of chunks that carry their place.
//!
//! [`Sequence`] puts one direction's chunks in order: it passes on bytes and exact gaps, drops what it saw
//! already, and waits a little for what may still be on its way. [`Table`] holds the connections: bounded in
//! number, and rid of those that are idle. This crate knows neither protocols nor where chunks come from.

mod sequence;
mod table;

pub use sequence::{Arrival, Piece, Sequence, distance};
pub use table::{Limits, Table};
