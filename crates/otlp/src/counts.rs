//! What became of what was to be sent to one destination.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::payload::Signal;

/// Why spans or points did not arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// There was no room in memory, and there is no spool.
    QueueFull,
    /// There was no room on disk either.
    SpoolFull,
    /// The disk failed.
    SpoolFailed,
    /// What lay on disk was damaged.
    Damaged,
    /// The receiver took the message without them.
    Rejected,
    /// The receiver will never take the message.
    Refused,
    /// They were still waiting at the end.
    Shutdown,
}

impl Cause {
    pub(crate) const ALL: [Cause; 7] = [
        Cause::QueueFull,
        Cause::SpoolFull,
        Cause::SpoolFailed,
        Cause::Damaged,
        Cause::Rejected,
        Cause::Refused,
        Cause::Shutdown,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Cause::QueueFull => "queue full",
            Cause::SpoolFull => "spool full",
            Cause::SpoolFailed => "spool failed",
            Cause::Damaged => "damaged",
            Cause::Rejected => "rejected",
            Cause::Refused => "refused",
            Cause::Shutdown => "shutdown",
        }
    }
}

/// The counts. One thread counts, another one reads.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    sent: [AtomicU64; Signal::ALL.len()],
    dropped: [[AtomicU64; Cause::ALL.len()]; Signal::ALL.len()],
    retries: AtomicU64,
    in_memory: AtomicU64,
    on_disk: AtomicU64,
    problem: Mutex<Option<String>>,
}

impl Counts {
    pub(crate) fn add_sent(&self, signal: Signal, items: u64) {
        self.sent[signal as usize].fetch_add(items, Ordering::Relaxed);
    }

    pub(crate) fn add_dropped(&self, signal: Signal, cause: Cause, items: u64) {
        self.dropped[signal as usize][cause as usize].fetch_add(items, Ordering::Relaxed);
    }

    pub(crate) fn add_retry(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn set_waiting(&self, in_memory: usize, on_disk: u64) {
        self.in_memory.store(in_memory as u64, Ordering::Relaxed);
        self.on_disk.store(on_disk, Ordering::Relaxed);
    }

    /// Says what is wrong, or that nothing is any more.
    pub(crate) fn set_problem(&self, problem: Option<String>) {
        // Whoever had the lock only copied a text.
        *self.problem.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = problem;
    }

    pub(crate) fn problem(&self) -> Option<String> {
        self.problem.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    pub(crate) fn sent(&self, signal: Signal) -> u64 {
        self.sent[signal as usize].load(Ordering::Relaxed)
    }

    pub(crate) fn dropped(&self, signal: Signal, cause: Cause) -> u64 {
        self.dropped[signal as usize][cause as usize].load(Ordering::Relaxed)
    }

    pub(crate) fn all_sent(&self) -> u64 {
        Signal::ALL.iter().map(|signal| self.sent(*signal)).sum()
    }

    pub(crate) fn all_dropped(&self) -> u64 {
        let of = |signal| Cause::ALL.iter().map(move |cause| self.dropped(signal, *cause)).sum::<u64>();
        Signal::ALL.into_iter().map(of).sum()
    }

    pub(crate) fn retries(&self) -> u64 {
        self.retries.load(Ordering::Relaxed)
    }

    /// Bytes that wait in memory, and on disk.
    pub(crate) fn waiting(&self) -> (u64, u64) {
        (self.in_memory.load(Ordering::Relaxed), self.on_disk.load(Ordering::Relaxed))
    }
}
