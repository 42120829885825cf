//! What Weir loses itself is no reason to give a connection up.

#![allow(clippy::unwrap_used)]

mod common;

use common::{REQUEST, RESPONSE, Side, analyzer};
use model::event::{Chunk, Event};
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
