//! What no event tells, and is looked for now and then.

use model::event::{End, EndCause};
use model::{ConnectionId, Endpoint, Nanos, Role};

use super::{Analyzer, SWEEP_EVERY};
use crate::connection::{Connection, Effects};

impl Analyzer {
    /// Ends the Unix connections that wait for an answer, or for the rest of a question, but of which an end is closed. Which end was
    /// first is known only where the other one is still open.
    pub(super) fn sweep_unix(&mut self, now: Nanos) {
        let waiting: Vec<(ConnectionId, Option<ConnectionId>)> = self
            .table
            .iter_mut()
            .filter(|(_, c)| matches!(c.open.local, Endpoint::Unix(_)))
            .filter(|(_, c)| is_overdue(c.oldest_pending(), now) || is_overdue(c.oldest_unread(), now))
            .map(|(id, c)| (id, c.open.peer))
            .collect();
        for (id, peer) in waiting {
            let peer_is_closed = peer.is_some_and(|peer| self.is_closed_unix(peer, id, now));
            let is_closed = self.is_closed_unix(id, peer.unwrap_or(id), now);
            let Some(connection) = self.table.touch(id, 0) else { continue };
            let server_is_closed = if connection.role == Role::Server { is_closed } else { peer_is_closed };
            // Its answer may lie unread at the client.
            if peer_is_closed != is_closed && server_is_closed && connection.may_be_read_yet(now) {
                continue;
            }
            let cause = match (peer_is_closed, is_closed) {
                (true, _) => EndCause::Closed,
                (false, true) => EndCause::LocalFin,
                (false, false) => continue,
            };
            self.end(&End { connection: id, time: now, cause, sent_end: None, received_end: None });
            self.end(&End {
                connection: id,
                time: now,
                cause: EndCause::Closed,
                sent_end: None,
                received_end: None,
            });
        }
    }

    /// Is the socket of `id` closed? Where its process is not known, the other end's is asked.
    pub(super) fn is_closed_unix(&mut self, id: ConnectionId, other: ConnectionId, now: Nanos) -> bool {
        let pid = |id| Some(self.table.get(id)?.process.as_ref()?.pid);
        let Some(pid) = pid(id).or_else(|| pid(other)) else { return false };
        // Its state may be gone, because its own end was found closed just now.
        let Some(connection) = self.table.get(id) else { return true };
        self.unix_sockets.is_closed(connection.open.netns, pid, connection.open.inode, now)
    }

    /// Lets conversations finish what nobody will answer any more.
    pub(super) fn give_up_exchanges(&mut self, now: Nanos) {
        let waiting: Vec<ConnectionId> = self
            .table
            .iter_mut()
            .filter_map(|(id, c)| is_overdue(c.oldest_pending(), now).then_some(id))
            .collect();
        self.cut_at = now;
        for id in waiting {
            let Some(connection) = self.table.touch(id, 0) else { continue };
            self.context.server = connection.server_key();
            connection.give_up(now, &mut self.context);
            self.settle(id, Effects::default());
        }
    }

    /// Forgets the connections that were followed, of streams or of datagrams, because from now on what they say is missing. Should they
    /// be seen again, they are told as if they were new. What they waited for counts as forgotten.
    pub fn forget_all(&mut self, datagrams: bool, now: Nanos) {
        let these = |(id, c): (ConnectionId, &Connection)| (c.datagrams == datagrams).then_some(id);
        let these: Vec<ConnectionId> = self.table.iter().filter_map(these).collect();
        for id in these {
            if let Some(connection) = self.table.remove(id) {
                self.forgotten(connection, now);
            }
        }
    }

    /// Names of processes have changed: open connections go by the new ones.
    pub fn rename(&mut self) {
        for (_, connection) in self.table.iter_mut() {
            // The name of the other end is looked for again; where it is gone, it stays.
            connection.peer_is_certain = false;
            if let Some(process) = &mut connection.process
                && let Some(now) = self.processes.get(process.pid)
            {
                process.clone_from(now);
            }
        }
    }

    /// Parsers go by this from now on.
    pub fn set_protocols(&mut self, settings: protocols::Settings) {
        // What is left out for the budget is decided elsewhere.
        self.context.settings = protocols::Settings { lean: self.context.settings.lean, ..settings };
    }

    /// Forgets the addresses between which no more datagrams go. There may be more: then they are told again.
    pub(super) fn sweep_datagrams(&mut self, now: Nanos) {
        let done = |(id, c): (ConnectionId, &mut Connection)| c.is_done(now).then_some(id);
        let done: Vec<ConnectionId> = self.table.iter_mut().filter_map(done).collect();
        for id in done {
            self.ask_for(id);
            self.remove(id);
        }
    }
}

/// What began then has waited for longer than it is looked for such.
fn is_overdue(began: Option<Nanos>, now: Nanos) -> bool {
    began.is_some_and(|began| began < now.saturating_sub(SWEEP_EVERY))
}
