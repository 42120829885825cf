//! Numbers for batches that have none of their own: OTLP does not tell whether a message was sent before, and what comes from this
//! process comes once.

use std::sync::atomic::{AtomicU64, Ordering};

use arrow_array::RecordBatch;
use schema::Table;
use store::{Error, Origin, Ticket};

use crate::Intake;

/// How often a batch gets a new number: while it was made ready, more than the store remembers of a sender's would have to
/// have become durable.
const ATTEMPTS: usize = 8;

/// A sender that is this process: no other one has its number.
#[derive(Debug)]
pub struct Own {
    source: u64,
    next: AtomicU64,
}

impl Own {
    /// Another one each time.
    ///
    /// # Errors
    ///
    /// When the system has no random numbers.
    pub fn new() -> std::io::Result<Self> {
        let source = getrandom::u64().map_err(std::io::Error::other)?;
        Ok(Own { source, next: AtomicU64::new(1) })
    }

    /// Takes a batch, as the next one of this sender.
    ///
    /// # Errors
    ///
    /// As for [`Intake::take`].
    pub fn take(&self, intake: &Intake, table: Table, batch: &RecordBatch) -> Result<Ticket, Error> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let sequence = self.next.fetch_add(1, Ordering::Relaxed);
            let origin = Origin { source: self.source, sequence };
            match intake.take(origin, table, batch) {
                // Others that began later were faster: it was never stored, so it may have a new number.
                Err(Error::TooOld { .. }) if attempts < ATTEMPTS => {}
                told => return told,
            }
        }
    }
}
