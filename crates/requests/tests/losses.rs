//! What Weir loses itself is no reason to give a connection up.

#![allow(clippy::unwrap_used)]

mod common;

use common::{REQUEST, RESPONSE, Side, analyzer};
use model::ConnectionId;
use model::event::{Chunk, End, EndCause, Event};
use requests::Config;

#[test]
fn a_connection_survives_any_number_of_lost_events() {
    let mut analyzer = analyzer(Config::default());
    let side = Side::server(1, 1, "10.0.0.1:80", "10.0.0.2:40000");
    side.announce(1, &mut analyzer);
    let mut time = 10;
    side.exchange(time, 0, &mut analyzer);
    let mut ends = [REQUEST.len() as u32, RESPONSE.len() as u32];
    // Only requests' first lines are seen, and each time the event of what stands before it was lost.
    for _ in 0..500 {
        for of_client in [true, false] {
            let end = &mut ends[usize::from(!of_client)];
            *end += 1000;
            let head = if of_client { &REQUEST[..20] } else { &RESPONSE[..20] };
            analyzer.event(&Event::Chunk(side.chunk(time, of_client, *end, head)));
            *end += head.len() as u32;
            analyzer.tick(time);
            time += 50_000_000;
            analyzer.tick(time);
        }
    }
    assert!(analyzer.counters().lost_bytes >= 1_000_000);
    assert_eq!(analyzer.counters().left_alone.len(), 0);
    // As soon as nothing is lost any more, all is read again.
    analyzer.take_batch(Vec::new());
    let mut shown = 0;
    for _ in 0..3 {
        for (of_client, payload) in [(true, REQUEST), (false, RESPONSE)] {
            let end = &mut ends[usize::from(!of_client)];
            // The end of the head that was cut is made whole by another lost event.
            let position = *end + if shown == 0 { 1000 } else { 0 };
            let chunk = side.chunk(time, of_client, position, payload);
            analyzer.event(&Event::Chunk(Chunk { previous_end: position, ..chunk }));
            *end = position + payload.len() as u32;
            analyzer.tick(time);
            time += 50_000_000;
            analyzer.tick(time);
        }
        shown += analyzer.take_batch(Vec::new()).len();
    }
    assert!(shown >= 2, "{shown}");
}

/// Messages that are not whole are kept within a bound for all connections together, and what is given up is counted.
#[test]
fn unfinished_messages_have_a_bound_together() {
    const CONNECTIONS: u64 = 500;
    let most_held = 1 << 20;
    let mut analyzer = analyzer(Config { most_held, ..Config::default() });
    let half = [b"GET /".as_slice(), &[b'a'; 60_000]].concat();
    let sides: Vec<Side> = (1..=CONNECTIONS)
        .map(|number| Side {
            id: ConnectionId(number << 8),
            ..Side::server(1, 1, "10.0.0.1:80", "10.0.0.2:40000")
        })
        .collect();
    for side in &sides {
        side.announce(1, &mut analyzer);
        side.exchange(2, 0, &mut analyzer);
        analyzer.event(&Event::Chunk(side.chunk(3, true, REQUEST.len() as u32, &half)));
    }
    let kept = CONNECTIONS - analyzer.counters().lost_bytes / half.len() as u64;
    assert!((8..=17).contains(&kept), "{kept} heads of {} bytes are kept", half.len());
    // Where some end, there is room for others.
    for side in &sides[..100] {
        let end =
            End { connection: side.id, time: 4, cause: EndCause::Closed, sent_end: None, received_end: None };
        analyzer.event(&Event::End(end));
    }
    let lost = analyzer.counters().lost_bytes;
    let late = Side { id: ConnectionId(9_999 << 8), ..sides[0] };
    late.announce(5, &mut analyzer);
    late.exchange(6, 0, &mut analyzer);
    analyzer.event(&Event::Chunk(late.chunk(7, true, REQUEST.len() as u32, &half)));
    assert_eq!(analyzer.counters().lost_bytes, lost);
}

/// A connection of which nothing was understood counts, however soon it ends.
#[test]
fn short_unknown_connections_count() {
    let mut analyzer = analyzer(Config::default());
    for number in 1..=20 {
        let side = Side::server(number, 1, "10.0.0.1:80", "10.0.0.2:40000");
        side.announce(1, &mut analyzer);
        if number % 2 == 0 {
            analyzer.event(&Event::Chunk(side.chunk(2, true, 0, b"\x01\x02\x03nobody knows this")));
        }
        let end =
            End { connection: side.id, time: 3, cause: EndCause::Closed, sent_end: None, received_end: None };
        analyzer.event(&Event::End(end));
    }
    assert_eq!(analyzer.counters().left_alone.get("unknown"), Some(&10), "those that said something");
}

/// Commands beyond what is captured of a run are told of by their bytes.
#[test]
fn what_is_beyond_the_budget_counts() {
    let mut analyzer = analyzer(Config::default());
    let side = Side::server(1, 1, "10.0.0.1:80", "10.0.0.2:40000");
    side.announce(1, &mut analyzer);
    side.exchange(2, 0, &mut analyzer);
    let shown = REQUEST.repeat(10);
    let at = REQUEST.len() as u32;
    let chunk = Chunk { length: 5_000, ..side.chunk(3, true, at, &shown) };
    analyzer.event(&Event::Chunk(chunk));
    assert_eq!(analyzer.counters().uncaptured_bytes, 5_000 - shown.len() as u64);
    assert_eq!(analyzer.counters().lost_bytes, 0);
}
