//! Every way to send and every way to receive, over every family, with messages below and above the budget.

use std::io;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::thread;

use crate::compare::{BUDGET, compare};
use capture_tests::observer::{Observer, Told, with_each_back_end, with_system_calls};
use capture_tests::send::Visible;
use capture_tests::sockets::{Family, Pair};
use capture_tests::stream::joined;
use capture_tests::{content, receive, send};
use model::Direction::{self, Received, Sent};
use probes::Purpose;

/// Messages of a conversation, each of which the server answers.
pub(crate) const MESSAGES: [usize; 3] = [1, 3000, 60_000];
pub(crate) const ANSWER: usize = 5;

#[test]
fn every_way_to_send() {
    matrix(send::WAYS.iter().map(|way| (way, &receive::WAYS[0])));
}

#[test]
fn every_way_to_receive() {
    matrix(receive::WAYS.iter().map(|way| (&send::WAYS[0], way)));
}

/// Page-backed sends meet page-backed receives, zero copy meets peeks, and so on.
#[test]
fn ways_combined() {
    let named = |name: &str| send::WAYS.iter().find(|way| way.name == name).expect("is in the table");
    let combine = |name| receive::WAYS.iter().map(move |way| (named(name), way));
    matrix(combine("sendfile").chain(combine("io_uring send_zc")));
}

/// The last resort sees what the calls themselves copy: no io_uring, and no pages.
#[test]
fn every_way_that_system_calls_show() {
    let shows = |name: &str, visible: Visible| matches!(visible, Visible::All) && !name.contains("io_uring");
    let sends =
        send::WAYS.iter().filter(|way| shows(way.name, way.visible)).map(|way| (way, &receive::WAYS[0]));
    let receives =
        receive::WAYS.iter().filter(|way| shows(way.name, way.visible)).map(|way| (&send::WAYS[0], way));
    with_system_calls(|_, observer| run(SYSTEM_CALLS, observer, sends.clone().chain(receives.clone())));
}

fn matrix(ways: impl Iterator<Item = (&'static send::Way, &'static receive::Way)> + Clone) {
    with_each_back_end(|back_end, observer| run(back_end, observer, ways.clone()));
}

const SYSTEM_CALLS: &str = "by system calls";

/// Each may wait for a long time for what does not come.
const ENOUGH_FAILURES: usize = 5;

fn run(
    back_end: &str,
    observer: &mut Observer,
    ways: impl Iterator<Item = (&'static send::Way, &'static receive::Way)> + Clone,
) {
    let mut failures = Vec::new();
    let mut missed = 0;
    let splices = observer.capture().report().chosen(Purpose::UnixSpliced).is_some();
    for family in Family::ALL {
        let shown = |into: &receive::Way| into.unix || (into.name == receive::SPLICE && splices);
        for (out, into) in ways.clone().filter(|(_, into)| family != Family::Unix || shown(into)) {
            let case = format!("{family:?}: {} to {}", out.name, into.name);
            if failures.len() + missed >= ENOUGH_FAILURES {
                break;
            }
            let missed_before = observer.capture().losses().missed_runs;
            match check(observer, family, out, into) {
                Ok(true) => {}
                Ok(false) => eprintln!("{case}: this kernel has no such way"),
                // A kernel that preempts programs does not run one that runs already, which hits the one at every system
                // call's end; what is missing then is counted.
                Err(failure)
                    if back_end == SYSTEM_CALLS
                        && observer.capture().losses().missed_runs > missed_before =>
                {
                    missed += 1;
                    eprintln!("{case}: lost by missed program runs, and counted: {failure}");
                }
                Err(failure) => failures.push(format!("{case}: {failure}")),
            }
        }
    }
    let shown = failures.iter().take(5).cloned().collect::<Vec<_>>().join("\n");
    let losses = observer.capture().losses();
    assert!(failures.is_empty(), "{back_end}: {} failures ({losses}), such as\n{shown}", failures.len());
}

/// One conversation, compared in all four places; false when the kernel does not have the way.
fn check(
    observer: &mut Observer,
    family: Family,
    out: &send::Way,
    into: &receive::Way,
) -> Result<bool, String> {
    let pair = Pair::new(family).map_err(|error| error.to_string())?;
    let question = content::bytes(1, MESSAGES.iter().sum());
    let answer = content::bytes(2, ANSWER * MESSAGES.len());
    match converse(&pair, out, into, &question, &answer) {
        Ok(()) => {}
        Err(error) if lacks(&error) && out.name.contains("uring") | into.name.contains("uring") => {
            return Ok(false);
        }
        Err(error) => return Err(error.to_string()),
    }
    let (client, server) = observer.wait_for_bytes(&pair, question.len(), answer.len());
    let sent_visible = if family == Family::Unix { into.visible } else { out.visible };
    let all = |visible| runs(&[ANSWER; MESSAGES.len()], visible);
    compare(&client, Sent, &question, &runs(&MESSAGES, sent_visible))?;
    compare(&server, Received, &question, &runs(&MESSAGES, into.visible))?;
    compare(&server, Sent, &answer, &all(Visible::All))?;
    compare(&client, Received, &answer, &all(Visible::All))?;
    let start = |told: &Told, direction: Direction| told.chunks[direction.index()][0].previous_end;
    if start(&client, Sent) != start(&server, Received) || start(&server, Sent) != start(&client, Received) {
        return Err("the two ends do not begin at the same place".into());
    }
    observer.forget();
    Ok(true)
}

/// Each message goes out by `out`, comes in by `into`, and is answered by `write` and `read`.
pub(crate) fn converse(
    pair: &Pair,
    out: &send::Way,
    into: &receive::Way,
    mut question: &[u8],
    mut answer: &[u8],
) -> io::Result<()> {
    let (client, server) = (pair.client.as_raw_fd(), pair.server.as_raw_fd());
    for size in MESSAGES {
        let message;
        (message, question) = question.split_at(size);
        let reply;
        (reply, answer) = answer.split_at(ANSWER);
        let mut got = vec![0; size];
        thread::scope(|scope| {
            let sender = scope.spawn(|| send_all(out, client, message));
            receive_all(into, server, &mut got)?;
            sender.join().expect("the sender does not panic")
        })?;
        if into.fills {
            assert_eq!(got, message, "the test itself must move the right bytes");
        }
        send_all(&send::WAYS[0], server, reply)?;
        let mut got = [0; ANSWER];
        receive_all(&receive::WAYS[0], client, &mut got)?;
        assert_eq!(got, reply);
    }
    Ok(())
}

fn send_all(way: &send::Way, socket: i32, mut data: &[u8]) -> io::Result<()> {
    while !data.is_empty() {
        match (way.call)(socket, data) {
            Ok(count) => data = &data[count..],
            Err(error) => {
                // SAFETY: has no preconditions; whoever waits for the bytes is told that none will come.
                unsafe { libc::shutdown(socket, libc::SHUT_RDWR) };
                return Err(error);
            }
        }
    }
    Ok(())
}

fn receive_all(way: &receive::Way, socket: i32, mut to: &mut [u8]) -> io::Result<()> {
    while !to.is_empty() {
        match (way.call)(socket, to) {
            Ok(0) => return Ok(()), // the sender failed, and says why
            Ok(count) => to = &mut to[count..],
            Err(error) => {
                // SAFETY: has no preconditions; the sender may be waiting for room.
                unsafe { libc::shutdown(socket, libc::SHUT_RDWR) };
                return Err(error);
            }
        }
    }
    Ok(())
}

pub(crate) fn lacks(error: &io::Error) -> bool {
    [libc::ENOSYS, libc::EINVAL, libc::EOPNOTSUPP, libc::EPERM]
        .into_iter()
        .any(|code| error.raw_os_error() == Some(code))
}

/// Of messages of these sizes, the ranges whose payload must be seen.
fn runs(sizes: &[usize], visible: Visible) -> Vec<Range<usize>> {
    let mut begin = 0;
    let mut ranges = Vec::new();
    for size in sizes {
        let shown = match visible {
            Visible::All => *size,
            Visible::Length => 0,
            Visible::Segments(count) => send::cuts(*size, send::MANY)[count],
        };
        ranges.push(begin..begin + shown.min(BUDGET));
        begin += size;
    }
    joined(ranges)
}
