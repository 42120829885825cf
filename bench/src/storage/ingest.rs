//! Rows into a store.

use std::collections::VecDeque;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use schema::Table;
use schema::query::{Ask, Filter, Measure, Query};
use store::{Cancel, Config, Error, Store, Ticket};

use super::generator::{BATCH, Generator, HOUR, ROWS_AN_HOUR, Shape};
use crate::report::Report;

/// Batches that may be under way: as many as a few senders would have.
const UNDER_WAY: usize = 8;

/// What was sent, and what it took.
struct Sent {
    rows: u64,
    processor: Duration,
    clock: Duration,
}

/// Fills a store; what making the rows takes is not counted.
fn fill(store: &Store, generator: &mut Generator, rows: u64) -> anyhow::Result<Sent> {
    let (began, before) = (Instant::now(), processor(libc::CLOCK_PROCESS_CPUTIME_ID));
    let (mut making, mut sent) = (Duration::ZERO, 0);
    let mut under_way: VecDeque<Ticket> = VecDeque::new();
    while sent < rows {
        let from = processor(libc::CLOCK_THREAD_CPUTIME_ID);
        let (origin, batch) = generator.batch()?;
        making += processor(libc::CLOCK_THREAD_CPUTIME_ID) - from;
        sent += batch.num_rows() as u64;
        let ticket = loop {
            match store.submit(origin, Table::Requests, &batch) {
                Err(Error::Busy { .. }) => std::thread::sleep(Duration::from_millis(5)),
                result => break result?,
            }
        };
        under_way.push_back(ticket);
        if under_way.len() > UNDER_WAY {
            under_way.pop_front().context("a batch")?.wait()?;
        }
    }
    under_way.into_iter().try_for_each(Ticket::wait)?;
    store.flush()?;
    store.compact(|_| {})?;
    let processor = processor(libc::CLOCK_PROCESS_CPUTIME_ID) - before - making;
    Ok(Sent { rows: sent, processor, clock: began.elapsed() })
}

/// Fills the store that is asked afterwards; returns the id of a trace in it.
pub(super) fn full(report: &mut Report, folder: &Path, rows: u64) -> anyhow::Result<String> {
    eprintln!("store: {rows} rows");
    let (store, _) = Store::open(folder, Config::default())?;
    let mut generator = Generator::new(Shape::default());
    // One that is in the middle of it.
    let half = fill(&store, &mut generator, rows / 2)?;
    let trace = generator.trace();
    let rest = fill(&store, &mut generator, rows - rows / 2)?;
    drop(store);
    let sent = (half.rows + rest.rows) as f64;
    report.note("store_rows", "rows", sent);
    let processor = (half.processor + rest.processor).as_secs_f64();
    report.note("ingest_rows_per_second_per_core", "rows/s", sent / processor);
    report.note("ingest_rows_per_second", "rows/s", sent / (half.clock + rest.clock).as_secs_f64());
    report.note("bytes_per_request_row", "B", super::bytes(folder, "requests-")? as f64 / sent);
    report.note("bytes_per_request_row.edges", "B", super::bytes(folder, "edges-")? as f64 / sent);
    Ok(trace)
}

/// A store that is kept, whose last requests are of now; returns the id of a trace in it.
pub(crate) fn keep(folder: &Path, rows: u64, services: usize) -> anyhow::Result<String> {
    std::fs::create_dir_all(folder)?;
    let (store, _) = Store::open(folder, Config::default())?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos() as i64;
    let start = now - (rows as f64 / ROWS_AN_HOUR * HOUR) as i64;
    let mut generator = Generator::new(Shape { services, start, ..Shape::default() });
    let sent = fill(&store, &mut generator, rows)?;
    eprintln!("{} requests of {services} services in {}", sent.rows, folder.display());
    Ok(generator.trace())
}

/// The same rows without paths and ids.
pub(super) fn lean(report: &mut Report, rows: u64) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (store, _) = Store::open(folder.path(), Config::default())?;
    let sent = fill(&store, &mut Generator::new(Shape { lean: true, ..Shape::default() }), rows)?;
    drop(store);
    let bytes = super::bytes(folder.path(), "requests-")? as f64;
    report.note("bytes_per_request_row.lean", "B", bytes / sent.rows as f64);
    Ok(())
}

/// So many rows a second, with questions between them.
pub(super) fn steady(report: &mut Report, rate: u64, seconds: u64) -> anyhow::Result<()> {
    eprintln!("store: {rate} rows/s for {seconds} s");
    let folder = tempfile::tempdir()?;
    // What was the most before counts no more.
    std::fs::write("/proc/self/clear_refs", "5").context("/proc/self/clear_refs")?;
    let (store, _) = Store::open(folder.path(), Config::default())?;
    let mut generator = Generator::new(Shape::default());
    let (began, mut sent, mut asked) = (Instant::now(), 0, Instant::now());
    while began.elapsed() < Duration::from_secs(seconds) {
        let due = (began.elapsed().as_secs_f64() * rate as f64) as u64;
        if sent < due {
            let (origin, batch) = generator.batch()?;
            store.append(origin, Table::Requests, &batch)?;
            sent += BATCH as u64;
        } else if asked.elapsed() > Duration::from_millis(500) {
            asked = Instant::now();
            store.query(&by_service(), &Cancel::default())?;
        } else {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    report.note("store_memory_mb", "MB", most_memory()?);
    Ok(())
}

/// The most memory that this process had since that was last forgotten: MB.
fn most_memory() -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("VmHWM")?;
    let kilobytes: f64 = most.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes / 1024.0)
}

fn by_service() -> Query {
    let measures = vec![Measure::Count, Measure::Percentile { field: "duration".into(), percent: 99.0 }];
    let by = vec!["service.name".into()];
    let ask = Ask::Groups { by, every: Some(60_000_000_000), measures, order: None, limit: 10_000 };
    Query { table: Table::Requests, from: None, to: None, filter: Filter::All, ask }
}

/// Processor time of this thread or process.
pub(crate) fn processor(clock: libc::clockid_t) -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for the result; both clocks exist on every Linux.
    unsafe { libc::clock_gettime(clock, &mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
