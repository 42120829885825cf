//! Sends that the kernel accepts in part, late, or not at all.

use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::time::Duration;

use capture_tests::observer::{Observer, with_each_back_end};
use capture_tests::sockets::{Family, Pair};
use capture_tests::stream::{outline, rebuild};
use capture_tests::{content, receive, send};
use model::Direction::{Received, Sent};

use crate::compare::{BUDGET, compare, reaches};
use crate::talk::{small_buffer, wait_for_input};

const TOTAL: usize = 300_000;

/// A sender that does not wait is told again and again that there is no room; every time, what was captured must not go
/// beyond what was accepted.
#[test]
fn a_partial_send_claims_what_was_accepted() {
    with_each_back_end(|back_end, observer| {
        for family in Family::ALL {
            let pair = Pair::new(family).unwrap();
            let (client, server) = (pair.client.as_raw_fd(), pair.server.as_raw_fd());
            do_not_wait(client);
            small_buffer(client);
            let truth = content::bytes(3, TOTAL);
            let (mut accepted, mut read, mut refusals) = (0, 0, 0);
            while read < TOTAL {
                match send::write(client, &truth[accepted..]) {
                    Ok(count) => accepted += count,
                    Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
                }
                if accepted < TOTAL {
                    refusals += 1;
                }
                claims_no_more(observer, &pair, &truth[..accepted], back_end);
                let mut got = vec![0; 10_000.min(accepted - read)];
                let count = receive::read(server, &mut got).unwrap();
                assert_eq!(got[..count], truth[read..read + count]);
                read += count;
            }
            assert!(refusals > 3, "{family:?}: the kernel accepted everything at once, nothing was tested");
            answer(&pair);
            let (told, _) = observer.wait_for_bytes(&pair, TOTAL, 1);
            reaches(&told, Sent, &truth).unwrap_or_else(|wrong| panic!("{back_end}, {family:?}: {wrong}"));
            observer.forget();
        }
    });
}

/// One thread that writes to two sockets in turns fills their packets with many small pieces, so that a packet may be
/// full of pieces before it is full of bytes.
#[test]
fn small_sends_to_sockets_in_turns() {
    with_each_back_end(|back_end, observer| {
        let pairs = [Pair::new(Family::V4).unwrap(), Pair::new(Family::V4).unwrap()];
        let truth = content::bytes(4, TOTAL);
        let mut accepted = [0; 2];
        for pair in &pairs {
            do_not_wait(pair.client.as_raw_fd());
            small_buffer(pair.client.as_raw_fd());
        }
        let mut refused = [false; 2];
        while refused != [true; 2] {
            for (index, pair) in pairs.iter().enumerate() {
                let from = accepted[index];
                let size = 100 + from % 700;
                assert!(from + size < TOTAL, "nobody reads, so the buffers fill up");
                match send::write(pair.client.as_raw_fd(), &truth[from..from + size]) {
                    Ok(count) => {
                        accepted[index] += count;
                        refused[index] |= count < size;
                    }
                    Err(_) => refused[index] = true,
                }
                claims_no_more(observer, pair, &truth[..accepted[index]], back_end);
            }
        }
    });
}

/// Sends that fail because the direction is shut claim nothing.
#[test]
fn a_send_that_fails_claims_nothing() {
    with_each_back_end(|back_end, observer| {
        for family in Family::ALL {
            let pair = Pair::new(family).unwrap();
            let client = pair.client.as_raw_fd();
            let truth = content::bytes(5, 10);
            assert_eq!(send::write(client, &truth).unwrap(), 10);
            exact_read(&pair, 10);
            // SAFETY: has no preconditions.
            unsafe { libc::shutdown(client, libc::SHUT_WR) };
            let error = send::send_flags(client, &[0; 50], libc::MSG_NOSIGNAL).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::EPIPE));
            let (told, _) = observer.wait_for_bytes(&pair, 10, 0);
            compare(&told, Sent, &truth, &[0..10]).unwrap_or_else(|w| panic!("{back_end}, {family:?}: {w}"));
            observer.forget();
        }
    });
}

/// The address is wrong, so nothing is sent; if the hook was too early to know, the next send takes the claim back.
#[test]
fn a_send_from_nowhere_is_taken_back() {
    with_each_back_end(|back_end, observer| {
        let pair = Pair::new(Family::V4).unwrap();
        let client = pair.client.as_raw_fd();
        // SAFETY: the address is not ours, which the kernel finds out.
        let result = unsafe { libc::send(client, std::ptr::without_provenance(8), 50, 0) };
        assert_eq!((result, io::Error::last_os_error().raw_os_error()), (-1, Some(libc::EFAULT)));
        let truth = content::bytes(6, 2000);
        assert_eq!(send::write(client, &truth).unwrap(), truth.len());
        exact_read(&pair, truth.len());
        let (told, _) = observer.wait_for_bytes(&pair, truth.len(), 0);
        compare(&told, Sent, &truth, &[0..truth.len()]).unwrap_or_else(|w| panic!("{back_end}: {w}"));
    });
}

/// A page that is not in memory yet: its bytes are shown, or they are a gap that is counted.
#[test]
fn a_page_that_is_not_there_yet() {
    with_each_back_end(|back_end, observer| {
        let truth = content::bytes(7, 3000);
        let pair = Pair::new(Family::V4).unwrap();
        let before = observer.capture().losses().unreadable;
        let page = absent_page(&truth);
        // SAFETY: the page is mapped, readable and longer than `truth`.
        let result = unsafe { libc::write(pair.client.as_raw_fd(), page, truth.len()) };
        assert_eq!(result, truth.len() as isize);
        exact_read(&pair, truth.len());
        let (told, _) = observer.wait_for_bytes(&pair, truth.len(), 0);
        let unreadable = observer.capture().losses().unreadable - before;
        let captured = if unreadable == 0 { vec![0..truth.len()] } else { vec![] };
        compare(&told, Sent, &truth, &captured).unwrap_or_else(|w| panic!("{back_end}: {w}"));
        // SAFETY: unmaps what was mapped.
        unsafe { libc::munmap(page, 4096) };
    });
}

/// A sender that waits for room within one call, with a slow reader.
#[test]
fn a_send_that_waits_for_room() {
    with_each_back_end(|back_end, observer| {
        for family in Family::ALL {
            let pair = Pair::new(family).unwrap();
            small_buffer(pair.client.as_raw_fd());
            let truth = content::bytes(8, TOTAL);
            std::thread::scope(|scope| {
                scope.spawn(|| assert_eq!(send::write(pair.client.as_raw_fd(), &truth).unwrap(), TOTAL));
                std::thread::sleep(Duration::from_millis(20));
                exact_read(&pair, TOTAL);
            });
            answer(&pair);
            let (client, server) = observer.wait_for_bytes(&pair, TOTAL, 1);
            for (told, direction) in [(&client, Sent), (&server, Received)] {
                let budget = 0..BUDGET;
                compare(told, direction, &truth, &[budget])
                    .unwrap_or_else(|w| panic!("{back_end}, {family:?}: {w}"));
            }
            observer.forget();
        }
    });
}

fn claims_no_more(observer: &mut Observer, pair: &Pair, accepted: &[u8], back_end: &str) {
    observer.take();
    let told = observer.client(pair);
    let chunks = &told.chunks[Sent.index()];
    let Some(first) = chunks.first() else { return };
    let start = first.previous_end;
    match rebuild(chunks, start, accepted) {
        Ok(rebuilt) => assert_eq!(rebuilt.breaks, 0, "{back_end}: {}", outline(chunks, start)),
        Err(wrong) => panic!("{back_end}: {wrong}"),
    }
}

/// The server says one byte, and the client hears it.
fn answer(pair: &Pair) {
    assert_eq!(send::write(pair.server.as_raw_fd(), b"!").unwrap(), 1);
    wait_for_input(pair.client.as_raw_fd());
    assert_eq!(receive::read(pair.client.as_raw_fd(), &mut [0]).unwrap(), 1);
}

fn exact_read(pair: &Pair, length: usize) {
    let mut got = vec![0; length];
    let mut filled = 0;
    while filled < length {
        filled += receive::read(pair.server.as_raw_fd(), &mut got[filled..]).unwrap();
    }
}

fn do_not_wait(socket: RawFd) {
    // SAFETY: has no preconditions.
    assert_eq!(unsafe { libc::fcntl(socket, libc::F_SETFL, libc::O_NONBLOCK) }, 0);
}

/// A mapped page of a file with `content`, which this process has not touched.
fn absent_page(content: &[u8]) -> *mut libc::c_void {
    use std::io::Write;
    let (file, path) = {
        let path = std::env::temp_dir().join(format!("capture-test-{}", std::process::id()));
        (
            std::fs::File::options().create(true).truncate(true).read(true).write(true).open(&path).unwrap(),
            path,
        )
    };
    (&file).write_all(content).unwrap();
    std::fs::remove_file(path).unwrap();
    let fd = file.as_fd().as_raw_fd();
    // SAFETY: a new mapping; the kernel checks the rest. Random access: neighbours are not mapped along.
    unsafe {
        let page = libc::mmap(std::ptr::null_mut(), 4096, libc::PROT_READ, libc::MAP_PRIVATE, fd, 0);
        assert_ne!(page, libc::MAP_FAILED);
        page
    }
}
