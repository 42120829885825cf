//! From a receiver's queue to the receiver: one message after the other, each until it is taken or refused.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

use crate::config::Way;
use crate::counts::{Cause, Counts};
use crate::payload::Payload;
use crate::queue::Queue;
use crate::retry::{Backoff, Outcome};
use crate::transport::{Client, Speak};

/// The way to one receiver, with what waits for it.
#[derive(Debug)]
pub struct Route {
    counts: Arc<Counts>,
    queue: Mutex<Queue>,
    pushed: Notify,
    closing: AtomicBool,
    closes: Notify,
}

impl Route {
    /// Begins with what was left on disk by whoever sent this way before.
    ///
    /// # Errors
    ///
    /// When the folder of the spool cannot be used.
    pub fn open(way: &Way, counts: Arc<Counts>) -> io::Result<Route> {
        Ok(Route {
            queue: Mutex::new(Queue::open(way, counts.clone())?),
            counts,
            pushed: Notify::new(),
            closing: AtomicBool::new(false),
            closes: Notify::new(),
        })
    }

    /// What became of what was to be sent.
    pub fn counts(&self) -> &Arc<Counts> {
        &self.counts
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // What waits is good whatever happened to whoever had the lock.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a message; one that finds no room is counted.
    pub fn push(&self, payload: Payload) {
        self.queue().push(payload);
        self.pushed.notify_one();
    }

    /// When [`deliver`] has ended: what is left goes to disk, or is counted.
    pub fn finish(&self) {
        self.queue().close();
    }

    /// Nothing more will come: [`deliver`] ends when the queue is empty, or at the next failure.
    pub fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
        self.pushed.notify_one();
        self.closes.notify_one();
    }

    fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    /// Waits for so long, or until it closes.
    async fn pause(&self, pause: Duration) {
        // Both ends of the wait are as good.
        let _ = timeout(pause, self.closes.notified()).await;
    }
}

/// Sends what is in the queue, until it is closed.
pub async fn deliver<S: Speak>(route: Arc<Route>, mut client: Client<S>) {
    let mut backoff = Backoff::default();
    loop {
        let front = route.queue().front();
        let Some(payload) = front else {
            if route.is_closing() {
                return;
            }
            route.pushed.notified().await;
            continue;
        };
        match client.send(&payload).await {
            Outcome::Taken { rejected, message } => {
                taken(&route.counts, &payload, rejected, &message);
                backoff.reset();
                route.queue().done();
            }
            Outcome::Never { why } => {
                route.counts.add_dropped(payload.kind, Cause::Refused, payload.items.into());
                route.counts.set_problem(Some(format!("refuses {}: {why}", route.counts.name(payload.kind))));
                backoff.reset();
                route.queue().done();
            }
            Outcome::Later { after, why } => {
                route.counts.add_retry();
                route.counts.set_problem(Some(format!("takes nothing: {why}")));
                if route.is_closing() {
                    return;
                }
                route.pause(backoff.pause(after)).await;
                // Who asked for a pause is not asked again within it.
                if route.is_closing() && after.is_some() {
                    return;
                }
            }
        }
    }
}

fn taken(counts: &Counts, payload: &Payload, rejected: u64, message: &str) {
    let items = u64::from(payload.items);
    let rejected = rejected.min(items);
    counts.add_sent(payload.kind, items - rejected);
    counts.add_dropped(payload.kind, Cause::Rejected, rejected);
    let signal = counts.name(payload.kind);
    let problem = match (rejected, message) {
        (0, "") => None,
        (0, message) => Some(format!("took all {signal}, and warns: {message}")),
        (rejected, message) => Some(format!("rejects {rejected} of {items} {signal}: {message}")),
    };
    counts.set_problem(problem);
}
