//! TCP connections, kept up to date: by what happens to them, and by a look at everything that is open now and then.
//!
//! A look goes on in small steps, and who has a socket is looked for on a thread of its own: the rings must not wait.

use std::collections::HashMap;
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use connections::{Connections, Limits};
use model::Nanos;
use model::event::Event;
use model::time::ClockReading;
use probes::{Capture, Survey};
use workload::Processes;

use super::read_clocks;

/// From the end of a look to the next one.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// The open files of all processes are looked at no more often than this.
const OWNERS_EVERY: Duration = Duration::from_secs(5);
/// All network namespaces are asked no more often than this; else only those where there was something.
const ALL_EVERY: Duration = Duration::from_secs(60);

/// All connections of one host.
pub struct Tcp {
    /// Those that are known.
    pub connections: Connections,
    /// What happens to them is told.
    pub is_on: bool,
    /// Of connections that begin and end between two looks only sums are told.
    are_summed: bool,
    proc_root: Option<PathBuf>,
    look: Option<Look>,
    looked: Option<Instant>,
    asked_all: Option<Instant>,
    owners: Option<JoinHandle<HashMap<u32, u32>>>,
    looked_for_owners: Option<Instant>,
}

fn connections(limits: Limits, are_summed: bool) -> Connections {
    let mut connections = Connections::new(limits);
    if are_summed {
        connections.expect_sums();
    }
    connections
}

/// A look that is under way.
struct Look {
    survey: Survey,
    since: Nanos,
    /// Nothing more is to be told; but what the rings held by then has not been read yet.
    is_read: bool,
}

impl Tcp {
    /// Begins with none. `proc_root` is where processes are found, if anywhere. `are_summed`: only sums are told of connections that
    /// begin and end between two looks.
    pub fn new(proc_root: Option<PathBuf>, are_summed: bool) -> Self {
        Tcp {
            connections: connections(Limits::default(), are_summed),
            is_on: true,
            are_summed,
            proc_root,
            look: None,
            looked: None,
            asked_all: None,
            owners: None,
            looked_for_owners: None,
        }
    }

    /// Keeps no more than so many connections. There are none yet.
    pub fn keep_at_most(&mut self, connections: usize) {
        self.connections = self::connections(Limits { connections }, self.are_summed);
    }

    /// Sets by what monotonic times become wall-clock times from now on.
    pub fn set_clock(&mut self, clock: ClockReading) {
        self.connections.set_clock(clock);
    }

    /// Takes one event. `processes` has taken it before.
    pub fn event(&mut self, event: &Event<'_>, processes: &Processes) {
        self.connections.event(event, processes);
    }

    /// What happened meanwhile was not told: everything is looked at anew, soon.
    pub fn look_again(&mut self) {
        (self.look, self.looked, self.asked_all) = (None, None, None);
    }

    /// A look is under way, or due.
    pub fn is_looking(&self) -> bool {
        self.look.is_some() || self.looked.is_none()
    }

    /// Does a little of what is due: call it after each drain of the rings. True when a look came to its end.
    pub fn go_on(&mut self, capture: &mut Capture, processes: &mut Processes) -> bool {
        if self.owners.as_ref().is_some_and(JoinHandle::is_finished) {
            self.take_owners(processes);
        }
        self.take_sums(capture, processes);
        if self.look.is_none() && self.looked.is_none_or(|at| at.elapsed() >= LOOK_EVERY) {
            self.begin_look(capture);
        }
        let look_ends = self.step(capture, processes);
        if look_ends {
            self.find_owners();
        }
        look_ends
    }

    /// Looks at everything at once, which may take a while; `drain` is called where the rings have to be empty.
    pub fn look(
        &mut self,
        capture: &mut Capture,
        processes: &mut Processes,
        mut drain: impl FnMut(&mut Self, &mut Capture, &mut Processes),
    ) {
        drain(self, capture, processes);
        self.begin_look(capture);
        while self.look.as_ref().is_some_and(|look| !look.is_read) {
            self.step(capture, processes);
        }
        drain(self, capture, processes);
        self.step(capture, processes);
        self.find_owners();
        self.take_owners(processes);
    }

    fn take_sums(&mut self, capture: &mut Capture, processes: &mut Processes) {
        let mut sums = Vec::new();
        if capture.read_sums(|one| sums.push(one)) {
            self.connections.sums(sums, processes);
        }
    }

    /// What was summed up until now, at the end.
    pub fn take_last_sums(&mut self, capture: &mut Capture, processes: &mut Processes) {
        let mut sums = Vec::new();
        capture.read_last_sums(|one| sums.push(one));
        self.connections.sums(sums, processes);
        // Whose other end was not told by now is not waited for.
        self.connections.sums(Vec::new(), processes);
    }

    fn begin_look(&mut self, capture: &Capture) {
        let since = read_clocks().monotonic;
        let ask_all = self.asked_all.is_none_or(|at| at.elapsed() >= ALL_EVERY);
        let known = self.connections.namespaces();
        let survey = capture.begin_survey(|namespace| ask_all || known.contains(&namespace));
        if ask_all {
            self.asked_all = Some(Instant::now());
        }
        self.look = Some(Look { survey, since, is_read: false });
    }

    /// True when the look came to its end.
    fn step(&mut self, capture: &mut Capture, processes: &Processes) -> bool {
        let Some(look) = &mut self.look else { return false };
        if !look.is_read {
            let connections = &mut self.connections;
            look.is_read = !capture.survey(&mut look.survey, |event| connections.event(&event, processes));
            return false;
        }
        self.connections.surveyed(look.since, look.survey.told());
        self.look = None;
        self.looked = Some(Instant::now());
        true
    }

    /// Begins to look in `/proc` for who has the sockets that nobody was seen to use.
    fn find_owners(&mut self) {
        let Some(root) = &self.proc_root else { return };
        if self.owners.is_some() || self.looked_for_owners.is_some_and(|at| at.elapsed() < OWNERS_EVERY) {
            return;
        }
        let unowned = self.connections.unowned();
        if unowned.is_empty() {
            return;
        }
        self.looked_for_owners = Some(Instant::now());
        let root = root.clone();
        let find = move || {
            // Threads inherit the priority of the one that empties the rings; this is not as urgent.
            // SAFETY: takes no pointers.
            unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, 0) };
            workload::socket_owners(&root, &unowned)
        };
        // Without a thread nobody is found: it is tried again.
        self.owners = std::thread::Builder::new().name("weir-owners".into()).spawn(find).ok();
    }

    fn take_owners(&mut self, processes: &mut Processes) {
        if let Some(owners) = self.owners.take().and_then(|found| found.join().ok()) {
            self.connections.owned(&owners, processes);
        }
    }
}
