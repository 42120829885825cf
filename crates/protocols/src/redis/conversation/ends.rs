//! What becomes of messages that are lost, or never come.

use model::Party;

use super::{Answer, Asked, Conversation, Gets, asked, record};
use crate::{Context, CutBy, Outcome};

impl Conversation {
    /// The command that was being read, if its name was.
    pub(super) fn unfinished(&mut self) -> Option<Asked> {
        let command = self.commands.take()?;
        Some(Asked { torn: true, ..asked(command, self.asking) })
    }

    /// Bytes of `party` were lost: what it was saying is as whole as it will be.
    pub(super) fn lose(&mut self, party: Party, context: &mut Context) {
        match party {
            Party::Client => {
                if let Some(asked) = self.unfinished() {
                    self.push(asked, context);
                }
            }
            Party::Server => {
                self.missed = true;
                let idle = self.replies.is_idle();
                let reply = self.replies.take();
                if !idle && self.answering.bytes > 0 {
                    self.answer(Answer { reply, half: self.answering, torn: true }, false, context);
                }
            }
        }
    }

    /// The client goes on although replies were missed: they were for what is outstanding.
    pub(super) fn flush_missed(&mut self, context: &mut Context) {
        (self.missed, self.owed) = (false, 0);
        while let Some(asked) = self.pending.pop() {
            let unseen = Answer { torn: true, ..Answer::default() };
            self.silence.done(&asked.command, None);
            record::exchange(asked, Some(unseen), None, self.database, context);
        }
    }

    /// Nothing more will be answered.
    pub(super) fn drain(&mut self, context: &mut Context) {
        let cut = self.ended.map(|(party, how)| Outcome::Cut(party, how));
        if !self.replies.is_idle() {
            self.replies.take();
            if let Some(asked) = self.pending.front_mut().filter(|_| self.owed == 0) {
                asked.answered = self.answering;
            }
        }
        if self.missed {
            self.flush_missed(context);
        }
        // No refusal came, and where both ended in good order none was on its way.
        let in_order = self.ended.is_some_and(|(_, how)| matches!(how, CutBy::Close | CutBy::Forgotten));
        while let Some(asked) = self.pending.pop() {
            if in_order && self.silence.of(&asked.command, self.subscribed) != Gets::Reply {
                self.silence.done(&asked.command, None);
                record::exchange(asked, None, None, self.database, context);
                continue;
            }
            record::exchange(asked, None, cut.clone(), self.database, context);
        }
        while self.early.pop().is_some() {
            context.unparsed += 1;
        }
    }
}
