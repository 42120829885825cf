//! One direction of a connection: chunks in, pieces in order out.
//!
//! A chunk says where its first byte stands in the stream and where the chunk before it ended. So three cases
//! that look alike are told apart: bytes that the kernel side left out on purpose (the previous chunk ended
//! where this stream stands), bytes whose event was lost or is still in the ring (it ended further on), and
//! bytes that were shown before (a peek, a send that was tried again).
//!
//! Positions are 32 bits wide and wrap, like TCP sequence numbers (RFC 9293, 3.4): a difference is taken as
//! signed, so that streams of any length work while less than 2 GiB is missing at once.

use model::Nanos;
use model::event::Chunk;

/// How many chunks of a direction wait for one that is missing.
const HELD_CHUNKS: usize = 16;
/// How many bytes they may hold.
const HELD_BYTES: usize = 64 * 1024;
/// How long they wait: many times what an event needs from one processor's hook to the ring.
const PATIENCE: Nanos = 20_000_000;

/// The next part of a direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Bytes as they were sent; never empty.
    Bytes(&'a [u8]),
    /// Bytes that were moved but are not shown, because nobody asked for them or they cannot be read.
    Hidden(u64),
    /// Bytes whose event was lost.
    Lost(u64),
}

/// A piece, and by whom and when it was moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival<'a> {
    /// What came.
    pub piece: Piece<'a>,
    /// Where its first byte stands.
    pub position: u32,
    /// When.
    pub time: Nanos,
    /// Process id of who moved it; 0 where unknown.
    pub pid: u32,
    /// Thread id; 0 where unknown.
    pub tid: u32,
}

/// One direction's place, and what waits for its turn.
#[derive(Debug, Default)]
pub struct Sequence {
    next: u32,
    started: bool,
    /// Boxed, because it is nearly always absent, and there are two of these for each of 100,000 connections.
    #[allow(clippy::box_collection)]
    held: Option<Box<Vec<Held>>>,
}

#[derive(Debug)]
struct Held {
    time: Nanos,
    /// When its waiting was first looked at: its own time may be that of an earlier arrival.
    since: Option<Nanos>,
    position: u32,
    previous_end: u32,
    length: u32,
    pid: u32,
    tid: u32,
    payload: Vec<u8>,
}

impl Sequence {
    /// Takes a chunk, and passes on what is in order now.
    pub fn accept<'a>(&mut self, chunk: &Chunk<'a>, mut pass: impl FnMut(Arrival<'_>)) {
        if !self.started {
            self.started = true;
            self.next = chunk.previous_end;
        }
        if self.is_early(chunk.position, chunk.previous_end) {
            self.hold(chunk, &mut pass);
            return;
        }
        self.pass_chunk(chunk, &mut pass);
        if self.held.is_some() {
            self.pass_held(&mut pass, |_| false);
        }
    }

    /// Takes a chunk of which nobody wants to see the bytes, if it is the next one and nothing waits; else false.
    pub fn pass_by(&mut self, chunk: &Chunk<'_>) -> bool {
        let is_next = self.started && (chunk.position, chunk.previous_end) == (self.next, self.next);
        if !is_next || self.held.is_some() {
            return false;
        }
        self.next = chunk.position.wrapping_add(chunk.length);
        true
    }

    /// Gives up waiting for events that should have come by `now`, and passes on what waited for them.
    /// The first call after a chunk was taken in begins its patience.
    pub fn expire(&mut self, now: Nanos, mut pass: impl FnMut(Arrival<'_>)) {
        for held in self.held.iter_mut().flat_map(|held| held.iter_mut()) {
            held.since.get_or_insert(now);
        }
        let overdue = |since: Nanos| since.saturating_add(PATIENCE) <= now;
        self.pass_held(&mut pass, |held| held.since.is_some_and(overdue));
    }

    /// Passes on all that waits, and that the direction ended at `end`, where known.
    pub fn finish(&mut self, end: Option<u32>, time: Nanos, mut pass: impl FnMut(Arrival<'_>)) {
        self.pass_held(&mut pass, |_| true);
        let Some(end) = end.filter(|_| self.started) else { return };
        let missing = distance(self.next, end);
        if missing > 0 {
            let position = std::mem::replace(&mut self.next, end);
            pass(Arrival { piece: Piece::Hidden(missing as u64), position, time, pid: 0, tid: 0 });
        }
    }

    /// True when something waits for [`Sequence::expire`].
    pub fn is_waiting(&self) -> bool {
        self.held.is_some()
    }

    /// Has the stream come to `position`? False before its first chunk.
    pub fn has_reached(&self, position: u32) -> bool {
        self.started && distance(self.next, position) <= 0
    }

    /// Where the next byte stands; `None` before the first chunk.
    pub fn position(&self) -> Option<u32> {
        self.started.then_some(self.next)
    }

    /// Something between here and there is missing that was, or will be, told.
    fn is_early(&self, position: u32, previous_end: u32) -> bool {
        distance(self.next, position) > 0 && distance(self.next, previous_end) > 0
    }

    fn pass_chunk(&mut self, chunk: &Chunk<'_>, pass: &mut impl FnMut(Arrival<'_>)) {
        let arrival =
            |piece, position| Arrival { piece, position, time: chunk.time, pid: chunk.pid, tid: chunk.tid };
        let ahead = distance(self.next, chunk.position);
        let mut seen = 0usize;
        if ahead > 0 {
            pass(arrival(Piece::Hidden(ahead as u64), self.next));
            self.next = chunk.position;
        } else {
            seen = ahead.unsigned_abs() as usize;
        }
        let length = chunk.length as usize;
        if seen >= length {
            return;
        }
        let payload = &chunk.payload[..chunk.payload.len().min(length)];
        if seen < payload.len() {
            pass(arrival(Piece::Bytes(&payload[seen..]), chunk.position.wrapping_add(seen as u32)));
        }
        let shown = payload.len().max(seen);
        if shown < length {
            let position = chunk.position.wrapping_add(shown as u32);
            pass(arrival(Piece::Hidden((length - shown) as u64), position));
        }
        self.next = chunk.position.wrapping_add(chunk.length);
    }

    fn hold(&mut self, chunk: &Chunk<'_>, pass: &mut impl FnMut(Arrival<'_>)) {
        let held = self.held.get_or_insert_default();
        let at = held.partition_point(|other| distance(other.position, chunk.position) >= 0);
        held.insert(
            at,
            Held {
                time: chunk.time,
                since: None,
                position: chunk.position,
                previous_end: chunk.previous_end,
                length: chunk.length,
                pid: chunk.pid,
                tid: chunk.tid,
                payload: chunk.payload.to_vec(),
            },
        );
        let bytes: usize = held.iter().map(|h| h.payload.len()).sum();
        if held.len() > HELD_CHUNKS || bytes > HELD_BYTES {
            self.pass_held(pass, |_| true);
        }
    }

    /// Passes on held chunks, in order, as long as they follow on or `give_up` on what is missing before them.
    fn pass_held(&mut self, pass: &mut impl FnMut(Arrival<'_>), give_up: impl Fn(&Held) -> bool) {
        let Some(mut held) = self.held.take() else { return };
        let mut done = 0;
        for one in held.iter() {
            if self.is_early(one.position, one.previous_end) {
                if !give_up(one) {
                    break;
                }
                let lost = distance(self.next, one.previous_end);
                let position = std::mem::replace(&mut self.next, one.previous_end);
                pass(Arrival { piece: Piece::Lost(lost as u64), position, time: one.time, pid: 0, tid: 0 });
            }
            done += 1;
            self.pass_chunk(&one.as_chunk(), pass);
        }
        held.drain(..done);
        if !held.is_empty() {
            self.held = Some(held);
        }
    }
}

impl Held {
    fn as_chunk(&self) -> Chunk<'_> {
        Chunk {
            connection: model::ConnectionId(0),
            time: self.time,
            direction: model::Direction::Sent,
            position: self.position,
            previous_end: self.previous_end,
            length: self.length,
            pid: self.pid,
            tid: self.tid,
            payload: &self.payload,
        }
    }
}

/// How far position `to` is ahead of `from`; negative when it is behind.
pub fn distance(from: u32, to: u32) -> i32 {
    to.wrapping_sub(from).cast_signed()
}

#[cfg(test)]
mod tests {
    use model::{ConnectionId, Direction};

    use super::*;

    /// A chunk as (position, previous end, length, payload), and what should come out.
    type Case<'a> = (u32, u32, u32, &'a [u8]);

    fn run(sequence: &mut Sequence, chunks: &[Case<'_>]) -> String {
        let mut out = String::new();
        for (index, (position, previous_end, length, payload)) in chunks.iter().enumerate() {
            let chunk = Chunk {
                connection: ConnectionId(1),
                time: index as u64,
                direction: Direction::Sent,
                position: *position,
                previous_end: *previous_end,
                length: *length,
                pid: 1,
                tid: 1,
                payload,
            };
            sequence.accept(&chunk, |arrival| show(&mut out, arrival));
        }
        out
    }

    fn show(out: &mut String, arrival: Arrival<'_>) {
        match arrival.piece {
            Piece::Bytes(bytes) => out.push_str(&String::from_utf8_lossy(bytes)),
            Piece::Hidden(n) => out.push_str(&format!("<{n}>")),
            Piece::Lost(n) => out.push_str(&format!("!{n}!")),
        }
    }

    #[track_caller]
    fn check(chunks: &[Case<'_>], expected: &str) {
        assert_eq!(run(&mut Sequence::default(), chunks), expected);
    }

    #[test]
    fn in_order() {
        check(&[(100, 100, 3, b"abc"), (103, 103, 2, b"de")], "abcde");
    }

    #[test]
    fn positions_wrap() {
        check(&[(u32::MAX, u32::MAX, 3, b"abc"), (2, 2, 2, b"de")], "abcde");
    }

    #[test]
    fn what_the_budget_left_out_is_a_gap_of_its_length() {
        check(&[(0, 0, 10, b"abc"), (10, 10, 2, b"de")], "abc<7>de");
        check(&[(0, 0, 10, b""), (10, 10, 2, b"de")], "<10>de");
    }

    #[test]
    fn what_was_moved_without_a_chunk_is_a_gap_of_its_length() {
        check(&[(0, 0, 3, b"abc"), (50, 3, 2, b"de")], "abc<47>de");
        check(&[(7, 0, 3, b"abc")], "<7>abc");
    }

    #[test]
    fn what_was_seen_before_is_dropped() {
        check(&[(0, 0, 3, b"abc"), (0, 3, 3, b"abc"), (3, 3, 2, b"de")], "abcde");
        check(&[(0, 0, 3, b"abc"), (0, 3, 5, b"abcde")], "abcde");
        check(&[(0, 0, 3, b"abc"), (1, 3, 9, b"bcd")], "abcd<6>");
        check(&[(0, 0, 8, b"abc"), (0, 8, 8, b"abcdefgh"), (8, 8, 1, b"i")], "abc<5>i");
    }

    #[test]
    fn two_chunks_in_the_wrong_order_are_put_right() {
        check(&[(0, 0, 1, b"a"), (3, 2, 2, b"de"), (1, 1, 1, b"b"), (5, 5, 1, b"f")], "ab<1>def");
    }

    #[test]
    fn a_lost_chunk_is_waited_for_and_then_counted() {
        let mut sequence = Sequence::default();
        let mut out = run(&mut sequence, &[(0, 0, 1, b"a"), (5, 5, 2, b"fg"), (7, 7, 1, b"h")]);
        assert_eq!(out, "a");
        assert!(sequence.is_waiting());
        sequence.expire(1, |arrival| show(&mut out, arrival));
        sequence.expire(PATIENCE, |arrival| show(&mut out, arrival));
        assert_eq!(out, "a", "the second chunk came at time 1 and still waits");
        sequence.expire(PATIENCE + 1, |arrival| show(&mut out, arrival));
        assert_eq!(out, "a!4!fgh");
        assert!(!sequence.is_waiting());
    }

    #[test]
    fn what_is_read_long_after_it_arrived_is_waited_for_as_well() {
        let mut sequence = Sequence::default();
        let mut out = run(&mut sequence, &[(0, 0, 1, b"a"), (5, 5, 2, b"fg")]);
        let much_later = 100 * PATIENCE;
        sequence.expire(much_later, |arrival| show(&mut out, arrival));
        sequence.expire(much_later + PATIENCE - 1, |arrival| show(&mut out, arrival));
        assert_eq!(out, "a", "its predecessor may be on its way");
        out.push_str(&run(&mut sequence, &[(1, 1, 4, b"bcde")]));
        assert_eq!(out, "abcdefg");
    }

    #[test]
    fn waiting_is_bounded() {
        let mut sequence = Sequence::default();
        let payload = [b'x'; 10];
        let mut chunks: Vec<Case<'_>> = vec![(0, 0, 1, b"a")];
        for i in 0..HELD_CHUNKS as u32 + 1 {
            chunks.push((100 + 10 * i, 100 + 10 * i, 10, &payload));
        }
        let out = run(&mut sequence, &chunks);
        assert!(out.starts_with("a!99!xxxxxxxxxx"), "{out}");
        assert!(!sequence.is_waiting());
    }

    #[test]
    fn the_end_tells_what_came_after_the_last_chunk() {
        let mut sequence = Sequence::default();
        let mut out = run(&mut sequence, &[(0, 0, 1, b"a")]);
        sequence.finish(Some(11), 5, |arrival| show(&mut out, arrival));
        assert_eq!(out, "a<10>");
        assert!(sequence.has_reached(11) && !sequence.has_reached(12));
    }
}
