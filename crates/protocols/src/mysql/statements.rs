//! Statements that were prepared on a connection.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::sql::Statement;

/// Statements of a connection that are remembered; the oldest are forgotten first. Servers number them upwards.
const MOST: usize = 1024;

/// What is known of a connection's prepared statements.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    known: BTreeMap<u32, Arc<Statement>>,
    /// The one that was asked for last, whether or not it was answered.
    pub(super) last: Option<Arc<Statement>>,
}

impl Prepared {
    pub(super) fn get(&self, id: u32) -> Option<Arc<Statement>> {
        self.known.get(&id).cloned()
    }

    pub(super) fn learn(&mut self, id: u32, statement: Arc<Statement>) {
        self.known.insert(id, statement);
        if self.known.len() > MOST {
            self.known.pop_first();
        }
    }

    pub(super) fn forget(&mut self, id: u32) {
        self.known.remove(&id);
    }
}
