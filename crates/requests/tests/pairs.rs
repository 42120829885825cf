//! Where both ends of a connection are on this host, one of them is read for both: the records are the same as if each had been.

#![allow(clippy::unwrap_used)] // helpers are tests too

mod replaying;

use std::collections::HashSet;
use std::path::Path;

use model::event::{Event, Instruction};
use model::{ConnectionId, Request};
use requests::{Analyzer, Config, Counters};

use replaying::{recordings, replay_telling};

/// What comes of a recording. The kernel side obeys at once, or never.
fn replay(path: &Path, pairs: bool, obeys: bool) -> (Vec<Request>, Counters) {
    let mut unread: HashSet<ConnectionId> = HashSet::new();
    let config = Config { pairs, ..Config::default() };
    let (mut requests, counters) = replay_telling(config, path, |analyzer: &mut Analyzer, event| {
        for (connection, instruction) in analyzer.take_instructions() {
            match instruction {
                Instruction::Budget { sent: 0, received: 0, .. } => unread.insert(connection),
                _ => unread.remove(&connection),
            };
        }
        match event {
            Event::Chunk(mut chunk) if obeys && unread.contains(&chunk.connection) => {
                chunk.payload = &[];
                Some(Event::Chunk(chunk))
            }
            event => Some(event),
        }
    });
    requests.sort_by_key(|request| (request.connection.0, request.time));
    (requests, counters)
}

#[test]
fn records_are_the_same_as_if_both_ends_were_read() {
    let mut paired = 0;
    for path in recordings() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let (expected, counted) = replay(&path, false, false);
        assert_eq!(counted.paired, 0);
        for obeys in [false, true] {
            let (requests, counters) = replay(&path, true, obeys);
            for (number, (one, other)) in requests.iter().zip(&expected).enumerate() {
                assert_eq!(one, other, "{name}, {number}");
            }
            assert_eq!(requests.len(), expected.len(), "{name}");
            assert_eq!(Counters { paired: 0, ..counters.clone() }, counted, "{name}");
            paired += counters.paired;
        }
    }
    assert!(paired >= 6, "{paired}");
}
