//! Bytes in, records out.

use model::Party::{Client, Server};

use crate::harness::tables::{self, anywhere};
use crate::harness::{Happens, stream};
use crate::redis::Conversation;
use crate::{Conversation as _, Exchange};

type Driver = crate::harness::Driver<Conversation>;

/// By its text, and its name where that is another.
fn line(exchange: &Exchange) -> String {
    let text = tables::attribute(exchange, model::names::DB_QUERY_TEXT).unwrap_or_default();
    let name =
        if text.starts_with(exchange.name.as_str()) { text } else { format!("{} ({text})", exchange.name) };
    tables::line(exchange, &name, &tables::facts(exchange, &[("database", model::names::DB_NAMESPACE)]))
}

/// `|` stands for a line's end, and `¦` for the sign of an attribute.
fn wire(text: &str) -> String {
    text.replace('|', "\r\n").replace('¦', "|")
}

fn script(lines: &[(&str, &str)]) -> Vec<Happens<String>> {
    tables::script(lines, |_, text| wire(text))
}

fn drive(driver: &mut Driver, lines: &[(&str, &str)], piece: usize) {
    driver.play(&script(lines), stream(piece));
}

/// This script gives these exchanges; cut anywhere.
#[track_caller]
fn check(lines: &[(&str, &str)], expected: &[&str]) {
    tables::check(&script(lines), anywhere(), line, expected, |_: &Driver, _| {});
}

/// As [`check`], delivered whole; with the count of what was not understood.
#[track_caller]
fn check_whole(lines: &[(&str, &str)], expected: &[&str], unparsed: u64) {
    tables::check_count::<Conversation, _>(&script(lines), [usize::MAX], line, expected, unparsed);
}

const SET: &str = "*3|$3|SET|$1|k|$1|v|";
const GET: &str = "*2|$3|GET|$1|k|";

#[test]
fn one_by_one() {
    check(
        &[
            (">", SET),
            ("<", "+OK|"),
            (">", GET),
            ("<", "$5|hello|"),
            (">", GET),
            ("<", "$-1|"),
            (">", "*1|$4|ping|"),
            ("<", "+PONG|"),
        ],
        &["SET ? ?: ok, 27/5", "GET ?: ok, 20/11", "GET ?: ok, 20/5", "PING: ok, 14/7"],
    );
}

#[test]
fn pipelined() {
    check(&[(">", &GET.repeat(16)), ("<", &"$1|v|".repeat(16))], &["GET ?: ok, 20/7"; 16]);
}

#[test]
fn transactions() {
    check(
        &[
            (">", &format!("*1|$5|MULTI|{SET}*3|$5|BLPOP|$1|l|$1|0|*1|$4|EXEC|")),
            ("<", "+OK|+QUEUED|+QUEUED|*2|+OK|*-1|"),
        ],
        &["MULTI: ok, 15/5", "SET ? ?: ok, 27/9", "BLPOP ? ?: ok, 29/9", "EXEC: ok, 14/14"],
    );
}

#[test]
fn errors() {
    check(
        &[
            (">", SET),
            ("<", "-WRONGTYPE Operation against a key|"),
            (">", SET),
            ("<", "!21|SYNTAX invalid syntax|"),
            (">", SET),
            ("<", "-|"),
            (">", SET),
            ("<", "*2|-ERR inside|:1|"),
        ],
        &[
            "SET ? ?: error WRONGTYPE, 27/36",
            "SET ? ?: error SYNTAX, 27/28",
            "SET ? ?: error ERR, 27/3",
            "SET ? ?: ok, 27/21",
        ],
    );
}

#[test]
fn kinds_of_replies() {
    for reply in [
        ":-5|",
        "_|",
        "#t|",
        ",1.5|",
        ",inf|",
        "(3492890328409238509324850943850943825024385|",
        "=8|txt:abcd|",
        "$0||",
        "*0|",
        "*-1|",
        "*2|*2|:1|:2|$1|a|",
        "%2|+a|:1|+b|*1|:2|",
        "~2|:1|:2|",
        "¦1|+key|%1|+a|:1|*1|:1|",
        "¦1|+k|:1|+OK|",
        "*2|:1|¦1|+k|:9|:2|",
        "$?|;4|Hell|;2|o!|;0|",
        "*?|:1|*2|:1|:2|*?|.|.|",
        "%?|+a|:1|.|",
        "*1|*?|*1|*?|:1|.|.|",
        "*1|$?|;1|a|;0|",
        "*2|*?|¦1|+k|:1|:5|.|:1|",
    ] {
        let bytes = wire(reply);
        for piece in [usize::MAX, 1, 3] {
            let mut driver = Driver::default();
            for _ in 0..2 {
                driver.feed(Client, wire(GET).as_bytes(), 1);
                bytes.as_bytes().chunks(piece).for_each(|bytes| driver.feed(Server, bytes, 2));
            }
            let lines: Vec<_> = driver.context.finished.iter().map(line).collect();
            assert_eq!(
                lines,
                vec![format!("GET ?: ok, 20/{}", bytes.len()); 2],
                "{bytes:?} in pieces of {piece}"
            );
        }
    }
}

#[test]
fn large_values() {
    // Bodies are passed over, seen or not.
    check(
        &[
            (">", "*3|$3|SET|$1|k|$5000000|abc"),
            (">gap", "4999000"),
            (">", &"x".repeat(997)),
            (">", "|"),
            ("<", "+OK|"),
            (">", GET),
            ("<", "$1000000|ab"),
            ("<gap", "1000000"),
            (">", GET),
            ("<", "*2|$1|a|$9|b"),
            ("<gap", "10"),
        ],
        &["SET ? ?: ok, 5000032/5", "GET ?: ok, 20/1000012", "GET ?: ok, 20/26"],
    );
    let many = format!("*1001|$4|MSET|{}", "$1|k|".repeat(1000));
    check(&[(">", &many), ("<", "+OK|")], &["MSET ? ? ? ? ? ? ? ? ...: ok, 7017/5"]);
}

#[test]
fn leaves() {
    check(
        &[(">", "*1|$7|MONITOR|"), ("<", "+OK|"), ("<", "+1339518083.107412 \"get\"|"), (">", GET)],
        &["MONITOR: ok, 17/5"],
    );
    check(
        &[(">", "*3|$5|PSYNC|$1|?|$2|-1|"), ("<", "|+FULLRESYNC abc 0|$5|REDIS"), (">", GET)],
        &["PSYNC ? ?: ok, 30/19"],
    );
    check(
        &[(">", "*3|$5|PSYNC|$1|?|$2|-1|"), ("<", "-NOMASTERLINK|"), (">", GET), ("<", "_|")],
        &["PSYNC ? ?: error NOMASTERLINK, 30/15", "GET ?: ok, 20/3"],
    );
}

/// A replica that follows its master already: commands come from the master, and acknowledgements are no requests.
#[test]
fn replication() {
    let ack = "*3|$8|REPLCONF|$3|ACK|$4|1234|";
    let getack = "*3|$8|REPLCONF|$6|GETACK|$1|*|";
    let stream = [&SET.repeat(20), "*1|$4|PING|"].concat();
    for (ack, getack) in [(ack.to_owned(), getack.to_owned()), (ack.to_lowercase(), getack.to_uppercase())] {
        for script in [
            // As it is.
            [(">", ack.as_str()), ("<", stream.as_str()), (">", ack.as_str())],
            [("<", &stream), ("<", &getack), (">", &ack)],
            // With the ends mistaken for one another.
            [(">", &stream), (">", &getack), ("<", &ack)],
        ] {
            for piece in [usize::MAX, 40] {
                let mut driver = Driver::default();
                drive(&mut driver, &script, piece);
                assert!(driver.left, "{script:?}");
                assert_eq!((driver.context.finished.len(), driver.context.unparsed), (0, 0), "{script:?}");
                assert_eq!(driver.conversation.left_as(), "replication");
            }
        }
    }
    let mut driver = Driver::default();
    drive(&mut driver, &[(">", &stream), ("<", ack)], usize::MAX);
    assert!(driver.left && driver.context.finished.is_empty());
    // The way there, and lists like it.
    check(
        &[
            (">", "*3|$8|REPLCONF|$4|capa|$3|eof|"),
            ("<", "+OK|"),
            (">", GET),
            ("<", "*3|$8|REPLCONF|$3|ACT|$1|a|"),
        ],
        &["REPLCONF ? ?: ok, 37/5", "GET ?: ok, 20/34"],
    );
    for (asked, label) in [("*1|$7|MONITOR|", "upgraded"), ("*1|$4|SYNC|", "replication")] {
        let mut driver = Driver::default();
        drive(&mut driver, &[(">", asked), ("<", "+OK|")], usize::MAX);
        assert_eq!((driver.left, driver.conversation.left_as()), (true, label));
    }
}

#[test]
fn names() {
    check(
        &[
            (">", "*3|$6|CONFIG|$3|get|$1|*|"),
            ("<", "*0|"),
            (">", "*2|$6|CONFIG|$5|wrong|"),
            ("<", "-ERR unknown|"),
            (">", "*2|$8|MY.OWN.X|$1|a|"),
            ("<", "+OK|"),
            (">", "*4|$4|AUTH|$1|a|$1|b|$1|c|"),
            ("<", "+OK|"),
            (">", "ping|"),
            ("<", "+PONG|"),
            (">", "|SET  k v|"),
            ("<", "+OK|"),
        ],
        &[
            "CONFIG GET ?: ok, 32/4",
            "CONFIG ?: error ERR, 27/14",
            "OTHER ?: ok, 25/5",
            "AUTH ? ? ?: ok, 35/5",
            "PING: ok, 6/7",
            "SET ? ?: ok, 10/5",
        ],
    );
}

#[test]
fn waiting() {
    check(
        &[
            (">", "*3|$5|BLPOP|$1|l|$1|0|"),
            ("<", "*-1|"),
            (">", "*6|$5|XREAD|$5|block|$1|0|$7|STREAMS|$1|s|$1|$|"),
            ("<", "*-1|"),
            (">", "*4|$5|XREAD|$7|STREAMS|$5|BLOCK|$1|0|"),
            ("<", "*-1|"),
        ],
        &["BLPOP ? ?: ok, 29/5, waiting", "XREAD ? ? ? ? ?: ok, 60/5, waiting", "XREAD ? ? ?: ok, 46/5"],
    );
}

#[test]
fn databases() {
    check(
        &[
            (">", &format!("*2|$6|SELECT|$1|3|{GET}")),
            ("<", "+OK|$1|v|"),
            (">", "*2|$6|SELECT|$2|99|"),
            ("<", "-ERR out of range|"),
            (">", "*1|$5|RESET|"),
            ("<", "+RESET|"),
            (">", GET),
            ("<", "_|"),
        ],
        &[
            "SELECT ?: ok, 23/5",
            "GET ?: ok, 20/7, database 3",
            "SELECT ?: error ERR, 24/19, database 3",
            "RESET: ok, 15/8, database 3",
            "GET ?: ok, 20/3, database 0",
        ],
    );
}

#[test]
fn cut() {
    check(&[(">", GET), ("<close", "")], &["GET ?: cut Server Close, 20/0"]);
    check(
        &[(">", GET), (">", GET), ("<", "$5|he"), (">reset", "")],
        &["GET ?: cut Client Reset, 20/4", "GET ?: cut Client Reset, 20/0"],
    );
    check(&[(">", GET), (">close", ""), ("<", "$1|v|"), ("<close", "")], &["GET ?: ok, 20/7"]);
    check(
        &[(">", "*3|$3|SET|$1|k|$9|v"), (">reset", "")],
        &["SET ? ?: cut Client Reset, 24/0, incomplete request"],
    );
}

#[test]
fn gaps() {
    // Inside a command, behind its name; then again from the next run on.
    check_whole(
        &[
            (">", "*3|$3|SET|$1|k|$"),
            (">gap", "5"),
            (">", "v|"),
            (">", GET),
            ("<", "+OK|"),
            ("<", "$1|v|"),
            (">", GET),
            ("<", "$1|v|"),
        ],
        &["SET ? ?: ok, 20/5, incomplete request", "GET ?: ok, 20/7"],
        1,
    );
    // A whole command.
    check_whole(&[(">gap", "20"), ("<", "$1|v|"), (">", GET), ("<", "+OK|")], &["GET ?: ok, 20/5"], 2);
    // Replies.
    check_whole(
        &[(">", &GET.repeat(3)), ("<", "$1|v|*2|:1|"), ("<gap", "9"), ("<", ":1|"), (">", GET), ("<", "_|")],
        &[
            "GET ?: ok, 20/7",
            "GET ?: ok, 20/8, incomplete response",
            "GET ?: ok, 20/0, incomplete response",
            "GET ?: ok, 20/3",
        ],
        0,
    );
}

#[test]
fn joined_late() {
    check_whole(&[("<", "$1|v|"), (">", GET), ("<", "+OK|")], &["GET ?: ok, 20/5"], 1);
}

#[test]
fn replies_shown_early() {
    let mut driver = Driver::default();
    driver.feed(Server, wire("+OK|$1|v|").as_bytes(), 2_000);
    driver.feed(Client, wire(SET).as_bytes(), 1_000);
    driver.feed(Client, wire(GET).as_bytes(), 1_500);
    let lines: Vec<_> = driver.context.finished.iter().map(line).collect();
    assert_eq!(lines, ["SET ? ?: ok, 27/5", "GET ?: ok, 20/7"]);
}

#[test]
fn values_kept_when_wanted() {
    let mut driver = Driver::default();
    driver.context.settings.keep_values = true;
    let long = "x".repeat(200);
    let script = [
        (">", SET),
        (">", "*2|$4|AUTH|$6|secret|"),
        (">", &format!("*3|$4|MGET|$200|{long}|$200|{long}|")),
        (">", "*3|$3|SET|$1|k|$999|abc"),
    ];
    drive(&mut driver, &script, usize::MAX);
    driver.gap(Client, Some(998), 9);
    driver.feed(Server, b"+OK\r\n+OK\r\n+OK\r\n+OK\r\n", 10_000_000);
    let texts: Vec<_> = driver
        .context
        .finished
        .iter()
        .filter_map(|exchange| exchange.attributes.get(model::names::DB_QUERY_TEXT))
        .map(ToString::to_string)
        .collect();
    assert_eq!(texts, ["SET k v", "AUTH ?", &format!("MGET {long} {}...", "x".repeat(54)), "SET k ..."]);
}

#[test]
fn bounded() {
    let mut driver = Driver::default();
    drive(&mut driver, &[(">", &GET.repeat(10_000)), ("<", &"_|".repeat(9_000))], usize::MAX);
    assert_eq!((driver.context.finished.len(), driver.context.unparsed), (3_096, 5_904));
}

#[test]
fn refused() {
    let deep = "*?|".repeat(40);
    for (party, text) in [
        (Client, "*99999999999999999999|"),
        (Client, "*3|:1|"),
        (Client, "*1|$99999999999999|"),
        (Client, "*1|$-1|"),
        (Client, "nonsense here|"),
        (Client, "\u{0}|"),
        (Client, "*2|$3|GETxx"),
        (Client, "*--1|"),
        (Server, "*9223372036854775808|"),
        (Server, "%9223372036854775807|"),
        (Server, "$-9999999999999999999|"),
        (Server, deep.as_str()),
        (Server, ".|"),
        (Server, ";1|"),
        (Server, "hello|"),
        (Server, "$1|abc|"),
        (Server, "*1|$?|:1|"),
    ] {
        let mut driver = Driver::default();
        drive(&mut driver, &[(if party == Client { ">" } else { "<" }, text)], usize::MAX);
        assert_eq!(driver.lost, 1, "{text:?}");
    }
}

#[test]
fn gaps_anywhere() {
    let list = "*3|$1|a|*1|:1|_|";
    for (party, torn) in
        [(Client, SET), (Client, "PING|"), (Server, list), (Server, "+OK|"), (Server, "$5|hello|")]
    {
        let torn = wire(torn);
        for from in 0..torn.len() {
            for missing in [1, 3, torn.len()] {
                let to = (from + missing).min(torn.len());
                let mut driver = Driver::default();
                if party == Server {
                    driver.feed(Client, wire(GET).as_bytes(), 1_000_000);
                }
                driver.feed(party, &torn.as_bytes()[..from], 2_000_000);
                driver.gap(party, (missing > 1).then_some((to - from) as u64), 3_000_000);
                driver.feed(party, &torn.as_bytes()[to..], 4_000_000);
                if party == Client {
                    driver.feed(Server, b"+OK\r\n", 5_000_000);
                }
                driver.feed(Client, wire("*1|$4|TIME|").as_bytes(), 6_000_000);
                driver.feed(Server, wire("*2|$1|1|$1|2|").as_bytes(), 7_000_000);
                let lines: Vec<_> = driver.context.finished.iter().map(line).collect();
                assert_eq!(
                    lines.last().map(String::as_str),
                    Some("TIME: ok, 14/18"),
                    "{party:?} {from}..{to}: {lines:?}"
                );
                assert!(lines.len() <= 2, "{lines:?}");
            }
        }
    }
}

#[test]
fn anything() {
    let words = [
        SET,
        GET,
        "+OK|",
        "-ERR x|",
        "*3|$1|a|",
        "$5|hello|",
        "*?|",
        ".|",
        "$?|;1|a|;0|",
        ">3|$9|subscribe|",
        "*2|$9|SUBSCRIBE|$1|a|",
        "*3|$8|REPLCONF|$6|GETACK|$1|*|",
        "*3|$8|REPLCONF|$3|ACK|$1|7|",
        "$",
        "*2",
    ]
    .map(wire);
    crate::harness::check_random::<Conversation>(&words.each_ref().map(|word| word.as_bytes()));
}

/// A list from the server that turns out to be replication is so however it is cut.
#[test]
fn replication_in_pieces() {
    let getack = b"*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n";
    let reply = b"*3\r\n$8\r\nREPLCONF\r\n$3\r\nGET\r\n$1\r\nx\r\n";
    for (said, leaves) in [(&getack[..], true), (&reply[..], false)] {
        for piece in [1, 3, 9, usize::MAX] {
            let mut driver = crate::harness::Driver::<Conversation>::default();
            driver.feed(Client, b"*2\r\n$3\r\nGET\r\n$1\r\nx\r\n", 1);
            said.chunks(piece).for_each(|bytes| driver.feed(Server, bytes, 2));
            assert_eq!(
                (driver.left, driver.context.finished.len()),
                (leaves, usize::from(!leaves)),
                "{piece}"
            );
        }
    }
}

mod inline;
mod silence;
mod subscribing;
