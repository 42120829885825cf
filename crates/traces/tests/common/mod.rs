//! Exchanges to be joined, written down shortly.

#![allow(dead_code, clippy::unwrap_used)] // each test uses some of it; the helpers of a test are tests

use model::begun::{Begun, Finished, Note};
use model::request::{Ends, Peer};
use model::trace::{Ids, Place};
use model::{Attributes, ConnectionId, Endpoint, Nanos, Request, Role, names};
use traces::{Config, Joiner};

pub(crate) const MS: Nanos = 1_000_000;
/// The wall clock is so far ahead.
pub(crate) const WALL: u64 = 1_700_000_000_000_000_000;

/// One side of an exchange: what is not said is as in [`client`] and [`server`].
#[derive(Debug, Clone)]
pub(crate) struct Side {
    pub(crate) begun: Begun,
    pub(crate) answered: Nanos,
    pub(crate) ended: Nanos,
    pub(crate) by: u32,
    pub(crate) status: i64,
    /// By which a test finds it: its request's name.
    pub(crate) name: String,
}

fn side(name: &str, role: Role, connection: u64, (pid, tid): (u32, u32), [begin, end]: [u64; 2]) -> Side {
    let begun = Begun {
        connection: ConnectionId(connection),
        role,
        pid,
        tid,
        time: begin * MS,
        first: begin * MS,
        wall: WALL + begin * MS,
        connected: 0,
        position: begin as u32,
        wire: 0,
        key: 0,
        ids: Ids::default(),
    };
    let (answered, ended) = (end * MS, end * MS);
    Side { begun, answered, ended, by: tid, status: 200, name: name.into() }
}

/// Asked by a thread, from one time to another: milliseconds.
pub(crate) fn client(name: &str, connection: u64, who: (u32, u32), times: [u64; 2]) -> Side {
    side(name, Role::Client, connection, who, times)
}

/// Served by a thread.
pub(crate) fn server(name: &str, connection: u64, who: (u32, u32), times: [u64; 2]) -> Side {
    side(name, Role::Server, connection, who, times)
}

impl Side {
    /// The connection's number at both ends, and where the request is.
    pub(crate) fn wire(mut self, wire: u64, position: u32) -> Self {
        (self.begun.wire, self.begun.position) = (wire, position);
        self
    }

    pub(crate) fn key(mut self, key: u64) -> Self {
        self.begun.key = key;
        self
    }

    pub(crate) fn ids(mut self, ids: Ids) -> Self {
        self.begun.ids = ids;
        self
    }

    pub(crate) fn by(mut self, tid: u32) -> Self {
        self.by = tid;
        self
    }

    pub(crate) fn status(mut self, status: i64) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn connected(mut self, time: u64) -> Self {
        self.begun.connected = time * MS;
        self
    }

    pub(crate) fn read(mut self, time: u64) -> Self {
        self.begun.time = time * MS;
        self
    }

    pub(crate) fn finished(&self) -> (Request, Finished) {
        let peer = |port| Peer { endpoint: Endpoint::ip("127.0.0.1".parse().unwrap(), port), service: None };
        let mut attributes = Attributes::default();
        if self.begun.key != 0 {
            attributes.int(names::HTTP_RESPONSE_STATUS_CODE, self.status);
        }
        let request = Request {
            time: self.begun.wall,
            duration: self.ended - self.begun.first,
            role: self.begun.role,
            protocol: "http",
            name: self.name.as_str().into(),
            error: (self.status >= 500).then(|| self.status.to_string().into()),
            ends: Ends { client: peer(1), server: peer(2), process: None }.into(),
            tid: self.begun.tid,
            request_bytes: 0,
            response_bytes: 0,
            attributes,
            connection: self.begun.connection,
            waiting: false,
            incomplete: None,
            place: None,
            sequence: Some(self.begun.position),
        };
        let finished =
            Finished { begun: self.begun, answered: self.answered, ended: self.ended, by: self.by };
        (request, finished)
    }
}

/// What is told, in the order in which the agent would hear of it: a beginning when it happens, the rest at the end.
#[derive(Debug, Clone)]
pub(crate) enum Told {
    Note(Note),
    End(Side),
}

/// The times at which a joiner is told of these.
pub(crate) fn told(sides: &[Side]) -> Vec<(Nanos, Told)> {
    let mut all = Vec::new();
    for side in sides {
        all.push((side.begun.time, Told::Note(Note::Begun(side.begun))));
        all.push((side.answered, Told::Note(Note::Answered(side.begun.connection, side.answered))));
        all.push((side.ended, Told::End(side.clone())));
    }
    all.sort_by_key(|(time, _)| *time);
    all
}

/// Tells a joiner all of it, and has it go on every 10 ms.
pub(crate) fn run(joiner: &mut Joiner, all: Vec<(Nanos, Told)>) -> Vec<Request> {
    let mut out = Vec::new();
    let mut next = 0;
    for (time, told) in all {
        while next + 10 * MS < time {
            next += 10 * MS;
            joiner.advance(next, &mut out);
        }
        match told {
            Told::Note(note) => joiner.note(note),
            Told::End(side) => {
                let (request, finished) = side.finished();
                joiner.finished(request, finished, &mut out);
            }
        }
    }
    joiner.end(&mut out);
    out
}

/// The joins of these: `child <evidence parent`, sorted; what is in no trace, alone.
pub(crate) fn joins_of(out: &[Request]) -> Vec<String> {
    let find = |trace: i64, span: u32| {
        let is_it = |place: Place| (place.trace, place.span) == (trace, span);
        out.iter().find(|request| request.place.is_some_and(is_it)).map_or("nobody", |request| &request.name)
    };
    let mut joins: Vec<String> = out
        .iter()
        .map(|request| match request.place.map(|place| (place.trace, place.parent)) {
            Some((trace, Some((parent, by)))) => {
                format!("{} {} {}", request.name, by.as_str(), find(trace, parent))
            }
            Some((_, None)) => format!("{} first", request.name),
            None => format!("{} alone", request.name),
        })
        .collect();
    joins.sort();
    joins
}

/// The joins that a new joiner finds.
pub(crate) fn joins(sides: &[Side]) -> Vec<String> {
    joins_of(&run(&mut Joiner::new(Config::default()), told(sides)))
}
