//! Batches of rows on their way from an agent into a store: into one of the same process, as they are
//! ([`Uplink::local`]), or to a server ([`Uplink::remote`]).
//!
//! Must not know what rows tell, nor who stores them.

mod counts;
mod local;
mod remote;

use std::sync::Arc;

use arrow_array::RecordBatch;
use schema::Table;

pub use counts::{Cause, Counts};
pub use delivery::{Endpoint, Spool, Tls};
pub use local::{Answer, Take};
pub use remote::{Config, Error};

use local::Local;
use remote::Remote;

/// The way to a store.
pub struct Uplink {
    way: Way,
    counts: Arc<Counts>,
}

enum Way {
    Local(Local),
    Remote(Remote),
}

impl Uplink {
    /// Into a store of this process: `take` hands a batch over, and returns at once.
    pub fn local(take: Take, counts: Arc<Counts>) -> Self {
        Uplink { way: Way::Local(Local::new(take)), counts }
    }

    /// To a server. That it is not there is no error: batches wait for it.
    ///
    /// # Errors
    ///
    /// When certificates or folders cannot be used.
    pub fn remote(config: &Config, counts: Arc<Counts>) -> Result<Self, Error> {
        Ok(Uplink { way: Way::Remote(Remote::open(config, &counts)?), counts })
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
            // What becomes of it then is counted where it waits.
            Way::Remote(remote) => {
                if let Err(why) = remote.send(table, batch) {
                    self.counts.add_lost(Cause::Refused, rows, why);
                }
            }
        }
    }

    /// Sends what waits, for a few seconds; what is left goes to disk, or is counted.
    pub fn close(self) {
        match self.way {
            // Nothing waits.
            Way::Local(_) => {}
            Way::Remote(remote) => remote.close(),
        }
    }
}
