//! Points of metrics as rows of `metrics`.

use std::borrow::Cow;

use arrow_schema::ArrowError;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, DataPointFlags, Metric, NumberDataPoint,
};
use schema::Table;

use super::attributes::{Attributes, Resource};
use super::buckets::{Shared, explicit, exponential};
use super::logs::SCOPE;
use super::sheet::{Converted, Sheet, place, time};

/// The attribute of points that tell what came since the point before: `delta`. All others tell what came since the beginning.
const TEMPORALITY: &str = "weir.temporality";

struct Places {
    metric: usize,
    kind: usize,
    unit: usize,
    value: usize,
    count: usize,
    buckets: usize,
}

impl Default for Places {
    fn default() -> Self {
        let at = |name| place(Table::Metrics, name);
        Places {
            metric: at("metric"),
            kind: at("kind"),
            unit: at("unit"),
            value: at("value"),
            count: at("count"),
            buckets: at("buckets"),
        }
    }
}

/// Points of a message. Quantiles of summaries, exemplars, and the times at which counts began are left out.
pub fn metrics(message: &ExportMetricsServiceRequest) -> Result<Converted, ArrowError> {
    let mut writer = Writer { sheet: Sheet::new(Table::Metrics), at: Places::default() };
    for group in &message.resource_metrics {
        let resource = Resource::of(group.resource.as_ref());
        let mut attributes = Attributes::default();
        for scope in &group.scope_metrics {
            let name = scope.scope.as_ref().map_or("", |scope| &scope.name);
            for metric in &scope.metrics {
                let of = Of { metric, scope: name, resource: &resource };
                writer.metric(&of, &mut attributes)?;
            }
        }
    }
    writer.sheet.finish()
}

/// What points belong to.
struct Of<'a> {
    metric: &'a Metric,
    scope: &'a str,
    resource: &'a Resource<'a>,
}

/// A point, of whatever form.
struct Point<'a> {
    time: u64,
    flags: u32,
    attributes: &'a [KeyValue],
    kind: &'static str,
    value: Option<f64>,
    count: Option<u64>,
    buckets: Option<Shared>,
    delta: bool,
}

struct Writer {
    sheet: Sheet,
    at: Places,
}

fn is_delta(temporality: i32) -> bool {
    temporality == AggregationTemporality::Delta as i32
}

fn number<'a>(point: &'a NumberDataPoint, kind: &'static str, delta: bool) -> Point<'a> {
    let value = point.value.as_ref().map(|value| match value {
        Value::AsDouble(value) => *value,
        Value::AsInt(value) => *value as f64,
    });
    Point {
        time: point.time_unix_nano,
        flags: point.flags,
        attributes: &point.attributes,
        kind,
        value,
        count: None,
        buckets: None,
        delta,
    }
}

impl Writer {
    fn metric<'a>(&mut self, of: &Of<'a>, attributes: &mut Attributes<'a>) -> Result<(), ArrowError> {
        match &of.metric.data {
            None => {}
            Some(Data::Gauge(gauge)) => {
                for point in &gauge.data_points {
                    self.point(of, number(point, "gauge", false), attributes)?;
                }
            }
            Some(Data::Sum(sum)) => {
                let kind = if sum.is_monotonic { "counter" } else { "gauge" };
                for point in &sum.data_points {
                    self.point(of, number(point, kind, is_delta(sum.aggregation_temporality)), attributes)?;
                }
            }
            Some(Data::Histogram(histogram)) => {
                let delta = is_delta(histogram.aggregation_temporality);
                for point in &histogram.data_points {
                    let Some(buckets) = explicit(point) else {
                        self.sheet.reject("a histogram has bounds that rise, and a count more than bounds");
                        continue;
                    };
                    let point = Point {
                        time: point.time_unix_nano,
                        flags: point.flags,
                        attributes: &point.attributes,
                        kind: "histogram",
                        value: point.sum,
                        count: Some(point.count),
                        buckets: Some(buckets),
                        delta,
                    };
                    self.point(of, point, attributes)?;
                }
            }
            Some(Data::ExponentialHistogram(histogram)) => {
                let delta = is_delta(histogram.aggregation_temporality);
                for point in &histogram.data_points {
                    let point = Point {
                        time: point.time_unix_nano,
                        flags: point.flags,
                        attributes: &point.attributes,
                        kind: "histogram",
                        value: point.sum,
                        count: Some(point.count),
                        buckets: Some(exponential(point)),
                        delta,
                    };
                    self.point(of, point, attributes)?;
                }
            }
            Some(Data::Summary(summary)) => {
                for point in &summary.data_points {
                    let point = Point {
                        time: point.time_unix_nano,
                        flags: point.flags,
                        attributes: &point.attributes,
                        kind: "histogram",
                        value: Some(point.sum),
                        count: Some(point.count),
                        buckets: None,
                        delta: false,
                    };
                    self.point(of, point, attributes)?;
                }
            }
        }
        Ok(())
    }

    fn point<'a>(
        &mut self,
        of: &Of<'a>,
        point: Point<'a>,
        attributes: &mut Attributes<'a>,
    ) -> Result<(), ArrowError> {
        // Says that a series ends: there is nothing to store.
        if point.flags & DataPointFlags::NoRecordedValueMask as u32 != 0 {
            return Ok(());
        }
        if of.metric.name.is_empty() {
            self.sheet.reject("a metric has a name");
            return Ok(());
        }
        let Some(when) = time(point.time) else {
            self.sheet.reject("a point has a time after 1970 and before 2262");
            return Ok(());
        };
        if point.value.is_some_and(f64::is_nan) || (point.value.is_none() && point.count.is_none()) {
            self.sheet.reject("a point has a value that is a number");
            return Ok(());
        }
        attributes.begin(point.attributes, |_, _| false);
        if !of.scope.is_empty() {
            attributes.add(SCOPE, Cow::Borrowed(of.scope));
        }
        if point.delta {
            attributes.add(TEMPORALITY, Cow::Borrowed("delta"));
        }
        attributes.inherit(of.resource);
        // A bucket and its count take twelve bytes.
        let buckets = point.buckets.as_ref().map_or(0, |buckets| buckets.iter().count() * 12);
        if !self.sheet.admits(of.metric.name.len() + buckets, attributes) {
            return Ok(());
        }
        let (rows, at) = (&mut self.sheet.rows, &self.at);
        rows.text(at.metric, &of.metric.name);
        rows.text(at.kind, point.kind);
        if !of.metric.unit.is_empty() {
            rows.text(at.unit, &of.metric.unit);
        }
        if let Some(value) = point.value {
            rows.float(at.value, value);
        }
        if let Some(count) = point.count {
            rows.number(at.count, i64::try_from(count).unwrap_or(i64::MAX));
        }
        if let Some(buckets) = point.buckets.filter(|buckets| buckets.iter().next().is_some()) {
            rows.histogram(at.buckets, buckets.iter());
        }
        self.sheet.end(when, of.resource, attributes)
    }
}
