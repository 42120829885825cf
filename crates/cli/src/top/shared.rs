//! What is counted, shared by the thread that empties the rings and the one that draws.

use std::cell::Cell;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use model::{Nanos, Request};
use signals::Limits;
use signals::recent::{Recent, View, Window};

use super::model::{Snapshot, Source};
use crate::agent::budget::Keeper;
use crate::agent::{Agent, Sink, figures, read_clocks};
use crate::requests::Filter;
use crate::requests::command::summary;
use crate::requests::summary::Tally;

/// How Weir itself is.
#[derive(Debug, Clone, Default)]
pub struct Health {
    /// Requests that were seen a second, on either side, shown or not.
    pub records: f64,
    /// Events that were lost, by cause.
    pub lost: Vec<Tally>,
    /// Bytes that are missing within connections.
    pub lost_bytes: u64,
    /// The part of a processor that this process takes.
    pub cpu: f64,
    /// Its memory in use.
    pub resident: Option<u64>,
    /// The part of connections that is seen, where others are left out for the budget.
    pub kept: Option<f64>,
    /// Requests for whose own rows there was no room.
    pub others: u64,
    /// Rows that were forgotten because they were idle.
    pub forgotten: u64,
}

/// Rows and health, as they are being counted. The locks are held for a batch of requests, or while rows are made.
#[derive(Debug)]
pub(super) struct Shared {
    recent: Mutex<Recent>,
    health: Mutex<Health>,
}

impl Shared {
    pub(super) fn new(limits: Limits) -> Arc<Shared> {
        let recent = Mutex::new(Recent::new(limits, read_clocks().monotonic));
        Arc::new(Shared { recent, health: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, Recent> {
        // Counts are good whatever happened to whoever had the lock.
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn sweep(&self, now: Nanos) {
        self.lock().sweep(now);
    }

    pub(super) fn health(&self) -> Health {
        self.health.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_health(&self, mut health: Health) {
        for counts in self.lock().counts() {
            health.others += counts.overflowed;
            health.forgotten += counts.expired;
        }
        *self.health.lock().unwrap_or_else(PoisonError::into_inner) = health;
    }
}

impl Source for Shared {
    fn look(&self, view: View, window: Window) -> Snapshot {
        let recent = self.lock();
        // Under the lock, so that nothing was counted later than that.
        let now = read_clocks().monotonic;
        Snapshot { rows: recent.rows(view, window, now), covered: recent.covered(window, now) }
    }
}

/// Counts the requests that are wanted, and keeps nothing else of them.
pub(super) struct Counter {
    shared: Arc<Shared>,
    filter: Filter,
    shown: Cell<u64>,
    /// The last batch's memory.
    used: Cell<Vec<Request>>,
}

impl Counter {
    pub(super) fn new(shared: Arc<Shared>, filter: Filter) -> Counter {
        Counter { shared, filter, shown: Cell::new(0), used: Cell::default() }
    }

    /// How many requests were counted.
    pub(super) fn shown(&self) -> u64 {
        self.shown.get()
    }
}

impl Sink for Counter {
    fn write(&self, mut batch: Vec<Request>) {
        if !batch.is_empty() {
            let now = read_clocks().monotonic;
            let mut recent = self.shared.lock();
            for request in batch.iter().filter(|request| self.filter.matches(request)) {
                recent.record(request, now);
                self.shown.set(self.shown.get() + 1);
            }
        }
        batch.clear();
        self.used.set(batch);
    }

    fn used_batch(&self) -> Vec<Request> {
        self.used.take()
    }
}

/// Works out what becomes of Weir between two looks.
pub(super) struct Checkup {
    at: Instant,
    requests: u64,
    cpu_time: f64,
}

impl Checkup {
    pub(super) fn new(agent: &Agent) -> Checkup {
        let requests = agent.analyzer().counters().requests;
        Checkup { at: Instant::now(), requests, cpu_time: figures::cpu_time() }
    }

    /// The time since the last look.
    pub(super) fn age(&self) -> Duration {
        self.at.elapsed()
    }

    pub(super) fn look(&mut self, agent: &Agent, keeper: Option<&Keeper>) -> Health {
        let counters = agent.analyzer().counters();
        let next = Checkup::new(agent);
        let seconds = (next.at - self.at).as_secs_f64().max(1e-3);
        let told = summary(Duration::ZERO, 0, 0, agent.capture().losses(), counters);
        let health = Health {
            records: (next.requests - self.requests) as f64 / seconds,
            lost: told.lost,
            lost_bytes: told.lost_bytes + told.uncaptured_bytes,
            cpu: (next.cpu_time - self.cpu_time) / seconds,
            resident: figures::resident(),
            kept: keeper.map(Keeper::kept).filter(|kept| *kept < 1.0),
            others: 0,
            forgotten: 0,
        };
        *self = next;
        health
    }
}
