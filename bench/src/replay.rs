//! The agent without the kernel: events that were recorded from a real load go through all that comes after decoding, the metrics
//! included, as fast as one processor can. The figure:
//! `replay_requests_per_second.WORKLOAD` is how many records come out of a second of its time.

use std::path::Path;

use anyhow::{Context as _, ensure};
use model::time::ClockReading;
use recording::Entry;
use requests::Analyzer;
use signals::Limits;
use weir_cli::agent::Sink as _;
use weir_cli::agent::meter::Meter;
use workload::{Listeners, NoNames, Processes, Source, UnixSockets};

use crate::agent::Agent;
use crate::load::Load;
use crate::report::Report;

/// Events after which the agent passes on the requests that finished: about as many as it reads in one go.
const PORTION: usize = 1000;

/// Records a turn of `load`, then replays it.
pub(crate) fn measure(report: &mut Report, name: &str, load: &mut Load, rounds: u32) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("events");
    let agent = Agent::recording(load.port(), &file)?;
    let turn = load.turn()?;
    agent.settle()?;
    agent.stop()?;
    let requests = replay_file(report, name, &file, rounds)?;
    // The recorder is slow, and what it misses is no request.
    ensure!(requests > turn.requests / 2, "{requests} records of {} requests", turn.requests);
    Ok(())
}

/// Replays what is in `file`; returns how many records came of it.
pub(crate) fn replay_file(report: &mut Report, name: &str, file: &Path, rounds: u32) -> anyhow::Result<u64> {
    let bytes = std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    let entries = recording::entries(&bytes).with_context(|| format!("reading {}", file.display()))?;
    let mut requests = 0;
    for _ in 0..rounds {
        let before = processor_time();
        requests = replay(&entries);
        let took = (processor_time() - before) as f64 / 1e9;
        report.note(&format!("replay_requests_per_second.{name}"), "requests/s", requests as f64 / took);
    }
    Ok(requests)
}

/// Returns how many requests were counted.
fn replay(entries: &[Entry<'_>]) -> u64 {
    let processes =
        Processes::new(Source::Recorded, Default::default(), Box::new(NoNames), workload::Limits::default());
    let sockets = (Listeners::new(None), UnixSockets::new(None));
    let mut analyzer = Analyzer::new(requests::Config::default(), processes, sockets);
    let meter = Meter::new(Limits::default(), ClockReading { monotonic: 1, wall: 1 });
    let mut now = 0;
    for (place, entry) in entries.iter().enumerate() {
        match entry {
            Entry::Clock(clock) => {
                now = clock.monotonic;
                analyzer.set_clock(ClockReading { ..*clock });
            }
            Entry::Facts(facts) => analyzer.learn((**facts).clone()),
            Entry::Event(event) => analyzer.event(event),
        }
        if place % PORTION == 0 {
            pass_on(&mut analyzer, &meter, now);
        }
    }
    pass_on(&mut analyzer, &meter, now);
    analyzer.counters().requests
}

fn pass_on(analyzer: &mut Analyzer, meter: &Meter, now: u64) {
    analyzer.tick(now);
    analyzer.take_instructions().for_each(drop);
    meter.write(analyzer.take_batch(meter.used_batch()));
}

/// Of this thread: nanoseconds.
fn processor_time() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for the result; the clock exists on every Linux.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
