//! What is under way when somebody else goes on is counted, once.

#![allow(clippy::unwrap_used)] // helpers are tests too

mod common;

use common::{Feeder, REQUEST, RESPONSE, Side};

fn feeder() -> Feeder {
    Feeder::new(Side::server(1, 1, "10.0.0.1:80", "10.0.0.2:40000"))
}

#[test]
fn what_is_not_answered_is_under_way() {
    let mut feeder = feeder();
    feeder.says(REQUEST);
    feeder.hears(RESPONSE);
    let answered = feeder.time;
    assert_eq!(feeder.requests().len(), 1);
    feeder.says(&REQUEST.repeat(3));
    feeder.hears(RESPONSE);
    assert_eq!(feeder.requests().len(), 1);
    let later = feeder.time;
    feeder.says(REQUEST);
    let now = feeder.time + 1;
    // What the second agent saw begin is told by that one.
    assert_eq!(feeder.analyzer.under_way(later, now), 2, "two of three are not answered");
    assert_eq!(feeder.analyzer.connections(), 0);
    assert!(feeder.requests().is_empty(), "nothing of it is told");
    assert_eq!(feeder.analyzer.under_way(u64::MAX, now), 0, "nor counted again");
    assert!(answered < later);
}

#[test]
fn half_a_request_is_one_and_an_idle_connection_none() {
    let mut feeder = feeder();
    feeder.says(REQUEST);
    feeder.hears(RESPONSE);
    feeder.says(&REQUEST[..20]);
    let now = feeder.time;
    assert_eq!(feeder.analyzer.under_way(now, now), 1);

    let mut idle = self::feeder();
    idle.says(REQUEST);
    idle.hears(RESPONSE);
    assert_eq!(idle.analyzer.under_way(u64::MAX, idle.time), 0);
}
