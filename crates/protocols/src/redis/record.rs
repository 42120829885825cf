//! What a finished exchange tells.

use model::names::{DB_NAMESPACE, DB_OPERATION_NAME, DB_QUERY_TEXT, DB_RESPONSE_STATUS_CODE, DB_SYSTEM_NAME};
use model::request::Incomplete;
use model::{Attributes, Text};

use super::command::Command;
use super::reply::{Kind, Reply};
use crate::{Context, Exchange, Half, Outcome};

/// A command that waits for its reply.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) command: Command,
    pub(super) half: Half,
    /// Replies still to come.
    pub(super) expected: u32,
    /// Those that came, together.
    pub(super) answered: Half,
    /// Part of it was not seen.
    pub(super) torn: bool,
}

/// A reply, whole or on its way.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) reply: Reply,
    pub(super) half: Half,
    /// Part of it was not seen.
    pub(super) torn: bool,
}

/// Placeholders of a command's text.
const MOST_PLACEHOLDERS: u32 = 8;

/// The exchange of a command with its (last) reply; `outcome` where there is no whole one.
pub(super) fn exchange(
    asked: Asked,
    answer: Option<Answer>,
    outcome: Option<Outcome>,
    database: Option<u32>,
    context: &mut Context,
) {
    let command = &asked.command;
    let name = command.id.command().name;
    let mut attributes = Attributes::default();
    attributes.word(DB_SYSTEM_NAME, "redis");
    attributes.word(DB_OPERATION_NAME, name);
    if !context.settings.lean {
        attributes.text(DB_QUERY_TEXT, text(command, name));
    }
    if let Some(database) = database {
        attributes.text(DB_NAMESPACE, decimal(database));
    }
    let (reply, torn) = answer.map(|answer| (answer.reply, answer.torn)).unwrap_or_default();
    let waiting = command.waits && reply.kind != Kind::Queued;
    let outcome = match (reply.error, outcome) {
        (Some(error), _) => {
            attributes.text(DB_RESPONSE_STATUS_CODE, error.clone());
            Outcome::Error(error)
        }
        (None, outcome) => outcome.unwrap_or(Outcome::Ok),
    };
    let incomplete = match (asked.torn, torn) {
        (true, _) => Some(Incomplete::Request),
        (_, true) => Some(Incomplete::Response),
        _ => None,
    };
    context.finished.push(Exchange {
        name: Text::const_new(name),
        request: asked.half,
        response: asked.answered,
        outcome,
        attributes,
        waiting,
        incomplete,
    });
}

/// `SET ? ?`, or with the values that the user wants to see.
fn text(command: &Command, name: &'static str) -> Text {
    if command.arguments == 0 {
        return Text::const_new(name);
    }
    let mut text = Text::const_new(name);
    if let Some(values) = &command.values {
        text.push_str(values);
        return text;
    }
    const PLACEHOLDERS: &str = " ? ? ? ? ? ? ? ?";
    text.push_str(&PLACEHOLDERS[..2 * command.arguments.min(MOST_PLACEHOLDERS) as usize]);
    if command.arguments > MOST_PLACEHOLDERS {
        text.push_str(" ...");
    }
    text
}

/// Nearly always one digit.
fn decimal(number: u32) -> Text {
    match number {
        0..=9 => Text::from(char::from(b'0' + number as u8).encode_utf8(&mut [0; 4]) as &str),
        _ => Text::from(number.to_string()),
    }
}
