//! `weir connections`: which connections are shown ([`filter`]), how ([`table`]), in which order ([`sort`]), and where it goes
//! ([`view`]).

pub mod command;
pub mod filter;
pub mod sort;
pub mod table;

mod lines;
mod view;
mod watch;

pub use filter::{Filter, FilterArgs};
pub use sort::Sort;
pub use table::{Options, Table};
