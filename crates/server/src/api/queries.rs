//! What became of questions to the store.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use signals::{Buckets, Histogram};
use store::Error;

/// Counts of questions, by how they ended.
#[derive(Debug, Default)]
pub(crate) struct Queries {
    running: AtomicU64,
    answered: AtomicU64,
    cancelled: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
    durations: Mutex<Histogram>,
}

/// A question that the store works on.
struct Running<'a>(&'a Queries, Instant);

impl<'a> Running<'a> {
    fn begin(queries: &'a Queries) -> Self {
        queries.running.fetch_add(1, Ordering::Relaxed);
        Running(queries, Instant::now())
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let Running(queries, began) = self;
        queries.running.fetch_sub(1, Ordering::Relaxed);
        let took = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        queries.durations.lock().unwrap_or_else(PoisonError::into_inner).record(&Buckets::DURATIONS, took);
    }
}

impl Queries {
    /// Asks, and counts how that ends.
    pub(super) fn count<T>(&self, ask: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        let running = Running::begin(self);
        let told = ask();
        drop(running);
        let count = match &told {
            Ok(_) => &self.answered,
            Err(Error::Cancelled) => &self.cancelled,
            Err(Error::Invalid(_) | Error::TooMuch { .. } | Error::Busy { .. }) => &self.refused,
            Err(_) => &self.failed,
        };
        count.fetch_add(1, Ordering::Relaxed);
        told
    }

    /// One was refused before the store saw it.
    pub(super) fn count_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// Questions that the store works on at this moment.
    pub(crate) fn running(&self) -> u64 {
        self.running.load(Ordering::Relaxed)
    }

    /// Those that ended, by how.
    pub(crate) fn ended(&self) -> [(&'static str, u64); 4] {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        [
            ("answered", of(&self.answered)),
            ("cancelled", of(&self.cancelled)),
            ("refused", of(&self.refused)),
            ("failed", of(&self.failed)),
        ]
    }

    /// How long they took.
    pub(crate) fn durations(&self) -> Histogram {
        self.durations.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
