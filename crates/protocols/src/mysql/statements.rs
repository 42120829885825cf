//! Statements that were prepared on a connection.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::command::LAST_PREPARED;
use crate::sql::{Key, Statement, Statements};

/// Statements of a connection that are remembered; the oldest are forgotten first. Servers number them upwards.
const MOST: usize = 1024;

/// What is known of a connection's prepared statements. Their texts are with those of all connections.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    known: BTreeMap<u32, Key>,
    /// The one that was asked for last, whether or not it was answered.
    pub(super) last: Option<Key>,
}

impl Prepared {
    pub(super) fn get(&self, id: u32, statements: &mut Statements) -> Option<Arc<Statement>> {
        let key = if id == LAST_PREPARED { self.last } else { self.known.get(&id).copied() };
        statements.recall(key?)
    }

    pub(super) fn learn(&mut self, id: u32, statement: Key) {
        self.known.insert(id, statement);
        if self.known.len() > MOST {
            self.known.pop_first();
        }
    }

    pub(super) fn forget(&mut self, id: u32) {
        self.known.remove(&id);
    }
}
