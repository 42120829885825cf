use std::collections::VecDeque;

use model::{Nanos, Party, Text};

use super::codes::{AXFR, IXFR};
use super::message::{Header, Key, Message, Records};
use super::name::Error;
use super::record::{self, Answer, Asked};
use super::stream::{self, Frame};
use crate::pairing::{Queue, can_answer};
use crate::{Context, CutBy, Half, Input, Outcome, Outstanding, Step};

/// Queries without an answer that are remembered; older ones are dropped and counted.
const MOST_PENDING: usize = 1024;
/// Answers without a query that are held, in case their queries are shown late.
const MOST_EARLY: usize = 16;
/// Multicast queries, from the newest on, that an answer is compared with.
const MOST_MULTICAST: usize = 64;
/// Answers that are remembered: what comes once more for these is no surprise.
const RECENT: usize = 4;
/// How long an answer is waited for: nanoseconds. Longer than any usual client waits for one server.
const PATIENCE: Nanos = 12_000_000_000;

/// DNS between a client and a server: in datagrams, or on a TCP connection.
///
/// An answer belongs to the query with its id and question, in whatever order they come. One that comes while there is no such
/// query is held: its query may be shown a little later. Else it was not seen, and the answer is counted as
/// unparsed.
#[derive(Debug, Default)]
pub struct Conversation {
    pending: Queue<Asked>,
    early: VecDeque<Answer>,
    recent: [Option<(u16, Key)>; RECENT],
    next_recent: usize,
    /// A message of which the rest is to go by, and how long that is.
    asking: Option<(Box<Asked>, u64)>,
    answering: Option<(Box<Answer>, u64)>,
    /// Who ended first, and how.
    ended: Option<(Party, CutBy)>,
}

impl crate::Conversation for Conversation {
    fn step(&mut self, party: Party, input: Input<'_>, context: &mut Context) -> Step {
        let (bytes, read, skip) = match frame(input) {
            Frame::NeedMore => return Step::NeedMore,
            Frame::Lost => return self.lose(party, input, context),
            Frame::Message { bytes, read, skip } => (bytes, read, skip),
        };
        let Ok((message, records)) = understand(bytes, input.datagram || skip > 0) else {
            return self.lose(party, input, context);
        };
        let half =
            Half { bytes: read as u64, first: input.first, last: input.last, position: input.position };
        // On a connection it is somebody's query that has the id 0 by chance.
        let multicast = input.datagram && message.header.is_multicast();
        match (party, message.header.is_response()) {
            // As if each had been asked in a message of its own (RFC 6762, 5.3).
            (Party::Client, false) if multicast => {
                for question in message.questions() {
                    self.ask(Asked { multicast, ..asked(&message, Some(question), &records, half) }, context);
                }
            }
            (Party::Client, false) => {
                let asked = asked(&message, message.questions().next(), &records, half);
                match skip {
                    0 => self.ask(asked, context),
                    skip => self.asking = Some((Box::new(asked), skip)),
                }
            }
            (Party::Server, true) if multicast && message.question.is_none() => {
                self.multicast(&message, half, context)
            }
            (Party::Server, true) => {
                let torn = input.datagram && records.cut;
                let answer = Answer { datagram: input.datagram, torn, ..answer(&message, records, half) };
                match skip {
                    0 => self.answer(answer, context),
                    skip => self.answering = Some((Box::new(answer), skip)),
                }
            }
            // Among the many parties of multicast, everybody asks and answers everybody.
            _ if multicast => {}
            _ => context.unparsed += 1,
        }
        match skip {
            0 => Step::Read(read),
            skip => Step::Skip { read, skip },
        }
    }

    fn skipped(&mut self, party: Party, last: Nanos, context: &mut Context) {
        match party {
            Party::Client => {
                if let Some((mut asked, passed)) = self.asking.take() {
                    asked.half = Half { bytes: asked.half.bytes + passed, last, ..asked.half };
                    self.ask(*asked, context);
                }
            }
            Party::Server => {
                if let Some((mut answer, passed)) = self.answering.take() {
                    answer.half = Half { bytes: answer.half.bytes + passed, last, ..answer.half };
                    self.answer(*answer, context);
                }
            }
        }
    }

    fn gap(&mut self, party: Party, _length: Option<u64>, _at: Nanos, context: &mut Context) {
        match party {
            Party::Client => match self.asking.take() {
                Some((asked, _)) => self.ask(Asked { torn: true, ..*asked }, context),
                None => context.unparsed += 1,
            },
            Party::Server => {
                match self.answering.take() {
                    Some((answer, _)) => self.answer(Answer { torn: true, ..*answer }, context),
                    None => context.unparsed += 1,
                }
                self.pending.iter_mut().for_each(|asked| asked.missed = true);
            }
        }
    }

    fn resync(&mut self, _party: Party, input: Input<'_>, _context: &mut Context) -> Option<usize> {
        let begins = match frame(input) {
            Frame::NeedMore => true,
            Frame::Lost => false,
            Frame::Message { bytes, skip, .. } => understand(bytes, input.datagram || skip > 0).is_ok(),
        };
        // Within a stream a message may begin elsewhere too, but nothing shows where.
        (begins && (input.datagram || input.run_start)).then_some(0)
    }

    fn end(&mut self, party: Party, how: CutBy, _passed: u64, _at: Nanos, context: &mut Context) {
        let first = self.ended.is_none();
        self.ended.get_or_insert((party, how));
        match party {
            Party::Client => {
                if let Some((asked, _)) = self.asking.take() {
                    self.ask(Asked { torn: true, ..*asked }, context);
                }
            }
            Party::Server => self.answering = None,
        }
        // A client that closes its half may still be answered.
        if party == Party::Server || how != CutBy::Close || !first {
            let cut = self.ended.map(|(party, how)| Outcome::Cut(party, how));
            while let Some(asked) = self.pending.pop() {
                unanswered(asked, cut.clone(), context);
            }
            context.unparsed += self.early.drain(..).len() as u64;
        }
    }

    fn expire(&mut self, now: Nanos, context: &mut Context) {
        let overdue = now.saturating_sub(PATIENCE);
        let is_overdue = |asked: &Asked| asked.latest() < overdue;
        while let Some(place) = self.pending.position(is_overdue)
            && let Some(asked) = self.pending.remove(place)
        {
            self.remember(&asked);
            unanswered(asked, Some(Outcome::Cut(Party::Server, CutBy::TimedOut)), context);
        }
        while self.early.front().is_some_and(|answer| answer.half.last < overdue) {
            self.early.pop_front();
            context.unparsed += 1;
        }
    }

    fn outstanding(&self) -> Option<Outstanding> {
        self.pending.front().map(|asked| Outstanding::from(&asked.half))
    }

    fn oldest_pending(&self) -> Option<Nanos> {
        let outstanding = self.pending.front().map(|asked| asked.half.first);
        outstanding.or_else(|| self.asking.as_ref().map(|(asked, _)| asked.half.first))
    }
}

impl Conversation {
    fn lose(&mut self, party: Party, input: Input<'_>, context: &mut Context) -> Step {
        context.unparsed += 1;
        if party == Party::Server && !input.datagram {
            // Where the next message begins is not known, so answers may go by.
            self.pending.iter_mut().for_each(|asked| asked.missed = true);
        }
        Step::Lost
    }

    /// A query is whole: it is outstanding from now on.
    fn ask(&mut self, asked: Asked, context: &mut Context) {
        let same = |other: &Asked| {
            other.id == asked.id && other.question == asked.question && other.opcode == asked.opcode
        };
        if let Some(place) = self.pending.position(same)
            && let Some(earlier) = self.pending.iter_mut().nth(place)
        {
            if earlier.multicast {
                // Repeated for the sake of those who joined since: what counts is the time from here.
                earlier.half = asked.half;
            } else {
                earlier.resent = earlier.resent.saturating_add(1);
                earlier.half.bytes = earlier.half.bytes.saturating_add(asked.half.bytes);
                earlier.half.last = asked.half.last;
            }
            return;
        }
        if self.pending.len() >= MOST_PENDING
            && let Some(dropped) = self.pending.pop()
        {
            self.remember(&dropped);
            context.unparsed += u64::from(!dropped.multicast);
        }
        let early = self.early.iter().position(|answer| asked.is_answered_by(answer));
        self.pending.push(asked);
        if let Some(answer) = early.and_then(|place| self.early.remove(place)) {
            self.answer(answer, context);
        }
    }

    /// A response is whole.
    fn answer(&mut self, answer: Answer, context: &mut Context) {
        let Some(place) = self.pending.position(|asked| asked.is_answered_by(&answer)) else {
            if self.is_recent(&answer) {
                return;
            }
            if self.early.len() >= MOST_EARLY {
                self.early.pop_front();
                context.unparsed += 1;
            }
            self.early.push_back(answer);
            return;
        };
        let began = |asked: &Asked| can_answer(asked.half.first, answer.half.first);
        if !self.pending.get(place).is_some_and(began) {
            // It began before its query did: that was an earlier one.
            context.unparsed += 1;
            return;
        }
        let Some(mut asked) = self.pending.remove(place) else { return };
        let answer = match asked.transfer.take() {
            Some(before) => before.and(answer),
            None => answer,
        };
        if asked.goes_on(&answer) {
            asked.transfer = Some(Box::new(answer));
            self.pending.push(asked);
            return;
        }
        self.remember(&asked);
        record::exchange(asked, Some(answer), None, context);
    }

    /// An answer to everybody, or news that nobody asked for. It says nothing of a question, so it is looked for
    /// queries that its records answer.
    fn multicast(&mut self, message: &Message<'_>, half: Half, context: &mut Context) {
        let mut place = self.pending.len();
        let last = place.saturating_sub(MOST_MULTICAST);
        while place > last {
            place -= 1;
            let Some(question) =
                self.pending.get(place).filter(|asked| asked.multicast).map(|asked| asked.question)
            else {
                continue;
            };
            let Ok(records) = message.records(Some(question)) else { return };
            let began = self.pending.get(place).is_some_and(|asked| can_answer(asked.half.first, half.first));
            if records.matching > 0
                && began
                && let Some(asked) = self.pending.remove(place)
            {
                let count = u32::from(records.matching);
                let answer = Answer { count, ..answer(message, records, half) };
                record::exchange(asked, Some(answer), None, context);
            }
        }
    }

    fn remember(&mut self, asked: &Asked) {
        self.recent[self.next_recent % RECENT] = Some((asked.id, asked.question));
        self.next_recent = (self.next_recent + 1) % RECENT;
    }

    fn is_recent(&self, answer: &Answer) -> bool {
        self.recent.iter().flatten().any(|(id, question)| {
            *id == answer.id && answer.question.is_none_or(|answered| answered == *question)
        })
    }
}

impl Asked {
    fn is_answered_by(&self, answer: &Answer) -> bool {
        self.id == answer.id
            && self.opcode == answer.opcode
            && answer.question.is_none_or(|question| question == self.question)
    }

    /// When something of it was last seen, from which on patience is counted.
    fn latest(&self) -> Nanos {
        self.transfer.as_ref().map_or(self.half.first, |answer| answer.half.last)
    }

    /// True for a zone transfer of which more messages follow (RFC 5936, 2.2): it begins and ends with the zone's
    /// SOA. Where an incremental one ends is not looked for.
    fn goes_on(&self, answer: &Answer) -> bool {
        let transfer = matches!(self.question.kind, AXFR | IXFR) && answer.code == 0 && !answer.torn;
        let ended = match self.question.kind {
            AXFR => answer.soas > 1,
            // The client has it all.
            _ => answer.soas == 1 && answer.count == 1,
        };
        transfer && !answer.datagram && !ended
    }
}

impl Answer {
    /// The two as one.
    fn and(mut self, next: Answer) -> Answer {
        self.half.bytes = self.half.bytes.saturating_add(next.half.bytes);
        self.half.last = next.half.last;
        self.count = self.count.saturating_add(next.count);
        self.soas = self.soas.saturating_add(next.soas);
        self.partly |= next.partly;
        self.torn |= next.torn;
        self.code = next.code;
        self
    }
}

/// What becomes of a query that will not be answered any more, or not any further.
fn unanswered(mut asked: Asked, cut: Option<Outcome>, context: &mut Context) {
    match asked.transfer.take() {
        // The end may have been where nobody looked.
        Some(answer) if answer.partly || asked.question.kind == IXFR => {
            record::exchange(asked, Some(*answer), None, context);
        }
        Some(answer) => record::exchange(asked, Some(*answer), cut, context),
        None if asked.multicast => {}
        None if asked.missed => record::exchange(asked, None, None, context),
        None => record::exchange(asked, None, cut, context),
    }
}

fn frame(input: Input<'_>) -> Frame<'_> {
    match input.datagram {
        true => Frame::Message { bytes: input.bytes, read: input.bytes.len(), skip: 0 },
        false => stream::frame(input.bytes),
    }
}

/// All that is to be known of a message, of which the end may be missing where it `may_be_cut`.
fn understand(bytes: &[u8], may_be_cut: bool) -> Result<(Message<'_>, Records), Error> {
    let message = Message::read(bytes)?;
    let records = message.records(message.question)?;
    if records.cut && !may_be_cut { Err(Error::Cut) } else { Ok((message, records)) }
}

fn asked(message: &Message<'_>, question: Option<(Key, Text)>, records: &Records, half: Half) -> Asked {
    let (question, name) = question.unwrap_or_default();
    Asked {
        id: message.header.id,
        opcode: message.header.opcode,
        question,
        name,
        payload: records.payload,
        half,
        resent: 0,
        multicast: false,
        torn: false,
        missed: false,
        transfer: None,
    }
}

fn answer(message: &Message<'_>, records: Records, half: Half) -> Answer {
    Answer {
        id: message.header.id,
        opcode: message.header.opcode,
        question: message.question,
        code: message.rcode(&records),
        count: message.header.counts[1].into(),
        addresses: records.addresses,
        ttl: records.ttl,
        soas: records.soas.into(),
        truncated: message.header.has(Header::TRUNCATED),
        partly: records.cut,
        datagram: false,
        half,
        torn: false,
    }
}

#[cfg(test)]
mod tests;
