//! Connections that are idle for long: forgotten where nothing is due, met again with nothing missed, and counted
//! where that was not possible.

#![allow(clippy::unwrap_used)]

mod common;

use common::{REQUEST, SECOND, Side, analyzer, instructions, names};
use model::event::{Event, Instruction};
use requests::{Analyzer, Config};
use streams::Limits;

const WIRE: (&str, &str) = ("10.0.0.1:80", "10.0.0.2:40000");
const LATER: u64 = 700 * SECOND;

fn server(number: u64) -> Side {
    Side::server(number, 1, WIRE.0, WIRE.1)
}

fn is_budget(instruction: Instruction) -> bool {
    matches!(instruction, Instruction::Budget { .. })
}

#[test]
fn the_request_after_a_long_pause_is_not_missed() {
    let mut analyzer = analyzer(Config::default());
    let side = server(1);
    side.announce(1, &mut analyzer);
    assert_eq!(side.exchange(10, 0, &mut analyzer).len(), 1);
    instructions(&mut analyzer);

    analyzer.tick(LATER);
    assert_eq!(analyzer.connections(), 0);
    assert_eq!(instructions(&mut analyzer), [(side.id, Instruction::Announce { wish: 1 })]);

    // As the kernel side does it: told again as it was, from its first byte.
    side.announce(LATER, &mut analyzer);
    let told = instructions(&mut analyzer);
    assert!(told.len() == 1 && is_budget(told[0].1), "the wish stands no longer: {told:?}");
    let requests = side.exchange(LATER + 10, 1, &mut analyzer);
    assert_eq!(names(&requests), "? → svc-1");
    assert_eq!(requests[0].incomplete, None);
    let counters = analyzer.counters();
    assert_eq!((counters.orphan_chunks, counters.forgotten, counters.forgotten_waiting), (0, 1, 0));
}

#[test]
fn who_waits_for_an_answer_is_not_idle() {
    let mut analyzer = analyzer(Config::default());
    let side = server(1);
    side.announce(1, &mut analyzer);
    analyzer.event(&Event::Chunk(side.chunk(10, true, 0, REQUEST)));
    for minute in 1..100 {
        analyzer.tick(minute * 60 * SECOND);
    }
    assert_eq!(analyzer.connections(), 1);
    analyzer.event(&Event::Chunk(side.chunk(6000 * SECOND, false, 0, common::RESPONSE)));
    assert_eq!(analyzer.take_batch(Vec::new()).len(), 1);
    // Now nothing is due any more.
    analyzer.tick(7000 * SECOND);
    assert_eq!(analyzer.connections(), 0);
}

#[test]
fn what_had_to_be_forgotten_while_it_waited_is_counted() {
    let connections = Limits { connections: 1, ..Limits::default() };
    let mut analyzer = analyzer(Config { connections, ..Config::default() });
    server(1).announce(1, &mut analyzer);
    analyzer.event(&Event::Chunk(server(1).chunk(10, true, 0, REQUEST)));
    server(2).announce(20, &mut analyzer);
    let counters = analyzer.counters();
    assert_eq!((counters.forgotten, counters.forgotten_waiting), (1, 1));
    assert!(analyzer.take_batch(Vec::new()).is_empty());
}

#[test]
fn a_connection_that_is_not_known_is_asked_for_and_counted() {
    let mut analyzer = analyzer(Config::default());
    let side = server(1);
    side.exchange(10, 0, &mut analyzer);
    assert_eq!(analyzer.counters().orphan_chunks, 0, "before the beginning");
    analyzer.tick(15);
    side.exchange(16, 0, &mut analyzer);
    let counters = analyzer.counters();
    assert_eq!((counters.orphan_chunks, counters.early_chunks), (0, 2), "it spoke at the start");
    server(2).exchange(16 + LATER, 0, &mut analyzer);
    let counters = analyzer.counters();
    assert_eq!((counters.orphan_chunks, counters.early_chunks), (2, 2));
    let asked: Vec<_> = instructions(&mut analyzer);
    assert!(asked.contains(&(server(2).id, Instruction::Announce { wish: 2 })), "{asked:?}");
    side.exchange(17, 0, &mut analyzer);
    let same = (side.id, Instruction::Announce { wish: 1 });
    assert_eq!(instructions(&mut analyzer), [same; 2], "it is still the same wish");
    side.announce(20, &mut analyzer);
    assert_eq!(side.exchange(30, 1, &mut analyzer).len(), 1);
    let told: Vec<_> = instructions(&mut analyzer);
    assert!(told.iter().any(|(_, instruction)| is_budget(*instruction)), "{told:?}");
}

#[test]
fn what_is_left_alone_is_not_asked_for() {
    let mut analyzer: Analyzer = analyzer(Config::default());
    let side = server(1);
    side.announce(1, &mut analyzer);
    let hello = [0x16, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3];
    let hello: Vec<u8> = hello.into_iter().chain([7; 194]).collect();
    analyzer.event(&Event::Chunk(side.chunk(10, true, 0, &hello)));
    assert_eq!(instructions(&mut analyzer), [(side.id, Instruction::Ignore)]);
    analyzer.tick(LATER);
    assert_eq!(analyzer.connections(), 0);
    assert_eq!(instructions(&mut analyzer), []);
}
