//! What stands in a cell of the table. Everything that comes from the network is cleaned here.

use std::fmt::Write;

use model::request::{Incomplete, Peer};
use model::{Endpoint, Request, Role, Value, names};
use protocols::Protocol;

use crate::text::{cut, push_clean, push_elided, push_line, width};
use crate::units::{Duration, Size};

/// Appends the time of day: `08:00:00`, with `millis` `08:00:00.123`.
pub(crate) fn time_of_day(nanoseconds: u64, utc_offset: i32, millis: bool, cell: &mut String) {
    let seconds = (nanoseconds / 1_000_000_000).saturating_add_signed(utc_offset.into()) % 86_400;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    put(cell, format_args!("{hours:02}:{minutes:02}:{seconds:02}"));
    if millis {
        put(cell, format_args!(".{:03}", nanoseconds / 1_000_000 % 1000));
    }
}

/// Which side was observed: a call goes out, or comes in.
pub(crate) fn side(role: Role, wide: bool) -> &'static str {
    match (role, wide) {
        (Role::Client, true) => "client",
        (Role::Server, true) => "server",
        (Role::Client, false) => "→",
        (Role::Server, false) => "←",
        (Role::Unknown, _) => "·",
    }
}

/// Appends `shop → nginx`; ends without a service go by their address. A server's port gives way first.
pub(super) fn peers(request: &Request, columns: usize, cell: &mut String) {
    both(&request.ends.client, &request.ends.server, columns, cell);
}

/// The same for the two ends of anything.
pub(crate) fn both(client_end: &Peer, server_end: &Peer, columns: usize, cell: &mut String) {
    const ARROW: &str = " → ";
    let mut client = String::new();
    let mut server = String::new();
    peer(client_end, false, &mut client);
    peer(server_end, true, &mut server);
    let room = columns.saturating_sub(width(ARROW));
    if width(&client) + width(&server) > room {
        server.clear();
        peer(server_end, false, &mut server);
    }
    let half = room / 2;
    // An end that needs less than half leaves the rest to the other.
    let for_client = room.saturating_sub(width(&server)).max(half);
    let taken = push_elided(&client, for_client, cell);
    cell.push_str(ARROW);
    push_elided(&server, room.saturating_sub(taken), cell);
}

/// Appends the other end, as the observed side sees it: whom it calls, or who calls it.
pub(super) fn other_end(request: &Request, columns: usize, cell: &mut String) {
    other(request.role, (&request.ends.client, &request.ends.server), columns, cell);
}

/// The same for the two ends of anything.
pub(crate) fn other(role: Role, (client, server): (&Peer, &Peer), columns: usize, cell: &mut String) {
    let mut name = String::new();
    match role {
        Role::Server => peer(client, false, &mut name),
        Role::Client | Role::Unknown => peer(server, true, &mut name),
    }
    push_elided(&name, columns, cell);
}

/// A client's port is an accident, so it is left out; a server's tells what it is.
pub(crate) fn peer(peer: &Peer, with_port: bool, cell: &mut String) {
    match (&peer.service, &peer.endpoint) {
        (Some(service), _) => push_clean(service, cell),
        (None, Endpoint::Ip(address)) if with_port => put(cell, format_args!("{address}")),
        (None, Endpoint::Ip(address)) => put(cell, format_args!("{}", address.ip())),
        (None, Endpoint::Unix(path)) if path.is_empty() => cell.push_str("(local)"),
        (None, Endpoint::Unix(path)) => push_clean(path, cell),
    }
}

/// Appends the protocol's name; narrow cells get the short names that people use.
pub(super) fn protocol(protocol: &str, columns: usize, cell: &mut String) {
    let known = Protocol::named(protocol).filter(|_| protocol.len() > columns);
    push_clean(known.map_or(protocol, |known| known.name_within(columns)), cell);
}

/// Fewest columns that something further is worth.
const FEWEST: usize = 12;
/// The same of a statement whose summary is shown: it begins with what is known already.
const FEWEST_OF_STATEMENT: usize = 24;

/// Appends what a person wants to read of a request: the path, the statement, the name that DNS was asked for, as far as
/// `columns` reach; else the request's name. With `routes` an HTTP request's route stands behind a path that is another.
pub(super) fn asked(request: &Request, columns: usize, routes: bool, cell: &mut String) {
    if let Some(name) = text(request, names::DNS_QUESTION_NAME) {
        question(request, name, columns, cell);
    } else if let Some(path) = text(request, names::URL_PATH) {
        target(request, path, columns, cell);
        let route = request.name.split_once(' ').map_or("", |(_, route)| route);
        if routes && route != path {
            further(route, FEWEST, columns, cell);
        }
    } else if let Some(query) = text(request, names::DB_QUERY_TEXT) {
        statement(request, query, columns, cell);
    } else {
        line(&request.name, columns, cell);
    }
}

fn text(request: &Request, key: names::Key) -> Option<&str> {
    match request.attributes.get(key) {
        Some(Value::Text(text)) => Some(text),
        Some(Value::Word(word)) => Some(word),
        _ => None,
    }
}

/// `A example.com  192.0.2.7`.
fn question(request: &Request, name: &str, columns: usize, cell: &mut String) {
    push_clean(&request.name, cell);
    cell.push(' ');
    let mut clean = String::new();
    push_clean(name, &mut clean);
    push_elided(&clean, columns.saturating_sub(width(cell)), cell);
    if let Some(answers) = text(request, names::DNS_ANSWERS) {
        further(answers, FEWEST, columns, cell);
    }
}

/// `GET /users/7?page=?`. Both ends of a path tell something.
fn target(request: &Request, path: &str, columns: usize, cell: &mut String) {
    let method = request.name.split_once(' ').map_or(request.name.as_str(), |(method, _)| method);
    push_clean(text(request, names::HTTP_REQUEST_METHOD_ORIGINAL).unwrap_or(method), cell);
    cell.push(' ');
    let mut clean = String::new();
    push_clean(path, &mut clean);
    push_elided(&clean, columns.saturating_sub(width(cell)), cell);
    let room = columns.saturating_sub(width(cell));
    if let Some(query) = text(request, names::URL_QUERY)
        && room > 0
    {
        let from = cell.len();
        cell.push('?');
        push_line(query, room, cell);
        cut(cell, from, room);
    }
}

/// The statement, where what is to be seen of it says all that its name says; else the name, and the statement where there
/// is room for some of it.
fn statement(request: &Request, query: &str, columns: usize, cell: &mut String) {
    let name = request.name.as_str();
    let has_summary = request.attributes.get(names::DB_QUERY_SUMMARY).is_some();
    if !has_summary && says_no_more(query, name) {
        return line(name, columns, cell);
    }
    let before = cell.len();
    line(query, columns, cell);
    let shown = cell.get(before..).unwrap_or_default();
    if !words(name).all(|word| mentions(shown, word)) {
        cell.truncate(before);
        line(name, columns, cell);
        further(query, if has_summary { FEWEST_OF_STATEMENT } else { FEWEST }, columns, cell);
    }
}

/// True when `query` is `name` and blanks to be filled in: `SET ? ?`.
fn says_no_more(query: &str, name: &str) -> bool {
    let rest = query.strip_prefix(name);
    rest.is_some_and(|rest| rest.split_whitespace().all(|word| word == "?" || word == "..."))
}

/// True when `word` stands in `statement`, in whatever case and with or without quotes.
fn mentions(statement: &str, word: &str) -> bool {
    words(statement).any(|other| bare(other).eq(bare(word)))
}

fn bare(word: &str) -> impl Iterator<Item = char> {
    word.chars().filter(|char| !QUOTES.contains(char)).map(|char| char.to_ascii_lowercase())
}

/// Keywords and names, in their quotes.
fn words(statement: &str) -> impl Iterator<Item = &str> {
    let in_word = |char: char| char.is_alphanumeric() || "_.$".contains(char) || QUOTES.contains(&char);
    statement.split(move |char| !in_word(char)).filter(|word| !word.is_empty())
}

const QUOTES: [char; 2] = ['"', '`'];

/// Appends `text` on one line, cut at its end.
fn line(text: &str, columns: usize, cell: &mut String) {
    let from = cell.len();
    push_line(text, columns, cell);
    cut(cell, from, columns);
}

/// Appends something further behind two blanks, where at least `fewest` columns are left for it.
fn further(text: &str, fewest: usize, columns: usize, cell: &mut String) {
    let room = columns.saturating_sub(width(cell) + 2);
    if room >= fewest {
        cell.push_str("  ");
        line(text, room, cell);
    }
}

/// Appends how it ended: the error, else HTTP's code, else what was found, else a word. `~` says that not all of it was
/// seen.
pub(super) fn status(request: &Request, cell: &mut String) {
    let code = request.attributes.get(names::HTTP_RESPONSE_STATUS_CODE);
    if request.error.is_none()
        && request.incomplete.is_none()
        && let Some((count, what)) = found(request)
    {
        put(cell, format_args!("{count} {what}"));
        return;
    }
    let unseen =
        code.is_none() && request.error.is_none() && request.incomplete == Some(Incomplete::Response);
    if request.incomplete.is_some() && !unseen {
        cell.push('~');
    }
    match (&request.error, code) {
        (Some(error), _) => push_clean(error, cell),
        (None, Some(Value::Int(code))) => put(cell, format_args!("{code}")),
        (None, _) if unseen => cell.push('?'),
        (None, _) if request.waiting => cell.push_str("waited"),
        (None, _) => cell.push_str("ok"),
    }
}

/// How many records, or rows; of rows that were changed only where there are any, since MySQL tells so of all statements.
fn found(request: &Request) -> Option<(Few, &'static str)> {
    let count = |key| match request.attributes.get(key) {
        Some(Value::Int(count)) => u64::try_from(*count).ok(),
        _ => None,
    };
    if let Some(records) = count(names::WEIR_DNS_ANSWER_COUNT) {
        return Some((Few(records), "found"));
    }
    let changed = count(names::DB_RESPONSE_AFFECTED_ROWS).filter(|rows| *rows > 0);
    let rows = changed.or(count(names::DB_RESPONSE_RETURNED_ROWS))?;
    Some((Few(rows), if rows == 1 { "row" } else { "rows" }))
}

/// A count in four letters: `9999`, `10k`.
struct Few(u64);

impl std::fmt::Display for Few {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            few @ ..10_000 => write!(f, "{few}"),
            many @ ..1_000_000 => write!(f, "{}k", many / 1000),
            many => write!(f, "{}M", many / 1_000_000),
        }
    }
}

/// Bytes that the observed side sent and received; of an unknown side, those of request and response.
pub(super) fn bytes(request: &Request) -> (Size, Size) {
    let (request_bytes, response_bytes) = (Size(request.request_bytes), Size(request.response_bytes));
    match request.role {
        Role::Server => (response_bytes, request_bytes),
        Role::Client | Role::Unknown => (request_bytes, response_bytes),
    }
}

/// Appends the time it took; without its blank where it is too wide.
pub(super) fn duration(request: &Request, columns: usize, cell: &mut String) {
    put(cell, format_args!("{}", Duration(request.duration)));
    if width(cell) > columns {
        cell.retain(|char| char != ' ');
    }
}

fn put(cell: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a `String` cannot fail.
    let _ = cell.write_fmt(arguments);
}
