//! Sums of connections that nobody told one by one: who was at both ends of them.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use model::request::Peer;
use model::sums::{Summed, Sums};
use model::tcp::Moment;
use model::{Endpoint, Role};
use rustc_hash::FxHashMap;
use workload::Processes;

use crate::Connections;

/// What is known beyond the sums of one reading.
#[derive(Debug, Default)]
pub(crate) struct Summing {
    /// The services that processes were seen to be connected to, by what servers' ends told.
    reached: FxHashMap<Place, Reached>,
    /// Clients' sums whose server is not known: it may be told with the next ones.
    waiting: Vec<Sums>,
    ready: Vec<Summed>,
    reading: u64,
}

/// Where a process is connected to.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Place {
    client: u32,
    /// Each network namespace has a loopback of its own; what is elsewhere may be reached from any: 0.
    netns: u32,
    address: IpAddr,
    port: u16,
}

impl Place {
    fn new(client: u32, netns: u32, address: IpAddr, port: u16) -> Place {
        Place { client, netns: if address.is_loopback() { netns } else { 0 }, address, port }
    }
}

#[derive(Debug)]
struct Reached {
    service: Arc<str>,
    reading: u64,
}

/// Places that are remembered at most.
const MOST: usize = 16_384;
/// Readings for which a place is remembered that is not told again: about a minute.
const REMEMBERED: u64 = 60;

impl Connections {
    /// Takes the sums of one reading. Processes that are not known are looked up.
    pub fn sums(&mut self, sums: Vec<Sums>, processes: &mut Processes) {
        self.sums.reading += 1;
        for sums in &sums {
            self.totals.opened +=
                if matches!(sums.moment, Moment::Closed(_)) { sums.totals.number } else { 0 };
            self.count_end(sums.moment, sums.totals.number);
            self.totals.summed += sums.totals.number;
            processes.seen(sums.pid);
            processes.seen(sums.client_pid);
            if sums.role == Role::Server && sums.client_pid != 0 {
                self.learn_place(sums, processes);
            }
        }
        for sums in std::mem::take(&mut self.sums.waiting) {
            let server = self.server_of(&sums);
            self.resolve(sums, server, processes);
        }
        for sums in sums {
            let server = self.server_of(&sums);
            if server.is_some() || sums.role != Role::Client || self.sums.waiting.len() >= MOST {
                self.resolve(sums, server, processes);
            } else {
                self.sums.waiting.push(sums);
            }
        }
        let reading = self.sums.reading;
        self.sums.reached.retain(|_, place| reading - place.reading < REMEMBERED);
    }

    /// What was taken, with the services at both ends. A client's sums may come with the next reading.
    pub fn take_summed(&mut self) -> Vec<Summed> {
        std::mem::take(&mut self.sums.ready)
    }

    fn learn_place(&mut self, sums: &Sums, processes: &Processes) {
        let Some(service) = self.own_service(sums, processes) else { return };
        let place = Place::new(sums.client_pid, sums.netns, sums.local, sums.port);
        if self.sums.reached.len() < MOST || self.sums.reached.contains_key(&place) {
            self.sums.reached.insert(place, Reached { service, reading: self.sums.reading });
        }
    }

    /// The service at the other end of a client's, where that is on this host.
    fn server_of(&self, sums: &Sums) -> Option<Arc<str>> {
        if sums.role != Role::Client {
            return None;
        }
        // By its own end, for who listens may be another process, or gone by now.
        let place = Place::new(sums.pid, sums.netns, sums.remote, sums.port);
        let seen = self.sums.reached.get(&place).map(|reached| reached.service.clone());
        seen.or_else(|| {
            self.listeners.at_peer(sums.netns, sums.local, SocketAddr::new(sums.remote, sums.port))
        })
    }

    /// Who had the socket: who was seen to, else who listens where it was accepted.
    fn own_service(&self, sums: &Sums, processes: &Processes) -> Option<Arc<str>> {
        if let Some(process) = processes.get(sums.pid) {
            return Some(process.service.clone());
        }
        if sums.role != Role::Server {
            return None;
        }
        let known = self.listeners.at(sums.netns, &Endpoint::ip(sums.local, sums.port))?;
        known.process.as_ref().map(|process| process.service.clone())
    }

    fn resolve(&mut self, sums: Sums, server: Option<Arc<str>>, processes: &Processes) {
        let own = self.own_service(&sums, processes);
        let (client_at, server_at, client, server) = match sums.role {
            Role::Server => {
                let client = processes.get(sums.client_pid).map(|process| process.service.clone());
                (sums.remote, sums.local, client, own)
            }
            Role::Client | Role::Unknown => (sums.local, sums.remote, own, server),
        };
        self.sums.ready.push(Summed {
            role: sums.role,
            client: Peer { endpoint: Endpoint::ip(client_at, 0), service: client },
            server: Peer { endpoint: Endpoint::ip(server_at, sums.port), service: server },
            moment: sums.moment,
            totals: sums.totals,
        });
    }
}
