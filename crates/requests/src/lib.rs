//! Kernel events in, requests out.
//!
//! [`Analyzer`] follows every connection: it puts its bytes in order, finds out which protocol they are, drives
//! that protocol's parser, and turns finished exchanges into [`model::Request`]s with names and times. One
//! thread, plain function calls on borrowed bytes: nothing is copied but what a parser is not done with.
//! What it learns it tells back as [`model::event::Instruction`]s.

mod analyzer;
mod begun;
mod connection;
mod counters;
mod datagrams;
mod detect;
mod drive;
mod finish;
mod front;
mod groups;
mod lookups;
mod pair;
mod switch;

pub use analyzer::{Analyzer, Config};
pub use counters::Counters;
