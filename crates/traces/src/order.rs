//! What happened, put into the order in which it did.

use std::cmp::Reverse;
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

/// When, what comes first of one time and then what was told first, and the place of what happened.
type Event = Reverse<(Nanos, u64, u32)>;

/// Events until their time has come. What happened stays where it is: the heap moves its elements again and again.
#[derive(Debug, Default)]
pub(crate) struct Order {
    heap: BinaryHeap<Event>,
    places: Vec<Option<What>>,
    free: Vec<u32>,
    numbers: u64,
}

/// Bits of a number that count; those above are the rank.
const COUNTED: u32 = 60;

impl Order {
    pub(crate) fn push(&mut self, time: Nanos, what: What) {
        self.numbers += 1;
        let number = u64::from(what.rank()) << COUNTED | self.numbers;
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(None);
            (self.places.len() - 1) as u32
        });
        self.places[place as usize] = Some(what);
        self.heap.push(Reverse((time, number, place)));
    }

    /// The first one that is not later than `until`.
    pub(crate) fn pop(&mut self, until: Nanos) -> Option<(Nanos, What)> {
        let Reverse((time, _, place)) = *self.heap.peek().filter(|Reverse((time, ..))| *time <= until)?;
        self.heap.pop();
        self.free.push(place);
        Some((time, self.places[place as usize].take()?))
    }

    pub(crate) fn len(&self) -> usize {
        self.heap.len()
    }
}
