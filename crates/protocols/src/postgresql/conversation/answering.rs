//! Which of the outstanding requests an event belongs to.

use model::Text;
use model::request::Incomplete;

use super::super::record::{self, Asked, Event, Happened, Kind};
use super::Conversation;
use crate::pairing::can_answer;
use crate::sql::Key;
use crate::{Context, Half, Outcome};

/// Events without a request that are held, in case their request is shown late.
const MOST_EARLY: usize = 64;

impl Conversation {
    pub(super) fn happened(&mut self, event: Event, context: &mut Context) {
        if self.owed > 0 {
            if matches!(event.happened, Happened::Ready { .. }) {
                self.owed -= 1;
                self.statements.pass_over();
            }
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
            if front.kind.is_unseen() && front.ends_with_ready() {
                front.kind = Kind::Sync;
            }
            match (&event.happened, front.kind) {
                (Happened::Ready { idle }, _) => {
                    self.statements.confirm(event.confirmed);
                    self.ready(event.half, *idle, context);
                    return;
                }
                (_, Kind::Unseen { .. }) => {
                    context.unparsed += 1;
                    return;
                }
                (happened, Kind::Cut { bound, .. }) => {
                    let executed = bound || !matches!(happened, Happened::Failed(_));
                    front.settle(executed);
                    self.apply(event, context);
                    return;
                }
                // The end of an answer was missed.
                (Happened::Complete(_) | Happened::Empty | Happened::Suspended, Kind::Sync) => {
                    self.pending.pop();
                    self.statements.ready(false);
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
        self.statements.confirm(event.confirmed);
        let Some(front) = self.pending.front_mut() else { return };
        front.absorb(event.half);
        let ends = match (&event.happened, front.kind) {
            (Happened::CopyBoth, _) => true,
            (Happened::Failed(failure), kind) => {
                front.error.get_or_insert(failure.code.clone());
                let extended = matches!(kind, Kind::Execute | Kind::Prepares(_));
                self.failed |= extended;
                let skipped = self.statements.fail(event.torn);
                if !skipped.is_empty() {
                    self.forget_skipped(&skipped, context);
                }
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
            let mut outcome = None;
            if front.kind.is_unseen() {
                if !front.ends_with_ready() {
                    return;
                }
                front.kind = Kind::Sync;
            }
            let kind = front.kind;
            // Nothing came of an Execute.
            front.settle(failed && matches!(kind, Kind::Cut { bound: true, .. }));
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
                self.statements.ready(failed);
                break;
            }
        }
        let earlier = |next: &Asked| !next.kind.is_unseen() && next.half.first < half.last;
        self.overlaps |= self.pending.front().is_some_and(earlier);
        if idle && self.pending.len() == 0 && self.preparation.half.bytes == 0 {
            // A portal lives no longer than its transaction.
            self.portals.clear();
        }
    }

    /// What is asked for behind the next Sync does not mean what was never prepared.
    fn forget_skipped(&mut self, skipped: &[Key], context: &mut Context) {
        let skipped: Vec<_> = skipped.iter().filter_map(|key| context.statements.recall(*key)).collect();
        let later = self.pending.iter_mut().skip_while(|asked| !asked.kind.ends_with_ready());
        for asked in later.filter(|asked| asked.kind == Kind::Execute) {
            if asked.statement.as_ref().is_some_and(|statement| skipped.contains(statement)) {
                (asked.statement, asked.incomplete) = (None, Some(Incomplete::Start));
            }
        }
    }

    /// The request in front is answered.
    fn finish_front(&mut self, outcome: Option<Outcome>, context: &mut Context) {
        let Some(asked) = self.pending.pop() else { return };
        self.finish(asked, outcome, context);
    }

    pub(super) fn finish(&mut self, mut asked: Asked, outcome: Option<Outcome>, context: &mut Context) {
        asked.settle(matches!(asked.kind, Kind::Cut { bound: true, .. }));
        if asked.kind.is_unseen() || asked.kind == Kind::Sync && asked.error.is_none() {
            return;
        }
        record::exchange(asked, outcome, self.namespace.clone(), context);
    }

    /// Of what is outstanding, only the last before the next Sync can be what was completed behind a gap: the answers to
    /// those before it were not seen. An error may be any one's of several: then it is nobody's, and false is returned.
    fn skip_unseen(&mut self, happened: &Happened, context: &mut Context) -> bool {
        let ends = |asked: &Asked| asked.kind.ends_with_ready() || asked.kind.is_unseen();
        let seen = self.pending.position(ends).unwrap_or(self.pending.len());
        let of_unseen =
            self.pending.get(seen).is_some_and(|asked| asked.kind.is_unseen() && !asked.ends_with_ready());
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
