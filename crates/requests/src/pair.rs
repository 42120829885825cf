//! Both ends of a connection on one host: what one end says is what the other one hears, so it is read once.
//!
//! The client's end leads: its bytes are parsed. The server's end follows: of its bytes only places and times are wanted, and the kernel
//! side captures none of them. An exchange that the leader finished is told of the follower too, with the times at which its
//! first and last byte came by there. Positions are those of [`streams`]: both ends number a direction's bytes alike.

mod ends;

use std::collections::VecDeque;

use crate::analyzer::KnownEnds;
use model::{ConnectionId, Direction, Nanos};
use protocols::{Exchange, Half};
use smallvec::SmallVec;
use streams::distance;

/// Exchanges after which a connection is taken for one that lasts, so that it is worth while to read only one of its ends.
pub(crate) const PAIRED_AFTER: u16 = 16;
/// Moves that are told apart in a direction. Where there are more before an exchange is finished, close neighbours become one.
const MARKS: usize = 64;
/// Exchanges that wait for the follower's own moves, nearly always none.
const OWED: usize = 256;

/// When which bytes of a direction moved.
#[derive(Debug, Default)]
pub(crate) struct Marks(SmallVec<[Mark; 2]>);

/// Whether a byte moved.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Moved {
    At(Nanos),
    /// What is behind it did, but its event was lost.
    Unseen,
    NotYet,
}

/// Bytes from `start` to before `end`, which moved between two times.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Mark {
    start: u32,
    end: u32,
    first: Nanos,
    last: Nanos,
}

impl Marks {
    /// Bytes moved at `time`.
    pub(crate) fn note(&mut self, start: u32, end: u32, time: Nanos) {
        if let Some(last) = self.0.last_mut()
            && (last.end, last.last) == (start, time)
        {
            last.end = end;
            return;
        }
        if self.0.len() >= MARKS {
            self.blur();
        }
        self.0.push(Mark { start, end, first: time, last: time });
    }

    /// Makes one of neighbours that followed each other closely: pieces of one long message. What the other party answered in between
    /// stays told apart: a message begins and ends where it did.
    fn blur(&mut self) {
        let gap = |one: &Mark, next: &Mark| {
            if one.end == next.start { next.first.saturating_sub(one.last) } else { Nanos::MAX }
        };
        let mut gaps: Vec<Nanos> = self.0.windows(2).map(|pair| gap(&pair[0], &pair[1])).collect();
        let middle = gaps.len() / 2;
        let close = *gaps.select_nth_unstable(middle).1;
        let mut blurred = SmallVec::new();
        let mut rest = self.0.iter().copied().peekable();
        while let Some(mark) = rest.next() {
            // Pairs only: of what moved evenly, not all becomes one.
            let next = rest.next_if(|next| gap(&mark, next) <= close);
            blurred.push(next.map_or(mark, |next| Mark { start: mark.start, first: mark.first, ..next }));
        }
        self.0 = blurred;
    }

    /// Where the bytes are of which the first, or the last, moved at `time`.
    fn place(&self, time: Nanos) -> Option<(u32, u32)> {
        let mut there = self.0.iter().filter(|mark| mark.first <= time && time <= mark.last);
        let first = there.next()?;
        Some((first.start, there.next_back().unwrap_or(first).end))
    }

    /// When the byte at `position` moved.
    fn time_of(&self, position: u32) -> Moved {
        let mark = self.0.iter().find(|mark| distance(position, mark.end) > 0);
        mark.map_or(Moved::NotYet, |mark| match distance(mark.start, position) {
            0.. => Moved::At(mark.first),
            _ => Moved::Unseen,
        })
    }

    /// When all before `position` had moved.
    fn time_before(&self, position: u32) -> Moved {
        let mark = self.0.iter().find(|mark| distance(position, mark.end) >= 0);
        mark.map_or(Moved::NotYet, |mark| match distance(mark.start, position) {
            1.. => Moved::At(mark.last),
            _ => Moved::Unseen,
        })
    }

    /// Nobody asks any more for what is before `position`.
    fn forget_before(&mut self, position: u32) {
        let gone = self.0.iter().take_while(|mark| distance(mark.end, position) >= 0).count();
        self.0.drain(..gone);
    }
}

/// The end whose bytes are read.
#[derive(Debug)]
pub(crate) struct Lead {
    pub(crate) follower: ConnectionId,
    pub(crate) marks: [Marks; 2],
    /// By direction: where the next message begins, as far as that is known.
    cursors: [u32; 2],
    pub(crate) ends: Option<KnownEnds>,
}

/// The end that is told the same.
#[derive(Debug)]
pub(crate) struct Follow {
    pub(crate) leader: ConnectionId,
    pub(crate) marks: [Marks; 2],
    owed: VecDeque<Owed>,
    /// It is closed; but the leader may still have to read what it said.
    pub(crate) is_closed: bool,
    pub(crate) ends: Option<KnownEnds>,
}

/// Where the first byte of a request is, and the end of its last one; and the same of its response.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Places([Option<(u32, u32)>; 2]);

/// An exchange that waits for moves here.
#[derive(Debug)]
struct Owed {
    exchange: Exchange,
    places: Places,
}

impl Lead {
    pub(crate) fn new(follower: ConnectionId, cursors: [u32; 2]) -> Lead {
        Lead { follower, marks: Default::default(), cursors, ends: None }
    }

    /// Where a finished exchange was.
    pub(crate) fn places(&mut self, exchange: &Exchange) -> Places {
        let request = self.place(Direction::Sent, &exchange.request);
        Places([request, self.place(Direction::Received, &exchange.response)])
    }

    /// A message is where its first and last byte were seen; and within these moves where the one before it ended.
    fn place(&mut self, direction: Direction, half: &Half) -> Option<(u32, u32)> {
        if half.last == 0 {
            return None; // there is none
        }
        let marks = &mut self.marks[direction.index()];
        let cursor = &mut self.cursors[direction.index()];
        let (first, last) = (marks.place(half.first)?, marks.place(half.last)?);
        let begin = within(*cursor, first.0, first.1.wrapping_sub(1));
        let end = within(begin.wrapping_add(half.bytes as u32), last.0.wrapping_add(1), last.1);
        *cursor = end;
        marks.forget_before(end);
        Some((begin, end))
    }
}

/// The nearest to `position` from `least` to `most`.
fn within(position: u32, least: u32, most: u32) -> u32 {
    if distance(least, position) < 0 {
        least
    } else if distance(position, most) < 0 {
        most
    } else {
        position
    }
}

impl Follow {
    pub(crate) fn new(leader: ConnectionId) -> Follow {
        Follow { leader, marks: Default::default(), owed: VecDeque::new(), is_closed: false, ends: None }
    }

    pub(crate) fn is_owed(&self) -> bool {
        !self.owed.is_empty()
    }

    /// When the oldest exchange began that waits for moves here.
    pub(crate) fn oldest_owed(&self) -> Option<Nanos> {
        self.owed.front().map(|owed| owed.exchange.request.first)
    }

    /// When that exchange of the leader happened here: request and response. `None` where not all of it did, or it has to wait
    /// for others.
    pub(crate) fn halves(&mut self, exchange: &Exchange, places: Places) -> Option<[Half; 2]> {
        if self.is_owed() && self.owed.len() < OWED {
            return None;
        }
        self.halves_of(exchange, places, self.is_closed || self.is_owed())
    }

    /// It is told as soon as it happened here.
    pub(crate) fn wait_for(&mut self, exchange: Exchange, places: Places) {
        self.owed.push_back(Owed { exchange, places });
    }

    /// Tells what waited and happened by now; `all`, even where its bytes were not seen here.
    pub(crate) fn tell(&mut self, finished: &mut Vec<Exchange>, all: bool) {
        while let Some(owed) = self.owed.pop_front() {
            match self.halves_of(&owed.exchange, owed.places, all) {
                Some([request, response]) => finished.push(Exchange { request, response, ..owed.exchange }),
                None => return self.owed.push_front(owed),
            }
        }
    }

    fn halves_of(&mut self, exchange: &Exchange, Places(places): Places, surely: bool) -> Option<[Half; 2]> {
        let mut halves = [exchange.request, exchange.response];
        let directions = [Direction::Received, Direction::Sent];
        for ((half, place), direction) in halves.iter_mut().zip(places).zip(directions) {
            match self.times(direction, place) {
                Some(Some((first, last))) => (half.first, half.last) = (first, last),
                // What was not seen here happened about when it did there.
                Some(None) => {}
                None if surely => {}
                None => return None,
            }
        }
        for (place, direction) in places.into_iter().zip(directions) {
            if let Some((_, end)) = place {
                self.marks[direction.index()].forget_before(end);
            }
        }
        Some(halves)
    }

    /// When the bytes at a place came by; `None` where they did not yet. What has no place, or was not seen, has no times.
    fn times(&self, direction: Direction, place: Option<(u32, u32)>) -> Option<Option<(Nanos, Nanos)>> {
        let Some((begin, end)) = place else { return Some(None) };
        let marks = &self.marks[direction.index()];
        match (marks.time_of(begin), marks.time_before(end)) {
            (Moved::NotYet, _) | (_, Moved::NotYet) => None,
            (Moved::At(first), Moved::At(last)) => Some(Some((first, last.max(first)))),
            _ => Some(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A short message, an answer to which is waited for, and then a long one in many pieces.
    #[test]
    fn a_long_message_takes_no_place_from_those_around_it() {
        let mut marks = Marks::default();
        let (mut end, mut time) = (0, 0);
        let mut note = |marks: &mut Marks, bytes: u32, pause: Nanos| {
            time += pause;
            marks.note(end, end + bytes, time);
            end += bytes;
            (end - bytes, time)
        };
        let before: Vec<_> = (0..4).map(|_| note(&mut marks, 50, 500_000)).collect();
        let begin = note(&mut marks, 8192, 500_000);
        (0..1000).for_each(|_| {
            note(&mut marks, 8192, 3_000);
        });
        let after: Vec<_> = (0..4).map(|_| note(&mut marks, 50, 500_000)).collect();
        for (position, time) in before.into_iter().chain([begin]).chain(after) {
            assert_eq!(marks.time_of(position), Moved::At(time), "{position}");
        }
        assert!(marks.0.len() <= MARKS);
    }

    #[test]
    fn what_moves_evenly_becomes_fewer() {
        let mut marks = Marks::default();
        (0..10_000u32).for_each(|at| marks.note(at * 10, at * 10 + 10, u64::from(at) * 100));
        assert!(marks.0.len() <= MARKS);
        assert_eq!(
            (marks.time_of(0), marks.time_of(99_999)),
            (Moved::At(0), Moved::At(marks.0.last().map_or(0, |last| last.first)))
        );
        // What was lost in between leaves holes: they are bounded all the same.
        let mut holes = Marks::default();
        (0..10_000u32).for_each(|at| holes.note(at * 20, at * 20 + 10, u64::from(at) * 100));
        assert!(holes.0.len() <= MARKS, "{}", holes.0.len());
    }
}
