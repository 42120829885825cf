//! Events as the kernel side tells them.

#![allow(dead_code, clippy::unwrap_used)] // each test takes what it needs

use model::event::{Chunk, Event, Instruction, Open, Owner};
use model::{ConnectionId, Direction, Endpoint, Request, Role};
use requests::{Analyzer, Config};
use workload::{Limits, Listeners, NoNames, Processes, Source, UnixSockets};

pub(crate) const SECOND: u64 = 1_000_000_000;
pub(crate) const REQUEST: &[u8] = b"GET /users/7 HTTP/1.1\r\nHost: shop.example\r\n\r\n";
pub(crate) const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

pub(crate) fn analyzer(config: Config) -> Analyzer {
    let processes =
        Processes::new(Source::Recorded, workload::Config::default(), Box::new(NoNames), Limits::default());
    Analyzer::new(config, processes, (Listeners::new(None), UnixSockets::new(None)))
}

/// One end of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Side {
    pub(crate) id: ConnectionId,
    pub(crate) role: Role,
    pub(crate) netns: u32,
    pub(crate) local: &'static str,
    pub(crate) remote: &'static str,
    pub(crate) pid: u32,
    pub(crate) command: &'static str,
}

impl Side {
    /// A client of what listens at port 80 of `server`.
    pub(crate) fn client(number: u64, netns: u32, local: &'static str, remote: &'static str) -> Self {
        let command = ["cli-0", "cli-1", "cli-2", "cli-3"][netns as usize % 4];
        Side {
            id: ConnectionId(number << 8),
            role: Role::Client,
            netns,
            local,
            remote,
            pid: 100 + netns,
            command,
        }
    }

    /// The same connection as its server has it.
    pub(crate) fn server(number: u64, netns: u32, local: &'static str, remote: &'static str) -> Self {
        let command = ["svc-0", "svc-1", "svc-2", "svc-3"][netns as usize % 4];
        Side { role: Role::Server, pid: 200 + netns, command, ..Side::client(number, netns, local, remote) }
    }

    pub(crate) fn open(&self, time: u64) -> Open {
        let endpoint = |text: &str| Endpoint::Ip(text.parse().unwrap());
        Open {
            connection: self.id,
            time,
            role: self.role,
            local: endpoint(self.local),
            remote: endpoint(self.remote),
            netns: self.netns,
            from_start: true,
            peer: None,
            inode: 0,
        }
    }

    /// Tells of the connection and its process.
    pub(crate) fn announce(&self, time: u64, analyzer: &mut Analyzer) {
        analyzer.event(&Event::Open(self.open(time)));
        self.own(analyzer);
    }

    pub(crate) fn own(&self, analyzer: &mut Analyzer) {
        analyzer.event(&Event::Owner(Owner {
            connection: self.id,
            pid: self.pid,
            cgroup: 1,
            command: self.command.into(),
        }));
    }

    /// What moves when the client speaks, and when the server does.
    pub(crate) fn direction(&self, of_client: bool) -> Direction {
        if (self.role == Role::Client) == of_client { Direction::Sent } else { Direction::Received }
    }

    pub(crate) fn chunk<'a>(
        &self,
        time: u64,
        of_client: bool,
        position: u32,
        payload: &'a [u8],
    ) -> Chunk<'a> {
        Chunk {
            connection: self.id,
            time,
            direction: self.direction(of_client),
            position,
            previous_end: position,
            length: payload.len() as u32,
            pid: self.pid,
            tid: self.pid,
            payload,
        }
    }

    /// The `number`th request and its response, from 0.
    pub(crate) fn exchange(&self, time: u64, number: u32, analyzer: &mut Analyzer) -> Vec<Request> {
        let (asked, answered) = (number * REQUEST.len() as u32, number * RESPONSE.len() as u32);
        analyzer.event(&Event::Chunk(self.chunk(time, true, asked, REQUEST)));
        analyzer.event(&Event::Chunk(self.chunk(time + 1, false, answered, RESPONSE)));
        analyzer.take_batch(Vec::new())
    }
}

/// Tells of chunks, each with its place in its direction.
pub(crate) struct Feeder {
    pub(crate) side: Side,
    pub(crate) time: u64,
    pub(crate) ends: [u32; 2],
    pub(crate) analyzer: Analyzer,
}

impl Feeder {
    pub(crate) fn new(side: Side) -> Self {
        let mut analyzer = analyzer(Config::default());
        side.announce(1, &mut analyzer);
        Feeder { side, time: 10, ends: [0; 2], analyzer }
    }

    /// `length` bytes of which `shown` are the first.
    pub(crate) fn moved(&mut self, of_client: bool, shown: &[u8], length: usize) {
        let end = &mut self.ends[usize::from(of_client)];
        let chunk = self.side.chunk(self.time, of_client, *end, shown);
        self.analyzer.event(&Event::Chunk(Chunk { length: length as u32, ..chunk }));
        *end += length as u32;
        self.time += 10;
    }

    pub(crate) fn says(&mut self, bytes: &[u8]) {
        self.moved(true, bytes, bytes.len());
    }

    pub(crate) fn hears(&mut self, bytes: &[u8]) {
        self.moved(false, bytes, bytes.len());
    }

    pub(crate) fn requests(&mut self) -> Vec<Request> {
        self.analyzer.take_batch(Vec::new())
    }
}

/// `client → server`, by the names of their services.
pub(crate) fn names(requests: &[Request]) -> String {
    let name = |service: &Option<std::sync::Arc<str>>| service.as_deref().unwrap_or("?").to_owned();
    let names: Vec<String> = requests
        .iter()
        .map(|request| {
            format!("{} → {}", name(&request.ends.client.service), name(&request.ends.server.service))
        })
        .collect();
    names.join(", ")
}

pub(crate) fn instructions(analyzer: &mut Analyzer) -> Vec<(ConnectionId, Instruction)> {
    analyzer.take_instructions().collect()
}
