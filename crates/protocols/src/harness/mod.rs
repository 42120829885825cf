//! A driver in its plainest form: feeds a conversation as the contract says, for tests, fuzzing and benches.
//!
//! It also holds the conversation to the contract, with assertions: steps read no more than there is, make
//! progress, and a place that was refused once is not offered again.

use model::{Nanos, Party};

use crate::{Context, Conversation, CutBy, Input, Step};

#[cfg(test)]
pub(crate) mod tables;

/// The longest unread head of a direction.
pub const BOUND: usize = 64 * 1024;

/// Drives one conversation.
#[derive(Debug, Default)]
pub struct Driver<C> {
    /// The conversation.
    pub conversation: C,
    /// What it works with, and what it made.
    pub context: Context,
    /// How often bytes were lost.
    pub lost: u64,
    /// True when the conversation left the connection.
    pub left: bool,
    /// True when it did because something else is to be looked for in what follows.
    pub looks_again: bool,
    sides: [Side; 2],
    spoke: Option<Party>,
    /// What is missing was lost.
    losing: bool,
}

#[derive(Debug, Default)]
struct Side {
    unread: Vec<u8>,
    /// When the first of `unread` was seen.
    first: Nanos,
    /// Position of the first of `unread`.
    position: u64,
    /// Position where this party began to speak after the other one.
    run: u64,
    mode: Mode,
    refused: Option<u64>,
    ended: bool,
}

#[derive(Debug, Default, Clone, Copy)]
enum Mode {
    #[default]
    Read,
    Pass(u64),
    PassRest(u64),
    Find,
}

impl<C: Conversation> Driver<C> {
    /// `party` sent `bytes`, seen at `at`.
    pub fn feed(&mut self, party: Party, bytes: &[u8], at: Nanos) {
        let side = &mut self.sides[party.index()];
        if bytes.is_empty() || self.left || side.ended {
            return;
        }
        if self.spoke.replace(party) != Some(party) {
            side.run = side.position + side.unread.len() as u64;
        }
        let held = self.conversation.holds(party.other());
        if side.unread.is_empty() {
            side.first = at;
            let read = self.pump(party, bytes, 0, at);
            self.sides[party.index()].unread.extend_from_slice(&bytes[read..]);
        } else {
            let mut all = std::mem::take(&mut side.unread);
            let old = all.len();
            all.extend_from_slice(bytes);
            let read = self.pump(party, &all, old, at);
            all.drain(..read);
            self.sides[party.index()].unread = all;
        }
        let side = &mut self.sides[party.index()];
        if side.unread.len() > BOUND {
            self.lost += 1;
            // As the driver does: what was not read is known to the conversation, and nothing else is missing.
            self.missing(party, None, at);
        }
        self.again(party.other(), held);
    }

    /// Offers what was held again, where it is no longer.
    fn again(&mut self, party: Party, held: bool) {
        if !held || self.left || self.conversation.holds(party) {
            return;
        }
        let mut kept = std::mem::take(&mut self.sides[party.index()].unread);
        let read = self.pump(party, &kept, kept.len(), self.sides[party.index()].first);
        kept.drain(..read);
        self.sides[party.index()].unread = kept;
    }

    /// `party` sent a datagram, seen at `at`. A conversation is fed either these or bytes of a stream.
    pub fn datagram(&mut self, party: Party, bytes: &[u8], at: Nanos) {
        let side = &mut self.sides[party.index()];
        if bytes.is_empty() || self.left || side.ended {
            return;
        }
        let run_start = self.spoke.replace(party) != Some(party);
        let input = Input { bytes, first: at, last: at, position: 0, run_start, datagram: true };
        // After a gap, or one that was not understood, it is asked first whether this may be a beginning.
        if let Mode::Find = std::mem::take(&mut side.mode)
            && self.conversation.resync(party, input, &mut self.context) != Some(0)
        {
            return;
        }
        match self.conversation.step(party, input, &mut self.context) {
            Step::Read(read) => assert_eq!(read, bytes.len(), "a datagram is one message"),
            Step::Lost => {
                self.lost += 1;
                self.sides[party.index()].mode = Mode::Find;
            }
            step => panic!("{step:?} of a datagram"),
        }
    }

    /// It is `now`.
    pub fn expire(&mut self, now: Nanos) {
        self.conversation.expire(now, &mut self.context);
    }

    /// Bytes of `party` are missing: `length` of them, where known.
    pub fn gap(&mut self, party: Party, length: Option<u64>, at: Nanos) {
        let side = &mut self.sides[party.index()];
        if self.left || side.ended || length == Some(0) {
            return;
        }
        if self.spoke.replace(party) != Some(party) {
            side.run = side.position + side.unread.len() as u64;
        }
        match (side.mode, length) {
            (Mode::PassRest(passed), length) => {
                side.mode = Mode::PassRest(passed + length.unwrap_or(0));
            }
            (Mode::Pass(left), Some(length)) if length < left => side.mode = Mode::Pass(left - length),
            (Mode::Pass(left), Some(length)) => {
                side.mode = Mode::Read;
                self.conversation.skipped(party, at, &mut self.context);
                self.gap(party, Some(length - left), at);
            }
            _ => {
                let held = self.conversation.holds(party.other());
                self.missing(party, length, at);
                self.again(party.other(), held);
            }
        }
    }

    /// The same, where they were not left out on purpose.
    pub fn lose(&mut self, party: Party, length: Option<u64>, at: Nanos) {
        self.losing = true;
        self.gap(party, length, at);
        self.losing = false;
    }

    /// `party` will say no more.
    pub fn end(&mut self, party: Party, how: CutBy, at: Nanos) {
        if self.left || std::mem::replace(&mut self.sides[party.index()].ended, true) {
            return;
        }
        let passed = match self.sides[party.index()].mode {
            Mode::PassRest(passed) => passed,
            _ => 0,
        };
        self.conversation.end(party, how, passed, at, &mut self.context);
    }

    fn missing(&mut self, party: Party, length: Option<u64>, at: Nanos) {
        let side = &mut self.sides[party.index()];
        side.position += side.unread.len() as u64 + length.unwrap_or(1);
        side.unread.clear();
        side.mode = Mode::Find;
        if self.losing {
            self.conversation.lost(party);
        }
        self.conversation.gap(party, length, at, &mut self.context);
    }

    /// Reads what can be read of `data`, the first `old` bytes of which were there before. Returns how much.
    fn pump(&mut self, party: Party, data: &[u8], old: usize, last: Nanos) -> usize {
        let mut at = 0;
        let begin = self.sides[party.index()].position;
        while at < data.len() && !self.left {
            let side = &mut self.sides[party.index()];
            side.position = begin + at as u64;
            let first = if at < old { side.first } else { last };
            let input = Input {
                bytes: &data[at..],
                first,
                last,
                position: side.position as u32,
                run_start: side.run == side.position,
                datagram: false,
            };
            match side.mode {
                Mode::PassRest(passed) => {
                    side.mode = Mode::PassRest(passed + input.bytes.len() as u64);
                    at = data.len();
                }
                Mode::Pass(left) => {
                    let passed = left.min(input.bytes.len() as u64);
                    at += passed as usize;
                    side.mode = Mode::Pass(left - passed);
                    if passed == left {
                        side.mode = Mode::Read;
                        self.conversation.skipped(party, last, &mut self.context);
                    }
                }
                Mode::Find => match self.conversation.resync(party, input, &mut self.context) {
                    Some(start) => {
                        assert!(start < input.bytes.len(), "resync behind the input");
                        at += start;
                        self.sides[party.index()].mode = Mode::Read;
                    }
                    None => at = data.len(),
                },
                Mode::Read => {
                    let step = self.conversation.step(party, input, &mut self.context);
                    match self.apply(party, step, input.bytes.len()) {
                        Some(read) => at += read,
                        None => break,
                    }
                }
            }
        }
        let side = &mut self.sides[party.index()];
        side.position = begin + at as u64;
        if at >= old {
            side.first = last;
        }
        at
    }

    /// Does what a step says; `None` when it wants more.
    fn apply(&mut self, party: Party, step: Step, length: usize) -> Option<usize> {
        let side = &mut self.sides[party.index()];
        let read = match step {
            Step::NeedMore => return None,
            Step::Read(read) => {
                assert!(read > 0, "a step without progress");
                read
            }
            Step::Skip { read, skip } => {
                assert!(skip > 0, "nothing to skip");
                side.mode = Mode::Pass(skip);
                read
            }
            Step::SkipRest(read) => {
                side.mode = Mode::PassRest(0);
                read
            }
            Step::Leave(read) | Step::LookAgain(read) => {
                self.left = true;
                self.looks_again = matches!(step, Step::LookAgain(_));
                assert!(
                    !self.looks_again || self.conversation.oldest_pending().is_none(),
                    "nobody will tell of it"
                );
                read
            }
            Step::Lost => {
                assert_ne!(side.refused.replace(side.position), Some(side.position), "refused twice");
                self.lost += 1;
                side.mode = Mode::Find;
                0
            }
        };
        assert!(read <= length, "read behind the input");
        Some(read)
    }
}

/// One thing that happens on a connection.
#[derive(Debug, Clone, Copy)]
pub enum Happens<B> {
    /// A party sends.
    Says(Party, B),
    /// So many bytes of a party are missing.
    Gap(Party, Option<u64>),
    /// The same, not on purpose.
    Lost(Party, Option<u64>),
    /// Nothing is said for so many nanoseconds.
    Waits(Nanos),
    /// A party ends.
    Ends(Party, CutBy),
}

impl<C: Conversation> Driver<C> {
    /// Lets all of it happen, `feed` being how bytes come. Time goes on by 1 ms with each; returns what it is then.
    pub fn play<B: AsRef<[u8]>>(
        &mut self,
        script: &[Happens<B>],
        feed: impl Fn(&mut Self, Party, &[u8], Nanos),
    ) -> Nanos {
        let mut time = 0;
        for happens in script {
            time += 1_000_000;
            match happens {
                Happens::Says(party, bytes) => feed(self, *party, bytes.as_ref(), time),
                Happens::Gap(party, length) => self.gap(*party, *length, time),
                Happens::Lost(party, length) => self.lose(*party, *length, time),
                Happens::Waits(nanoseconds) => {
                    time += nanoseconds;
                    self.expire(time);
                }
                Happens::Ends(party, how) => self.end(*party, *how, time),
            }
        }
        time
    }
}

/// Feeds bytes of a stream in pieces.
pub fn stream<C: Conversation>(piece: usize) -> impl Fn(&mut Driver<C>, Party, &[u8], Nanos) {
    move |driver, party, bytes, time| {
        bytes.chunks(piece).for_each(|bytes| driver.feed(party, bytes, time));
    }
}

/// Reads `data` as happenings, as a fuzzer makes them up: a byte for what happens and to whom, one for how long it is, and the bytes
/// that are sent.
fn happenings(mut data: &[u8]) -> Vec<Happens<&[u8]>> {
    let mut list = Vec::new();
    while let [what, length, rest @ ..] = data {
        let party = if what & 1 == 0 { Party::Client } else { Party::Server };
        let (now, later) = rest.split_at(rest.len().min(usize::from(*length)));
        data = rest;
        list.push(match what >> 1 & 15 {
            0 => Happens::Gap(party, Some(u64::from(*length) + 1)),
            1 => Happens::Gap(party, None),
            2 => Happens::Gap(party, Some(u64::from(*length) << 32 | 1)),
            3 => Happens::Ends(party, CutBy::Close),
            4 => Happens::Ends(party, CutBy::Reset),
            5 if *length == 0 => Happens::Waits(20_000_000_000),
            6 if *length < 128 => Happens::Lost(party, Some(u64::from(*length) + 1)),
            _ => {
                data = later;
                Happens::Says(party, now)
            }
        });
    }
    list
}

/// Checks what must hold for a conversation whatever happens; `data` says what does.
pub fn check<C: Conversation + Default>(data: &[u8]) {
    let list = happenings(data);
    let whole = drive::<C>(&list, false, stream(usize::MAX));
    let pieces = drive::<C>(&list, false, stream(1));
    let gaps = list.iter().any(|happens| matches!(happens, Happens::Gap(..) | Happens::Lost(..)));
    if !gaps && whole.lost == 0 && pieces.lost == 0 {
        assert_eq!(whole.context.finished, pieces.context.finished);
    }
}

/// The same for one that is spoken in datagrams.
pub fn check_datagrams<C: Conversation + Default>(data: &[u8]) {
    let mut driver = drive::<C>(&happenings(data), true, Driver::datagram);
    for party in [Party::Client, Party::Server] {
        driver.end(party, CutBy::Close, Nanos::MAX);
    }
    assert_eq!(driver.conversation.oldest_pending(), None, "all has ended");
}

fn drive<C: Conversation + Default>(
    list: &[Happens<&[u8]>],
    datagrams: bool,
    feed: impl Fn(&mut Driver<C>, Party, &[u8], Nanos),
) -> Driver<C> {
    let mut driver = Driver::<C>::default();
    let latest = driver.play(list, feed);
    let mut sent = [0u64; 2];
    for happens in list {
        let (party, length) = match *happens {
            Happens::Says(party, bytes) => (party, bytes.len() as u64),
            Happens::Gap(party, length) | Happens::Lost(party, length) => (party, length.unwrap_or(0)),
            Happens::Waits(_) | Happens::Ends(..) => continue,
        };
        sent[party.index()] = sent[party.index()].saturating_add(length);
    }
    let told = |size: fn(&crate::Exchange) -> u64| {
        let sizes = driver.context.finished.iter().map(size);
        // A datagram may ask several things, and answer several that were asked of everybody.
        if datagrams { sizes.fold(0, u64::max) } else { sizes.fold(0, u64::saturating_add) }
    };
    assert!(told(|exchange| exchange.request.bytes) <= sent[0], "more asked than sent");
    assert!(told(|exchange| exchange.response.bytes) <= sent[1], "more answered than sent");
    assert!(driver.conversation.oldest_pending().is_none_or(|oldest| oldest <= latest));
    driver
}

/// Makes up happenings from `words`, cut and joined at random, and checks them.
pub fn check_random<C: Conversation + Default>(words: &[&[u8]]) {
    at_random(words, check::<C>);
}

/// The same for one that is spoken in datagrams.
pub fn check_random_datagrams<C: Conversation + Default>(words: &[&[u8]]) {
    at_random(words, check_datagrams::<C>);
}

fn at_random(words: &[&[u8]], check: impl Fn(&[u8])) {
    let mut state = 1u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for _ in 0..3_000 {
        let mut data = Vec::new();
        for _ in 0..random(12) {
            let mut bytes = Vec::new();
            for _ in 0..random(4) {
                let word = words[random(words.len())];
                bytes.extend_from_slice(&word[..word.len() - random(8) / 6 * random(word.len())]);
            }
            bytes.truncate(255);
            // Gaps and ends are rarer than bytes.
            let what = if random(6) == 0 {
                [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13][random(12)]
            } else {
                10 + random(2)
            };
            data.extend([what as u8, bytes.len() as u8]);
            if matches!(what, 10 | 11) {
                data.extend_from_slice(&bytes);
            }
        }
        check(&data);
    }
}
