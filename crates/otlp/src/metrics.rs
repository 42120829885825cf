//! Series as metrics: cumulative, each from its own beginning on.

use model::Nanos;
use model::time::ClockReading;
use signals::{Buckets, Exponential, Histogram, Kind, Metric, Place, Point, Series, Source, Unit};

use crate::config::Histograms;
use crate::{attributes, wire};

/// Series that are copied at a time: some microseconds' work, for which whoever adds to them may have to wait.
const SLICE: usize = 64;
/// Bytes of a message after which another one begins: receivers take 4 MiB and more.
const MESSAGE: usize = 1 << 20;
/// Every point tells all since its beginning.
const CUMULATIVE: u64 = 2;

/// How points are written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Form<'a> {
    pub(crate) histograms: Histograms,
    /// Where both clocks were when export began. Beginnings are told by this one reading: they must not move with the wall clock, for a
    /// series with another beginning is another series.
    pub(crate) first: ClockReading,
    /// What the metrics are of.
    pub(crate) resource: &'a [(&'static str, String)],
    /// Weir's version.
    pub(crate) version: &'a str,
}

/// Calls `take` with messages `ExportMetricsServiceRequest` that have all series as they are at `now`, and how many points each
/// has.
pub(crate) fn messages(source: &impl Source, form: Form<'_>, now: u64, mut take: impl FnMut(Vec<u8>, u32)) {
    let mut message = Message::new(form, now);
    let mut series = Vec::new();
    let (mut collector, mut index, mut place) = (0, 0, Place::default());
    loop {
        series.clear();
        let found = source.look(|collectors| {
            let all = collectors.get(collector)?;
            let metric = all.metrics().get(index).copied();
            Some(metric.map(|metric| (metric, all.collect(index, place, SLICE, &mut series))))
        });
        match found {
            None => break,
            Some(None) => (collector, index, place) = (collector + 1, 0, Place::default()),
            Some(Some((metric, next))) => {
                series.iter().for_each(|series| message.point(metric, series));
                let full = message.bytes() >= MESSAGE;
                if full || next.is_none() {
                    message.end(metric);
                }
                if full {
                    message.give(&mut take);
                }
                match next {
                    Some(next) => place = next,
                    None => (index, place) = (index + 1, Place::default()),
                }
            }
        }
    }
    message.give(&mut take);
}

struct Message<'a> {
    form: Form<'a>,
    now: u64,
    /// Fields `metrics` of a message `ScopeMetrics`.
    metrics: Vec<u8>,
    /// Fields `data_points` of the metric at hand.
    points: Vec<u8>,
    count: u32,
}

impl<'a> Message<'a> {
    fn new(form: Form<'a>, now: u64) -> Self {
        Message { form, now, metrics: Vec::new(), points: Vec::new(), count: 0 }
    }

    fn bytes(&self) -> usize {
        self.metrics.len() + self.points.len()
    }

    fn point(&mut self, metric: &Metric, series: &Series) {
        let began = self.form.first.wall_at(series.began).min(self.now);
        let now = self.now;
        let exponential = self.form.histograms == Histograms::Exponential;
        let labels = |field: u32, out: &mut Vec<u8>| {
            for (label, value) in metric.labels.iter().zip(series.labels.values()) {
                attributes::label(out, field, label.name, value);
            }
        };
        let points = &mut self.points;
        match (&series.point, metric.kind) {
            (Point::Count(count), kind) => wire::message(points, 1, |out| {
                times(kind, began, now, out);
                wire::fixed64(out, 6, *count);
                labels(7, out);
            }),
            (Point::Number(number), kind) => wire::message(points, 1, |out| {
                times(kind, began, now, out);
                wire::double(out, 4, *number);
                labels(7, out);
            }),
            (Point::Histogram(histogram), Kind::Histogram(buckets)) => wire::message(points, 1, |out| {
                times(metric.kind, began, now, out);
                if exponential {
                    labels(1, out);
                    self::exponential(histogram, buckets, out);
                } else {
                    labels(9, out);
                    explicit(histogram, buckets, out);
                }
            }),
            // No metric has points of another kind.
            (Point::Histogram(_), _) => return,
        }
        self.count += 1;
    }

    /// Ends a metric; one without points is left out.
    fn end(&mut self, metric: &Metric) {
        if self.points.is_empty() {
            return;
        }
        let points = &self.points;
        let exponential = self.form.histograms == Histograms::Exponential;
        wire::message(&mut self.metrics, 2, |out| {
            wire::bytes(out, 1, metric.name.as_bytes());
            wire::bytes(out, 2, metric.help.as_bytes());
            wire::message(out, 3, |out| unit(metric.unit, out));
            let field = match metric.kind {
                Kind::Gauge => 5,
                Kind::Counter => 7,
                Kind::Histogram(_) if exponential => 10,
                Kind::Histogram(_) => 9,
            };
            wire::message(out, field, |out| {
                out.extend_from_slice(points);
                match metric.kind {
                    Kind::Gauge => {}
                    Kind::Counter => {
                        wire::uint(out, 2, CUMULATIVE);
                        wire::uint(out, 3, 1);
                    }
                    Kind::Histogram(_) => wire::uint(out, 2, CUMULATIVE),
                }
            });
        });
        self.points.clear();
    }

    /// Gives the message away and begins another one.
    fn give(&mut self, take: &mut impl FnMut(Vec<u8>, u32)) {
        let (metrics, count) = (std::mem::take(&mut self.metrics), std::mem::take(&mut self.count));
        if count == 0 {
            return;
        }
        let mut out = Vec::with_capacity(metrics.len() + 1024);
        wire::message(&mut out, 1, |out| {
            wire::message(out, 1, |out| {
                self.form.resource.iter().for_each(|(key, value)| attributes::text(out, 1, key, value));
            });
            wire::message(out, 2, |out| {
                attributes::scope(out, self.form.version);
                out.extend_from_slice(&metrics);
            });
        });
        take(out, count);
    }
}

/// What a gauge tells has no beginning.
fn times(kind: Kind, began: Nanos, now: Nanos, out: &mut Vec<u8>) {
    if !matches!(kind, Kind::Gauge) {
        wire::fixed64(out, 2, began);
    }
    wire::fixed64(out, 3, now);
}

/// The unit as UCUM writes it.
fn unit(unit: Unit, out: &mut Vec<u8>) {
    match unit {
        Unit::Seconds => out.push(b's'),
        Unit::Bytes => out.extend_from_slice(b"By"),
        Unit::Number("") => out.push(b'1'),
        Unit::Number(of) => {
            out.push(b'{');
            out.extend_from_slice(of.as_bytes());
            out.push(b'}');
        }
    }
}

fn explicit(histogram: &Histogram, buckets: &Buckets, out: &mut Vec<u8>) {
    wire::fixed64(out, 4, histogram.count());
    wire::double(out, 5, histogram.sum(buckets));
    wire::message(out, 6, |out| {
        histogram.explicit(buckets).iter().for_each(|count| out.extend_from_slice(&count.to_le_bytes()));
    });
    wire::message(out, 7, |out| {
        let bounds = buckets.bounds.iter().map(|bound| *bound as f64 / buckets.per_unit);
        bounds.for_each(|bound| out.extend_from_slice(&bound.to_le_bytes()));
    });
    if let Some((min, max)) = histogram.range(buckets) {
        wire::double(out, 11, min);
        wire::double(out, 12, max);
    }
}

fn exponential(histogram: &Histogram, buckets: &Buckets, out: &mut Vec<u8>) {
    wire::fixed64(out, 4, histogram.count());
    wire::double(out, 5, histogram.sum(buckets));
    let exponential = histogram.exponential();
    wire::sint(out, 6, exponential.scale().into());
    wire::fixed64(out, 7, exponential.zeros());
    positive(exponential, out);
    if let Some((min, max)) = histogram.range(buckets) {
        wire::double(out, 12, min);
        wire::double(out, 13, max);
    }
}

/// All buckets from the first to the last that has any values.
fn positive(exponential: &Exponential, out: &mut Vec<u8>) {
    let Some((first, _)) = exponential.buckets().next() else { return };
    wire::message(out, 8, |out| {
        wire::sint(out, 1, first);
        wire::message(out, 2, |out| {
            let mut next = first;
            for (index, count) in exponential.buckets() {
                (next..index).for_each(|_| wire::varint(out, 0));
                wire::varint(out, count);
                next = index + 1;
            }
        });
    });
}

#[cfg(test)]
mod tests;
