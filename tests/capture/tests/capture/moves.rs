//! Connections of which only the times are wanted at which bytes moved: they come several at once, and are all there.

use std::thread;
use std::time::Duration;

use capture_tests::observer::{Observer, Told, with_each_back_end};
use capture_tests::sockets::{Family, Pair};
use capture_tests::{content, receive, send};
use model::Direction::{self, Received, Sent};
use model::event::{EndCause, Instruction};

use crate::compare::{BUDGET, compare, reaches};
use crate::movers::{ANSWER, MESSAGES, converse, lacks};
use crate::talk::say;

/// What is said each way before anything else, so that the connection is known.
const FIRST: &[u8] = b"!";

/// Nothing but the moves is wanted.
fn only_moves(pair: &Pair) -> Instruction {
    let ports = [&pair.client_end, &pair.server_end].map(|end| u32::from(end.port().unwrap()));
    Instruction::Moves { ports: ports[0] + ports[1] }
}

/// The same, and they are held where the programs do not look first, as of one that found its own place taken.
fn only_moves_elsewhere(_: &Pair) -> Instruction {
    Instruction::Moves { ports: 0 }
}

/// A connection whose server's moves are to be held from now on.
fn held(observer: &mut Observer, family: Family) -> Pair {
    held_by(observer, family, only_moves)
}

fn held_by(observer: &mut Observer, family: Family, how: fn(&Pair) -> Instruction) -> Pair {
    let pair = Pair::new(family).unwrap();
    say(&pair.client, &pair.server, FIRST);
    say(&pair.server, &pair.client, FIRST);
    observer.wait_for_bytes(&pair, FIRST.len(), FIRST.len());
    let server = observer.find(&pair.server_end, &pair.client_end).unwrap();
    observer.instruct(server, how(&pair));
    pair
}

fn after_first(words: &[u8]) -> Vec<u8> {
    [FIRST, words].concat()
}

/// Lengths and places agree with what moved, nothing is shown, and times go on.
fn check_moves(told: &Told, direction: Direction, words: &[u8]) -> Result<(), String> {
    let truth = after_first(words);
    let rebuilt = reaches(told, direction, &truth)?;
    if rebuilt.captured != [0..FIRST.len()] {
        return Err(format!("{direction:?}: {:?} was captured", rebuilt.captured));
    }
    let chunks = &told.chunks[direction.index()];
    match chunks.windows(2).all(|two| two[0].time <= two[1].time) {
        true => Ok(()),
        false => Err(format!("{direction:?}: times go back")),
    }
}

fn times(told: &Told, direction: Direction) -> Vec<u64> {
    told.chunks[direction.index()].iter().map(|chunk| chunk.time).collect()
}

#[test]
fn all_that_moved_is_told_and_nothing_of_it_is_shown() {
    with_each_back_end(|back_end, observer| {
        for (family, how) in [
            (Family::V4, only_moves as fn(&Pair) -> _),
            (Family::V6, only_moves),
            (Family::V4, only_moves_elsewhere),
        ] {
            let pair = held_by(observer, family, how);
            // A whole record of moves, and some that are left over.
            let (mut question, mut answer) = (Vec::new(), Vec::new());
            for turn in 0..70 {
                let (asked, answered) = (content::bytes(turn, 10 + turn as usize), content::bytes(turn, 300));
                say(&pair.client, &pair.server, &asked);
                say(&pair.server, &pair.client, &answered);
                question.extend(asked);
                answer.extend(answered);
            }
            let (to_server, to_client) = (question.len() + 1, answer.len() + 1);
            let (client, server) = observer.wait_for_bytes(&pair, to_server, to_client);
            let case = format!("{back_end}, {family:?}");
            let fine = |result: Result<(), String>| result.unwrap_or_else(|w| panic!("{case}: {w}"));
            fine(check_moves(&server, Received, &question));
            fine(check_moves(&server, Sent, &answer));
            fine(compare(&client, Sent, &after_first(&question), &[0..to_server]));
            fine(compare(&client, Received, &after_first(&answer), &[0..to_client]));
            // A move of the server's lies between those of the client's that it belongs to.
            for (sent, received) in times(&server, Sent).into_iter().zip(times(&client, Received)) {
                assert!(sent <= received, "{case}: sent {sent}, received {received}");
            }
            // What comes in is told of the time when it came, which is no later than the answer.
            for (received, sent) in times(&server, Received).into_iter().zip(times(&server, Sent)) {
                assert!(received <= sent, "{case}: received {received}, answered {sent}");
            }
            observer.forget();
        }
    });
}

#[test]
fn an_end_comes_after_the_last_move() {
    with_each_back_end(|back_end, observer| {
        let pair = held(observer, Family::V4);
        for _ in 0..3 {
            say(&pair.client, &pair.server, b"question");
            say(&pair.server, &pair.client, b"answer");
        }
        let ends = (pair.server_end.clone(), pair.client_end.clone());
        drop(pair);
        let gone = |told: &Told| told.ends.iter().any(|end| end.cause != EndCause::RemoteFin);
        let at_once = observer.wait_until(|o| gone(&o.of(&ends.0, &ends.1)));
        assert!(at_once, "{back_end}");
        let server = observer.of(&ends.0, &ends.1);
        check_moves(&server, Received, &b"question".repeat(3)).unwrap_or_else(|w| panic!("{back_end}: {w}"));
        check_moves(&server, Sent, &b"answer".repeat(3)).unwrap_or_else(|w| panic!("{back_end}: {w}"));
        observer.forget();
    });
}

#[test]
fn each_move_is_of_the_thread_that_made_it() {
    with_each_back_end(|back_end, observer| {
        let pair = held(observer, Family::V4);
        let mut threads = Vec::new();
        for _ in 0..3 {
            let tid = thread::scope(|scope| {
                let work = || {
                    say(&pair.client, &pair.server, b"question");
                    say(&pair.server, &pair.client, b"answer");
                    // SAFETY: has no preconditions.
                    unsafe { libc::gettid() }.unsigned_abs()
                };
                scope.spawn(work).join().expect("it does not panic")
            });
            threads.push(tid);
        }
        let (_, server) = observer.wait_for_bytes(&pair, 1 + 3 * 8, 1 + 3 * 6);
        for direction in [Received, Sent] {
            let told: Vec<u32> = server.chunks[direction.index()].iter().skip(1).map(|c| c.tid).collect();
            assert_eq!(told, threads, "{back_end}, {direction:?}");
        }
        observer.forget();
    });
}

/// One thread reads and another one answers, as where work is handed on within a program.
#[test]
fn each_direction_has_a_thread_of_its_own() {
    with_each_back_end(|back_end, observer| {
        let pair = held(observer, Family::V4);
        // SAFETY: has no preconditions.
        let own = || unsafe { libc::gettid() }.unsigned_abs();
        for _ in 0..20 {
            say(&pair.client, &pair.server, b"question");
            thread::scope(|scope| scope.spawn(|| say(&pair.server, &pair.client, b"answer")).join())
                .expect("it does not panic");
        }
        let (_, server) = observer.wait_for_bytes(&pair, 1 + 20 * 8, 1 + 20 * 6);
        let threads = |direction: Direction| -> Vec<u32> {
            server.chunks[direction.index()].iter().skip(1).map(|chunk| chunk.tid).collect()
        };
        assert_eq!(threads(Received), [own(); 20], "{back_end}");
        let answering = threads(Sent);
        assert_eq!(answering.len(), 20, "{back_end}");
        assert!(answering.iter().all(|tid| *tid != own()), "{back_end}: {answering:?}");
        check_moves(&server, Received, &b"question".repeat(20)).unwrap_or_else(|w| panic!("{back_end}: {w}"));
        check_moves(&server, Sent, &b"answer".repeat(20)).unwrap_or_else(|w| panic!("{back_end}: {w}"));
        observer.forget();
    });
}

#[test]
fn its_bytes_may_be_wanted_again() {
    with_each_back_end(|back_end, observer| {
        let pair = held(observer, Family::V4);
        say(&pair.client, &pair.server, b"question");
        say(&pair.server, &pair.client, b"answer");
        observer.wait_for_bytes(&pair, 1 + 8, 1 + 6);
        let server = observer.find(&pair.server_end, &pair.client_end).unwrap();
        let budget = BUDGET as u32;
        observer.instruct(server, Instruction::Budget { sent: budget, received: budget, tails: [false; 2] });
        say(&pair.client, &pair.server, b"question");
        say(&pair.server, &pair.client, b"answer");
        let (_, told) = observer.wait_for_bytes(&pair, 1 + 2 * 8, 1 + 2 * 6);
        let fine = |result: Result<(), String>| result.unwrap_or_else(|w| panic!("{back_end}: {w}"));
        fine(compare(&told, Received, &after_first(&b"question".repeat(2)), &[0..1, 9..17]));
        fine(compare(&told, Sent, &after_first(&b"answer".repeat(2)), &[0..1, 7..13]));
        // And then not.
        observer.instruct(server, only_moves(&pair));
        say(&pair.client, &pair.server, b"question");
        let (_, told) = observer.wait_for_bytes(&pair, 1 + 3 * 8, 1 + 2 * 6);
        fine(compare(&told, Received, &after_first(&b"question".repeat(3)), &[0..1, 9..17]));
        observer.forget();
    });
}

/// A slot that is another connection's by now is left alone, though nobody told the one that had it before.
#[test]
fn who_lost_its_slot_is_told_one_by_one() {
    with_each_back_end(|back_end, observer| {
        let (first, second) = (held(observer, Family::V4), held(observer, Family::V4));
        let id =
            |observer: &Observer, pair: &Pair| observer.find(&pair.server_end, &pair.client_end).unwrap();
        let (one, other) = (id(observer, &first), id(observer, &second));
        for pair in [&first, &second] {
            say(&pair.client, &pair.server, b"question");
        }
        observer.wait_for_bytes(&first, 9, 1);
        observer.wait_for_bytes(&second, 9, 1);
        observer.instruct(one, Instruction::Release);
        observer.instruct(other, Instruction::Release);
        thread::sleep(Duration::from_millis(1100));
        observer.instruct(other, only_moves(&second));
        for pair in [&first, &second, &first, &second] {
            say(&pair.client, &pair.server, b"question");
        }
        for pair in [&first, &second] {
            let (_, told) = observer.wait_for_bytes(pair, 1 + 3 * 8, 1);
            check_moves(&told, Received, &b"question".repeat(3))
                .unwrap_or_else(|w| panic!("{back_end}: {w}"));
        }
        observer.forget();
    });
}

#[test]
fn every_way_to_send_and_to_receive() {
    with_each_back_end(|back_end, observer| {
        // The held end receives in each way, or sends.
        let receives = receive::WAYS.iter().map(|into| (Received, &send::WAYS[0], into));
        let sends = send::WAYS.iter().map(|out| (Sent, out, &receive::WAYS[0]));
        for (way, out, into) in receives.chain(sends) {
            let case = format!("{back_end}: {} to {}", out.name, into.name);
            let pair = held(observer, Family::V4);
            let pair = if way == Sent { turned(pair) } else { pair };
            let question = content::bytes(1, MESSAGES.iter().sum());
            let answer = content::bytes(2, ANSWER * MESSAGES.len());
            match converse(&pair, out, into, &question, &answer) {
                Ok(()) => {}
                Err(error) if lacks(&error) && case.contains("uring") => continue,
                Err(error) => panic!("{case}: {error}"),
            }
            let (client, server) = observer.wait_for_bytes(&pair, 1 + question.len(), 1 + answer.len());
            let told = if way == Sent { client } else { server };
            for (direction, words) in [(way, &question), (way.other(), &answer)] {
                check_moves(&told, direction, words).unwrap_or_else(|w| panic!("{case}: {w}"));
            }
            observer.forget();
        }
    });
}

/// Who accepted asks, in the place of who connected.
fn turned(pair: Pair) -> Pair {
    Pair {
        client: pair.server,
        server: pair.client,
        client_end: pair.server_end,
        server_end: pair.client_end,
    }
}
