//! The TCP connections of a host: who is at both ends, what the kernel counted, how they ended.
//!
//! [`Connections`] takes the kernel side's events and gives out [`model::tcp::Connection`]s: as they open, close or fail, and
//! what they moved since they were last told. It knows no protocol and reads no bytes. Processes are kept by whoever drives it,
//! so that requests and connections can share what is known of them.

mod ends;
mod followed;
mod listeners;
mod sums;
mod table;

pub use ends::{Ends, Other, Placed};
pub use table::{Connections, Limits, Totals};
