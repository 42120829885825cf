//! Messages whose end cannot be seen.

use crate::Conversation as _;

use super::*;

const POST: &[u8] = b"POST /up HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
const EXPECTS: &[u8] = b"PUT /up HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n";
const REFUSED: &[u8] = b"HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n";
/// What a body may hold to deceive.
const EVIL_ASK: &[u8] = b"GET /evil HTTP/1.1\r\nHost: x\r\n\r\n";
const EVIL_ANSWER: &[u8] = b"HTTP/1.1 500 Evil\r\nContent-Length: 0\r\n\r\n";

/// The response's time, in milliseconds of the happenings' clock: first byte and last.
fn answered(driver: &Driver) -> Vec<(u64, u64)> {
    let times = driver.context.finished.iter().map(|exchange| exchange.response);
    times.map(|half| (half.first / 1_000_000, half.last / 1_000_000)).collect()
}

#[test]
fn a_chunked_response_goes_on_until_the_client_does() {
    let happenings = [
        says(Client, GET),
        says(Server, CHUNKED),
        Gap(Server, Some(90_000)),
        says(Server, b"in the middle"),
        Gap(Server, Some(1_000)),
        says(Client, GET),
        says(Server, OK),
    ];
    let size = CHUNKED.len() + 91_013;
    let first = format!("GET /users/{{id}}: ok, 37/{size}");
    check_whole(&happenings, &[&first, "GET /users/{id}: ok, 37/43"], 0);
    assert_eq!(
        answered(&drive(&happenings, usize::MAX)),
        [(2, 5), (7, 7)],
        "until its last byte, and no longer"
    );
}

#[test]
fn a_chunked_response_goes_on_until_the_connection_ends() {
    let size = CHUNKED.len() + 90_000;
    for (how, expected) in
        [(CutBy::Close, "ok"), (CutBy::Reset, "cut Server Reset"), (CutBy::TimedOut, "cut Server TimedOut")]
    {
        let happenings =
            [says(Client, GET), says(Server, CHUNKED), Gap(Server, Some(90_000)), Ends(Server, how)];
        // Whether it was whole is not known where its end was not seen.
        let unknown = if how == CutBy::Close { ", incomplete response" } else { "" };
        check_whole(&happenings, &[&format!("GET /users/{{id}}: {expected}, 37/{size}{unknown}")], 0);
        assert_eq!(answered(&drive(&happenings, usize::MAX)), [(2, 3)]);
    }
    let trailers = b"x\r\n0\r\nA: b\r\n\r\n";
    for (last, whole) in [
        (&[LAST][..], true),
        (&[b"0\r\n\r\n"], true),
        (&[b"0\r\n", b"\r\n"], true),
        (&[trailers], true),
        // In the middle of a chunk, of its head, and behind it.
        (&[b"in the middle"], false),
        (&[b"\r\n40"], false),
        (&[b"end\r\n0\r\n"], false),
        (&[LAST, b"more"], false),
    ] {
        let begin = [says(Client, GET), says(Server, CHUNKED), Gap(Server, Some(90_000))];
        let pieces: Vec<_> = last.iter().map(|bytes| says(Server, bytes)).collect();
        for how in [CutBy::Close, CutBy::Reset] {
            let all = [&begin[..], &pieces, &[Ends(Server, how)]].concat();
            let size = size + last.iter().map(|bytes| bytes.len()).sum::<usize>();
            let expected = if whole { "ok".to_owned() } else { format!("cut Server {how:?}") };
            check_whole(&all, &[&format!("GET /users/{{id}}: {expected}, 37/{size}")], 0);
        }
    }
    // Nobody goes on, and Weir stops watching.
    check_whole(
        &[
            says(Client, GET),
            says(Server, CHUNKED),
            Gap(Server, Some(90_000)),
            Ends(Client, CutBy::Forgotten),
            Ends(Server, CutBy::Forgotten),
        ],
        &[&format!("GET /users/{{id}}: ok, 37/{size}, incomplete response")],
        0,
    );
    // The client is the first to close, as it often is.
    check_whole(
        &[
            says(Client, GET),
            says(Server, CHUNKED),
            Gap(Server, Some(90_000)),
            Ends(Client, CutBy::Close),
            Ends(Server, CutBy::Close),
        ],
        &[&format!("GET /users/{{id}}: ok, 37/{size}, incomplete response")],
        0,
    );
}

const LAST: &[u8] = b"end\r\n0\r\n\r\n";
const MILLISECOND: u64 = 1_000_000;

/// How a long chunked body ends may be seen: it is over when nothing more comes.
#[test]
fn a_chunked_response_is_over_after_its_last_chunk() {
    let size = CHUNKED.len() + 90_000 + LAST.len();
    let whole = format!("GET /users/{{id}}: ok, 37/{size}");
    let seen = [says(Client, GET), says(Server, CHUNKED), Gap(Server, Some(90_000)), says(Server, LAST)];
    let lines = |driver: &Driver| driver.context.finished.iter().map(line).collect::<Vec<_>>();
    let mut driver = drive(&seen, usize::MAX);
    assert!(driver.conversation.wants_tails(Server) && !driver.conversation.wants_tails(Client));
    driver.expire(100 * MILLISECOND);
    assert!(lines(&driver).is_empty(), "more may come");
    driver.expire(300 * MILLISECOND);
    assert_eq!((lines(&driver), answered(&driver)), (vec![whole.clone()], vec![(2, 4)]));
    // Only the last that came counts.
    for more in [Gap(Server, Some(1)), says(Server, b"x")] {
        let mut driver = drive(&[&seen[..], &[more]].concat(), usize::MAX);
        driver.expire(300 * MILLISECOND);
        assert!(lines(&driver).is_empty());
    }
    // The connection is broken later, by whomever, or the server gives up waiting for another request.
    for end in [Ends(Client, CutBy::Reset), Ends(Server, CutBy::Reset), Ends(Server, CutBy::Forgotten)] {
        assert_eq!(lines(&drive(&[&seen[..], &[end]].concat(), usize::MAX)), [whole.as_str()]);
    }
    let late = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    assert_eq!(lines(&drive(&[&seen[..], &[says(Server, late)]].concat(), usize::MAX)), [whole]);
    let unsure = format!("GET /users/{{id}}: ok, 37/{}", size - LAST.len());
    assert_eq!(lines(&drive(&[&seen[..3], &[says(Server, late)]].concat(), usize::MAX)), [unsure]);
}

/// A connection that is broken long after the last byte says nothing of the response.
#[test]
fn a_connection_may_break_when_all_is_over() {
    for party in [Client, Server] {
        let mut driver =
            drive(&[says(Client, GET), says(Server, CHUNKED), Gap(Server, Some(90_000))], usize::MAX);
        driver.end(party, CutBy::Reset, 500 * MILLISECOND);
        let lines: Vec<_> = driver.context.finished.iter().map(line).collect();
        let size = CHUNKED.len() + 90_000;
        assert_eq!(lines, [format!("GET /users/{{id}}: ok, 37/{size}, incomplete response")]);
        assert_eq!(answered(&driver), [(2, 3)]);
    }
}

/// A gap in a body that is known to be chunked is no sign of a mistake; one where a response may hide is.
#[test]
fn such_a_gap_is_no_stumble() {
    let driver = drive(&[says(Client, GET), says(Server, CHUNKED)], usize::MAX);
    assert!(driver.conversation.may_miss(Server) && !driver.conversation.may_miss(Client));
    let driver = drive(&[says(Client, GET), says(Server, CHUNKED), Gap(Server, Some(9))], usize::MAX);
    assert!(driver.conversation.may_miss(Server));
    let driver = drive(&[says(Client, &GET.repeat(2)), says(Server, CHUNKED)], usize::MAX);
    assert!(!driver.conversation.may_miss(Server));
    let driver = drive(&[says(Client, POST)], usize::MAX);
    assert!(driver.conversation.may_miss(Client) && !driver.conversation.may_miss(Server));
}

#[test]
fn a_response_that_may_hide_another_is_incomplete() {
    // Pipelined from the beginning, and while the first response was under way.
    for happenings in [
        [says(Client, &GET.repeat(2)), says(Server, CHUNKED), Gap(Server, Some(99)), says(Server, b"x")],
        [says(Client, GET), says(Server, CHUNKED), Gap(Server, Some(99)), says(Client, GET)],
    ] {
        let rest = [says(Server, b"0\r\n\r\n"), says(Client, b"GET /b HTTP/1.1\r\n\r\n"), says(Server, OK)];
        let driver = drive(&[&happenings[..], &rest].concat(), usize::MAX);
        let lines: Vec<_> = driver.context.finished.iter().map(line).collect();
        assert!(lines[0].ends_with("incomplete response"), "{lines:?}");
        assert_eq!(lines[1..], ["GET /users/{id}: ok, 37/0, incomplete response", "GET /b: ok, 19/43"]);
    }
}

/// Events were lost of both parties: an exchange that was not seen is not taken for a part of another.
#[test]
fn what_is_adrift_does_not_swallow_others() {
    check_whole(
        &[
            says(Client, GET),
            says(Server, CHUNKED),
            Gap(Server, Some(90_000)),
            Gap(Client, Some(37)),
            Gap(Server, Some(43)),
            says(Client, GET),
            says(Server, OK),
        ],
        &[
            &format!("GET /users/{{id}}: ok, 37/{}, incomplete response", CHUNKED.len() + 90_000),
            "GET /users/{id}: ok, 37/43",
        ],
        2,
    );
    // The client's were lost before the body went adrift.
    check_whole(
        &[
            says(Client, GET),
            says(Server, CHUNKED),
            Gap(Client, Some(37)),
            Gap(Server, Some(90_000)),
            says(Client, GET),
            says(Server, OK),
        ],
        &[
            &format!("GET /users/{{id}}: ok, 37/{}, incomplete response", CHUNKED.len() - 2),
            "GET /users/{id}: ok, 37/43",
        ],
        1,
    );
    check_whole(
        &[
            says(Client, POST),
            Gap(Client, Some(90_000)),
            Gap(Server, Some(43)),
            says(Client, GET),
            says(Server, OK),
        ],
        &[
            &format!("POST /up: ok, {}/0, incomplete request", POST.len() + 90_000),
            "GET /users/{id}: ok, 37/43",
        ],
        1,
    );
}

#[test]
fn a_chunked_request_goes_on_until_its_response() {
    let size = POST.len() + 90_005;
    let upload =
        [says(Client, POST), says(Client, b"ffff\r"), Gap(Client, Some(89_000)), Gap(Client, Some(1_000))];
    let first = format!("POST /up: ok, {size}/43");
    for rest in [
        &[says(Server, OK), says(Client, GET), says(Server, OK)][..],
        // Both are long.
        &[says(Server, OK), Ends(Client, CutBy::Close), Ends(Server, CutBy::Close)],
        &[Ends(Client, CutBy::Close), says(Server, OK), Ends(Server, CutBy::Close)],
    ] {
        let driver = drive(&[&upload[..], rest].concat(), usize::MAX);
        let lines: Vec<_> = driver.context.finished.iter().map(line).collect();
        assert_eq!(lines[0], first);
        assert!(lines[1..].iter().all(|line| line == "GET /users/{id}: ok, 37/43"), "{lines:?}");
        assert_eq!(driver.context.unparsed, 0);
    }
    let down = [says(Server, CHUNKED), Gap(Server, Some(70_000)), says(Client, GET), says(Server, OK)];
    let first = format!("POST /up: ok, {size}/{}", CHUNKED.len() + 70_000);
    check_whole(&[&upload[..], &down].concat(), &[&first, "GET /users/{id}: ok, 37/43"], 0);
}

/// An upload that was answered early goes on, and the next request follows without a turn of the server's in between.
#[test]
fn a_request_behind_an_upload_that_was_answered_early() {
    const LARGE: &[u8] = b"HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n";
    let size = POST.len() + 8_000;
    let first = format!("POST /up: client error 413, {size}/{}", LARGE.len());
    let begin =
        [says(Client, POST), Gap(Client, Some(8_000)), says(Server, LARGE), Gap(Client, Some(90_000))];
    let after = |rest: &[Happens<'_>]| {
        let again = [says(Client, GET), says(Server, OK)];
        let driver = drive(&[&begin[..], rest, &again].concat(), usize::MAX);
        assert!(driver.conversation.wants_tails(Client));
        let lines: Vec<_> = driver.context.finished.iter().map(line).collect();
        assert_eq!(lines[0], first);
        assert_eq!(lines[lines.len() - 1], "GET /users/{id}: ok, 37/43", "{rest:?}");
        (lines[1..lines.len() - 1].to_vec(), driver.context.unparsed)
    };
    // The end of the upload is seen, and then the whole request.
    for last in [LAST, b"0\r\n\r\n"] {
        let told = after(&[says(Client, last), says(Client, GET), says(Server, OK)]);
        assert_eq!(told, (vec!["GET /users/{id}: ok, 37/43".to_owned()], 0));
    }
    // What looks like it, but more comes behind it: chunks hold anything.
    let evil = "GET /evil HTTP/1.1\r\nHost: x\r\n\r\n".as_bytes();
    let in_chunk = [b"x\r\n0\r\n\r\n", &[b' '; 8][..]].concat();
    let ended = [evil, b"\r\n0\r\n\r\n"].concat();
    let inside = b"GET /evil HTTP/1.1\r\nHost: x\r\n0\r\n\r\n";
    for forged in [
        &[says(Client, LAST), says(Client, evil), says(Client, LAST)][..],
        &[says(Client, LAST), says(Client, evil), Gap(Client, Some(100))],
        &[says(Client, LAST), says(Client, &ended)],
        &[says(Client, LAST), says(Client, inside)],
        &[says(Client, &in_chunk), says(Client, evil)],
        &[says(Client, LAST), Gap(Client, Some(1)), says(Client, evil)],
        &[Gap(Client, Some(1)), says(Client, evil)],
        // What it holds tells of a body.
        &[says(Client, LAST), says(Client, b"POST /evil HTTP/1.1\r\nContent-Length: 3\r\n\r\n")],
    ] {
        assert_eq!(after(&[forged, &[says(Server, OK)]].concat()), (vec![], 1), "{forged:?}");
    }
    // Nobody answers it; or a server that gives up waiting.
    assert_eq!(after(&[says(Client, LAST), says(Client, evil), Gap(Server, Some(9))]).0, [""; 0]);
    let idle = b"HTTP/1.1 408 Timeout\r\nContent-Length: 0\r\n\r\n";
    let told = after(&[says(Client, LAST), says(Client, evil), says(Server, idle)]);
    assert_eq!(told, (vec![], 1));
}

#[test]
fn bodies_are_not_taken_for_messages() {
    let (asks, answers) = (EVIL_ASK.repeat(100), EVIL_ANSWER.repeat(100));
    let size = POST.len() + 10 + 3 * asks.len() + 99;
    check_whole(
        &[
            says(Client, POST),
            Gap(Client, Some(10)),
            says(Client, &asks),
            Gap(Client, Some(99)),
            says(Client, &asks),
            // To go on is not to answer.
            says(Server, b"HTTP/1.1 100 Continue\r\n\r\n"),
            says(Client, &asks),
            says(Server, OK),
            says(Client, GET),
            says(Server, OK),
        ],
        &[&format!("POST /up: ok, {size}/68"), "GET /users/{id}: ok, 37/43"],
        0,
    );
    let size = CHUNKED.len() + 10 + 2 * answers.len() + 99;
    check_whole(
        &[
            says(Client, GET),
            says(Server, CHUNKED),
            Gap(Server, Some(10)),
            says(Server, &answers),
            Gap(Server, Some(99)),
            says(Server, &answers),
            says(Client, GET),
            says(Server, OK),
        ],
        &[&format!("GET /users/{{id}}: ok, 37/{size}"), "GET /users/{id}: ok, 37/43"],
        0,
    );
}

/// The head is missing, in part or all of it, and so is what it said of the body.
#[test]
fn bodies_of_unseen_heads_are_not_taken_for_messages() {
    let (asks, answers) = (EVIL_ASK.repeat(100), EVIL_ANSWER.repeat(100));
    check_whole(
        &[
            says(Client, b"POST /up HTTP/1.1\r\nCookie: a"),
            Gap(Client, Some(5_000)),
            says(Client, &asks),
            says(Server, OK),
            says(Client, GET),
            says(Server, OK),
        ],
        &[
            &format!("POST /up: ok, {}/43, incomplete request", 28 + 5_000 + asks.len()),
            "GET /users/{id}: ok, 37/43",
        ],
        0,
    );
    // The framing made no sense.
    check_whole(
        &[
            says(Client, b"POST /up HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n"),
            says(Client, &asks),
            says(Server, OK),
            says(Client, GET),
            says(Server, OK),
        ],
        &["POST /up: ok, 0/43, incomplete request", "GET /users/{id}: ok, 37/43"],
        0,
    );
    check_whole(
        &[
            says(Client, GET),
            Gap(Server, Some(50)),
            says(Server, &answers),
            says(Client, GET),
            says(Server, OK),
        ],
        &["GET /users/{id}: ok, 37/0, incomplete response", "GET /users/{id}: ok, 37/43"],
        1,
    );
}

#[test]
fn a_body_that_was_refused_is_not_awaited() {
    let next = b"GET /next HTTP/1.1\r\n\r\n";
    let refused = "PUT /up: client error 417, 61/38";
    check(
        &[says(Client, EXPECTS), says(Server, REFUSED), says(Client, next), says(Server, OK)],
        &[refused, "GET /next: ok, 22/43"],
    );
    check(
        &[
            says(Client, EXPECTS),
            says(Server, REFUSED),
            Ends(Client, CutBy::Close),
            Ends(Server, CutBy::Close),
        ],
        &[refused],
    );
    let chunked = b"PUT /up HTTP/1.1\r\nExpect: 100-Continue\r\nTransfer-Encoding: chunked\r\n\r\n";
    check(
        &[says(Client, chunked), says(Server, REFUSED), says(Client, next), says(Server, OK)],
        &["PUT /up: client error 417, 70/38", "GET /next: ok, 22/43"],
    );
    // It is sent all the same, or was not refused.
    check(
        &[says(Client, EXPECTS), says(Server, REFUSED), says(Client, b"GET it on"), says(Client, b"!")],
        &["PUT /up: client error 417, 70/38"],
    );
    check(
        &[
            says(Client, EXPECTS),
            says(Server, b"HTTP/1.1 100 Continue\r\n\r\n"),
            says(Client, b"GET / HTT"),
            says(Server, OK),
        ],
        &["PUT /up: ok, 70/68"],
    );
    check(&[says(Client, EXPECTS), says(Client, b"GET / HTT"), says(Server, OK)], &["PUT /up: ok, 70/43"]);
}

#[test]
fn an_awaited_body_is_not_seen() {
    let go_on = b"HTTP/1.1 100 Continue\r\n\r\n";
    for (gap, shown) in [(9, ""), (4, "hello"), (1, "12345678")] {
        check_whole(
            &[
                says(Client, EXPECTS),
                says(Server, go_on),
                Gap(Client, Some(gap)),
                says(Client, shown.as_bytes()),
                says(Server, OK),
                says(Client, GET),
                says(Server, OK),
            ],
            &["PUT /up: ok, 70/68", "GET /users/{id}: ok, 37/43"],
            0,
        );
    }
}

#[test]
fn what_is_missing_of_a_head_counts() {
    // Longer than what is captured at once.
    let head = [b"GET /a HTTP/1.1\r\nCookie: ".as_slice(), &b"a".repeat(30_000), b"\r\n\r\n"].concat();
    let answer =
        [b"HTTP/1.1 200 OK\r\nSet-Cookie: ".as_slice(), &b"a".repeat(6_000), b"\r\n\r\nhello"].concat();
    let rest = |whole: &[u8]| Some(whole.len() as u64 - 4096);
    check_whole(
        &[
            says(Client, &head[..4096]),
            Gap(Client, rest(&head)),
            says(Server, &answer[..4096]),
            Gap(Server, rest(&answer)),
            says(Client, GET),
            says(Server, OK),
        ],
        &[
            &format!("GET /a: ok, {}/{}, incomplete request", head.len(), answer.len()),
            "GET /users/{id}: ok, 37/43",
        ],
        0,
    );
}
