//! What happened, put into the order in which it did.

use std::collections::BTreeMap;

use model::begun::{Begun, Finished};
use model::{ConnectionId, Nanos, Request};

/// By which an exchange's beginning and its end are found to be of the same: where the request was, and when.
pub(crate) type Name = (ConnectionId, Nanos, u32);

/// The name of the exchange that began so.
pub(crate) fn name(begun: &Begun) -> Name {
    (begun.connection, begun.first, begun.position)
}

#[derive(Debug)]
pub(crate) enum What {
    Begun(Begun),
    /// The exchange of this name was answered.
    Answered(Name),
    /// The one that is under way on this connection was.
    AnsweredNow(ConnectionId),
    Ended(Box<Request>, Finished),
    Gone(ConnectionId),
    Left(u32),
}

impl What {
    /// What comes first of what happened at one time.
    fn rank(&self) -> u8 {
        match self {
            What::Begun(begun) if begun.role == model::Role::Client => 0,
            What::Begun(_) => 1,
            What::Answered(_) | What::AnsweredNow(_) => 2,
            What::Ended(..) => 3,
            What::Gone(_) | What::Left(_) => 4,
        }
    }
}

/// When, what comes first of one time and then what was told first, and the place of what happened.
type Event = (Nanos, u64, u32);

/// Events are sorted by so much time at once.
const SLICE: Nanos = 1_000_000;
/// Bits of a number that count; those above are the rank.
const COUNTED: u32 = 60;
/// Rooms for slices that are kept for later ones.
const SPARE: usize = 8;

/// Events until their time has come. They wait unsorted, by slices of time, since nearly all are told some time before they are looked at; and
/// what happened stays where it is, for it is larger than when it did.
#[derive(Debug, Default)]
pub(crate) struct Order {
    /// What is before `sliced`, the last first.
    due: Vec<Event>,
    sliced: Nanos,
    later: BTreeMap<u64, Vec<Event>>,
    spare: Vec<Vec<Event>>,
    places: Vec<Option<What>>,
    free: Vec<u32>,
    numbers: u64,
}

impl Order {
    pub(crate) fn push(&mut self, time: Nanos, what: What) {
        self.numbers += 1;
        let number = u64::from(what.rank()) << COUNTED | self.numbers;
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(None);
            (self.places.len() - 1) as u32
        });
        self.places[place as usize] = Some(what);
        let event = (time, number, place);
        if time < self.sliced {
            let before = self.due.partition_point(|other| *other > event);
            self.due.insert(before, event);
        } else {
            let slice = self.later.entry(time / SLICE);
            slice.or_insert_with(|| self.spare.pop().unwrap_or_default()).push(event);
        }
    }

    /// The first one that is not later than `until`.
    pub(crate) fn pop(&mut self, until: Nanos) -> Option<(Nanos, What)> {
        if self.due.is_empty() {
            self.next_slice(until);
        }
        let (time, _, place) = self.due.pop_if(|(time, ..)| *time <= until)?;
        self.free.push(place);
        Some((time, self.places[place as usize].take()?))
    }

    fn next_slice(&mut self, until: Nanos) {
        let Some(slice) = self.later.first_entry().filter(|slice| *slice.key() <= until / SLICE) else {
            return;
        };
        self.sliced = slice.key().saturating_add(1).saturating_mul(SLICE);
        let before = std::mem::replace(&mut self.due, slice.remove());
        if self.spare.len() < SPARE {
            self.spare.push(before);
        }
        self.due.sort_unstable_by(|one, other| other.cmp(one));
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look like chance, the same on every run.
    fn chance(seed: &mut u64, below: u64) -> u64 {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 33) % below
    }

    #[test]
    fn all_comes_out_in_order_also_what_is_told_late() {
        let mut seed = 7;
        let (mut order, mut waiting) = (Order::default(), Vec::new());
        let mut told = 0;
        for round in 0..2_000u64 {
            for _ in 0..chance(&mut seed, 8) {
                let time = (round * SLICE / 3 + chance(&mut seed, 5 * SLICE))
                    .saturating_sub(chance(&mut seed, 3 * SLICE));
                let pid = waiting.len() as u32 + told;
                order.push(time, What::Left(pid));
                waiting.push((time, pid));
            }
            waiting.sort_unstable();
            let until = round * SLICE / 3;
            while let Some((time, what)) = order.pop(until) {
                let (expected, pid) = waiting.remove(0);
                told += 1;
                assert_eq!(time, expected);
                assert!(
                    matches!(what, What::Left(found) if found == pid || waiting.iter().any(|other| other.0 == time))
                );
            }
            assert!(waiting.first().is_none_or(|(time, _)| *time > until), "{round}");
            assert_eq!(order.len(), waiting.len());
        }
        assert!(told > 5_000);
    }

    #[test]
    fn of_one_time_what_brings_about_comes_first() {
        let mut order = Order::default();
        for what in [What::Left(1), What::AnsweredNow(ConnectionId(2)), What::AnsweredNow(ConnectionId(3))] {
            order.push(5, what);
        }
        order.push(u64::MAX, What::Left(9));
        let mut next = || order.pop(u64::MAX).map(|(_, what)| what);
        assert!(matches!(next(), Some(What::AnsweredNow(ConnectionId(2)))));
        assert!(matches!(next(), Some(What::AnsweredNow(ConnectionId(3)))));
        assert!(matches!(next(), Some(What::Left(1))));
        assert!(matches!(next(), Some(What::Left(9))));
        assert!(next().is_none());
    }
}
