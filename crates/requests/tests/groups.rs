//! What is asked of a multicast group is answered from other addresses: both sides' records, and what is none.

#![allow(clippy::unwrap_used)] // helpers are tests too

mod common;

use common::{SECOND, Side, analyzer};
use model::event::{Event, Open};
use model::{Direction, Request, Role};
use requests::{Analyzer, Config};

const GROUP: &str = "224.0.0.251:5353";
const ASKER: &str = "10.0.0.2:5353";
const ANSWERER: &str = "10.0.0.1:5353";

/// A message of multicast DNS for `shop.local`, type A.
fn message(id: u16, flags: u16, question: bool, answer: bool) -> Vec<u8> {
    let counts = [u16::from(question), u16::from(answer), 0, 0];
    let mut bytes: Vec<u8> =
        [[id, flags].as_slice(), &counts].concat().iter().flat_map(|n| n.to_be_bytes()).collect();
    let name = b"\x04shop\x05local\0\0\x01\0\x01";
    if question {
        bytes.extend_from_slice(name);
    }
    if answer {
        bytes.extend_from_slice(name);
        bytes.extend_from_slice(b"\0\0\0\x78\0\x04\x0a\0\0\x01");
    }
    bytes
}

fn question() -> Vec<u8> {
    message(0, 0, true, false)
}

fn answer() -> Vec<u8> {
    message(0, 0x8400, false, true)
}

/// A flow as one host has it. Its number names it, and the host's namespace is 1; `pid` 0 for who only receives.
fn flow(number: u64, local: &'static str, remote: &'static str, pid: u32) -> Side {
    Side { role: Role::Unknown, pid, command: "some", ..Side::client(number, 1, local, remote) }
}

struct Host {
    analyzer: Analyzer,
    time: u64,
}

impl Host {
    fn new() -> Self {
        let mut analyzer = analyzer(Config::default());
        analyzer.tick(1);
        Host { analyzer, time: 1000 }
    }

    /// Both ends, type, and who answered as which role, of each record that comes of it; a millisecond after what was before.
    fn moves(&mut self, flow: Side, direction: Direction, payload: &[u8]) -> Vec<String> {
        self.time += 1_000_000;
        let open = Open { role: Role::Unknown, ..flow.open(self.time) };
        self.analyzer.event(&Event::OpenDatagrams(open));
        if flow.pid != 0 {
            flow.own(&mut self.analyzer);
        }
        let chunk = model::event::Chunk { direction, ..flow.chunk(self.time, true, 0, payload) };
        self.analyzer.event(&Event::Chunk(chunk));
        self.records()
    }

    fn sends(&mut self, flow: Side, payload: &[u8]) -> Vec<String> {
        self.moves(flow, Direction::Sent, payload)
    }

    fn receives(&mut self, flow: Side, payload: &[u8]) -> Vec<String> {
        self.moves(flow, Direction::Received, payload)
    }

    fn records(&mut self) -> Vec<String> {
        let line = |request: &Request| {
            let service = request.ends.process.as_ref().map_or("?", |process| &process.service);
            let (client, server) = (&request.ends.client.endpoint, &request.ends.server.endpoint);
            let took = request.duration / 1_000_000;
            format!("{} {client} → {server}: {} by {service}, {took} ms", request.role.as_str(), request.name)
        };
        self.analyzer.take_batch(Vec::new()).iter().map(line).collect()
    }

    /// Nothing was missed, and nothing comes later.
    #[track_caller]
    fn finish(mut self) {
        for second in 1..40 {
            self.analyzer.tick(self.time + second * SECOND);
        }
        assert_eq!(self.records(), [] as [String; 0]);
        assert!(self.analyzer.counters().unparsed.is_empty(), "{:?}", self.analyzer.counters());
    }
}

const NONE: [String; 0] = [];

fn asks() -> Side {
    flow(1, ASKER, GROUP, 7)
}

/// What others say to the group.
fn hears(number: u64, from: &'static str) -> Side {
    flow(number, GROUP, from, 0)
}

#[test]
fn who_asks_is_answered_by_the_group_or_alone() {
    let expected = ["client 10.0.0.2:5353 → 10.0.0.1:5353: A by some, 2 ms"];
    let alone = flow(3, ASKER, ANSWERER, 0);
    // By Avahi, without the flag that it is the authority.
    for (by, said) in
        [(hears(2, ANSWERER), answer()), (alone, answer()), (alone, message(0, 0x8000, false, true))]
    {
        let mut host = Host::new();
        // News, before and after.
        assert_eq!(host.sends(asks(), &answer()), NONE);
        assert_eq!(host.receives(hears(2, ANSWERER), &answer()), NONE);
        assert_eq!(host.sends(asks(), &question()), NONE);
        // It comes back to oneself, and so does what one says oneself.
        assert_eq!(host.receives(hears(4, ASKER), &question()), NONE);
        assert_eq!(host.receives(by, &said), expected);
        assert_eq!(host.receives(by, &said), NONE, "a second answer");
        assert_eq!(host.sends(asks(), &answer()), NONE);
        host.finish();
    }
}

#[test]
fn who_answers() {
    for to in [flow(2, ANSWERER, GROUP, 8), flow(3, ANSWERER, ASKER, 8)] {
        let mut host = Host::new();
        assert_eq!(host.sends(to, &answer()), NONE);
        assert_eq!(host.receives(hears(1, ASKER), &question()), NONE);
        // Another one answers first: that is no request of this host.
        assert_eq!(host.receives(hears(4, "10.0.0.3:5353"), &answer()), NONE);
        let expected = ["server 10.0.0.2:5353 → 10.0.0.1:5353: A by some, 2 ms"];
        assert_eq!(host.sends(to, &answer()), expected);
        assert_eq!(host.sends(to, &answer()), NONE);
        host.finish();
    }
}

#[test]
fn an_answer_to_the_group_is_one_to_all_that_asked() {
    let mut host = Host::new();
    assert_eq!(host.receives(hears(1, ASKER), &question()), NONE);
    assert_eq!(host.receives(hears(2, "10.0.0.3:5353"), &question()), NONE);
    // From a port of its own the group is not heard.
    assert_eq!(host.receives(hears(3, "10.0.0.4:40000"), &question()), NONE);
    let mut seen = host.sends(flow(9, ANSWERER, GROUP, 8), &answer());
    seen.sort();
    assert_eq!(
        seen,
        [
            "server 10.0.0.2:5353 → 10.0.0.1:5353: A by some, 3 ms",
            "server 10.0.0.3:5353 → 10.0.0.1:5353: A by some, 2 ms"
        ]
    );
    host.finish();
}

/// A query with an id, from a port of its own: as of dig.
#[test]
fn a_plain_query() {
    let (asked, answered) = (message(7, 0x0100, true, false), message(7, 0x8500, true, true));
    let mut host = Host::new();
    assert_eq!(host.sends(flow(1, "10.0.0.2:40000", GROUP, 7), &asked), NONE);
    // Not to this port, and not from the group's.
    assert_eq!(host.receives(hears(2, ANSWERER), &answer()), NONE);
    assert_eq!(
        host.receives(flow(3, "10.0.0.2:40000", ANSWERER, 0), &answered),
        ["client 10.0.0.2:40000 → 10.0.0.1:5353: A by some, 2 ms"]
    );
    // One after the other answers.
    assert_eq!(host.receives(flow(4, "10.0.0.2:40000", "10.0.0.3:5353", 0), &answered), NONE);
    let mut host = Host::new();
    assert_eq!(host.receives(hears(1, "10.0.0.2:40000"), &asked), NONE);
    assert_eq!(
        host.sends(flow(2, ANSWERER, "10.0.0.2:40000", 8), &answered),
        ["server 10.0.0.2:40000 → 10.0.0.1:5353: A by some, 1 ms"]
    );
    host.finish();
    // Nobody answers, for nobody has to.
    let mut host = Host::new();
    assert_eq!(host.sends(flow(1, "10.0.0.2:40000", GROUP, 7), &asked), NONE);
    host.finish();
}

#[test]
fn on_several_networks_the_nearest_is_answered() {
    let mut host = Host::new();
    for asking in
        [flow(1, "172.17.0.1:5353", GROUP, 7), flow(2, ASKER, GROUP, 7), flow(3, "127.0.0.1:5353", GROUP, 7)]
    {
        assert_eq!(host.sends(asking, &question()), NONE);
    }
    let seen = host.receives(hears(4, ANSWERER), &answer());
    assert_eq!(seen, ["client 10.0.0.2:5353 → 10.0.0.1:5353: A by some, 2 ms"]);
    host.finish();
}

/// On both networks a program asks whether a name is free, tells that it has it, and hears all that.
#[test]
fn what_one_says_oneself_is_no_answer() {
    let other = "172.17.0.1:5353";
    let mut host = Host::new();
    for said in [question(), answer()] {
        for (number, own) in [ASKER, other].into_iter().enumerate() {
            let number = number as u64;
            assert_eq!(host.sends(flow(1 + number, own, GROUP, 7), &said), NONE);
            assert_eq!(host.receives(hears(3 + number, own), &said), NONE);
        }
    }
    // A program with a port of its own may ask the one beside it.
    let asked = message(7, 0x0100, true, false);
    assert_eq!(host.sends(flow(5, "10.0.0.2:40000", GROUP, 9), &asked), NONE);
    assert_eq!(host.receives(hears(6, "10.0.0.2:40000"), &asked), NONE);
    let answered = message(7, 0x8500, true, true);
    assert_eq!(
        host.sends(flow(7, ASKER, "10.0.0.2:40000", 7), &answered),
        ["server 10.0.0.2:40000 → 10.0.0.2:5353: A by some, 1 ms"]
    );
    host.finish();
}

#[test]
fn ipv6() {
    let (group, asker, answerer) = ("[ff02::fb]:5353", "[fe80::2]:5353", "[fe80::1]:5353");
    let mut host = Host::new();
    assert_eq!(host.sends(flow(1, asker, group, 7), &question()), NONE);
    let seen = host.receives(flow(2, group, answerer, 0), &answer());
    assert_eq!(seen, ["client [fe80::2]:5353 → [fe80::1]:5353: A by some, 1 ms"]);
    host.finish();
}

/// More than are remembered wait at once: the earliest are forgotten, and counted.
#[test]
fn too_many_askers() {
    let mut host = Host::new();
    let askers: Vec<&'static str> = (1..=80).map(|number| &*format!("10.0.1.{number}:5353").leak()).collect();
    for (number, asker) in askers.iter().enumerate() {
        host.receives(hears(10 + number as u64, asker), &question());
    }
    let seen = host.sends(flow(1, ANSWERER, GROUP, 8), &answer());
    assert_eq!(seen.len(), 64);
    assert_eq!(host.analyzer.counters().forgotten_waiting, 16);
    // Those that wait no more make room.
    for (number, asker) in askers.iter().enumerate().take(64) {
        host.receives(hears(10 + number as u64, asker), &question());
    }
    assert_eq!(host.analyzer.counters().forgotten_waiting, 16);
    host.finish();
}
