//! What is left out where a host cannot afford it: attributes that no metric has, and whole connections.

#![allow(clippy::unwrap_used)] // helpers are tests too

mod common;
mod replaying;

use common::{REQUEST, SECOND, Side, analyzer, instructions};
use model::event::{Event, Instruction};
use model::names::{DB_QUERY_TEXT, URL_PATH, URL_QUERY};
use model::{Endpoint, Request};
use replaying::recordings;
use requests::{Analyzer, Config};

/// A recording, with all attributes or only those that metrics have.
fn replay(path: &std::path::Path, lean: bool) -> Vec<Request> {
    let mut config = Config::default();
    config.protocols.lean = lean;
    replaying::replay_with(config, path, replaying::all).0
}

#[test]
fn lean_requests_lack_no_attribute_of_a_metric() {
    let mut spared = 0;
    for path in recordings() {
        let (full, lean) = (replay(&path, false), replay(&path, true));
        assert_eq!(full.len(), lean.len(), "{}", path.display());
        for (full, lean) in full.iter().zip(&lean) {
            let is_needed = |key| ![DB_QUERY_TEXT, URL_PATH, URL_QUERY].contains(&key);
            let needed: Vec<_> = full.attributes.iter().filter(|(key, _)| is_needed(*key)).collect();
            assert_eq!(needed, lean.attributes.iter().collect::<Vec<_>>(), "{}: {full:?}", path.display());
            let bare = |request: &Request| Request { attributes: Default::default(), ..request.clone() };
            assert_eq!(format!("{:?}", bare(full)), format!("{:?}", bare(lean)), "{}", path.display());
            spared += full.attributes.iter().count() - needed.len();
        }
    }
    assert!(spared > 100, "only {spared} attributes were spared");
}

const ENDS: [(&str, &str); 2] = [("10.0.0.1:80", "10.0.0.2:40000"), ("10.0.0.1:80", "10.0.0.3:41000")];

/// Two servers' connections: one that is to stay, and one that is to go.
fn two() -> (Analyzer, Side, Side) {
    let mut analyzer = analyzer(Config::default());
    let [stays, goes] = [0, 1].map(|place| Side::server(place as u64 + 1, 1, ENDS[place].0, ENDS[place].1));
    for side in [stays, goes] {
        side.announce(1, &mut analyzer);
        assert_eq!(side.exchange(10, 0, &mut analyzer).len(), 1);
    }
    instructions(&mut analyzer);
    (analyzer, stays, goes)
}

fn keeps_the_first(open: &model::event::Open) -> bool {
    open.remote == Endpoint::Ip(ENDS[0].1.parse().unwrap())
}

#[test]
fn connections_are_given_up_and_met_anew() {
    let (mut analyzer, stays, goes) = two();
    // Of one an answer is due.
    analyzer.event(&Event::Chunk(goes.chunk(20, true, REQUEST.len() as u32, REQUEST)));
    analyzer.give_up(30, keeps_the_first);
    assert_eq!(analyzer.connections(), 1);
    let counters = analyzer.counters();
    assert_eq!((counters.left_out, counters.left_out_waiting, counters.forgotten), (1, 1, 0));
    assert_eq!(instructions(&mut analyzer), [(goes.id, Instruction::Announce { wish: 1 })]);
    assert_eq!(stays.exchange(40, 1, &mut analyzer).len(), 1);

    let again = model::event::Open { from_start: false, ..goes.open(SECOND) };
    analyzer.event(&Event::Open(again));
    assert!(matches!(instructions(&mut analyzer)[..], [(id, Instruction::Budget { .. })] if id == goes.id));
    assert_eq!(goes.exchange(SECOND + 10, 5, &mut analyzer).len(), 1);
    assert_eq!(analyzer.counters().lost_bytes, 0);
}
