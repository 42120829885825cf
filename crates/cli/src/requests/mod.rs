//! `weir requests`: which requests are shown ([`filter`]), how ([`table`]), and what is said at the end
//! ([`summary`]).

pub mod command;
pub mod filter;
pub mod summary;
pub mod table;

pub(crate) mod cells;

pub use filter::{Filter, FilterArgs};
pub use summary::Summary;
pub use table::{Options, Table};
