//! Recordings of all protocols, and of some that Weir does not know: each is told as what it is, or as nothing, wherever
//! it is begun.

#![allow(clippy::unwrap_used)] // helpers are tests too

mod replaying;

use std::collections::BTreeMap;
use std::path::Path;

use model::event::{Event, Open};
use model::{ConnectionId, Direction, Party, Role};
use protocols::{CERTAIN, Protocol};
use replaying::{all, protocol, recordings, replay};

/// What was told is of this protocol only, and nothing was taken for one that is left alone.
#[track_caller]
fn check(path: &Path, how: &str, change: impl FnMut(Event<'_>) -> Option<Event<'_>>) -> usize {
    let (requests, counters) = replay(path, change);
    for request in &requests {
        assert_eq!(Some(request.protocol), protocol(path), "{}, {how}", path.display());
    }
    let others: Vec<_> = counters.left_alone.keys().filter(|label| **label != "unknown").collect();
    assert!(others.is_empty(), "{}, {how}: left as {others:?}", path.display());
    if protocol(path).is_none() {
        assert!(counters.unparsed.is_empty(), "{}, {how}: {:?}", path.display(), counters.unparsed);
    }
    requests.len()
}

#[test]
fn unknown_protocols_are_left_alone() {
    let (mut checked, mut left) = (0, 0);
    for path in recordings().iter().filter(|path| protocol(path).is_none()) {
        assert_eq!(check(path, "whole", all), 0, "{}", path.display());
        checked += 1;
        left += usize::from(!replay(path, all).1.left_alone.is_empty());
    }
    assert!(checked >= 7, "only {checked} recordings");
    // Others said too little for that.
    assert!(left >= 6, "only {left} are left alone");
}

/// How often bytes moved.
fn chunks(path: &Path) -> usize {
    let mut count = 0;
    replay(path, |event| {
        count += usize::from(matches!(event, Event::Chunk(_)));
        Some(event)
    });
    count
}

/// Requests that are not told where the agent is started at a bad moment: in the middle of one, on each side.
const MISSED: usize = 2;

/// The agent is started somewhere in the middle. Of which role this side is may be known by then, or not. Starting earlier
/// shows no less.
#[test]
fn from_the_middle() {
    for path in recordings() {
        for known in [true, false] {
            let mut later = 0;
            for begin in (0..chunks(&path)).rev() {
                let mut count = 0;
                let seen = check(&path, &format!("from chunk {begin}"), |event| match event {
                    Event::Chunk(_) => {
                        count += 1;
                        (count > begin).then_some(event)
                    }
                    Event::Open(open) if begin > 0 => {
                        let role = if known { open.role } else { Role::Unknown };
                        Some(Event::Open(Open { role, from_start: false, ..open }))
                    }
                    _ => Some(event),
                });
                assert!(seen + MISSED >= later, "{}, from chunk {begin}: {seen} of {later}", path.display());
                later = later.max(seen);
            }
        }
    }
}

/// Of one direction all bytes were lost.
#[test]
fn one_direction_alone() {
    for path in recordings() {
        for lost in [Direction::Sent, Direction::Received] {
            for known in [true, false] {
                check(&path, &format!("without what was {lost:?}"), |event| match event {
                    Event::Chunk(chunk) if chunk.direction == lost => None,
                    Event::Open(open) if !known => Some(Event::Open(Open { role: Role::Unknown, ..open })),
                    _ => Some(event),
                });
            }
        }
    }
}

/// What was said in one go, by either party; and whether in datagrams.
fn runs(path: &Path) -> Vec<(ConnectionId, Vec<u8>, bool)> {
    let mut runs: Vec<(ConnectionId, Vec<u8>, bool)> = Vec::new();
    let mut last: BTreeMap<ConnectionId, (Direction, u32, usize)> = BTreeMap::new();
    let mut datagrams = Vec::new();
    replay(path, |event| {
        match &event {
            Event::OpenDatagrams(open) => datagrams.push(open.connection),
            Event::Chunk(chunk) => {
                let id = chunk.connection;
                let end = chunk.position.wrapping_add(chunk.payload.len() as u32);
                let in_datagrams = datagrams.contains(&id);
                match last.get(&id) {
                    Some(&(direction, place, run))
                        if direction == chunk.direction && place == chunk.position && !in_datagrams =>
                    {
                        runs[run].1.extend_from_slice(chunk.payload);
                        last.insert(id, (direction, end, run));
                    }
                    _ => {
                        last.insert(id, (chunk.direction, end, runs.len()));
                        runs.push((id, chunk.payload.to_vec(), in_datagrams));
                    }
                }
            }
            _ => {}
        }
        Some(event)
    });
    runs
}

/// Every run is shown to every detector, as what either party said, alone and with what came before and after it: nobody else
/// is sure enough to take the connection.
#[test]
fn every_detector_on_every_recording() {
    for path in recordings() {
        let mut by: BTreeMap<ConnectionId, Vec<(Vec<u8>, bool)>> = BTreeMap::new();
        for (id, bytes, datagram) in runs(&path) {
            by.entry(id).or_default().push((bytes, datagram));
        }
        let others = || Protocol::ALL.iter().filter(|other| Some(other.name()) != protocol(&path));
        for runs in by.values() {
            let nothing = (Vec::new(), runs[0].1);
            for pair in runs.iter().chain([&nothing]).collect::<Vec<_>>().windows(2) {
                for other in others().filter(|other| other.in_datagrams() == pair[0].1) {
                    for party in [Party::Client, Party::Server] {
                        let sure = |party, bytes: &[u8]| match bytes {
                            [] => 0,
                            bytes => u32::from(other.detect(party, bytes)),
                        };
                        let sum = sure(party, &pair[0].0) + sure(party.other(), &pair[1].0);
                        assert!(
                            sum < u32::from(CERTAIN),
                            "{}: {} takes {} and {}",
                            path.display(),
                            other.name(),
                            pair[0].0.escape_ascii(),
                            pair[1].0.escape_ascii()
                        );
                    }
                }
            }
        }
    }
}
