//! The text formats.

use std::fmt::Display;
use std::io::Write;

use signals::{Buckets, Histogram, Kind, Metric, Point, Series, Value};

use super::{escape, names};

/// Writes families of metrics as text.
#[derive(Debug)]
pub(super) struct Text {
    open_metrics: bool,
    /// The family's name, with the suffix of counters.
    name: String,
    labels: Vec<String>,
    /// The labels of the series at hand, with commas between and behind them.
    series: Vec<u8>,
}

impl Text {
    pub(super) fn new(open_metrics: bool) -> Self {
        Text { open_metrics, name: String::new(), labels: Vec::new(), series: Vec::new() }
    }

    /// Begins a metric's family.
    pub(super) fn begin(&mut self, metric: &Metric, out: &mut Vec<u8>) {
        self.name = names::metric(metric);
        self.labels = metric.labels.iter().map(|label| names::label(label.name)).collect();
        let family = if self.open_metrics { names::family(metric) } else { self.name.clone() };
        // Help texts are ours: a test sees to it that nothing in them has to be escaped.
        put(out, format_args!("# HELP {family} {}\n# TYPE {family} {}\n", metric.help, metric.kind.as_str()));
        if let Some(unit) = names::unit(metric).filter(|_| self.open_metrics) {
            put(out, format_args!("# UNIT {family} {unit}\n"));
        }
    }

    /// Adds a series to it.
    pub(super) fn series(&mut self, metric: &Metric, series: &Series, out: &mut Vec<u8>) {
        self.series.clear();
        for (name, value) in self.labels.iter().zip(series.labels.values()) {
            if *value != Value::None {
                self.series.extend_from_slice(name.as_bytes());
                self.series.extend_from_slice(b"=\"");
                match value {
                    Value::Text(text) => escape::value(text, &mut self.series),
                    value => put(&mut self.series, format_args!("{value}")),
                }
                self.series.extend_from_slice(b"\",");
            }
        }
        match (&series.point, metric.kind) {
            (Point::Count(count), _) => self.line("", count, out),
            (Point::Number(number), _) => self.line("", number, out),
            (Point::Histogram(histogram), Kind::Histogram(buckets)) => {
                self.histogram(histogram, buckets, out)
            }
            // No metric has points of another kind.
            (Point::Histogram(_), _) => {}
        }
    }

    /// Ends the page.
    pub(super) fn end(&self, out: &mut Vec<u8>) {
        if self.open_metrics {
            out.extend_from_slice(b"# EOF\n");
        }
    }

    fn histogram(&self, histogram: &Histogram, buckets: &Buckets, out: &mut Vec<u8>) {
        let mut below = 0;
        for (place, count) in histogram.explicit(buckets).iter().enumerate() {
            below += count;
            out.extend_from_slice(self.name.as_bytes());
            out.extend_from_slice(b"_bucket{");
            out.extend_from_slice(&self.series);
            match buckets.bounds.get(place) {
                Some(bound) => self.bound(*bound as f64 / buckets.per_unit, out),
                None => out.extend_from_slice(b"le=\"+Inf\"} "),
            }
            number(below, out);
            out.push(b'\n');
        }
        self.line("_sum", &histogram.sum(buckets), out);
        self.line("_count", &histogram.count(), out);
    }

    /// A bound is a part of a series' name, so it is written as everybody writes it: OpenMetrics with a point, the older
    /// format without one where there is nothing behind it.
    fn bound(&self, bound: f64, out: &mut Vec<u8>) {
        match self.open_metrics {
            true => put(out, format_args!("le=\"{bound:?}\"}} ")),
            false => put(out, format_args!("le=\"{bound}\"}} ")),
        }
    }

    fn line(&self, suffix: &str, value: &impl Display, out: &mut Vec<u8>) {
        out.extend_from_slice(self.name.as_bytes());
        out.extend_from_slice(suffix.as_bytes());
        if let Some((_, labels)) = self.series.split_last() {
            out.push(b'{');
            out.extend_from_slice(labels);
            out.push(b'}');
        }
        put(out, format_args!(" {value}\n"));
    }
}

fn number(number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

fn put(out: &mut Vec<u8>, arguments: std::fmt::Arguments<'_>) {
    // Writing to a `Vec` cannot fail.
    let _ = out.write_fmt(arguments);
}
