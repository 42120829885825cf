//! What Weir may use of a host, and what it leaves out so that it is not exceeded.
//!
//! [`Controller`] takes readings of what was used and says what is to be left out, in stages ([`Level`]). [`plan()`] shares out the
//! memory at the start. Values in, values out: nothing here has a clock or asks the system.

mod controller;
mod level;
mod plan;
#[cfg(test)]
mod simulation;

pub use controller::{Cause, Change, Controller, Limits, Reading};
pub use level::{Level, Stage};
pub use plan::{Host, Sizes, TooLittle, plan};
