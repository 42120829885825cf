//! Metrics for Prometheus: as text (0.0.4), as OpenMetrics (1.0), and as protocol buffers with native histograms.
//!
//! A [`Page`] is written piece by piece, as fast as it is read: the series are copied a few at a time, so that neither
//! memory nor whoever adds to them suffers from there being many.

mod escape;
pub mod names;
mod negotiate;
mod page;
mod protobuf;
mod text;

pub use negotiate::Format;
pub use page::Page;
