//! Subscriptions, and their confirmations.

use super::*;

#[test]
fn subscriptions() {
    let confirm = |kind: &str, n: u32| format!("*3|${}|{kind}|$1|c|:{n}|", kind.len());
    let message = "*3|$7|message|$1|c|$2|hi|";
    check(
        &[
            (">", "*3|$9|SUBSCRIBE|$1|a|$1|b|"),
            ("<", &confirm("subscribe", 1)),
            ("<", message),
            ("<", &confirm("subscribe", 2)),
            ("<", &message.repeat(3)),
            (">", "*1|$4|PING|"),
            ("<", message),
            ("<", "*2|$4|pong|$0||"),
            (">", "*1|$11|UNSUBSCRIBE|"),
            ("<", &confirm("unsubscribe", 1)),
            ("<", &confirm("unsubscribe", 0)),
            (">", GET),
            ("<", "$1|v|"),
        ],
        &["SUBSCRIBE ? ?: ok, 33/60", "PING: ok, 14/20", "UNSUBSCRIBE: ok, 22/33", "GET ?: ok, 20/7"],
    );
    // RESP3.
    let push = |text: &str| text.replacen('*', ">", 1);
    check(
        &[
            (">", "*2|$9|SUBSCRIBE|$1|a|"),
            ("<", &push(&confirm("subscribe", 1))),
            ("<", &push(message)),
            (">", GET),
            ("<", &push(message)),
            ("<", ">2|$10|invalidate|*1|$1|k|"),
            ("<", "$1|v|"),
        ],
        &["SUBSCRIBE ?: ok, 26/30", "GET ?: ok, 20/7"],
    );
    check(&[(">", "*2|$9|SUBSCRIBE|$1|a|"), ("<", "-NOAUTH no|")], &["SUBSCRIBE ?: error NOAUTH, 26/12"]);
    // A list that looks like a message.
    check(&[(">", "*4|$6|LRANGE|$1|l|$1|0|$1|9|"), ("<", message)], &["LRANGE ? ? ?: ok, 37/32"]);
}

/// Each subscription's end is confirmed, however many there were, and the next command's reply comes after.
#[test]
fn all_unsubscribed() {
    let end = |name: &str, left: u32| format!("*3|${}|{name}|$1|c|:{left}|", name.len());
    let three = |name: &str| (0..3).map(|left| end(name, 2 - left)).collect::<String>();
    for (name, asked) in [
        ("unsubscribe", "*1|$11|UNSUBSCRIBE|"),
        ("punsubscribe", "*1|$12|PUNSUBSCRIBE|"),
        ("sunsubscribe", "*1|$12|SUNSUBSCRIBE|"),
    ] {
        let expected = format!("{}: ok, {}/{}", name.to_uppercase(), asked.len() + 3, 22 + name.len());
        let commands = [asked, GET, SET, GET].concat();
        let replies = format!("{}$1|v|-WRONGTYPE x|$1|v|", three(name));
        check(
            &[(">", &commands), ("<", &replies)],
            &[expected.as_str(), "GET ?: ok, 20/7", "SET ? ?: error WRONGTYPE, 27/14", "GET ?: ok, 20/7"],
        );
    }
    // Of both kinds, in a row; and anew, in RESP2 and RESP3.
    let commands = "*1|$11|UNSUBSCRIBE|*1|$12|PUNSUBSCRIBE|*2|$9|SUBSCRIBE|$1|a|*1|$4|PING|";
    let replies =
        format!("{}{}*3|$9|subscribe|$1|a|:1|*2|$4|pong|$0||", three("unsubscribe"), three("punsubscribe"));
    let expected = ["UNSUBSCRIBE: ok, 22/33", "PUNSUBSCRIBE: ok, 23/34", "SUBSCRIBE ?: ok, 26/30"];
    let in_arrays = [expected.as_slice(), &["PING: ok, 14/20"]].concat();
    check(&[(">", commands), ("<", &replies)], &in_arrays);
    let pushed = replies.replace("*3", ">3").replace("*2|$4|pong|$0||", "+PONG|");
    check(&[(">", commands), ("<", &pushed)], &[expected.as_slice(), &["PING: ok, 14/7"]].concat());
    // Lists like it, which are not.
    let lrange = "*4|$6|LRANGE|$1|l|$1|0|$1|9|";
    let (all, last) = ("*1|$11|UNSUBSCRIBE|", end("unsubscribe", 0));
    check(
        &[
            (">", &[all, GET, lrange, all, lrange].concat()),
            ("<", &format!("{last}_|{last}{last}*2|$11|unsubscribe|$1|a|")),
        ],
        &[
            "UNSUBSCRIBE: ok, 22/33",
            "GET ?: ok, 20/3",
            "LRANGE ? ? ?: ok, 37/33",
            "UNSUBSCRIBE: ok, 22/33",
            "LRANGE ? ? ?: ok, 37/29",
        ],
    );
}

/// What Redis 7.0 said to these commands, all sent at once, in RESP2 and in RESP3.
#[test]
fn subscribed_in_a_transaction() {
    const PING: &str = "*1|$4|PING|";
    let confirm = |name: &str, channel: &str, n: u32| format!("*3|${}|{name}|$1|{channel}|:{n}|", name.len());
    let two = confirm("subscribe", "a", 1) + &confirm("subscribe", "b", 2);
    let subscribe = "*3|$9|SUBSCRIBE|$1|a|$1|b|";
    let psubscribe = "*3|$10|PSUBSCRIBE|$1|b|$1|c|";
    let publish = "*3|$7|PUBLISH|$1|a|$2|hi|";
    let unsubscribe = "*1|$11|UNSUBSCRIBE|";
    let message = "*3|$7|message|$1|a|$2|hi|";
    let ends: String = (0..3).map(|left| confirm("unsubscribe", "c", 2 - left)).collect();
    let psubscribed = confirm("psubscribe", "b", 3) + &confirm("psubscribe", "c", 4);
    for (commands, replies) in [
        (vec![subscribe], two.clone()),
        (vec![SET, subscribe, GET], format!("+OK|{two}$1|v|")),
        (vec![subscribe, psubscribe, SET], format!("{two}{psubscribed}+OK|")),
        (vec![subscribe, publish, GET], format!("{two}{message}:1|$1|v|")),
        // How many subscriptions end is not known before.
        (vec![unsubscribe], confirm("unsubscribe", "a", 0)),
        (vec![GET, unsubscribe], format!("$1|v|{ends}")),
        (vec![unsubscribe, GET], format!("{ends}$1|v|")),
        (vec![subscribe, unsubscribe, GET], format!("{two}{ends}$1|v|")),
        // Lists of their own.
        (vec![subscribe, "*4|$6|LRANGE|$1|l|$1|0|$1|9|"], format!("{two}*3|$1|a|$1|b|$1|c|")),
        (vec![GET, SET], "$1|v|+OK|".to_owned()),
    ] {
        let count = commands.len();
        let asked = format!("*1|$5|MULTI|{}*1|$4|EXEC|{GET}{PING}", commands.concat());
        let queued = "+QUEUED|".repeat(count);
        for resp3 in [false, true] {
            let inside = match resp3 {
                true => replies
                    .replace("*3|$9|sub", ">3|$9|sub")
                    .replace("*3|$10|", ">3|$10|")
                    .replace("*3|$11|", ">3|$11|")
                    .replace("*3|$7|", ">3|$7|"),
                false => replies.clone(),
            };
            let answered = format!("+OK|{queued}*{count}|{inside}$1|v|+PONG|");
            let whole =
                tables::drive::<Conversation, _>(&script(&[(">", &asked), ("<", &answered)]), usize::MAX);
            let lines: Vec<_> = whole.context.finished.iter().map(line).collect();
            let last = &lines[lines.len() - 2..];
            assert_eq!(last, ["GET ?: ok, 20/7", "PING: ok, 14/7"], "{commands:?} {resp3}: {lines:?}");
            assert_eq!((lines.len(), whole.context.unparsed), (count + 4, 0), "{commands:?} {resp3}");
            check(&[(">", &asked), ("<", &answered)], &lines.iter().map(String::as_str).collect::<Vec<_>>());
        }
    }
}

/// A transaction that was not carried out leaves nothing behind.
#[test]
fn no_transaction_after_all() {
    let subscribe = "*3|$9|SUBSCRIBE|$1|a|$1|b|";
    for end in ["*1|$7|DISCARD|", "*1|$4|EXEC|"] {
        let asked = format!("*1|$5|MULTI|{subscribe}{end}*1|$5|MULTI|{GET}*1|$4|EXEC|{GET}");
        let ended = if end.contains("EXEC") { "*-1|" } else { "+OK|" };
        let answered = format!("+OK|+QUEUED|{ended}+OK|+QUEUED|*1|*3|$1|a|$1|b|$1|c|$1|v|");
        let mut driver = Driver::default();
        drive(&mut driver, &[(">", &asked), ("<", &answered)], usize::MAX);
        let lines: Vec<_> = driver.context.finished.iter().map(line).collect();
        assert_eq!(lines.last().map(String::as_str), Some("GET ?: ok, 20/7"), "{lines:?}");
        assert_eq!(lines.len(), 7);
    }
}
