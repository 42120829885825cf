//! What became of rows.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

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
        self.problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Rows that arrived.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Rows that never will.
    pub fn lost(&self, cause: Cause) -> u64 {
        self.lost[cause as usize].load(Ordering::Relaxed)
    }
}
