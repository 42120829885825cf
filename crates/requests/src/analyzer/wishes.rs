//! Connections that the kernel side was asked to announce again, and has not yet.

use model::event::Instruction;
use model::{ConnectionId, Nanos};
use rustc_hash::FxHashMap;

/// How many are remembered. Nearly all of them are closed without having spoken again, and that is not told of them any more.
const MOST: usize = 65_536;
/// What was wished for so long ago and not fulfilled was lost, there or back.
const LOST_AFTER: Millis = 1000;

type Millis = u32;

#[derive(Debug, Default)]
pub(super) struct Wishes {
    open: FxHashMap<ConnectionId, Wish>,
    last: u16,
    now: Millis,
}

#[derive(Debug, Clone, Copy)]
struct Wish {
    number: u16,
    since: Millis,
}

impl Wishes {
    pub(super) fn tick(&mut self, now: Nanos) {
        self.now = (now / 1_000_000) as Millis;
    }

    /// Has a connection told as a new one before its next chunk. Until it is, it is the same wish, since what was told before
    /// the kernel side knew of it still comes in.
    pub(super) fn wish(&mut self, id: ConnectionId) -> Instruction {
        if self.open.len() >= MOST {
            // Of those that speak again after all, the instruction is replaced one chunk later.
            self.open.clear();
        }
        let standing = self.open.get(&id).filter(|wish| self.now.wrapping_sub(wish.since) < LOST_AFTER);
        let number = match standing {
            Some(wish) => wish.number,
            None => self.another(id),
        };
        Instruction::Announce { wish: number }
    }

    fn another(&mut self, id: ConnectionId) -> u16 {
        self.last = self.last.checked_add(1).unwrap_or(1);
        self.open.insert(id, Wish { number: self.last, since: self.now });
        self.last
    }

    /// It is told. True where that was wished for.
    pub(super) fn fulfilled(&mut self, id: ConnectionId) -> bool {
        self.open.remove(&id).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: ConnectionId = ConnectionId(1);

    #[track_caller]
    fn wished(wishes: &mut Wishes, id: ConnectionId, expected: u16) {
        assert_eq!(wishes.wish(id), Instruction::Announce { wish: expected });
    }

    #[test]
    fn a_wish_is_another_one_once_it_was_fulfilled_or_is_lost() {
        let mut wishes = Wishes::default();
        for (milliseconds, expected) in [(100, 1), (100, 1), (1099, 1), (1100, 2), (2000, 2)] {
            wishes.tick(milliseconds * 1_000_000);
            wished(&mut wishes, ONE, expected);
        }
        assert!(wishes.fulfilled(ONE) && !wishes.fulfilled(ONE));
        wished(&mut wishes, ONE, 3);
        wished(&mut wishes, ConnectionId(2), 4);
        wished(&mut wishes, ONE, 3);
    }

    #[test]
    fn numbers_begin_anew_at_1() {
        let mut wishes = Wishes { last: u16::MAX - 1, ..Wishes::default() };
        wished(&mut wishes, ONE, u16::MAX);
        wished(&mut wishes, ConnectionId(2), 1);
    }

    #[test]
    fn no_more_are_remembered_than_there_is_room_for() {
        let mut wishes = Wishes::default();
        let last = 2 * MOST as u64;
        for id in 0..=last {
            wishes.wish(ConnectionId(id));
            assert!(wishes.open.len() <= MOST);
        }
        assert!(!wishes.fulfilled(ONE) && wishes.fulfilled(ConnectionId(last)));
    }
}
