//! Events that were lost: what is told whole has to be true.

use super::{Driver, check_whole, drive, line};
use crate::harness::Happens::{Lost, Says, Waits};
use crate::postgresql::wire::wire;
use model::Party::{Client, Server};

#[test]
fn an_answer_and_the_request_behind_it() {
    // Nobody can tell from the bytes that the second answer is not the first one's.
    check_whole(
        &[
            (">", "Q SELECT a FROM t"),
            ("<lost", "72"),
            ("<", "T|D 1|D 1|C SELECT 2|Z I"),
            (">lost", "21"),
            (">", "Q SELECT b FROM t"),
            ("<", "T|D 1|C SELECT 1|Z I"),
            (">", "Q SELECT c FROM t"),
            ("<", "T|D 1|D 1|D 1|C SELECT 3|Z I"),
        ],
        &["SELECT a FROM t: ok, 21/148, incomplete response", "SELECT c FROM t: ok, 21/88, returned 3"],
        2,
    );
}

#[test]
fn the_end_of_an_answer() {
    check_whole(
        &[
            (">", "Q SELECT a FROM t"),
            ("<", "T|D 1"),
            ("<lost", "100"),
            ("<", "raw xx|D 1|C SELECT 2|Z I"),
            (">", "Q SELECT b FROM t"),
            ("<", "T|D 1|C SELECT 1|Z I"),
        ],
        &["SELECT a FROM t: ok, 21/178, incomplete response", "SELECT b FROM t: ok, 21/64, returned 1"],
        0,
    );
}

/// What was left out on purpose ended with the answer: another one begins.
#[test]
fn a_request_behind_rows_that_were_left_out() {
    check_whole(
        &[
            (">", "Q SELECT a FROM t"),
            ("<", "T|D 5"),
            ("<gap", "100000"),
            ("<", "T|D 1|C SELECT 1|Z I"),
            (">lost", "21"),
            (">", "Q SELECT b FROM t"),
            ("<", "T|D 1|C SELECT 1|Z I"),
            (">", "Q SELECT c FROM t"),
            ("<", "T|D 1|C SELECT 1|Z I"),
        ],
        &["SELECT a FROM t: ok, 21/100112, incomplete response", "SELECT c FROM t: ok, 21/64, returned 1"],
        2,
    );
}

#[test]
fn requests_in_the_middle() {
    // What was asked before is answered before; and the next is sure once the client asks after all was answered.
    check_whole(
        &[
            (">", "Q SELECT a FROM t"),
            (">lost", "21"),
            ("<", "T|D 1|C SELECT 1|Z I"),
            ("<", "T|D 1|D 1|C SELECT 2|Z I"),
            (">", "Q SELECT b FROM t"),
            ("<", "T|D 1|D 1|D 1|C SELECT 3|Z I"),
        ],
        &["SELECT a FROM t: ok, 21/64, returned 1", "SELECT b FROM t: ok, 21/88, returned 3"],
        2,
    );
    // The statement without a name may be another one by now.
    check_whole(
        &[
            (">", "P - SELECT a FROM t|P s SELECT b FROM t|S"),
            ("<", "1|1|Z I"),
            (">lost", "40"),
            ("<", "1|Z I"),
            (">", "B - -|E -|S"),
            ("<", "2|D 1|C SELECT 1|Z I"),
            (">", "B - s|E -|S"),
            ("<", "2|D 1|C SELECT 1|Z I"),
        ],
        &[
            "PREPARE (SELECT b FROM t): ok, 54/16",
            "EXECUTE: ok, 33/31, returned 1, incomplete start",
            "SELECT b FROM t: ok, 34/31, returned 1",
        ],
        1,
    );
}

/// A client that asks again before it has its answer is understood again when nothing is on its way.
#[test]
fn overlapping() {
    const SECOND: u64 = 1_000_000_000;
    let mut driver = Driver::default();
    let ask = |n: usize| Says(Client, wire(Client, &format!("Q SELECT a{n} FROM t")));
    let answer = |n: usize| Says(Server, wire(Server, &format!("T|{}C SELECT {n}|Z I", "D 1|".repeat(n))));
    let script = [
        ask(1),
        ask(2),
        answer(1),
        answer(2),
        ask(3),
        Lost(Client, Some(22)),
        answer(3),
        // The answer to the one that was lost is still to come.
        ask(5),
        answer(4),
        answer(5),
        Waits(SECOND),
        ask(6),
        answer(6),
    ];
    driver.play(&script, crate::harness::stream(usize::MAX));
    let lines: Vec<_> = driver.context.finished.iter().map(line).collect();
    assert_eq!(
        lines,
        [
            "SELECT a1 FROM t: ok, 22/64, returned 1",
            "SELECT a2 FROM t: ok, 22/76, returned 2",
            "SELECT a3 FROM t: ok, 22/88, returned 3",
            "SELECT a5 FROM t: ok, 22/0, incomplete response",
            "SELECT a6 FROM t: ok, 22/124, returned 6",
        ]
    );
    assert_eq!(driver.context.unparsed, 3);
}

/// What is outstanding when the connection ends was perhaps answered.
#[test]
fn ends() {
    let mut driver = Driver::default();
    let script = [(">", "Q SELECT a FROM t"), ("<lost", "10"), ("<close", ""), (">close", "")];
    drive(&mut driver, &script, usize::MAX);
    let lines: Vec<_> = driver.context.finished.iter().map(line).collect();
    assert_eq!(lines, ["SELECT a FROM t: ok, 21/10, incomplete response"]);
}
