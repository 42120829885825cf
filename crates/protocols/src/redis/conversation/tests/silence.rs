//! CLIENT REPLY: what gets no reply, and how that shows.

use super::*;

const ON: &str = "*3|$6|CLIENT|$5|REPLY|$2|ON|";
const OFF: &str = "*3|$6|CLIENT|$5|REPLY|$3|OFF|";
const SKIP: &str = "*3|$6|CLIENT|$5|REPLY|$4|SKIP|";
const MULTI: &str = "*1|$5|MULTI|";
const EXEC: &str = "*1|$4|EXEC|";
const WRONG: &str = "-WRONGTYPE Operation|";
const DENIED: &str = "-NOPERM this user has no permissions to run the 'client¦reply' command|";

#[test]
fn accepted() {
    check(
        &[
            (">", SKIP),
            (">", SET),
            (">", GET),
            ("<", "$1|v|"),
            (">", OFF),
            (">", SET),
            (">", ON),
            ("<", "+OK|"),
        ],
        &[
            "CLIENT REPLY ?: ok, 37/0",
            "SET ? ?: ok, 27/0",
            "GET ?: ok, 20/7",
            "CLIENT REPLY ?: ok, 36/0",
            "SET ? ?: ok, 27/0",
            "CLIENT REPLY ?: ok, 35/5",
        ],
    );
    // One after the other; the last of them lets its successor speak.
    check(
        &[(">", &[SKIP, SET, SKIP, SKIP, SET, SKIP, ON, GET].concat()), ("<", &format!("+OK|{WRONG}"))],
        &[
            "CLIENT REPLY ?: ok, 37/0",
            "SET ? ?: ok, 27/0",
            "CLIENT REPLY ?: ok, 37/0",
            "CLIENT REPLY ?: ok, 37/0",
            "SET ? ?: ok, 27/0",
            "CLIENT REPLY ?: ok, 37/0",
            "CLIENT REPLY ?: ok, 35/5",
            "GET ?: error WRONGTYPE, 20/22",
        ],
    );
    // An error may be of the command that speaks again.
    check(
        &[(">", &[SKIP, SET, GET].concat()), ("<", WRONG)],
        &["CLIENT REPLY ?: ok, 37/0", "SET ? ?: ok, 27/0", "GET ?: error WRONGTYPE, 20/22"],
    );
    check(
        &[(">", OFF), (">", SET), (">", "*1|$5|RESET|"), ("<", "+RESET|")],
        &["CLIENT REPLY ?: ok, 36/0", "SET ? ?: ok, 27/0", "RESET: ok, 15/8"],
    );
}

#[test]
fn refused() {
    for (refusal, bytes) in [(DENIED, 72), ("-ERR unknown command|", 22)] {
        let error = if bytes == 72 { "NOPERM" } else { "ERR" };
        check(
            &[(">", OFF), ("<", refusal), (">", SET), ("<", WRONG), (">", GET), ("<", "$1|v|")],
            &[
                &format!("CLIENT REPLY ?: error {error}, 36/{bytes}"),
                "SET ? ?: error WRONGTYPE, 27/22",
                "GET ?: ok, 20/7",
            ],
        );
        check(
            &[(">", &[OFF, SET, GET].concat()), ("<", &format!("{refusal}{WRONG}$1|v|"))],
            &[
                &format!("CLIENT REPLY ?: error {error}, 36/{bytes}"),
                "SET ? ?: error WRONGTYPE, 27/22",
                "GET ?: ok, 20/7",
            ],
        );
    }
    check(
        &[(">", &[SKIP, SET, GET].concat()), ("<", &format!("{DENIED}+OK|$1|v|"))],
        &["CLIENT REPLY ?: error NOPERM, 37/72", "SET ? ?: ok, 27/5", "GET ?: ok, 20/7"],
    );
    // What no server understands.
    for (asked, bytes) in
        [("*3|$6|CLIENT|$5|REPLY|$5|BOGUS|", 38), ("*4|$6|CLIENT|$5|REPLY|$3|OFF|$1|X|", 43)]
    {
        let marks = if bytes == 38 { "?" } else { "? ?" };
        check(
            &[(">", asked), ("<", "-ERR syntax error|"), (">", SET), ("<", WRONG)],
            &[&format!("CLIENT REPLY {marks}: error ERR, {bytes}/19"), "SET ? ?: error WRONGTYPE, 27/22"],
        );
    }
}

/// As Redis does it: the reply to EXEC announces elements for all commands, and has none for those that are silent.
#[test]
fn in_transactions() {
    check(
        &[
            (">", MULTI),
            ("<", "+OK|"),
            (">", &[SET, OFF, SET, GET].concat()),
            ("<", &"+QUEUED|".repeat(4)),
            (">", EXEC),
            ("<", "*4|+OK|"),
            (">", GET),
            (">", ON),
            ("<", "+OK|"),
            (">", GET),
            ("<", "$1|v|"),
        ],
        &[
            "MULTI: ok, 15/5",
            "SET ? ?: ok, 27/9",
            "CLIENT REPLY ?: ok, 36/9",
            "SET ? ?: ok, 27/9",
            "GET ?: ok, 20/9",
            "EXEC: ok, 14/9",
            "GET ?: ok, 20/0",
            "CLIENT REPLY ?: ok, 35/5",
            "GET ?: ok, 20/7",
        ],
    );
    check(
        &[
            (">", &[MULTI, SKIP, SET, EXEC, GET, GET].concat()),
            ("<", "+OK|+QUEUED|+QUEUED|*2|+OK|$1|v|"),
            (">", &[MULTI, OFF, SET, ON, GET, EXEC, GET].concat()),
            ("<", "+OK|+QUEUED|+QUEUED|+QUEUED|+QUEUED|*4|+OK|$1|v|$1|w|"),
        ],
        &[
            "MULTI: ok, 15/5",
            "CLIENT REPLY ?: ok, 37/9",
            "SET ? ?: ok, 27/9",
            "EXEC: ok, 14/9",
            "GET ?: ok, 20/0",
            "GET ?: ok, 20/7",
            "MULTI: ok, 15/5",
            "CLIENT REPLY ?: ok, 36/9",
            "SET ? ?: ok, 27/9",
            "CLIENT REPLY ?: ok, 35/9",
            "GET ?: ok, 20/9",
            "EXEC: ok, 14/16",
            "GET ?: ok, 20/7",
        ],
    );
    // Given up, refused, or not executed: nothing has changed.
    for (end, reply, name) in [
        ("*1|$7|DISCARD|", "+OK|", "DISCARD: ok, 17/5"),
        (EXEC, "*-1|", "EXEC: ok, 14/5"),
        (EXEC, "-EXECABORT x|", "EXEC: error EXECABORT, 14/14"),
    ] {
        check(
            &[(">", &[MULTI, OFF, end, GET].concat()), ("<", &format!("+OK|+QUEUED|{reply}$1|v|"))],
            &["MULTI: ok, 15/5", "CLIENT REPLY ?: ok, 36/9", name, "GET ?: ok, 20/7"],
        );
    }
    // The transaction began unseen.
    check(
        &[(">", OFF), ("<", "+QUEUED|"), (">", GET), ("<", "+QUEUED|")],
        &["CLIENT REPLY ?: ok, 36/9", "GET ?: ok, 20/9"],
    );
    // MULTI is what gets no reply.
    check(
        &[(">", &[SKIP, MULTI, GET, EXEC].concat()), ("<", "+QUEUED|*1|$1|v|")],
        &["CLIENT REPLY ?: ok, 37/0", "MULTI: ok, 15/0", "GET ?: ok, 20/9", "EXEC: ok, 14/11"],
    );
}

/// Nothing is told before it is known; silence for a second is an answer too.
#[test]
fn patience() {
    let mut driver = Driver::default();
    let lines = |driver: &Driver| driver.context.finished.iter().map(line).collect::<Vec<_>>();
    driver.feed(Client, wire(OFF).as_bytes(), 1_000);
    driver.feed(Client, wire(SET).as_bytes(), 2_000);
    driver.expire(1_000_000_999);
    assert_eq!(lines(&driver), [""; 0]);
    driver.expire(1_000_001_000);
    assert_eq!(lines(&driver), ["CLIENT REPLY ?: ok, 36/0", "SET ? ?: ok, 27/0"]);
    // From then on without delay.
    driver.feed(Client, wire(GET).as_bytes(), 1_100_000_000);
    assert_eq!(lines(&driver).len(), 3);
    // It was only slow: what speaks is not silent.
    driver.feed(Server, wire(DENIED).as_bytes(), 1_200_000_000);
    driver.feed(Client, wire(GET).as_bytes(), 1_300_000_000);
    driver.feed(Server, wire("$1|v|").as_bytes(), 1_400_000_000);
    assert_eq!(lines(&driver).last().map(String::as_str), Some("GET ?: ok, 20/7"));
    assert_eq!(driver.context.unparsed, 1);
}

/// As Redis 7.0 answers who is subscribed: in RESP2 it executes no CLIENT REPLY, and says so unless it was told to be silent
/// before; in RESP3 it does.
#[test]
fn subscribed() {
    const SUBSCRIBE: &str = "*2|$9|SUBSCRIBE|$1|a|";
    const CONFIRMED: &str = "*3|$9|subscribe|$1|a|:1|";
    const UNSUBSCRIBE: &str = "*2|$11|UNSUBSCRIBE|$1|a|";
    const ENDED: &str = "*3|$11|unsubscribe|$1|a|:0|";
    const NO: &str = "-ERR Can't execute 'client¦reply': only (P¦S)SUBSCRIBE / PING / QUIT / RESET are allowed in this context|";
    let (no, refused) = (wire(NO).len(), "error ERR");
    for asked in [ON, OFF, SKIP] {
        let bytes = wire(asked).len();
        check(
            &[
                (">", SUBSCRIBE),
                ("<", CONFIRMED),
                (">", asked),
                ("<", NO),
                (">", "*1|$4|PING|"),
                ("<", "*2|$4|pong|$0||"),
            ],
            &[
                "SUBSCRIBE ?: ok, 26/30",
                &format!("CLIENT REPLY ?: {refused}, {bytes}/{no}"),
                "PING: ok, 14/20",
            ],
        );
    }
    // Silent before: what is subscribed to is confirmed, nothing else is answered, until it ends.
    let silent = [(">", OFF), (">", SUBSCRIBE), ("<", CONFIRMED), (">", ON), ("wait", ""), (">", GET)];
    let mut driver = Driver::default();
    for (number, (who, text)) in silent.into_iter().enumerate() {
        let at = number as u64 * 1_000_000;
        match who {
            ">" => driver.feed(Client, wire(text).as_bytes(), at),
            "<" => driver.feed(Server, wire(text).as_bytes(), at),
            _ => driver.expire(2_000_000_000),
        }
    }
    let later = 2_100_000_000;
    for (party, text) in [
        (Client, UNSUBSCRIBE),
        (Server, ENDED),
        (Client, ON),
        (Server, "+OK|"),
        (Client, GET),
        (Server, "$1|v|"),
    ] {
        driver.feed(party, wire(text).as_bytes(), later);
    }
    let lines: Vec<_> = driver.context.finished.iter().map(line).collect();
    assert_eq!(
        lines,
        [
            "CLIENT REPLY ?: ok, 36/0",
            "SUBSCRIBE ?: ok, 26/0",
            "CLIENT REPLY ?: ok, 35/0",
            "GET ?: ok, 20/0",
            "UNSUBSCRIBE ?: ok, 29/0",
            "CLIENT REPLY ?: ok, 35/5",
            "GET ?: ok, 20/7",
        ]
    );
    assert_eq!(driver.context.unparsed, 0);
    // Its end is another answer.
    check(
        &[
            (">", OFF),
            (">", SUBSCRIBE),
            ("<", CONFIRMED),
            (">", &[ON, "*1|$5|RESET|", GET].concat()),
            ("<", "+RESET|$1|v|"),
        ],
        &[
            "CLIENT REPLY ?: ok, 36/0",
            "SUBSCRIBE ?: ok, 26/0",
            "CLIENT REPLY ?: ok, 35/0",
            "RESET: ok, 15/8",
            "GET ?: ok, 20/7, database 0",
        ],
    );
    // RESP3.
    let push = |text: &str| text.replacen('*', ">", 1);
    check(
        &[
            (">", OFF),
            (">", SUBSCRIBE),
            ("<", &push(CONFIRMED)),
            (">", &[ON, GET].concat()),
            ("<", "+OK|$1|v|"),
            (">", UNSUBSCRIBE),
            ("<", &push(ENDED)),
            (">", GET),
            ("<", "$1|v|"),
        ],
        &[
            "CLIENT REPLY ?: ok, 36/0",
            "SUBSCRIBE ?: ok, 26/0",
            "CLIENT REPLY ?: ok, 35/5",
            "GET ?: ok, 20/7",
            "UNSUBSCRIBE ?: ok, 29/33",
            "GET ?: ok, 20/7",
        ],
    );
}

/// Commands without replies take no more room than others.
#[test]
fn bounded() {
    let mut driver = Driver::default();
    drive(&mut driver, &[(">", OFF), (">", &SET.repeat(10_000))], usize::MAX);
    let told = driver.context.finished.len();
    assert!((10_001 - 4_096..=10_001).contains(&told), "{told}");
    drive(&mut driver, &[(">", ON), ("<", "+OK|"), (">", GET), ("<", "_|")], usize::MAX);
    assert_eq!((driver.context.finished.len(), driver.context.unparsed), (10_003, 0));
    assert!(driver.context.finished.iter().all(|exchange| exchange.outcome == crate::Outcome::Ok));
}

#[test]
fn ended() {
    check(
        &[(">", OFF), (">", SET), (">close", ""), ("<close", "")],
        &["CLIENT REPLY ?: ok, 36/0", "SET ? ?: ok, 27/0"],
    );
    check(
        &[(">", OFF), (">", SET), ("<reset", "")],
        &["CLIENT REPLY ?: cut Server Reset, 36/0", "SET ? ?: cut Server Reset, 27/0"],
    );
}

/// A server that says yes.
#[test]
fn answered_all_the_same() {
    let mut driver = Driver::default();
    drive(&mut driver, &[(">", OFF), ("<", "+OK|"), (">", SET), ("<", "+OK|"), (">", GET), ("<", "_|")], 7);
    let lines: Vec<_> = driver.context.finished.iter().map(line).collect();
    assert_eq!(lines, ["CLIENT REPLY ?: ok, 36/5", "SET ? ?: ok, 27/5", "GET ?: ok, 20/3"]);
}

#[test]
fn anything() {
    let words = [SET, ON, OFF, SKIP, MULTI, EXEC, "+OK|", "+QUEUED|", "-ERR x|", DENIED, "*2|+OK|", ":1|"];
    let words = words.map(wire);
    crate::harness::check_random::<Conversation>(&words.each_ref().map(|word| word.as_bytes()));
}
