//! How exchanges fail, and what each side is told of it.

use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::time::Duration;

use scenario_tests::dialogue::{Dialogue, Move, Over};
use scenario_tests::record::counts;
use scenario_tests::scenario;
use scenario_tests::weir::Weir;

use Move::{
    Answers, Asks, AsksInPart, ClientCloses, ClientEnds, ClientReads, ClientResets, Leaves, LeavesByReset,
    Pause, Says, ServerCloses, ServerEnds, ServerResets,
};

const GET: &[u8] = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
const PART: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nnot all";
const SOME_TIME: Move<'_> = Pause(Duration::from_millis(60));

/// Errors that a side may call it: the client's, the server's.
type Errors = (&'static [&'static str], &'static [&'static str]);

const CASES: &[(&str, &[Move<'_>], Errors)] = &[
    (
        "the server closes in its answer",
        &[Asks(GET), Answers(PART), ServerCloses],
        (&["closed"], &["closed"]),
    ),
    ("the server closes before it answers", &[Asks(GET), ServerCloses], (&["closed"], &["closed"])),
    ("the server resets in its answer", &[Asks(GET), Answers(PART), ServerResets], (&["reset"], &["reset"])),
    ("the server resets before it answers", &[Asks(GET), ServerResets], (&["reset"], &["reset"])),
    (
        "the client has waited long enough",
        &[Asks(GET), SOME_TIME, ClientCloses, SOME_TIME, ServerCloses],
        (&["timeout"], &["closed"]),
    ),
    (
        "the client has read enough",
        &[Asks(GET), Answers(PART), SOME_TIME, ClientCloses, SOME_TIME, ServerCloses],
        (&["timeout"], &["closed"]),
    ),
    (
        "the client resets",
        &[Asks(GET), SOME_TIME, ClientResets, SOME_TIME, ServerCloses],
        (&["timeout", "reset"], &["reset"]),
    ),
    (
        "not found: the client's fault",
        &[Asks(GET), Answers(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), ClientCloses],
        (&["404"], &[""]),
    ),
    (
        "not available: the server's fault",
        &[Asks(GET), Answers(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"), ClientCloses],
        (&["503"], &["503"]),
    ),
    ("nothing is wrong", &[Asks(GET), Answers(OK), ClientCloses, ServerCloses], (&[""], &[""])),
    (
        "the client says first that it will send no more",
        &[Asks(GET), ClientEnds, SOME_TIME, Leaves(OK), SOME_TIME, ClientReads, ClientCloses],
        (&[""], &[""]),
    ),
    (
        "the same, and part of the answer is missing",
        &[Asks(GET), ClientEnds, Leaves(PART), SOME_TIME, ClientReads, ClientCloses],
        (&["timeout", "closed"], &["closed"]),
    ),
    (
        "the same, and the client does not read the answer",
        &[Asks(GET), ClientEnds, Leaves(OK), SOME_TIME, ClientCloses],
        (&["timeout"], &[""]),
    ),
    (
        "the server resets behind its answer, which is read later",
        &[Asks(GET), LeavesByReset(OK), SOME_TIME, ClientReads, ClientCloses],
        (&[""], &[""]),
    ),
    (
        "the server ends behind its answer, then resets, and the answer is read later",
        &[Asks(GET), Says(OK), ServerEnds, LeavesByReset(b""), SOME_TIME, ClientReads, ClientCloses],
        (&[""], &[""]),
    ),
    (
        "the client says first that it will send no more, and is reset behind the answer",
        &[Asks(GET), ClientEnds, LeavesByReset(OK), SOME_TIME, ClientReads, ClientCloses],
        (&[""], &[""]),
    ),
    (
        "a reset, with part of an answer",
        &[Asks(GET), LeavesByReset(PART), SOME_TIME, ClientReads, ClientCloses],
        (&["reset"], &["reset"]),
    ),
    (
        "the same, and nobody reads it",
        &[Asks(GET), LeavesByReset(OK), SOME_TIME, ClientCloses],
        (&["reset"], &[""]),
    ),
    ("nothing is wrong, then a reset", &[Asks(GET), Answers(OK), ClientResets], (&[""], &[""])),
];

#[test]
fn errors_are_told_on_the_right_side() {
    let Some(_alone) = scenario() else { return };
    let weir = Weir::requests(&["--protocol", "http"]).unwrap();
    // All are kept, so that no port comes twice.
    let listeners: Vec<_> = CASES
        .iter()
        .map(|(_, moves, _)| {
            let listener = TcpListener::bind("[::]:0").unwrap();
            Dialogue::tcp(&listener, Over::V4).and_then(|mut dialogue| dialogue.play(moves)).unwrap();
            listener
        })
        .collect();
    let run = weir.stop().unwrap();
    let mut wrong = Vec::new();
    for ((what, _, (client, server)), listener) in CASES.iter().zip(&listeners) {
        let port = listener.local_addr().unwrap().port();
        for (role, allowed) in [("client", client), ("server", server)] {
            let seen = counts(run.of(port, role).iter().map(|record| record.error()));
            if seen.len() != 1 || !seen.iter().all(|(error, n)| *n == 1 && allowed.contains(&error.as_str()))
            {
                wrong.push(format!("{what}: the {role} saw {seen:?}, not one of {allowed:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What the server of a Unix socket leaves unread nobody sees. What is told of the request (by its name; else it is counted with its
/// answer), and how it came out at the client.
const IN_PART: [(usize, &[u8], &str, &str); 5] = [
    (GET.len() - 1, BAD, "GET /a", "400"),
    (17, BAD, "GET /a", "400"),
    (17, b"", "GET /a", "closed"),
    (16, BAD, "", ""),
    (3, b"", "", ""),
];
const BAD: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";

#[test]
fn a_unix_server_that_does_not_read_to_the_end() {
    let Some(_alone) = scenario() else { return };
    let folder = tempfile::tempdir().unwrap();
    let weir = Weir::requests(&["--protocol", "http"]).unwrap();
    let path = |number: usize| folder.path().join(format!("{number}.sock"));
    for (number, (read, answer, _, _)) in IN_PART.iter().enumerate() {
        let listener = UnixListener::bind(path(number)).unwrap();
        let mut dialogue = Dialogue::unix(&listener).unwrap();
        let moves =
            [Asks(GET), Answers(OK), AsksInPart(GET, *read), Leaves(answer), ClientReads, ClientCloses];
        dialogue.play(&moves).unwrap();
    }
    weir.wait_for(2 * (5 + 3));
    let run = weir.stop().unwrap();
    for (number, (read, answer, name, error)) in IN_PART.iter().enumerate() {
        for role in ["client", "server"] {
            let case = format!("{read} bytes, then {}: the {role}", String::from_utf8_lossy(answer));
            let records = run.of_socket(&path(number), role);
            assert_eq!(records[0].error(), "", "{case}");
            let told: Vec<_> = records[1..].iter().map(|r| (r.name(), r.error(), r.incomplete())).collect();
            // 400 is no error of the server's.
            let error = if role == "server" && *error == "400" { "" } else { *error };
            let incomplete = if answer.is_empty() { "" } else { "request" };
            let expected: &[_] = if name.is_empty() { &[] } else { &[(*name, error, incomplete)] };
            assert_eq!(told, expected, "{case}");
        }
    }
    // Twice the question and its answer, and twice the question alone.
    assert!(run.summary.contains("6 messages not understood: http 6"), "{}", run.summary);
}
