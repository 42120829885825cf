//! Batches of rows on their way from an agent into a store: into one of the same process, as they are ([`Uplink::local`]).
//!
//! Must not know what rows tell, nor who stores them.

mod counts;
mod local;

use std::sync::Arc;

use arrow_array::RecordBatch;
use schema::Table;

pub use counts::{Cause, Counts};
pub use local::{Answer, Take};

use local::Local;

/// The way to a store.
pub struct Uplink {
    way: Way,
    counts: Arc<Counts>,
}

enum Way {
    Local(Local),
}

impl Uplink {
    /// Into a store of this process: `take` hands a batch over, and returns at once.
    pub fn local(take: Take, counts: Arc<Counts>) -> Self {
        Uplink { way: Way::Local(Local::new(take)), counts }
    }

    /// Sends a batch. May wait for a second where the store is behind; what it does not take then is counted as lost.
    pub fn send(&mut self, table: Table, batch: &RecordBatch) {
        let rows = batch.num_rows() as u64;
        if rows == 0 {
            return;
        }
        match &mut self.way {
            Way::Local(local) => match local.send(table, batch) {
                Ok(()) => self.counts.add_sent(rows),
                Err((cause, why)) => self.counts.add_lost(cause, rows, why),
            },
        }
    }

    /// Sends what waits.
    pub fn close(self) {
        match self.way {
            // Nothing waits.
            Way::Local(_) => {}
        }
    }
}
