//! What became of rows.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use delivery::Cause as Lost;
use delivery::Kind;
use schema::Table;

/// Why rows did not arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// There were too many of them before they became batches.
    TooMany,
    /// The store, or what waits for it, was full.
    Full,
    /// The store will never take them.
    Refused,
}

impl Cause {
    /// All of them.
    pub const ALL: [Cause; 3] = [Cause::TooMany, Cause::Full, Cause::Refused];

    /// The word for it in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Cause::TooMany => "too many",
            Cause::Full => "store full",
            Cause::Refused => "refused",
        }
    }
}

/// The counts. Whoever sends counts, others read.
#[derive(Debug, Default)]
pub struct Counts {
    sent: AtomicU64,
    lost: [AtomicU64; Cause::ALL.len()],
    problem: Mutex<Option<String>>,
    /// Those of what waits for a server.
    waiting: OnceLock<Arc<delivery::Counts>>,
}

impl Counts {
    /// Counts rows that arrived.
    pub fn add_sent(&self, rows: u64) {
        self.sent.fetch_add(rows, Ordering::Relaxed);
        self.set_problem(None);
    }

    /// Counts rows that never will.
    pub fn add_lost(&self, cause: Cause, rows: u64, why: String) {
        self.lost[cause as usize].fetch_add(rows, Ordering::Relaxed);
        self.set_problem(Some(why));
    }

    /// Says what is wrong, or that nothing is any more.
    pub fn set_problem(&self, problem: Option<String>) {
        // Whoever had the lock only copied a text.
        *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = problem;
    }

    /// What is wrong at present.
    pub fn problem(&self) -> Option<String> {
        let own = self.problem.lock().unwrap_or_else(PoisonError::into_inner).clone();
        own.or_else(|| self.waiting.get()?.problem())
    }

    /// Rows that arrived.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed) + self.waiting.get().map_or(0, |waiting| waiting.all_sent())
    }

    /// Rows that never will.
    pub fn lost(&self, cause: Cause) -> u64 {
        let causes: &[Lost] = match cause {
            Cause::TooMany => &[],
            Cause::Full => {
                &[Lost::QueueFull, Lost::SpoolFull, Lost::SpoolFailed, Lost::Damaged, Lost::Shutdown]
            }
            Cause::Refused => &[Lost::Rejected, Lost::Refused],
        };
        let of = |waiting: &delivery::Counts| -> u64 {
            let kinds = Table::ALL.iter().map(|table| Kind(*table as u8));
            kinds.flat_map(|kind| causes.iter().map(move |cause| waiting.dropped(kind, *cause))).sum()
        };
        let waiting = self.waiting.get().map_or(0, |waiting| of(waiting));
        self.lost[cause as usize].load(Ordering::Relaxed) + waiting
    }

    /// Bytes that wait for a server in memory, and on disk.
    pub fn waiting(&self) -> (u64, u64) {
        self.waiting.get().map_or((0, 0), |waiting| waiting.waiting())
    }

    /// What waits is counted there.
    pub(crate) fn goes_by(&self, waiting: Arc<delivery::Counts>) {
        // There is one way for these counts.
        let _ = self.waiting.set(waiting);
    }
}
