//! What becomes of messages that are lost, or never come.

use model::request::Incomplete;
use model::{Nanos, Party};

use super::super::detect::{begins_answer, begins_message, end_of_answer, ends_with_ready};
use super::super::frames::c_string;
use super::super::frontend::Sql;
use super::super::record::{Asked, Happened, Kind, Step};
use super::{Conversation, Counted};
use crate::{Context, CutBy, Input, Outcome};

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
                self.unseen_behind(length, at, context);
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
                self.unseen_behind(length.map(|length| length - left), at, context);
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
                let Some((name, text)) = c_string(body) else {
                    self.statements.ask_other();
                    self.statements.forget_unnamed();
                    return self.prepare(Step::Parse, context);
                };
                self.parse(name, Sql { text, whole: false }, context);
            }
            b'B' => {
                let Some((portal, rest)) = c_string(body) else {
                    self.portals.clear();
                    return self.prepare(Step::Bind, context);
                };
                let statement =
                    c_string(rest).and_then(|(name, _)| self.statements.get(name, &mut context.statements));
                self.bind(portal, statement, context);
            }
            b'E' => {
                let statement =
                    c_string(body).and_then(|(portal, _)| self.portals.get(portal, &mut context.statements));
                let mut asked = torn(Asked::new(Kind::Execute, statement, self.asking));
                if asked.statement.is_none() {
                    asked.incomplete = Some(Incomplete::Request);
                }
                self.execute(asked, context);
            }
            _ => context.unparsed += 1,
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
        if self.missed || self.pending.front().is_some_and(|asked| asked.kind.is_unseen()) {
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
