//! All connections: what is told of them in, what is to be shown of them out.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use model::event::{Event, Owner};
use model::tcp::{Cause, Connection, Listener, Listening, Moment, Tcp};
use model::time::ClockReading;
use model::{ConnectionId, Endpoint, Nanos, Role};
use streams::Table;
use workload::{Process, Processes};

use crate::followed::{Followed, looks_like_client};
use crate::listeners::Listeners;
use crate::sums::Summing;
use crate::{Ends, Other};

/// How much is kept.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at most. Beyond it one that was not heard of for long gives way; its end is told all the same.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { connections: 100_000 }
    }
}

/// What was counted of all connections since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Connections that were established.
    pub opened: u64,
    /// Connections that ended, by cause: places are those in [`Cause::ALL`].
    pub closed: [u64; Cause::ALL.len()],
    /// Connects that came to nothing, likewise.
    pub failed: [u64; Cause::ALL.len()],
    /// Those of all these that were not told one by one.
    pub summed: u64,
    /// Connections that gave way to others, because there was no more room.
    pub forgotten: u64,
    /// Listeners for which there was no room.
    pub forgotten_listeners: u64,
}

impl Totals {
    /// Connections that ended.
    pub fn all_closed(&self) -> u64 {
        self.closed.iter().sum()
    }

    /// Connects that came to nothing.
    pub fn all_failed(&self) -> u64 {
        self.failed.iter().sum()
    }
}

/// Follows every connection. See the crate's documentation.
#[derive(Debug)]
pub struct Connections {
    table: Table<Followed>,
    ends: Ends,
    pub(crate) listeners: Listeners,
    /// Openings are not told. A connection that is told with its beginning was opened since it could have been told before.
    are_summed: bool,
    pub(crate) sums: Summing,
    clock: ClockReading,
    batch: Vec<Connection>,
    listening: Vec<Listening>,
    pub(crate) totals: Totals,
}

impl Connections {
    /// Begins with none.
    pub fn new(limits: Limits) -> Self {
        let limits = streams::Limits { connections: limits.connections, idle: Nanos::MAX };
        Connections {
            table: Table::new(limits),
            ends: Ends::default(),
            listeners: Listeners::default(),
            are_summed: false,
            sums: Summing::default(),
            clock: ClockReading::default(),
            batch: Vec::new(),
            listening: Vec::new(),
            totals: Totals::default(),
        }
    }

    /// The kernel side tells sums of connections that begin and end between two surveys ([`Connections::sums`]), and openings of none.
    pub fn expect_sums(&mut self) {
        self.are_summed = true;
    }

    /// Sets by what monotonic times become wall-clock times from now on.
    pub fn set_clock(&mut self, clock: ClockReading) {
        self.clock = clock;
    }

    /// Takes one event. `processes` has taken it before.
    pub fn event(&mut self, event: &Event<'_>, processes: &Processes) {
        match event {
            Event::Tcp(tcp) => self.tcp(tcp, processes),
            Event::Listener(listener) => self.listener(listener, processes),
            Event::Owner(owner) => self.owner(owner, processes),
            _ => {}
        }
    }

    /// What happened since the last call, in order. Call it after each drain of the ring: what came together knows of one
    /// another then. `next` is where the next ones are put.
    pub fn take_batch(&mut self, mut next: Vec<Connection>) -> Vec<Connection> {
        next.clear();
        let mut batch = std::mem::replace(&mut self.batch, next);
        for connection in batch.iter_mut().filter(|connection| connection.moment == Moment::Opened) {
            self.complete(connection);
        }
        batch
    }

    /// The same of sockets that listen.
    pub fn take_listening(&mut self) -> Vec<Listening> {
        std::mem::take(&mut self.listening)
    }

    /// Everything that is open now.
    pub fn open(&self) -> impl Iterator<Item = Connection> + '_ {
        self.table.iter().map(|(_, followed)| followed.shown(Moment::GoesOn, self.clock))
    }

    /// Everything that listens now.
    pub fn listening(&self) -> impl Iterator<Item = Listening> + '_ {
        self.listeners.iter().map(|known| known.shown(Moment::GoesOn, self.clock))
    }

    /// How many are followed.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// True when none is followed.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// What was counted since the start.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// The network namespaces that connections and listeners are in.
    pub fn namespaces(&self) -> HashSet<u32> {
        let connections = self.table.iter().map(|(_, followed)| followed.tcp.netns);
        connections.chain(self.listeners.iter().map(|known| known.listener.netns)).collect()
    }

    /// A survey of `namespaces` that began at `since` is complete, and so is what the ring held by then: what it did not find
    /// is gone, though its end was not told.
    pub fn surveyed(&mut self, since: Nanos, namespaces: &[u32]) {
        let is_gone = |tcp: &Tcp| tcp.time < since && namespaces.contains(&tcp.netns);
        let gone: Vec<ConnectionId> =
            self.table.iter().filter(|(_, followed)| is_gone(&followed.tcp)).map(|(id, _)| id).collect();
        for id in gone {
            self.end(id, Moment::Closed(Cause::Unseen));
        }
        self.listeners.sweep(since, namespaces);
    }

    /// Sockets that nobody was seen to have, by their inode numbers.
    pub fn unowned(&self) -> HashSet<u32> {
        let connections = self
            .table
            .iter()
            .filter(|(_, followed)| !followed.is_certain)
            .map(|(_, followed)| followed.tcp.inode);
        let listeners =
            self.listeners.iter().filter(|known| known.process.is_none()).map(|known| known.listener.inode);
        connections.chain(listeners).filter(|inode| *inode != 0).collect()
    }

    /// Names of processes have changed: whatever is open goes by the new ones.
    pub fn rename(&mut self, processes: &Processes) {
        let listening = self.listeners.iter_mut().map(|known| &mut known.process);
        let open = self.table.iter_mut().map(|(_, followed)| &mut followed.process);
        for process in listening.chain(open).flatten() {
            if let Some(now) = processes.get(process.pid) {
                process.clone_from(now);
            }
        }
        self.table.iter_mut().for_each(|(_, followed)| followed.peer_is_certain = false);
        self.infer();
    }

    /// These sockets were found with these processes.
    pub fn owned(&mut self, owners: &HashMap<u32, u32>, processes: &mut Processes) {
        for pid in owners.values() {
            processes.seen(*pid);
        }
        let process = |inode: u32| owners.get(&inode).and_then(|pid| processes.get(*pid)).cloned();
        for known in self.listeners.iter_mut().filter(|known| known.process.is_none()) {
            known.process = process(known.listener.inode);
        }
        for (_, followed) in self.table.iter_mut().filter(|(_, followed)| !followed.is_certain) {
            if let Some(process) = process(followed.tcp.inode) {
                (followed.process, followed.is_certain) = (Some(process), true);
            }
        }
        self.infer();
    }

    /// Concludes what was not seen of connections from what is known of others.
    fn infer(&mut self) {
        let ids: Vec<ConnectionId> = self.table.iter().map(|(id, _)| id).collect();
        for id in ids {
            if let Some(followed) = self.table.touch(id, 0) {
                place(followed, &self.listeners);
            }
            self.find_peer(id);
        }
    }

    fn tcp(&mut self, tcp: &Tcp, processes: &Processes) {
        let id = tcp.connection;
        let process = processes.get(tcp.pid).cloned();
        let ends = matches!(tcp.moment, Moment::Closed(_) | Moment::Failed(_));
        let was_opened = self.are_summed
            && tcp.began.is_some()
            && matches!(tcp.moment, Moment::GoesOn | Moment::Closed(_));
        self.totals.opened += u64::from(was_opened || tcp.moment == Moment::Opened);
        match self.table.touch(id, tcp.time) {
            Some(followed) => {
                let unplaced = followed.tcp.local.port() == Some(0);
                followed.update(tcp);
                if unplaced && let Some(placed) = followed.placed() {
                    // Its local port was chosen after the connect had begun.
                    self.ends.insert(&placed);
                }
            }
            // Nobody has to give way to what is gone already.
            None if ends => return self.end_of_unknown(tcp, process, was_opened),
            None => self.follow(tcp),
        }
        self.assign(id, process);
        if was_opened {
            self.tell(id, Moment::Opened);
        }
        if ends {
            return self.end(id, tcp.moment);
        }
        self.tell(id, tcp.moment);
    }

    /// A connect that failed at once, or a connection whose beginning was lost or forgotten: its end tells all.
    fn end_of_unknown(&mut self, tcp: &Tcp, process: Option<Arc<Process>>, was_opened: bool) {
        let mut followed = Followed::new(tcp.clone());
        (followed.is_certain, followed.process) = (process.is_some(), process);
        place(&mut followed, &self.listeners);
        if let Some(placed) = followed.placed()
            && let Other::Certain(peer) | Other::Likely(peer) = self.ends.other(&placed)
        {
            followed.peer = self.service_of(peer);
        }
        if was_opened {
            self.batch.push(followed.shown(Moment::Opened, self.clock));
            followed.is_told();
        }
        self.batch.push(followed.shown(tcp.moment, self.clock));
        self.count_end(tcp.moment, 1);
    }

    fn follow(&mut self, tcp: &Tcp) {
        let mut followed = Followed::new(tcp.clone());
        place(&mut followed, &self.listeners);
        if let Some(placed) = followed.placed() {
            self.ends.insert(&placed);
        }
        if let Some((_, displaced)) = self.table.insert(tcp.connection, tcp.time, followed) {
            self.totals.forgotten += 1;
            if let Some(placed) = displaced.placed() {
                self.ends.remove(&placed);
            }
        }
    }

    fn assign(&mut self, id: ConnectionId, process: Option<Arc<Process>>) {
        if let Some(process) = process
            && let Some(followed) = self.table.touch(id, 0)
        {
            (followed.process, followed.is_certain) = (Some(process), true);
        }
    }

    fn owner(&mut self, owner: &Owner, processes: &Processes) {
        self.assign(owner.connection, processes.get(owner.pid).cloned());
    }

    fn listener(&mut self, listener: &Listener, processes: &Processes) {
        let process = processes.get(listener.pid).cloned();
        if let Moment::Closed(_) | Moment::Failed(_) = listener.moment {
            if let Some(mut gone) = self.listeners.remove(listener) {
                gone.listener = listener.clone();
                self.listening.push(gone.shown(listener.moment, self.clock));
            }
            return;
        }
        if !self.listeners.insert(listener, process) {
            self.totals.forgotten_listeners += 1;
        }
        if listener.moment == Moment::Opened
            && let Some(known) = self.listeners.at(listener.netns, &listener.local)
        {
            self.listening.push(known.shown(listener.moment, self.clock));
        }
    }

    /// Puts a connection into the batch.
    fn tell(&mut self, id: ConnectionId, moment: Moment) {
        self.find_peer(id);
        let Some(followed) = self.table.touch(id, 0) else { return };
        self.batch.push(followed.shown(moment, self.clock));
        followed.is_told();
    }

    fn end(&mut self, id: ConnectionId, moment: Moment) {
        self.tell(id, moment);
        self.bequeath(id);
        self.count_end(moment, 1);
        if let Some(placed) = self.table.remove(id).and_then(|gone| gone.placed()) {
            self.ends.remove(&placed);
        }
    }

    pub(crate) fn count_end(&mut self, moment: Moment, number: u64) {
        let place = |cause| Cause::ALL.iter().position(|one| *one == cause).unwrap_or(0);
        match moment {
            Moment::Failed(cause) => self.totals.failed[place(cause)] += number,
            Moment::Closed(cause) => self.totals.closed[place(cause)] += number,
            Moment::Opened | Moment::GoesOn => {}
        }
    }

    /// The service at the other end, where that is on this host. Remembered, since the other end may be gone first.
    fn find_peer(&mut self, id: ConnectionId) {
        let Some(followed) = self.table.get(id).filter(|followed| !followed.peer_is_certain) else { return };
        let (peer, is_certain) =
            match followed.placed().map_or(Other::Unknown, |placed| self.ends.other(&placed)) {
                Other::Certain(peer) => (self.service_of(peer), true),
                Other::Likely(peer) => (self.service_of(peer), false),
                Other::Ambiguous => (None, false),
                // It may not have been told yet; who listens there has been.
                Other::Unknown if followed.peer.is_none() => (self.listener_at_peer(followed), false),
                Other::Unknown => return,
            };
        if let Some(followed) = self.table.touch(id, 0) {
            followed.peer_is_certain = is_certain && peer.is_some();
            if peer.is_some() || !is_certain {
                followed.peer = peer;
            }
        }
    }

    /// The other end will want to know who this was.
    fn bequeath(&mut self, id: ConnectionId) {
        let Some(followed) = self.table.get(id) else { return };
        let Some(service) = followed.service().cloned() else { return };
        let other = followed.placed().map_or(Other::Unknown, |placed| self.ends.other(&placed));
        let (Other::Certain(peer) | Other::Likely(peer)) = other else { return };
        if let Some(peer) = self.table.touch(peer, 0).filter(|peer| !peer.peer_is_certain) {
            (peer.peer, peer.peer_is_certain) = (Some(service), matches!(other, Other::Certain(_)));
        }
    }

    /// Who listens where a client of the same network namespace has connected to.
    fn listener_at_peer(&self, followed: &Followed) -> Option<Arc<str>> {
        let tcp = &followed.tcp;
        let (Endpoint::Ip(local), Endpoint::Ip(remote)) = (&tcp.local, &tcp.remote) else { return None };
        if tcp.role != Role::Client {
            return None;
        }
        self.listeners.at_peer(tcp.netns, local.ip(), *remote)
    }

    fn service_of(&self, id: ConnectionId) -> Option<Arc<str>> {
        self.table.get(id)?.service().cloned()
    }

    /// What has become known of a connection since it was put into the batch.
    fn complete(&mut self, connection: &mut Connection) {
        if connection.client.service.is_some() && connection.server.service.is_some() {
            return;
        }
        self.find_peer(connection.id);
        let Some(followed) = self.table.get(connection.id) else { return };
        let now = followed.shown(connection.moment, self.clock);
        (connection.client, connection.server, connection.process) = (now.client, now.server, now.process);
    }
}

/// Who accepted it, and so what its role is, by where somebody listens.
fn place(followed: &mut Followed, listeners: &Listeners) {
    let tcp = &mut followed.tcp;
    if tcp.role == Role::Client {
        return;
    }
    if let Some(known) = listeners.at(tcp.netns, &tcp.local) {
        tcp.role = Role::Server;
        if followed.process.is_none() {
            followed.process.clone_from(&known.process);
        }
    } else if tcp.role == Role::Unknown && looks_like_client(tcp) {
        tcp.role = Role::Client;
    }
}
