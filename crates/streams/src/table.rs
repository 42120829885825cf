//! The connections that are followed: bounded in number, rid of those that are idle.

use model::{ConnectionId, Nanos};
use rustc_hash::FxHashMap;

/// How many connections are kept, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at most. Beyond it the one that was idle for longest, of a few looked at, gives way.
    pub connections: usize,
    /// A connection without an event for this long is forgotten; it is met again as if it were new.
    pub idle: Nanos,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { connections: 200_000, idle: 600 * 1_000_000_000 }
    }
}

/// Connections by their id, each with a state of type `S`.
#[derive(Debug)]
pub struct Table<S> {
    limits: Limits,
    places: FxHashMap<ConnectionId, u32>,
    entries: Vec<Option<Entry<S>>>,
    free: Vec<u32>,
    hand: usize,
}

#[derive(Debug)]
struct Entry<S> {
    id: ConnectionId,
    last_event: Nanos,
    state: S,
}

/// How many entries one call looks at for something to forget.
const LOOK_AT: usize = 64;

impl<S> Table<S> {
    /// An empty table.
    pub fn new(limits: Limits) -> Self {
        Table { limits, places: FxHashMap::default(), entries: Vec::new(), free: Vec::new(), hand: 0 }
    }

    /// How many connections there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The state of `id`, which has an event now.
    pub fn touch(&mut self, id: ConnectionId, now: Nanos) -> Option<&mut S> {
        let place = *self.places.get(&id)?;
        let entry = self.entries[place as usize].as_mut()?;
        entry.last_event = entry.last_event.max(now);
        Some(&mut entry.state)
    }

    /// The state of `id`.
    pub fn get(&self, id: ConnectionId) -> Option<&S> {
        let place = *self.places.get(&id)?;
        self.entries[place as usize].as_ref().map(|entry| &entry.state)
    }

    /// Adds a connection, or replaces its state. A full table forgets another one for it, which is returned.
    pub fn insert(&mut self, id: ConnectionId, now: Nanos, state: S) -> Option<(ConnectionId, S)> {
        let entry = Entry { id, last_event: now, state };
        if let Some(place) = self.places.get(&id) {
            self.entries[*place as usize] = Some(entry);
            return None;
        }
        let displaced =
            if self.places.len() >= self.limits.connections { self.forget_idlest() } else { None };
        let place = self.free.pop().unwrap_or_else(|| {
            self.entries.push(None);
            (self.entries.len() - 1) as u32
        });
        self.entries[place as usize] = Some(entry);
        self.places.insert(id, place);
        displaced
    }

    /// Takes a connection out.
    pub fn remove(&mut self, id: ConnectionId) -> Option<S> {
        let place = self.places.remove(&id)?;
        self.free.push(place);
        self.entries[place as usize].take().map(|entry| entry.state)
    }

    /// Takes out a connection that has been idle for too long and is not `waiting`, if one is among the next few in turn.
    /// Called regularly, it comes round to all of them. What waits gives way only when there is no more room.
    pub fn forget_idle(&mut self, now: Nanos, waiting: impl Fn(&S) -> bool) -> Option<(ConnectionId, S)> {
        for _ in 0..LOOK_AT.min(self.entries.len()) {
            self.hand = (self.hand + 1) % self.entries.len();
            let is_old = |entry: &Entry<S>| now.saturating_sub(entry.last_event) > self.limits.idle;
            let idle = |entry: &Entry<S>| is_old(entry) && !waiting(&entry.state);
            if let Some(id) = self.entries[self.hand].as_ref().filter(|e| idle(e)).map(|e| e.id) {
                return self.remove(id).map(|state| (id, state));
            }
        }
        None
    }

    /// Gives back the memory of places that are not taken, where these are most of them.
    pub fn compact(&mut self) {
        if self.places.len() > self.entries.len() / 2 {
            return;
        }
        self.entries.retain(Option::is_some);
        self.entries.shrink_to_fit();
        self.free = Vec::new();
        let places =
            self.entries.iter().zip(0..).filter_map(|(entry, place)| Some((entry.as_ref()?.id, place)));
        self.places = places.collect();
        self.hand = 0;
    }

    /// All connections.
    pub fn iter(&self) -> impl Iterator<Item = (ConnectionId, &S)> {
        self.entries.iter().flatten().map(|entry| (entry.id, &entry.state))
    }

    /// All connections.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (ConnectionId, &mut S)> {
        self.entries.iter_mut().flatten().map(|entry| (entry.id, &mut entry.state))
    }

    fn forget_idlest(&mut self) -> Option<(ConnectionId, S)> {
        let mut idlest: Option<(Nanos, ConnectionId)> = None;
        for _ in 0..LOOK_AT.min(self.entries.len()) {
            self.hand = (self.hand + 1) % self.entries.len();
            if let Some(entry) = &self.entries[self.hand]
                && idlest.is_none_or(|(time, _)| entry.last_event < time)
            {
                idlest = Some((entry.last_event, entry.id));
            }
        }
        let (_, id) = idlest?;
        self.remove(id).map(|state| (id, state))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_table_forgets_the_idlest() {
        let mut table = Table::new(Limits { connections: 3, idle: 100 });
        for id in 0..3 {
            assert!(table.insert(ConnectionId(id), id, id).is_none());
        }
        table.touch(ConnectionId(0), 10);
        assert_eq!(table.insert(ConnectionId(9), 11, 9), Some((ConnectionId(1), 1)));
        assert_eq!(table.len(), 3);
        assert_eq!(table.get(ConnectionId(9)), Some(&9));
    }

    #[test]
    fn idle_connections_are_found_in_turn() {
        let mut table = Table::new(Limits { connections: 1000, idle: 100 });
        for id in 0..500 {
            table.insert(ConnectionId(id), 0, id);
        }
        table.touch(ConnectionId(7), 90);
        let mut forgotten = 0;
        for _ in 0..1000 {
            forgotten += usize::from(table.forget_idle(101, |_| false).is_some());
        }
        assert_eq!((forgotten, table.len()), (499, 1));
        assert!(table.get(ConnectionId(7)).is_some());
    }

    #[test]
    fn what_waits_is_not_idle() {
        let mut table = Table::new(Limits { connections: 2, idle: 100 });
        table.insert(ConnectionId(0), 0, "waits");
        table.insert(ConnectionId(1), 0, "idle");
        let waits = |state: &&str| *state == "waits";
        assert_eq!(table.forget_idle(200, waits), Some((ConnectionId(1), "idle")));
        assert_eq!(table.forget_idle(200, waits), None);
        // But where there is no more room, it gives way.
        table.insert(ConnectionId(1), 200, "new");
        assert_eq!(table.insert(ConnectionId(2), 201, "new"), Some((ConnectionId(0), "waits")));
    }

    #[test]
    fn places_are_given_back() {
        let mut table = Table::new(Limits::default());
        for id in 0..1000 {
            table.insert(ConnectionId(id), id, id);
        }
        for id in (0..1000).filter(|id| id % 5 != 0) {
            table.remove(ConnectionId(id));
        }
        table.compact();
        assert_eq!((table.len(), table.entries.len(), table.entries.capacity()), (200, 200, 200));
        assert!((0..1000).all(|id| table.get(ConnectionId(id)) == (id % 5 == 0).then_some(&id)));
        table.insert(ConnectionId(1), 1, 1);
        assert_eq!((table.get(ConnectionId(1)), table.get(ConnectionId(995))), (Some(&1), Some(&995)));
        assert!(table.forget_idle(u64::MAX, |_| false).is_some());
    }

    #[test]
    fn places_are_used_again() {
        let mut table = Table::new(Limits::default());
        for id in 0..10_000 {
            table.insert(ConnectionId(id), id, ());
            table.remove(ConnectionId(id));
        }
        assert_eq!((table.len(), table.entries.len()), (0, 1));
    }
}
