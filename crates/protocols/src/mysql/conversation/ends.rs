//! What becomes of messages that are lost, or never come.

use model::{Nanos, Party};

use super::super::detect;
use super::{Conversation, Outcome, record};
use crate::{Context, Input};

impl Conversation {
    /// Nothing of `party` is on its way at this time.
    pub(super) fn is_idle(&self, party: Party, at: Nanos) -> bool {
        match party {
            Party::Client => self.asking.is_none(),
            Party::Server => {
                self.early.is_none() && self.pending.front().is_none_or(|asked| asked.half.first > at)
            }
        }
    }

    /// Bytes of `party` were lost, `length` of them where that is known, the last at `at`.
    pub(super) fn lose(&mut self, party: Party, length: Option<u64>, at: Nanos, context: &mut Context) {
        let length = length.unwrap_or(0);
        match party {
            Party::Client => self.lose_asking(length, at, context),
            Party::Server => {
                self.missed = true;
                self.stray = None;
                if self.early.take().is_some() {
                    context.unparsed += 1;
                }
                // What ended before the oldest command began was for another one.
                let Some(asked) = self.pending.front_mut().filter(|asked| asked.half.first <= at) else {
                    return;
                };
                let answer = &mut asked.answer;
                answer.torn = true;
                if !answer.has_begun() {
                    answer.half.first = at;
                }
                answer.half.bytes = answer.half.bytes.saturating_add(length);
                answer.half.last = answer.half.last.max(at);
            }
        }
    }

    fn lose_asking(&mut self, length: u64, at: Nanos, context: &mut Context) {
        if let Some(asked) = self.asking.take() {
            // What goes on for more than 16 MiB: its beginning told what it is.
            self.sequence = None;
            self.continues = false;
            let before = self.pending.len();
            self.ask(asked, context);
            if self.pending.len() > before
                && let Some(asked) = self.pending.back_mut()
            {
                asked.sending = true;
            }
        }
        match self.pending.front_mut() {
            Some(asked) if asked.sending => {
                asked.answer.forget_sequence();
                asked.half.bytes = asked.half.bytes.saturating_add(length);
                asked.half.last = asked.half.last.max(at);
            }
            // Which of the answers to come are for commands that were not seen, is not known.
            Some(_) => self.missed = true,
            None => {}
        }
        self.continues = false;
    }

    /// The client goes on although answers were missed: they were for what is outstanding.
    pub(super) fn flush_missed(&mut self, context: &mut Context) {
        self.missed = false;
        while let Some(mut asked) = self.pending.pop() {
            asked.answer.torn = true;
            record::exchange(asked, None, &self.session, context);
        }
    }

    /// Where among these bytes, behind rows that were missed, the packet begins that ends them. Only of a single answer
    /// it is known whose end it is.
    pub(super) fn end_of_rows(&mut self, input: Input<'_>) -> Option<usize> {
        let single = self.pending.len() == 1 && self.early.is_none();
        let asked = self.pending.front_mut().filter(|asked| single && asked.answer.has_rows())?;
        let end = detect::end_of_rows(input.bytes)?;
        asked.answer.expect_end();
        Some(end)
    }

    /// Nothing more will be answered.
    pub(super) fn drain(&mut self, context: &mut Context) {
        let cut = self.ended.map(|(party, how)| Outcome::Cut(party, how));
        if self.pending.front().is_some_and(|asked| asked.answer.torn) {
            self.flush_missed(context);
        }
        while let Some(asked) = self.pending.pop() {
            record::exchange(asked, cut.clone(), &self.session, context);
        }
        if self.early.take().is_some() {
            context.unparsed += 1;
        }
    }
}
