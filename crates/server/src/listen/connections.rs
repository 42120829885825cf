//! All connections that there are, and which has to go when there are too many.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;
use tokio::task::AbortHandle;

use super::life::Life;
use crate::network::network;

/// What became of connections so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Open at this moment.
    pub open: u64,
    /// Taken so far.
    pub taken: u64,
    /// Closed because there were too many.
    pub too_many: u64,
    /// Closed because the other end did not go on.
    pub too_slow: u64,
    /// Ended before TLS was agreed on.
    pub tls: u64,
    /// Bodies that were too large or too slow.
    pub bodies: u64,
}

/// The connections of all listeners of a server.
#[derive(Debug)]
pub(super) struct Connections {
    most: usize,
    open: Mutex<Open>,
    emptied: Notify,
    pub(super) too_slow: AtomicU64,
    pub(super) tls: AtomicU64,
    pub(super) bodies: AtomicU64,
    taken: AtomicU64,
    too_many: AtomicU64,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    /// In the order of their numbers, which is that of their age.
    connections: std::collections::BTreeMap<u64, Connection>,
}

#[derive(Debug)]
struct Connection {
    network: IpAddr,
    life: Arc<Life>,
    /// None until its task runs.
    task: Option<AbortHandle>,
}

/// A connection's place among the others, which is free when this goes.
#[derive(Debug)]
pub(super) struct Place {
    connections: Arc<Connections>,
    number: u64,
}

impl Place {
    pub(super) fn set_task(&self, task: AbortHandle) {
        let mut open = self.connections.lock();
        match open.connections.get_mut(&self.number) {
            Some(connection) => connection.task = Some(task),
            // It had to go before it began.
            None => task.abort(),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.connections.lock();
        open.connections.remove(&self.number);
        if open.connections.is_empty() {
            self.connections.emptied.notify_waiters();
        }
    }
}

impl Connections {
    pub(super) fn new(most: usize) -> Self {
        Connections {
            most: most.max(1),
            open: Mutex::default(),
            emptied: Notify::new(),
            too_slow: AtomicU64::new(0),
            tls: AtomicU64::new(0),
            bodies: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            too_many: AtomicU64::new(0),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a connection; the one that is worth least goes if there are too many.
    pub(super) fn add(self: &Arc<Self>, peer: IpAddr, life: Arc<Life>) -> Place {
        let mut open = self.lock();
        if open.connections.len() >= self.most {
            self.close_one(&mut open);
        }
        let number = open.next;
        open.next += 1;
        open.connections.insert(number, Connection { network: network(peer), life, task: None });
        self.taken.fetch_add(1, Ordering::Relaxed);
        Place { connections: self.clone(), number }
    }

    /// Closes the connection that is worth least, as when no file can be opened any more.
    pub(super) fn make_room(&self) {
        self.close_one(&mut self.lock());
    }

    /// Of those who have most connections the oldest that is not being answered; if all are, of all others the oldest that
    /// is not; else the oldest. So who opens many loses his own.
    fn close_one(&self, open: &mut Open) {
        let mut shares: HashMap<IpAddr, usize> = HashMap::new();
        for connection in open.connections.values() {
            *shares.entry(connection.network).or_default() += 1;
        }
        let most = shares.values().copied().max().unwrap_or(0);
        let worth = |connection: &Connection| {
            let greedy = shares.get(&connection.network) == Some(&most);
            (connection.life.is_answering(), !greedy)
        };
        let chosen = open.connections.iter().min_by_key(|(number, connection)| (worth(connection), **number));
        let Some(number) = chosen.map(|(number, _)| *number) else { return };
        if let Some(connection) = open.connections.remove(&number) {
            if let Some(task) = connection.task {
                task.abort();
            }
            self.too_many.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until there is none.
    pub(super) async fn emptied(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.lock().connections.is_empty() {
                return;
            }
            emptied.await;
        }
    }

    pub(super) fn close_all(&self) {
        for connection in self.lock().connections.values() {
            if let Some(task) = &connection.task {
                task.abort();
            }
        }
    }

    pub(super) fn counts(&self) -> Counts {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counts {
            open: self.lock().connections.len() as u64,
            taken: of(&self.taken),
            too_many: of(&self.too_many),
            too_slow: of(&self.too_slow),
            tls: of(&self.tls),
            bodies: of(&self.bodies),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("address")
    }

    fn left(connections: &Connections) -> Vec<u64> {
        connections.lock().connections.keys().copied().collect()
    }

    #[test]
    fn who_has_most_connections_loses_the_oldest_that_is_idle() {
        let connections = Arc::new(Connections::new(4));
        let lives: Vec<Arc<Life>> = (0..4).map(|_| Arc::new(Life::default())).collect();
        let peers = ["10.0.0.1", "10.0.0.2", "10.0.0.2", "10.0.0.2"];
        let places: Vec<Place> =
            peers.iter().zip(&lives).map(|(peer, life)| connections.add(ip(peer), life.clone())).collect();
        let busy = lives[1].begin();
        let fifth = connections.add(ip("10.0.0.3"), Arc::default());
        assert_eq!(left(&connections), [0, 1, 3, 4], "the oldest idle one of 10.0.0.2");
        // 10.0.0.2 has two still.
        let sixth = connections.add(ip("10.0.0.4"), Arc::default());
        assert_eq!(left(&connections), [0, 1, 4, 5]);
        // All have one each: the oldest that is idle.
        let seventh = connections.add(ip("10.0.0.5"), Arc::default());
        assert_eq!(left(&connections), [1, 4, 5, 6]);
        assert_eq!(connections.counts().too_many, 3);
        drop((busy, places, fifth, sixth, seventh));
        assert!(left(&connections).is_empty());
    }

    #[test]
    fn when_all_are_being_answered_the_oldest_of_the_greediest_goes() {
        let connections = Arc::new(Connections::new(3));
        let lives: Vec<Arc<Life>> = (0..3).map(|_| Arc::new(Life::default())).collect();
        let peers = ["10.0.0.1", "2001:db8::1", "2001:db8::2"];
        let places: Vec<Place> =
            peers.iter().zip(&lives).map(|(peer, life)| connections.add(ip(peer), life.clone())).collect();
        let busy: Vec<_> = lives.iter().map(|life| life.begin()).collect();
        let fourth = connections.add(ip("10.0.0.9"), Arc::default());
        // The two addresses of one /64 are one.
        assert_eq!(left(&connections), [0, 2, 3]);
        drop((busy, places, fourth));
    }
}
