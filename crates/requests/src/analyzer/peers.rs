//! Who is at the other end.

use std::sync::Arc;

use connections::Other;
use model::ConnectionId;

use super::Analyzer;
use crate::connection::Connection;

impl Analyzer {
    /// The service at the other end, where that is on this host and known; else the name that it had when the connection
    /// was met. Remembered once found, since the other end may be gone before the last record is; but what was only likely is
    /// given up when another could be meant as well.
    pub(super) fn find_peer_service(&mut self, id: ConnectionId) {
        let Some(connection) = self.table.get(id) else { return };
        if connection.peer_is_certain {
            return;
        }
        let other = self.other_end(connection);
        let service = match other {
            Other::Certain(peer) | Other::Likely(peer) => self.service_of(peer),
            Other::Ambiguous => None,
            Other::Unknown => return,
        };
        let Some(connection) = self.table.touch(id, 0) else { return };
        connection.peer_is_certain = matches!(other, Other::Certain(_)) && service.is_some();
        connection.peer_service = service;
    }

    /// The other end may have more to tell than this one, and will want to know who this was.
    pub(super) fn bequeath(&mut self, id: ConnectionId) {
        let Some(connection) = self.table.get(id) else { return };
        let Some(service) = connection.process.as_ref().map(|process| process.service.clone()) else {
            return;
        };
        let (peer, is_certain) = match self.other_end(connection) {
            Other::Certain(peer) => (peer, true),
            Other::Likely(peer) => (peer, false),
            Other::Ambiguous | Other::Unknown => return,
        };
        if let Some(peer) = self.table.touch(peer, 0)
            && !peer.peer_is_certain
        {
            (peer.peer_service, peer.peer_is_certain) = (Some(service), is_certain);
        }
    }

    pub(super) fn other_end(&self, connection: &Connection) -> Other {
        match connection.open.peer {
            Some(peer) => Other::Certain(peer),
            None => super::placed(&connection.open, connection.datagrams)
                .map_or(Other::Unknown, |placed| self.ends.other(&placed)),
        }
    }

    pub(super) fn service_of(&self, id: ConnectionId) -> Option<Arc<str>> {
        Some(self.table.get(id)?.process.as_ref()?.service.clone())
    }
}
