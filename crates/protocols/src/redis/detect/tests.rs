use model::Party::{self, Client, Server};

use super::*;

#[track_caller]
fn check(party: Party, expected: u8, prefixes: &[&str]) {
    for prefix in prefixes {
        assert_eq!(detect(party, prefix.as_bytes()), expected, "{prefix:?}");
    }
}

#[test]
fn commands() {
    check(
        Client,
        CERTAIN,
        &[
            "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n",
            "*1\r\n$4\r\nPING\r\n",
            "*2\r\n$3\r\nget\r\n$1",
            "*1\r\n$4\r\nping",
        ],
    );
    check(
        Client,
        LIKELY,
        &[
            "*3\r\n$3\r\nSE",
            "*3\r\n$3\r\n",
            "*3\r\n$",
            "*3\r\n",
            "*1\r\n$6\r\nMY.OWN\r\n",
            "SET a b\r\n",
            "INFO\r\n",
            "ping\r\n",
        ],
    );
    check(
        Client,
        0,
        &[
            "*",
            "*x\r\n",
            "*3\r\n:1\r\n",
            "*0\r\n",
            "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n",
            "*2\r\n$3\r\nGETxx",
            // What COMMAND DOCS and COMMAND tell of a command.
            "*482\r\n$7\r\nevalsha\r\n*14\r\n$7\r\nsummary\r\n",
            "*10\r\n$3\r\nget\r\n:2\r\n*2\r\n",
            "PING",
        ],
    );
}

#[test]
fn replies() {
    check(Server, CERTAIN, &["$5\r\nhello\r\n", "+OK\r\n$5\r\nhello\r\n"]);
    check(
        Server,
        LIKELY,
        &[
            "+OK\r\n",
            "+OK\r\n+QUEUED\r\n",
            ":1\r\n",
            "$-1\r\n",
            "$1000\r\nabc",
            "*2\r\n$1\r\na\r\n",
            "*0\r\n",
            "-WRONGTYPE Operation against a key\r\n",
            "-ERR unknown command 'x'\r\n",
            "-NOAUTH Authentication required.\r\n",
            "_\r\n",
            "#t\r\n",
            ",1.5\r\n",
            "%1\r\n+a\r\n:1\r\n",
            ">2\r\n+a\r\n",
        ],
    );
    check(Server, 0, &["+", "+O", "$", "*", "-", "$x\r\n", "+OK\r\nPONG\r\n"]);
}

/// NATS in its verbose mode has `PING` and `+OK`, but not as question and answer.
#[test]
fn ping_wants_pong() {
    let sureness =
        |asked: &str, answered: &str| detect(Client, asked.as_bytes()) + detect(Server, answered.as_bytes());
    assert!(sureness("PING\r\n", "+PONG\r\n") >= CERTAIN);
    assert!(sureness("PING\r\nPING\r\n", "+PONG\r\n+PONG\r\n") >= CERTAIN);
    assert!(sureness("PING\r\n", "+OK\r\n") < CERTAIN);
    assert!(sureness("PING\r\nPONG\r\n", "+OK\r\n+OK\r\n") < CERTAIN);
}
