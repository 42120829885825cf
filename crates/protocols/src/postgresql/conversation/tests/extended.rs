//! The extended query protocol.

use super::{Driver, check, check_whole, drive, line};

#[test]
fn one_by_one() {
    check(
        &[
            (">", "P - SELECT 5 FROM t|B - -|D P|E -|S"),
            ("<", "1|2|T|D 1|C SELECT 1|Z I"),
            (">", "P - DELETE FROM t|B - -|E -|S"),
            ("<", "1|2|C DELETE 3|Z I"),
        ],
        &["SELECT ? FROM t: ok, 64/68, returned 1", "DELETE FROM t: ok, 55/24, affected 3"],
    );
}

#[test]
fn prepared() {
    check(
        &[
            (">", "P s1 SELECT a FROM t WHERE b = $1|D Ss1|S"),
            ("<", "1|t|T|Z I"),
            (">", "B - s1|E - 0|S"),
            ("<", "2|D 1|C SELECT 1|Z I"),
            (">", "B - s1|E - 0|S"),
            ("<", "2|C SELECT 0|Z I"),
            (">", "C Ss1|S"),
            ("<", "3|Z I"),
            (">", "B - s1|E - 0|S"),
            ("<", "E 26000|Z I"),
            (">", "D Ss2|S"),
            ("<", "E 26000|Z I"),
        ],
        &[
            "PREPARE (SELECT a FROM t WHERE b = $1): ok, 53/54",
            "SELECT a FROM t WHERE b = $1: ok, 35/31, returned 1",
            "SELECT a FROM t WHERE b = $1: ok, 35/19, returned 0",
            "CLOSE: ok, 14/11",
            "EXECUTE: error 26000, 35/50, incomplete start",
            "DESCRIBE: error 26000, 14/50",
        ],
    );
}

#[test]
fn prepared_with_flush() {
    check(
        &[
            (">", "P s1 SELECT a FROM t|D Ss1|H"),
            ("<", "1|t|n"),
            (">", "B - s1|E - 0|S"),
            ("<", "2|C SELECT 0|Z I"),
        ],
        &["PREPARE (SELECT a FROM t): ok, 35/21", "SELECT a FROM t: ok, 35/19, returned 0"],
    );
    check(
        &[
            (">", "P s1 SELECT a FROM t|D Ss1|H"),
            ("<", "1|t|n"),
            (">", "Q COPY t FROM STDIN"),
            ("<", "G"),
            (">", "d 5|c"),
            ("<", "C COPY 2|Z I"),
        ],
        &["PREPARE (SELECT a FROM t): ok, 35/21", "COPY t FROM STDIN: ok, 38/28, affected 2"],
    );
    check(
        &[
            (">", "P s1 SELECT a FROM t|H"),
            (">", "Q SELECT 1"),
            ("<", "1|T|D 1|C SELECT 1|Z I"),
            (">", "P s1 SELECT a FROM t|H"),
            ("<", "1"),
            (">", "S"),
            ("<", "Z I"),
        ],
        &[
            "PREPARE (SELECT a FROM t): ok, 26/0",
            "SELECT ?: ok, 14/69, returned 1",
            "PREPARE (SELECT a FROM t): ok, 26/5",
        ],
    );
}

#[test]
fn portals() {
    check(
        &[
            (">", "P - SELECT a FROM t|B c1 -|E c1 2|H"),
            ("<", "1|2|D 1|D 1|s"),
            (">", "E c1 2|H"),
            ("<", "D 1|D 1|s"),
            (">", "E c1 2|S"),
            ("<", "D 1|C SELECT 1|Z I"),
            // With the transaction the portal is gone.
            (">", "E c1 2|S"),
            ("<", "E 34000|Z I"),
        ],
        &[
            "SELECT a FROM t: ok, 61/39, returned 2",
            "SELECT a FROM t: ok, 12/29, returned 2",
            "SELECT a FROM t: ok, 12/26, returned 1",
            "EXECUTE: error 34000, 12/50, incomplete start",
        ],
    );
}

#[test]
fn pipelines() {
    check(
        &[
            (">", "P - INSERT INTO t VALUES ($1)|B - -|E -|P - SELECT a FROM t|B - -|E -|P - -|B - -|E -|S"),
            ("<", "1|2|C INSERT 0 1|1|2|D 1|C SELECT 1|1|2|I|Z I"),
        ],
        &[
            "INSERT INTO t VALUES (?): ok, 67/26, affected 1",
            "SELECT a FROM t: ok, 57/36, returned 1",
            "OTHER: ok, 42/15",
        ],
    );
    // With a Sync for each; the answers come all at once.
    check(
        &[
            (">", &["P - SELECT 1|B - -|E -|S"; 20].join("|")),
            ("<", &["1|2|D 1|C SELECT 1|Z I"; 20].join("|")),
        ],
        &["SELECT ?: ok, 50/36, returned 1"; 20],
    );
}

#[test]
fn pipelines_that_fail() {
    let batch = "B - s1|E -|B - s1|E -|B - s1|E -|S";
    check(
        &[
            (">", "P s1 INSERT INTO t VALUES ($1)|S"),
            ("<", "1|Z I"),
            (">", batch),
            ("<", "2|C INSERT 0 1|2|E 23505|Z I"),
            (">", "B - s1|E -|S"),
            ("<", "2|C INSERT 0 1|Z I"),
        ],
        &[
            "PREPARE (INSERT INTO t VALUES (?)): ok, 41/11",
            "INSERT INTO t VALUES (?): ok, 35/21, affected 1",
            "INSERT INTO t VALUES (?): error 23505, 35/55",
            "INSERT INTO t VALUES (?): error aborted, 35/0",
            "INSERT INTO t VALUES (?): ok, 35/21, affected 1",
        ],
    );
    // A statement that cannot be parsed.
    check(&[(">", "P - SELEC 1|B - -|D P|E -|S"), ("<", "E 42601|Z I")], &["SELEC ?: error 42601, 56/50"]);
    check(&[(">", "P s2 SELEC 1|D Ss2|S"), ("<", "E 42601|Z I")], &["PREPARE (SELEC ?): error 42601, 32/50"]);
}

#[test]
fn a_commit_that_fails() {
    check(
        &[(">", "P - INSERT INTO t VALUES (1)|B - -|E -|S"), ("<", "1|2|C INSERT 0 1|E 23503|Z I")],
        &["INSERT INTO t VALUES (?): ok, 66/26, affected 1", "SYNC: error 23503, 5/56"],
    );
}

/// A name that is taken keeps its meaning.
#[test]
fn duplicate_names() {
    check(
        &[
            (">", "P s1 SELECT a FROM t|S"),
            ("<", "1|Z I"),
            (">", "P s1 DELETE FROM t|S"),
            ("<", "E 42P05|Z I"),
            (">", "B - s1|E -|S"),
            ("<", "2|C SELECT 0|Z I"),
        ],
        &[
            "PREPARE (SELECT a FROM t): ok, 31/11",
            "PREPARE (DELETE FROM t): error 42P05, 29/50",
            "SELECT a FROM t: ok, 35/19, returned 0",
        ],
    );
}

/// What the server skipped changes no name, however much was asked for behind it.
#[test]
fn names_in_pipelines_that_fail() {
    check(
        &[
            (">", "P s1 SELECT a FROM t|B - s1|E -|S"),
            ("<", "1|2|C SELECT 0|Z I"),
            (
                ">",
                "P - SELECT b FROM t|P s2 SELECT c FROM t|B - -|E -|C Ss1|P s1 DELETE FROM t|S|B - s1|E -|S",
            ),
            ("<", "1|1|E 22012|Z I|2|C SELECT 0|Z I"),
            (">", "B - s1|E -|B - s2|E -|B - -|E -|S"),
            ("<", "2|C SELECT 0|2|C SELECT 0|2|C SELECT 0|Z I"),
        ],
        &[
            "SELECT a FROM t: ok, 61/24, returned 0",
            "SELECT b FROM t: error 22012, 83/60",
            "PREPARE (DELETE FROM t): error aborted, 38/0",
            // Asked before it was known that s1 stays as it was.
            "EXECUTE: ok, 35/19, returned 0, incomplete start",
            "SELECT a FROM t: ok, 35/19, returned 0",
            "SELECT c FROM t: ok, 35/19, returned 0",
            "SELECT b FROM t: ok, 33/19, returned 0",
        ],
    );
}

/// A name that is taken, by what nobody here saw; a long name; more names than are remembered.
#[test]
fn names_that_are_not_known() {
    let long = "n".repeat(70);
    check(
        &[
            (">", "P s1 DELETE FROM t|S"),
            ("<", "E 42P05|Z I"),
            (">", "B - s1|E -|S"),
            ("<", "2|C SELECT 0|Z I"),
            (">", &format!("P {long} SELECT a FROM t|B - {long}|E -|S")),
            ("<", "1|2|C SELECT 0|Z I"),
        ],
        &[
            "PREPARE (DELETE FROM t): error 42P05, 29/50",
            "EXECUTE: ok, 35/19, returned 0, incomplete start",
            "SELECT a FROM t: ok, 197/24, returned 0",
        ],
    );
    let mut driver = Driver::default();
    drive(&mut driver, &[(">", "startup user=me"), ("<", "R 0|Z I")], usize::MAX);
    let mut ask = |name: usize, statement: bool| {
        let prepare = format!("P s{name} SELECT a{name} FROM t|S");
        let execute = format!("B - s{name}|E -|S");
        let (asked, answered) = if statement { (prepare, "1|Z I") } else { (execute, "2|C SELECT 0|Z I") };
        drive(&mut driver, &[(">", &asked), ("<", answered)], usize::MAX);
        line(driver.context.finished.last().unwrap())
    };
    (0..1025).for_each(|name| drop(ask(name, true)));
    assert_eq!(ask(0, false), "EXECUTE: ok, 35/19, returned 0, in me, incomplete start");
    assert_eq!(ask(1, false), "SELECT a1 FROM t: ok, 35/19, returned 0, in me");
    assert_eq!(ask(1024, false), "SELECT a1024 FROM t: ok, 38/19, returned 0, in me");
}

#[test]
fn copies() {
    // The first Sync comes before the client knows that data is wanted, and is ignored.
    check(
        &[
            (">", "P - COPY t FROM STDIN|B - -|E -|S"),
            ("<", "1|2|G"),
            (">", "d 20|d 20|c|S"),
            ("<", "C COPY 2|Z I"),
            (">", "P - SELECT 1|B - -|E -|S"),
            ("<", "1|2|D 1|C SELECT 1|Z I"),
        ],
        &["COPY t FROM STDIN: ok, 114/32, affected 2", "SELECT ?: ok, 50/36, returned 1"],
    );
}

#[test]
fn ends_that_were_not_seen() {
    // Should the end of an answer get lost, the next answer heals it.
    check_whole(
        &[
            (">", "P - SELECT 1|B - -|E -|S"),
            ("<", "1|2|D 1|C SELECT 1"),
            (">", "P - SELECT 2|B - -|E -|S"),
            ("<", "1|2|D 1|C SELECT 1|Z I"),
        ],
        &["SELECT ?: ok, 50/36, returned 1"; 2],
        0,
    );
}
