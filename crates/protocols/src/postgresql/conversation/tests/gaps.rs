//! Bytes that were not seen.

use model::Party::{Client, Server};

use super::{Driver, check, check_whole, drive, line, wire};

#[test]
fn rows() {
    // A row's own bytes may be missing.
    let mut driver = Driver::default();
    driver.feed(Client, &wire(Client, "Q SELECT a FROM t"), 1_000_000);
    driver.feed(Server, &wire(Server, "T|D 5000")[..500], 2_000_000);
    driver.gap(Server, Some(32 + 5011 - 500), 3_000_000);
    driver.feed(Server, &wire(Server, "C SELECT 1|Z I"), 4_000_000);
    assert_eq!(line(&driver.context.finished[0]), "SELECT a FROM t: ok, 21/5063, returned 1");
    assert_eq!(driver.context.unparsed, 0);
}

#[test]
fn middle_of_a_result() {
    // The end of the answer tells all.
    check_whole(
        &[
            (">", "Q SELECT a FROM t"),
            ("<", "T|D 5"),
            ("<gap", "100000"),
            ("<", "raw xxxxx|C SELECT 9000|Z I"),
            (">", "P - SELECT a FROM t|B - -|E -|S"),
            ("<", "1|2|D 5"),
            ("<gap", "100000"),
            ("<", "raw xxxxx|E 57014"),
            ("<", "Z I"),
            (">", "Q SELECT a FROM t; SELECT b FROM t"),
            ("<", "T|D 5"),
            ("<gap", "100000"),
            ("<", "raw xxxxx|C SELECT 9000|Z I"),
        ],
        &[
            "SELECT a FROM t: ok, 21/100076, returned 9000",
            "SELECT a FROM t: error 57014, 57/100081",
            "SELECT a FROM t; SELECT b FROM t: ok, 38/100076",
        ],
        0,
    );
}

#[test]
fn end_of_a_result() {
    // The client goes on: it has its answer.
    let mut driver = Driver::default();
    let script = [
        (">", "Q SELECT a FROM t"),
        ("<", "T|D 5"),
        ("<gap", "100000"),
        ("<gap", "5"),
        (">", "Q SELECT 1"),
        ("<", "T|D 1|C SELECT 1|Z I"),
    ];
    drive(&mut driver, &script, usize::MAX);
    let lines: Vec<_> = driver.context.finished.iter().map(line).collect();
    assert_eq!(
        lines,
        ["SELECT a FROM t: ok, 21/100053, incomplete response", "SELECT ?: ok, 14/64, returned 1"]
    );
    assert_eq!(driver.context.finished[0].response.last, 4_000_000);
    assert_eq!(driver.context.unparsed, 0);
}

#[test]
fn middle_of_a_pipeline() {
    // Only the last of it is told by the end of the answer.
    check_whole(
        &[
            (">", "P - SELECT 1|B - -|E -|P - SELECT 2|B - -|E -|P - DELETE FROM t|B - -|E -|S"),
            ("<", "1|2|D 5"),
            ("<gap", "100000"),
            ("<", "raw xxx|C DELETE 7|Z I"),
            (">", "Q SELECT 1"),
            ("<", "T|D 1|C SELECT 1|Z I"),
        ],
        &[
            "SELECT ?: ok, 50/0, incomplete response",
            "SELECT ?: ok, 50/0, incomplete response",
            "DELETE FROM t: ok, 55/100043, affected 7",
            "SELECT ?: ok, 14/64, returned 1",
        ],
        0,
    );
    // An error may be any one's.
    check_whole(
        &[
            (">", "P - SELECT 1|B - -|E -|P - SELECT 2|B - -|E -|S"),
            ("<", "1|2|D 5"),
            ("<gap", "100000"),
            ("<", "raw xxx|E 57014"),
            ("<", "Z I"),
            (">", "Q SELECT 1"),
            ("<", "T|D 1|C SELECT 1|Z I"),
        ],
        &[
            "SELECT ?: ok, 50/0, incomplete response",
            "SELECT ?: ok, 50/0, incomplete response",
            "SELECT ?: ok, 14/64, returned 1",
        ],
        0,
    );
    // Of several answers nobody knows which one ends here.
    check_whole(
        &[
            (">", "P - SELECT 1|B - -|E -|S|P - SELECT 2|B - -|E -|S"),
            ("<", "1|2|D 5"),
            ("<gap", "100000"),
            ("<", "raw xxx|C SELECT 7|Z I"),
            (">", "Q SELECT 1"),
            ("<", "T|D 1|C SELECT 1|Z I"),
        ],
        &[
            "SELECT ?: ok, 50/100049, incomplete response",
            "SELECT ?: ok, 50/0, incomplete response",
            "SELECT ?: ok, 14/64, returned 1",
        ],
        0,
    );
}

#[test]
fn statements() {
    // What is behind the budget of a long statement is not needed.
    let mut driver = Driver::default();
    let text = format!("Q SELECT a FROM t WHERE b IN ('{}')", "secret".repeat(2_000));
    let bytes = wire(Client, &text);
    driver.feed(Client, &bytes[..4096], 1_000_000);
    driver.gap(Client, Some(bytes.len() as u64 - 4096), 2_000_000);
    driver.feed(Server, &wire(Server, "T|C SELECT 0|Z I"), 3_000_000);
    driver.feed(Client, &wire(Client, "Q SELECT 1"), 4_000_000);
    driver.feed(Server, &wire(Server, "T|C SELECT 1|Z I"), 5_000_000);
    let lines: Vec<_> = driver.context.finished.iter().map(line).collect();
    let first = format!("SELECT a FROM t WHERE b IN (? ...: ok, {}/52, returned 0", bytes.len());
    assert_eq!(lines, [first.as_str(), "SELECT ?: ok, 14/52, affected 1"]);
    assert_eq!(driver.context.unparsed, 0);
}

#[test]
fn requests() {
    // Behind a gap of which the end of the message is known.
    let mut driver = Driver::default();
    let bytes = wire(Client, &format!("P - SELECT '{}'|B - -|E -|S", "x".repeat(500)));
    driver.feed(Client, &bytes[..100], 1_000_000);
    driver.gap(Client, Some(300), 1_000_000);
    driver.feed(Client, &bytes[400..], 1_000_000);
    driver.feed(Server, &wire(Server, "1|2|D 1|C SELECT 1|Z I"), 2_000_000);
    let lines: Vec<_> = driver.context.finished.iter().map(line).collect();
    assert_eq!(lines, [format!("SELECT ? ...: ok, {}/36, returned 1", bytes.len() - 5)]);
    // Of a pipeline the rest is not known.
    check_whole(
        &[
            (">", "P - SELECT 1|B - -|E -"),
            (">gap", "100"),
            ("<", "1|2|D 1|C SELECT 1|1|2|D 1|C SELECT 1|Z I"),
            (">", "Q SELECT 1"),
            ("<", "T|D 1|C SELECT 1|Z I"),
        ],
        &["SELECT ?: ok, 50/36, returned 1", "SELECT ?: ok, 14/64, returned 1"],
        2,
    );
}

#[test]
fn nonsense_is_counted_once() {
    check_whole(
        &[
            (">", "Q SELECT 1"),
            ("<", "T|D 1"),
            ("<", "raw C\0\0\0\u{6}\u{1}\0"),
            ("<", "raw xxx|C SELECT 1|Z I"),
            (">", "Q SELECT 1"),
            ("<", "T|D 1|C SELECT 1|Z I"),
        ],
        &["SELECT ?: ok, 14/74, returned 1", "SELECT ?: ok, 14/64, returned 1"],
        1,
    );
}

#[test]
fn copied_data() {
    check(
        &[
            (">", "Q COPY t FROM STDIN"),
            ("<", "G"),
            (">", "d 20"),
            (">gap", "100000"),
            ("<", "C COPY 5000|Z I"),
            (">", "Q SELECT 1"),
            ("<", "T|D 1|C SELECT 1|Z I"),
        ],
        &["COPY t FROM STDIN: ok, 100048/31, affected 5000", "SELECT ?: ok, 14/64, returned 1"],
    );
}
