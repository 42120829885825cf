//! Datagrams: those of two addresses, and answers to what a multicast group was asked.

use connections::Other;
use model::event::Chunk;
use model::{ConnectionId, Direction, Role};
use streams::Table;

use super::Analyzer;
use crate::connection::{Connection, Effects};
use crate::groups;

impl Analyzer {
    pub(super) fn datagram(&mut self, chunk: &Chunk<'_>) {
        let id = chunk.connection;
        let Some(connection) = self.table.touch(id, chunk.time) else { return };
        connection.moved(chunk);
        let with_group = groups::role(&connection.open).is_some();
        if self.answer_askers(chunk) && !with_group {
            return;
        }
        let Some(connection) = self.table.touch(id, chunk.time) else { return };
        self.context.server = connection.server_key();
        let effects = connection.datagram(chunk, &mut self.context);
        if with_group && connection.oldest_pending().is_some() {
            let waits = |id| is_asking(&self.table, id);
            if let Some(connection) = self.table.get(id)
                && self.groups.ask(&connection.open, waits)
            {
                self.counters.forgotten += 1;
                self.counters.forgotten_waiting += 1;
            }
        }
        self.settle(id, effects);
    }

    /// A datagram may answer what a group was asked; true if somebody who waits for such took it.
    pub(super) fn answer_askers(&mut self, chunk: &Chunk<'_>) -> bool {
        if self.groups.is_empty() {
            return false;
        }
        let id = chunk.connection;
        let Some(connection) = self.table.get(id) else { return false };
        if groups::role(&connection.open).is_none() && connection.oldest_pending().is_some() {
            // On the same addresses something was asked, of nobody else.
            return false;
        }
        let mut askers = std::mem::take(&mut self.askers);
        self.groups.answered(&connection.open, chunk.direction, &mut askers);
        let mut taken = false;
        for &asker in &askers {
            if self.talks_to_itself(asker, id) {
                continue;
            }
            let Some(asking) = self.table.touch(asker, 0) else { continue };
            if asking.oldest_pending().is_none() {
                continue;
            }
            self.context.server = asking.server_key();
            taken |= asking.answer(chunk, &mut self.context);
            let answered = !self.context.finished.is_empty();
            self.settle_between((asker, id), Effects::default());
            // What is sent answers all that asked; what is received was sent on one network.
            if answered && chunk.direction == Direction::Received {
                break;
            }
        }
        self.askers = askers;
        taken
    }

    /// A participant of a group hears what it says itself, on each of its networks: it asks whether a name is free, and tells
    /// it to all a moment later.
    pub(super) fn talks_to_itself(&self, asker: ConnectionId, answering: ConnectionId) -> bool {
        let (Some(asking), Some(answering)) = (self.table.get(asker), self.table.get(answering)) else {
            return false;
        };
        let heard = if asking.role == Role::Server { asking } else { answering };
        // From another port it is a program of its own.
        asking.open.local.port() == asking.open.remote.port()
            && matches!(self.other_end(heard), Other::Certain(_))
    }
}

/// An answer is waited for.
pub(super) fn is_asking(table: &Table<Connection>, id: ConnectionId) -> bool {
    table.get(id).is_some_and(|connection| connection.oldest_pending().is_some())
}
