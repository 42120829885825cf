//! The kernel side and the table of connections joined.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use connections::{Connections, Limits};
use model::event::Event;
use model::tcp::{Connection, Listening};
use probes::Capture;
use workload::{Docker, Processes};

use crate::agent::{read_clocks, source};
use crate::options::Naming;

/// Bytes of the rings that are read before what happened is passed on, so that what waits stays small.
const PORTION: u64 = 256 * 1024;
/// The open files of all processes are looked at no more often than this.
const OWNERS_EVERY: Duration = Duration::from_secs(5);
/// All network namespaces are asked no more often than this; else only those where there was something.
const ALL_EVERY: Duration = Duration::from_secs(60);

/// All connections of one host.
pub(super) struct Watch {
    pub(super) capture: Capture,
    pub(super) connections: Connections,
    processes: Processes,
    proc_root: Option<PathBuf>,
    looked_for_owners: Option<Instant>,
    asked_all: Option<Instant>,
}

impl Watch {
    pub(super) fn start(config: &probes::Config, naming: Naming) -> Result<Self, probes::Error> {
        let capture = Capture::start(config)?;
        let source = source(capture.report());
        let proc_root = match &source {
            workload::Source::Proc(root) => Some(root.clone()),
            workload::Source::Recorded => None,
        };
        let processes = Processes::new(
            source,
            naming.rules,
            Box::new(Docker::new(naming.docker_root)),
            workload::Limits::default(),
        );
        let connections = Connections::new(Limits::default());
        Ok(Watch { capture, connections, processes, proc_root, looked_for_owners: None, asked_all: None })
    }

    /// Takes what the rings hold, and passes on what happened, a portion at a time.
    pub(super) fn drain(&mut self, mut pass_on: impl FnMut(Vec<Connection>, Vec<Listening>)) {
        let clock = read_clocks();
        self.connections.set_clock(clock);
        let mut read_in_all = 0;
        loop {
            let (connections, processes) = (&mut self.connections, &mut self.processes);
            let read = self.capture.drain(PORTION, |event| take(&event, connections, processes));
            self.processes.evict(clock.monotonic);
            pass_on(self.connections.take_batch(Vec::new()), self.connections.take_listening());
            read_in_all += read;
            // No longer than what one ring holds: the caller has to see whether it is time to stop.
            if read < PORTION || read_in_all > self.capture.ring_bytes() {
                return;
            }
        }
    }

    /// Has the kernel tell everything that is open, and passes on what has become of it.
    pub(super) fn survey(&mut self, mut pass_on: impl FnMut(Vec<Connection>, Vec<Listening>)) {
        self.drain(&mut pass_on);
        let since = read_clocks().monotonic;
        let ask_all = self.asked_all.is_none_or(|at| at.elapsed() >= ALL_EVERY);
        let known = self.connections.namespaces();
        let (connections, processes) = (&mut self.connections, &mut self.processes);
        let told = self.capture.survey(
            |namespace| ask_all || known.contains(&namespace),
            |event| take(&event, connections, processes),
        );
        if ask_all {
            self.asked_all = Some(Instant::now());
        }
        self.drain(&mut pass_on);
        self.connections.surveyed(since, &told);
        self.find_owners();
        pass_on(self.connections.take_batch(Vec::new()), self.connections.take_listening());
    }

    /// Looks in `/proc` for who has the sockets that nobody was seen to use.
    fn find_owners(&mut self) {
        let Some(root) = &self.proc_root else { return };
        if self.looked_for_owners.is_some_and(|at| at.elapsed() < OWNERS_EVERY) {
            return;
        }
        let unowned = self.connections.unowned();
        if unowned.is_empty() {
            return;
        }
        self.looked_for_owners = Some(Instant::now());
        let owners = workload::socket_owners(root, &unowned);
        self.connections.owned(&owners, &mut self.processes);
    }
}

fn take(event: &Event<'_>, connections: &mut Connections, processes: &mut Processes) {
    match event {
        Event::Exec(exec) => processes.exec(exec),
        Event::Exit(exit) => processes.exit(exit),
        Event::Owner(owner) => {
            processes.owner(owner);
        }
        _ => {}
    }
    connections.event(event, processes);
}
