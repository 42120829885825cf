//! Requests and connections on their way out of Weir.
//!
//! [`json`] writes the form that people and scripts read: one object a line; [`connections`] the same of connections.

pub mod connections;
mod escape;
pub mod json;
mod time;
