//! Capture and analysis joined: kernel in, batches of requests out; and `weir agent`, which makes metrics of them
//! ([`command`], [`meter`], [`http`]), and sends spans; and how one hands over to another ([`takeover`]).

pub mod budget;
pub mod command;
pub mod company;
mod control;
mod detach;
mod export;
pub(crate) mod figures;
mod heartbeat;
pub mod http;
mod joining;
pub mod meter;
mod notify;
mod orders;
pub mod present;
pub(crate) mod programs;
mod reload;
mod resting;
mod running;
mod seccomp;
pub mod shipper;
mod switch;
pub(crate) mod takeover;
pub mod tcp;
mod text_body;
mod told;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use model::event::Event;
use model::sums::Summed;
use model::tcp::Connection;
use model::time::ClockReading;
use model::{Nanos, Request};
use probes::rights::{self, Capability};
use probes::{Capture, Report};
use requests::{Analyzer, Config};
use workload::{Docker, Listeners, Processes, Source, UnixSockets};

use self::joining::Joining;
use self::tcp::Tcp;
use self::told::Told;
use crate::options::Naming;

/// Between two drains at most: long enough to work in batches; and traffic may set in at full speed, which fills a ring of
/// 4 MiB with payloads of 4 KiB within some 15 ms.
const PAUSE: Duration = Duration::from_millis(10);
/// After so many that found nothing, it is waited until there is something,
const QUIET: u32 = 3;
/// or for so long, since not all events wake who waits.
const IDLE_PAUSE: Duration = Duration::from_millis(200);
/// The shortest, however fast events come.
const LEAST_PAUSE: Duration = Duration::from_millis(1);
/// The part of a processor's ring that may fill up during a pause, at the pace of the last one.
const PART: u64 = 8;
/// Bytes of the ring that are read before instructions are given and requests are passed on: a few thousand requests,
/// so that what waits stays small.
const PORTION: u64 = 128 * 1024;

/// See nice(2).
const NICE: libc::c_int = -10;

/// Takes the requests that finished.
pub trait Sink {
    /// Takes a batch of them. Called from the thread that empties the rings, which has to be back soon.
    fn write(&self, batch: Vec<Request>);

    /// A batch that was dealt with, empty, or a new one.
    fn used_batch(&self) -> Vec<Request>;

    /// Takes what happened to TCP connections, where that is asked for.
    fn connections(&self, _: Vec<Connection>) {}

    /// Takes what connections came to that were not told one by one.
    fn sums(&self, _: Vec<Summed>) {}

    /// All connections that are open were among these since the last time; `tcp` knows what listens.
    fn looked(&self, _tcp: &Tcp) {}
}

/// Events by kind, with the kinds' names.
pub type Events = [(&'static str, u64); 8];

/// The agent of one host.
pub struct Agent {
    capture: Capture,
    analyzer: Analyzer,
    tcp: Option<Tcp>,
    events: Events,
    left_out: budget::LeftOut,
    /// Which of it is passed on.
    told: Told,
    /// What joins requests to traces, where that is wanted.
    joining: Option<Joining>,
    /// By what the times of what is passed on became wall-clock times.
    clock: ClockReading,
    /// What happened until then is known.
    known_until: Nanos,
    /// The rings' latest chunk is of that time: they tell in order, so that under load this is known sooner.
    told_until: Nanos,
    quiet_drains: u32,
    last_read: u64,
    last_drain: Instant,
    /// From the drain before the last one to that one.
    last_took: Duration,
}

impl Agent {
    /// Starts to observe.
    ///
    /// # Errors
    ///
    /// When this kernel, or our rights on it, do not allow it.
    pub fn start(observed: &probes::Config, config: Config, naming: Naming) -> Result<Self, probes::Error> {
        let observed = &probes::Config { reads: config.traces, ..observed.clone() };
        let capture = Capture::start(observed)?;
        resting::give_back_code();
        come_first();
        let proc_root = proc_root(capture.report());
        let processes = Processes::new(
            source(capture.report()),
            naming.rules,
            Box::new(Docker::new(naming.docker_root)),
            workload::Limits::default(),
        );
        let tcp = observed.facts.then(|| Tcp::new(proc_root.clone(), observed.sums > 0));
        let sockets = (Listeners::new(proc_root.clone()), UnixSockets::new(proc_root));
        let analyzer = Analyzer::new(config, processes, sockets);
        Ok(Agent {
            capture,
            analyzer,
            tcp,
            events: ["open", "owner", "chunk", "end", "exec", "exit", "tcp", "listener"]
                .map(|kind| (kind, 0)),
            left_out: budget::LeftOut::default(),
            told: Told::default(),
            joining: config.traces.then(Joining::default),
            clock: read_clocks(),
            known_until: 0,
            told_until: 0,
            quiet_drains: 0,
            last_read: 0,
            last_drain: Instant::now(),
            last_took: PAUSE,
        })
    }

    /// Takes in what there was before: connections that were open, and who listens. What comes then can be named.
    pub fn begin(&mut self, sink: &impl Sink) {
        self.drain(sink);
        if let Some(tcp) = &mut self.tcp {
            tcp.look(&mut self.capture, self.analyzer.processes_mut(), |_, _, _| {});
            let mut batch = tcp.connections.take_batch(Vec::new());
            self.told.connections(&mut batch, self.clock);
            sink.connections(batch);
            sink.looked(tcp);
        }
    }

    /// Waits a moment, then passes on the requests that finished.
    pub fn observe(&mut self, sink: &impl Sink) {
        // Whom nobody can wake looks more often.
        let was_woken = self.is_quiet() && self.capture.wait(IDLE_PAUSE).is_ok();
        if !was_woken {
            std::thread::sleep(self.pause());
        }
        self.drain(sink);
    }

    /// Nothing happens.
    pub fn is_quiet(&self) -> bool {
        self.quiet_drains >= QUIET && !self.capture.holds_back()
    }

    /// How long events may gather, so that their room is not used up before they are read.
    fn pause(&self) -> Duration {
        let room = self.capture.ring_bytes() / PART;
        let share = room as f64 / self.last_read.max(1) as f64;
        self.last_took.mul_f64(share.min(1e3)).clamp(LEAST_PAUSE, PAUSE)
    }

    /// Passes on the requests that finished so far.
    pub fn drain(&mut self, sink: &impl Sink) {
        let clock = read_clocks();
        self.clock = clock;
        self.analyzer.set_clock(clock);
        if let Some(tcp) = &mut self.tcp {
            tcp.set_clock(clock);
        }
        let now = Instant::now();
        self.last_took = now - std::mem::replace(&mut self.last_drain, now);
        self.last_read = 0;
        loop {
            let (analyzer, tcp, events) = (&mut self.analyzer, &mut self.tcp, &mut self.events);
            let left_out = &mut self.left_out;
            let told_until = &mut self.told_until;
            let read = self.capture.drain(PORTION, |event| {
                if let Event::Chunk(chunk) = &event {
                    *told_until = chunk.time.max(*told_until);
                }
                events[kind(&event)].1 += u64::from(!matches!(event, Event::Read(_)));
                analyzer.event(&event);
                if let Some(tcp) = tcp
                    && tcp.is_on
                    && !matches!(event, Event::Chunk(_) | Event::Read(_))
                {
                    left_out.note(&event);
                    tcp.event(&event, analyzer.processes());
                }
            });
            self.analyzer.tick(read_clocks().monotonic);
            for (connection, instruction) in self.analyzer.take_instructions() {
                self.capture.instruct(connection, instruction);
            }
            let mut batch = self.analyzer.take_batch(sink.used_batch());
            if let Some(joining) = &mut self.joining {
                batch = joining.join(&mut self.analyzer, batch, self.known_until.max(self.told_until));
            }
            self.told.requests(&mut batch, clock);
            sink.write(batch);
            self.tell_connections(sink);
            self.last_read += read;
            self.quiet_drains = if read == 0 { self.quiet_drains.saturating_add(1) } else { 0 };
            if read < PORTION {
                self.known_until = clock.monotonic;
            }
            // No longer than what one ring holds: the caller has to see whether it is time to stop.
            if read < PORTION || self.last_read > self.capture.ring_bytes() {
                return;
            }
        }
    }

    fn tell_connections(&mut self, sink: &impl Sink) {
        let Some(tcp) = &mut self.tcp else { return };
        if !tcp.is_on {
            // The programs that sum up may run on for the bytes' sake: there has to be room when it goes on.
            self.capture.read_sums(drop);
            return;
        }
        let looked = tcp.go_on(&mut self.capture, self.analyzer.processes_mut());
        let summed = tcp.connections.take_summed();
        if !summed.is_empty() {
            summed.iter().for_each(|summed| self.left_out.note_summed(summed));
            sink.sums(summed);
        }
        let mut batch = tcp.connections.take_batch(Vec::new());
        if !batch.is_empty() {
            self.told.connections(&mut batch, self.clock);
            sink.connections(batch);
        }
        // They are shown with the next look.
        drop(tcp.connections.take_listening());
        if looked {
            sink.looked(tcp);
        }
    }

    /// The same, and what the kernel side may hold back.
    pub fn drain_all(&mut self, sink: &impl Sink) {
        self.drain(sink);
        let (analyzer, events) = (&mut self.analyzer, &mut self.events);
        self.capture.drain_held(|event| {
            events[kind(&event)].1 += 1;
            analyzer.event(&event);
        });
        self.drain(sink);
    }

    /// Passes on what waits for its trace to be over, where there are such.
    pub fn drain_joined(&mut self, sink: &impl Sink) {
        if let Some(joining) = &mut self.joining {
            let mut batch = joining.end();
            self.told.requests(&mut batch, self.clock);
            sink.write(batch);
        }
    }

    /// What was joined, where that is wanted.
    pub fn joined(&self) -> Option<&traces::Counters> {
        self.joining.as_ref().map(Joining::counters)
    }

    /// Passes on what there is, at the end.
    pub fn end(&mut self, sink: &impl Sink) {
        self.drain_all(sink);
        self.drain_joined(sink);
        self.tell_last_sums(sink);
    }

    /// Has connections told one by one for now, each at its end: a sum has no time at which it could be divided.
    fn pause_sums(&mut self) {
        // Where that is refused, a second of sums may be counted twice.
        let _ = self.capture.sum_up(false);
    }

    fn tell_last_sums(&mut self, sink: &impl Sink) {
        if let Some(tcp) = self.tcp.as_mut().filter(|tcp| tcp.is_on) {
            tcp.take_last_sums(&mut self.capture, self.analyzer.processes_mut());
            sink.sums(tcp.connections.take_summed());
        }
    }

    /// TCP connections, where these are watched.
    pub fn tcp(&self) -> Option<&Tcp> {
        self.tcp.as_ref()
    }

    /// The kernel side.
    pub fn capture(&self) -> &Capture {
        &self.capture
    }

    /// The analysis.
    pub fn analyzer(&self) -> &Analyzer {
        &self.analyzer
    }

    /// Events that came from the kernel side.
    pub fn events(&self) -> &Events {
        &self.events
    }
}

/// An event's place among [`Events`].
fn kind(event: &Event<'_>) -> usize {
    match event {
        Event::Open(_) | Event::OpenDatagrams(_) => 0,
        Event::Owner(_) => 1,
        // Told beside its chunk, and counted with it.
        Event::Chunk(_) | Event::Read(_) => 2,
        Event::End(_) => 3,
        Event::Exec(_) => 4,
        Event::Exit(_) => 5,
        Event::Tcp(_) => 6,
        Event::Listener(_) => 7,
    }
}

/// Where processes are looked up by the ids that the kernel side tells; nowhere if they would be others.
fn proc_root(report: &Report) -> Option<PathBuf> {
    (!report.foreign_proc).then(|| PathBuf::from("/proc"))
}

/// Where what names processes comes from.
pub fn source(report: &Report) -> Source {
    proc_root(report).map_or(Source::Recorded, Source::Proc)
}

/// What stands in the way of processes' names, and what to do about it.
pub fn caution(report: &Report) -> Option<&'static str> {
    report.foreign_proc.then_some(
        "caution: in a pid namespace of its own Weir knows processes by command only;\n\
         start its container with --pid=host (Kubernetes: hostPID: true)",
    )
}

/// Who reads late loses what was not read: on a busy processor this process, and the threads that it starts from now on, come
/// before ordinary ones. Without the right to it (CAP_SYS_NICE) more is lost under load, and counted.
fn come_first() {
    // SAFETY: takes no pointers.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICE) };
}

/// For threads that serve others: they inherit priority and rights of the one that empties the rings, and need neither but those.
fn step_back(needed: &[Capability]) {
    // SAFETY: takes no pointers.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, 0) };
    // Refused nowhere; and whoever has no rights more than needed is served all the same.
    let _ = rights::keep(needed, &[]);
}

/// For threads that do the agent's work neither with the kernel nor with other processes.
pub(crate) fn give_up_rights() {
    // Refused nowhere; and whoever has no rights more than needed is served all the same.
    let _ = rights::keep(&[], &[]);
}

/// Both clocks, as close together as can be.
pub fn read_clocks() -> ClockReading {
    ClockReading { monotonic: read_clock(libc::CLOCK_MONOTONIC), wall: read_clock(libc::CLOCK_REALTIME) }
}

fn read_clock(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for the result; both clocks exist on every Linux.
    unsafe { libc::clock_gettime(clock, &mut time) };
    (time.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec as u64)
}
