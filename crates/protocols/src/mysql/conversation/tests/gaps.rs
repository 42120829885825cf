//! What is missing, cut, or wrong.

use super::*;

/// Rows beyond the budget: their bytes and their time are known, their number is not.
#[test]
fn large_results() {
    let answer = result(1, &["row"; 100], false, 2);
    let script = [
        asks(query("SELECT a FROM t")),
        answers(answer[..300].to_vec()),
        Gap(Server, Some(200)),
        Gap(Server, Some(answer.len() as u64 - 500)),
        asks(query("SELECT b FROM u")),
        answers(result(1, &["x"], false, 2)),
    ];
    let expected = format!("SELECT t: ok, 20/{}, text SELECT a FROM t, incomplete response", answer.len());
    let driver = drive(&script, usize::MAX);
    assert_eq!(lines(&driver), [expected.as_str(), "SELECT u: ok, 20/60, text SELECT b FROM u, rows 1"]);
    assert_eq!(driver.context.finished[0].response.last, 4_000_000);
    assert_eq!(driver.context.unparsed, 0);
    // Part of the way, the connection ends.
    let cut = [&script[..4], &[Ends(Client, CutBy::Close), Ends(Server, CutBy::Close)]].concat();
    check_whole(&cut, &[&expected], 0);
}

/// Of a packet's header only a part was there before the gap: it is counted too.
#[test]
fn a_gap_in_a_header() {
    let answer = result(1, &["row"; 10], false, 2);
    let place = answer.len() - 9 - 8 - 6;
    check_whole(
        &[
            asks(query("SELECT a FROM t")),
            answers(answer[..place].to_vec()),
            Gap(Server, Some((answer.len() - place) as u64)),
            asks(command(14, b"")),
        ],
        &[&format!("SELECT t: ok, 20/{}, text SELECT a FROM t, incomplete response", answer.len())],
        0,
    );
}

/// The last bytes of what a server sends are captured: how it came out is known, though not the number of rows.
#[test]
fn ends_of_large_results() {
    let more = [b"row 9\x05row 9".as_slice(), &eof(200, MORE)].concat();
    let fails = [b"row 9\x05row 9".as_slice(), &error(200, 1317)].concat();
    let ends = [b"row 9\x05row 9".as_slice(), &end(200, 2)].concat();
    let begin = result(1, &["row"; 100], false, 2)[..300].to_vec();
    let script = [
        asks(query("SELECT a FROM t")),
        answers(begin.clone()),
        Gap(Server, Some(1_000)),
        answers(b"no end of rows".to_vec()),
        Gap(Server, Some(1_000)),
        answers(ends),
        asks(query("SELECT b FROM u")),
        answers(begin.clone()),
        Gap(Server, Some(1_000)),
        answers(fails),
        asks(query("CALL p()")),
        answers(begin.clone()),
        Gap(Server, Some(1_000)),
        answers([more, ok(201, 3, 2)].concat()),
    ];
    // What is behind the end of rows is not at the end of what was sent.
    let driver = drive(&script, usize::MAX);
    let torn = ", text CALL p(), incomplete response";
    assert_eq!(lines(&driver)[0], "SELECT t: ok, 20/2336, text SELECT a FROM t");
    assert_eq!(lines(&driver)[1], "SELECT u: error 1317, 20/1352, text SELECT b FROM u");
    assert_eq!(driver.context.finished.len(), 2);
    assert_eq!(driver.context.finished[0].response.last, 6_000_000);
    let mut rest = script.to_vec();
    rest.push(asks(command(14, b"")));
    assert_eq!(lines(&drive(&rest, usize::MAX))[2], format!("CALL p: ok, 13/1331{torn}"));
    // Of several answers nobody knows whose end it is.
    let two = [query("SELECT a FROM t"), query("SELECT b FROM u")].concat();
    check_whole(
        &[asks(two), answers(begin), Gap(Server, Some(1_000)), answers(end(200, 2)), asks(command(14, b""))],
        &[
            "SELECT t: ok, 20/1311, text SELECT a FROM t, incomplete response",
            "SELECT u: ok, 20/0, text SELECT b FROM u, incomplete response",
        ],
        0,
    );
}

#[test]
fn a_large_result_may_have_gaps() {
    let mut driver = Driver::default();
    assert!(!driver.conversation.may_miss(Server));
    driver.feed(Client, &query("SELECT a FROM t"), 1);
    assert!(!driver.conversation.may_miss(Server), "nothing is known of the answer");
    driver.feed(Server, &result(1, &["x", "y"], false, 2)[..60], 2);
    assert!(driver.conversation.may_miss(Server));
    assert!(!driver.conversation.may_miss(Client));
}

#[test]
fn in_the_middle() {
    // The end of a result that nobody asked for, then all is well.
    check_whole(
        &[
            Gap(Client, Some(20)),
            Gap(Server, None),
            answers([packet(9, b"\x01a"), eof(10, 2)].concat()),
            asks(query("SELECT a FROM t")),
            answers(result(1, &["x"], false, 2)),
        ],
        &["SELECT t: ok, 20/60, text SELECT a FROM t, rows 1"],
        2,
    );
    // A command that was lost: its answer is nobody's.
    check_whole(
        &[
            Gap(Client, Some(20)),
            answers(result(1, &["x"], false, 2)),
            asks(query("DELETE FROM t")),
            answers(ok(1, 3, 2)),
        ],
        &["DELETE t: ok, 18/11, text DELETE FROM t, affected 3"],
        2,
    );
    // An answer that was lost.
    check_whole(
        &[
            asks(query("SELECT a FROM t")),
            Gap(Server, Some(90)),
            asks(query("DELETE FROM t")),
            answers(ok(1, 3, 2)),
        ],
        &[
            "SELECT t: ok, 20/90, text SELECT a FROM t, incomplete response",
            "DELETE t: ok, 18/11, text DELETE FROM t, affected 3",
        ],
        0,
    );
}

#[test]
fn ends() {
    let ask = asks(query("SELECT a FROM t"));
    let text = "text SELECT a FROM t";
    check_whole(
        &[ask.clone(), Ends(Client, CutBy::Close), Ends(Server, CutBy::Close)],
        &[&format!("SELECT t: cut Client Close, 20/0, {text}")],
        0,
    );
    let part = answers(result(1, &["x"], false, 2)[..50].to_vec());
    check_whole(
        &[ask.clone(), part, Ends(Server, CutBy::Reset)],
        &[&format!("SELECT t: cut Server Reset, 20/50, {text}")],
        0,
    );
    check_whole(
        &[ask, Ends(Client, CutBy::Close), answers(result(1, &["x"], false, 2)), Ends(Server, CutBy::Close)],
        &[&format!("SELECT t: ok, 20/60, {text}, rows 1")],
        0,
    );
    check_whole(
        &[answers(greeting("8.0.36")), asks(login(0, "")), Ends(Server, CutBy::Close)],
        &["CONNECT: cut Server Close, 69/0"],
        0,
    );
}

#[test]
fn nonsense_is_lost_and_found_again() {
    check_whole(
        &[
            asks(query("SELECT a FROM t")),
            answers(packet(7, b"\x01a")),
            asks(query("DELETE FROM t")),
            answers(ok(1, 3, 2)),
            asks(packet(0, b"\x2f")),
            answers(error(1, 1047)),
            asks(command(14, b"")),
            answers(ok(1, 0, 2)),
        ],
        &[
            "SELECT t: ok, 20/6, text SELECT a FROM t, incomplete response",
            "DELETE t: ok, 18/11, text DELETE FROM t, affected 3",
            "PING: ok, 5/11",
        ],
        1,
    );
}
