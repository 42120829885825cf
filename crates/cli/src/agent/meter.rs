//! Metrics as they are being counted, shared by the thread that empties the rings and the one that gives them out.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::sums::Summed;
use model::tcp::Connection;
use model::time::ClockReading;
use model::{Nanos, Request};
use otlp::Exporter;
use signals::{Carried, Collect, ConnectionMetrics, Figures, Limits, RequestMetrics, Source};

use super::shipper::Shipper;
use super::tcp::Tcp;
use super::{Sink, read_clocks};

/// What is given out. The lock is held for a batch of requests, or for as long as it takes to copy a few series.
#[derive(Debug)]
pub struct State {
    metrics: Mutex<Metrics>,
    /// When the rings were last emptied.
    alive: AtomicU64,
}

/// All that has metrics. What is added here appears on the page.
#[derive(Debug)]
pub(super) struct Metrics {
    pub(super) requests: RequestMetrics,
    pub(super) connections: ConnectionMetrics,
    pub(super) figures: Figures,
}

impl State {
    pub(super) fn lock(&self) -> MutexGuard<'_, Metrics> {
        // Counts are good whatever happened to whoever had the lock.
        self.metrics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For how long the rings have not been emptied; `None` before they were for the first time.
    pub fn silent_for(&self, now: Nanos) -> Option<Nanos> {
        let alive = self.alive.load(Ordering::Relaxed);
        (alive > 0).then(|| now.saturating_sub(alive))
    }
}

impl Source for State {
    fn look<R>(&self, look: impl FnOnce(&[&dyn Collect]) -> R) -> R {
        let metrics = self.lock();
        look(&[&metrics.requests, &metrics.connections, &metrics.figures])
    }
}

/// Requests that may wait for an exporter: as many as may wait in one.
const MOST_EARLY: usize = 16_384;
/// Of these, so many are passed on at a time.
const EARLY_AT_ONCE: usize = 1024;

/// Counts requests and connections, and passes requests on to be exported.
pub struct Meter {
    state: Arc<State>,
    exporter: Option<Exporter>,
    shipper: Option<Shipper>,
    /// Where both clocks were when counting began: receivers of metrics are told beginnings by it.
    first: ClockReading,
    /// Requests of a time in which another agent still sends to the receivers.
    early: RefCell<Option<VecDeque<Request>>>,
    /// Those that found no room there.
    early_lost: Cell<u64>,
    /// The last batch's memory.
    used: Cell<Vec<Request>>,
}

impl Meter {
    /// Begins to count.
    pub fn new(limits: Limits, first: ClockReading) -> Meter {
        let metrics = Metrics {
            requests: RequestMetrics::new(limits),
            connections: ConnectionMetrics::new(limits),
            figures: Figures::new(signals::agent::METRICS, first.monotonic),
        };
        let state = State { metrics: Mutex::new(metrics), alive: AtomicU64::new(0) };
        Meter {
            state: Arc::new(state),
            exporter: None,
            shipper: None,
            first,
            early: RefCell::default(),
            early_lost: Cell::default(),
            used: Cell::default(),
        }
    }

    /// Where both clocks were when counting began.
    pub fn first(&self) -> ClockReading {
        self.first
    }

    /// Goes on with what another agent counted; returns how many series found no place.
    pub fn resume(&mut self, carried: &Carried, first: ClockReading) -> usize {
        self.first = first;
        let mut metrics = self.state.lock();
        let Metrics { requests, connections, figures } = &mut *metrics;
        carried.resume(requests, connections, figures, read_clocks().monotonic)
    }

    /// Keeps requests until there is an exporter, as far as there is room.
    pub fn await_exporter(&self) {
        self.early.replace(Some(VecDeque::new()));
    }

    /// Passes requests on from now on.
    pub fn export_by(&mut self, exporter: Exporter) {
        exporter.lose(self.early_lost.take());
        self.exporter = Some(exporter);
    }

    /// Keeps a batch for the exporter that will come; or passes on some of what was kept.
    fn keep_early(&self, batch: &mut Vec<Request>) {
        let mut kept = self.early.borrow_mut();
        let Some(early) = &mut *kept else { return };
        let Some(exporter) = &self.exporter else {
            let room = MOST_EARLY.saturating_sub(early.len());
            self.early_lost.set(self.early_lost.get() + batch.len().saturating_sub(room) as u64);
            early.extend(batch.drain(..).take(room));
            return;
        };
        let some = early.len().min(EARLY_AT_ONCE);
        exporter.offer(early.drain(..some).collect());
        if early.is_empty() {
            *kept = None;
        }
    }

    /// Has somebody else take requests from now on, or nobody; returns who took them until now.
    pub fn replace_exporter(&mut self, exporter: Option<Exporter>) -> Option<Exporter> {
        std::mem::replace(&mut self.exporter, exporter)
    }

    /// Goes by other limits from now on.
    pub fn set_limits(&self, limits: Limits) {
        let mut metrics = self.state.lock();
        metrics.requests.set_limits(limits);
        metrics.connections.set_limits(limits);
    }

    /// Who takes them.
    pub fn exporter(&self) -> Option<&Exporter> {
        self.exporter.as_ref()
    }

    /// Has requests and connections kept in a store from now on.
    pub fn ship_by(&mut self, shipper: Shipper) {
        self.shipper = Some(shipper);
    }

    /// Who ships them there.
    pub fn shipper(&self) -> Option<&Shipper> {
        self.shipper.as_ref()
    }

    /// Ends, and with it what was passed on to whom.
    pub fn finish(self) -> (Option<Exporter>, Option<Shipper>) {
        (self.exporter, self.shipper)
    }

    /// Whether anybody wants more of a request than metrics do.
    pub fn is_lean(&self) -> bool {
        self.shipper.is_none() && !self.exporter.as_ref().is_some_and(Exporter::has_spans)
    }

    /// What is given out.
    pub fn state(&self) -> Arc<State> {
        self.state.clone()
    }

    /// Forgets series that are idle.
    pub fn sweep(&self, now: Nanos) {
        let mut metrics = self.state.lock();
        metrics.requests.sweep(now);
        metrics.connections.sweep(now);
    }
}

impl Sink for Meter {
    fn write(&self, mut batch: Vec<Request>) {
        let now = read_clocks().monotonic;
        self.state.alive.store(now, Ordering::Relaxed);
        if !batch.is_empty() {
            let mut metrics = self.state.lock();
            batch.iter().for_each(|request| metrics.requests.record(request, now));
        }
        if let Some(shipper) = self.shipper.as_ref().filter(|_| !batch.is_empty()) {
            let others_want_it =
                self.exporter.as_ref().is_some_and(Exporter::has_spans) || self.early.borrow().is_some();
            batch = if others_want_it {
                shipper.offer(batch.clone());
                batch
            } else {
                shipper.offer(batch)
            };
        }
        self.keep_early(&mut batch);
        match &self.exporter {
            // All are counted by now, so that metrics are right whatever is kept.
            Some(exporter) if !batch.is_empty() => batch = exporter.offer(batch),
            _ => batch.clear(),
        }
        self.used.set(batch);
    }

    fn used_batch(&self) -> Vec<Request> {
        self.used.take()
    }

    fn connections(&self, batch: Vec<Connection>) {
        let now = read_clocks().monotonic;
        let mut metrics = self.state.lock();
        batch.iter().for_each(|connection| metrics.connections.record(connection, now));
        drop(metrics);
        if let Some(shipper) = &self.shipper {
            shipper.connections(batch);
        }
    }

    fn sums(&self, sums: Vec<Summed>) {
        let now = read_clocks().monotonic;
        let mut metrics = self.state.lock();
        sums.iter().for_each(|summed| metrics.connections.record_sums(summed, now));
        drop(metrics);
        if let Some(shipper) = &self.shipper {
            shipper.sums(sums);
        }
    }

    fn looked(&self, tcp: &Tcp) {
        let listening: Vec<_> = tcp.connections.listening().collect();
        self.state.lock().connections.looked(listening.iter(), read_clocks().monotonic);
    }
}
