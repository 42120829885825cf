//! Requests and connections into metrics.
//!
//! A [`Metric`] is defined once: name, help, unit, kind and labels. Its series live in a [`Table`] that is bounded, and
//! whose idle series expire. [`RequestMetrics`] takes requests and keeps [`Histogram`]s of them, [`ConnectionMetrics`] what the kernel counted
//! of connections; [`agent`] and [`server`] have Weir's [`Figures`] about itself. Who gives metrics out goes through [`Collect`], a few series at a time, so that it need not hold
//! a lock for long. [`recent`] tells how requests go at this moment. [`carry`] hands all series on to another process.
//!
//! Nothing here has a clock or does I/O: times come in with the values.

pub mod agent;
pub mod carry;
pub mod catalogue;
mod collect;
pub mod connections;
mod ends;
mod figures;
mod histogram;
mod labels;
mod metric;
pub mod recent;
pub mod requests;
pub mod server;
mod table;

pub use carry::Carried;
pub use collect::{Collect, Place, Point, Series, Source};
pub use connections::ConnectionMetrics;
pub use ends::end;
pub use figures::Figures;
pub use histogram::{Buckets, Exponential, Histogram};
pub use labels::{Cell, Labels, Value};
pub use metric::{Kind, Label, Metric, Unit};
pub use requests::RequestMetrics;
pub use table::{Counts, Limits, Table};

/// The value of labels whose series found no room.
pub const OTHER: &str = "other";
