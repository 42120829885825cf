//! All series, to go on in another process: an agent that takes over from an earlier one counts on where that one stopped.
//!
//! The other process may be of another version. So metrics and labels go by their names, and what has changed begins anew.

use std::net::IpAddr;

use model::Nanos;
use serde::{Deserialize, Serialize};

use crate::histogram::Parts;
use crate::labels::Cell;
use crate::table::Table;
use crate::{
    Buckets, ConnectionMetrics, Figures, Histogram, Kind, Labels, Metric, Place, Point, RequestMetrics,
    Series, Source, Value, agent,
};

/// Series that are copied at a time.
const SLICE: usize = 64;
/// Most labels of a metric.
const MOST_LABELS: usize = 32;
/// No counter has come so far: one that has makes no sense.
const MOST: u64 = 1 << 62;

/// All series of a process.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Carried(Vec<CarriedMetric>);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct CarriedMetric {
    name: String,
    labels: Vec<String>,
    series: Vec<CarriedSeries>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct CarriedSeries {
    labels: Vec<CarriedValue>,
    began: Nanos,
    point: CarriedPoint,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum CarriedValue {
    None,
    Int(i64),
    Address(IpAddr),
    Text(String),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum CarriedPoint {
    Count(u64),
    Number(f64),
    Histogram(Box<Parts>),
}

/// A series to go on with.
pub(crate) struct Resumed<'a> {
    pub(crate) cells: &'a [Cell<'a>],
    pub(crate) began: Nanos,
    point: &'a CarriedPoint,
}

impl Resumed<'_> {
    pub(crate) fn count(&self) -> Option<u64> {
        if let CarriedPoint::Count(count) = self.point {
            Some(*count).filter(|count| *count < MOST)
        } else {
            None
        }
    }

    pub(crate) fn values(&self, buckets: &Buckets) -> Option<Histogram> {
        if let CarriedPoint::Histogram(parts) = self.point {
            Histogram::of_parts(parts, buckets)
        } else {
            None
        }
    }

    pub(crate) fn add_count(&self, table: &mut Table<u64>, now: Nanos) -> bool {
        let Some(count) = self.count() else { return false };
        let own = table.resume(self.cells, self.began, now);
        own.map(|own| *own = own.saturating_add(count)).is_some()
    }

    /// The same for durations.
    pub(crate) fn add_values(&self, table: &mut Table<Histogram>, now: Nanos) -> bool {
        let Some(values) = self.values(&Buckets::DURATIONS) else { return false };
        table.resume(self.cells, self.began, now).map(|own| own.merge(&values)).is_some()
    }
}

impl Carried {
    /// Copies what only grows: counters and histograms. A few series at a time, so that nobody waits for long.
    pub fn of(source: &impl Source) -> Carried {
        let mut carried = Vec::new();
        let (mut collector, mut index, mut place) = (0, 0, Place::default());
        let mut series = Vec::new();
        loop {
            let found = source.look(|collectors| {
                let all = collectors.get(collector)?;
                let metric = all.metrics().get(index).copied();
                Some(metric.map(|metric| (metric, all.collect(index, place, SLICE, &mut series))))
            });
            match found {
                None => return Carried(carried),
                Some(None) => (collector, index, place) = (collector + 1, 0, Place::default()),
                Some(Some((_, Some(next)))) => place = next,
                Some(Some((metric, None))) => {
                    carried.extend(CarriedMetric::of(metric, &series));
                    series.clear();
                    (index, place) = (index + 1, Place::default());
                }
            }
        }
    }

    /// How many series there are.
    pub fn series(&self) -> usize {
        self.0.iter().map(|metric| metric.series.len()).sum()
    }

    /// Has these metrics go on with all of it; returns how many series found no place.
    pub fn resume(
        &self,
        requests: &mut RequestMetrics,
        connections: &mut ConnectionMetrics,
        figures: &mut Figures,
        now: Nanos,
    ) -> usize {
        let mut left = 0;
        let mut own_figures = Vec::new();
        for carried in &self.0 {
            let find =
                |metrics: &[&'static Metric]| metrics.iter().copied().find(|metric| carried.is_of(metric));
            let of_requests = find(crate::requests::METRICS);
            let of_connections = find(crate::connections::METRICS);
            let of_agent = find(agent::METRICS);
            for series in &carried.series {
                let cells: Vec<Cell<'_>> = series.labels.iter().map(CarriedValue::cell).collect();
                let resumed = Resumed { cells: &cells, began: series.began.min(now), point: &series.point };
                let fits = cells.len() == carried.labels.len();
                let found = match (of_requests, of_connections, of_agent) {
                    _ if !fits => false,
                    (Some(metric), _, _) => requests.resume(metric, &resumed, now),
                    (_, Some(metric), _) => connections.resume(metric, &resumed, now),
                    (_, _, Some(metric)) => {
                        let figure = resumed.figure();
                        figure.map(|figure| own_figures.push((metric, figure))).is_some()
                    }
                    _ => false,
                };
                left += usize::from(!found);
            }
        }
        figures.resume(own_figures);
        left
    }
}

impl Resumed<'_> {
    fn figure(&self) -> Option<Series> {
        let point = match self.point {
            CarriedPoint::Count(_) => Point::Count(self.count()?),
            CarriedPoint::Number(number) => Point::Number(*number),
            CarriedPoint::Histogram(_) => return None,
        };
        Some(Series { labels: Labels::new(self.cells).into(), began: self.began, point })
    }
}

impl CarriedMetric {
    fn of(metric: &Metric, series: &[Series]) -> Option<CarriedMetric> {
        let point = |point: &Point| match (point, metric.kind) {
            (Point::Count(count), Kind::Counter) => Some(CarriedPoint::Count(*count)),
            (Point::Number(number), Kind::Counter) => Some(CarriedPoint::Number(*number)),
            (Point::Histogram(histogram), Kind::Histogram(buckets)) => {
                Some(CarriedPoint::Histogram(Box::new(histogram.parts(buckets))))
            }
            // What is as it is now is not gone on with.
            _ => None,
        };
        let series = series.iter().filter_map(|series| {
            let labels = series.labels.values().iter().map(CarriedValue::of).collect();
            Some(CarriedSeries { labels, began: series.began, point: point(&series.point)? })
        });
        let series: Vec<_> = series.collect();
        let labels = metric.labels.iter().map(|label| label.name.to_owned()).collect();
        (!series.is_empty()).then(|| CarriedMetric { name: metric.name.to_owned(), labels, series })
    }

    /// The same labels in the same order, too.
    fn is_of(&self, metric: &Metric) -> bool {
        self.name == metric.name
            && self.labels.len() <= MOST_LABELS
            && self.labels.iter().map(String::as_str).eq(metric.labels.iter().map(|label| label.name))
    }
}

impl CarriedValue {
    fn of(value: &Value) -> CarriedValue {
        match value {
            Value::None => CarriedValue::None,
            Value::Int(number) => CarriedValue::Int(*number),
            Value::Address(address) => CarriedValue::Address(*address),
            Value::Text(text) => CarriedValue::Text(text.to_string()),
        }
    }

    fn cell(&self) -> Cell<'_> {
        match self {
            CarriedValue::None => Cell::None,
            CarriedValue::Int(number) => Cell::Int(*number),
            CarriedValue::Address(address) => Cell::Address(*address),
            CarriedValue::Text(text) => Cell::text(text),
        }
    }
}

#[cfg(test)]
mod tests;
