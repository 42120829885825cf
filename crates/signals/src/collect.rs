//! The way out: whoever gives metrics out takes copies of a few series at a time.

use std::sync::Arc;

use model::Nanos;

use crate::table::{Table, Visited};
use crate::{Histogram, Labels, Metric};

/// Where a visit of a metric's series is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// The next one.
    pub next: usize,
    /// Series that there were when the visit began: those that come later are not visited. `None` at the beginning.
    pub before: Option<u64>,
}

/// One series as it is now.
#[derive(Debug, Clone)]
pub struct Series {
    /// Values of its labels, in the order of the metric's labels.
    pub labels: Arc<Labels>,
    /// When it began.
    pub began: Nanos,
    /// Its value.
    pub point: Point,
}

/// A series' value.
#[derive(Debug, Clone)]
pub enum Point {
    /// A whole number: a counter, or a gauge that counts.
    Count(u64),
    /// Any number.
    Number(f64),
    /// A histogram.
    Histogram(Box<Histogram>),
}

impl Point {
    pub(crate) fn of(histogram: &Histogram) -> Point {
        Point::Histogram(Box::new(histogram.clone()))
    }
}

/// Something that has metrics.
pub trait Collect {
    /// Its metrics, in the order in which they are given out.
    fn metrics(&self) -> &'static [&'static Metric];

    /// Appends up to `most` series of the metric at `index` of that list, from `place` on; returns where to go on, `None` at
    /// the end.
    fn collect(&self, index: usize, place: Place, most: usize, into: &mut Vec<Series>) -> Option<Place>;
}

/// Copies series of `table`, as [`Collect::collect`] has it, with what `point` makes of their values; those without a point are left out.
pub(crate) fn copy<V: Default>(
    table: &Table<V>,
    place: Place,
    most: usize,
    into: &mut Vec<Series>,
    point: impl Fn(&V) -> Option<Point>,
) -> Option<Place> {
    let before = place.before.unwrap_or(table.born());
    let take = |series: Visited<'_, V>| {
        let labels = series.labels.clone();
        into.extend(point(series.value).map(|point| Series { labels, began: series.began, point }));
    };
    let next = table.visit(place.next, most, before, take)?;
    Some(Place { next, before: Some(before) })
}

/// Where metrics come from. They may change between two calls, but what they are stays.
pub trait Source {
    /// Calls `look` with what has metrics, in the order in which they are given out.
    fn look<R>(&self, look: impl FnOnce(&[&dyn Collect]) -> R) -> R;
}
