//! Where both ends of a connection are on this host, one of them is read for both: the records are the same as if each had been.

#![allow(clippy::unwrap_used)] // helpers are tests too

mod replaying;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use model::event::{Chunk, Event, Instruction};
use model::{ConnectionId, Request};
use requests::{Analyzer, Config, Counters};

use replaying::{Kernel, recordings, replay_telling};

/// How the kernel side takes being told that only moves are wanted.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Obeys {
    Never,
    /// Each move is told when it happens.
    OneByOne,
    /// Several are told at once.
    Late,
}

/// Moves of one direction that are told at once, at most.
const MOVES: usize = 56;

struct Obedient {
    obeys: Obeys,
    unread: HashSet<ConnectionId>,
    held: BTreeMap<(ConnectionId, usize), Vec<Chunk<'static>>>,
}

impl Obedient {
    fn tell_held(&mut self, connection: ConnectionId, analyzer: &mut Analyzer) {
        for direction in 0..2 {
            for chunk in self.held.remove(&(connection, direction)).unwrap_or_default() {
                analyzer.event(&Event::Chunk(chunk));
            }
        }
    }
}

impl Kernel for Obedient {
    fn tell<'e>(&mut self, event: Event<'e>, analyzer: &mut Analyzer) -> Option<Event<'e>> {
        let told: Vec<_> = analyzer.take_instructions().collect();
        for (connection, instruction) in told {
            match instruction {
                Instruction::Moves { .. } => self.unread.insert(connection),
                _ => {
                    self.tell_held(connection, analyzer);
                    self.unread.remove(&connection)
                }
            };
        }
        match event {
            Event::Chunk(chunk) if self.obeys != Obeys::Never && self.unread.contains(&chunk.connection) => {
                let chunk = Chunk { payload: &[], ..chunk };
                if self.obeys == Obeys::OneByOne {
                    return Some(Event::Chunk(chunk));
                }
                let held = self.held.entry((chunk.connection, chunk.direction.index())).or_default();
                held.push(chunk);
                if held.len() == MOVES {
                    held.drain(..).for_each(|chunk| analyzer.event(&Event::Chunk(chunk)));
                }
                None
            }
            Event::End(end) => {
                self.tell_held(end.connection, analyzer);
                Some(event)
            }
            event => Some(event),
        }
    }

    fn end(&mut self, analyzer: &mut Analyzer) {
        let connections: BTreeSet<ConnectionId> = self.held.keys().map(|(id, _)| *id).collect();
        connections.into_iter().for_each(|id| self.tell_held(id, analyzer));
    }
}

/// What comes of a recording.
fn replay(path: &Path, pairs: bool, obeys: Obeys) -> (Vec<Request>, Counters) {
    let mut kernel = Obedient { obeys, unread: HashSet::new(), held: BTreeMap::new() };
    let config = Config { pairs, ..Config::default() };
    let (mut requests, counters) = replay_telling(config, path, &mut kernel);
    requests.sort_by_key(|request| (request.connection.0, request.time));
    (requests, counters)
}

#[test]
fn records_are_the_same_as_if_both_ends_were_read() {
    let mut paired = 0;
    for path in recordings() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let (expected, counted) = replay(&path, false, Obeys::Never);
        assert_eq!(counted.paired, 0);
        for obeys in [Obeys::Never, Obeys::OneByOne, Obeys::Late] {
            let (requests, counters) = replay(&path, true, obeys);
            for (number, (one, other)) in requests.iter().zip(&expected).enumerate() {
                // What is told later is told by a later reading of the clocks.
                let drifted = one.time.abs_diff(other.time);
                assert!(drifted == 0 || drifted < 10_000 && obeys == Obeys::Late, "{name}: {drifted} ns");
                let one = Request { time: other.time, ..one.clone() };
                assert_eq!(one, *other, "{name}, {number}, {obeys:?}");
            }
            assert_eq!(requests.len(), expected.len(), "{name}, {obeys:?}");
            assert_eq!(Counters { paired: 0, ..counters.clone() }, counted, "{name}, {obeys:?}");
            paired += counters.paired;
        }
    }
    assert!(paired >= 9, "{paired}");
}
