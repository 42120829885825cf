//! Recordings of real servers, made by `scripts/record`, and what comes of their events.

#![allow(dead_code)] // each test uses some of it

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use model::Request;
use model::event::Event;
use recording::{Entry, Reader};
use requests::{Analyzer, Config, Counters};
use workload::{Limits, Listeners, NoNames, Processes, Source, UnixSockets};

/// All recordings.
pub(crate) fn recordings() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "events"));
    paths.sort();
    paths
}

/// The protocol that is spoken in a recording; `None` where Weir does not know it.
pub(crate) fn protocol(path: &Path) -> Option<&str> {
    match path.file_stem()?.to_str()?.split('_').next()? {
        "unknown" => None,
        "nginx" => Some("http"),
        name => Some(name),
    }
}

/// What comes of a recording's events; those that `change` takes away did not happen.
pub(crate) fn replay(
    path: &Path,
    change: impl FnMut(Event<'_>) -> Option<Event<'_>>,
) -> (Vec<Request>, Counters) {
    replay_with(Config::default(), path, change)
}

/// The same with other settings.
pub(crate) fn replay_with(
    config: Config,
    path: &Path,
    mut change: impl FnMut(Event<'_>) -> Option<Event<'_>>,
) -> (Vec<Request>, Counters) {
    replay_telling(config, path, &mut change)
}

/// What stands between a recording and the analysis.
pub(crate) trait Kernel {
    /// An event as it is told, if it is; others may be told here before it. The analysis may have instructions.
    fn tell<'e>(&mut self, event: Event<'e>, analyzer: &mut Analyzer) -> Option<Event<'e>>;

    /// The recording is over.
    fn end(&mut self, _analyzer: &mut Analyzer) {}
}

impl<F: FnMut(Event<'_>) -> Option<Event<'_>>> Kernel for F {
    fn tell<'e>(&mut self, event: Event<'e>, _analyzer: &mut Analyzer) -> Option<Event<'e>> {
        self(event)
    }
}

/// The same by another kernel side.
pub(crate) fn replay_telling(
    config: Config,
    path: &Path,
    kernel: &mut impl Kernel,
) -> (Vec<Request>, Counters) {
    let mut reader = Reader::new(BufReader::new(File::open(path).unwrap())).unwrap();
    let processes =
        Processes::new(Source::Recorded, workload::Config::default(), Box::new(NoNames), Limits::default());
    let mut analyzer = Analyzer::new(config, processes, (Listeners::new(None), UnixSockets::new(None)));
    let mut requests = Vec::new();
    while let Some(entry) = reader.read().unwrap() {
        match entry {
            Entry::Clock(clock) => {
                analyzer.set_clock(clock);
                analyzer.tick(clock.monotonic);
            }
            Entry::Facts(facts) => analyzer.learn(*facts),
            Entry::Event(event) => {
                if let Some(event) = kernel.tell(event, &mut analyzer) {
                    analyzer.event(&event);
                }
            }
        }
        requests.append(&mut analyzer.take_batch(Vec::new()));
    }
    kernel.end(&mut analyzer);
    requests.append(&mut analyzer.take_batch(Vec::new()));
    (requests, analyzer.counters().clone())
}

/// All that happened, for [`replay`].
pub(crate) fn all(event: Event<'_>) -> Option<Event<'_>> {
    Some(event)
}
