//! What became of what was to be sent to one receiver.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::payload::Kind;

/// Why something did not arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
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
    /// All of them.
    pub const ALL: [Cause; 7] = [
        Cause::QueueFull,
        Cause::SpoolFull,
        Cause::SpoolFailed,
        Cause::Damaged,
        Cause::Rejected,
        Cause::Refused,
        Cause::Shutdown,
    ];

    /// The word for it in output.
    pub fn as_str(self) -> &'static str {
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
#[derive(Debug)]
pub struct Counts {
    kinds: &'static [&'static str],
    sent: Vec<AtomicU64>,
    dropped: Vec<[AtomicU64; Cause::ALL.len()]>,
    retries: AtomicU64,
    in_memory: AtomicU64,
    on_disk: AtomicU64,
    problem: Mutex<Option<String>>,
}

impl Counts {
    /// Of what there is of these names, each of which is a [`Kind`]'s.
    pub fn new(kinds: &'static [&'static str]) -> Self {
        Counts {
            kinds,
            sent: kinds.iter().map(|_| AtomicU64::default()).collect(),
            dropped: kinds.iter().map(|_| Default::default()).collect(),
            retries: AtomicU64::default(),
            in_memory: AtomicU64::default(),
            on_disk: AtomicU64::default(),
            problem: Mutex::default(),
        }
    }

    /// A kind's name.
    pub fn name(&self, kind: Kind) -> &'static str {
        self.kinds.get(usize::from(kind.0)).copied().unwrap_or("items")
    }

    pub(crate) fn add_sent(&self, kind: Kind, items: u64) {
        if let Some(sent) = self.sent.get(usize::from(kind.0)) {
            sent.fetch_add(items, Ordering::Relaxed);
        }
    }

    /// Counts what will never be sent.
    pub fn add_dropped(&self, kind: Kind, cause: Cause, items: u64) {
        if let Some(dropped) = self.dropped.get(usize::from(kind.0)) {
            dropped[cause as usize].fetch_add(items, Ordering::Relaxed);
        }
    }

    pub(crate) fn add_retry(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn set_waiting(&self, in_memory: usize, on_disk: u64) {
        self.in_memory.store(in_memory as u64, Ordering::Relaxed);
        self.on_disk.store(on_disk, Ordering::Relaxed);
    }

    /// Says what is wrong, or that nothing is any more.
    pub fn set_problem(&self, problem: Option<String>) {
        // Whoever had the lock only copied a text.
        *self.problem.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = problem;
    }

    /// What is wrong at present.
    pub fn problem(&self) -> Option<String> {
        self.problem.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// What was taken.
    pub fn sent(&self, kind: Kind) -> u64 {
        self.sent.get(usize::from(kind.0)).map_or(0, |sent| sent.load(Ordering::Relaxed))
    }

    /// What will never be sent.
    pub fn dropped(&self, kind: Kind, cause: Cause) -> u64 {
        let dropped = self.dropped.get(usize::from(kind.0));
        dropped.map_or(0, |dropped| dropped[cause as usize].load(Ordering::Relaxed))
    }

    /// What was taken, of all kinds.
    pub fn all_sent(&self) -> u64 {
        self.sent.iter().map(|sent| sent.load(Ordering::Relaxed)).sum()
    }

    /// What will never be sent, of all kinds.
    pub fn all_dropped(&self) -> u64 {
        self.dropped.iter().flatten().map(|dropped| dropped.load(Ordering::Relaxed)).sum()
    }

    /// Attempts that came to nothing.
    pub fn retries(&self) -> u64 {
        self.retries.load(Ordering::Relaxed)
    }

    /// Bytes that wait in memory, and on disk.
    pub fn waiting(&self) -> (u64, u64) {
        (self.in_memory.load(Ordering::Relaxed), self.on_disk.load(Ordering::Relaxed))
    }
}
