//! What becomes of the client's messages.

use std::sync::Arc;

use model::request::Incomplete;

use super::super::frontend::{self, Message, Sql};
use super::super::record::{self, Asked, Bound, Kind, Step};
use super::{Conversation, Counted};
use crate::sql::Statement;
use crate::text::bounded;
use crate::{Context, Half};

/// Requests without an answer that are remembered; of more, the oldest are dropped and counted.
const MOST_PENDING: usize = 4096;
/// The longest name of a database: PostgreSQL's have 63 bytes at most, PgBouncer may have others.
const LONGEST_DATABASE: usize = 128;

impl Conversation {
    pub(super) fn ask(&mut self, message: Message<'_>, context: &mut Context) {
        match message {
            Message::Startup(parameters) => {
                let database = frontend::database(parameters);
                self.namespace = database.map(|database| bounded(database, LONGEST_DATABASE));
                self.push(Asked::new(Kind::Connect, None, self.asking), context);
            }
            Message::Encrypt => self.negotiating = true,
            Message::Cancel => {
                record::exchange(Asked::new(Kind::Cancel, None, self.asking), None, None, context);
            }
            Message::Password => self.count_latest(|kind| kind == Kind::Connect),
            Message::Query(sql) => {
                self.end_preparation(context);
                let statement = self.describe(sql, context);
                self.push(Asked::new(Kind::Query, Some(statement), self.asking), context);
            }
            Message::Parse { statement: name, sql } => {
                self.parse(name, sql, context);
            }
            Message::Bind { portal, statement } => {
                let statement = self.statements.get(statement, &mut context.statements);
                self.bind(portal, statement, context);
            }
            Message::Describe => self.prepare(Step::Describe, context),
            Message::Close(statement) => {
                match statement {
                    Some(statement) => self.statements.ask(statement, None),
                    None => self.statements.ask_other(),
                }
                self.prepare(Step::Close, context);
            }
            Message::Execute { portal, most } => {
                let statement = self.portals.get(portal, &mut context.statements);
                // What it is was said before Weir looked, or not remembered.
                let incomplete = statement.is_none().then_some(Incomplete::Start);
                let asked = Asked::new(Kind::Execute, statement, self.asking);
                self.execute(Asked { most, incomplete, ..asked }, context);
            }
            Message::FunctionCall => {
                self.end_preparation(context);
                self.push(Asked::new(Kind::Function, None, self.asking), context);
            }
            Message::Sync => self.sync(context),
            Message::CopyData | Message::CopyEnds => {
                let ends = message == Message::CopyEnds;
                // The Sync that the client sent before it knew that data is wanted is ignored by the server: a second one
                // follows the data.
                while self.pending.back_mut().is_some_and(|asked| asked.kind == Kind::Sync) {
                    self.pending.pop_back();
                    self.statements.take_back_ready();
                }
                self.count_latest(|kind| matches!(kind, Kind::Query | Kind::Execute));
                // Some do not wait to be asked for the data.
                self.copying |= self.counted == Counted::Latest && !ends;
            }
            Message::Other => {}
        }
    }

    /// A statement is prepared.
    pub(super) fn parse(&mut self, name: &[u8], sql: Sql<'_>, context: &mut Context) {
        let statement = self.describe(sql, context);
        match name {
            b"" => self.statements.ask_unnamed(statement.clone()),
            name => self.statements.ask(name, Some(context.statements.keep(&statement))),
        }
        self.prepare(Step::Parse, context);
        self.preparation.statement = Some(statement);
    }

    /// A portal is made of a statement.
    pub(super) fn bind(&mut self, portal: &[u8], statement: Option<Arc<Statement>>, context: &mut Context) {
        if portal.is_empty() {
            self.portals.set_unnamed(statement);
        } else {
            let meaning = statement.map(|statement| context.statements.keep(&statement));
            self.portals.set(portal, meaning);
        }
        self.prepare(Step::Bind, context);
        self.preparation.bound = if portal.is_empty() { Bound::Unnamed } else { Bound::Named };
    }

    /// The message's bytes are the latest request's, if that is of the right kind.
    fn count_latest(&mut self, right: impl Fn(Kind) -> bool) {
        if self.pending.back_mut().is_some_and(|asked| right(asked.kind)) {
            self.counted = Counted::Latest;
            self.count(self.asking.bytes, self.asking.last);
        }
    }

    /// The message leads to an Execute, or stands for itself.
    pub(super) fn prepare(&mut self, step: Step, context: &mut Context) {
        self.settle_flushed(context);
        let preparation = &mut self.preparation;
        if preparation.half.bytes == 0 {
            preparation.half = Half { bytes: 0, ..self.asking };
        }
        preparation.step = preparation.step.max(step);
        self.counted = Counted::Preparation;
        self.count(self.asking.bytes, self.asking.last);
    }

    /// What was prepared up to a Flush, and is answered, was a request of its own.
    fn settle_flushed(&mut self, context: &mut Context) {
        let answered = self.pending.len() == 0 && self.early.len() == 0 && self.answering.bytes > 0;
        if self.preparation.half.bytes > 0 && answered {
            let mut asked = self.preparation.take();
            asked.answered = std::mem::take(&mut self.answering);
            record::exchange(asked, None, self.namespace.clone(), context);
        }
    }

    /// No Execute follows, nor a Sync.
    fn end_preparation(&mut self, context: &mut Context) {
        self.settle_flushed(context);
        let asked = self.preparation.take();
        if asked.half.bytes > 0 {
            self.push(asked, context);
        }
    }

    pub(super) fn execute(&mut self, mut asked: Asked, context: &mut Context) {
        self.settle_flushed(context);
        let led = std::mem::take(&mut self.preparation).half;
        if led.bytes > 0 {
            asked.half.first = led.first;
            asked.half.bytes = asked.half.bytes.saturating_add(led.bytes);
        }
        self.executed = true;
        self.push(asked, context);
    }

    fn sync(&mut self, context: &mut Context) {
        self.settle_flushed(context);
        let alone = !std::mem::take(&mut self.executed);
        let mut asked = self.preparation.take();
        if asked.half.bytes > 0 && (alone || asked.kind == Kind::Prepares(Step::Parse)) {
            asked.half.bytes += self.asking.bytes;
            asked.half.last = self.asking.last;
            self.push(asked, context);
        }
        self.push(Asked::new(Kind::Sync, None, self.asking), context);
    }

    pub(super) fn push(&mut self, asked: Asked, context: &mut Context) {
        if self.pending.len() >= MOST_PENDING {
            // Up to the end of an answer, so that what the server says up to there can be told to be theirs.
            while let Some(dropped) = self.pending.pop() {
                context.unparsed += 1;
                if dropped.kind.ends_with_ready() {
                    self.owed += 1;
                    break;
                }
            }
        }
        self.counted = Counted::Latest;
        if asked.kind.ends_with_ready() || asked.kind.is_unseen() {
            self.statements.ask_ready();
        }
        self.pending.push(asked);
        while self.pending.len() > 0
            && let Some(event) = self.early.pop()
        {
            self.happened(event, context);
        }
    }
}
