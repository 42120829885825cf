//! Figures that are set as a whole, by who knows them: those of Weir about itself.

use std::sync::Arc;

use model::Nanos;

use crate::{Cell, Collect, Kind, Labels, Metric, Place, Point, Series};

/// Counters of an earlier process that are gone on with: several times as many as there are.
const MOST_EARLIER: usize = 2000;

/// The figures as they were last set.
#[derive(Debug)]
pub struct Figures {
    metrics: &'static [&'static Metric],
    began: Nanos,
    series: Vec<(&'static Metric, Series)>,
    /// What counters of an earlier process had beyond ours: it is added to them.
    earlier: Vec<(&'static Metric, Series)>,
}

impl Figures {
    /// Begins without any, of these metrics; `began` is when counting began.
    pub fn new(metrics: &'static [&'static Metric], began: Nanos) -> Self {
        Figures { metrics, began, series: Vec::new(), earlier: Vec::new() }
    }

    /// Counters go on from these from now on: what was counted here until now is left out.
    pub(crate) fn resume(&mut self, earlier: Vec<(&'static Metric, Series)>) {
        self.earlier.clear();
        let mut began = self.began;
        for (metric, mut series) in earlier.into_iter().take(MOST_EARLIER) {
            began = began.min(series.began);
            if let Some((_, own)) =
                self.series.iter().find(|(other, own)| is_same((other, own), metric, &series))
            {
                series.point = less(&series.point, &own.point);
            }
            self.earlier.push((metric, series));
        }
        self.began = began;
        // What only this process counted was counted by nobody as far as others know.
        for (metric, own) in self.series.iter().filter(|(metric, _)| matches!(metric.kind, Kind::Counter)) {
            if !self.earlier.iter().any(|(other, earlier)| is_same((other, earlier), metric, own)) {
                let nothing = match own.point {
                    Point::Number(_) => Point::Number(0.0),
                    _ => Point::Count(0),
                };
                self.earlier.push((metric, Series { point: less(&nothing, &own.point), ..own.clone() }));
            }
        }
        let series = std::mem::take(&mut self.series);
        for (metric, series) in series {
            let point = self.with_earlier(metric, &series.labels, series.point);
            self.series.push((metric, Series { began, labels: series.labels, point }));
        }
    }

    fn with_earlier(&self, metric: &'static Metric, labels: &Labels, point: Point) -> Point {
        let is_it = |(other, series): &&(&'static Metric, Series)| {
            std::ptr::eq(*other, metric) && *series.labels == *labels
        };
        match self.earlier.iter().find(is_it) {
            Some((_, earlier)) => more(&earlier.point, &point),
            None => point,
        }
    }

    /// Forgets all, to be set anew.
    pub fn clear(&mut self) {
        self.series.clear();
    }

    /// Adds a figure.
    pub fn set(&mut self, metric: &'static Metric, cells: &[Cell<'_>], point: Point) {
        let labels = Arc::new(Labels::new(cells));
        let point = self.with_earlier(metric, &labels, point);
        self.series.push((metric, Series { labels, began: self.began, point }));
    }
}

impl Collect for Figures {
    fn metrics(&self) -> &'static [&'static Metric] {
        self.metrics
    }

    /// They are few: all at once.
    fn collect(&self, index: usize, _: Place, _: usize, into: &mut Vec<Series>) -> Option<Place> {
        let metric = self.metrics.get(index)?;
        let is_it = |(other, _): &&(&Metric, Series)| std::ptr::eq(*other, *metric);
        into.extend(self.series.iter().filter(is_it).map(|(_, series)| series.clone()));
        // What nothing was counted of here yet.
        let is_new = |(metric, series): &&(&'static Metric, Series)| {
            !self.series.iter().any(|(other, own)| is_same((other, own), metric, series))
        };
        let earlier = self.earlier.iter().filter(is_it).filter(is_new);
        into.extend(earlier.map(|(_, series)| Series { began: self.began, ..series.clone() }));
        None
    }
}

fn is_same((other, own): (&Metric, &Series), metric: &Metric, series: &Series) -> bool {
    std::ptr::eq(other, metric) && own.labels == series.labels
}

fn less(from: &Point, point: &Point) -> Point {
    match (from, point) {
        // It may be more here than it was there: what is added later makes up for it.
        (Point::Count(from), Point::Count(count)) => Point::Count(from.wrapping_sub(*count)),
        (Point::Number(from), Point::Number(number)) => Point::Number(from - number),
        _ => from.clone(),
    }
}

fn more(to: &Point, point: &Point) -> Point {
    match (to, point) {
        (Point::Count(to), Point::Count(count)) => Point::Count(to.wrapping_add(*count)),
        (Point::Number(to), Point::Number(number)) => Point::Number(to + number),
        _ => point.clone(),
    }
}
