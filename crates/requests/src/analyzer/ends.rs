//! Who spoke with whom, as records tell it: made once for a connection's requests in a row, since the names in it are shared with other
//! threads, and to count each of them anew for each record takes longer than to parse it.

use std::sync::Arc;

use model::request::{Ends, Peer, Process};
use model::{ConnectionId, Role};

use crate::connection::Connection;

/// A power of two: busy connections nearly all find a place of their own.
const PLACES: usize = 1024;

/// What was made last, by the connection's id.
#[derive(Debug)]
pub(super) struct RecentEnds(Vec<Option<Recent>>);

#[derive(Debug)]
struct Recent {
    ids: (ConnectionId, ConnectionId),
    role: Role,
    process: Option<Arc<workload::Process>>,
    peer_service: Option<Arc<str>>,
    ends: Arc<Ends>,
}

impl Default for RecentEnds {
    fn default() -> Self {
        RecentEnds((0..PLACES).map(|_| None).collect())
    }
}

impl RecentEnds {
    /// The ends of what was asked on one connection and answered on another, or on the same.
    pub(super) fn of(
        &mut self,
        (connection, answering): (&Connection, &Connection),
        peer_service: Option<&Arc<str>>,
    ) -> Arc<Ends> {
        let ids = (connection.id(), answering.id());
        let role = connection.role;
        let (here, there) =
            if role == Role::Server { (answering, connection) } else { (connection, answering) };
        let place = &mut self.0[place(ids.0)];
        if let Some(recent) = place
            && recent.ids == ids
            && recent.role == role
            && is_same(recent.process.as_ref(), here.process.as_ref())
            && is_same(recent.peer_service.as_ref(), peer_service)
        {
            return Arc::clone(&recent.ends);
        }
        let ends = Arc::new(ends(role, here, there, peer_service));
        let (process, peer_service) = (here.process.clone(), peer_service.cloned());
        *place = Some(Recent { ids, role, process, peer_service, ends: Arc::clone(&ends) });
        ends
    }

    /// A connection is gone, or was told of anew.
    pub(super) fn forget(&mut self, id: ConnectionId) {
        self.0[place(id)] = None;
    }
}

/// Ids are times in their upper bits, which are spread by a multiplication (Fibonacci hashing).
fn place(id: ConnectionId) -> usize {
    (id.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize % PLACES
}

fn is_same<T: ?Sized>(one: Option<&Arc<T>>, other: Option<&Arc<T>>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => Arc::ptr_eq(one, other),
        (None, None) => true,
        _ => false,
    }
}

fn ends(role: Role, here: &Connection, there: &Connection, peer_service: Option<&Arc<str>>) -> Ends {
    let process = here.process.as_ref();
    let own =
        Peer { endpoint: here.open.local.clone(), service: process.map(|process| process.service.clone()) };
    let other = Peer { endpoint: there.open.remote.clone(), service: peer_service.cloned() };
    let (client, server) = if role == Role::Server { (other, own) } else { (own, other) };
    let process = process.map(|process| Process {
        pid: process.pid,
        command: process.command.clone(),
        service: process.service.clone(),
    });
    Ends { client, server, process }
}
