//! The kernel side and the table of connections joined.

use connections::Connections;
use model::event::Event;
use model::tcp::{Connection, Listening};
use probes::Capture;
use workload::{Docker, Processes, Source};

use crate::agent::tcp::Tcp;
use crate::agent::{read_clocks, source};
use crate::options::Naming;

/// Bytes of the rings that are read before what happened is passed on, so that what waits stays small.
const PORTION: u64 = 256 * 1024;

/// All connections of one host.
pub(super) struct Watch {
    pub(super) capture: Capture,
    tcp: Tcp,
    processes: Processes,
}

impl Watch {
    pub(super) fn start(config: &probes::Config, naming: Naming) -> Result<Self, probes::Error> {
        let capture = Capture::start(config)?;
        let source = source(capture.report());
        let proc_root = match &source {
            Source::Proc(root) => Some(root.clone()),
            Source::Recorded => None,
        };
        let processes = Processes::new(
            source,
            naming.rules,
            Box::new(Docker::new(naming.docker_root)),
            workload::Limits::default(),
        );
        Ok(Watch { capture, tcp: Tcp::new(proc_root, false), processes })
    }

    /// Those that are known.
    pub(super) fn connections(&self) -> &Connections {
        &self.tcp.connections
    }

    /// Takes what the rings hold, and passes on what happened, a portion at a time.
    pub(super) fn drain(&mut self, mut pass_on: impl FnMut(Vec<Connection>, Vec<Listening>)) {
        drain(&mut self.tcp, &mut self.capture, &mut self.processes, &mut pass_on);
    }

    /// Has the kernel tell everything that is open, and passes on what has become of it.
    pub(super) fn survey(&mut self, mut pass_on: impl FnMut(Vec<Connection>, Vec<Listening>)) {
        self.tcp.look(&mut self.capture, &mut self.processes, |tcp, capture, processes| {
            drain(tcp, capture, processes, &mut pass_on);
        });
        let connections = &mut self.tcp.connections;
        pass_on(connections.take_batch(Vec::new()), connections.take_listening());
    }
}

fn drain(
    tcp: &mut Tcp,
    capture: &mut Capture,
    processes: &mut Processes,
    pass_on: &mut impl FnMut(Vec<Connection>, Vec<Listening>),
) {
    let clock = read_clocks();
    tcp.set_clock(clock);
    let mut read_in_all = 0;
    loop {
        let read = capture.drain(PORTION, |event| take(&event, tcp, processes));
        processes.evict(clock.monotonic);
        pass_on(tcp.connections.take_batch(Vec::new()), tcp.connections.take_listening());
        read_in_all += read;
        // No longer than what one ring holds: the caller has to see whether it is time to stop.
        if read < PORTION || read_in_all > capture.ring_bytes() {
            return;
        }
    }
}

fn take(event: &Event<'_>, tcp: &mut Tcp, processes: &mut Processes) {
    match event {
        Event::Exec(exec) => processes.exec(exec),
        Event::Exit(exit) => processes.exit(exit),
        Event::Owner(owner) => {
            processes.owner(owner);
        }
        _ => {}
    }
    tcp.event(event, processes);
}
