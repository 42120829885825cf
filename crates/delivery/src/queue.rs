//! What waits for one way, in order: the oldest in memory, and what finds no room there on disk.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use crate::config::Way;
use crate::counts::{Cause, Counts};
use crate::payload::Payload;
use crate::spool::{Place, Read, Refused, Spool};

/// The queue.
#[derive(Debug)]
pub(crate) struct Queue {
    memory: VecDeque<Waiting>,
    bytes: usize,
    limit: usize,
    spool: Option<Spool>,
    counts: Arc<Counts>,
}

#[derive(Debug)]
struct Waiting {
    payload: Payload,
    /// Where it lies on disk too.
    place: Option<Place>,
}

impl Queue {
    /// Begins with what an earlier agent left on disk.
    pub(crate) fn open(way: &Way, counts: Arc<Counts>) -> io::Result<Queue> {
        let spool = way.spool.as_ref().map(Spool::open).transpose()?;
        let queue = Queue { memory: VecDeque::new(), bytes: 0, limit: way.queue, spool, counts };
        queue.tell();
        Ok(queue)
    }

    /// Adds a payload, or counts it as dropped.
    pub(crate) fn push(&mut self, payload: Payload) {
        // Behind what is on disk, not before it: who sums up what is cumulative wants it in order.
        let in_turn = self.spool.as_ref().is_none_or(Spool::is_empty);
        if in_turn && self.bytes + payload.cost() <= self.limit {
            self.bytes += payload.cost();
            self.memory.push_back(Waiting { payload, place: None });
        } else {
            let cause = match &mut self.spool {
                None => Some(Cause::QueueFull),
                Some(spool) => spool.push(&payload).err().map(|refused| cause(&refused, &self.counts)),
            };
            if let Some(cause) = cause {
                self.counts.add_dropped(payload.kind, cause, payload.items.into());
            }
        }
        self.tell();
    }

    /// The payload whose turn it is. It stays until it is [`Queue::done`].
    pub(crate) fn front(&mut self) -> Option<Payload> {
        if self.memory.is_empty() {
            self.load();
            self.tell();
        }
        self.memory.front().map(|waiting| waiting.payload.clone())
    }

    /// Forgets the payload whose turn it was.
    pub(crate) fn done(&mut self) {
        let Some(waiting) = self.memory.pop_front() else { return };
        self.bytes = self.bytes.saturating_sub(waiting.payload.cost());
        if let (Some(place), Some(spool)) = (waiting.place, &mut self.spool)
            && let Err(error) = spool.done(place)
        {
            // It is sent again after a restart.
            self.counts.set_problem(Some(format!("the spool cannot be written: {error}")));
        }
        self.tell();
    }

    /// At the end: what waits in memory goes to disk, or is counted as dropped.
    pub(crate) fn close(&mut self) {
        let all = std::mem::take(&mut self.memory);
        self.bytes = 0;
        // What has a place is on disk already.
        let payloads: Vec<Payload> = all
            .into_iter()
            .filter(|waiting| waiting.place.is_none())
            .map(|waiting| waiting.payload)
            .collect();
        let (kept, cause) = match &mut self.spool {
            None => (0, Cause::Shutdown),
            Some(spool) => match spool.put_before(&payloads) {
                Ok(()) => (payloads.len(), Cause::Shutdown),
                Err((kept, refused)) => (kept, cause(&refused, &self.counts)),
            },
        };
        for payload in payloads.iter().skip(kept) {
            self.counts.add_dropped(payload.kind, cause, payload.items.into());
        }
        self.tell();
    }

    /// Reads one payload from the disk.
    fn load(&mut self) {
        let Some(spool) = &mut self.spool else { return };
        loop {
            match spool.next() {
                Ok(Read::Payload(payload, place)) => {
                    self.bytes += payload.cost();
                    self.memory.push_back(Waiting { payload, place: Some(place) });
                    return;
                }
                Ok(Read::Damaged(kind, items)) => {
                    self.counts.add_dropped(kind, Cause::Damaged, items.into());
                }
                Ok(Read::End) => return,
                Err(error) => {
                    self.counts.set_problem(Some(format!("the spool cannot be read: {error}")));
                    return;
                }
            }
        }
    }

    fn tell(&self) {
        self.counts.set_waiting(self.bytes, self.spool.as_ref().map_or(0, Spool::bytes));
    }
}

/// The cause of a loss; a disk that fails is told as well.
fn cause(refused: &Refused, counts: &Counts) -> Cause {
    match refused {
        Refused::Full => Cause::SpoolFull,
        Refused::Failed(error) => {
            counts.set_problem(Some(format!("the spool cannot be written: {error}")));
            Cause::SpoolFailed
        }
    }
}

#[cfg(test)]
mod tests;
