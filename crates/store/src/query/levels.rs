//! Which spans of edges answer a question: the longest ones that fit what is asked. Short ones are in no file; they are made of requests
//! when they are asked for.

use arrow_array::{BooleanArray, RecordBatch};
use arrow_select::filter::filter_record_batch;
use schema::Table;
use schema::query::{Ask, Filter, Query, Value};

use super::Snapshot;
use super::scan::Fold;
use super::test::Test;
use crate::error::Error;
use crate::maintain::rollup::{self, KEYS, MADE, STORED};

const SECOND: i64 = 1_000_000_000;
const RESOLUTION: &str = "resolution";

/// Edges of a span, made of the requests that a scan finds.
#[derive(Clone)]
pub(crate) struct Made {
    /// How long a span is: seconds.
    seconds: i64,
    /// Which edges match.
    test: Test,
}

/// Where the edges that a question is about come from.
#[derive(Debug, PartialEq)]
pub(super) enum Level {
    /// The question says itself which of those in files are meant.
    Named,
    /// Those in files whose spans are so many seconds long.
    Stored(i64),
    /// They are made of requests.
    Made(i64),
}

/// The parts of a filter that all rows that match have in common.
fn parts(filter: &Filter) -> Vec<&Filter> {
    match filter {
        Filter::And(filters) => filters.iter().flat_map(parts).collect(),
        other => vec![other],
    }
}

impl Level {
    pub(super) fn of(query: &Query, snapshot: &Snapshot) -> Self {
        let (mut named, mut by_time) = (false, false);
        query.filter.fields(&mut |field| {
            named |= field == RESOLUTION;
            by_time |= field == "time";
        });
        if named {
            let made = parts(&query.filter).into_iter().find_map(|part| match part {
                Filter::Is { field, value: Value::Number(seconds) } if field == RESOLUTION => {
                    MADE.into_iter().find(|made| made == seconds)
                }
                _ => None,
            });
            return made.map_or(Level::Named, Level::Made);
        }
        let every = match &query.ask {
            Ask::Groups { every, .. } => *every,
            Ask::HeatMap { every, .. } => Some(*every),
            _ => None,
        };
        let fits = |seconds: &i64| {
            let whole = |time: i64| time.rem_euclid(seconds * SECOND) == 0;
            !by_time && [every, query.from, query.to].into_iter().flatten().all(whole)
        };
        if let Some(seconds) = STORED.into_iter().rev().find(fits) {
            return Level::Stored(seconds);
        }
        if requests_are_gone(query, snapshot) {
            return Level::Stored(STORED[0]);
        }
        Level::Made(MADE.into_iter().rev().find(fits).unwrap_or(MADE[0]))
    }
}

/// Of times whose requests are not kept any more, the shortest spans in files are the next best.
fn requests_are_gone(query: &Query, snapshot: &Snapshot) -> bool {
    let oldest = |table: Table, resolution: Option<i64>| {
        let metas = snapshot.segments.iter().map(|segment| &segment.meta);
        metas.filter(|meta| meta.table == table && meta.resolution == resolution).map(|meta| meta.from).min()
    };
    let requests = oldest(Table::Requests, None).unwrap_or(i64::MAX);
    let span = STORED[0] * SECOND;
    let older = oldest(Table::Edges, Some(STORED[0]))
        .is_some_and(|edges| edges < requests.div_euclid(span).saturating_mul(span));
    older && query.from.is_none_or(|from| from < requests)
}

impl Made {
    /// Also what the requests have to be that the edges are made of.
    pub(super) fn new(query: &Query, filter: &Filter, seconds: i64) -> Result<(Self, Filter), Error> {
        let span = seconds * SECOND;
        // A span counts by its beginning.
        let up = |time: i64| time.checked_add(span - 1).map_or(i64::MAX, |time| time.div_euclid(span) * span);
        let [from, to] = [query.from, query.to].map(|time| time.map(|time| Value::Number(up(time))));
        let mut requests = Filter::Range { field: "time".into(), from, to };
        for part in parts(filter) {
            let field = match part {
                Filter::Is { field, .. } | Filter::In { field, .. } | Filter::Prefix { field, .. } => field,
                _ => continue,
            };
            if KEYS.contains(&field.as_str()) {
                requests = requests.and(part.clone());
            }
        }
        Ok((Made { seconds, test: Test::new(Table::Edges, filter)? }, requests))
    }

    /// Has `inner` take edges in place of requests.
    pub(super) fn of<F>(&self, inner: F) -> Summed<'_, F> {
        Summed { made: self, inner }
    }
}

/// Takes requests, and passes on the edges that they come to.
pub(super) struct Summed<'a, F> {
    made: &'a Made,
    pub(super) inner: F,
}

impl<F: Fold> Fold for Summed<'_, F> {
    fn take(&mut self, rows: &RecordBatch) -> Result<(), Error> {
        let edges = rollup::edges(rows, &[self.made.seconds])?;
        let matches = BooleanArray::new(self.made.test.matches(&edges), None);
        let found = filter_record_batch(&edges, &matches)?;
        if found.num_rows() > 0 { self.inner.take(&found) } else { Ok(()) }
    }

    fn merge(&mut self, other: Self) -> Result<(), Error> {
        self.inner.merge(other.inner)
    }

    fn memory(&self) -> usize {
        self.inner.memory()
    }

    fn is_done(&self) -> bool {
        self.inner.is_done()
    }
}

#[cfg(test)]
mod tests {
    use schema::query::Measure;

    use super::*;

    #[track_caller]
    fn check(every: Option<i64>, from: Option<i64>, filter: Filter, expected: Level) {
        let measures = vec![Measure::Count];
        let ask = Ask::Groups { by: Vec::new(), every, measures, order: None, limit: 1 };
        let from = from.map(|from| from * SECOND);
        let query = Query { table: Table::Edges, from, to: None, filter, ask };
        let snapshot = Snapshot { segments: Vec::new(), recent: Vec::new() };
        assert_eq!(Level::of(&query, &snapshot), expected, "{query:?}");
    }

    #[test]
    fn the_longest_span_that_fits_answers() {
        let all = || Filter::All;
        check(None, None, all(), Level::Stored(3600));
        check(Some(7200 * SECOND), Some(3600), all(), Level::Stored(3600));
        check(Some(7200 * SECOND), Some(60), all(), Level::Stored(60));
        check(Some(300 * SECOND), Some(3600), all(), Level::Stored(60));
        check(Some(30 * SECOND), Some(60), all(), Level::Made(10));
        check(None, Some(70), all(), Level::Made(10));
        check(Some(15 * SECOND), None, all(), Level::Made(1));
        check(Some(SECOND / 2), None, all(), Level::Made(1));
        check(None, Some(60), Filter::Exists { field: "time".into() }, Level::Made(1));
    }

    #[test]
    fn a_span_that_is_named_is_taken() {
        let is = |seconds: i64| Filter::is(RESOLUTION, seconds);
        check(None, None, is(60), Level::Named);
        check(None, None, Filter::is("client", "shop").and(is(10)), Level::Made(10));
        check(None, None, Filter::Or(vec![is(10), is(60)]), Level::Named);
        check(None, None, Filter::Exists { field: RESOLUTION.into() }, Level::Named);
    }
}
