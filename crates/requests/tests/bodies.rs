//! A connection with long chunked bodies, of which the kernel side shows a part here and there, is read on.

#![allow(clippy::unwrap_used)]

use std::net::{IpAddr, Ipv4Addr};

use model::event::{Chunk, Event, Instruction, Open};
use model::{ConnectionId, Direction, Endpoint, Role};
use requests::{Analyzer, Config};
use workload::{Limits, Listeners, NoNames, Processes, Source, UnixSockets};

const ID: ConnectionId = ConnectionId(1 << 8);
const ASK: &[u8] = b"POST /up HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\n";
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\n";
/// Both hold what may pass for a head that makes no sense, to be stumbled over.
const INSIDE: &[u8] =
    b"\nGET / HTTP/1.1\r\nContent-Length: x\r\n\r\nHTTP/1.1 500 E\r\nContent-Length: x\r\n\r\n";
/// What each chunk event tells of, and how many there are of a body.
const MOVED: u32 = 20_000;
const PIECES: u32 = 100;

struct Feeder {
    analyzer: Analyzer,
    time: u64,
    ends: [u32; 2],
}

impl Feeder {
    /// `length` bytes, of which the first are shown.
    fn moved(&mut self, direction: Direction, shown: &[u8], length: u32) {
        self.time += 100_000;
        let end = &mut self.ends[direction.index()];
        self.analyzer.event(&Event::Chunk(Chunk {
            connection: ID,
            time: self.time,
            direction,
            position: *end,
            previous_end: *end,
            length,
            pid: 7,
            tid: 7,
            payload: shown,
        }));
        *end += length;
    }

    fn message(&mut self, direction: Direction, head: &[u8]) {
        self.moved(direction, head, head.len() as u32);
        for _ in 0..PIECES {
            self.moved(direction, INSIDE, MOVED);
        }
    }
}

fn feeder() -> Feeder {
    let processes =
        Processes::new(Source::Recorded, workload::Config::default(), Box::new(NoNames), Limits::default());
    let analyzer =
        Analyzer::new(Config::default(), processes, (Listeners::new(None), UnixSockets::new(None)));
    let mut feeder = Feeder { analyzer, time: 0, ends: [0; 2] };
    let address = |host| IpAddr::V4(Ipv4Addr::new(10, 0, 0, host));
    feeder.analyzer.event(&Event::Open(Open {
        connection: ID,
        time: 0,
        role: Role::Server,
        local: Endpoint::ip(address(1), 80),
        remote: Endpoint::ip(address(2), 10_000),
        netns: 1,
        from_start: true,
        peer: None,
        inode: 0,
    }));
    feeder
}

/// How such a body ends is seen of the first one too, if it takes its time; what is whole at once costs nothing more.
#[test]
fn the_ends_of_a_body_that_goes_on_are_asked_for_at_its_beginning() {
    for (answer, wanted) in [
        (ANSWER, true),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", false),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nbody", false),
    ] {
        let mut feeder = feeder();
        let ask = b"GET /down HTTP/1.1\r\n\r\n";
        feeder.moved(Direction::Received, ask, ask.len() as u32);
        feeder.moved(Direction::Sent, answer, answer.len() as u32);
        let asked = feeder
            .analyzer
            .take_instructions()
            .any(|(_, told)| matches!(told, Instruction::Budget { tails: [true, false], .. }));
        assert_eq!(asked, wanted, "{}", answer.escape_ascii());
    }
}

#[test]
fn chunked_bodies_that_are_shown_in_part() {
    let mut feeder = feeder();
    for _ in 0..10 {
        feeder.message(Direction::Received, ASK);
        feeder.message(Direction::Sent, ANSWER);
    }
    let ignored = feeder.analyzer.take_instructions().any(|(_, told)| matches!(told, Instruction::Ignore));
    assert!(!ignored, "left alone");
    let requests = feeder.analyzer.take_batch(Vec::new());
    assert_eq!(requests.len(), 9, "the last one is still under way");
    let body = u64::from(MOVED * PIECES);
    for request in requests {
        let sizes = (request.request_bytes, request.response_bytes);
        assert_eq!(sizes, (ASK.len() as u64 + body, ANSWER.len() as u64 + body));
        assert_eq!((request.name.as_str(), request.incomplete), ("POST /up", None));
    }
}

/// An upload is answered early and goes on: from then on the ends of what the client sends are asked for, and so its next request is seen.
#[test]
fn a_request_behind_an_upload_that_was_answered_early() {
    const LARGE: &[u8] = b"HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n";
    const NEXT: &[u8] = b"GET /next HTTP/1.1\r\nHost: x\r\n\r\n";
    const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    let mut feeder = feeder();
    for expected in [[true, false], [false, false]] {
        feeder.moved(Direction::Received, ASK, ASK.len() as u32);
        feeder.moved(Direction::Received, b"in the middle", MOVED);
        feeder.moved(Direction::Sent, LARGE, LARGE.len() as u32);
        feeder.moved(Direction::Received, b"in the middle", MOVED);
        let asked = feeder
            .analyzer
            .take_instructions()
            .any(|(_, told)| matches!(told, Instruction::Budget { tails: [_, true], .. }));
        assert_eq!(asked, expected[0], "once");
        // Now the kernel side shows small calls whole, though they are beyond the budget.
        let last = b"data\r\n0\r\n\r\n";
        feeder.moved(Direction::Received, last, last.len() as u32);
        feeder.moved(Direction::Received, NEXT, NEXT.len() as u32);
        feeder.moved(Direction::Sent, OK, OK.len() as u32);
        let requests = feeder.analyzer.take_batch(Vec::new());
        let told: Vec<_> = requests.iter().map(|r| (r.name.as_str(), r.request_bytes)).collect();
        let upload = ASK.len() as u64 + u64::from(MOVED);
        assert_eq!(told, [("POST /up", upload), ("GET /next", NEXT.len() as u64)]);
    }
    assert!(feeder.analyzer.counters().unparsed.is_empty());
}
