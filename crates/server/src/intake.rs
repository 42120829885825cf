//! The one way by which rows get into the store, whoever brings them.

use std::sync::Arc;

use arrow_array::RecordBatch;
use schema::Table;
use store::{Error, Origin, Store, Ticket};
use tokio::sync::broadcast;

/// Batches that whoever follows may be behind by; then he misses some, and is told how many.
const MOST_BEHIND: usize = 256;

/// A batch that the store has taken.
#[derive(Debug, Clone)]
pub struct Taken {
    /// Its table.
    pub table: Table,
    /// Its rows.
    pub batch: Arc<RecordBatch>,
}

/// Takes batches into the store and shows them to whoever follows.
pub struct Intake {
    store: Arc<Store>,
    taken: broadcast::Sender<Taken>,
}

impl Intake {
    /// Into this store.
    pub fn new(store: Arc<Store>) -> Self {
        Intake { store, taken: broadcast::channel(MOST_BEHIND).0 }
    }

    /// Where the rows are.
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// Takes a batch; the ticket tells when it is durable.
    ///
    /// # Errors
    ///
    /// As [`Store::submit`]: it does not fit the table, or too much waits already.
    pub fn take(&self, origin: Origin, table: Table, batch: &RecordBatch) -> Result<Ticket, Error> {
        let ticket = self.store.submit(origin, table, batch)?;
        if self.taken.receiver_count() > 0 {
            // Nobody may be there any more.
            let _ = self.taken.send(Taken { table, batch: Arc::new(batch.clone()) });
        }
        Ok(ticket)
    }

    /// All batches that are taken from now on.
    pub fn follow(&self) -> broadcast::Receiver<Taken> {
        self.taken.subscribe()
    }
}
