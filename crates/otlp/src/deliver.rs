//! From a destination's queue to the destination: one message after the other, each until it is taken or refused.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

use crate::config::Destination;
use crate::counts::{Cause, Counts};
use crate::payload::Payload;
use crate::queue::Queue;
use crate::retry::{Backoff, Outcome};
use crate::transport::Client;

/// One destination, with what waits for it.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) destination: Arc<Destination>,
    pub(crate) counts: Arc<Counts>,
    queue: Mutex<Queue>,
    pushed: Notify,
    closing: AtomicBool,
    closes: Notify,
}

impl Route {
    pub(crate) fn new(destination: Arc<Destination>, queue: Queue, counts: Arc<Counts>) -> Route {
        Route {
            destination,
            counts,
            queue: Mutex::new(queue),
            pushed: Notify::new(),
            closing: AtomicBool::new(false),
            closes: Notify::new(),
        }
    }

    pub(crate) fn queue(&self) -> MutexGuard<'_, Queue> {
        // What waits is good whatever happened to whoever had the lock.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, payload: Payload) {
        self.queue().push(payload);
        self.pushed.notify_one();
    }

    /// Nothing more will come: [`deliver`] ends when the queue is empty, or at the next failure.
    pub(crate) fn close(&self) {
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
pub(crate) async fn deliver(route: Arc<Route>, mut client: Client) {
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
                route.counts.add_dropped(payload.signal, Cause::Refused, payload.items.into());
                route.counts.set_problem(Some(format!("refuses {}: {why}", payload.signal.as_str())));
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
    counts.add_sent(payload.signal, items - rejected);
    counts.add_dropped(payload.signal, Cause::Rejected, rejected);
    let signal = payload.signal.as_str();
    let problem = match (rejected, message) {
        (0, "") => None,
        (0, message) => Some(format!("took all {signal}, and warns: {message}")),
        (rejected, message) => Some(format!("rejects {rejected} of {items} {signal}: {message}")),
    };
    counts.set_problem(problem);
}
