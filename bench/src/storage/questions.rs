//! Questions to a store, and the same ones to DuckDB.

use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use model::names;
use schema::Table;
use schema::query::{Ask, Filter, Measure, Order, Outcome, Query};
use store::{Cancel, Config, Store};

use super::generator::START;
use crate::report::Report;

const MINUTE: i64 = 60_000_000_000;
/// The service that has most requests.
const SERVICE: &str = "service-00";

/// A question.
struct Asked {
    name: &'static str,
    query: Query,
    /// The same for DuckDB; `{requests}` and `{edges}` are the files. Its first value is how many rows it is about.
    sql: Option<String>,
}

pub(super) fn measure(report: &mut Report, folder: &Path, trace: &str, rounds: u32) -> anyhow::Result<()> {
    let asked = questions(trace);
    let mut counts = Vec::new();
    for asked in &asked {
        for _ in 0..rounds {
            forget(folder)?;
            let (store, _) = Store::open(folder, Config::default())?;
            let (_, cold) = ask(&store, &asked.query)?;
            report.note(&format!("query_ms.{}.cold", asked.name), "ms", cold);
            let (count, warm) = ask(&store, &asked.query)?;
            report.note(&format!("query_ms.{}", asked.name), "ms", warm);
            counts.push((asked.name, count));
        }
        eprintln!("store: {} done", asked.name);
    }
    for asked in &asked {
        let Some(sql) = &asked.sql else { continue };
        let count = counts.iter().find(|(name, _)| *name == asked.name).map_or(0, |(_, count)| *count);
        // Each time in a process that has just begun.
        for _ in 0..rounds {
            forget(folder)?;
            let Some((own, times)) = duckdb(folder, sql, 1)? else {
                eprintln!("store: no DuckDB: Python has no module duckdb");
                return Ok(());
            };
            ensure!(own == count, "{}: DuckDB counts {own}, the store {count}", asked.name);
            let name = format!("duckdb_ms.{}.cold", asked.name);
            times.into_iter().for_each(|time| report.note(&name, "ms", time));
        }
        if let Some((_, times)) = duckdb(folder, sql, rounds + 1)? {
            let name = format!("duckdb_ms.{}", asked.name);
            times.into_iter().skip(1).for_each(|time| report.note(&name, "ms", time));
        }
    }
    Ok(())
}

/// Rows that the answer is about, and the milliseconds that it took.
fn ask(store: &Store, query: &Query) -> anyhow::Result<(u64, f64)> {
    let began = Instant::now();
    let answer = store.query(query, &Cancel::default())?;
    let took = began.elapsed().as_secs_f64() * 1e3;
    ensure!(answer.scanned.damaged.is_empty(), "{:?}", answer.scanned.damaged);
    let count = match &answer.outcome {
        Outcome::Groups { groups, .. } => {
            groups.iter().map(|group| group.measures[0].unwrap_or(0.0) as u64).sum()
        }
        Outcome::Rows { rows, .. } => rows.len() as u64,
        _ => answer.scanned.matched,
    };
    Ok((count, took))
}

/// Rate, errors and times of each minute.
fn by_minute() -> Ask {
    let percentile = |percent| Measure::Percentile { field: "duration".into(), percent };
    let measures =
        vec![Measure::Count, Measure::Errors, percentile(50.0), percentile(95.0), percentile(99.0)];
    Ask::Groups { by: Vec::new(), every: Some(MINUTE), measures, order: None, limit: 1000 }
}

fn questions(trace: &str) -> Vec<Asked> {
    let all = |table, filter, ask| Query { table, from: None, to: None, filter, ask };
    let hour = |table, filter| Query {
        from: Some(START),
        to: Some(START + 60 * MINUTE),
        ..all(table, filter, by_minute())
    };
    let is = |field: &str, value: &str| Filter::is(field, value);
    let time = "epoch_ns(time)";
    let end = START + 60 * MINUTE;
    let attribute =
        is("weir.client.address", "10.0.3.7").and(Filter::is(names::HTTP_RESPONSE_STATUS_CODE, 500));
    let count =
        Ask::Groups { by: Vec::new(), every: None, measures: vec![Measure::Count], order: None, limit: 1 };
    let newest = Ask::Rows { columns: Vec::new(), order: Order::default(), limit: 100, after: None };
    vec![
        Asked {
            name: "newest",
            query: all(Table::Requests, Filter::All, newest),
            sql: Some(
                "select 100, * exclude (time) from (select * from {requests} order by time desc limit 100)"
                    .into(),
            ),
        },
        Asked {
            name: "trace",
            query: all(Table::Requests, Filter::All, Ask::Trace { id: trace.into() }),
            sql: Some(format!(
                "select count(*) over (), * exclude (time) from {{requests}} where trace_id = from_hex('{trace}') order by time"
            )),
        },
        Asked {
            name: "service_hour",
            query: hour(Table::Requests, is(names::SERVICE_NAME, SERVICE)),
            sql: Some(format!(
                "select sum(count(*)) over (), epoch_ns(time) // 60000000000 m, count(\"error.type\"), \
                 quantile_cont(duration, [0.5, 0.95, 0.99]) from {{requests}} \
                 where \"service.name\" = '{SERVICE}' and {time} >= {START} and {time} < {end} group by m order by m"
            )),
        },
        Asked {
            name: "service_hour.rollup",
            query: hour(Table::Edges, is(names::SERVER, SERVICE).and(Filter::is("resolution", 60))),
            sql: None,
        },
        Asked {
            name: "attribute_scan",
            query: all(Table::Requests, attribute, count),
            sql: Some(
                "select count(*) from {requests} where \"weir.client.address\" = '10.0.3.7' \
                 and \"http.response.status_code\" = 500"
                    .into(),
            ),
        },
        Asked {
            name: "heat_map",
            query: all(
                Table::Requests,
                Filter::All,
                Ask::HeatMap { every: MINUTE, field: "duration".into(), bits: 0 },
            ),
            sql: Some(
                "select sum(count(*)) over (), epoch_ns(time) // 60000000000 m, \
                 floor(log2(greatest(duration, 1))) b from {requests} group by m, b"
                    .into(),
            ),
        },
        facets(),
    ]
}

/// The values of some fields of all rows.
fn facets() -> Asked {
    let fields = [names::HTTP_RESPONSE_STATUS_CODE, names::HTTP_ROUTE, names::SERVER, names::ERROR_TYPE];
    let sql = fields.map(|field| {
        format!("select sum(c) from (select \"{field}\", count(*) c from {{requests}} group by 1)")
    });
    let ask = Ask::Facets { fields: fields.map(str::to_owned).to_vec(), limit: 20 };
    let query = Query { table: Table::Requests, from: None, to: None, filter: Filter::All, ask };
    Asked { name: "facets", query, sql: Some(sql.join("; ")) }
}

/// Drops the files from the page cache.
fn forget(folder: &Path) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let file = std::fs::File::open(entry?.path())?;
        file.sync_all()?;
        // SAFETY: the descriptor is that of an open file; it is advice only.
        unsafe { libc::posix_fadvise(file.as_raw_fd(), 0, 0, libc::POSIX_FADV_DONTNEED) };
    }
    Ok(())
}

const SCRIPT: &str = "
import sys, time, glob
try:
    import duckdb
except ImportError:
    sys.exit(3)
folder, sql, rounds, threads = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
connection = duckdb.connect(config={'threads': threads})
for name in ('requests', 'edges'):
    sql = sql.replace('{' + name + '}', f\"read_parquet('{folder}/{name}-*.parquet')\")
for _ in range(rounds):
    began = time.monotonic()
    for statement in sql.split('; '):
        rows = connection.execute(statement).fetchall()
    took = (time.monotonic() - began) * 1e3
    print(int(rows[0][0]) if rows else 0, took)
";

/// What DuckDB counts, and the milliseconds of each round; none where it is not there.
fn duckdb(folder: &Path, sql: &str, rounds: u32) -> anyhow::Result<Option<(u64, Vec<f64>)>> {
    let threads = Config::default().query_threads.to_string();
    let folder = folder.to_str().context("the folder's name")?;
    let run =
        Command::new("python3").args(["-c", SCRIPT, folder, sql, &rounds.to_string(), &threads]).output();
    let run = match run {
        Ok(run) if run.status.code() == Some(3) => return Ok(None),
        Err(_) => return Ok(None),
        Ok(run) => run,
    };
    ensure!(run.status.success(), "DuckDB: {}", String::from_utf8_lossy(&run.stderr));
    let text = String::from_utf8(run.stdout)?;
    let mut count = 0;
    let mut times = Vec::new();
    for line in text.lines() {
        let (own, time) = line.split_once(' ').context("DuckDB's line")?;
        count = own.parse()?;
        times.push(time.parse()?);
    }
    Ok(Some((count, times)))
}
