//! Which of the outstanding requests an event belongs to.

use model::Text;
use model::request::Incomplete;

use super::super::record::{self, Asked, Event, Happened, Kind};
use super::Conversation;
use crate::pairing::can_answer;
use crate::{Context, Half, Outcome};

/// Events without a request that are held, in case their request is shown late.
const MOST_EARLY: usize = 64;
/// SQLSTATE of a prepared statement whose name is taken: what the name stands for is the earlier one's text.
const DUPLICATE_STATEMENT: &str = "42P05";

impl Conversation {
    pub(super) fn happened(&mut self, event: Event, context: &mut Context) {
        if self.owed > 0 {
            self.owed -= u64::from(matches!(event.happened, Happened::Ready { .. }));
            return;
        }
        if event.torn && !self.skip_unseen(&event.happened, context) {
            return;
        }
        loop {
            let Some(front) = self.pending.front_mut() else {
                self.hold(event, context);
                return;
            };
            if !can_answer(front.half.first, event.half.first) {
                // It began before anything that is outstanding: its request was not seen.
                context.unparsed += u64::from(!matches!(event.happened, Happened::Ready { .. }));
                return;
            }
            match (&event.happened, front.kind) {
                (Happened::Ready { idle }, _) => {
                    self.ready(event.half, *idle, context);
                    return;
                }
                (_, Kind::Unseen) => {
                    context.unparsed += 1;
                    return;
                }
                // The end of an answer was missed.
                (Happened::Complete(_) | Happened::Empty | Happened::Suspended, Kind::Sync) => {
                    self.pending.pop();
                }
                (Happened::Complete(_) | Happened::Empty | Happened::Suspended, Kind::Prepares(_)) => {
                    self.finish_front(None, context);
                }
                _ => {
                    self.apply(event, context);
                    return;
                }
            }
        }
    }

    fn hold(&mut self, event: Event, context: &mut Context) {
        if self.early.len() >= MOST_EARLY {
            self.early.pop();
            context.unparsed += 1;
        }
        self.early.push(event);
    }

    /// Anything but the end of an answer, for the request in front.
    fn apply(&mut self, event: Event, context: &mut Context) {
        let Some(front) = self.pending.front_mut() else { return };
        front.absorb(event.half);
        let ends = match (&event.happened, front.kind) {
            (Happened::CopyBoth, _) => true,
            (Happened::Failed(failure), kind) => {
                front.error.get_or_insert(failure.code.clone());
                if failure.code == DUPLICATE_STATEMENT {
                    self.statements.clear();
                }
                let extended = matches!(kind, Kind::Execute | Kind::Prepares(_));
                self.failed |= extended;
                extended || failure.fatal || kind == Kind::Connect
            }
            (_, Kind::Execute) => true,
            _ => false,
        };
        if let Some(front) = self.pending.front_mut() {
            front.count_rows(&event);
        }
        if ends {
            self.finish_front(None, context);
        }
    }

    /// The server has done all that it was asked up to here.
    fn ready(&mut self, half: Half, idle: bool, context: &mut Context) {
        let failed = std::mem::take(&mut self.failed);
        let mut rest = half;
        while let Some(front) = self.pending.front_mut() {
            let kind = front.kind;
            let mut outcome = None;
            if kind == Kind::Unseen {
                return;
            }
            if !kind.ends_with_ready() && failed {
                // The server skipped it. It learnt so with the end of the answer.
                front.absorb(Half { bytes: 0, ..half });
                outcome = Some(Outcome::Error(Text::const_new(ABORTED)));
            } else if kind == Kind::Execute {
                front.incomplete = Some(Incomplete::Response);
            } else {
                front.absorb(std::mem::take(&mut rest));
            }
            self.finish_front(outcome, context);
            if kind.ends_with_ready() {
                break;
            }
        }
        let earlier = |next: &Asked| next.kind != Kind::Unseen && next.half.first < half.last;
        self.overlaps |= self.pending.front().is_some_and(earlier);
        if idle && self.pending.len() == 0 && self.preparation.half.bytes == 0 {
            // A portal lives no longer than its transaction.
            self.portals.clear();
        }
    }

    /// The request in front is answered.
    fn finish_front(&mut self, outcome: Option<Outcome>, context: &mut Context) {
        let Some(asked) = self.pending.pop() else { return };
        self.finish(asked, outcome, context);
    }

    pub(super) fn finish(&mut self, asked: Asked, outcome: Option<Outcome>, context: &mut Context) {
        if asked.kind == Kind::Unseen || asked.kind == Kind::Sync && asked.error.is_none() {
            return;
        }
        record::exchange(asked, outcome, self.namespace.clone(), context);
    }

    /// Of what is outstanding, only the last before the next Sync can be what was completed behind a gap: the answers to
    /// those before it were not seen. An error may be any one's of several: then it is nobody's, and false is returned.
    fn skip_unseen(&mut self, happened: &Happened, context: &mut Context) -> bool {
        let ends = |asked: &Asked| asked.kind.ends_with_ready() || asked.kind == Kind::Unseen;
        let seen = self.pending.position(ends).unwrap_or(self.pending.len());
        let of_unseen = self.pending.get(seen).is_some_and(|asked| asked.kind == Kind::Unseen);
        let anyones = of_unseen || seen > 1 && matches!(happened, Happened::Failed(_));
        for _ in usize::from(!anyones)..seen {
            if let Some(front) = self.pending.front_mut() {
                front.incomplete = Some(Incomplete::Response);
            }
            self.finish_front(None, context);
        }
        context.unparsed += u64::from(of_unseen);
        !anyones
    }
}

/// The `error.type` of what the server skipped because something before it failed; after libpq's
/// `PGRES_PIPELINE_ABORTED`.
const ABORTED: &str = "aborted";
