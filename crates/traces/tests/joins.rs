//! What happened on a host, and who is found to have brought what about.

#![allow(clippy::unwrap_used)] // the helpers of a test are tests

mod common;

use common::{MS, Side, Told, WALL, client, joins, joins_of, run, server, told};
use model::begun::Note;
use model::trace::Ids;
use traces::{Config, Joiner};

const KEY: u64 = 7;

fn check(sides: &[Side], expected: &[&str]) {
    assert_eq!(joins(sides), expected);
}

#[test]
fn what_a_thread_asks_while_it_serves_one_request_is_for_that() {
    check(
        &[
            server("page", 1, (10, 10), [0, 50]),
            client("query", 2, (10, 10), [10, 20]),
            client("cache", 3, (10, 10), [30, 40]),
            server("other", 4, (10, 11), [5, 45]),
            client("later", 2, (10, 10), [60, 70]),
            client("elsewhere", 5, (11, 11), [15, 16]),
        ],
        &[
            "cache thread page",
            "elsewhere alone",
            "later alone",
            "other alone",
            "page first",
            "query thread page",
        ],
    );
}

#[test]
fn both_sides_of_an_exchange_are_one() {
    let sides = [
        client("asked", 1, (10, 10), [0, 50]).wire(99, 1000),
        server("served", 2, (20, 21), [1, 49]).wire(99, 1000),
        client("next", 1, (10, 10), [60, 70]).wire(99, 1100),
        server("missed", 2, (20, 21), [61, 69]).wire(99, 1101),
        server("other wire", 3, (20, 22), [1, 49]).wire(98, 1000),
    ];
    check(
        &sides,
        &["asked first", "missed alone", "next alone", "other wire alone", "served sequence asked"],
    );
    let out = run(&mut Joiner::new(Config::default()), told(&sides));
    let sequence = |name: &str| out.iter().find(|request| request.name == name).unwrap().sequence;
    assert_eq!((sequence("asked"), sequence("served")), (None, None), "nobody has to look for it");
    assert_eq!(sequence("missed"), Some(1101));
}

#[test]
fn both_sides_have_to_ask_for_the_same() {
    check(
        &[
            client("asked", 1, (10, 10), [0, 50]).wire(99, 1000).key(1),
            server("served", 2, (20, 21), [1, 49]).wire(99, 1000).key(2),
        ],
        &["asked alone", "served alone"],
    );
}

/// The order of reading, not that of arrival.
#[test]
fn what_waits_in_a_backlog_is_not_served_yet() {
    check(
        &[
            server("one", 1, (10, 10), [0, 50]),
            server("two", 2, (10, 10), [1, 90]).read(51),
            client("for one", 3, (10, 10), [10, 20]),
            client("for two", 3, (10, 10), [60, 70]),
        ],
        &["for one thread one", "for two thread two", "one first", "two first"],
    );
}

#[test]
fn an_event_loop_that_is_no_proxy_gets_no_joins() {
    check(
        &[
            server("one", 1, (10, 10), [0, 50]),
            server("two", 2, (10, 10), [5, 60]),
            client("query", 3, (10, 10), [1, 20]),
            client("query for whom", 4, (10, 10), [10, 20]),
            client("after", 4, (10, 10), [55, 58]),
        ],
        &["after alone", "one alone", "query alone", "query for whom alone", "two alone"],
    );
}

#[test]
fn a_process_that_hands_requests_over_gets_no_joins() {
    check(
        &[
            server("one", 1, (10, 10), [0, 50]).by(11),
            client("query", 3, (10, 10), [1, 20]),
            server("two", 1, (10, 11), [60, 90]),
            client("again", 3, (10, 11), [61, 70]),
        ],
        &["again alone", "one alone", "query alone", "two alone"],
    );
    check(
        &[server("one", 1, (10, 10), [0, 50]), client("query", 3, (10, 10), [1, 20]).by(12)],
        &["one alone", "query alone"],
    );
}

/// A proxy's request on connection `n`, and what it asks for it, from one time to another.
fn passed(n: u64, times: [u64; 4]) -> [Side; 2] {
    let [read, sent, answer, answered] = times;
    [
        server(&format!("in {n}"), n, (10, 10), [read, answered]).key(KEY),
        client(&format!("out {n}"), 100 + n, (10, 10), [sent, answer]).key(KEY),
    ]
}

#[test]
fn an_event_loop_passes_on_the_oldest_first() {
    let sides = [passed(1, [0, 2, 30, 31]), passed(2, [1, 3, 20, 21]), passed(3, [4, 5, 40, 41])].concat();
    check(
        &sides,
        &[
            "in 1 first",
            "in 2 first",
            "in 3 first",
            "out 1 queue in 1",
            "out 2 queue in 2",
            "out 3 queue in 3",
        ],
    );
}

#[test]
fn what_a_proxy_answers_itself_is_not_passed_on() {
    let own = server("own", 9, (10, 10), [1, 2]).key(KEY);
    let mut sides = [passed(1, [0, 2, 30, 31]), passed(2, [3, 4, 20, 21])].concat();
    sides.push(own);
    check(&sides, &["in 1 first", "in 2 first", "out 1 queue in 1", "out 2 queue in 2", "own alone"]);
}

#[test]
fn other_paths_do_not_come_into_question() {
    let mut sides = [passed(1, [0, 3, 30, 31]), passed(2, [1, 2, 20, 21])].concat();
    for side in &mut sides[..2] {
        side.begun.key = 8;
    }
    sides.push(client("health", 50, (10, 10), [4, 5]).key(9));
    check(&sides, &["health alone", "in 1 first", "in 2 first", "out 1 queue in 1", "out 2 queue in 2"]);
}

/// The one for which it was made sends first on it, though others were passed on meanwhile.
#[test]
fn a_new_connection_is_for_whom_it_was_made() {
    let mut first = [passed(8, [0, 1, 5, 6]), passed(9, [0, 2, 7, 8])].concat();
    // That it is a loop is known by then.
    first.extend([passed(1, [310, 316, 330, 331]), passed(2, [312, 314, 320, 321])].concat());
    first[5].begun.connected = 311 * MS;
    let found = joins(&first);
    assert!(
        found.contains(&"out 1 connect in 1".into()) && found.contains(&"out 2 queue in 2".into()),
        "{found:?}"
    );
}

/// Answers come in another order than such a loop gives: nobody knows which is whose.
#[test]
fn what_does_not_agree_with_the_answers_is_taken_back() {
    let mut sides = [passed(1, [0, 2, 30, 41]), passed(2, [1, 3, 31, 40])].concat();
    // The loop is known before, and goes on after.
    sides.extend([passed(8, [60, 62, 70, 71]), passed(9, [61, 63, 72, 73])].concat());
    let joins = joins(&sides);
    assert!(!joins.iter().any(|join| join == "out 1 queue in 1" || join == "out 2 queue in 2"), "{joins:?}");
    assert!(joins.contains(&"out 9 queue in 9".into()), "{joins:?}");
}

#[test]
fn a_proxy_tells_what_it_was_told() {
    let mut sides = [passed(1, [0, 2, 30, 31]), passed(2, [1, 3, 20, 21])].concat();
    sides[1] = sides[1].clone().status(404);
    check(&sides, &["in 1 alone", "in 2 first", "out 1 alone", "out 2 queue in 2"]);
    // A failure of its own is no contradiction.
    sides[0] = sides[0].clone().status(502);
    check(&sides, &["in 1 first", "in 2 first", "out 1 queue in 1", "out 2 queue in 2"]);
}

#[test]
fn headers_are_believed_where_one_alone_has_the_same() {
    let id = |request| Ids { request, ..Ids::default() };
    check(
        &[
            server("one", 1, (10, 10), [0, 50]).ids(id(5)),
            server("two", 2, (10, 10), [1, 50]).ids(id(6)),
            client("for two", 3, (10, 12), [10, 20]).ids(id(6)),
            client("for nobody", 4, (10, 12), [10, 20]).ids(id(7)),
            client("for others", 5, (11, 12), [10, 20]).ids(id(6)),
        ],
        &["for nobody alone", "for others alone", "for two request-id two", "one alone", "two first"],
    );
    let trace = |trace, span| Ids { trace, span, request: 0 };
    check(
        &[
            server("page", 1, (10, 10), [0, 50]).ids(trace(1, 2)),
            server("again", 2, (10, 10), [1, 50]).ids(trace(1, 3)),
            client("passed on", 3, (10, 12), [10, 20]).ids(trace(1, 3)),
            client("whose", 4, (10, 12), [10, 20]).ids(trace(1, 9)),
            server("other end", 5, (20, 20), [11, 19]).ids(trace(1, 9)),
        ],
        &[
            "again first",
            "other end traceparent whose",
            "page alone",
            "passed on traceparent again",
            "whose first",
        ],
    );
}

/// Whatever the order in which it is heard of.
#[test]
fn late_missing_and_double_beginnings() {
    let sides = [
        client("asked", 1, (5, 5), [0, 60]).wire(9, 1),
        server("page", 2, (10, 10), [1, 50]).wire(9, 1),
        client("query", 3, (10, 10), [10, 20]),
    ];
    let expected = ["asked first", "page sequence asked", "query thread page"];
    let all = told(&sides);
    let without = |is_gone: fn(&Told) -> bool| {
        let mut all = all.clone();
        all.retain(|(_, told)| !is_gone(told));
        joins_of(&run(&mut Joiner::new(Config::default()), all))
    };
    assert_eq!(without(|_| false), expected);
    assert_eq!(without(|told| matches!(told, Told::Note(_))), expected, "only ends");
    assert_eq!(without(|told| matches!(told, Told::Note(Note::Answered(..)))), expected);
    let twice = all.iter().flat_map(|told| [told.clone(), told.clone()]);
    let notes_twice: Vec<_> = twice
        .scan(0, |ends, told| {
            *ends += u32::from(matches!(told.1, Told::End(_)));
            Some((*ends, told))
        })
        .filter(|(ends, told)| !matches!(told.1, Told::End(_)) || ends % 2 == 1)
        .map(|(_, told)| told)
        .collect();
    assert_eq!(joins_of(&run(&mut Joiner::new(Config::default()), notes_twice)), expected);
    let mut backwards = all.clone();
    backwards.reverse();
    assert_eq!(joins_of(&run(&mut Joiner::new(Config::default()), backwards)).len(), 3);
}

/// What ends never does not keep a thread busy, and is counted.
#[test]
fn a_lost_end_is_given_up() {
    let mut joiner = Joiner::new(Config::default());
    let lost = server("lost", 1, (10, 10), [0, 1]);
    let mut all = vec![(0, Told::Note(Note::Begun(lost.begun)))];
    all.push((100 * MS, Told::Note(Note::Gone(lost.begun.connection, 100 * MS))));
    all.extend(told(&[server("page", 2, (10, 10), [200, 250]), client("query", 3, (10, 10), [210, 220])]));
    assert_eq!(joins_of(&run(&mut joiner, all)), ["page first", "query thread page"]);
    assert_eq!(joiner.counters().given_up, 1);
}

#[test]
fn a_step_of_the_wall_clock_reorders_nothing() {
    let mut sides = Vec::new();
    for n in 0..20 {
        let at = 100 * n;
        let mut pair = [
            server(&format!("page {n}"), 1, (10, 10), [at, at + 50]),
            client(&format!("query {n}"), 2, (10, 10), [at + 10, at + 20]),
        ];
        if n >= 10 {
            // An hour back.
            for side in &mut pair {
                side.begun.wall -= 3_600_000 * MS;
            }
        }
        sides.extend(pair);
    }
    let out = run(&mut Joiner::new(Config::default()), told(&sides));
    let firsts = out.iter().filter(|request| request.place.is_some_and(|place| place.parent.is_none()));
    let ids: Vec<i64> = firsts.map(|request| request.place.unwrap().trace).collect();
    assert_eq!(ids.len(), 20);
    assert!(ids.is_sorted_by(|one, next| one < next), "{ids:?}");
    assert_eq!(ids[0] as u64, WALL);
    assert_eq!(ids[9] as u64, WALL + 900 * MS, "as long as the clock goes on, it is the time");
}

/// Those that run long are told before their trace is over, and as one.
#[test]
fn a_long_trace_is_told_piece_by_piece() {
    let mut joiner = Joiner::new(Config::default());
    let mut sides = vec![server("page", 1, (10, 10), [0, 5000])];
    sides.extend((0..10).map(|n| client("query", 2, (10, 10), [100 + 400 * n, 110 + 400 * n])));
    let out = run(&mut joiner, told(&sides));
    let places: Vec<_> = out.iter().map(|request| request.place.unwrap()).collect();
    assert!(places.iter().all(|place| place.trace == places[0].trace));
    let mut spans: Vec<u32> = places.iter().map(|place| place.span).collect();
    spans.sort_unstable();
    assert_eq!(spans, (0..11).collect::<Vec<_>>());
    assert!(joiner.counters().early >= 5, "{:?}", joiner.counters());
}

#[test]
fn what_finds_no_room_passes_by() {
    let mut joiner = Joiner::new(Config { most: 10, ..Config::default() });
    let sides: Vec<Side> = (0..200).map(|n| server("page", n, (10, 10), [n, 3000])).collect();
    let out = run(&mut joiner, told(&sides));
    assert_eq!(out.len(), 200);
    assert!(joiner.counters().refused > 0);
    assert!(format!("{joiner:?}").len() < 100_000, "nothing is kept");
}
