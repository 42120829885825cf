//! Which response answers which request, and what becomes of those that stay alone.

use model::{Nanos, Party};

use super::{
    Answer, Asked, Awaited, Body, Conversation, MOST_EARLY, MOST_PENDING, Method, Phase, can_answer, record,
};
use crate::{Context, CutBy};

impl Conversation {
    /// The request that `answer`, just begun, is for; `None` when it was not seen (yet).
    pub(super) fn asked_by(&self, answer: &Answer) -> Option<&Asked> {
        let place = usize::from(self.pending.front()?.answer.is_some());
        self.pending
            .get(place)
            .filter(|asked| self.owed == 0 && can_answer(asked.half.first, answer.half.first))
    }

    /// A request's head was read: it is outstanding from now on.
    pub(super) fn ask(&mut self, mut asked: Asked, context: &mut Context) {
        self.uploading = !asked.whole;
        self.blind = false;
        if self.pending.len() == 0 {
            while let Some(answer) = self.early.pop() {
                if can_answer(asked.half.first, answer.half.first) {
                    asked.answer = Some(answer);
                    break;
                }
                context.unparsed += 1;
            }
        }
        if self.pending.len() >= MOST_PENDING {
            self.owed += u64::from(self.pending.pop().is_some_and(|dropped| dropped.answer.is_none()));
            context.unparsed += 1;
        }
        let head = asked.head.method == Method::Head;
        self.pending.push(asked);
        // A response to this request may have been seen before it, up to where its body would begin.
        if head
            && matches!(self.phases[Party::Server.index()], Phase::Deferred(_))
            && self.answering.as_ref().is_some_and(|answer| self.asked_by(answer).is_some())
            && let Some(answer) = self.answering.take()
        {
            self.phases[Party::Server.index()] = Phase::Head;
            self.answer(answer, context);
        }
        self.settle(context);
    }

    /// A request's body is over.
    pub(super) fn uploaded(&mut self, context: &mut Context) {
        if std::mem::take(&mut self.uploading)
            && let Some(asked) = self.pending.back_mut()
        {
            asked.whole = true;
        }
        self.settle(context);
    }

    /// A response is whole, or as whole as it will be.
    pub(super) fn answer(&mut self, answer: Answer, context: &mut Context) {
        if self.owed > 0 {
            self.owed -= 1;
            return;
        }
        if self.pending.front().is_some_and(|asked| asked.answer.is_some()) {
            // The server goes on: it did not want the rest of that request.
            self.finish_front(context);
        }
        match self.pending.front() {
            Some(asked) if can_answer(asked.half.first, answer.half.first) => {
                let whole = asked.whole || self.answered_adrift();
                if whole {
                    if let Some(asked) = self.pending.pop() {
                        record::exchange(asked, Ok(answer), context);
                    }
                    self.settle(context);
                } else if let Some(asked) = self.pending.front_mut() {
                    asked.answer = Some(answer);
                }
            }
            // It began before anything that is outstanding: its request was not seen.
            Some(_) => context.unparsed += 1,
            None => {
                if self.early.len() >= MOST_EARLY {
                    self.early.pop();
                    context.unparsed += 1;
                }
                self.early.push(answer);
            }
        }
    }

    /// Finishes what is whole on both sides.
    fn settle(&mut self, context: &mut Context) {
        while self.pending.front().is_some_and(|asked| asked.whole && asked.answer.is_some()) {
            self.finish_front(context);
        }
    }

    pub(super) fn finish_front(&mut self, context: &mut Context) {
        if let Some(mut asked) = self.pending.pop() {
            self.uploading &= asked.whole || self.pending.len() > 0;
            let answer = asked.answer.take().ok_or(None);
            record::exchange(asked, answer, context);
        }
    }

    /// Bytes of `party` were lost: what it was saying is as whole as it will be.
    pub(super) fn lose(&mut self, party: Party, at: Nanos, context: &mut Context) {
        match party {
            Party::Client => {
                self.phases[0] = keep_rest(self.phases[0]);
                self.blind |= self.asking.is_some() || self.uploading;
                if let Some(mut asked) = self.stop_asking() {
                    (asked.torn, asked.whole) = (true, true);
                    self.ask(asked, context);
                    self.blind = true;
                } else if self.uploading {
                    if let Some(asked) = self.pending.back_mut() {
                        asked.torn = true;
                    }
                    self.touch(party, 0, at);
                    self.uploaded(context);
                }
            }
            Party::Server => {
                self.phases[1] = keep_rest(self.phases[1]);
                self.missed = true;
                if let Some(mut answer) = self.answering.take() {
                    answer.torn = true;
                    self.answer(answer, context);
                }
            }
        }
    }

    /// The client goes on although responses were missed: they were for what is outstanding.
    pub(super) fn flush_missed(&mut self, context: &mut Context) {
        self.missed = false;
        if self.answering.is_none() {
            self.owed = 0;
            while self.pending.front().is_some() {
                self.finish_front(context);
            }
        }
    }

    /// The head that is being read was answered though not all of it was seen: its server did not want to know more.
    fn is_answered_early(&self) -> bool {
        self.pending.len() == 0 && self.early.len() > 0
    }

    pub(super) fn client_ends(&mut self, how: CutBy, context: &mut Context) {
        // A half-sent request cannot be completed, but it may still be answered, and so may those before it.
        if let Some(mut asked) = self.stop_asking() {
            (asked.cut, asked.torn, asked.whole) = (Some(how), self.is_answered_early(), true);
            self.ask(asked, context);
        } else if self.uploading {
            // Adrift, it may well have been whole; and nobody waits for a body that was refused.
            let whole = match self.phases[Party::Client.index()] {
                Phase::Adrift => matches!(how, CutBy::Close | CutBy::Forgotten),
                Phase::Awaited(Awaited::Whole(_)) => how == CutBy::Close && self.is_answered(),
                _ => false,
            };
            if let Some(asked) = self.pending.back_mut() {
                asked.cut = (!whole).then_some(how);
            }
            self.uploaded(context);
        }
    }

    pub(super) fn server_ends(&mut self, how: CutBy, passed: u64, at: Nanos, context: &mut Context) {
        if let Some(mut answer) = self.answering.take() {
            let whole = match self.phases[Party::Server.index()] {
                // A body that ends with the connection.
                Phase::Rest | Phase::Deferred(Body::UntilClose) => how == CutBy::Close,
                _ => false,
            };
            if !whole {
                self.cut(&mut answer, at);
            }
            if self.phases[Party::Server.index()] != Phase::Adrift {
                answer.half.last = at;
            }
            answer.half.bytes += passed;
            self.answer(answer, context);
        }
        self.drain(at, context);
    }

    /// The connection ended with this response under way.
    fn cut(&self, answer: &mut Answer, at: Nanos) {
        match self.phases[Party::Server.index()] {
            Phase::Adrift => self.cut_adrift(answer, at),
            _ => answer.cut = self.ended[0],
        }
    }

    /// Nothing more will be answered after `at`.
    pub(super) fn drain(&mut self, at: Nanos, context: &mut Context) {
        if let Some(mut answer) = self.answering.take() {
            self.cut(&mut answer, at);
            self.answer(answer, context);
        }
        if let Some(mut asked) = self.stop_asking() {
            if self.is_answered_early() {
                (asked.torn, asked.whole) = (true, true);
                self.ask(asked, context);
            } else {
                self.pending.push(asked);
            }
        }
        while let Some(mut asked) = self.pending.pop() {
            let missing = if self.missed { None } else { self.ended[0] };
            let answer = asked.answer.take().ok_or(missing);
            record::exchange(asked, answer, context);
        }
        while self.early.pop().is_some() {
            context.unparsed += 1;
        }
        self.uploading = false;
    }
}

/// After a loss a head is looked for, unless nothing is read any more.
fn keep_rest(phase: Phase) -> Phase {
    if matches!(phase, Phase::Rest | Phase::Other) { phase } else { Phase::Head }
}
