//! Sockets that listen, by where they do.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use model::request::Peer;
use model::tcp::{Listener, Listening, Moment};
use model::time::ClockReading;
use model::{ConnectionId, Endpoint, Nanos};
use rustc_hash::FxHashMap;
use workload::Process;

use crate::followed::shown;

/// The listeners of all namespaces.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    /// By network namespace and port: several where addresses differ or a port is shared.
    places: FxHashMap<(u32, u16), Vec<Known>>,
    count: usize,
}

#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) listener: Listener,
    pub(crate) process: Option<Arc<Process>>,
}

/// Listeners that are kept at most.
const MOST: usize = 16_384;

impl Listeners {
    /// Takes what is told of a listener. False when there is no room for it.
    pub(crate) fn insert(&mut self, listener: &Listener, process: Option<Arc<Process>>) -> bool {
        let Some(place) = place(listener) else { return true };
        let known = self.places.entry(place).or_default();
        if let Some(known) = known.iter_mut().find(|known| known.listener.connection == listener.connection) {
            known.listener = listener.clone();
            known.process = process.or(known.process.take());
            return true;
        }
        if self.count >= MOST {
            return false;
        }
        self.count += 1;
        known.push(Known { listener: listener.clone(), process });
        true
    }

    pub(crate) fn remove(&mut self, listener: &Listener) -> Option<Known> {
        let place = place(listener)?;
        let known = self.places.get_mut(&place)?;
        let at = known.iter().position(|known| known.listener.connection == listener.connection)?;
        let gone = known.swap_remove(at);
        self.count -= 1;
        if known.is_empty() {
            self.places.remove(&place);
        }
        Some(gone)
    }

    /// Who listens where a connection to `local` arrives; one that listens at the very address before others.
    pub(crate) fn at(&self, netns: u32, local: &Endpoint) -> Option<&Known> {
        let Endpoint::Ip(local) = local else { return None };
        let known = self.places.get(&(netns, local.port()))?;
        let address = |known: &&Known| match &known.listener.local {
            Endpoint::Ip(address) => Some(address.ip()),
            Endpoint::Unix(_) => None,
        };
        let is_any = |ip: IpAddr| ip.is_unspecified();
        known
            .iter()
            .find(|known| address(known) == Some(local.ip().to_canonical()))
            .or_else(|| known.iter().find(|known| address(known).is_some_and(is_any)))
    }

    /// The service that listens where a client in this network namespace has connected to.
    pub(crate) fn at_peer(&self, netns: u32, local: IpAddr, remote: SocketAddr) -> Option<Arc<str>> {
        if !remote.ip().is_loopback() && local != remote.ip() {
            return None;
        }
        let known = self.at(netns, &Endpoint::Ip(remote))?;
        known.process.as_ref().map(|process| process.service.clone())
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Known> {
        self.places.values_mut().flatten()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Known> {
        self.places.values().flatten()
    }

    /// Forgets those of `namespaces` that a survey from `since` on did not find.
    pub(crate) fn sweep(&mut self, since: Nanos, namespaces: &[u32]) {
        self.places.retain(|(netns, _), known| {
            if namespaces.contains(netns) {
                let before = known.len();
                known.retain(|known| known.listener.time >= since);
                self.count -= before - known.len();
            }
            !known.is_empty()
        });
    }
}

impl Known {
    pub(crate) fn shown(&self, moment: Moment, clock: ClockReading) -> Listening {
        let service = self.process.as_ref().map(|process| process.service.clone());
        Listening {
            time: clock.wall_at(self.listener.time),
            moment,
            id: self.id(),
            server: Peer { endpoint: self.listener.local.clone(), service },
            process: self.process.as_deref().map(shown),
            backlog: self.listener.backlog,
            limit: self.listener.limit,
            drops: self.listener.drops,
        }
    }

    fn id(&self) -> ConnectionId {
        self.listener.connection
    }
}

fn place(listener: &Listener) -> Option<(u32, u16)> {
    Some((listener.netns, listener.local.port()?))
}
