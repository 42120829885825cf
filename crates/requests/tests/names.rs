//! Who is at the other end: certain within a network namespace, likely across two, never guessed.

#![allow(clippy::unwrap_used)]

mod common;

use common::{REQUEST, RESPONSE, Side, analyzer, names};
use model::event::{End, EndCause, Event};
use requests::{Analyzer, Config};

const LOOP: (&str, &str) = ("127.0.0.1:40000", "127.0.0.1:80");
const WIRE: (&str, &str) = ("10.0.0.2:40000", "10.0.0.1:80");

fn client(number: u64, netns: u32, (client, server): (&'static str, &'static str)) -> Side {
    Side::client(number, netns, client, server)
}

fn server(number: u64, netns: u32, (client, server): (&'static str, &'static str)) -> Side {
    Side::server(number, netns, server, client)
}

/// All are open before any speaks.
fn follow(sides: &[Side]) -> (Analyzer, Vec<String>) {
    let mut analyzer = analyzer(Config::default());
    sides.iter().for_each(|side| side.announce(1, &mut analyzer));
    let found = sides.iter().map(|side| names(&side.exchange(10, 0, &mut analyzer))).collect();
    (analyzer, found)
}

#[test]
fn the_same_addresses_in_two_namespaces() {
    for addresses in [LOOP, WIRE, ("[::1]:40000", "[::1]:80"), ("[::ffff:127.0.0.1]:40000", "127.0.0.1:80")] {
        let sides = [client(1, 1, addresses), client(2, 2, addresses), server(3, 1, addresses)];
        let sides = [sides[0], sides[1], sides[2], server(4, 2, addresses)];
        let (_, found) = follow(&sides);
        assert_eq!(
            found,
            ["cli-1 → svc-1", "cli-2 → svc-2", "cli-1 → svc-1", "cli-2 → svc-2"],
            "{addresses:?}"
        );
    }
}

#[test]
fn loopback_never_leaves_its_namespace() {
    for addresses in [LOOP, ("[::1]:40000", "[::1]:80"), ("[::ffff:127.0.0.1]:40000", "127.0.0.1:80")] {
        let (_, found) = follow(&[client(1, 1, addresses), server(2, 2, addresses)]);
        assert_eq!(found, ["cli-1 → ?", "? → svc-2"], "{addresses:?}");
    }
}

#[test]
fn from_container_to_container() {
    let (_, found) = follow(&[client(1, 1, WIRE), server(2, 2, WIRE)]);
    assert_eq!(found, ["cli-1 → svc-2", "cli-1 → svc-2"]);
}

#[test]
fn two_that_could_be_meant_are_none() {
    let (_, found) = follow(&[client(1, 1, WIRE), server(2, 2, WIRE), server(3, 3, WIRE)]);
    assert_eq!(found, ["cli-1 → ?", "? → svc-2", "? → svc-3"]);
    let (_, found) = follow(&[client(1, 1, WIRE), client(2, 2, WIRE), server(3, 3, WIRE)]);
    assert_eq!(found, ["cli-1 → ?", "cli-2 → ?", "? → svc-3"]);
}

#[test]
fn what_was_likely_is_given_up_when_it_is_no_more() {
    let (asking, answering) = (client(1, 1, WIRE), server(2, 2, WIRE));
    let (mut analyzer, _) = follow(&[asking, answering]);
    server(3, 3, WIRE).announce(20, &mut analyzer);
    assert_eq!(names(&asking.exchange(30, 1, &mut analyzer)), "cli-1 → ?");
    // Gone again: there is one that can be meant.
    let id = server(3, 3, WIRE).id;
    let end = End { connection: id, time: 40, cause: EndCause::Closed, sent_end: None, received_end: None };
    analyzer.event(&Event::End(end));
    assert_eq!(names(&asking.exchange(50, 2, &mut analyzer)), "cli-1 → svc-2");
    // A name that was found outlives the end it came from.
    let end = End { connection: answering.id, time: 60, ..end };
    analyzer.event(&Event::End(end));
    assert_eq!(names(&asking.exchange(70, 3, &mut analyzer)), "cli-1 → svc-2");
}

#[test]
fn a_udp_socket_is_no_end_of_a_tcp_connection() {
    let mut analyzer = analyzer(Config::default());
    let (asking, datagrams) = (client(1, 1, WIRE), server(2, 1, WIRE));
    asking.announce(1, &mut analyzer);
    analyzer.event(&Event::OpenDatagrams(datagrams.open(1)));
    datagrams.own(&mut analyzer);
    assert_eq!(names(&asking.exchange(10, 0, &mut analyzer)), "cli-1 → ?");
}

/// The client reads the answer when the server is long gone.
#[test]
fn the_name_of_one_who_left_first() {
    let mut analyzer = analyzer(Config::default());
    let sides = [client(1, 1, WIRE), server(2, 1, WIRE)];
    sides.iter().for_each(|side| side.announce(1, &mut analyzer));
    analyzer.event(&Event::Chunk(sides[0].chunk(2, true, 0, REQUEST)));
    assert_eq!(names(&sides[1].exchange(3, 0, &mut analyzer)), "cli-1 → svc-1");
    let (sent_end, received_end) = (Some(RESPONSE.len() as u32), Some(REQUEST.len() as u32));
    let end = End { connection: sides[1].id, time: 5, cause: EndCause::Closed, sent_end, received_end };
    analyzer.event(&Event::End(end));
    assert_eq!(analyzer.connections(), 1, "the server's end is gone");
    analyzer.event(&Event::Chunk(sides[0].chunk(50, false, 0, RESPONSE)));
    assert_eq!(names(&analyzer.take_batch(Vec::new())), "cli-1 → svc-1");
}
