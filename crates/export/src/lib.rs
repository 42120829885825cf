//! Requests on their way out of Weir.
//!
//! [`json`] writes the form that people and scripts read: one object a line.

mod escape;
pub mod json;
mod time;
