//! Whether programs that attached also fire: bytes of our own are moved, and must be told.

use model::event::Event;
use model::{ConnectionId, Direction, Endpoint};

use crate::backend::{Purpose, Way};
use crate::selftest::{self, Marks};
use crate::{Capture, Error, system_error};

/// On a busy host the rings may be full of others' events when ours come. So often it is tried again.
const ATTEMPTS: u32 = 20;

/// How often what was told.
#[derive(Debug, Default)]
struct Fired {
    sent: usize,
    received: usize,
    spliced: usize,
    ended: usize,
    facts: usize,
    datagrams: usize,
    processes: usize,
    flows: Vec<ConnectionId>,
    /// Our process id as the kernel side sees it.
    own: u32,
}

impl Capture {
    /// Makes the programs fire; returns our process id as the kernel side sees it.
    ///
    /// # Errors
    ///
    /// A purpose among `ways` of which nothing was seen.
    pub(crate) fn fire(&mut self, ways: &[&Way]) -> Result<u32, Error> {
        let serves = |purpose| ways.iter().any(|way| way.purpose == purpose);
        let mut attempt = 0;
        loop {
            attempt += 1;
            self.drain(u64::MAX, |_| {});
            let lost = self.losses();
            let marks = selftest::exchange().map_err(system_error("testing with a loopback connection"))?;
            if serves(Purpose::Datagrams) {
                let datagrams = selftest::exchange_datagrams(&marks);
                datagrams.map_err(system_error("testing with loopback datagrams"))?;
            }
            if serves(Purpose::UnixSpliced) {
                selftest::splice(&marks).map_err(system_error("testing with a splice"))?;
            }
            let ran = serves(Purpose::ProcessLife) && selftest::run_process();
            let mut fired = Fired::default();
            self.drain(u64::MAX, |event| fired.note(&event, &marks));
            let Some(reason) = fired.failure(serves, ran) else { return Ok(fired.own) };
            // Nothing is proved by what found no room, or by one failure.
            if attempt == ATTEMPTS || (attempt > 1 && self.losses() == lost) {
                return Err(Error::Kernel { doing: "testing the programs", reason });
            }
        }
    }
}

impl Fired {
    fn note(&mut self, event: &Event<'_>, marks: &Marks) {
        match event {
            Event::OpenDatagrams(open) => self.flows.push(open.connection),
            Event::Chunk(chunk) if chunk.payload == marks.request || chunk.payload == marks.response => {
                self.own = self.own.max(chunk.pid);
                match chunk.direction {
                    _ if self.flows.contains(&chunk.connection) => self.datagrams += 1,
                    Direction::Sent => self.sent += 1,
                    Direction::Received => self.received += 1,
                }
            }
            // What was spliced has a length and no payload.
            Event::Chunk(chunk) if chunk.payload.is_empty() && chunk.length == marks.length() => {
                self.spliced += 1
            }
            Event::End(_) => self.ended += 1,
            Event::Tcp(tcp) if marks.client.is_some_and(|client| tcp.local == Endpoint::Ip(client)) => {
                self.own = self.own.max(tcp.pid);
                self.facts += 1;
            }
            Event::Exec(_) | Event::Exit(_) => self.processes += 1,
            _ => {}
        }
    }

    /// What did not fire as often as it should, in words.
    fn failure(&self, serves: impl Fn(Purpose) -> bool, ran: bool) -> Option<String> {
        // The end of a connection is told only of one that was seen to carry bytes.
        let carried = self.sent + self.received > 0;
        let expected = [
            (Purpose::TcpSent, self.sent, 2),
            (Purpose::Received, self.received, 2),
            (Purpose::UnixSpliced, self.spliced, 1),
            (Purpose::ConnectionLife, self.ended, usize::from(carried)),
            (Purpose::ConnectionFacts, self.facts, 1),
            (Purpose::Datagrams, self.datagrams, 4),
            (Purpose::ProcessLife, self.processes, if ran { 2 } else { 0 }),
        ];
        let (_, seen, wanted) =
            expected.into_iter().find(|(purpose, seen, wanted)| serves(*purpose) && seen < wanted)?;
        Some(format!("attached, but fired {seen} times of {wanted}"))
    }
}
