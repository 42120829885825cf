//! What follows CONNECT and 101 (RFC 9110, 7.8 and 9.3.6): anything, HTTP too.
//!
//! Until a CONNECT is answered nobody knows what the client's bytes behind it are, so they stay unread. Once it was, they and
//! all that follows are looked at as if the connection began there. An upgrade is the same, but to WebSocket, which is
//! left alone. Where the answer itself was not seen, what was asked is looked for all the same: HTTP will be found to
//! be HTTP.

use model::{Nanos, Party};

use super::{Answer, Conversation, Method, Phase};
use crate::{Context, Input, Step};

impl Conversation {
    /// True while the answer to a CONNECT decides what the client's next bytes are.
    pub(super) fn tunnel_is_asked_for(&self) -> bool {
        self.pending
            .back()
            .is_some_and(|asked| asked.head.method == Method::Connect && asked.answer.is_none())
    }

    /// The client's bytes behind a CONNECT that is not answered yet.
    pub(super) fn before_tunnel(&mut self, input: Input<'_>, context: &mut Context) -> Step {
        // It went on, so it was answered, in what was missed.
        if self.missed && input.run_start && self.answering.is_none() {
            self.flush_missed(context);
            self.phases = [Phase::Other; 2];
            return Step::LookAgain(0);
        }
        Step::NeedMore
    }

    /// Bytes are missing where a tunnel may begin: true where nothing else is to be done about them.
    pub(super) fn missing_at_tunnel(&mut self, party: Party, at: Nanos, context: &mut Context) -> bool {
        if self.phases[party.index()] == Phase::Other {
            return true;
        }
        if !self.tunnel_is_asked_for() {
            return false;
        }
        if party == Party::Client {
            // They are behind the CONNECT, and so not of HTTP as far as is known.
            return true;
        }
        let refused = self.answering.as_ref().is_some_and(|answer| answer.head.status >= 300);
        if self.pending.len() > 1 || refused || self.phases[Party::Server.index()] != Phase::Head {
            return false;
        }
        // The answer, or the rest of it, is in what is missing, and the first of what follows it may be too.
        match self.answering.take().filter(|answer| answer.head.status >= 200) {
            Some(answer) => self.answer(Answer { torn: true, ..answer }, context),
            None => self.finish_front(context),
        }
        self.over(at, context);
        self.phases = [Phase::Other; 2];
        true
    }

    /// The answer after which the connection speaks something else.
    pub(super) fn switches(
        &mut self,
        answer: Answer,
        read: usize,
        input: Input<'_>,
        context: &mut Context,
    ) -> Step {
        // A client must have sent all of its request, and no other, before it speaks what it asked for (RFC 9110, 7.8). If
        // it did not, or was not seen to, the place where that begins is not known.
        let begins_here = self.pending.len() == 1 && !self.uploading;
        self.socket = answer.head.socket;
        self.uploaded(context);
        self.answer(answer, context);
        self.over(input.last, context);
        if self.socket || !begins_here {
            self.phases = [Phase::Rest; 2];
            return Step::Leave(read);
        }
        self.phases = [Phase::Other; 2];
        Step::LookAgain(read)
    }

    /// Nothing else that is outstanding will be seen to be answered.
    fn over(&mut self, at: Nanos, context: &mut Context) {
        self.missed = true;
        self.drain(at, context);
    }
}
