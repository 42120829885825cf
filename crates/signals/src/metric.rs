//! What a metric is: the one definition from which every form of output and the documentation come.

use crate::histogram::Buckets;

/// A metric's definition. Names are those of OpenTelemetry; other forms of a name are derived from it.
#[derive(Debug)]
pub struct Metric {
    /// Its name: `http.server.request.duration`.
    pub name: &'static str,
    /// What it tells, in one sentence without the full stop.
    pub help: &'static str,
    /// What its values are.
    pub unit: Unit,
    /// How its values come about.
    pub kind: Kind,
    /// What its series are told apart by, in the order of their values.
    pub labels: &'static [Label],
}

/// What values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// A number of these, in the singular.
    Number(&'static str),
}

/// How values come about.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// It only grows, and begins at 0 with the series.
    Counter,
    /// It is what it is now.
    Gauge,
    /// How many values there were, by size; the buckets are those for receivers that take no exponential ones.
    Histogram(&'static Buckets),
}

impl Kind {
    /// `counter`, `gauge` or `histogram`.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram(_) => "histogram",
        }
    }
}

/// A label of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label {
    /// Its name: the attribute's, where it is one.
    pub name: &'static str,
    /// What its values are.
    pub help: &'static str,
    /// Traffic brings more values than there are services. Where there is no room for further series, it is these labels that become
    /// [`crate::OTHER`] first.
    pub open: bool,
}

impl Label {
    /// A label with few values.
    pub(crate) const fn closed(name: &'static str, help: &'static str) -> Label {
        Label { name, help, open: false }
    }

    /// A label with any number of values.
    pub(crate) const fn open(name: &'static str, help: &'static str) -> Label {
        Label { name, help, open: true }
    }
}

/// A counter's definition.
pub(crate) const fn counter(
    name: &'static str,
    help: &'static str,
    unit: Unit,
    labels: &'static [Label],
) -> Metric {
    Metric { name, help, unit, kind: Kind::Counter, labels }
}

/// A gauge's definition.
pub(crate) const fn gauge(
    name: &'static str,
    help: &'static str,
    unit: Unit,
    labels: &'static [Label],
) -> Metric {
    Metric { kind: Kind::Gauge, ..counter(name, help, unit, labels) }
}
