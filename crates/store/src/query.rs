//! Answers to questions ([`schema::query`]).

mod apart;
mod chunks;
mod codes;
mod each;
mod facets;
mod field;
mod filters;
mod group;
mod groups;
mod heat;
mod keys;
mod levels;
mod meter;
mod packed;
mod parts;
mod prune;
mod rows;
mod scan;
mod spans;
mod split;
mod test;
mod watch;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use schema::Table;
use schema::query::{Answer, Ask, Filter, Order, Outcome, Part, Query, Value};

use crate::engine::Recent;
use crate::error::Error;
use crate::maintain::rollup;
use crate::segment::{Cache, Segment};
pub(crate) use field::Field;
use levels::{Level, Made};
use meter::Meter;
pub use parts::Parts;
use scan::Scan;
use test::Test;
pub use watch::Watch;

/// Lets the one who asked say that the answer is not wanted any more.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// The answer is not wanted any more.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.0.load(Ordering::Relaxed) { Err(Error::Cancelled) } else { Ok(()) }
    }
}

/// What is asked: files and rows in memory, as they were at one moment.
pub(crate) struct Snapshot {
    pub(crate) segments: Vec<Arc<Segment>>,
    pub(crate) recent: Vec<Arc<Recent>>,
}

/// What a query may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) memory: usize,
    pub(crate) threads: usize,
}

/// Answers at once.
pub(crate) fn run(
    snapshot: &Snapshot,
    query: &Query,
    cache: &Cache,
    limits: Limits,
    cancel: &Cancel,
) -> Result<Answer, Error> {
    let scan = scan(snapshot, query, cache, limits, cancel)?;
    let Ask::Each { columns, limit } = &query.ask else {
        let (outcome, scanned) = answer(&scan, &query.ask)?;
        return Ok(Answer { outcome, scanned });
    };
    let fields = Field::all_or(query.table, columns)?;
    let found = Mutex::new((Vec::new(), 0, scan.meter.held()));
    let scanned = each::run(&scan, &fields, *limit, &|part| {
        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
        let (rows, bytes, held) = &mut *found;
        *bytes += part.iter().map(|row| rows::size(row)).sum::<usize>();
        held.set(*bytes)?;
        rows.extend(part);
        Ok(())
    })?;
    let (rows, ..) = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(Answer { outcome: Outcome::Rows { columns: names(&fields), rows, next: None }, scanned })
}

/// Answers in parts: what is found is told before all is found, where no order keeps it back.
pub(crate) fn stream(
    snapshot: &Snapshot,
    query: &Query,
    cache: &Cache,
    limits: Limits,
    cancel: &Cancel,
    tell: &parts::Tell<'_>,
) -> Result<(), Error> {
    let scan = scan(snapshot, query, cache, limits, cancel)?;
    if let Ask::Each { columns, limit } = &query.ask {
        let fields = Field::all_or(query.table, columns)?;
        let names = names(&fields);
        let scanned = each::run(&scan, &fields, *limit, &|rows| {
            tell(Part::Outcome(Outcome::Rows { columns: names.clone(), rows, next: None }))
        })?;
        return tell(Part::Scanned(scanned));
    }
    let (outcome, scanned) = answer(&scan, &query.ask)?;
    match outcome {
        Outcome::Rows { columns, rows, next } if rows.len() > each::ROWS => {
            let mut rows = rows.into_iter().peekable();
            while rows.peek().is_some() {
                let part: Vec<_> = rows.by_ref().take(each::ROWS).collect();
                let next = next.filter(|_| rows.peek().is_none());
                tell(Part::Outcome(Outcome::Rows { columns: columns.clone(), rows: part, next }))?;
            }
        }
        whole => tell(Part::Outcome(whole))?,
    }
    tell(Part::Scanned(scanned))
}

fn names(fields: &[Field]) -> Vec<String> {
    fields.iter().map(|field| field.name.clone()).collect()
}

/// What a query looks at.
fn scan<'a>(
    snapshot: &Snapshot,
    query: &Query,
    cache: &'a Cache,
    limits: Limits,
    cancel: &'a Cancel,
) -> Result<Scan<'a>, Error> {
    query.validate()?;
    let table = query.table;
    let mut filter = query.filter.clone();
    if query.from.is_some() || query.to.is_some() {
        let [from, to] = [query.from, query.to].map(|time| time.map(Value::Number));
        filter = Filter::Range { field: "time".into(), from, to }.and(filter);
    }
    if let Ask::Trace { id } = &query.ask {
        filter = filter.and(Filter::is("trace_id", id.as_str()));
    }
    let (mut from, mut made, mut test) = (table, None, filter.clone());
    if table == Table::Edges {
        match Level::of(query, snapshot) {
            Level::Named => {}
            Level::Stored(seconds) => test = filter.and(Filter::is("resolution", seconds)),
            Level::Made(seconds) => {
                let (edges, requests) = Made::new(query, &filter, seconds)?;
                (from, made, test) = (Table::Requests, Some(edges), requests);
            }
        }
    }
    Ok(Scan {
        table,
        files: snapshot.segments.iter().filter(|segment| segment.meta.table == from).cloned().collect(),
        recent: recent(snapshot, from)?,
        test: Test::new(from, &test)?,
        made,
        cache,
        meter: Meter::new(limits.memory),
        threads: limits.threads.max(1),
        cancel,
    })
}

/// What is asked of all rows together.
fn answer(scan: &Scan<'_>, ask: &Ask) -> Answered {
    let table = scan.table;
    match ask {
        Ask::Rows { columns, order, limit, after } => {
            rows::run(scan, rows::Wanted::new(table, columns, order, *limit, *after)?)
        }
        Ask::Trace { .. } => {
            let order = Order { ascending: true, ..Order::default() };
            rows::run(scan, rows::Wanted::new(table, &[], &order, schema::query::MOST_ROWS, None)?)
        }
        // Its rows are told one by one.
        Ask::Each { .. } => Err(Error::Unfit("rows in no order are told in parts".into())),
        Ask::Groups { by, every, measures, order, limit } => {
            groups::run(scan, by, *every, measures, (*order, *limit))
        }
        Ask::Facets { fields, limit } => facets::run(scan, &Field::all(table, fields)?, *limit),
        Ask::HeatMap { every, field, bits } => heat::run(scan, Field::new(table, field)?, *every, *bits),
        Ask::Apart { selection, fields, limit } => {
            let fields =
                if fields.is_empty() { apart::comparable(table)? } else { Field::all(table, fields)? };
            apart::run(scan, &fields, &Test::new(table, selection)?, *limit)
        }
    }
}

type Answered = Result<(Outcome, schema::query::Scanned), Error>;

/// The rows in memory. Edges of requests that are in no file yet are made when they are asked for.
fn recent(snapshot: &Snapshot, table: Table) -> Result<Vec<Arc<arrow_array::RecordBatch>>, Error> {
    let mut batches = Vec::new();
    for recent in &snapshot.recent {
        if recent.table == table {
            batches.push(Arc::clone(&recent.rows));
        } else if table == Table::Edges && recent.table == Table::Requests {
            let edges = match recent.edges.get() {
                Some(edges) => Arc::clone(edges),
                None => {
                    let edges = Arc::new(rollup::edges(&recent.rows, &rollup::STORED)?);
                    Arc::clone(recent.edges.get_or_init(|| edges))
                }
            };
            batches.push(edges);
        }
    }
    Ok(batches)
}
