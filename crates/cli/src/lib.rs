//! The commands of `weir`, and how they look in a terminal.

pub mod agent;
pub mod color;
pub mod dev;
pub mod doctor;
mod nearest;
pub mod options;
pub mod output;
pub mod requests;
pub mod stop;
pub mod text;
pub mod units;
