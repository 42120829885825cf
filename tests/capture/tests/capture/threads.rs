//! Many threads on one socket.

use std::collections::HashMap;
use std::os::fd::AsRawFd;
use std::sync::{Arc, Mutex};
use std::thread;

use capture_tests::observer::with_each_back_end;
use capture_tests::sockets::{Family, Pair};
use capture_tests::{content, receive, send};
use model::Direction::{Received, Sent};
use model::event::Instruction;

use crate::compare::{compare, reaches};
use crate::talk::{say, small_buffer};

const THREADS: usize = 6;
const MESSAGES: usize = 60;
const LENGTH: usize = 64;
const TOTAL: usize = THREADS * MESSAGES * LENGTH;

/// Writers and readers race. What the readers took, put in order by what was captured, must be what the writers wrote,
/// each message by the thread that wrote it.
#[test]
fn many_writers_and_many_readers() {
    with_each_back_end(|back_end, observer| {
        for family in Family::ALL {
            let pair = Pair::new(family).unwrap();
            // One exchange, to learn the connections' names and ask for all of their bytes.
            assert_eq!(send::write(pair.client.as_raw_fd(), b"?").unwrap(), 1);
            assert_eq!(receive::read(pair.server.as_raw_fd(), &mut [0]).unwrap(), 1);
            observer.wait_for_bytes(&pair, 1, 0);
            for (local, remote) in
                [(&pair.client_end, &pair.server_end), (&pair.server_end, &pair.client_end)]
            {
                let id = observer.find(local, remote).expect("was just seen");
                observer
                    .instruct(id, Instruction::Budget { sent: 65_520, received: 65_520, tails: [false; 2] });
            }
            assert_eq!(send::write(pair.server.as_raw_fd(), b"!").unwrap(), 1);
            assert_eq!(receive::read(pair.client.as_raw_fd(), &mut [0]).unwrap(), 1);

            let writers = race(&pair);
            let (client, server) = observer.wait_for_bytes(&pair, 1 + TOTAL, 1);
            let case = format!("{back_end}, {family:?}");
            let stream: Vec<u8> =
                server.chunks[Received.index()].iter().flat_map(|c| c.payload.clone()).collect();
            assert_eq!(stream.len(), 1 + TOTAL, "{case}");
            compare(&server, Received, &stream, &[0..1 + TOTAL]).unwrap_or_else(|w| panic!("{case}: {w}"));
            reaches(&client, Sent, &stream).unwrap_or_else(|w| panic!("{case}: {w}"));
            let authors: HashMap<&[u8], u32> =
                writers.iter().flat_map(|(tid, words)| words.chunks(LENGTH).map(|w| (w, *tid))).collect();
            for message in stream[1..].chunks(LENGTH) {
                assert!(authors.contains_key(message), "{case}: a message that nobody wrote");
            }
            if family != Family::Unix {
                for chunk in client.chunks[Sent.index()].iter().skip(1) {
                    assert_eq!(authors.get(&chunk.payload[..]), Some(&chunk.tid), "{case}: another thread's");
                }
            }
            observer.forget();
        }
    });
}

/// Writers whose messages do not fit wait for room and take turns in the middle of them, while answers open the budget
/// again and again. What is shown of the stream must be what the reader really got.
#[test]
fn large_messages_that_interleave() {
    const LARGE: usize = 150_000;
    with_each_back_end(|back_end, observer| {
        let pair = Pair::new(Family::V4).unwrap();
        let (client, server) = (pair.client.as_raw_fd(), pair.server.as_raw_fd());
        small_buffer(client);
        let mut truth = Vec::new();
        thread::scope(|scope| {
            for index in 0..3 {
                let words = content::bytes(200 + index, LARGE);
                scope.spawn(move || assert_eq!(send::write(client, &words).unwrap(), LARGE));
            }
            scope.spawn(move || while receive::read(client, &mut [0]).unwrap() == 1 {});
            while truth.len() < 3 * LARGE {
                let mut buffer = [0; 5000];
                let got = receive::read(server, &mut buffer).unwrap();
                truth.extend_from_slice(&buffer[..got]);
                assert_eq!(send::write(server, b"!").unwrap(), 1);
            }
            // SAFETY: has no preconditions; the client's reader ends.
            unsafe { libc::shutdown(server, libc::SHUT_WR) };
        });
        say(&pair.client, &pair.server, b".");
        truth.push(b'.');
        let (client, _) = observer.wait_for_bytes(&pair, truth.len(), 0);
        reaches(&client, Sent, &truth).unwrap_or_else(|w| panic!("{back_end}: {w}"));
    });
}

/// Lets writers and readers loose; returns who wrote what.
fn race(pair: &Pair) -> Vec<(u32, Vec<u8>)> {
    let (client, server) = (pair.client.as_raw_fd(), pair.server.as_raw_fd());
    let left = Arc::new(Mutex::new(TOTAL));
    thread::scope(|scope| {
        let writers: Vec<_> = (0..THREADS)
            .map(|index| {
                scope.spawn(move || {
                    let words = content::bytes(100 + index as u64, MESSAGES * LENGTH);
                    for message in words.chunks(LENGTH) {
                        assert_eq!(send::write(client, message).unwrap(), LENGTH);
                    }
                    // SAFETY: has no preconditions.
                    (unsafe { libc::gettid() } as u32, words)
                })
            })
            .collect();
        for _ in 0..THREADS {
            let left = Arc::clone(&left);
            scope.spawn(move || {
                loop {
                    let mut buffer = [0; 1000];
                    {
                        // No reader may wait for bytes that another one took.
                        let mut left = left.lock().expect("no reader panics");
                        if *left == 0 {
                            return;
                        }
                        let wanted = buffer.len().min(*left).min(333);
                        *left -= wanted;
                        drop(left);
                        let flags = libc::MSG_WAITALL;
                        let got = receive::recv_flags(server, &mut buffer[..wanted], flags).unwrap();
                        assert_eq!(got, wanted);
                    }
                }
            });
        }
        writers.into_iter().map(|writer| writer.join().expect("no writer panics")).collect()
    })
}
