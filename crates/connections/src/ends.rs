//! Both ends of a connection that are on this host find one another by their addresses.
//!
//! Addresses alone do not name a connection: each network namespace has its own loopback, and may use the same
//! addresses as another. So an end in the same namespace is certain; one in another is taken only where no third
//! connection could be meant; and what goes over loopback never leaves its namespace.

use std::net::SocketAddr;

use model::{ConnectionId, Endpoint};
use rustc_hash::FxHashMap;

/// The connections that are followed, by their addresses.
#[derive(Debug, Default)]
pub struct Ends {
    places: FxHashMap<Addresses, Place>,
}

/// What is known of the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Other {
    /// It is this one.
    Certain(ConnectionId),
    /// It is in another namespace, and nobody else has these addresses now.
    Likely(ConnectionId),
    /// Several could be meant.
    Ambiguous,
    /// It is not followed: on another host, or not seen (any more).
    Unknown,
}

/// One end, and where it is.
#[derive(Debug, Clone)]
pub struct Placed {
    connection: ConnectionId,
    netns: u32,
    addresses: Addresses,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Addresses {
    local: SocketAddr,
    remote: SocketAddr,
    /// TCP and UDP number their ports each for itself.
    datagrams: bool,
}

/// Those with the same addresses: nearly always a single one, so that it needs no memory of its own.
#[derive(Debug)]
enum Place {
    One(End),
    Several(Vec<End>),
}

#[derive(Debug, Clone, Copy)]
struct End {
    netns: u32,
    connection: ConnectionId,
}

impl Ends {
    /// A connection is followed from now on.
    pub fn insert(&mut self, placed: &Placed) {
        let end = End { netns: placed.netns, connection: placed.connection };
        let Some(place) = self.places.get_mut(&placed.addresses) else {
            self.places.insert(placed.addresses.clone(), Place::One(end));
            return;
        };
        match place {
            // In one namespace the addresses belong to one connection at a time: the end of the earlier one was missed.
            Place::One(one) if one.netns == end.netns => *one = end,
            Place::One(one) => *place = Place::Several(vec![*one, end]),
            Place::Several(several) => match several.iter_mut().find(|other| other.netns == end.netns) {
                Some(other) => *other = end,
                None => several.push(end),
            },
        }
    }

    /// A connection is followed no more.
    pub fn remove(&mut self, placed: &Placed) {
        match self.places.get_mut(&placed.addresses) {
            Some(Place::One(one)) if one.connection == placed.connection => {
                self.places.remove(&placed.addresses);
            }
            Some(Place::Several(several)) => {
                several.retain(|end| end.connection != placed.connection);
                if let [one] = several[..] {
                    self.places.insert(placed.addresses.clone(), Place::One(one));
                }
            }
            Some(Place::One(_)) | None => {}
        }
    }

    /// The other end of a connection.
    pub fn other(&self, placed: &Placed) -> Other {
        let own = &placed.addresses;
        let candidates = self.at(&own.turned());
        if let Some(end) = candidates.iter().find(|end| end.netns == placed.netns) {
            return Other::Certain(end.connection);
        }
        if own.local.ip().is_loopback() || own.remote.ip().is_loopback() {
            return Other::Unknown;
        }
        match candidates {
            [] => Other::Unknown,
            // The candidate could as well belong to another connection with this one's addresses; but all that are in a
            // group hear the same one.
            [end] if self.at(own).len() <= 1 || own.local.ip().is_multicast() => {
                Other::Likely(end.connection)
            }
            _ => Other::Ambiguous,
        }
    }

    fn at(&self, addresses: &Addresses) -> &[End] {
        match self.places.get(addresses) {
            Some(Place::One(one)) => std::slice::from_ref(one),
            Some(Place::Several(several)) => several,
            None => &[],
        }
    }
}

impl Placed {
    /// Nothing for a Unix socket, whose peer the kernel names.
    pub fn new(
        (connection, netns): (ConnectionId, u32),
        (local, remote): (&Endpoint, &Endpoint),
        datagrams: bool,
    ) -> Option<Self> {
        let (Endpoint::Ip(local), Endpoint::Ip(remote)) = (local, remote) else { return None };
        let addresses = Addresses { local: plain(*local), remote: plain(*remote), datagrams };
        Some(Placed { connection, netns, addresses })
    }
}

impl Addresses {
    /// As the other end has them.
    fn turned(&self) -> Self {
        Addresses { local: self.remote, remote: self.local, datagrams: self.datagrams }
    }
}

/// IPv4 as such (also where it is mapped into IPv6), and no scope or flow: the two ends may differ in those.
fn plain(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}
