//! Requests, as metrics: how many there were, how long they took, by who asked whom for what and how it ended.

mod families;

use model::{Nanos, Request, Role};

use crate::carry::Resumed;
use crate::collect::copy;
use crate::labels::Cell;
use crate::table::{Limits, Table};
use crate::{Buckets, Collect, Counts, Histogram, Metric, Place, Point, Series};

pub use families::METRICS;
use families::{FAMILIES, INCOMPLETE, MOST_LABELS, Source, WAITS};

/// Metrics of requests.
///
/// What the metrics mean, in short: a request is counted once for each side that was seen, by the side's metric. One that
/// waited because its caller wished so is counted by [`WAITS`] alone, since its time is no latency. One that was not seen
/// whole is counted like any other, so that numbers and rates stay right, and by [`INCOMPLETE`] as well: its duration may be
/// too short.
#[derive(Debug)]
pub struct RequestMetrics {
    /// A client's and a server's table for each family.
    durations: Vec<[Table<Histogram>; 2]>,
    waits: Table<u64>,
    incomplete: Table<u64>,
}

impl RequestMetrics {
    /// Begins without series; the limits are for each metric.
    pub fn new(limits: Limits) -> Self {
        let table = |metric: &Metric| Table::new(metric.labels, limits);
        RequestMetrics {
            durations: FAMILIES.iter().map(|family| family.sides.map(table)).collect(),
            waits: Table::new(WAITS.labels, limits),
            incomplete: Table::new(INCOMPLETE.labels, limits),
        }
    }

    /// Goes by other limits from now on.
    pub fn set_limits(&mut self, limits: Limits) {
        self.durations.iter_mut().flatten().for_each(|table| table.set_limits(limits));
        [&mut self.waits, &mut self.incomplete].into_iter().for_each(|table| table.set_limits(limits));
    }

    /// Counts a request that was finished. `now` is the time of a monotonic clock, as exact as is wanted of series' expiry.
    pub fn record(&mut self, request: &Request, now: Nanos) {
        let mut cells = [Cell::None; MOST_LABELS];
        if request.waiting {
            count(&mut self.waits, request, families::WAITS_FROM, now);
        } else {
            let place = families::of(request);
            let (Some(family), Some(sides)) = (FAMILIES.get(place), self.durations.get_mut(place)) else {
                return;
            };
            let cells = fill(&mut cells, request, family.from);
            let side = usize::from(request.role == Role::Server);
            if let Some(histogram) = sides[side].at(cells, now) {
                histogram.record(&Buckets::DURATIONS, request.duration);
            }
        }
        if request.incomplete.is_some() {
            count(&mut self.incomplete, request, families::INCOMPLETE_FROM, now);
        }
    }

    /// Goes on with a series of `metric` that another process began; false where there is nothing of the kind here.
    pub(crate) fn resume(&mut self, metric: &Metric, carried: &Resumed<'_>, now: Nanos) -> bool {
        if let Some((family, side)) = families::side(metric) {
            let table = self.durations.get_mut(family).map(|tables| &mut tables[side]);
            return table.is_some_and(|table| carried.add_values(table, now));
        }
        let tables = [(&WAITS, &mut self.waits), (&INCOMPLETE, &mut self.incomplete)];
        let table = tables.into_iter().find(|(other, _)| std::ptr::eq(*other, metric));
        table.is_some_and(|(_, table)| carried.add_count(table, now))
    }

    /// Forgets series that are idle. Call it every few seconds.
    pub fn sweep(&mut self, now: Nanos) {
        self.durations.iter_mut().flatten().for_each(|table| table.sweep(now));
        self.waits.sweep(now);
        self.incomplete.sweep(now);
    }

    /// Each metric, how many series it has, and what became of others.
    pub fn counts(&self) -> impl Iterator<Item = (&'static Metric, usize, Counts)> + '_ {
        let durations = FAMILIES.iter().zip(&self.durations).flat_map(|(family, tables)| {
            family.sides.into_iter().zip(tables).map(|(metric, table)| (metric, table.len(), table.counts()))
        });
        let others = [(&WAITS, &self.waits), (&INCOMPLETE, &self.incomplete)];
        durations.chain(others.map(|(metric, table)| (metric, table.len(), table.counts())))
    }
}

impl Collect for RequestMetrics {
    fn metrics(&self) -> &'static [&'static Metric] {
        METRICS
    }

    fn collect(&self, index: usize, place: Place, most: usize, into: &mut Vec<Series>) -> Option<Place> {
        let metric = *METRICS.get(index)?;
        if let Some((family, side)) = families::side(metric) {
            let table = &self.durations.get(family)?[side];
            return copy(table, place, most, into, |histogram| Some(Point::of(histogram)));
        }
        let table = if std::ptr::eq(metric, &WAITS) { &self.waits } else { &self.incomplete };
        copy(table, place, most, into, |count| Some(Point::Count(*count)))
    }
}

fn count(table: &mut Table<u64>, request: &Request, from: &[Source], now: Nanos) {
    let mut cells = [Cell::None; MOST_LABELS];
    if let Some(count) = table.at(fill(&mut cells, request, from), now) {
        *count += 1;
    }
}

/// The values of labels that come `from` these places of `request`.
fn fill<'a, 'r>(
    cells: &'a mut [Cell<'r>; MOST_LABELS],
    request: &'r Request,
    from: &[Source],
) -> &'a [Cell<'r>] {
    cells.iter_mut().zip(from).for_each(|(cell, source)| *cell = source.of(request));
    cells.get(..from.len()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
