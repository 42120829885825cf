//! Commands that are not sent as arrays, answered as Redis 7.0 did.

use super::*;

#[test]
fn quoted_as_a_server_splits_them() {
    check(
        &[
            (">", "SET 'a b' c|GET 'a b'|"),
            ("<", "+OK|$1|c|"),
            (">", "\"SET\" \"a\\x41 \\\"b\" \"\" |"),
            ("<", "+OK|"),
            (">", "SET 'a\\'b' c|PING|"),
            ("<", "+OK|+PONG|"),
            (">", "'config' \"get\" 'max memory'|"),
            ("<", "*0|"),
            (">", "   |  PING|"),
            ("<", "+PONG|"),
        ],
        &[
            "SET ? ?: ok, 13/5",
            "GET ?: ok, 11/7",
            "SET ? ?: ok, 23/5",
            "SET ? ?: ok, 14/5",
            "PING: ok, 6/7",
            "CONFIG GET ?: ok, 29/4",
            "PING: ok, 8/7",
        ],
    );
}

/// The server says so, and closes.
#[test]
fn quotes_that_do_not_close() {
    let refused = "-ERR Protocol error: unbalanced quotes in request|";
    for (said, expected) in [
        ("SET 'a b c|", "SET ?: error ERR, 12/51"),
        ("SET \"a\"b c|", "SET ?: error ERR, 12/51"),
        ("SET a'b c'd e|", "SET ?: error ERR, 15/51"),
    ] {
        check(&[(">", said), ("<", refused), ("<close", "")], &[expected]);
    }
}

#[test]
fn quoted_values_that_are_wanted() {
    let mut driver = Driver::default();
    driver.context.settings.keep_values = true;
    drive(&mut driver, &[(">", "SET 'a b' \"c\\x41\"|SET 'a|"), ("<", "+OK|-ERR no|")], usize::MAX);
    let lines: Vec<_> = driver.context.finished.iter().map(line).collect();
    assert_eq!(lines, ["SET a b cA: ok, 19/5", "SET ...: error ERR, 8/9"]);
}

/// Names are bounded however they are written, and so are lines.
#[test]
fn hostile() {
    for said in ["'", "\"\\x", "'a b c d"] {
        let mut driver = Driver::default();
        drive(&mut driver, &[(">", &format!("{said}{}", "x".repeat(200)))], usize::MAX);
        assert_eq!(driver.lost, 1, "{said}");
    }
    let mut driver = Driver::default();
    drive(&mut driver, &[(">", &format!("SET '{}", "\\'".repeat(40_000)))], 1000);
    assert_eq!(driver.lost, 1);
    // The server waits for the line's end.
    let mut driver = Driver::default();
    drive(&mut driver, &[(">", "GET a\0b|")], usize::MAX);
    assert_eq!((driver.lost, driver.context.finished.len()), (1, 0));
}
