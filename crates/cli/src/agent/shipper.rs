//! What the agent sees, on its way to a store: a thread of its own makes rows of it, and batches of these.
//!
//! The thread that empties the rings only hands batches over; where the shipper does not keep up, they are counted as lost.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use arrow_array::RecordBatch;
use config::{Settings, units};
use model::Request;
use model::sums::Summed;
use model::tcp::{Connection, Moment};
use rows::{Agents, Connections, Entities, Heartbeat, Host, Requests};
use schema::Table;
use server::Intake;
use server::ingest::Own;

use uplink::{Answer, Cause, Counts, Spool, Tls, Uplink};

use super::budget::Budget;
use super::{Sink, read_clocks};
use crate::identity;
use crate::say::say;

/// Requests, connections and sums that may wait to become rows.
const HANDED_OVER: usize = 65_536;
/// Batches of such.
const BATCHES: usize = 1024;
/// Rows of a batch,
const MOST_ROWS: usize = 8192;
/// and how long a row waits for others at most.
const LONGEST_WAIT: Duration = Duration::from_millis(500);
/// How often it is told who is at work.
const ENTITIES_EVERY: Duration = Duration::from_secs(60);
/// How often it is tried to open the way to a store that cannot be had yet.
const OPEN_EVERY: Duration = Duration::from_secs(1);

/// This host, as what is shipped has it.
pub fn host(settings: &Settings) -> Host {
    let identity = identity::settle(settings);
    if let Some(caution) = identity.caution {
        say(format_args!("caution: {caution}"));
    }
    let read = |name: &str| std::fs::read_to_string(format!("/proc/sys/kernel/{name}")).unwrap_or_default();
    Host {
        name: read("hostname").trim().to_owned(),
        id: identity.id,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        kernel: read("osrelease").trim().to_owned(),
        zone: settings.agent_zone().unwrap_or_default(),
    }
}

/// The server that is set.
fn server(settings: &Settings) -> anyhow::Result<Option<uplink::Config>> {
    let Some(address) = settings.agent_server() else { return Ok(None) };
    let token = match settings.agent_token_file() {
        None => settings.agent_token(),
        Some(path) => {
            let text = std::fs::read_to_string(&path).with_context(|| format!("agent.token_file: {path}"))?;
            Some(text.trim().to_owned())
        }
    };
    let folder = settings
        .agent_spool()
        .map_or_else(|| Path::new(&settings.agent_state_directory()).join("spool"), PathBuf::from);
    let size = settings.agent_spool_size().0;
    let tls = Tls {
        ca: settings.agent_tls_ca().map(PathBuf::from),
        cert: settings.agent_tls_cert().map(PathBuf::from),
        key: settings.agent_tls_key().map(PathBuf::from),
        insecure: false,
    };
    Ok(Some(uplink::Config {
        endpoint: address.parse().with_context(|| format!("agent.server: {address}"))?,
        token,
        tls,
        queue: usize::try_from(Budget::of(settings)?.server_queue).unwrap_or(usize::MAX),
        spool: (size > 0).then_some(Spool { folder, size }),
        version: env!("CARGO_PKG_VERSION"),
    }))
}

/// What is handed over.
enum Told {
    Requests(Vec<Request>),
    Connections(Vec<Connection>),
    /// Sums, and when they were read.
    Sums(Vec<Summed>, u64),
    Heartbeat(Heartbeat),
}

impl Told {
    fn count(&self) -> usize {
        match self {
            Told::Requests(requests) => requests.len(),
            Told::Connections(connections) => connections.len(),
            Told::Sums(sums, _) => sums.len(),
            Told::Heartbeat(_) => 0,
        }
    }
}

/// Opens the way to a store; tried again until it succeeds.
pub type Open = Box<dyn FnMut() -> Result<Uplink, String> + Send>;

/// What runs, and the way to it.
pub struct Shipper {
    queue: SyncSender<Told>,
    waiting: Arc<AtomicUsize>,
    /// Batches that were dealt with, for their memory.
    used: Receiver<Vec<Request>>,
    counts: Arc<Counts>,
    thread: JoinHandle<()>,
}

impl Shipper {
    /// Begins to ship what is seen on `host` to a store. `counts` are those of the way that `open` opens.
    ///
    /// # Errors
    ///
    /// When there is no thread to be had.
    pub fn start(host: Host, counts: Arc<Counts>, open: Open) -> io::Result<Self> {
        let (queue, told) = sync_channel(BATCHES);
        let (give_back, used) = channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let work = Work::new(&host, counts.clone(), waiting.clone(), give_back);
        let thread = std::thread::Builder::new().name("weir-rows".into()).spawn(move || {
            // Threads inherit the priority of the one that empties the rings; this one may wait.
            super::step_back(&[probes::rights::DAC_READ_SEARCH]);
            work.run(&told, open);
        })?;
        Ok(Shipper { queue, waiting, used, counts, thread })
    }

    /// Begins to ship what is seen on `host` to the store of this process.
    ///
    /// # Errors
    ///
    /// When there is no thread to be had, or no random numbers.
    pub fn into_store(host: Host, intake: Arc<Intake>) -> io::Result<Self> {
        let (counts, own) = (Arc::<Counts>::default(), Arc::new(Own::new()?));
        let its = counts.clone();
        let open = move || {
            let (intake, own) = (intake.clone(), own.clone());
            let take = move |table, batch: &RecordBatch| match own.take(&intake, table, batch) {
                // What does not become durable is the store's trouble, and told there.
                Ok(_) => Answer::Taken,
                Err(error @ store::Error::Busy { .. }) => Answer::Later(error.to_string()),
                Err(error) => Answer::Never(error.to_string()),
            };
            Ok(Uplink::local(Box::new(take), its.clone()))
        };
        Shipper::start(host, counts, Box::new(open))
    }

    /// Begins to ship what is seen on this host to the server that is set, if one is.
    ///
    /// # Errors
    ///
    /// When it cannot be spoken to as it is set. That it is not there is no error.
    pub fn to_server(settings: &Settings) -> anyhow::Result<Option<Self>> {
        let Some(config) = server(settings)? else { return Ok(None) };
        config.check().context("agent.server")?;
        let counts = Arc::<Counts>::default();
        let its = counts.clone();
        // An agent that is replaced may still use the folder: then it is tried again.
        let open = move || Uplink::remote(&config, its.clone()).map_err(|error| error.to_string());
        Ok(Some(Shipper::start(host(settings), counts, Box::new(open))?))
    }

    /// Takes a batch of requests; gives an empty one back. Never waits.
    pub fn offer(&self, batch: Vec<Request>) -> Vec<Request> {
        match self.hand_over(Told::Requests(batch)) {
            None => self.used.try_recv().unwrap_or_default(),
            Some(Told::Requests(mut batch)) => {
                batch.clear();
                batch
            }
            Some(_) => Vec::new(),
        }
    }

    /// Takes what is told of the agent itself.
    pub fn beat(&self, heartbeat: Heartbeat) {
        self.hand_over(Told::Heartbeat(heartbeat));
    }

    /// What became of rows.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Ships what waits, and ends.
    pub fn stop(self) -> Arc<Counts> {
        drop(self.queue);
        // A thread that ended has nothing more to ship.
        let _ = self.thread.join();
        self.counts
    }

    /// Gives back what there is no room for.
    fn hand_over(&self, told: Told) -> Option<Told> {
        let count = told.count();
        let waiting = self.waiting.load(Ordering::Relaxed);
        if waiting + count > HANDED_OVER {
            return Some(self.lose(told, count));
        }
        self.waiting.fetch_add(count, Ordering::Relaxed);
        match self.queue.try_send(told) {
            Ok(()) => None,
            Err(refused) => {
                self.waiting.fetch_sub(count, Ordering::Relaxed);
                let (std::sync::mpsc::TrySendError::Full(told)
                | std::sync::mpsc::TrySendError::Disconnected(told)) = refused;
                Some(self.lose(told, count))
            }
        }
    }

    fn lose(&self, told: Told, count: usize) -> Told {
        let why = "more is seen than can be made rows of".to_owned();
        self.counts.add_lost(Cause::TooMany, count.max(1) as u64, why);
        told
    }
}

impl Sink for Shipper {
    fn write(&self, batch: Vec<Request>) {
        if !batch.is_empty() {
            self.offer(batch);
        }
    }

    fn used_batch(&self) -> Vec<Request> {
        self.used.try_recv().unwrap_or_default()
    }

    fn connections(&self, mut batch: Vec<Connection>) {
        // What is open has no row yet.
        batch.retain(|connection| matches!(connection.moment, Moment::Closed(_) | Moment::Failed(_)));
        if !batch.is_empty() {
            self.hand_over(Told::Connections(batch));
        }
    }

    fn sums(&self, sums: Vec<Summed>) {
        if !sums.is_empty() {
            self.hand_over(Told::Sums(sums, read_clocks().wall));
        }
    }
}

/// What the thread has.
struct Work {
    requests: Requests,
    connections: Connections,
    agents: Agents,
    entities: Entities,
    beats: usize,
    told_entities: Instant,
    since: Option<Instant>,
    counts: Arc<Counts>,
    waiting: Arc<AtomicUsize>,
    give_back: Sender<Vec<Request>>,
}

impl Work {
    fn new(
        host: &Host,
        counts: Arc<Counts>,
        waiting: Arc<AtomicUsize>,
        give_back: Sender<Vec<Request>>,
    ) -> Self {
        Work {
            requests: Requests::new(&host.name),
            connections: Connections::new(&host.name),
            agents: Agents::new(host),
            entities: Entities::new(host, read_clocks().wall),
            beats: 0,
            told_entities: Instant::now(),
            since: None,
            counts,
            waiting,
            give_back,
        }
    }

    /// Until nothing more can come.
    fn run(mut self, told: &Receiver<Told>, mut open: Open) {
        // Until there is a way, what is told waits in the channel, as far as it has room.
        let mut uplink = loop {
            match open() {
                Ok(uplink) => break uplink,
                Err(why) => self.counts.set_problem(Some(why)),
            }
            std::thread::sleep(OPEN_EVERY);
        };
        loop {
            let patience =
                self.since.map_or(LONGEST_WAIT, |since| LONGEST_WAIT.saturating_sub(since.elapsed()));
            match told.recv_timeout(patience) {
                Ok(told) => self.take(told),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if self.told_entities.elapsed() >= ENTITIES_EVERY {
                self.tell_entities(&mut uplink);
            }
            let is_full = self.requests.len() >= MOST_ROWS || self.connections.len() >= MOST_ROWS;
            if is_full || self.since.is_some_and(|since| since.elapsed() >= LONGEST_WAIT) {
                self.flush(&mut uplink);
            }
        }
        self.tell_entities(&mut uplink);
        self.flush(&mut uplink);
        uplink.close();
    }

    fn take(&mut self, told: Told) {
        self.since.get_or_insert_with(Instant::now);
        self.waiting.fetch_sub(told.count(), Ordering::Relaxed);
        match told {
            Told::Requests(mut requests) => {
                for request in requests.drain(..) {
                    if let Some(process) = &request.ends.process {
                        // Those beyond the bound are not told; requests name them all the same.
                        self.entities.note(
                            process,
                            request.time,
                            request.time.saturating_add(request.duration),
                        );
                    }
                    self.count(|work| work.requests.push(&request));
                }
                // At the end nobody wants it.
                let _ = self.give_back.send(requests);
            }
            Told::Connections(connections) => {
                for connection in &connections {
                    if let Some(process) = &connection.process {
                        let began = connection.time.saturating_sub(connection.age.unwrap_or(0));
                        self.entities.note(process, began, connection.time);
                    }
                    self.count(|work| work.connections.push(connection));
                }
            }
            Told::Sums(sums, time) => {
                sums.iter().for_each(|summed| self.count(|work| work.connections.push_summed(summed, time)));
            }
            Told::Heartbeat(heartbeat) => {
                self.beats += 1;
                self.count(|work| work.agents.push(&heartbeat));
            }
        }
    }

    fn count<E: std::fmt::Display>(&mut self, push: impl FnOnce(&mut Self) -> Result<(), E>) {
        if let Err(error) = push(self) {
            self.counts.add_lost(Cause::Refused, 1, error.to_string());
        }
    }

    fn flush(&mut self, uplink: &mut Uplink) {
        self.since = None;
        let batches = [
            (Table::Requests, self.requests.len(), self.requests.finish()),
            (Table::Connections, self.connections.len(), self.connections.finish()),
            (Table::Agents, std::mem::take(&mut self.beats), self.agents.finish()),
        ];
        for (table, rows, batch) in batches {
            match batch {
                Ok(batch) => uplink.send(table, &batch),
                Err(error) => self.counts.add_lost(Cause::Refused, rows as u64, error.to_string()),
            }
        }
    }

    fn tell_entities(&mut self, uplink: &mut Uplink) {
        self.told_entities = Instant::now();
        match self.entities.take(read_clocks().wall) {
            Ok(batch) => uplink.send(Table::Entities, &batch),
            Err(error) => self.counts.add_lost(Cause::Refused, 1, error.to_string()),
        }
    }
}

/// What is said of it at the end.
pub(super) fn summary(counts: &Counts) -> String {
    let lost = Cause::ALL.map(|cause| counts.lost(cause)).iter().sum();
    format!("store: {} rows sent, {} lost", units::Count(counts.sent()), units::Count(lost))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use model::request::{Ends, Peer, Process};
    use model::{Attributes, ConnectionId, Endpoint, Role};

    use super::*;

    fn request() -> Request {
        let peer = |address: &str| Peer { endpoint: Endpoint::Ip(address.parse().unwrap()), service: None };
        let process = Process { pid: 812, command: "nginx".into(), service: "nginx".into() };
        Request {
            time: 1_795_161_600_123_456_789,
            duration: 213_456,
            role: Role::Server,
            protocol: "http",
            name: "GET".into(),
            error: None,
            ends: Arc::new(Ends {
                client: peer("10.0.0.7:40112"),
                server: peer("10.0.0.9:80"),
                process: Some(process),
            }),
            tid: 815,
            request_bytes: 112,
            response_bytes: 5120,
            attributes: Attributes::default(),
            connection: ConnectionId(1),
            waiting: false,
            incomplete: None,
            place: None,
            sequence: None,
        }
    }

    type Seen = Arc<Mutex<Vec<(Table, usize)>>>;

    fn shipper(answer: Answer) -> (Shipper, Seen) {
        let seen = Seen::default();
        let counts = Arc::<Counts>::default();
        let (own, taken) = (counts.clone(), seen.clone());
        let open = move || {
            let (taken, answer) = (taken.clone(), answer.clone());
            let take = move |table, batch: &RecordBatch| {
                taken.lock().unwrap().push((table, batch.num_rows()));
                answer.clone()
            };
            Ok(Uplink::local(Box::new(take), own.clone()))
        };
        let host = Host { name: "h1".into(), ..Host::default() };
        (Shipper::start(host, counts, Box::new(open)).unwrap(), seen)
    }

    fn rows(seen: &Seen, table: Table) -> usize {
        seen.lock().unwrap().iter().filter(|(own, _)| *own == table).map(|(_, rows)| rows).sum()
    }

    #[test]
    fn all_of_it_arrives_at_the_end() {
        let (shipper, seen) = shipper(Answer::Taken);
        for _ in 0..100 {
            assert!(shipper.offer(vec![request(); 100]).is_empty());
        }
        shipper.beat(Heartbeat::default());
        let counts = shipper.stop();
        assert_eq!([Table::Requests, Table::Agents].map(|table| rows(&seen, table)), [10_000, 1]);
        assert!(rows(&seen, Table::Entities) >= 1);
        assert_eq!(Cause::ALL.map(|cause| counts.lost(cause)), [0; 3]);
    }

    #[test]
    fn the_rings_never_wait_and_what_is_too_much_is_counted() {
        let (shipper, seen) = shipper(Answer::Later("full".into()));
        let began = Instant::now();
        let offered = 200 * 1000;
        for _ in 0..200 {
            shipper.offer(vec![request(); 1000]);
        }
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
        let counts = shipper.stop();
        let lost = Cause::ALL.map(|cause| counts.lost(cause));
        assert!(lost[0] > 0 && lost.iter().sum::<u64>() >= offered, "{lost:?}");
        assert_eq!(counts.sent(), 0);
        assert!(rows(&seen, Table::Requests) > 0);
    }
}
