//! Finished exchanges into records: whose they are, and what their outcome means on this side.

use std::sync::Arc;

use model::request::{Ends, Request};
use model::time::ClockReading;
use model::{Attributes, ConnectionId, Direction, Nanos, Party, Role, Text, names};
use protocols::{CutBy, Exchange, Half, Outcome, Protocol};

use crate::connection::Connection;
use crate::front::Behind;
use crate::groups;

/// The record of `exchange` as this side saw it: what was asked on one connection and answered on another, or nearly always on
/// the same. `None` where the exchange never came to an end because nobody watched any more, or nobody had to
/// answer.
pub(crate) fn request(
    exchange: &mut Exchange,
    protocol: Protocol,
    (connection, answering): (&Connection, &Connection),
    ends: &Arc<Ends>,
    (cut_at, clock): (Nanos, &ClockReading),
) -> Option<Request> {
    if matches!(exchange.outcome, Outcome::Cut(..)) && groups::role(&connection.open).is_some() {
        return None;
    }
    let halves = [exchange.request, exchange.response];
    let moment = moment(&exchange.outcome, halves, connection.role, cut_at)?;
    let here = if connection.role == Role::Server { answering } else { connection };
    Some(Request {
        time: clock.wall_at(moment.first),
        duration: moment.last - moment.first,
        role: connection.role,
        protocol: protocol.name(),
        // To move all of it would take as long as to make the record.
        name: std::mem::take(&mut exchange.name),
        error: moment.error,
        ends: Arc::clone(ends),
        tid: thread(here, connection.role),
        request_bytes: exchange.request.bytes,
        response_bytes: exchange.response.bytes,
        attributes: std::mem::take(&mut exchange.attributes),
        connection: connection.id(),
        waiting: exchange.waiting,
        incomplete: exchange.incomplete,
        place: None,
        sequence: None,
    })
}

/// When an exchange happened, as one side saw it, and how it came out there.
#[derive(Debug)]
pub(crate) struct Moment {
    first: Nanos,
    last: Nanos,
    error: Option<Text>,
}

fn moment(outcome: &Outcome, [request, response]: [Half; 2], role: Role, cut_at: Nanos) -> Option<Moment> {
    // A response may be shown before its request's last byte; a duration is never negative.
    let cut = if matches!(outcome, Outcome::Cut(..)) { cut_at } else { 0 };
    let last = response.last.max(request.last).max(cut).max(request.first);
    Some(Moment { first: request.first, last, error: error(outcome, role)? })
}

/// The end that is not read: its records are those of the other one, but for who and when.
#[derive(Debug)]
pub(crate) struct Twin {
    connection: ConnectionId,
    role: Role,
    tid: u32,
    ends: Arc<Ends>,
}

impl Twin {
    pub(crate) fn new(connection: &Connection, ends: Arc<Ends>) -> Twin {
        let tid = thread(connection, connection.role);
        Twin { connection: connection.id(), role: connection.role, tid, ends }
    }

    /// When an exchange happened here: its halves were seen then.
    pub(crate) fn moment(&self, exchange: &Exchange, halves: [Half; 2], cut_at: Nanos) -> Option<Moment> {
        moment(&exchange.outcome, halves, self.role, cut_at)
    }

    /// The record of what the other end's record tells.
    pub(crate) fn record(&self, other: &Request, moment: Moment, clock: &ClockReading) -> Request {
        Request {
            time: clock.wall_at(moment.first),
            duration: moment.last - moment.first,
            role: self.role,
            protocol: other.protocol,
            name: other.name.clone(),
            error: moment.error,
            ends: Arc::clone(&self.ends),
            tid: self.tid,
            request_bytes: other.request_bytes,
            response_bytes: other.response_bytes,
            attributes: other.attributes.clone(),
            connection: self.connection,
            waiting: other.waiting,
            incomplete: other.incomplete,
            place: None,
            sequence: None,
        }
    }
}

/// Adds the client behind the proxy.
pub(crate) fn client_behind(behind: &Behind, attributes: &mut Attributes) {
    attributes.text(names::CLIENT_ADDRESS, behind.address.clone());
    if let Some(port) = behind.port {
        attributes.int(names::CLIENT_PORT, port);
    }
}

/// The thread that read (server) or wrote (client) the request.
fn thread(connection: &Connection, role: Role) -> u32 {
    let Some(process) = &connection.process else { return 0 };
    let asked = if role == Role::Server { Direction::Received } else { Direction::Sent };
    // On Unix sockets only the reader is seen, so that a client's thread is the one that reads the response.
    let movers = [connection.movers[asked.index()], connection.movers[asked.other().index()]];
    movers.iter().find(|(pid, _)| *pid == process.pid).map_or(process.pid, |(_, tid)| *tid)
}

/// The `error.type` on this side; `None` for an exchange that is no request.
fn error(outcome: &Outcome, role: Role) -> Option<Option<Text>> {
    let word = |word: &'static str| Some(Some(Text::const_new(word)));
    match outcome {
        Outcome::Ok => Some(None),
        Outcome::Error(kind) => Some(Some(kind.clone())),
        Outcome::ErrorForClient(kind) => Some((role == Role::Client).then(|| kind.clone())),
        Outcome::Cut(_, CutBy::Forgotten) => None,
        Outcome::Cut(_, CutBy::TimedOut) => word("timeout"),
        // Who asked went away before the answer: its own patience was over.
        Outcome::Cut(Party::Client, _) if role == Role::Client => word("timeout"),
        Outcome::Cut(_, CutBy::Close) => word("closed"),
        Outcome::Cut(_, CutBy::Reset) => word("reset"),
    }
}
