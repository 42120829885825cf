//! What a message tells of.

use delivery::Kind;

/// What a message tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    Spans,
    Metrics,
}

impl Signal {
    pub(crate) const ALL: [Signal; 2] = [Signal::Spans, Signal::Metrics];
    /// Their names, in the order of their kinds.
    pub(crate) const NAMES: &[&str] = &[Signal::Spans.as_str(), Signal::Metrics.as_str()];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Signal::Spans => "spans",
            Signal::Metrics => "metrics",
        }
    }

    pub(crate) fn kind(self) -> Kind {
        Kind(self as u8)
    }
}
