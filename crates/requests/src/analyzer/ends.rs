//! Who spoke with whom, as records tell it: made once for a connection's requests in a row, since the names in it are shared with other
//! threads, and to count each of them anew for each record takes longer than to parse it. Where both ends are here and connections last, each end
//! keeps them itself.

use std::sync::Arc;

use model::request::{Ends, Peer, Process};
use model::{ConnectionId, Role};

use crate::connection::{Connection, Phase};

/// A power of two: busy connections nearly all find a place of their own.
const PLACES: usize = 1024;

/// What was made last, by the connection's id.
#[derive(Debug)]
pub(super) struct RecentEnds(Vec<Option<Recent>>);

#[derive(Debug)]
struct Recent {
    ids: (ConnectionId, ConnectionId),
    role: Role,
    known: KnownEnds,
}

/// The ends, and what they were made of.
#[derive(Debug, Clone)]
pub(crate) struct KnownEnds {
    process: Option<Arc<workload::Process>>,
    peer_service: Option<Arc<str>>,
    ends: Arc<Ends>,
}

impl KnownEnds {
    /// The ends, where they would be made of the same now.
    fn of(
        &self,
        process: Option<&Arc<workload::Process>>,
        peer_service: Option<&Arc<str>>,
    ) -> Option<&Arc<Ends>> {
        let is_so =
            is_same(self.process.as_ref(), process) && is_same(self.peer_service.as_ref(), peer_service);
        is_so.then_some(&self.ends)
    }
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
            && let Some(ends) = recent.known.of(here.process.as_ref(), peer_service)
        {
            return Arc::clone(ends);
        }
        let known = known(role, here, there, peer_service);
        let ends = Arc::clone(&known.ends);
        *place = Some(Recent { ids, role, known });
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

impl Connection {
    /// Who speaks with whom on a connection of a pair, which keeps it; `None` on others.
    pub(super) fn kept_ends(&mut self) -> Option<Arc<Ends>> {
        let kept = self.place_of_ends()?.take();
        let (process, peer_service) = (self.process.as_ref(), self.peer_service.as_ref());
        let kept = kept.filter(|kept| kept.of(process, peer_service).is_some());
        let kept = kept.unwrap_or_else(|| known(self.role, self, self, peer_service));
        let ends = Arc::clone(&kept.ends);
        *self.place_of_ends()? = Some(kept);
        Some(ends)
    }

    fn place_of_ends(&mut self) -> Option<&mut Option<KnownEnds>> {
        match (&mut self.phase, &mut self.leads) {
            (Phase::Following(follow), _) => Some(&mut follow.ends),
            (_, Some(lead)) => Some(&mut lead.ends),
            _ => None,
        }
    }
}

fn known(role: Role, here: &Connection, there: &Connection, peer_service: Option<&Arc<str>>) -> KnownEnds {
    let ends = Arc::new(ends(role, here, there, peer_service));
    KnownEnds { process: here.process.clone(), peer_service: peer_service.cloned(), ends }
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
