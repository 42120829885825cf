//! What user space tells the kernel side about a connection, and what it is told of losses.

use capture_tests::content;
use std::ops::Range;
use std::time::Duration;

use capture_tests::observer::{Observer, start_all, turn, with_each_back_end};
use capture_tests::sockets::{Family, Pair};
use capture_tests::stream::rebuild;
use model::ConnectionId;
use model::Direction::{Received, Sent};
use model::event::Instruction;
use probes::Config;

use crate::compare::{BUDGET, compare};
use crate::talk::say;

const LENGTH: usize = 1000;

#[test]
fn an_ignored_connection_is_silent() {
    with_each_back_end(|back_end, observer| {
        for family in Family::ALL {
            let (pair, other) = (Pair::new(family).unwrap(), Pair::new(family).unwrap());
            let truth = exchange(observer, &pair, 1);
            for id in both(observer, &pair) {
                observer.instruct(id, Instruction::Ignore);
            }
            say(&pair.client, &pair.server, b"nobody listens");
            say(&pair.server, &pair.client, b"nobody at all");
            let ends = (pair.client_end.clone(), pair.server_end.clone());
            drop(pair);
            exchange(observer, &other, 1); // what came before it has been told by now
            let told = observer.of(&ends.0, &ends.1);
            let case = format!("{back_end}, {family:?}");
            compare(&told, Sent, &truth, &[0..LENGTH]).unwrap_or_else(|w| panic!("{case}: {w}"));
            assert!(told.ends.is_empty(), "{case}: {:?}", told.ends);
            observer.forget();
        }
    });
}

/// The order stands and is obeyed once, however often it is told. Another one is obeyed again, though nothing else was said in between.
#[test]
fn each_wish_to_have_it_announced_is_fulfilled_once() {
    with_each_back_end(|back_end, observer| {
        for family in Family::ALL {
            let pair = Pair::new(family).unwrap();
            exchange(observer, &pair, 1);
            for (wish, expected) in
                [(None, 1), (Some(7), 2), (None, 2), (Some(7), 2), (Some(8), 3), (None, 3)]
            {
                if let Some(wish) = wish {
                    for id in both(observer, &pair) {
                        observer.instruct(id, Instruction::Announce { wish });
                    }
                }
                say(&pair.client, &pair.server, b"again");
                say(&pair.server, &pair.client, b"and again");
                observer.wait_until(|o| {
                    [o.client(&pair), o.server(&pair)].iter().all(|told| told.opens.len() >= expected)
                });
                observer.take();
                let opened = [observer.client(&pair), observer.server(&pair)].map(|told| told.opens.len());
                assert_eq!(opened, [expected; 2], "{back_end}, {family:?}");
            }
            observer.forget();
        }
    });
}

#[test]
fn a_budget_holds_from_the_next_run_on() {
    with_each_back_end(|back_end, observer| {
        for family in Family::ALL {
            let pair = Pair::new(family).unwrap();
            exchange(observer, &pair, 1);
            let [client, server] = both(observer, &pair);
            // Over a Unix socket the bytes are one record for both ends, and the sender's budget is theirs.
            observer.instruct(client, Instruction::Budget { sent: 32, received: 48, tails: [false; 2] });
            observer.instruct(server, Instruction::Budget { sent: 0, received: 16, tails: [false; 2] });
            let truth = exchange(observer, &pair, 2);
            let unix = family == Family::Unix;
            let (client, server) = (observer.client(&pair), observer.server(&pair));
            for (told, direction, shown) in [
                (&client, Sent, 32),
                (&server, Received, if unix { 32 } else { 16 }),
                (&server, Sent, 0),
                (&client, Received, if unix { 0 } else { 48 }),
            ] {
                compare(told, direction, &truth, &[0..LENGTH + shown])
                    .unwrap_or_else(|w| panic!("{back_end}, {family:?}: {w}"));
            }
            observer.forget();
        }
    });
}

/// More of a connection's first runs is told, and their ends, as nobody can know yet what it needs; a moment later it is as
/// the others.
#[test]
fn the_young_get_more() {
    let Some(_turn) = turn() else { return };
    const YOUNG: usize = 8192;
    let config = Config { young_budget: YOUNG as u32, datagrams: false, ..Observer::config(None) };
    for (back_end, mut observer) in start_all(&config) {
        for family in Family::ALL {
            let pair = Pair::new(family).unwrap();
            let words = content::bytes(41, 20_000);
            say(&pair.client, &pair.server, &words);
            say(&pair.server, &pair.client, &words);
            std::thread::sleep(Duration::from_millis(60));
            say(&pair.client, &pair.server, &words);
            say(&pair.server, &pair.client, &words);
            let (client, server) = observer.wait_for_bytes(&pair, 2 * words.len(), 2 * words.len());
            for told in [&client, &server] {
                for direction in [Sent, Received] {
                    let rest = words.len() - TAIL..words.len() + BUDGET;
                    compare(told, direction, &words.repeat(2), &[0..YOUNG, rest])
                        .unwrap_or_else(|w| panic!("{back_end}, {family:?}, {direction:?}: {w}"));
                }
            }
            observer.forget();
        }
    }
}

/// The longest tail.
const TAIL: usize = 456;

#[test]
fn tails_are_told_beyond_the_budget() {
    with_each_back_end(|back_end, observer| {
        for family in Family::ALL {
            // What is left of a call behind its budget is longer than a tail, and shorter.
            for budget in [32, 800] {
                let pair = Pair::new(family).unwrap();
                exchange(observer, &pair, 1);
                for id in both(observer, &pair) {
                    let tails = [true; 2];
                    observer.instruct(id, Instruction::Budget { sent: budget, received: budget, tails });
                }
                let truth = exchange(observer, &pair, 2);
                let budget = budget as usize;
                let tail = 2 * LENGTH - TAIL.min(LENGTH - budget)..2 * LENGTH;
                let expected = match tail.start == LENGTH + budget {
                    true => vec![0..2 * LENGTH],
                    false => vec![0..LENGTH + budget, tail],
                };
                let (client, server) = (observer.client(&pair), observer.server(&pair));
                for told in [&client, &server] {
                    for direction in [Sent, Received] {
                        compare(told, direction, &truth, &expected)
                            .unwrap_or_else(|w| panic!("{back_end}, {family:?}, {budget}: {w}"));
                    }
                }
                observer.forget();
            }
        }
    });
}

/// Nobody reads the ring until it is full. What did not fit is counted, and the next record shows that something is missing.
#[test]
fn a_ring_that_overflows_is_counted() {
    let Some(_turn) = turn() else { return };
    const EXCHANGES: usize = 100;
    let config = Config { ring_bytes: 256 * 1024, datagrams: false, ..Observer::config(None) };
    let mut observer = Observer::start(&config).unwrap();
    let pair = Pair::new(Family::V4).unwrap();
    exchange(&mut observer, &pair, 1);
    let before = observer.capture().losses().ring_full_chunks;
    let words = content::bytes(40, LENGTH);
    for _ in 0..EXCHANGES {
        say(&pair.client, &pair.server, &words);
        say(&pair.server, &pair.client, &words);
    }
    observer.take();
    let counted = observer.capture().losses().ring_full_chunks - before;
    assert!(counted > 0, "the ring was too large for this test");
    let all = EXCHANGES + 2;
    let truth = vec![content::bytes(40, LENGTH); all].concat();
    say(&pair.client, &pair.server, &words);
    say(&pair.server, &pair.client, &words);
    let (client, server) = observer.wait_for_bytes(&pair, truth.len(), truth.len());
    let mut missing = 0;
    for told in [&client, &server] {
        for direction in [Sent, Received] {
            let chunks = &told.chunks[direction.index()];
            let rebuilt = rebuild(chunks, chunks[0].previous_end, &truth).unwrap();
            assert_eq!(rebuilt.end, truth.len(), "{direction:?}");
            assert!(rebuilt.breaks > 0, "{direction:?}: nothing shows that something is missing");
            let shown: usize = rebuilt.captured.iter().map(Range::len).sum();
            missing += (truth.len() - shown) / LENGTH; // small pieces may still find room
        }
    }
    assert!(missing > 0);
    assert!(missing as u64 <= counted, "{missing} messages are missing, {counted} records were counted");
}

/// The same words each way, and with those before them, `count` times in all.
fn exchange(observer: &mut Observer, pair: &Pair, count: usize) -> Vec<u8> {
    let words = content::bytes(40, LENGTH);
    say(&pair.client, &pair.server, &words);
    say(&pair.server, &pair.client, &words);
    observer.wait_for_bytes(pair, count * LENGTH, count * LENGTH);
    words.repeat(count)
}

fn both(observer: &Observer, pair: &Pair) -> [ConnectionId; 2] {
    let ends = [(&pair.client_end, &pair.server_end), (&pair.server_end, &pair.client_end)];
    ends.map(|(local, remote)| observer.find(local, remote).expect("was just seen"))
}
