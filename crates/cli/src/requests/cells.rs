//! What stands in a cell of the table. Everything that comes from the network is cleaned here.

use std::fmt::Write;

use model::request::{Incomplete, Peer};
use model::{Endpoint, Request, Role, Value, names};

use crate::text::{push_clean, push_elided, width};
use crate::units::{Duration, Size};

/// Appends the time of day: `08:00:00.123`.
pub(super) fn time_of_day(nanoseconds: u64, utc_offset: i32, cell: &mut String) {
    let seconds = (nanoseconds / 1_000_000_000).saturating_add_signed(utc_offset.into()) % 86_400;
    let millis = nanoseconds / 1_000_000 % 1000;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    put(cell, format_args!("{hours:02}:{minutes:02}:{seconds:02}.{millis:03}"));
}

/// Which side was observed: a call goes out, or comes in.
pub(super) fn side(role: Role, wide: bool) -> &'static str {
    match (role, wide) {
        (Role::Client, true) => "client",
        (Role::Server, true) => "server",
        (Role::Client, false) => "→",
        (Role::Server, false) => "←",
        (Role::Unknown, _) => "·",
    }
}

/// Appends `shop → nginx`; ends without a service go by their address.
pub(super) fn peers(request: &Request, columns: usize, cell: &mut String) {
    const ARROW: &str = " → ";
    let mut client = String::new();
    let mut server = String::new();
    peer(&request.client, false, &mut client);
    peer(&request.server, true, &mut server);
    let room = columns.saturating_sub(width(ARROW));
    let half = room / 2;
    // An end that needs less than half leaves the rest to the other.
    let for_client = room.saturating_sub(width(&server)).max(half);
    let taken = push_elided(&client, for_client, cell);
    cell.push_str(ARROW);
    push_elided(&server, room.saturating_sub(taken), cell);
}

/// A client's port is an accident, so it is left out; a server's tells what it is.
fn peer(peer: &Peer, with_port: bool, cell: &mut String) {
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
    let short = match protocol {
        "postgresql" if columns >= 8 => "postgres",
        "postgresql" => "pgsql",
        "mongodb" => "mongo",
        "memcached" => "memc",
        other => other,
    };
    push_clean(if width(protocol) <= columns { protocol } else { short }, cell);
}

/// Appends the request's name; of DNS also the name that was asked for, and with `paths` the path that was asked
/// where the name has only its route.
pub(super) fn name(request: &Request, columns: usize, paths: bool, cell: &mut String) {
    const FEWEST: usize = 12;
    push_clean(&request.name, cell);
    if let Some(Value::Text(asked)) = request.attributes.get(names::DNS_QUESTION_NAME) {
        let mut clean = String::new();
        push_clean(asked, &mut clean);
        cell.push(' ');
        push_elided(&clean, columns.saturating_sub(width(cell)), cell);
        return;
    }
    let Some(Value::Text(path)) = request.attributes.get(names::URL_PATH) else { return };
    let shown = request.name.split_once(' ').map_or(request.name.as_str(), |(_, route)| route);
    let room = columns.saturating_sub(width(cell) + 2);
    if paths && shown != path.as_str() && room >= FEWEST {
        let mut clean = String::new();
        push_clean(path, &mut clean);
        cell.push_str("  ");
        push_elided(&clean, room, cell);
    }
}

/// Appends how it ended: the error, else HTTP's code, else what DNS found, else a word. `~` says that not all of it was
/// seen.
pub(super) fn status(request: &Request, cell: &mut String) {
    let code = request.attributes.get(names::HTTP_RESPONSE_STATUS_CODE);
    if let (None, None, Some(Value::Int(count))) =
        (&request.error, request.incomplete, request.attributes.get(names::WEIR_DNS_ANSWER_COUNT))
    {
        put(cell, format_args!("{count} found"));
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

/// Bytes that the observed side sent and received; of an unknown side, those of request and response.
pub(super) fn bytes(request: &Request) -> (Size, Size) {
    let (request_bytes, response_bytes) = (Size(request.request_bytes), Size(request.response_bytes));
    match request.role {
        Role::Server => (response_bytes, request_bytes),
        Role::Client | Role::Unknown => (request_bytes, response_bytes),
    }
}

/// Appends the time it took.
pub(super) fn duration(request: &Request, cell: &mut String) {
    put(cell, format_args!("{}", Duration(request.duration)));
}

fn put(cell: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a `String` cannot fail.
    let _ = cell.write_fmt(arguments);
}
