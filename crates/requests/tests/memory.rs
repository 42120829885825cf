//! A hundred thousand connections fit into 200 MB. A test of its own, because it looks at the whole process.

#![allow(clippy::unwrap_used)]

use std::net::{IpAddr, Ipv4Addr};

use model::event::{Chunk, Event, Open, Owner};
use model::{ConnectionId, Direction, Endpoint, Role};
use requests::{Analyzer, Config};
use workload::{Limits, Listeners, NoNames, Processes, Source, UnixSockets};

const CONNECTIONS: u64 = 100_000;
const MOST_BYTES: u64 = 200 << 20;
const REQUEST: &[u8] = b"GET /users/7 HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: test\r\n\r\n";
const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
/// A request that is not whole: the connection has to keep it.
const HALF: &[u8] = b"GET /users/8 HTTP/1.1\r\nHost: shop";

#[test]
fn a_hundred_thousand_connections_fit_into_200_mb() {
    let processes =
        Processes::new(Source::Recorded, workload::Config::default(), Box::new(NoNames), Limits::default());
    let mut analyzer =
        Analyzer::new(Config::default(), processes, (Listeners::new(None), UnixSockets::new(None)));
    let before = resident_bytes();
    let mut requests = 0;
    for number in 0..CONNECTIONS {
        let id = ConnectionId(number << 8);
        analyzer.event(&Event::Open(open(id, number)));
        let owner = Owner { connection: id, pid: 7, cgroup: 1, command: "nginx".into() };
        analyzer.event(&Event::Owner(owner));
        let end = REQUEST.len() as u32;
        analyzer.event(&chunk(id, Direction::Received, 0, REQUEST));
        analyzer.event(&chunk(id, Direction::Sent, 0, RESPONSE));
        analyzer.event(&chunk(id, Direction::Received, end, HALF));
        requests += analyzer.take_batch(Vec::new()).len() as u64;
        analyzer.take_instructions().count();
    }
    let used = resident_bytes() - before;
    println!("{} bytes for each of {CONNECTIONS} connections", used / CONNECTIONS);
    assert_eq!(requests, CONNECTIONS);
    assert_eq!(analyzer.connections() as u64, CONNECTIONS);
    assert!(used < MOST_BYTES, "{used} bytes for {CONNECTIONS} connections");
}

fn open(connection: ConnectionId, number: u64) -> Open {
    let address = |host: u64| IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + host as u32));
    Open {
        connection,
        time: number,
        role: Role::Server,
        local: Endpoint::ip(address(1), 80),
        remote: Endpoint::ip(address(2 + number / 50_000), (10_000 + number % 50_000) as u16),
        netns: 1,
        from_start: true,
        peer: None,
        inode: 0,
    }
}

fn chunk(connection: ConnectionId, direction: Direction, position: u32, payload: &[u8]) -> Event<'_> {
    Event::Chunk(Chunk {
        connection,
        time: 1_000_000 + u64::from(position),
        direction,
        position,
        previous_end: position,
        length: payload.len() as u32,
        pid: 7,
        tid: 7,
        payload,
    })
}

fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}
