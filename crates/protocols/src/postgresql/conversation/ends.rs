//! What becomes of messages that are lost, or never come.

use model::request::Incomplete;
use model::{Nanos, Party};

use super::super::detect::{begins_answer, begins_message, end_of_answer, ends_with_ready};
use super::super::frames::c_string;
use super::super::frontend::Sql;
use super::super::record::{Asked, Happened, Kind, Preparation, Step};
use super::{Conversation, Counted};
use crate::{Context, CutBy, Half, Input, Outcome};

/// For how long nothing is on its way, surely enough, before a client that asks without waiting is understood again.
const SILENCE: Nanos = 100_000_000;

impl Conversation {
    pub(super) fn client_gap(&mut self, length: Option<u64>, at: Nanos, context: &mut Context) {
        self.asking_passes = 0;
        let left = match (self.client.take(), self.resume.take()) {
            (Some((kind, body, left)), _) => {
                self.asking.last = at;
                self.ask_cut(kind, &body, length.is_none(), context);
                left
            }
            (None, Some(left)) => left,
            (None, None) if self.copying => {
                self.counted = Counted::Latest;
                self.count(length.unwrap_or(0), at);
                return;
            }
            (None, None) => {
                self.requests_lost(at, context);
                return;
            }
        };
        match length {
            Some(length) if length <= left => {
                self.count(length, at);
                self.resume = Some(left - length);
            }
            // What follows the message had a beginning too.
            _ => {
                self.count(left.min(length.unwrap_or(0)), at);
                self.requests_lost(at, context);
            }
        }
    }

    /// A message of which the wanted part is cut.
    fn ask_cut(&mut self, kind: u8, body: &[u8], unknown: bool, context: &mut Context) {
        let torn = |asked| Asked { incomplete: unknown.then_some(Incomplete::Request), ..asked };
        match kind {
            b'Q' => {
                let statement = self.describe(Sql { text: body, whole: false }, context);
                self.push(torn(Asked::new(Kind::Query, Some(statement), self.asking)), context);
            }
            b'P' => {
                let (name, text) = c_string(body).unwrap_or((b"", b""));
                let statement = self.describe(Sql { text, whole: false }, context);
                self.statements.set(name, Some(statement.clone()));
                self.prepare(Step::Parse, context);
                self.preparation.statement = Some(statement);
            }
            b'B' => {
                if let Some((portal, _)) = c_string(body) {
                    self.portals.set(portal, None);
                } else {
                    self.portals.clear();
                }
                self.prepare(Step::Bind, context);
            }
            b'E' => self.execute(torn(Asked::new(Kind::Execute, None, self.asking)), context),
            _ => context.unparsed += 1,
        }
    }

    /// Requests were not seen, nobody knows how many. What they changed that has no name of its own is not known either.
    fn requests_lost(&mut self, at: Nanos, context: &mut Context) {
        context.unparsed += 1;
        self.resume = None;
        self.preparation = Preparation::default();
        self.executed = false;
        self.statements.set(b"", None);
        self.portals.clear();
        if self.missed {
            self.flush_pending(context);
        }
        if self.pending.back().is_none_or(|asked| asked.kind != Kind::Unseen) {
            let half = Half { bytes: 0, first: at, last: at };
            self.push(Asked::new(Kind::Unseen, None, half), context);
        }
        self.counted = Counted::Nowhere;
    }

    /// The client begins a message. If answers or requests were missed, this may be where it is known again what belongs together.
    ///
    /// Nearly every client waits for its answer before it asks again. So it has all answers when it speaks after the server said
    /// that it waits, or after something that was not seen. Of one that does not wait, both have to be silent for a while.
    pub(super) fn resynchronise(&mut self, input: Input<'_>, context: &mut Context) {
        let unseen = self.pending.front().is_some_and(|asked| asked.kind == Kind::Unseen);
        if !self.missed && !unseen {
            return;
        }
        if self.copying && matches!(input.bytes.first(), Some(b'd' | b'c' | b'f' | b'H' | b'S')) {
            return;
        }
        let known = match self.overlaps {
            false => input.run_start && (self.idle || self.missed),
            true => self.idle && input.first > self.heard.saturating_add(SILENCE),
        };
        if known {
            self.flush_missed(context);
        }
    }

    pub(super) fn server_gap(&mut self, length: Option<u64>, at: Nanos, context: &mut Context) {
        self.server.take();
        self.answering_passes = 0;
        if let Some(message) = self.held.take() {
            self.said(message, context);
        }
        if self.pending.len() == 0 && self.answering.bytes == 0 {
            // Whatever stood here had a beginning.
            context.unparsed += 1;
        }
        self.miss_answer(length.unwrap_or(0), at);
    }

    fn miss_answer(&mut self, length: u64, at: Nanos) {
        (self.missed, self.torn, self.counts, self.idle) = (true, true, true, false);
        if self.answering.bytes == 0 {
            self.answering.first = at;
        }
        self.count_answer(length, at);
    }

    pub(super) fn lose(&mut self, party: Party, context: &mut Context) {
        match party {
            Party::Client => {
                self.client.take();
                self.requests_lost(self.asking.last, context);
            }
            Party::Server => {
                self.server.take();
                context.unparsed += 1;
                (self.missed, self.torn, self.idle) = (true, true, false);
            }
        }
    }

    /// Where the next of the client's messages begins.
    pub(super) fn find_request(
        &mut self,
        input: Input<'_>,
        refused: bool,
        context: &mut Context,
    ) -> Option<usize> {
        if refused {
            return None;
        }
        let Some(left) = self.resume else {
            let begins = begins_message(Party::Client, input.bytes);
            // It is there, and not read: whose answer is whose is not known yet.
            context.unparsed += u64::from(begins && !input.run_start);
            return (begins && input.run_start).then_some(0);
        };
        let here = left.min(input.bytes.len() as u64);
        self.count(here, input.last);
        if here < left || here == input.bytes.len() as u64 {
            self.resume = Some(left - here);
            return None;
        }
        self.resume = None;
        Some(here as usize)
    }

    /// Where the next of the server's messages begins that can be told whose it is.
    pub(super) fn find_answer(&mut self, input: Input<'_>, refused: bool) -> Option<usize> {
        if !refused {
            if !self.missed && input.run_start && begins_message(Party::Server, input.bytes) {
                return Some(0);
            }
            if self.missed
                && self.one_is_due()
                && !begins_answer(input.bytes)
                && let Some(begin) = end_of_answer(input.bytes)
            {
                self.missed = false;
                self.count_answer(begin as u64, input.last);
                return Some(begin);
            }
        }
        if self.missed {
            self.count_answer(input.bytes.len() as u64, input.last);
            (self.idle, self.heard) = (ends_with_ready(input.bytes), input.last);
        }
        None
    }

    /// The end of an answer, behind what was not seen, can be but one's.
    fn one_is_due(&mut self) -> bool {
        let mut due = 0;
        for asked in self.pending.iter_mut() {
            due += usize::from(asked.kind.ends_with_ready());
            if asked.kind == Kind::Unseen {
                return false;
            }
        }
        due == 1 && !self.lost
    }

    /// The client goes on although answers were missed: they were for what is outstanding.
    pub(super) fn flush_missed(&mut self, context: &mut Context) {
        (self.missed, self.lost, self.torn, self.failed, self.owed) = (false, false, false, false, 0);
        self.copying = false;
        self.flush_pending(context);
    }

    /// Tells what is outstanding, without what came of it.
    fn flush_pending(&mut self, context: &mut Context) {
        let mut answered = std::mem::take(&mut self.answering);
        self.rows = 0;
        while let Some(mut asked) = self.pending.pop() {
            asked.absorb(std::mem::take(&mut answered));
            asked.incomplete.get_or_insert(Incomplete::Response);
            self.finish(asked, None, context);
        }
    }

    pub(super) fn party_ended(&mut self, party: Party, how: CutBy, context: &mut Context) {
        let first = self.ended.is_none();
        self.ended.get_or_insert((party, how));
        if party == Party::Client
            && let Some((kind, body, _)) = self.client.take()
        {
            self.ask_cut(kind, &body, true, context);
        }
        // After the client's end its answers may still come.
        if party == Party::Server || how != CutBy::Close || !first {
            self.drain(context);
        }
    }

    /// Nothing more will be answered.
    fn drain(&mut self, context: &mut Context) {
        let preparation = self.preparation.take();
        if preparation.half.bytes > 0 {
            self.pending.push(preparation);
        }
        if self.missed || self.pending.front().is_some_and(|asked| asked.kind == Kind::Unseen) {
            self.flush_missed(context);
        }
        let cut = self.ended.map(|(party, how)| Outcome::Cut(party, how));
        let mut answered = std::mem::take(&mut self.answering);
        while let Some(mut asked) = self.pending.pop() {
            asked.absorb(std::mem::take(&mut answered));
            self.finish(asked, cut.clone(), context);
        }
        while let Some(event) = self.early.pop() {
            context.unparsed +=
                u64::from(!matches!(event.happened, Happened::Ready { .. } | Happened::Failed(_)));
        }
    }
}
