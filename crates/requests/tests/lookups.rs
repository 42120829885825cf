//! The other end of a connection goes by the name that DNS led to it by, unless it is on this host.

#![allow(clippy::unwrap_used)]

mod common;

use common::{SECOND, Side, analyzer, names};
use model::event::Event;
use model::{ConnectionId, Request};
use requests::{Analyzer, Config};

const REMOTE: &str = "192.0.2.7:80";
const NAME: &str = "api.example";

/// A query for the address of `name`; the response, too, begins so.
fn question(id: u16, flags: [u8; 2], answers: u8, name: &str) -> Vec<u8> {
    let mut message = id.to_be_bytes().to_vec();
    message.extend(flags);
    message.extend([0, 1, 0, answers, 0, 0, 0, 0]);
    for label in name.split('.') {
        message.push(label.len() as u8);
        message.extend(label.bytes());
    }
    message.extend([0, 0, 1, 0, 1]);
    message
}

fn answer(id: u16, name: &str, address: [u8; 4]) -> Vec<u8> {
    let mut message = question(id, [0x81, 0x80], 1, name);
    message.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
    message.extend(address);
    message
}

/// One side of a host, and what goes on there.
struct Host {
    analyzer: Analyzer,
    time: u64,
    number: u64,
}

impl Host {
    fn new() -> Self {
        Host { analyzer: analyzer(Config::default()), time: 10, number: 100 }
    }

    fn moment(&mut self) -> u64 {
        self.time += 10;
        self.number += 1;
        self.time
    }

    /// `side` asks a name server, or answers as one, in datagrams or over TCP.
    fn resolves(&mut self, side: Side, datagrams: bool, name: &str, address: [u8; 4]) -> Vec<Request> {
        let time = self.moment();
        let side = Side { id: ConnectionId(self.number << 8), ..side };
        let open = side.open(time);
        let frame = |message: Vec<u8>| match datagrams {
            true => message,
            false => [&(message.len() as u16).to_be_bytes(), &message[..]].concat(),
        };
        self.analyzer.event(&if datagrams { Event::OpenDatagrams(open) } else { Event::Open(open) });
        side.own(&mut self.analyzer);
        let asked = frame(question(7, [1, 0], 0, name));
        self.analyzer.event(&Event::Chunk(side.chunk(time + 1, true, 0, &asked)));
        let answered = frame(answer(7, name, address));
        self.analyzer.event(&Event::Chunk(side.chunk(time + 2, false, 0, &answered)));
        let records = self.analyzer.take_batch(Vec::new());
        assert_eq!(records.len(), 1, "an exchange");
        records
    }

    /// A new connection of `side`, and who talks to whom on it.
    fn calls(&mut self, side: Side) -> String {
        let side = self.opens(side);
        let time = self.moment();
        names(&side.exchange(time, 0, &mut self.analyzer))
    }

    fn opens(&mut self, side: Side) -> Side {
        let time = self.moment();
        let side = Side { id: ConnectionId(self.number << 8), ..side };
        side.announce(time, &mut self.analyzer);
        side
    }
}

/// The process of the same namespace's client asks the name server.
fn resolver(netns: u32) -> Side {
    Side::client(0, netns, "10.0.0.2:50000", "10.0.0.53:53")
}

fn client(netns: u32) -> Side {
    Side::client(0, netns, "10.0.0.2:40000", REMOTE)
}

const ADDRESS: [u8; 4] = [192, 0, 2, 7];

#[test]
fn by_its_name_in_datagrams_and_over_tcp() {
    for datagrams in [true, false] {
        let mut host = Host::new();
        assert_eq!(host.calls(client(1)), "cli-1 → ?", "not asked for yet");
        host.resolves(resolver(1), datagrams, "API.example", ADDRESS);
        assert_eq!(host.calls(client(1)), "cli-1 → api.example");
        // Who calls from there goes by it too.
        let server = Side::server(0, 1, "10.0.0.2:80", "192.0.2.7:40001");
        assert_eq!(host.calls(server), "api.example → svc-1");
        // Another address, and another namespace.
        assert_eq!(host.calls(Side::client(0, 1, "10.0.0.2:40000", "192.0.2.8:80")), "cli-1 → ?");
        assert_eq!(host.calls(client(2)), "cli-2 → ?");
    }
}

#[test]
fn a_connection_keeps_the_name_by_which_it_was_opened() {
    let mut host = Host::new();
    let before = host.opens(client(1));
    host.resolves(resolver(1), true, NAME, ADDRESS);
    let side = host.opens(client(1));
    host.resolves(resolver(1), true, "other.example", ADDRESS);
    for (number, time) in [(0, SECOND), (1, 500 * SECOND), (2, 5000 * SECOND)] {
        assert_eq!(names(&side.exchange(time, number, &mut host.analyzer)), "cli-1 → api.example");
        assert_eq!(names(&before.exchange(time, number, &mut host.analyzer)), "cli-1 → ?");
    }
    host.time = 5000 * SECOND;
    assert_eq!(host.calls(client(1)), "cli-1 → ?", "held no more, since nobody used it");
}

#[test]
fn each_process_by_what_it_asked_for_itself() {
    let mut host = Host::new();
    let (shop, mail) = ((101, "shop"), (102, "mail"));
    let by = |side: Side, (pid, command)| Side { pid, command, ..side };
    host.resolves(by(resolver(1), shop), true, "shop.example", ADDRESS);
    host.resolves(by(resolver(1), mail), true, "mail.example", ADDRESS);
    assert_eq!(host.calls(by(client(1), shop)), "shop → shop.example");
    assert_eq!(host.calls(by(client(1), mail)), "mail → mail.example");
    assert_eq!(host.calls(by(client(1), (103, "idle"))), "idle → mail.example");
}

#[test]
fn whoever_is_on_this_host_keeps_its_own_name() {
    // In the same namespace, and in another one.
    for netns in [1, 2] {
        let mut host = Host::new();
        host.resolves(resolver(1), true, "evil.example", ADDRESS);
        let server = host.opens(Side::server(0, netns, REMOTE, "10.0.0.2:40000"));
        let asking = host.opens(client(1));
        let expected = format!("cli-1 → svc-{netns}");
        assert_eq!(names(&asking.exchange(host.time, 0, &mut host.analyzer)), expected);
        assert_eq!(names(&server.exchange(host.time, 0, &mut host.analyzer)), expected);
    }
    // Where one of several could be meant, DNS does not decide.
    let mut host = Host::new();
    host.resolves(resolver(1), true, "evil.example", ADDRESS);
    host.opens(Side::server(0, 2, REMOTE, "10.0.0.2:40000"));
    host.opens(Side::server(0, 3, REMOTE, "10.0.0.2:40000"));
    assert_eq!(host.calls(client(1)), "cli-1 → ?");
    // What is on this host, though its process is not known.
    let mut host = Host::new();
    host.resolves(resolver(1), true, "evil.example", ADDRESS);
    let unnamed = Side { id: ConnectionId(1 << 8), ..Side::server(0, 1, REMOTE, "10.0.0.2:40000") };
    host.analyzer.event(&Event::Open(unnamed.open(1)));
    assert_eq!(host.calls(client(1)), "cli-1 → ?");
    // Loopback, also where the other end is not followed.
    let mut host = Host::new();
    host.resolves(resolver(1), true, "evil.example", [127, 0, 0, 1]);
    assert_eq!(host.calls(Side::client(0, 1, "127.0.0.1:40000", "127.0.0.1:80")), "cli-1 → ?");
}

#[test]
fn what_a_server_here_answers_to_others_teaches_nothing() {
    let mut host = Host::new();
    let server = Side::server(0, 1, "10.0.0.2:53", "198.51.100.1:50000");
    host.resolves(server, true, "evil.example", ADDRESS);
    host.resolves(server, false, "evil.example", ADDRESS);
    assert_eq!(host.calls(client(1)), "cli-1 → ?");
}

#[test]
fn hostile_names_are_as_harmless_as_their_records() {
    let mut host = Host::new();
    host.resolves(resolver(1), true, "a\x1b[31m\n.example", ADDRESS);
    let shown = host.calls(client(1));
    assert!(shown.starts_with("cli-1 → a\\027[31m\\010.example"), "{shown}");
    assert_eq!(host.analyzer.counters().forgotten_names, 0);
}
