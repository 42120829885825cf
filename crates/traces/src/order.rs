//! What happened, put into the order in which it did.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

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

#[derive(Debug)]
struct Event {
    time: Nanos,
    rank: u8,
    number: u64,
    what: What,
}

impl Event {
    fn key(&self) -> (Nanos, u8, u64) {
        (self.time, self.rank, self.number)
    }
}

// Reversed: a heap gives the greatest first.
impl Ord for Event {
    fn cmp(&self, other: &Self) -> Ordering {
        other.key().cmp(&self.key())
    }
}

impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Event {}

/// Events until their time has come.
#[derive(Debug, Default)]
pub(crate) struct Order {
    heap: BinaryHeap<Event>,
    numbers: u64,
}

impl Order {
    pub(crate) fn push(&mut self, time: Nanos, what: What) {
        self.numbers += 1;
        self.heap.push(Event { time, rank: what.rank(), number: self.numbers, what });
    }

    /// The first one that is not later than `until`.
    pub(crate) fn pop(&mut self, until: Nanos) -> Option<(Nanos, What)> {
        let is_due = self.heap.peek().is_some_and(|event| event.time <= until);
        if is_due { self.heap.pop().map(|event| (event.time, event.what)) } else { None }
    }

    pub(crate) fn len(&self) -> usize {
        self.heap.len()
    }
}
