//! Requests, connections and metrics on their way out of Weir.
//!
//! [`json`] writes the form of requests that people and scripts read: one object a line; [`connections`] the same of connections, [`recent`] of how
//! requests go at this moment.
//! [`rows`] writes the rows of a store. [`prometheus`] writes metrics for those who scrape them.

pub mod connections;
mod escape;
pub mod json;
pub mod prometheus;
pub mod recent;
pub mod rows;
pub mod time;
