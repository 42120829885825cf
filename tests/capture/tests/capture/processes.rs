//! Sockets that several processes use, one after the other: they belong to whoever does the I/O.

use std::mem::{size_of, zeroed};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;

use capture_tests::observer::{Observer, Told, turn, with_each_back_end};
use capture_tests::send;
use capture_tests::sockets::{Family, Listener, Pair};
use model::Direction::{Received, Sent};
use probes::Config;

use crate::compare::compare;
use crate::talk::{CHILD, Child, echo, hear, say};

const WORDS: &[u8] = b"how do you do";

/// A process that was forked from the one that listens accepts, and serves.
#[test]
fn a_worker_that_accepts() {
    with_each_back_end(|back_end, observer| {
        for family in Family::ALL {
            let listener = Listener::new(family).unwrap();
            let child = Child::new(|| listener.accept().is_ok_and(|it| echo(it.as_raw_fd(), WORDS.len())));
            let (client, client_end) = listener.connect().unwrap();
            ask(client.as_raw_fd());
            let server_end = listener.end().unwrap();
            let told = wait_for_owners(observer, 1, |o| o.of(&server_end, &client_end));
            check_owners(&told, &[child.pid()], &format!("{back_end}, {family:?}"));
            assert!(told.chunks[Received.index()].iter().all(|chunk| chunk.pid == child.pid()));
            child.join();
        }
    });
}

/// The parent accepts and serves once; its child, forked then, goes on.
#[test]
fn a_worker_that_inherits_a_connection() {
    with_each_back_end(|back_end, observer| {
        for family in Family::ALL {
            let pair = Pair::new(family).unwrap();
            say(&pair.client, &pair.server, WORDS);
            say(&pair.server, &pair.client, WORDS);
            let child = Child::new(|| echo(pair.server.as_raw_fd(), WORDS.len()));
            ask(pair.client.as_raw_fd());
            let told = wait_for_owners(observer, 2, |o| o.server(&pair));
            check_owners(&told, &[std::process::id(), child.pid()], &format!("{back_end}, {family:?}"));
            let both = [WORDS, WORDS].concat();
            compare(&told, Received, &both, &[0..both.len()]).unwrap();
            compare(&told, Sent, &both, &[0..both.len()]).unwrap();
            child.join();
        }
    });
}

/// The parent accepts, and hands the connection to a process that was there before.
#[test]
fn a_connection_that_is_passed_on() {
    with_each_back_end(|back_end, observer| {
        for family in Family::ALL {
            let (ours, theirs) = UnixStream::pair().unwrap();
            let child = Child::new(|| {
                take_descriptor(theirs.as_raw_fd()).is_some_and(|it| echo(it.as_raw_fd(), WORDS.len()))
            });
            let pair = Pair::new(family).unwrap();
            say(&pair.client, &pair.server, WORDS);
            pass_descriptor(ours.as_raw_fd(), pair.server.as_raw_fd());
            ask(pair.client.as_raw_fd());
            let told = wait_for_owners(observer, 2, |o| o.server(&pair));
            check_owners(&told, &[std::process::id(), child.pid()], &format!("{back_end}, {family:?}"));
            let both = [WORDS, WORDS].concat();
            compare(&told, Received, &both, &[0..both.len()]).unwrap();
            child.join();
        }
    });
}

/// Weir leaves out what it does itself, and only that.
#[test]
fn our_own_process_is_left_out() {
    let Some(_turn) = turn() else { return };
    let config = Config { observe_self: false, ..Observer::config(None) };
    let mut observer = Observer::start(&config).unwrap();
    for family in Family::ALL {
        let own = Pair::new(family).unwrap();
        say(&own.client, &own.server, WORDS);
        say(&own.server, &own.client, WORDS);
        let shared = Pair::new(family).unwrap();
        let child = Child::new(|| echo(shared.server.as_raw_fd(), WORDS.len()));
        ask(shared.client.as_raw_fd());
        let told = wait_for_owners(&mut observer, 1, |o| o.server(&shared));
        compare(&told, Received, WORDS, &[0..WORDS.len()]).unwrap();
        let (client, server) = (observer.client(&own), observer.server(&own));
        assert!(client.opens.is_empty() && server.opens.is_empty(), "{family:?}: {client:?} {server:?}");
        if family != Family::Unix {
            assert!(observer.client(&shared).opens.is_empty(), "{family:?}");
        }
        child.join();
    }
}

fn ask(client: RawFd) {
    assert_eq!(send::write(client, WORDS).unwrap(), WORDS.len());
    hear(client, WORDS);
}

fn wait_for_owners(observer: &mut Observer, count: usize, of: impl Fn(&Observer) -> Told) -> Told {
    observer.wait_until(|o| of(o).owners.len() >= count);
    of(observer)
}

fn check_owners(told: &Told, pids: &[u32], case: &str) {
    let seen: Vec<u32> = told.owners.iter().map(|owner| owner.pid).collect();
    assert_eq!(seen, pids, "{case}");
    assert_eq!(told.owners.last().map(|owner| owner.command.as_str()), Some(CHILD), "{case}");
}

/// One byte with a descriptor beside it.
#[repr(C, align(8))]
struct Control([u8; 24]);

fn with_message<T>(control: &mut Control, act: impl FnOnce(&mut libc::msghdr) -> T) -> T {
    let mut byte = [0u8; 1];
    let mut vector = libc::iovec { iov_base: byte.as_mut_ptr().cast(), iov_len: 1 };
    // SAFETY: a msghdr of zeros is an empty message.
    let mut message: libc::msghdr = unsafe { zeroed() };
    message.msg_iov = &mut vector;
    message.msg_iovlen = 1;
    message.msg_control = control.0.as_mut_ptr().cast();
    message.msg_controllen = control.0.len() as _;
    act(&mut message)
}

fn pass_descriptor(over: RawFd, descriptor: RawFd) {
    let sent = with_message(&mut Control([0; 24]), |message| {
        // SAFETY: the control buffer is aligned and has room for one descriptor.
        unsafe {
            let header = libc::CMSG_FIRSTHDR(message);
            (*header).cmsg_level = libc::SOL_SOCKET;
            (*header).cmsg_type = libc::SCM_RIGHTS;
            (*header).cmsg_len = libc::CMSG_LEN(size_of::<RawFd>() as u32) as _;
            libc::CMSG_DATA(header).cast::<RawFd>().write_unaligned(descriptor);
            libc::sendmsg(over, message, 0)
        }
    });
    assert_eq!(sent, 1);
}

fn take_descriptor(over: RawFd) -> Option<OwnedFd> {
    with_message(&mut Control([0; 24]), |message| {
        // SAFETY: the control buffer is aligned; the kernel says whether a descriptor came, which is ours then.
        unsafe {
            if libc::recvmsg(over, message, 0) != 1 {
                return None;
            }
            let header = libc::CMSG_FIRSTHDR(message).as_ref()?;
            let descriptor = libc::CMSG_DATA(header).cast::<RawFd>().read_unaligned();
            Some(OwnedFd::from_raw_fd(descriptor))
        }
    })
}
