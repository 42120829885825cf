//! Protocol buffers, as far as they are used here of `io.prometheus.client`. Numbers of fields are theirs.

use prost::Message;
use signals::{Exponential, Kind, Metric, Point, Series, Value};

use super::names;

#[derive(Clone, PartialEq, Message)]
pub(super) struct MetricFamily {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "2")]
    pub(super) help: String,
    /// 0 counter, 1 gauge, 4 histogram.
    #[prost(int32, optional, tag = "3")]
    pub(super) kind: Option<i32>,
    #[prost(message, repeated, tag = "4")]
    pub(super) metrics: Vec<OneMetric>,
    #[prost(string, optional, tag = "5")]
    pub(super) unit: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct OneMetric {
    #[prost(message, repeated, tag = "1")]
    pub(super) labels: Vec<LabelPair>,
    #[prost(message, optional, tag = "2")]
    pub(super) gauge: Option<Number>,
    #[prost(message, optional, tag = "3")]
    pub(super) counter: Option<Number>,
    #[prost(message, optional, tag = "7")]
    pub(super) histogram: Option<Histogram>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct LabelPair {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "2")]
    pub(super) value: String,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Number {
    #[prost(double, optional, tag = "1")]
    pub(super) value: Option<f64>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Histogram {
    #[prost(uint64, tag = "1")]
    pub(super) sample_count: u64,
    #[prost(double, tag = "2")]
    pub(super) sample_sum: f64,
    #[prost(message, repeated, tag = "3")]
    pub(super) buckets: Vec<Bucket>,
    #[prost(sint32, optional, tag = "5")]
    pub(super) schema: Option<i32>,
    #[prost(double, tag = "6")]
    pub(super) zero_threshold: f64,
    #[prost(uint64, tag = "7")]
    pub(super) zero_count: u64,
    #[prost(message, repeated, tag = "12")]
    pub(super) positive_spans: Vec<Span>,
    /// Each count less the one before it.
    #[prost(sint64, repeated, tag = "13")]
    pub(super) positive_deltas: Vec<i64>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Bucket {
    #[prost(uint64, tag = "1")]
    pub(super) cumulative_count: u64,
    #[prost(double, tag = "2")]
    pub(super) upper_bound: f64,
}

/// Buckets one after the other, and how many there are not before them.
#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Span {
    #[prost(sint32, tag = "1")]
    pub(super) offset: i32,
    #[prost(uint32, tag = "2")]
    pub(super) length: u32,
}

/// Values up to here are 0: as Prometheus' own libraries have it, 2^-128.
const ZERO_THRESHOLD: f64 = 2.938735877055719e-39;

/// Writes families of metrics as messages, each behind its length.
#[derive(Debug, Default)]
pub(super) struct Messages {
    family: MetricFamily,
    labels: Vec<String>,
}

impl Messages {
    /// Begins a metric's family.
    pub(super) fn begin(&mut self, metric: &Metric) {
        self.labels = metric.labels.iter().map(|label| names::label(label.name)).collect();
        let kind = match metric.kind {
            Kind::Counter => 0,
            Kind::Gauge => 1,
            Kind::Histogram(_) => 4,
        };
        self.family = MetricFamily {
            name: names::metric(metric),
            help: metric.help.to_owned(),
            kind: Some(kind),
            metrics: Vec::new(),
            unit: names::unit(metric).map(str::to_owned),
        };
    }

    /// Adds a series to it.
    pub(super) fn series(&mut self, metric: &Metric, series: &Series) {
        let there =
            self.labels.iter().zip(series.labels.values()).filter(|(_, value)| **value != Value::None);
        let labels =
            there.map(|(name, value)| LabelPair { name: name.clone(), value: value.to_string() }).collect();
        let mut one = OneMetric { labels, ..OneMetric::default() };
        let number = match &series.point {
            Point::Count(count) => Some(*count as f64),
            Point::Number(number) => Some(*number),
            Point::Histogram(_) => None,
        };
        match (metric.kind, &series.point) {
            (Kind::Counter, _) => one.counter = Some(Number { value: number }),
            (Kind::Gauge, _) => one.gauge = Some(Number { value: number }),
            (Kind::Histogram(buckets), Point::Histogram(histogram)) => {
                one.histogram = Some(self::histogram(histogram, buckets));
            }
            // No metric has points of another kind.
            (Kind::Histogram(_), _) => {}
        }
        self.family.metrics.push(one);
    }

    /// Ends the family.
    pub(super) fn end(&mut self, out: &mut Vec<u8>) {
        let family = std::mem::take(&mut self.family);
        out.extend_from_slice(&family.encode_length_delimited_to_vec());
    }
}

fn histogram(histogram: &signals::Histogram, buckets: &signals::Buckets) -> Histogram {
    let mut below = 0;
    let bounds = buckets.bounds.iter().map(|bound| *bound as f64 / buckets.per_unit);
    let explicit = bounds.zip(histogram.explicit(buckets)).map(|(upper_bound, count)| {
        below += count;
        Bucket { cumulative_count: below, upper_bound }
    });
    let exponential = histogram.exponential();
    let (positive_spans, positive_deltas) = spans(exponential);
    Histogram {
        sample_count: histogram.count(),
        sample_sum: histogram.sum(buckets),
        buckets: explicit.collect(),
        schema: Some(exponential.scale().into()),
        zero_threshold: ZERO_THRESHOLD,
        zero_count: exponential.zeros(),
        positive_spans,
        positive_deltas,
    }
}

/// Prometheus numbers a bucket by its upper bound, OpenTelemetry by its lower one: theirs is one more.
fn spans(exponential: &Exponential) -> (Vec<Span>, Vec<i64>) {
    let (mut spans, mut deltas) = (Vec::<Span>::new(), Vec::new());
    let (mut next, mut before) = (0, 0);
    for (index, count) in exponential.buckets().map(|(index, count)| (index + 1, count as i64)) {
        match spans.last_mut() {
            Some(span) if index == next => span.length += 1,
            _ => spans.push(Span { offset: index - next, length: 1 }),
        }
        deltas.push(count - before);
        (next, before) = (index + 1, count);
    }
    (spans, deltas)
}
