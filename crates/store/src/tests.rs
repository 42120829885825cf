//! Tests of the whole.

#![allow(clippy::unwrap_used)] // the helpers of a test are tests

mod crashes;
mod damage;
mod edges;
mod hooked;
mod life;
mod naive;
mod questions;
mod streams;
mod versions;

use std::sync::Arc;
use std::time::Duration;

use arrow_array::RecordBatch;
use schema::query::{Ask, Cell, Filter, Order, Outcome, Query};
use schema::{Rows, Table};

use crate::config::Config;
use crate::disk::Disk;
use crate::engine::Engine;
use crate::log::Origin;
use crate::query::{Cancel, Limits, Snapshot, run};
use crate::{Error, open};

/// Small files, so that there are many.
fn config() -> Config {
    Config {
        flush_rows: 1000,
        row_group: 256,
        flush_every: Duration::from_secs(3600),
        query_threads: 2,
        ..Config::default()
    }
}

fn place(table: Table, name: &str) -> usize {
    table.column(name).unwrap().0
}

/// Lines of a log whose texts are these, a second apart.
fn lines(texts: &[&str]) -> RecordBatch {
    let mut rows = Rows::new(Table::Logs);
    for (number, text) in texts.iter().enumerate() {
        rows.number(place(Table::Logs, "time"), 1_700_000_000_000_000_000 + number as i64 * 1_000_000_000);
        rows.text(place(Table::Logs, "service.name"), "shop");
        rows.text(place(Table::Logs, "body"), text);
        rows.end().unwrap();
    }
    rows.finish().unwrap()
}

fn origin(sequence: u64) -> Origin {
    Origin { source: 7, sequence }
}

fn opened(disk: &Arc<dyn Disk>) -> Result<Engine, Error> {
    open::open(Arc::clone(disk), config()).map(|(engine, _)| engine)
}

fn ask(engine: &Engine, query: &Query) -> Result<schema::query::Answer, Error> {
    let snapshot = {
        let state = engine.state();
        Snapshot { segments: state.segments.values().cloned().collect(), recent: state.recent.clone() }
    };
    let limits = Limits { memory: 64 << 20, threads: 2 };
    run(&snapshot, query, &engine.cache, limits, &Cancel::default())
}

fn all_rows(table: Table, columns: &[&str]) -> Query {
    let columns = columns.iter().map(|column| (*column).to_owned()).collect();
    let ask = Ask::Rows { columns, order: Order::default(), limit: 50_000, after: None };
    Query { table, from: None, to: None, filter: Filter::All, ask }
}

/// The texts of all lines, in order, and what could not be read.
fn texts(engine: &Engine) -> (Vec<String>, Vec<String>) {
    let answer = ask(engine, &all_rows(Table::Logs, &["body"])).unwrap();
    let Outcome::Rows { rows, .. } = answer.outcome else { panic!("no rows") };
    let text = |row: Vec<Cell>| match row.into_iter().next() {
        Some(Cell::Text(text)) => text,
        other => panic!("no text: {other:?}"),
    };
    let mut texts: Vec<String> = rows.into_iter().map(text).collect();
    texts.sort();
    (texts, answer.scanned.damaged)
}

/// Numbers that look random and are the same every time.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, most: u64) -> u64 {
        self.next() % most
    }

    pub(crate) fn of<'a, T>(&mut self, values: &'a [T]) -> &'a T {
        &values[self.below(values.len() as u64) as usize]
    }
}
