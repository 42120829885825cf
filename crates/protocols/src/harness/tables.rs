//! What the protocols' tables of tests share: a script of what happens, and the exchanges it gives, a line of text each.

use model::Party;

use super::{Driver, Happens, stream};
use crate::{Conversation, CutBy, Exchange, Outcome};

/// An exchange in one line: its name, outcome, sizes, further facts, marks.
pub(crate) fn line(exchange: &Exchange, name: &str, facts: &str) -> String {
    let (asked, answered) = (exchange.request.bytes, exchange.response.bytes);
    format!("{name}: {}, {asked}/{answered}{facts}{}", outcome(&exchange.outcome), marks(exchange))
}

/// How an exchange came out.
pub(crate) fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Ok => "ok".to_owned(),
        Outcome::Error(error) => format!("error {error}"),
        Outcome::ErrorForClient(error) => format!("client error {error}"),
        Outcome::Cut(party, how) => format!("cut {party:?} {how:?}"),
    }
}

/// Whether it waited, and what was not seen of it.
pub(crate) fn marks(exchange: &Exchange) -> String {
    let waiting = if exchange.waiting { ", waiting" } else { "" };
    let incomplete = exchange.incomplete.map(|what| format!(", incomplete {}", what.as_str()));
    waiting.to_owned() + &incomplete.unwrap_or_default()
}

/// Those of these attributes that are there, each behind its word.
pub(crate) fn facts(exchange: &Exchange, list: &[(&str, &'static str)]) -> String {
    let fact = |(word, key): &(&str, &'static str)| {
        let space = if word.is_empty() { "" } else { " " };
        attribute(exchange, key).map(|value| format!(", {word}{space}{value}"))
    };
    list.iter().filter_map(fact).collect()
}

/// An attribute as text.
pub(crate) fn attribute(exchange: &Exchange, key: &'static str) -> Option<String> {
    exchange.attributes.get(key).map(ToString::to_string)
}

/// All attributes, as `key=value`.
pub(crate) fn attributes(exchange: &Exchange) -> Vec<String> {
    exchange.attributes.iter().map(|(key, value)| format!("{key}={value}")).collect()
}

/// A script as text: `>` stands for the client and `<` for the server. Behind it stand `gap` or `lost`, with a length if
/// that is known, `close` or `reset`; or nothing, and then it says what `wire` makes of the text.
pub(crate) fn script<B>(lines: &[(&str, &str)], wire: impl Fn(Party, &str) -> B) -> Vec<Happens<B>> {
    let happens = |(who, text): &(&str, &str)| {
        let party = if who.starts_with('>') { Party::Client } else { Party::Server };
        match who.get(1..).unwrap_or_default() {
            "gap" => Happens::Gap(party, text.parse().ok()),
            "lost" => Happens::Lost(party, text.parse().ok()),
            "close" => Happens::Ends(party, CutBy::Close),
            "reset" => Happens::Ends(party, CutBy::Reset),
            _ => Happens::Says(party, wire(party, text)),
        }
    };
    lines.iter().map(happens).collect()
}

/// What comes of a script that is fed in pieces of this size.
pub(crate) fn drive<C: Conversation + Default, B: AsRef<[u8]>>(
    script: &[Happens<B>],
    piece: usize,
) -> Driver<C> {
    let mut driver = Driver::default();
    driver.play(script, stream(piece));
    driver
}

/// All exchanges, a line each.
pub(crate) fn lines<C>(driver: &Driver<C>, line: fn(&Exchange) -> String) -> Vec<String> {
    driver.context.finished.iter().map(line).collect()
}

/// Sizes of pieces that cut a script in all places that matter.
pub(crate) fn anywhere() -> impl Iterator<Item = usize> {
    (1..=80).chain([usize::MAX])
}

/// A script gives these exchanges in pieces of whatever of these sizes; and each time it `holds`.
#[track_caller]
pub(crate) fn check<C: Conversation + Default, B: AsRef<[u8]>>(
    script: &[Happens<B>],
    pieces: impl IntoIterator<Item = usize>,
    line: fn(&Exchange) -> String,
    expected: &[&str],
    holds: impl Fn(&Driver<C>, usize),
) {
    for piece in pieces {
        let driver = drive(script, piece);
        assert_eq!(lines(&driver, line), expected, "in pieces of {piece}");
        holds(&driver, piece);
    }
}

/// The same, with the count of what was not understood.
#[track_caller]
pub(crate) fn check_count<C: Conversation + Default, B: AsRef<[u8]>>(
    script: &[Happens<B>],
    pieces: impl IntoIterator<Item = usize>,
    line: fn(&Exchange) -> String,
    expected: &[&str],
    unparsed: u64,
) {
    check(script, pieces, line, expected, |driver: &Driver<C>, piece| {
        assert_eq!(driver.context.unparsed, unparsed, "in pieces of {piece}");
    });
}
