//! How many bytes of requests may be in memory at a time, all of them together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Room for what is being read, unpacked and understood. What finds none is to be sent again later.
#[derive(Debug)]
pub(crate) struct Room {
    used: AtomicUsize,
    most: usize,
}

impl Room {
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Room { used: AtomicUsize::new(0), most })
    }

    /// A part of it, of no bytes yet.
    pub(crate) fn part(self: &Arc<Self>) -> Part {
        Part { room: Arc::clone(self), bytes: 0 }
    }
}

/// A request's part of the room, which is given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Part {
    room: Arc<Room>,
    bytes: usize,
}

impl Part {
    /// Takes so many bytes more. False when there are not as many.
    pub(crate) fn grow(&mut self, bytes: usize) -> bool {
        let most = self.room.most;
        let grown = self.room.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            used.checked_add(bytes).filter(|used| *used <= most)
        });
        if grown.is_ok() {
            self.bytes += bytes;
        }
        grown.is_ok()
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.room.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_makes_room() {
        let room = Room::new(100);
        let (mut one, mut other) = (room.part(), room.part());
        assert!(one.grow(60) && !other.grow(41) && other.grow(40) && !one.grow(1));
        assert!(!one.grow(usize::MAX));
        drop(one);
        assert!(other.grow(60));
        drop(other);
        assert_eq!(room.used.load(Ordering::Relaxed), 0);
    }
}
