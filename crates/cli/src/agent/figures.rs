//! What Weir tells about itself.

use std::fs;

use probes::{Losses, Purpose};
use signals::agent as metrics;
use signals::{Cell, Figures, Metric, Point};

use super::Agent;
use super::budget::{self, Keeper};
use super::http::Endpoint;
use super::meter::Meter;
use super::reload::Reloads;
use super::takeover::Outcome;

/// Writes the figures anew, as they are now.
pub(super) fn renew(
    (agent, keeper): (&Agent, &Keeper),
    meter: &Meter,
    endpoint: Option<&Endpoint>,
    reloads: &Reloads,
    takeover: &Outcome,
) {
    // What asks the kernel comes before the lock.
    let losses = agent.capture().losses();
    let programs = agent.capture().programs();
    let cpu_time = cpu_time();
    let kept = keeper.figures(agent);
    let resident = budget::own(&kept.memory);
    let state = meter.state();
    let mut state = state.lock();
    let series: Vec<_> = state.requests.counts().chain(state.connections.counts()).collect();
    let figures = &mut state.figures;
    figures.clear();
    seen(agent, &losses, takeover, &mut |metric, cells, value| count(figures, metric, cells, value));
    let mut set = |metric, cells: &[&str], value| count(figures, metric, cells, value);
    set(&metrics::MEMORY, &["resident"], resident);
    set(&metrics::MEMORY, &["maps"], kept.memory.kernel(kept.sockets));
    set(&metrics::MEMORY, &["rings"], kept.memory.rings);
    set(&metrics::BUDGET_STAGE, &[], kept.stage as u64);
    set(&metrics::BUDGET_MEMORY_LIMIT, &[], kept.limits.memory);
    set(&metrics::BUDGET_EXHAUSTED, &[], u64::from(kept.exhausted));
    kept.left_out.iter().for_each(|(what, count)| set(&metrics::BUDGET_LEFT_OUT, &[what], *count));
    kept.changes.iter().for_each(|(cause, count)| set(&metrics::BUDGET_CHANGES, &[cause], *count));
    for (metric, count, others) in series {
        set(&metrics::SERIES, &[metric.name], count as u64);
        set(&metrics::SERIES_OVERFLOWED, &[metric.name], others.overflowed);
        set(&metrics::SERIES_EXPIRED, &[metric.name], others.expired);
    }
    set(&metrics::TAKEOVERS, &["complete"], takeover.complete);
    set(&metrics::TAKEOVERS, &["broken off"], takeover.broken_off);
    let (too_many, too_slow) = endpoint.map_or((0, 0), Endpoint::closed);
    set(&metrics::HTTP_CLOSED, &["too many"], too_many);
    set(&metrics::HTTP_CLOSED, &["too slow"], too_slow);
    set(&metrics::RELOADS, &["success"], reloads.succeeded);
    set(&metrics::RELOADS, &["failure"], reloads.failed);
    set(&metrics::RELOAD_SUCCESS, &[], u64::from(reloads.is_in_force));
    for (unit, on) in agent.capture().units() {
        set(&metrics::BPF_ON, &[unit.as_str()], u64::from(on));
    }
    for program in &programs {
        set(&metrics::BPF_RUNS, &[&program.name], program.runs);
    }
    for program in &programs {
        let time = Point::Number(program.run_time as f64 / 1e9);
        figures.set(&metrics::BPF_RUN_TIME, &[Cell::text(&program.name)], time);
    }
    for (metric, value) in [
        (&metrics::RELOAD_TIME, reloads.at as f64 / 1e9),
        (&metrics::CPU_TIME, cpu_time),
        (&metrics::BPF_CPU_TIME, kept.programs as f64 / 1e9),
        (&metrics::BUDGET_SHARE, kept.share),
        (&metrics::BUDGET_CPU, kept.cpu),
        (&metrics::BUDGET_CPU_LIMIT, kept.limits.cpu),
    ] {
        figures.set(metric, &[], Point::Number(value));
    }
    if let Some(took) = takeover.took {
        figures.set(&metrics::TAKEOVER_TIME, &[], Point::Number(took));
    }
    if let Some(exporter) = meter.exporter() {
        exporter.figures(figures);
    }
}

fn count(figures: &mut Figures, metric: &'static Metric, cells: &[&str], value: u64) {
    let cells: Vec<Cell<'_>> = cells.iter().map(|cell| Cell::text(cell)).collect();
    figures.set(metric, &cells, Point::Count(value));
}

/// What was seen, and what was not.
fn seen(
    agent: &Agent,
    losses: &Losses,
    takeover: &Outcome,
    set: &mut impl FnMut(&'static Metric, &[&str], u64),
) {
    let counters = agent.analyzer().counters();
    let report = agent.capture().report();
    let way = |purpose| report.chosen(purpose).map_or("", |backend| backend.as_str());
    let ways = [way(Purpose::TcpSent), way(Purpose::Received)];
    set(&metrics::INFO, &[env!("CARGO_PKG_VERSION"), &report.host.release, ways[0], ways[1]], 1);
    agent.events().iter().for_each(|(kind, count)| set(&metrics::EVENTS, &[kind], *count));
    losses.lost().iter().for_each(|(cause, count)| set(&metrics::LOST, &["kernel", cause], *count));
    losses.gaps().iter().for_each(|(cause, count)| set(&metrics::LOST, &["kernel", cause], *count));
    set(&metrics::LOST, &["analysis", "connection not known"], counters.orphan_chunks);
    set(&metrics::LOST, &["analysis", "spoke at the start"], counters.early_chunks);
    set(&metrics::LOST, &["analysis", "forgotten while waiting"], counters.forgotten_waiting);
    set(&metrics::LOST, &["analysis", "missed at a take-over"], takeover.missed);
    set(&metrics::LOST_BYTES, &["event lost"], counters.lost_bytes);
    set(&metrics::LOST_BYTES, &["beyond what is captured"], counters.uncaptured_bytes);
    set(&metrics::REQUESTS, &[], counters.requests);
    counters.unparsed.iter().for_each(|(protocol, count)| set(&metrics::PARSE_ERRORS, &[protocol], *count));
    set(&metrics::CONNECTIONS, &[], agent.analyzer().connections() as u64);
    counters.left_alone.iter().for_each(|(reason, count)| set(&metrics::LEFT_ALONE, &[reason], *count));
    set(&metrics::FORGOTTEN, &[], counters.forgotten);
    set(&metrics::PAIRED, &[], counters.paired);
    if let Some(tcp) = agent.tcp() {
        set(&metrics::ENDS, &["summed"], tcp.connections.totals().summed);
        set(&metrics::ENDS, &["one by one"], losses.unsummed);
    }
}

/// CPU time of this process: seconds.
pub(crate) fn cpu_time() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for the result; the clock exists on every Linux.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Memory of this process that is in use: bytes. See proc_pid_statm(5).
pub(crate) fn resident() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split_ascii_whitespace().nth(1)?.parse().ok()?;
    // SAFETY: has no preconditions.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    Some(pages * u64::try_from(page).ok()?)
}
