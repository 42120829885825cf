//! Connections of which something is missing from some moment on, without a word of how much.

mod common;

use common::{Feeder, REQUEST, RESPONSE, SECOND, Side, instructions};
use model::event::Instruction;

#[test]
fn what_was_asked_before_is_not_answered_afterwards() {
    let side = Side::client(7, 1, "10.0.0.1:40000", "10.0.0.2:80");
    let mut feeder = Feeder::new(side);
    feeder.analyzer.tick(1);
    feeder.says(REQUEST);
    feeder.hears(RESPONSE);
    feeder.says(REQUEST);
    assert_eq!(feeder.requests().len(), 1);

    // Datagrams are another matter.
    feeder.analyzer.forget_all(true, SECOND);
    assert_eq!(feeder.analyzer.connections(), 1);
    instructions(&mut feeder.analyzer);
    feeder.analyzer.forget_all(false, SECOND);
    assert_eq!(feeder.analyzer.connections(), 0);
    let counters = feeder.analyzer.counters();
    assert_eq!((counters.forgotten, counters.forgotten_waiting, counters.requests), (1, 1, 1));
    assert_eq!(instructions(&mut feeder.analyzer), [(side.id, Instruction::Announce { wish: 1 })]);

    // Its bytes go on where they ended, as those of Unix sockets do, though an answer and more were missed.
    feeder.time = 2 * SECOND + 10;
    side.announce(2 * SECOND, &mut feeder.analyzer);
    feeder.hears(RESPONSE);
    assert!(feeder.requests().is_empty(), "nobody knows what this answers");
    feeder.time += SECOND;
    feeder.says(REQUEST);
    feeder.hears(RESPONSE);
    let batch = feeder.requests();
    assert_eq!(batch.len(), 1, "{batch:?}");
    assert_eq!((batch[0].duration, batch[0].incomplete), (10, None), "{batch:?}");

    // However soon it is forgotten again, that is another wish.
    instructions(&mut feeder.analyzer);
    feeder.analyzer.forget_all(false, feeder.time);
    assert_eq!(instructions(&mut feeder.analyzer), [(side.id, Instruction::Announce { wish: 2 })]);
}
