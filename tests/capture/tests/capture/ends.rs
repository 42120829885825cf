//! How connections end, and up to where their bytes went.

use std::os::fd::{AsRawFd, OwnedFd};

use capture_tests::observer::{Observer, Told, with_each_back_end};
use capture_tests::sockets::{Family, Pair};
use capture_tests::{content, receive, send};
use model::Direction::{self, Received, Sent};
use model::event::EndCause::{self, Closed, LocalFin, LocalReset, RemoteFin, RemoteReset};

use crate::compare::reaches;
use crate::talk::{say, wait_for_input};

const TCP: [Family; 3] = [Family::V4, Family::V6, Family::Mapped];
const ASKED: usize = 700;
const ANSWERED: usize = 900;

#[test]
fn the_client_closes_first() {
    ending(|client, server| {
        drop(client);
        assert_eq!(receive::read(server.as_raw_fd(), &mut [0]).unwrap(), 0);
        drop(server);
        Expected { client: &[LocalFin, Closed], server: &[RemoteFin, LocalFin, Closed] }
    });
}

#[test]
fn the_server_closes_first() {
    ending(|client, server| {
        drop(server);
        assert_eq!(receive::read(client.as_raw_fd(), &mut [0]).unwrap(), 0);
        drop(client);
        Expected { client: &[RemoteFin, LocalFin, Closed], server: &[LocalFin, Closed] }
    });
}

#[test]
fn a_close_without_lingering_resets() {
    ending(|client, server| {
        let linger = libc::linger { l_onoff: 1, l_linger: 0 };
        let (option, length) = ((&raw const linger).cast(), size_of::<libc::linger>() as u32);
        // SAFETY: the option is a linger.
        let set = unsafe {
            libc::setsockopt(client.as_raw_fd(), libc::SOL_SOCKET, libc::SO_LINGER, option, length)
        };
        assert_eq!(set, 0);
        drop(client);
        let error = receive::read(server.as_raw_fd(), &mut [0]).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ECONNRESET));
        Expected { client: &[LocalReset], server: &[RemoteReset] }
    });
}

/// Bytes that were received but never read make a close a reset; they are not told as received.
#[test]
fn a_close_with_unread_data_resets() {
    ending(|client, server| {
        assert_eq!(send::write(server.as_raw_fd(), b"unread").unwrap(), 6);
        wait_for_input(client.as_raw_fd());
        drop(client);
        let error = receive::read(server.as_raw_fd(), &mut [0]).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ECONNRESET));
        Expected { client: &[LocalReset], server: &[RemoteReset] }
    });
}

/// The client says that it has no more to say, and is answered then: the FIN takes a sequence number, but is no byte.
#[test]
fn an_answer_to_a_half_closed_connection() {
    with_each_back_end(|back_end, observer| {
        for family in TCP {
            let pair = Pair::new(family).unwrap();
            let question = content::bytes(20, ASKED);
            let answer = content::bytes(21, ANSWERED);
            say(&pair.client, &pair.server, &question);
            // SAFETY: has no preconditions.
            unsafe { libc::shutdown(pair.client.as_raw_fd(), libc::SHUT_WR) };
            assert_eq!(receive::read(pair.server.as_raw_fd(), &mut [0]).unwrap(), 0);
            say(&pair.server, &pair.client, &answer);
            say(&pair.server, &pair.client, b".");
            let answer = [&answer[..], b"."].concat();
            let (client, server) = observer.wait_for_bytes(&pair, ASKED, ANSWERED + 1);
            for (told, direction, truth) in [
                (&client, Sent, &question),
                (&server, Received, &question),
                (&server, Sent, &answer),
                (&client, Received, &answer),
            ] {
                reaches(told, direction, truth).unwrap_or_else(|w| panic!("{back_end}, {family:?}: {w}"));
            }
            observer.forget();
        }
    });
}

struct Expected {
    client: &'static [EndCause],
    server: &'static [EndCause],
}

/// A connection with a question and an answer, which `end` ends: its ends must be told in this order, and every position
/// that is told must be the one behind the last byte.
fn ending(end: fn(OwnedFd, OwnedFd) -> Expected) {
    with_each_back_end(|back_end, observer| {
        for family in TCP {
            let pair = Pair::new(family).unwrap();
            say(&pair.client, &pair.server, &content::bytes(10, ASKED));
            say(&pair.server, &pair.client, &content::bytes(11, ANSWERED));
            let addresses = (pair.client_end.clone(), pair.server_end.clone());
            let expected = end(pair.client, pair.server);
            let of = |o: &Observer| (o.of(&addresses.0, &addresses.1), o.of(&addresses.1, &addresses.0));
            let causes = |told: &Told| told.ends.iter().map(|end| end.cause).collect::<Vec<_>>();
            observer.wait_until(|o| {
                let (client, server) = of(o);
                causes(&client).len() >= expected.client.len()
                    && causes(&server).len() >= expected.server.len()
            });
            let (client, server) = of(observer);
            let case = format!("{back_end}, {family:?}");
            assert_eq!(causes(&client), expected.client, "{case}: client");
            assert_eq!(causes(&server), expected.server, "{case}: server");
            positions(&client, ASKED, ANSWERED, &case);
            positions(&server, ANSWERED, ASKED, &case);
            observer.forget();
        }
    });
}

fn positions(told: &Told, sent: usize, received: usize, case: &str) {
    let start = |direction: Direction| told.chunks[direction.index()][0].previous_end;
    let place = |end: u32, direction| end.wrapping_sub(start(direction)) as usize;
    let sent_ends: Vec<_> = told.ends.iter().filter_map(|e| e.sent_end).map(|e| place(e, Sent)).collect();
    let received_ends: Vec<_> =
        told.ends.iter().filter_map(|e| e.received_end).map(|e| place(e, Received)).collect();
    // The server of an unread message had sent six bytes more.
    let unread = |ends: &[usize], usual: usize| ends.iter().all(|e| *e == usual || *e == usual + 6);
    assert!(!sent_ends.is_empty() && unread(&sent_ends, sent), "{case}: sent up to {sent_ends:?} of {sent}");
    assert!(
        received_ends.iter().all(|e| *e == received),
        "{case}: received up to {received_ends:?} of {received}"
    );
    assert!(!received_ends.is_empty(), "{case}: no end of what was received");
}
