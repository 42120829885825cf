//! Requests and answers that were not seen, and where it is known again what belongs together.

use model::Nanos;
use model::request::Incomplete;

use super::super::record::{Asked, Bound, Kind, Preparation, is_sync};
use super::{Conversation, Counted};
use crate::{Context, Half, Input};

/// For how long nothing is on its way, surely enough, before a client that asks without waiting is understood again.
const SILENCE: Nanos = 100_000_000;

impl Conversation {
    /// Bytes of the client behind what was read of it are not there: `length` of them where that is known.
    ///
    /// An Execute and a Sync behind a Bind are so long that nothing else can be meant. Where they were left out on purpose, what was
    /// prepared is a request all the same: what becomes of it, the server tells.
    pub(super) fn unseen_behind(&mut self, length: Option<u64>, at: Nanos, context: &mut Context) {
        let prepared = self.preparation.half.bytes > 0;
        let bound = prepared && self.preparation.bound == Bound::Unnamed;
        let Some(length) = length else { return self.requests_lost(at, context) };
        if let Some(back) =
            self.pending.back_mut().filter(|back| back.kind.is_unseen() && !prepared && !self.losing)
        {
            // More of the same.
            back.half.bytes = back.half.bytes.saturating_add(length);
            return;
        }
        let exact = is_sync(bound, length);
        if !exact && (self.losing || !prepared) {
            return self.requests_lost(at, context);
        }
        if prepared {
            let step = self.preparation.step;
            let mut asked = self.preparation.take();
            if bound {
                asked.statement = self.portals.get(b"", &mut context.statements);
            }
            if bound || !exact {
                asked.kind = Kind::Cut { step, bound };
                asked.incomplete = Some(Incomplete::Request);
            }
            self.push(asked, context);
        }
        self.executed = false;
        if !exact {
            self.statements.forget_unnamed();
            self.portals.clear();
        }
        self.push_unseen(bound, length, at, context);
    }

    /// Requests were not seen, nobody knows how many. What they changed that has no name of its own is not known either.
    pub(super) fn requests_lost(&mut self, at: Nanos, context: &mut Context) {
        context.unparsed += 1;
        self.resume = None;
        self.preparation = Preparation::default();
        self.executed = false;
        self.statements.forget_unnamed();
        self.portals.clear();
        if self.missed {
            self.flush_pending(context);
        }
        match self.pending.back_mut().filter(|back| back.kind.is_unseen()) {
            Some(back) => back.half.bytes = u64::MAX,
            None => self.push_unseen(false, u64::MAX, at, context),
        }
    }

    fn push_unseen(&mut self, bound: bool, length: u64, at: Nanos, context: &mut Context) {
        let half = Half { bytes: length, first: at, last: at, position: 0 };
        self.push(Asked::new(Kind::Unseen { bound }, None, half), context);
        self.counted = Counted::Nowhere;
    }

    /// The client begins a message. If answers or requests were missed, this may be where it is known again what belongs together.
    ///
    /// Nearly every client waits for its answer before it asks again. So it has all answers when it speaks after the server said
    /// that it waits, or after something that was not seen. Of one that does not wait, both have to be silent for a while.
    pub(super) fn resynchronise(&mut self, input: Input<'_>, context: &mut Context) {
        let unseen = self.pending.front().is_some_and(|asked| asked.kind.is_unseen());
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

    /// The end of an answer, behind what was not seen, can be but one's.
    pub(super) fn one_is_due(&mut self) -> bool {
        let mut due = 0;
        for asked in self.pending.iter_mut() {
            due += usize::from(asked.ends_with_ready());
            if asked.kind.is_unseen() && !asked.ends_with_ready() {
                return false;
            }
        }
        due == 1 && !self.lost
    }

    /// The client goes on although answers were missed: they were for what is outstanding.
    pub(super) fn flush_missed(&mut self, context: &mut Context) {
        (self.missed, self.lost, self.torn, self.failed, self.owed) = (false, false, false, false, 0);
        self.copying = false;
        self.confirmed = 0;
        self.statements.lose();
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
}
