//! What becomes of the end that is not read: in any order of events, whatever is lost, and however it ends.

#![allow(clippy::unwrap_used)] // helpers are tests too

mod common;

use std::net::SocketAddr;

use common::{REQUEST, RESPONSE, SECOND, Side, analyzer};
use model::event::{Chunk, End, EndCause, Event, Instruction};
use model::{ConnectionId, Direction, Request, Role};
use requests::{Analyzer, Config};

const CLIENT: &str = "10.0.0.2:40000";
const SERVER: &str = "10.0.0.1:80";
/// More than enough for a connection to be taken for one that lasts.
const SOME: u32 = 40;

struct Pair {
    client: Side,
    server: Side,
    analyzer: Analyzer,
    /// By party, the client first: how much it said.
    said: [u32; 2],
    time: u64,
    instructions: Vec<(ConnectionId, Instruction)>,
    told: Vec<Request>,
}

impl Pair {
    /// Two ends of which the server's follows by now.
    fn new() -> Pair {
        let mut pair = Pair {
            client: Side::client(1, 1, CLIENT, SERVER),
            server: Side::server(2, 1, SERVER, CLIENT),
            analyzer: analyzer(Config::default()),
            said: [0; 2],
            time: 1000,
            instructions: Vec::new(),
            told: Vec::new(),
        };
        pair.client.announce(1, &mut pair.analyzer);
        pair.server.announce(2, &mut pair.analyzer);
        for _ in 0..SOME {
            pair.exchange();
        }
        assert_eq!(pair.analyzer.counters().paired, 1);
        assert!(
            pair.instructions.contains(&(pair.server.id, Instruction::Moves { ports: 40_080 })),
            "{:?}",
            pair.instructions
        );
        assert_eq!(pair.told.len(), 2 * SOME as usize);
        pair.told.clear();
        pair
    }

    fn side(&self, of_client: bool) -> Side {
        if of_client { self.client } else { self.server }
    }

    /// One end tells of bytes that a party says; of the server's end only places are known.
    fn moves(&mut self, at_client: bool, of_client: bool, position: u32, payload: &[u8]) {
        let side = self.side(at_client);
        let shown = if at_client || self.analyzer.counters().paired == 0 { payload } else { &[] };
        let chunk = side.chunk(self.time, of_client, position, shown);
        self.analyzer.event(&Event::Chunk(Chunk { length: payload.len() as u32, ..chunk }));
        self.look();
    }

    fn look(&mut self) {
        self.time += 10;
        self.instructions.extend(self.analyzer.take_instructions());
        self.told.extend(self.analyzer.take_batch(Vec::new()));
    }

    /// A party says something; the ends tell of it in this order.
    fn says(&mut self, of_client: bool, payload: &[u8], ends: &[bool]) {
        let position = self.said[usize::from(!of_client)];
        for at_client in ends {
            self.moves(*at_client, of_client, position, payload);
        }
        self.said[usize::from(!of_client)] += payload.len() as u32;
    }

    fn exchange(&mut self) {
        self.says(true, REQUEST, &[true, false]);
        self.says(false, RESPONSE, &[false, true]);
    }

    fn ends(&mut self, of_client: bool, cause: EndCause) {
        let end = End {
            connection: self.side(of_client).id,
            time: self.time,
            cause,
            sent_end: None,
            received_end: None,
        };
        self.analyzer.event(&Event::End(end));
        self.look();
    }

    /// Begin and duration of what was told since, on a side.
    fn times(&mut self, role: Role) -> Vec<(u64, u64)> {
        let of_role = self.told.iter().filter(|request| request.role == role);
        of_role.map(|request| (request.time, request.duration)).collect()
    }
}

#[test]
fn each_side_has_its_own_times_process_and_connection() {
    let mut pair = Pair::new();
    let began = pair.time;
    pair.exchange();
    assert_eq!(pair.times(Role::Client), [(began, 30)]);
    assert_eq!(pair.times(Role::Server), [(began + 10, 10)]);
    let of = |role| pair.told.iter().find(|request| request.role == role).unwrap();
    let (client, server) = (of(Role::Client), of(Role::Server));
    assert_eq!((client.connection, server.connection), (pair.client.id, pair.server.id));
    assert_eq!((client.tid, server.tid), (101, 201));
    assert_eq!(server.ends.process.as_ref().unwrap().pid, 201);
    assert_eq!(&*server.name, "GET /users/{id}");
    assert_eq!((&server.name, &server.attributes), (&client.name, &client.attributes));
    let address: SocketAddr = CLIENT.parse().unwrap();
    assert_eq!(server.ends.client.endpoint, model::Endpoint::Ip(address));
}

#[test]
fn the_ends_may_tell_in_any_order() {
    let mut pair = Pair::new();
    // All of the client's first: the server's record waits for its own moves.
    let began = pair.time;
    let said = pair.said;
    pair.moves(true, true, said[0], REQUEST);
    pair.moves(true, false, said[1], RESPONSE);
    assert_eq!((pair.times(Role::Client).len(), pair.times(Role::Server).len()), (1, 0));
    pair.moves(false, true, said[0], REQUEST);
    pair.moves(false, false, said[1], RESPONSE);
    assert_eq!(pair.times(Role::Server), [(began + 20, 10)]);
    // All of the server's first.
    let said = [said[0] + REQUEST.len() as u32, said[1] + RESPONSE.len() as u32];
    let began = pair.time;
    pair.moves(false, true, said[0], REQUEST);
    pair.moves(false, false, said[1], RESPONSE);
    pair.moves(true, true, said[0], REQUEST);
    pair.moves(true, false, said[1], RESPONSE);
    assert_eq!(pair.times(Role::Server)[1..], [(began, 10)]);
}

#[test]
fn pipelines_and_messages_in_pieces_have_the_times_of_their_bytes() {
    let mut pair = Pair::new();
    let began = pair.time;
    let [asked, answered] = pair.said;
    let two = [REQUEST, REQUEST].concat();
    let (first, rest) = two.split_at(REQUEST.len() + 5);
    pair.moves(true, true, asked, &two);
    pair.moves(false, true, asked, first); // began + 10
    pair.moves(false, true, asked + first.len() as u32, rest); // began + 20
    pair.moves(false, false, answered, RESPONSE); // began + 30
    pair.moves(false, false, answered + RESPONSE.len() as u32, RESPONSE); // began + 40
    pair.moves(true, false, answered, &[RESPONSE, RESPONSE].concat());
    assert_eq!(pair.times(Role::Server), [(began + 10, 20), (began + 10, 30)]);
    assert_eq!(pair.times(Role::Client), [(began, 50), (began, 50)]);
}

#[test]
fn what_the_follower_lost_happened_when_the_leader_says() {
    let mut pair = Pair::new();
    let began = pair.time;
    pair.says(true, REQUEST, &[true]); // at the server its event is lost
    pair.says(false, RESPONSE, &[false, true]);
    assert_eq!(pair.times(Role::Server), [], "it may still come");
    // What follows it is held back for a while.
    let next = pair.time;
    pair.exchange();
    pair.analyzer.tick(pair.time);
    pair.analyzer.tick(pair.time + 50_000_000);
    pair.look();
    let times = pair.times(Role::Server);
    assert_eq!((times[0].0, times.len()), (began, 2), "{times:?}");
    assert_eq!(times[1], (next + 10, 10));
    // Where nothing follows it, it is waited for a little.
    pair.told.clear();
    let began = pair.time;
    pair.says(true, REQUEST, &[true, false]);
    pair.says(false, RESPONSE, &[true]);
    pair.analyzer.tick(pair.time + SECOND / 2);
    pair.look();
    assert_eq!(pair.times(Role::Server), []);
    pair.analyzer.tick(pair.time + 3 * SECOND);
    pair.look();
    assert_eq!(pair.times(Role::Server), [(began + 10, 10)]);
}

#[test]
fn what_the_leader_lost_is_lost_for_both() {
    let mut pair = Pair::new();
    pair.says(true, REQUEST, &[true, false]);
    pair.says(false, RESPONSE, &[false]);
    for _ in 0..3 {
        pair.exchange();
        pair.analyzer.tick(pair.time);
        pair.time += 50_000_000;
        pair.analyzer.tick(pair.time);
    }
    pair.look();
    assert_eq!(pair.times(Role::Client).len(), pair.times(Role::Server).len());
    assert_eq!(pair.analyzer.counters().lost_bytes, RESPONSE.len() as u64);
    assert!(pair.times(Role::Server).len() >= 2, "{:?}", pair.told);
}

/// The server answers and closes before the client has read that.
#[test]
fn a_follower_that_closed_is_told_the_rest() {
    for late in [false, true] {
        let mut pair = Pair::new();
        let began = pair.time;
        pair.says(true, REQUEST, &[true, false]);
        let position = pair.said[1];
        pair.moves(false, false, position, RESPONSE);
        pair.ends(false, EndCause::LocalFin);
        pair.ends(false, EndCause::Closed);
        assert_eq!(pair.times(Role::Server), [], "it is not known yet what it said");
        pair.moves(true, false, position, RESPONSE);
        assert_eq!(pair.times(Role::Server), [(began + 10, 10)]);
        if late {
            pair.ends(true, EndCause::RemoteFin);
        }
        pair.ends(true, EndCause::Closed);
        assert_eq!(pair.analyzer.connections(), 0);
        assert_eq!(pair.told.len(), 2);
    }
}

#[test]
fn what_is_cut_is_cut_on_both_sides() {
    let mut pair = Pair::new();
    pair.says(true, REQUEST, &[true, false]);
    pair.ends(true, EndCause::LocalFin);
    pair.ends(true, EndCause::Closed);
    pair.ends(false, EndCause::RemoteFin);
    pair.ends(false, EndCause::Closed);
    let error = |role| {
        let own = pair.told.iter().find(|request| request.role == role).unwrap();
        own.error.as_deref().map(str::to_owned)
    };
    assert_eq!(error(Role::Client).as_deref(), Some("timeout"));
    assert_eq!(error(Role::Server).as_deref(), Some("closed"));
    assert_eq!(pair.analyzer.connections(), 0);
}

#[test]
fn a_server_that_goes_on_after_its_client_was_forgotten_is_read_itself() {
    let mut pair = Pair::new();
    let server = pair.server.id;
    pair.analyzer.give_up(pair.time, |open| open.connection == server);
    pair.look();
    assert!(
        pair.instructions.contains(&(server, Instruction::Announce { wish: 2 })),
        "{:?}",
        pair.instructions
    );
    pair.server.announce(pair.time, &mut pair.analyzer);
    pair.look();
    let position = pair.said;
    for (of_client, payload) in [(true, REQUEST), (false, RESPONSE)] {
        let chunk = pair.server.chunk(pair.time, of_client, position[usize::from(!of_client)], payload);
        pair.analyzer.event(&Event::Chunk(chunk));
        pair.look();
    }
    assert_eq!(pair.times(Role::Server).len(), 1);
}

#[test]
fn what_leaves_the_protocol_leaves_it_at_both_ends() {
    let mut pair = Pair::new();
    let ask = b"GET /chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    let agree = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    pair.says(true, ask, &[true, false]);
    pair.says(false, agree, &[false, true]);
    assert_eq!(pair.told.len(), 2, "{:?}", pair.told);
    let left_alone: u64 = pair.analyzer.counters().left_alone.values().sum();
    assert_eq!(left_alone, 2);
    for id in [pair.client.id, pair.server.id] {
        assert!(pair.instructions.contains(&(id, Instruction::Ignore)), "{:?}", pair.instructions);
    }
}

/// Positions are those of the stream: where they differ, these are not two ends of one connection, whatever the addresses say.
#[test]
fn ends_at_different_places_are_both_read() {
    let mut analyzer = analyzer(Config::default());
    let (client, server) = (Side::client(1, 1, CLIENT, SERVER), Side::server(2, 1, SERVER, CLIENT));
    client.announce(1, &mut analyzer);
    server.announce(2, &mut analyzer);
    let mut told = 0;
    for number in 0..u64::from(SOME) {
        for (side, ahead) in [(client, 0), (server, 7)] {
            for (of_client, payload) in [(true, REQUEST), (false, RESPONSE)] {
                let position = number as u32 * payload.len() as u32 + ahead;
                analyzer.event(&Event::Chunk(side.chunk(number * 10, of_client, position, payload)));
            }
        }
        told += analyzer.take_batch(Vec::new()).len();
    }
    assert_eq!(analyzer.counters().paired, 0);
    assert_eq!(told, 2 * SOME as usize);
    assert_eq!(client.direction(true), Direction::Sent);
}
