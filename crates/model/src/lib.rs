//! The vocabulary of Weir.
//!
//! Everything here is a plain value: what a connection is, what the kernel side tells about it
//! ([`event`]), what a finished request is ([`request`]) and how its fields are called ([`names`]).
//! This crate knows neither kernel nor storage nor any protocol, and depends on nothing of ours.

pub mod begun;
mod called;
pub mod connection;
pub mod event;
pub mod names;
pub mod request;
pub mod sums;
pub mod tcp;
pub mod time;
pub mod trace;

pub use called::{Called, INTERNET};
pub use connection::{ConnectionId, Direction, Endpoint, Party, Role};
pub use request::{Attributes, Request, Value};
pub use time::Nanos;

/// Short text: up to 24 bytes are kept inline, without an allocation.
pub type Text = compact_str::CompactString;
