//! What a finished exchange tells.

use std::sync::Arc;

use model::names::{
    DB_COLLECTION_NAME, DB_NAMESPACE, DB_OPERATION_NAME, DB_QUERY_SUMMARY, DB_QUERY_TEXT,
    DB_RESPONSE_AFFECTED_ROWS, DB_RESPONSE_RETURNED_ROWS, DB_RESPONSE_STATUS_CODE, DB_SYSTEM_NAME,
};
use model::request::Incomplete;
use model::{Attributes, Text};

use super::command::{Command, Kind};
use super::reply::Answer;
use crate::sql::Statement;
use crate::{Context, Exchange, Half, Outcome};

/// A command that waits for its answer.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) command: &'static Command,
    /// What it does, where it is known.
    pub(super) statement: Option<Arc<Statement>>,
    /// The database that it selects.
    pub(super) database: Option<Text>,
    pub(super) half: Half,
    /// It sends a file, and has not come to its end.
    pub(super) sending: bool,
    pub(super) answer: Answer,
}

impl Asked {
    /// The session's database once this is answered; `None` where it is not known.
    pub(super) fn database_after(&self, session: &Session) -> Option<Text> {
        let failed = self.answer.error.is_some() || !self.answer.is_done();
        let before = session.database.as_ref();
        let Some(statement) = self.statement.as_ref().filter(|_| self.command.kind.runs()) else {
            let selects = self.database.as_ref().filter(|_| !failed);
            // A login without a database has none.
            let login = self.command.kind == Kind::Login && !failed;
            return selects.or(before.filter(|_| !login)).cloned();
        };
        if failed && !self.answer.some_done {
            return before.cloned();
        }
        let database = match &statement.selects {
            // Of several statements the first is executed, of the others it is not known which.
            Some(database) if !failed || selects_first(statement) => Some(database),
            Some(_) => None,
            None => before,
        };
        let dropped =
            |name: &&Text| statement.drops.as_ref().is_some_and(|dropped| dropped.eq_ignore_ascii_case(name));
        database.filter(|name| !dropped(name)).cloned()
    }
}

/// The first of several statements selects a database, and no other does.
fn selects_first(statement: &Statement) -> bool {
    let mut selects = statement.summary.split("; ").map(|summary| summary.starts_with("USE "));
    selects.next() == Some(true) && !selects.any(|selects| selects)
}

/// What holds for all requests of a connection.
#[derive(Debug, Default)]
pub(super) struct Session {
    pub(super) mariadb: bool,
    pub(super) database: Option<Text>,
}

/// The exchange of a command with its answer; `outcome` where there is no whole one.
pub(super) fn exchange(asked: Asked, outcome: Option<Outcome>, session: &Session, context: &mut Context) {
    let Asked { command, statement, database, half, answer, .. } = asked;
    let by_statement = command.kind.runs();
    let mut attributes = Attributes::default();
    attributes.word(DB_SYSTEM_NAME, if session.mariadb { "mariadb" } else { "mysql" });
    let mut name = Text::const_new(command.name);
    match &statement {
        Some(statement) if by_statement => {
            name = statement.summary.clone();
            attributes.text(DB_OPERATION_NAME, statement.operation.clone());
            attributes.text(DB_QUERY_SUMMARY, statement.summary.clone());
            if !context.settings.lean {
                attributes.text(DB_QUERY_TEXT, statement.query.clone());
            }
            if let Some(collection) = &statement.collection {
                attributes.text(DB_COLLECTION_NAME, collection.clone());
            }
        }
        Some(statement) => {
            attributes.word(DB_OPERATION_NAME, command.name);
            if !context.settings.lean {
                attributes.text(DB_QUERY_TEXT, statement.query.clone());
            }
        }
        None => attributes.word(DB_OPERATION_NAME, command.name),
    }
    let selected = database.as_ref().filter(|_| answer.error.is_none() || command.kind == Kind::Login);
    if let Some(database) = selected.or(session.database.as_ref()) {
        attributes.text(DB_NAMESPACE, database.clone());
    }
    let outcome = match (answer.error, outcome) {
        (Some(code), _) => {
            let code = decimal(code);
            attributes.text(DB_RESPONSE_STATUS_CODE, code.clone());
            Outcome::Error(code)
        }
        (None, outcome) => outcome.unwrap_or(Outcome::Ok),
    };
    let rows = [
        (DB_RESPONSE_RETURNED_ROWS, answer.rows()),
        (DB_RESPONSE_AFFECTED_ROWS, answer.affected().filter(|_| by_statement)),
    ];
    for (key, rows) in rows {
        if let Some(rows) = rows.filter(|_| answer.is_done()) {
            attributes.int(key, i64::try_from(rows).unwrap_or(i64::MAX));
        }
    }
    let incomplete = match command.kind {
        // Where the end was seen, all that is missing is the number of rows.
        _ if answer.torn && !answer.is_done() => Some(Incomplete::Response),
        Kind::Execute if statement.is_none() => Some(Incomplete::Start),
        _ => None,
    };
    context.finished.push(Exchange {
        name,
        request: half,
        response: answer.half,
        outcome,
        attributes,
        waiting: false,
        incomplete,
    });
}

/// At most five digits, without an allocation.
fn decimal(number: u16) -> Text {
    let mut text = Text::default();
    let mut divisor = 10_000;
    while divisor > 0 {
        if number >= divisor || divisor == 1 {
            text.push(char::from(b'0' + (number / divisor % 10) as u8));
        }
        divisor /= 10;
    }
    text
}
