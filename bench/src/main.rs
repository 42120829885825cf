//! What Weir costs the system that it observes, and how much of it it sees.
//!
//! Rounds without Weir and with it take turns, on servers that stay up, and every ratio is of a turn with Weir and the two without
//! it right before and behind, so that a noisy machine disturbs both alike. The server stays on the first processor, the client on
//! the last, and the agent shares the client's: it has to get by with what a busy machine leaves it. Figures, medians over the rounds:
//!
//! | figure | is |
//! |---|---|
//! | `kernel_ns_per_request` | the kernel's own account of Weir's programs (`run_time_ns`) over a turn, by requests and by 2, because both sides of every request are on this host. In turns of their own: taking the time costs time. |
//! | `server_cpu_ratio` | the server's CPU time (schedstat; of PostgreSQL and MariaDB in ticks of 10 ms) a request, with Weir by without |
//! | `server_cpu_added_us` | the same, as a difference |
//! | `throughput_ratio` | requests a second by the client's clock, with Weir by without |
//! | `agent_cpu_us_per_request` | the agent's CPU time from before the turn until it is quiet, by records shown (two a request) |
//! | `agent_cpu_us_per_request.metrics_only` | the same of `weir agent`, by the requests that it counted (two a request, and whatever else the host does); of the workload `http`, with the workload's name of the others |
//! | `seen_ratio` | records shown by twice the client's count, at full speed |
//! | `lost_ratio` | events that the agent counted as lost, likewise |
//! | `capture_ns`, `capture_ratio` | see [`pair`] |
//! | `agent_memory_mb` | see [`memory`] |
//! | `agent_cpu_percent.idle` | see [`idle`] |
//! | `replay_requests_per_second` | see [`replay`] |
//! | `api_ms.*`, `server_memory_mb` | see [`api`] |
//! | `otlp_spans_per_second_per_core`, `server_memory_mb.otlp` | see [`otlp`] |
//! | `ingest_rows_per_second_per_core`, `bytes_per_request_row`, `query_ms`, ... | see [`storage`] |

mod agent;
mod api;
mod host;
mod idle;
mod load;
mod memory;
mod otlp;
mod pair;
mod replay;
mod report;
mod server;
mod storage;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;

use agent::Agent;
use load::{Load, Turn, Workload};
use report::Report;

#[derive(Debug, Parser)]
#[command(about = "Measures what Weir costs and sees; needs root, nginx, wrk, redis and taskset")]
struct Arguments {
    /// Rounds of everything but memory.
    #[arg(long, default_value_t = 8)]
    rounds: u32,
    /// Seconds of load in a turn.
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// Only these: http, redis_p1, redis_p16, postgres, mysql, capture, replay, idle, memory, store, otlp, api.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Nothing but a replay of this recording (of `weir dev capture`).
    #[arg(long, value_name = "FILE")]
    replay: Option<PathBuf>,
    /// Let the scheduler place the agent, instead of on the client's processor.
    #[arg(long)]
    free_agent: bool,
    /// Open connections in the measurement of memory.
    #[arg(long, default_value_t = 10_000)]
    connections: usize,
    /// Rows of the store that is measured.
    #[arg(long, default_value_t = 2_000_000)]
    store_rows: u64,
    /// Spans that are sent by OTLP.
    #[arg(long, default_value_t = 6_000_000)]
    otlp_spans: u64,
    /// Nothing but a store in this folder, of `--store-rows` requests up to now, to look at with `weir server`.
    #[arg(long, value_name = "FOLDER")]
    make_store: Option<PathBuf>,
    /// Services of that store.
    #[arg(long, default_value_t = 50)]
    services: usize,
    /// Where the figures are written.
    #[arg(long, default_value = "bench/out/latest.json")]
    out: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let wants = |name: &str| arguments.only.is_empty() || arguments.only.iter().any(|only| only == name);
    let mut report = Report::default();
    if let Some(folder) = &arguments.make_store {
        return storage::keep(folder, arguments.store_rows, arguments.services).map(drop);
    }
    if let Some(file) = &arguments.replay {
        replay::replay_file(&mut report, "file", file, arguments.rounds)?;
        println!("{report}");
        return Ok(());
    }
    let processors = host::processors();
    let (first, last) = (processors[0], processors[processors.len() - 1]);
    let place = Place { server: first, client: last, agent: (!arguments.free_agent).then_some(last) };
    host::raise_descriptors(arguments.connections as u64 + 2100)?;
    host::note_others(&mut report);
    let mut loads = Vec::new();
    let needed = |workload: &Workload| wants(workload.name()) || wants("replay");
    for workload in Workload::ALL.into_iter().filter(needed) {
        let load = Load::start(workload, Some(place.server), Some(place.client), arguments.seconds);
        loads.push((workload, load.with_context(|| workload.name())?));
    }
    for number in 0..arguments.rounds {
        host::note_load(&mut report);
        for (workload, load) in loads.iter_mut().filter(|(workload, _)| wants(workload.name())) {
            eprintln!("round {} of {}: {}", number + 1, arguments.rounds, workload.name());
            round(&mut report, workload.name(), load, place).with_context(|| workload.name())?;
        }
        if wants("capture") {
            eprintln!("round {} of {}: capture", number + 1, arguments.rounds);
            pair::round(&mut report, number, Duration::from_secs(arguments.seconds), [first, last])
                .context("capture")?;
        }
        // What is there by now is not lost if a later round fails.
        report.write(&arguments.out)?;
    }
    for (workload, load) in &mut loads {
        if wants("replay") {
            eprintln!("replay: {}", workload.name());
            replay::measure(&mut report, workload.name(), load, arguments.rounds).context("replay")?;
        }
    }
    drop(loads);
    if wants("idle") {
        idle::measure(&mut report).context("idle")?;
    }
    if wants("memory") {
        memory::measure(&mut report, arguments.connections).context("memory")?;
    }
    if wants("store") {
        let result = storage::measure(&mut report, arguments.store_rows, arguments.rounds).context("store");
        // What was measured before something failed is worth having.
        report.write(&arguments.out)?;
        result?;
    }
    if wants("api") {
        let result = api::measure(&mut report, arguments.store_rows, arguments.rounds).context("api");
        report.write(&arguments.out)?;
        result?;
    }
    if wants("otlp") {
        otlp::measure(&mut report, arguments.otlp_spans).context("otlp")?;
    }
    host::note_load(&mut report);
    report.write(&arguments.out)?;
    println!("{report}");
    Ok(())
}

/// Who is on which processor.
#[derive(Debug, Clone, Copy)]
struct Place {
    server: usize,
    client: usize,
    agent: Option<usize>,
}

/// One round of a workload: without the agent, with it, and without it again; then with the kernel's statistics.
fn round(report: &mut Report, name: &str, load: &mut Load, place: Place) -> anyhow::Result<()> {
    let before = load.turn()?;
    let weir = observed(report, name, load, place)?;
    let none = before.and(load.turn()?);
    let cpu = |turn: &Turn| turn.server_cpu as f64 / turn.requests as f64;
    report.note(&format!("throughput.none.{name}"), "requests/s", none.throughput);
    report.note(&format!("throughput_ratio.{name}"), "ratio", weir.throughput / none.throughput);
    report.note(&format!("server_cpu_us.none.{name}"), "us", cpu(&none) / 1e3);
    report.note(&format!("server_cpu_added_us.{name}"), "us", (cpu(&weir) - cpu(&none)) / 1e3);
    report.note(&format!("server_cpu_ratio.{name}"), "ratio", cpu(&weir) / cpu(&none));
    metrics_only(report, name, load, place)?;
    timed(report, name, load, place)
}

fn metrics_only(report: &mut Report, name: &str, load: &mut Load, place: Place) -> anyhow::Result<()> {
    let agent = Agent::with_metrics_only(place.agent)?;
    let before = agent.cpu()?;
    let turn = load.turn()?;
    agent.settle()?;
    let cpu = agent.cpu()? - before;
    let run = agent.stop()?;
    let figure = "agent_cpu_us_per_request.metrics_only";
    let figure = if name == "http" { figure.to_owned() } else { format!("{figure}.{name}") };
    report.note(&figure, "us", cpu as f64 / 1e3 / run.shown() as f64);
    let seen = run.shown() as f64 / (2.0 * turn.requests as f64);
    report.note(&format!("seen_ratio.metrics_only.{name}"), "ratio", seen);
    Ok(())
}

fn observed(report: &mut Report, name: &str, load: &mut Load, place: Place) -> anyhow::Result<Turn> {
    let agent = Agent::start(load.port(), place.agent)?;
    let before = agent.cpu()?;
    let turn = load.turn()?;
    agent.settle()?;
    let cpu = agent.cpu()? - before;
    let run = agent.stop()?;
    let sides = 2.0 * turn.requests as f64;
    report.note(&format!("agent_cpu_us_per_request.{name}"), "us", cpu as f64 / 1e3 / run.shown() as f64);
    // The client's own questions before the load, and what was under way at its end, are seen but not in its count.
    report.note(&format!("seen_ratio.{name}"), "ratio", run.shown() as f64 / sides);
    report.note(&format!("lost_ratio.{name}"), "ratio", run.lost() as f64 / sides);
    Ok(turn)
}

fn timed(report: &mut Report, name: &str, load: &mut Load, place: Place) -> anyhow::Result<()> {
    let agent = Agent::start(load.port(), place.agent)?;
    let statistics = host::program_statistics()?;
    let before = agent.programs();
    let turn = load.turn()?;
    let after = agent.programs();
    drop(statistics);
    agent.stop()?;
    let nanoseconds = (after.run_time - before.run_time) as f64;
    report.note(&format!("kernel_ns_per_request.{name}"), "ns", nanoseconds / turn.requests as f64 / 2.0);
    report.note(&format!("missed_runs.{name}"), "runs", (after.missed - before.missed) as f64);
    Ok(())
}
