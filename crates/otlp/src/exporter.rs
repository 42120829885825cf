//! The exporter: a thread of its own, and the way to it.
//!
//! The thread that empties the rings only decides which spans are kept, and hands their requests over; where the exporter does
//! not keep up, they are counted as lost. All else is done here: requests become messages, messages wait in a queue for each
//! destination.

use std::cell::{Cell, RefCell};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver as Used, Sender as GiveBack, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use delivery::{Client, ClientError, Compression, Counts, Payload, deliver};
use model::Request;
use model::time::ClockReading;
use signals::Source;
use tokio::sync::mpsc::{Receiver, Sender};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::config::{Config, Destination, Protocol, Sampling};
use crate::metrics::{self, Form};
use crate::sampling::Sampler;
use crate::signal::Signal;
use crate::spans::Batch;
use crate::trace::{Ids, Trace};

/// Requests that may wait to become spans.
const HANDED_OVER: usize = 16_384;
/// Batches of such.
const BATCHES: usize = 1024;
/// Spans of a message.
const MOST_SPANS: u32 = 4096;
/// Bytes of a message, before it is compressed: receivers take 4 MiB and more.
const MOST_BYTES: usize = 1 << 20;
/// A span waits no longer for others.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// How long it may take at the end to send what waits.
const LAST_SENDS: Duration = Duration::from_secs(3);

/// Requests with their places in traces.
type Handed = (Vec<Request>, Vec<Trace>);

/// What runs, and the way to it.
pub struct Exporter {
    shared: Arc<Shared>,
    ids: RefCell<Ids>,
    /// `None` where nobody wants spans.
    queue: Option<Sender<Handed>>,
    /// Batches that were dealt with, for their memory.
    used: Used<Handed>,
    traces: Cell<Vec<Trace>>,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

/// What both threads know.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) sampler: Sampler,
    /// Requests that wait to become spans.
    waiting: AtomicUsize,
    /// Requests that found too many waiting.
    pub(crate) lost: AtomicU64,
    /// By the names of their destinations.
    pub(crate) counts: Vec<(String, Arc<Counts>)>,
}

/// Why export cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A destination cannot be spoken to as it is set.
    #[error("{0}: {1}")]
    Client(String, ClientError),
    /// Its folder cannot be used.
    #[error("{0}: the spool {1} cannot be used: {2}")]
    Spool(String, String, io::Error),
    /// There is no thread, or no way to wait for the network.
    #[error("export cannot begin: {0}")]
    Start(#[from] io::Error),
}

impl Exporter {
    /// Sees whether all destinations can be spoken to as they are set, but for their spools, which somebody else may still use.
    ///
    /// # Errors
    ///
    /// When certificates cannot be used.
    pub fn check(config: &Config) -> Result<(), Error> {
        for destination in &config.destinations {
            let client = Client::new(Arc::new(destination.way()), destination.protocol, config.version);
            client.map_err(|error| Error::Client(destination.endpoint.to_string(), error))?;
        }
        Ok(())
    }

    /// Begins to export: metrics of `source`, and spans of what is offered. Beginnings are told by the reading `first`.
    ///
    /// # Errors
    ///
    /// When certificates or folders cannot be used. That a receiver is not there is no error.
    pub fn start<S>(
        config: Config,
        source: Arc<S>,
        clocks: fn() -> ClockReading,
        first: ClockReading,
    ) -> Result<Exporter, Error>
    where
        S: Source + Send + Sync + 'static,
    {
        let mut routes = Vec::new();
        for destination in &config.destinations {
            routes.push(route(destination.clone(), config.version)?);
        }
        let shared = Arc::new(Shared {
            sampler: Sampler::new(config.sampling),
            waiting: AtomicUsize::new(0),
            lost: AtomicU64::new(0),
            counts: named(&routes),
        });
        let spans = config.destinations.iter().any(|destination| destination.spans);
        let (queue, handed) = tokio::sync::mpsc::channel(BATCHES);
        let (give_back, used) = channel();
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let work = Work { config, routes, source, clocks, first, shared: shared.clone() };
        let thread = std::thread::Builder::new().name("weir-otlp".into()).spawn(move || {
            // Threads inherit the priority of the one that empties the rings; to send is not as urgent.
            // SAFETY: takes no pointers.
            unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, 0) };
            runtime.block_on(work.run(handed, give_back, stopped));
            runtime.shutdown_background();
        })?;
        Ok(Exporter {
            shared,
            ids: RefCell::default(),
            queue: spans.then_some(queue),
            used,
            traces: Cell::default(),
            stop,
            thread,
        })
    }

    /// Takes a batch of requests, of which some become spans; gives an empty one back. Never waits.
    pub fn offer(&self, mut batch: Vec<Request>) -> Vec<Request> {
        let Some(queue) = &self.queue else {
            batch.clear();
            return batch;
        };
        let mut traces = self.traces.take();
        let mut ids = self.ids.borrow_mut();
        batch.retain(|request| {
            let mut trace = ids.trace(request);
            let keeps = self.shared.sampler.keeps(request, &mut trace);
            if keeps {
                traces.push(trace);
            }
            keeps
        });
        let count = batch.len();
        let waiting = self.shared.waiting.load(Ordering::Relaxed);
        if count > 0 && waiting.saturating_add(count) <= HANDED_OVER {
            self.shared.waiting.fetch_add(count, Ordering::Relaxed);
            match queue.try_send((batch, traces)) {
                Ok(()) => (batch, traces) = self.used.try_recv().unwrap_or_default(),
                Err(full) => {
                    self.shared.waiting.fetch_sub(count, Ordering::Relaxed);
                    self.shared.lost.fetch_add(count as u64, Ordering::Relaxed);
                    (batch, traces) = full.into_inner();
                }
            }
        } else {
            self.shared.lost.fetch_add(count as u64, Ordering::Relaxed);
        }
        batch.clear();
        traces.clear();
        self.traces.set(traces);
        batch
    }

    /// Counts requests as lost that did not come as far as this.
    pub fn lose(&self, requests: u64) {
        self.shared.lost.fetch_add(requests, Ordering::Relaxed);
    }

    /// Decides by this on all spans from now on.
    pub fn sample_by(&self, sampling: Sampling) {
        self.shared.sampler.set(sampling);
    }

    /// Sends spans of errors and slow requests only from now on, or all that are sampled again.
    pub fn spare(&self, spares: bool) {
        self.shared.sampler.spare(spares);
    }

    /// Whether any destination gets spans.
    pub fn has_spans(&self) -> bool {
        self.queue.is_some()
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Sends what waits, for a few seconds; what is left goes to disk, or is counted.
    pub fn stop(mut self) -> Ended {
        drop(self.queue.take());
        // A thread that ended has nothing to be told.
        let _ = self.stop.send(());
        let _ = self.thread.join();
        Ended::of(&self.shared)
    }
}

/// What became of all spans and points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Taken by receivers.
    pub sent: u64,
    /// Lost in whatever way.
    pub dropped: u64,
    /// Bytes that wait on disk for the next start.
    pub on_disk: u64,
}

impl Ended {
    fn of(shared: &Shared) -> Ended {
        let counts = || shared.counts.iter().map(|(_, counts)| counts);
        let lost = shared.lost.load(Ordering::Relaxed);
        Ended {
            sent: counts().map(|counts| counts.all_sent()).sum(),
            dropped: counts().map(|counts| counts.all_dropped()).sum::<u64>() + lost,
            on_disk: counts().map(|counts| counts.waiting().1).sum(),
        }
    }
}

/// Each destination's name, and its counts. Of several at one address the further ones have a number.
fn named(routes: &[Opened]) -> Vec<(String, Arc<Counts>)> {
    let name = |place: usize| {
        let address = |(route, _): &Opened| route.destination.endpoint.to_string();
        let own = address(&routes[place]);
        match routes[..place].iter().filter(|route| address(route) == own).count() {
            0 => own,
            others => format!("{own} #{}", others + 1),
        }
    };
    (0..routes.len()).map(|place| (name(place), routes[place].0.way.counts().clone())).collect()
}

/// A destination, and the way to it.
struct Route {
    destination: Destination,
    way: Arc<delivery::Route>,
}

/// The same with what speaks to it.
type Opened = (Arc<Route>, Client<Protocol>);

fn route(destination: Destination, version: &str) -> Result<Opened, Error> {
    let (way, name) = (Arc::new(destination.way()), destination.endpoint.to_string());
    let client = Client::new(way.clone(), destination.protocol, version)
        .map_err(|error| Error::Client(name.clone(), error))?;
    let counts = Arc::new(Counts::new(Signal::NAMES));
    let way = delivery::Route::open(&way, counts).map_err(|error| {
        let folder = destination.spool.as_ref().map(|spool| spool.folder.display().to_string());
        Error::Spool(name, folder.unwrap_or_default(), error)
    })?;
    Ok((Arc::new(Route { destination, way: Arc::new(way) }), client))
}

/// What the thread has.
struct Work<S> {
    config: Config,
    routes: Vec<Opened>,
    source: Arc<S>,
    clocks: fn() -> ClockReading,
    first: ClockReading,
    shared: Arc<Shared>,
}

impl<S: Source + Send + Sync + 'static> Work<S> {
    async fn run(
        self,
        handed: Receiver<Handed>,
        give_back: GiveBack<Handed>,
        stopped: oneshot::Receiver<()>,
    ) {
        let routes: Vec<Arc<Route>> = self.routes.iter().map(|(route, _)| route.clone()).collect();
        let delivering: Vec<_> = self
            .routes
            .into_iter()
            .map(|(route, client)| tokio::spawn(deliver(route.way.clone(), client)))
            .collect();
        let resource = metrics_resource(&self.config);
        let meters: Vec<_> = routes
            .iter()
            .filter(|route| route.destination.metrics)
            .map(|route| Meter {
                route: route.clone(),
                source: self.source.clone(),
                clocks: self.clocks,
                first: self.first,
                resource: resource.clone(),
                version: self.config.version,
            })
            .map(Arc::new)
            .collect();
        let measuring: Vec<_> = meters.iter().map(|meter| tokio::spawn(meter.clone().repeat())).collect();
        let gatherer = Gatherer {
            config: self.config,
            routes: routes.clone(),
            shared: self.shared,
            message: Vec::new(),
            scratch: Vec::new(),
        };
        let gathering = tokio::spawn(gatherer.run(handed, give_back));
        // It is told, or nobody is there any more to tell it.
        let _ = stopped.await;
        // A task that failed has nothing more to give.
        let _ = gathering.await;
        measuring.iter().for_each(tokio::task::JoinHandle::abort);
        meters.iter().for_each(|meter| meter.measure());
        routes.iter().for_each(|route| route.way.close());
        let end = Instant::now() + LAST_SENDS;
        for delivering in delivering {
            let abort = delivering.abort_handle();
            if timeout_at(end, delivering).await.is_err() {
                abort.abort();
            }
        }
        routes.iter().for_each(|route| route.way.finish());
    }
}

/// Makes messages of requests.
struct Gatherer {
    config: Config,
    routes: Vec<Arc<Route>>,
    shared: Arc<Shared>,
    /// Kept for their memory: large buffers that come and go among what waits would leave holes that nothing fits.
    message: Vec<u8>,
    scratch: Vec<u8>,
}

impl Gatherer {
    /// Until nothing more can come.
    async fn run(mut self, mut handed: Receiver<Handed>, give_back: GiveBack<Handed>) {
        let mut batch = Batch::default();
        let sampled = self.shared.sampler.samples();
        let mut since = Instant::now();
        loop {
            let next = match batch.count() {
                0 => handed.recv().await.map(Some),
                _ => match timeout_at(since + LONGEST_WAIT, handed.recv()).await {
                    Ok(next) => next.map(Some),
                    Err(_) => Some(None),
                },
            };
            let Some(next) = next else { break };
            let Some((mut requests, mut traces)) = next else {
                self.send(&mut batch);
                continue;
            };
            self.shared.waiting.fetch_sub(requests.len(), Ordering::Relaxed);
            for (request, trace) in requests.iter().zip(&traces) {
                if batch.count() == 0 {
                    since = Instant::now();
                }
                batch.add(request, trace, sampled);
                if batch.count() >= MOST_SPANS || batch.bytes() >= MOST_BYTES {
                    self.send(&mut batch);
                }
            }
            requests.clear();
            traces.clear();
            // At the end nobody wants it.
            let _ = give_back.send((requests, traces));
            if since.elapsed() >= LONGEST_WAIT {
                self.send(&mut batch);
            }
            // Others are waiting for this thread too.
            tokio::task::yield_now().await;
        }
        self.send(&mut batch);
    }

    /// Gives what was gathered to all who want spans, compressed once in each way that is wanted.
    fn send(&mut self, batch: &mut Batch) {
        if batch.count() == 0 {
            return;
        }
        let count = batch.take(&self.config.host, self.config.version, &mut self.message);
        let mut made: Vec<(Compression, Payload)> = Vec::new();
        for route in self.routes.iter().filter(|route| route.destination.spans) {
            let wanted = route.destination.compression;
            let found = made.iter().find(|(compression, _)| *compression == wanted);
            let payload = match found {
                Some((_, payload)) => payload.clone(),
                None => {
                    let payload =
                        Payload::new(Signal::Spans.kind(), count, &self.message, wanted, &mut self.scratch);
                    made.push((wanted, payload.clone()));
                    payload
                }
            };
            route.way.push(payload);
        }
    }
}

/// Sends metrics to one destination, again and again.
struct Meter<S> {
    route: Arc<Route>,
    source: Arc<S>,
    clocks: fn() -> ClockReading,
    first: ClockReading,
    resource: Arc<[(&'static str, String)]>,
    version: &'static str,
}

impl<S: Source> Meter<S> {
    async fn repeat(self: Arc<Self>) {
        let interval = self.route.destination.interval;
        let mut next = Instant::now() + interval;
        loop {
            sleep_until(next).await;
            self.measure();
            // After a suspended machine wakes up, what was missed is not made up for.
            next = (next + interval).max(Instant::now());
        }
    }

    fn measure(&self) {
        let destination = &self.route.destination;
        let form = Form {
            histograms: destination.histograms,
            first: self.first,
            resource: &self.resource,
            version: self.version,
        };
        let (compression, mut scratch) = (destination.compression, Vec::new());
        metrics::messages(&*self.source, form, (self.clocks)().wall, |message, points| {
            self.route.way.push(Payload::new(
                Signal::Metrics.kind(),
                points,
                &message,
                compression,
                &mut scratch,
            ));
        });
    }
}

/// What metrics are of: this agent, on this host.
fn metrics_resource(config: &Config) -> Arc<[(&'static str, String)]> {
    let mut resource = vec![(model::names::SERVICE_NAME, "weir".to_owned())];
    resource.push((model::names::SERVICE_VERSION, config.version.to_owned()));
    let id = config.host.iter().find(|(key, _)| *key == model::names::HOST_ID);
    resource.extend(id.map(|(_, id)| (model::names::SERVICE_INSTANCE_ID, id.clone())));
    resource.extend(config.host.iter().cloned());
    resource.into()
}
