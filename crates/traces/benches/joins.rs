//! What joining costs a record, beside what passing it on unjoined costs: a client and a server on one host, as a load generator and its server.

use std::collections::VecDeque;
use std::time::Instant;

use common::{MS, Side, client, server};
use model::Request;
use model::begun::{Finished, Note};
use traces::{Config, Joiner};

#[path = "../tests/common/mod.rs"]
mod common;

/// Exchanges of a run, with two sides each.
const EXCHANGES: u64 = 400_000;
/// Those that are under way at a time.
const CONNECTIONS: u64 = 16;
/// Records of a batch.
const BATCH: usize = 500;
const ROUNDS: usize = 5;

fn main() {
    for rate in [1_000, 10_000, 80_000] {
        let (mut joined, mut passed): (Vec<f64>, Vec<f64>) =
            (0..ROUNDS).map(|_| (join(rate), pass())).unzip();
        joined.sort_by(f64::total_cmp);
        passed.sort_by(f64::total_cmp);
        let (joined, passed) = (joined[ROUNDS / 2], passed[ROUNDS / 2]);
        println!(
            "{rate} requests/s: {joined:.0} ns a record, {passed:.0} without joins, ratio {:.1}",
            joined / passed
        );
    }
}

/// Both sides of an exchange.
fn sides(number: u64, rate: u64) -> [Side; 2] {
    let step = 1_000 * MS / rate;
    let (at, connection) = (1_000 * MS + number * step, number % CONNECTIONS);
    let place = |side: Side, begin: u64, end: u64| {
        let mut side = side.key(number).wire(connection + 1, number as u32);
        (side.begun.time, side.begun.first) = (begin, begin);
        (side.answered, side.ended) = (end, end);
        side
    };
    let asked =
        place(client("GET /", connection * 2 + 1, (1, 1), [0, 0]), at, at + step * CONNECTIONS * 9 / 10);
    let served = place(
        server("GET /", connection * 2 + 2, (2, 2), [0, 0]),
        at + step,
        at + step * CONNECTIONS * 8 / 10,
    );
    [asked, served]
}

/// Nanoseconds a record; what it takes to make the records is not counted.
fn join(rate: u64) -> f64 {
    let mut joiner = Joiner::new(Config::default());
    let (mut out, mut told) = (Vec::new(), 0);
    let mut time = 0.0;
    let mut number = 0;
    while number < EXCHANGES {
        let batch: Vec<Side> = (0..BATCH as u64 / 2).flat_map(|more| sides(number + more, rate)).collect();
        number += BATCH as u64 / 2;
        let records: Vec<(Request, Finished)> = batch.iter().map(Side::finished).collect();
        let known_until = batch.last().map_or(0, |side| side.begun.time);
        let began = Instant::now();
        for side in &batch {
            joiner.note(Note::Begun(side.begun));
            joiner.note(Note::Answered(side.begun.connection, side.answered));
        }
        for (request, finished) in records {
            joiner.finished(request, finished, &mut out);
        }
        joiner.advance(known_until, &mut out);
        time += began.elapsed().as_nanos() as f64;
        told += out.len();
        out.clear();
    }
    joiner.end(&mut out);
    told += out.len();
    assert_eq!(told as u64, number * 2, "every record comes out once");
    assert!(joiner.counters().joined.iter().sum::<u64>() >= number * 9 / 10, "{:?}", joiner.counters());
    time / told as f64
}

/// The same records through a queue.
fn pass() -> f64 {
    let (mut queue, mut time, mut told) = (VecDeque::new(), 0.0, 0usize);
    for number in 0..EXCHANGES / 10 {
        let records = sides(number, 1_000).map(|side| side.finished().0);
        let began = Instant::now();
        queue.extend(records.map(Box::new));
        if queue.len() > BATCH {
            told += queue
                .drain(..)
                .map(|request| usize::from(std::hint::black_box(*request).duration > 0))
                .sum::<usize>();
        }
        time += began.elapsed().as_nanos() as f64;
    }
    time / told.max(1) as f64
}
