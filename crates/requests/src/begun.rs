//! Requests that begin: noted where traces are put together.

use model::begun::{Begun, Finished, Note};
use model::event::{Chunk, Read};
use model::time::ClockReading;
use model::trace;
use model::{ConnectionId, Endpoint, Nanos, Party, Request, Role, Value, names};
use protocols::{Conversation, Exchange, Outstanding};

use crate::connection::{Connection, Phase};
use crate::detect;

/// What is noted, until somebody takes it.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// Somebody will.
    pub(crate) wanted: bool,
    pub(crate) notes: Vec<Note>,
    /// One for each request of the batch.
    pub(crate) finished: Vec<Finished>,
}

/// What was noted last of a connection.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Noted {
    asked: Option<(Nanos, u32)>,
    answered: bool,
}

impl Connection {
    /// Notes what a chunk began, which was read now; `read` has the time of that where the chunk has another.
    pub(crate) fn note(
        &mut self,
        chunk: &Chunk<'_>,
        read: Read,
        clock: &ClockReading,
        notes: &mut Vec<Note>,
    ) {
        let Phase::Talking { own, conversation } = &self.phase else { return };
        let Some(outstanding) = conversation.outstanding() else { return };
        let asks = detect::speaker(*own, chunk.direction) == Party::Client;
        let place = (outstanding.first, outstanding.position);
        if self.noted.asked != Some(place) {
            let is_first = self.noted.asked.is_none();
            self.noted = Noted { asked: Some(place), answered: false };
            let mut begun = self.begun(&outstanding, clock);
            if self.role == Role::Server {
                let was_read = if read.connection == chunk.connection { read.time } else { chunk.time };
                // Of several at once, one is looked at when the one before it is done.
                begun.time = if asks { was_read } else { chunk.time };
            } else if is_first {
                begun.connected = self.connected();
            }
            notes.push(Note::Begun(begun));
        } else if !asks && !self.noted.answered && outstanding.key != 0 {
            self.noted.answered = true;
            notes.push(Note::Answered(self.id(), chunk.time));
        }
    }

    fn begun(&self, asked: &Outstanding, clock: &ClockReading) -> Begun {
        let (pid, tid) = self.mover(self.role == Role::Server);
        Begun {
            connection: self.id(),
            role: self.role,
            pid,
            tid,
            time: asked.first,
            first: asked.first,
            wall: clock.wall_at(asked.first),
            connected: 0,
            position: asked.position,
            wire: self.wire(),
            key: asked.key,
            ids: asked.ids,
        }
    }

    /// Process and thread that last moved bytes in a direction; no thread where another process did.
    fn mover(&self, received: bool) -> (u32, u32) {
        let Some(process) = &self.process else { return (0, 0) };
        let (pid, tid) = self.movers[usize::from(received)];
        (process.pid, if pid == process.pid { tid } else { 0 })
    }

    /// When a client asked for its connection: ids are made then, and have the time in their upper bits.
    fn connected(&self) -> Nanos {
        let is_known = self.open.from_start && !self.datagrams && matches!(self.open.local, Endpoint::Ip(_));
        if is_known { self.id().0 >> 8 } else { 0 }
    }

    /// Of addresses, or of Unix sockets, which have none, the ids.
    fn wire(&self) -> u64 {
        let [client, server] = match (&self.open.local, self.open.peer) {
            (Endpoint::Ip(_), _) => self.keys,
            (Endpoint::Unix(_), Some(peer)) => [self.id().0, peer.0],
            (Endpoint::Unix(_), None) => return 0,
        };
        let (client, server) = if self.role == Role::Server { (server, client) } else { (client, server) };
        (client.rotate_left(23) ^ server).wrapping_mul(0x9e37_79b9_7f4a_7c15).max(1)
    }

    /// Where a request's first byte stands by TCP's numbers.
    pub(crate) fn sequence(&self, position: u32) -> Option<u32> {
        (!self.datagrams && matches!(self.open.local, Endpoint::Ip(_))).then_some(position)
    }
}

/// What the record of an exchange does not tell.
pub(crate) fn finished(
    connection: &Connection,
    exchange: &Exchange,
    request: &Request,
    clock: &ClockReading,
) -> Finished {
    let outstanding = Outstanding { key: key(request), ..Outstanding::from(&exchange.request) };
    let mut begun = connection.begun(&outstanding, clock);
    if begun.tid == 0 && begun.pid != 0 {
        begun.tid = request.tid;
    }
    Finished {
        begun,
        answered: exchange.response.first,
        ended: exchange.request.first + request.duration,
        by: connection.mover(connection.role != Role::Server).1,
    }
}

fn key(request: &Request) -> u64 {
    let method = request.attributes.get(names::HTTP_REQUEST_METHOD);
    match (method, request.attributes.get(names::URL_PATH)) {
        (Some(Value::Word(method)), Some(Value::Text(path))) => trace::key(method, path),
        _ => 0,
    }
}

/// Nothing was read yet.
pub(crate) const NO_READ: Read = Read { connection: ConnectionId(0), time: 0 };
