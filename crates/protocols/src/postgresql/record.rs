//! What a finished exchange tells.

use std::sync::Arc;

use model::names::{
    DB_COLLECTION_NAME, DB_NAMESPACE, DB_OPERATION_NAME, DB_QUERY_SUMMARY, DB_QUERY_TEXT,
    DB_RESPONSE_AFFECTED_ROWS, DB_RESPONSE_RETURNED_ROWS, DB_RESPONSE_STATUS_CODE, DB_SYSTEM_NAME,
};
use model::request::Incomplete;
use model::{Attributes, Text};

use super::backend::{Failure, Rows, Tag};
use crate::sql::Statement;
use crate::{Context, Exchange, Half, Outcome};

/// What kind of request it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Query,
    Execute,
    Function,
    /// An extended query without Execute.
    Prepares(Step),
    Sync,
    Connect,
    Cancel,
    /// An extended query whose end was not seen, nor whether there was an Execute: its answer tells.
    Cut {
        step: Step,
        /// There was a Bind, which nearly nobody sends without an Execute.
        bound: bool,
    },
    /// Requests that were not seen, perhaps but a Sync: stands where they were asked, and takes their answers.
    Unseen {
        /// They follow on a Bind of the portal without a name.
        bound: bool,
    },
}

impl Kind {
    /// True when the answer ends with ReadyForQuery.
    pub(super) fn ends_with_ready(self) -> bool {
        matches!(self, Kind::Query | Kind::Function | Kind::Sync | Kind::Connect)
    }

    pub(super) fn is_unseen(self) -> bool {
        matches!(self, Kind::Unseen { .. })
    }
}

/// True where so many bytes that were not seen are but a Sync, or behind a Bind: an Execute and a Sync, perhaps with a Describe and a
/// Flush.
pub(super) fn is_sync(bound: bool, length: u64) -> bool {
    const SYNC: u64 = 5;
    const FLUSH: u64 = 5;
    const EXECUTE: u64 = 10;
    const DESCRIBE: u64 = 7;
    let whole = EXECUTE + SYNC;
    match bound {
        true => [whole, whole + FLUSH, DESCRIBE + whole, DESCRIBE + whole + FLUSH].contains(&length),
        false => length == SYNC,
    }
}

/// Whether there was a Bind, and of which portal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Bound {
    #[default]
    Not,
    Unnamed,
    Named,
}

/// What a step of an extended query does, by how much it tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Step {
    #[default]
    Describe,
    Bind,
    Close,
    Parse,
}

/// Steps of an extended query that no Execute followed yet.
#[derive(Debug, Default)]
pub(super) struct Preparation {
    /// All of them; no bytes where there are none.
    pub(super) half: Half,
    /// The one that tells most.
    pub(super) step: Step,
    /// What was parsed last.
    pub(super) statement: Option<Arc<Statement>>,
    pub(super) bound: Bound,
}

impl Preparation {
    /// The request that these steps are by themselves.
    pub(super) fn take(&mut self) -> Asked {
        let Preparation { half, step, statement, .. } = std::mem::take(self);
        Asked::new(Kind::Prepares(step), statement, half)
    }
}

/// A request that waits for its answer.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) kind: Kind,
    pub(super) statement: Option<Arc<Statement>>,
    pub(super) half: Half,
    /// Rows that were asked for; 0: all.
    pub(super) most: u32,
    /// What came of the answer.
    pub(super) answered: Half,
    /// The first error's SQLSTATE.
    pub(super) error: Option<Text>,
    pub(super) returned: Option<u64>,
    pub(super) affected: Option<u64>,
    /// Statements were counted behind a gap: there may be others.
    pub(super) uncounted: bool,
    /// What was not seen of it.
    pub(super) incomplete: Option<Incomplete>,
}

/// Something that the server ended.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) happened: Happened,
    /// What the server said since the last one.
    pub(super) half: Half,
    /// Rows in it.
    pub(super) rows: u64,
    /// Parse and Close that were answered.
    pub(super) confirmed: u64,
    /// Bytes of it were not seen.
    pub(super) torn: bool,
}

#[derive(Debug)]
pub(super) enum Happened {
    Complete(Tag),
    Empty,
    Suspended,
    Failed(Failure),
    Ready { idle: bool },
    CopyBoth,
}

impl Asked {
    pub(super) fn new(kind: Kind, statement: Option<Arc<Statement>>, half: Half) -> Self {
        Asked {
            kind,
            statement,
            half,
            most: 0,
            answered: Half::default(),
            error: None,
            returned: None,
            affected: None,
            uncounted: false,
            incomplete: None,
        }
    }

    /// As far as it was seen, this is what it is.
    pub(super) fn settle(&mut self, executed: bool) {
        if let Kind::Cut { step, .. } = self.kind {
            self.kind = if executed { Kind::Execute } else { Kind::Prepares(step) };
        }
    }

    /// True when its answer ends with ReadyForQuery.
    pub(super) fn ends_with_ready(&self) -> bool {
        match self.kind {
            Kind::Unseen { bound } => is_sync(bound, self.half.bytes),
            kind => kind.ends_with_ready(),
        }
    }

    /// More of the answer.
    pub(super) fn absorb(&mut self, half: Half) {
        if half == Half::default() {
            return;
        }
        if self.answered == Half::default() {
            self.answered = half;
        } else {
            self.answered.bytes = self.answered.bytes.saturating_add(half.bytes);
            self.answered.last = half.last;
        }
    }

    /// Adds what an event says of rows.
    pub(super) fn count_rows(&mut self, event: &Event) {
        let (returned, affected) = match &event.happened {
            Happened::Suspended => (Some(u64::from(self.most)), None),
            Happened::Complete(Tag { rows: Rows::None, .. }) => (None, None),
            Happened::Complete(Tag { rows: Rows::Returned, count }) => {
                // CREATE TABLE AS has the tag of the SELECT inside, but no row is sent.
                let sent = event.torn || event.rows > 0 || *count == 0;
                if sent { (Some(*count), None) } else { (None, Some(*count)) }
            }
            Happened::Complete(Tag { rows: Rows::Affected, count }) => {
                // With RETURNING.
                ((event.rows > 0 && !event.torn).then_some(event.rows), Some(*count))
            }
            _ => return,
        };
        let add = |to: &mut Option<u64>, more: Option<u64>| {
            if let Some(more) = more {
                *to = Some(to.unwrap_or(0).saturating_add(more));
            }
        };
        add(&mut self.returned, returned);
        add(&mut self.affected, affected);
        self.uncounted |= event.torn && self.is_batch();
    }

    fn is_batch(&self) -> bool {
        self.kind == Kind::Query
            && self.statement.as_ref().is_none_or(|statement| statement.operation.starts_with("BATCH"))
    }

    /// What it is called where the statement does not tell.
    fn own_name(&self) -> &'static str {
        match self.kind {
            Kind::Query => "QUERY",
            Kind::Execute => "EXECUTE",
            Kind::Function => "FUNCTION CALL",
            Kind::Prepares(Step::Parse) => "PREPARE",
            Kind::Prepares(Step::Bind) => "BIND",
            Kind::Prepares(Step::Describe) => "DESCRIBE",
            Kind::Prepares(Step::Close) => "CLOSE",
            Kind::Sync => "SYNC",
            Kind::Connect => "CONNECT",
            Kind::Cancel => "CANCEL",
            Kind::Cut { .. } | Kind::Unseen { .. } => "OTHER",
        }
    }
}

/// The exchange of a request with what came of its answer; `outcome` where that does not tell.
pub(super) fn exchange(
    asked: Asked,
    outcome: Option<Outcome>,
    namespace: Option<Text>,
    context: &mut Context,
) {
    let mut attributes = Attributes::default();
    attributes.word(DB_SYSTEM_NAME, "postgresql");
    if let Some(namespace) = namespace {
        attributes.text(DB_NAMESPACE, namespace);
    }
    let name = describe(&asked, context.settings.lean, &mut attributes);
    if !asked.uncounted {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        if let Some(returned) = asked.returned {
            attributes.int(DB_RESPONSE_RETURNED_ROWS, number(returned));
        }
        if let Some(affected) = asked.affected {
            attributes.int(DB_RESPONSE_AFFECTED_ROWS, number(affected));
        }
    }
    let outcome = match asked.error {
        Some(code) => {
            attributes.text(DB_RESPONSE_STATUS_CODE, code.clone());
            Outcome::Error(code)
        }
        None => outcome.unwrap_or(Outcome::Ok),
    };
    context.finished.push(Exchange {
        name,
        request: asked.half,
        response: asked.answered,
        outcome,
        attributes,
        waiting: false,
        incomplete: asked.incomplete,
    });
}

/// Says what was asked; returns the name.
fn describe(asked: &Asked, lean: bool, attributes: &mut Attributes) -> Text {
    let own = asked.own_name();
    let statement = match (&asked.statement, asked.kind) {
        (Some(statement), Kind::Query | Kind::Execute) => statement,
        (statement, _) => {
            attributes.word(DB_OPERATION_NAME, own);
            if let Some(statement) = statement.as_ref().filter(|_| !lean) {
                attributes.text(DB_QUERY_TEXT, statement.query.clone());
            }
            return Text::const_new(own);
        }
    };
    attributes.text(DB_OPERATION_NAME, statement.operation.clone());
    if let Some(collection) = &statement.collection {
        attributes.text(DB_COLLECTION_NAME, collection.clone());
    }
    attributes.text(DB_QUERY_SUMMARY, statement.summary.clone());
    if !lean {
        attributes.text(DB_QUERY_TEXT, statement.query.clone());
    }
    statement.summary.clone()
}
