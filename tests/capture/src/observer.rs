//! A capture, and what it told of the connections that a test looks at.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use model::event::{End, Event, Instruction, Open, Owner};
use model::tcp::{Listener, Tcp};
use model::{ConnectionId, Direction, Endpoint};
use probes::{Backend, Capture, Config, Purpose, Share};

use crate::sockets::Pair;
use crate::stream::Seen;

/// How long to wait for what must come. Long, because emulated kernels are slow; nothing waits so long that succeeds.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How much later than what happened after it a chunk may come, from another processor.
const LATE: Duration = Duration::from_millis(500);

/// Everything that was told of one connection, in the order of the ring.
#[derive(Debug, Default, Clone)]
pub struct Told {
    /// It was opened.
    pub opens: Vec<Open>,
    /// Who does its I/O.
    pub owners: Vec<Owner>,
    /// Bytes moved, by direction.
    pub chunks: [Vec<Seen>; 2],
    /// Its ends.
    pub ends: Vec<End>,
    /// What the kernel counted of it.
    pub facts: Vec<Tcp>,
    /// The same, of a socket that listens.
    pub listens: Vec<Listener>,
}

impl Told {
    /// How far the chunks of a direction reach, from its first byte on, where it was seen from the start.
    pub fn reach(&self, direction: Direction) -> usize {
        let chunks = &self.chunks[direction.index()];
        let Some(first) = chunks.first() else { return 0 };
        chunks.iter().map(|c| c.end().wrapping_sub(first.previous_end) as i32).max().unwrap_or(0).max(0)
            as usize
    }

    /// True when a chunk is missing between two that were told. A program that is interrupted holds up its own
    /// processor's ring only.
    fn has_holes(&self, direction: Direction) -> bool {
        let mut chunks: Vec<&Seen> = self.chunks[direction.index()].iter().collect();
        let Some(first) = chunks.first().map(|chunk| chunk.previous_end) else { return false };
        chunks.sort_by_key(|chunk| chunk.position.wrapping_sub(first));
        chunks.windows(2).any(|two| two[1].previous_end.wrapping_sub(two[0].end()) as i32 > 0)
    }
}

/// A running capture that keeps what it is told.
pub struct Observer {
    capture: Capture,
    told: HashMap<ConnectionId, Told>,
}

impl Observer {
    /// Begins to observe.
    ///
    /// # Errors
    ///
    /// Where the kernel does not allow it in this way.
    pub fn start(config: &Config) -> Result<Observer, probes::Error> {
        Ok(Observer { capture: Capture::start(config)?, told: HashMap::new() })
    }

    /// Tests' usual configuration.
    pub fn config(only: Option<Backend>) -> Config {
        let usual = Config::default();
        // One budget from the beginning: what the young get more has a test of its own.
        Config { only, observe_self: true, ring_bytes: 16 << 20, young_budget: usual.budget, ..usual }
    }

    /// What serves TCP sends and receives.
    pub fn back_ends(&self) -> (Option<Backend>, Option<Backend>) {
        let report = self.capture.report();
        (report.chosen(Purpose::TcpSent), report.chosen(Purpose::Received))
    }

    /// The capture itself.
    pub fn capture(&self) -> &Capture {
        &self.capture
    }

    /// The same, to wait for it.
    pub fn capture_mut(&mut self) -> &mut Capture {
        &mut self.capture
    }

    /// Tells the kernel side about a connection.
    pub fn instruct(&mut self, connection: ConnectionId, instruction: Instruction) {
        self.capture.instruct(connection, instruction);
    }

    /// Leaves out all connections but these.
    ///
    /// # Panics
    ///
    /// When the kernel refuses it.
    pub fn keep(&mut self, share: Share) {
        self.capture.keep(share).expect("the programs' variables can be written");
    }

    /// Forgets what was told until now.
    pub fn forget(&mut self) {
        self.take();
        self.told.clear();
    }

    /// Takes what the ring holds.
    pub fn take(&mut self) {
        let told = &mut self.told;
        while self.capture.drain(u64::MAX, |event| keep(told, event)) > 0 {}
    }

    /// Takes from the ring until `enough` holds; false when it does not come to hold.
    pub fn wait_until(&mut self, mut enough: impl FnMut(&Observer) -> bool) -> bool {
        let begin = Instant::now();
        loop {
            self.take();
            if enough(self) {
                return true;
            }
            if begin.elapsed() > PATIENCE {
                return false;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// The connection of the socket with this address whose peer has that one.
    pub fn find(&self, local: &Endpoint, remote: &Endpoint) -> Option<ConnectionId> {
        let is = |told: &&Told| told.opens.iter().any(|open| open.local == *local && open.remote == *remote);
        self.told.iter().find(|(_, told)| is(told)).map(|(id, _)| *id)
    }

    /// The same of one of which only facts may have been told: those of all that had these addresses.
    pub fn with_facts(&self, local: &Endpoint, remote: &Endpoint) -> Told {
        let is = |told: &&Told| told.facts.iter().any(|tcp| tcp.local == *local && tcp.remote == *remote);
        self.told.values().find(is).cloned().unwrap_or_default()
    }

    /// Has the kernel tell the connections that there are; returns the network namespaces that it told all of.
    pub fn survey(&mut self, wanted: impl Fn(u32) -> bool) -> Vec<u32> {
        self.take();
        let mut survey = self.capture.begin_survey(wanted);
        let told = &mut self.told;
        while self.capture.survey(&mut survey, |event| keep(told, event)) {}
        survey.told().to_vec()
    }

    /// What was told of that connection; nothing when it was not seen.
    pub fn of(&self, local: &Endpoint, remote: &Endpoint) -> Told {
        self.find(local, remote).and_then(|id| self.told.get(&id)).cloned().unwrap_or_default()
    }

    /// Every connection that something was told of.
    pub fn all(&self) -> impl Iterator<Item = &Told> {
        self.told.values()
    }

    /// What was told of a pair's client.
    pub fn client(&self, pair: &Pair) -> Told {
        self.of(&pair.client_end, &pair.server_end)
    }

    /// What was told of a pair's server.
    pub fn server(&self, pair: &Pair) -> Told {
        self.of(&pair.server_end, &pair.client_end)
    }

    /// Waits until the chunks of all four directions of a pair reach as far as was really moved, or time is up.
    pub fn wait_for_bytes(&mut self, pair: &Pair, to_server: usize, to_client: usize) -> (Told, Told) {
        let reached = |told: &Told, sent, received| {
            told.reach(Direction::Sent) >= sent && told.reach(Direction::Received) >= received
        };
        self.wait_until(|o| {
            reached(&o.client(pair), to_server, to_client) && reached(&o.server(pair), to_client, to_server)
        });
        let began = Instant::now();
        let whole = |told: &Told| [Direction::Sent, Direction::Received].iter().all(|d| !told.has_holes(*d));
        while began.elapsed() < LATE && !(whole(&self.client(pair)) && whole(&self.server(pair))) {
            std::thread::sleep(Duration::from_millis(1));
            self.take();
        }
        (self.client(pair), self.server(pair))
    }
}

fn keep(told: &mut HashMap<ConnectionId, Told>, event: Event<'_>) {
    match event {
        Event::Open(open) | Event::OpenDatagrams(open) => {
            told.entry(open.connection).or_default().opens.push(open)
        }
        Event::Owner(owner) => told.entry(owner.connection).or_default().owners.push(owner),
        Event::End(end) => told.entry(end.connection).or_default().ends.push(end),
        Event::Chunk(c) => {
            let seen = Seen {
                time: c.time,
                position: c.position,
                previous_end: c.previous_end,
                length: c.length,
                pid: c.pid,
                tid: c.tid,
                payload: c.payload.to_vec(),
            };
            told.entry(c.connection).or_default().chunks[c.direction.index()].push(seen);
        }
        Event::Tcp(tcp) => told.entry(tcp.connection).or_default().facts.push(tcp),
        Event::Listener(listener) => told.entry(listener.connection).or_default().listens.push(listener),
        Event::Exec(_) | Event::Exit(_) | Event::Read(_) => {}
    }
}

/// Observers that live as long as the process, by what they are started for: starting one takes a while, above all where
/// kernels are emulated.
static OBSERVERS: Mutex<BTreeMap<&'static str, BTreeMap<String, Observer>>> = Mutex::new(BTreeMap::new());

/// Runs `test` with every back end that this kernel offers, one test at a time in the whole process.
///
/// # Panics
///
/// When no back end works, or without root where `CI` is `true`.
pub fn with_each_back_end(test: impl Fn(&str, &mut Observer)) {
    with_shared("each back end", || start_all(&Observer::config(None)), test);
}

/// Runs `test` with what is seen by system calls, the last resort.
///
/// # Panics
///
/// As [`with_each_back_end`], or when system calls cannot be traced.
pub fn with_system_calls(test: impl Fn(&str, &mut Observer)) {
    let start = || {
        let observer = Observer::start(&Observer::config(Some(Backend::SystemCalls)));
        let observer = observer.expect("system calls can be traced on every kernel");
        BTreeMap::from([("by system calls".to_owned(), observer)])
    };
    with_shared("system calls", start, test);
}

/// Runs `test` with observers that all tests share which name the same `what`: the first of them starts them.
///
/// # Panics
///
/// Without root where `CI` is `true`.
pub fn with_shared(
    what: &'static str,
    start: impl FnOnce() -> BTreeMap<String, Observer>,
    test: impl Fn(&str, &mut Observer),
) {
    let Some(_turn) = turn() else { return };
    let mut observers = OBSERVERS.lock().unwrap_or_else(PoisonError::into_inner);
    for (name, observer) in observers.entry(what).or_insert_with(start) {
        observer.forget();
        test(name, observer);
    }
}

/// Waits until no other test captures; nothing where we may not capture at all.
pub fn turn() -> Option<MutexGuard<'static, ()>> {
    static TURN: Mutex<()> = Mutex::new(());
    if !probes::Host::inspect().may_load_programs() {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "these tests need root");
        eprintln!("skipped: needs root");
        return None;
    }
    Some(TURN.lock().unwrap_or_else(PoisonError::into_inner))
}

/// One for each way that this kernel offers, by its name.
///
/// # Panics
///
/// When Weir's own choice does not work.
pub fn start_all(config: &Config) -> BTreeMap<String, Observer> {
    let mut observers = BTreeMap::new();
    let mut own_choice = (None, None);
    // System calls are not the socket layer: what they can show has tests of its own.
    let socket_layer = Backend::ALL.into_iter().filter(|backend| *backend != Backend::SystemCalls);
    for only in [None].into_iter().chain(socket_layer.map(Some)) {
        if only.is_some() && own_choice == (only, only) {
            continue;
        }
        match Observer::start(&Config { only, ..config.clone() }) {
            Ok(observer) => {
                let name = |backend: Option<Backend>| backend.map_or("nothing", Backend::as_str);
                let (sent, received) = observer.back_ends();
                if only.is_none() {
                    own_choice = (sent, received);
                }
                let name = format!("sent by {}, received by {}", name(sent), name(received));
                eprintln!("back end {}: {name}", only.map_or("default", Backend::as_str));
                observers.entry(name).or_insert(observer);
            }
            Err(error) => match only {
                Some(backend) => eprintln!("back end {} is not to be had: {error}", backend.as_str()),
                None => panic!("Weir's own choice does not work: {error}"),
            },
        }
    }
    observers
}
