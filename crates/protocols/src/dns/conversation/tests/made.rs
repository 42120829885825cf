//! Cases that servers cannot be made to show at will.

use super::build::{a, answer, cname, message, name, opt, query, question, record, with_flags};
use super::*;
use crate::Conversation as _;

#[test]
fn out_of_order() {
    let (first, second) = (query(1, "example.com", 1), query(2, "example.com", 28));
    let none = answer(&second, 0, &[]);
    let one = answer(&first, 0, &[a("example.com", 60, 1)]);
    check(
        &[says(Client, &first), says(Client, &second), says(Server, &none), says(Server, &one)],
        &[
            "AAAA example.com: noerror, 0 records, 29/29",
            "A example.com: noerror, 1 records, 192.0.2.1, ttl 60, 29/56",
        ],
        0,
    );
}

#[test]
fn the_same_id_for_two_names() {
    let (first, second) = (query(1, "a.example", 1), query(1, "b.example", 1));
    let answers = [answer(&second, 3, &[]), answer(&first, 2, &[])];
    check(
        &[says(Client, &first), says(Client, &second), says(Server, &answers[0]), says(Server, &answers[1])],
        &["A b.example: error NXDOMAIN, 0 records, 27/27", "A a.example: error SERVFAIL, 0 records, 27/27"],
        0,
    );
}

#[test]
fn the_case_of_a_name() {
    let asked = query(1, "eXaMple.COM", 1);
    let answered = answer(&query(1, "ExaMPLE.com", 1), 0, &[a("EXAMPLE.com", 60, 1)]);
    check(
        &[says(Client, &asked), says(Server, &answered)],
        &["A eXaMple.COM: noerror, 1 records, 192.0.2.1, ttl 60, 29/56"],
        0,
    );
}

#[test]
fn sent_again() {
    let asked = query(1, "example.com", 1);
    let answered = answer(&asked, 0, &[]);
    check(
        &[
            says(Client, &asked),
            says(Client, &asked),
            says(Server, &answered),
            // The server answers the repetition too.
            says(Server, &answered),
            // And then the id is used anew.
            says(Client, &asked),
            says(Server, &answered),
        ],
        &["A example.com: noerror, 0 records, resent 1, 58/29", "A example.com: noerror, 0 records, 29/29"],
        0,
    );
}

#[test]
fn no_answer() {
    let asked = query(1, "example.com", 1);
    let late = answer(&asked, 0, &[]);
    let expected = ["A example.com: cut Server TimedOut, 29/0"];
    check(&[says(Client, &asked), Waits(11 * SECOND)], &[], 0);
    check(&[says(Client, &asked), Waits(13 * SECOND), says(Server, &late)], &expected, 0);
    check(
        &[says(Client, &asked), Ends(Client, CutBy::Close), Ends(Server, CutBy::Close)],
        &["A example.com: cut Client Close, 29/0"],
        0,
    );
    check(&[says(Client, &asked), Ends(Server, CutBy::Reset)], &["A example.com: cut Server Reset, 29/0"], 0);
}

#[test]
fn answered_after_the_client_closed_its_half() {
    let asked = query(1, "example.com", 1);
    check(
        &[says(Client, &asked), Ends(Client, CutBy::Close), says(Server, &answer(&asked, 0, &[]))],
        &["A example.com: noerror, 0 records, 29/29"],
        0,
    );
}

#[test]
fn an_answer_that_is_shown_first() {
    let asked = query(1, "example.com", 1);
    let answered = answer(&asked, 0, &[]);
    let mut driver = Driver::default();
    driver.datagram(Server, &answered, SECOND + 1_000);
    driver.datagram(Client, &asked, SECOND);
    assert_eq!(lines(&driver), ["A example.com: noerror, 0 records, 29/29"]);
    assert_eq!(driver.conversation.oldest_pending(), None);
}

#[test]
fn an_answer_without_a_query() {
    let asked = query(1, "example.com", 1);
    let answered = answer(&asked, 0, &[]);
    let ends = Ends(Server, CutBy::Reset);
    check(&[says(Server, &answered), ends], &[], 1);
    check(&[says(Server, &answered), Waits(13 * SECOND)], &[], 1);
    // Far too old for the query that comes later.
    check(
        &[says(Server, &answered), Waits(SECOND), says(Client, &asked), ends],
        &["A example.com: cut Server Reset, 29/0"],
        1,
    );
    // Of another question, another type, another id.
    for other in [query(1, "example.org", 1), query(1, "example.com", 28), query(2, "example.com", 1)] {
        let other = answer(&other, 0, &[]);
        check(
            &[says(Client, &asked), says(Server, &other), ends],
            &["A example.com: cut Server Reset, 29/0"],
            1,
        );
    }
}

#[test]
fn an_answer_without_a_question() {
    let asked = query(1, "example.com", 1);
    let bare = message(1, 0x8181, [0; 4], &[]);
    check(
        &[says(Client, &asked), says(Server, &bare)],
        &["A example.com: error FORMERR, 0 records, 29/12"],
        0,
    );
}

#[test]
fn aliases() {
    let asked = query(1, "www.example.com", 1);
    let records = [
        cname("www.example.com", 300, "cdn.example.net"),
        cname("CDN.example.net", 20, "host.example.net"),
        a("host.example.net", 60, 1),
        // Whatever this is for, it was not asked for.
        a("bank.example", 60, 66),
        a("host.example.net", 60, 2),
    ];
    let answered = answer(&asked, 0, &records);
    let driver = drive(&[says(Client, &asked), says(Server, &answered)], None);
    assert_eq!(
        lines(&driver),
        ["A www.example.com: noerror, 5 records, 192.0.2.1,192.0.2.2, ttl 20, 33/214"]
    );
    let resolved = crate::dns::resolved(&driver.context.finished[0].attributes).expect("it was resolved");
    assert_eq!((resolved.name, resolved.ttl), ("www.example.com", 20));
    let addresses: Vec<_> = resolved.addresses().map(|address| address.to_string()).collect();
    assert_eq!(addresses, ["192.0.2.1", "192.0.2.2"]);
}

#[test]
fn what_leads_to_no_address_resolves_nothing() {
    let asked = query(1, "www.example.com", 1);
    let answered = answer(&asked, 0, &[cname("www.example.com", 300, "a.b")]);
    let driver = drive(&[says(Client, &asked), says(Server, &answered)], None);
    assert_eq!(lines(&driver), ["A www.example.com: noerror, 1 records, 33/65"]);
    assert_eq!(crate::dns::resolved(&driver.context.finished[0].attributes), None);
}

#[test]
fn lives_that_would_be_negative_are_none() {
    let asked = query(1, "a.b", 1);
    let answered = answer(&asked, 0, &[a("a.b", 1 << 31, 1)]);
    check_datagrams(
        &[says(Client, &asked), says(Server, &answered)],
        &["A a.b: noerror, 1 records, 192.0.2.1, ttl 0, 21/40"],
        0,
    );
}

#[test]
fn addresses_as_text() {
    let asked = query(1, "a.b", 255);
    for address in [[0, 0, 0, 0], [255, 255, 255, 255], [10, 100, 9, 99], [1, 20, 109, 200]] {
        let answered =
            answer(&asked, 0, &[record("a.b", 1, 60, &address), record("a.b", 28, 60, &[0x20; 16])]);
        let driver = drive(&[says(Client, &asked), says(Server, &answered)], None);
        let told = attribute(&driver.context.finished[0], names::DNS_ANSWERS);
        let expected =
            format!("{},2020:2020:2020:2020:2020:2020:2020:2020", std::net::Ipv4Addr::from(address));
        assert_eq!(told, Some(expected));
    }
}

#[test]
fn many_addresses() {
    let asked = query(1, "a.b", 1);
    let records: Vec<_> = (1..=40).map(|last| a("a.b", 60, last)).collect();
    let answered = answer(&asked, 0, &records);
    let driver = drive(&[says(Client, &asked), says(Server, &answered)], None);
    let addresses = attribute(&driver.context.finished[0], names::DNS_ANSWERS);
    let first: Vec<_> = (1..=16).map(|last| format!("192.0.2.{last}")).collect();
    assert_eq!(addresses, Some(first.join(",")));
}

#[test]
fn extended_codes() {
    let asked = message(1, 0x0100, [1, 0, 0, 1], &[&question("a.b", 1), &opt(1232, 0)]);
    let answered = message(1, 0x8187, [1, 0, 0, 1], &[&question("a.b", 1), &opt(1232, 1)]);
    check(&[says(Client, &asked), says(Server, &answered)], &["A a.b: error BADCOOKIE, 0 records, 32/32"], 0);
    let unknown = message(1, 0x818f, [1, 0, 0, 1], &[&question("a.b", 1), &opt(1232, 255)]);
    check(&[says(Client, &asked), says(Server, &unknown)], &["A a.b: error RCODE4095, 0 records, 32/32"], 0);
}

#[test]
fn operations() {
    let soa = question("a.b", 6);
    let notify = message(1, 0x2400, [1, 0, 0, 0], &[&soa]);
    let heard = message(1, 0xa400, [1, 0, 0, 0], &[&soa]);
    let update = message(2, 0x2800, [1, 0, 0, 0], &[&soa]);
    let refused = message(2, 0xa809, [0; 4], &[]);
    check(
        &[says(Client, &notify), says(Server, &heard), says(Client, &update), says(Server, &refused)],
        &["NOTIFY a.b (SOA): noerror, 0 records, 21/21", "UPDATE a.b (SOA): error NOTAUTH, 0 records, 21/12"],
        0,
    );
}

#[test]
fn several_questions() {
    let both = [question("a.b", 1), question("c.d", 1)].concat();
    let asked = message(1, 0x0100, [2, 0, 0, 0], &[&both]);
    let refused = message(1, 0x8181, [2, 0, 0, 0], &[&both]);
    check(&[says(Client, &asked), says(Server, &refused)], &["A a.b: error FORMERR, 0 records, 30/30"], 0);
}

/// Multicast: no ids, no question in the answer, and anybody may answer, or nobody.
#[test]
fn multicast() {
    let unicast_wanted = [name("printer.local").as_slice(), &[0, 1, 0x80, 1]].concat();
    let asked = message(0, 0, [2, 0, 0, 0], &[&unicast_wanted, &question("other.local", 1)]);
    let mine = a("PRINTER.local", 120, 1);
    let answered = message(0, 0x8400, [0, 2, 0, 0], &[&a("else.local", 120, 9), &mine]);
    let news = message(0, 0x8400, [0, 1, 0, 0], &[&a("else.local", 120, 9)]);
    check_datagrams(
        &[
            says(Client, &asked),
            says(Client, &asked),
            says(Server, &news),
            says(Server, &asked),
            says(Client, &news),
            says(Server, &answered),
            says(Server, &answered),
        ],
        &["A printer.local: noerror, 1 records, 192.0.2.1, ttl 120, 48/67"],
        0,
    );
    check_datagrams(&[says(Client, &asked), Waits(13 * SECOND), Ends(Client, CutBy::Reset)], &[], 0);
}

/// Each question is answered for itself, in one message or in several.
#[test]
fn multicast_with_several_questions() {
    let questions = [question("shop.local", 1), question("shop.local", 28), question("other.local", 1)];
    let asked = message(0, 0, [3, 0, 0, 0], &[&questions.concat()]);
    let six = record("shop.local", 28, 120, &[7; 16]);
    let both = message(0, 0x8400, [0, 2, 0, 0], &[&a("shop.local", 120, 1), &six]);
    let other = message(0, 0x8400, [0, 1, 0, 0], &[&a("other.local", 120, 2)]);
    check_datagrams(
        &[says(Client, &asked), says(Server, &both), says(Server, &other), says(Server, &both)],
        &[
            "AAAA shop.local: noerror, 1 records, 707:707:707:707:707:707:707:707, ttl 120, 61/76",
            "A shop.local: noerror, 1 records, 192.0.2.1, ttl 120, 61/76",
            "A other.local: noerror, 1 records, 192.0.2.2, ttl 120, 61/39",
        ],
        0,
    );
}

/// Over TCP it is an ordinary query that has the id 0 by chance, and somebody waits for its answer.
#[test]
fn no_multicast_over_tcp() {
    // As a server asks another: no recursion.
    let asked = message(0, 0, [1, 0, 0, 0], &[&question("a.b", 1)]);
    let answered = answer(&asked, 0, &[]);
    let script =
        [says(Client, &asked), says(Server, &answered), says(Client, &asked), Ends(Server, CutBy::Reset)];
    let driver = drive(&script, Some(7));
    assert_eq!(lines(&driver), ["A a.b: noerror, 0 records, 23/23", "A a.b: cut Server Reset, 23/0"]);
}

/// An answer to everybody may be that to several questions: its size is that of each.
#[test]
fn one_answer_to_several_questions() {
    let ask = |host: &str| message(0, 0, [1, 0, 0, 0], &[&question(host, 1)]);
    let both = message(0, 0x8400, [0, 2, 0, 0], &[&a("a.local", 120, 1), &a("b.local", 120, 2)]);
    let mut happenings = Vec::new();
    for (what, bytes) in [(10, &ask("a.local")), (10, &ask("b.local")), (11, &both)] {
        happenings.extend([what, bytes.len() as u8]);
        happenings.extend(bytes.iter());
    }
    crate::harness::check_datagrams::<Conversation>(&happenings);
}

#[test]
fn the_wrong_way_round() {
    let asked = query(1, "a.b", 1);
    check(&[says(Server, &asked), says(Client, &answer(&asked, 0, &[]))], &[], 2);
}

#[test]
fn gaps() {
    let (first, second) = (query(1, "a.b", 1), query(2, "a.b", 28));
    let answered = answer(&second, 0, &[]);
    // The first answer may have been in the gap. The second was not.
    check(
        &[
            says(Client, &first),
            says(Client, &second),
            Gap(Server, None),
            says(Client, &query(3, "c.d", 1)),
            says(Server, &answered),
            Waits(13 * SECOND),
        ],
        &[
            "AAAA a.b: noerror, 0 records, 21/21",
            "A a.b: ok, 21/0, incomplete response",
            "A c.d: cut Server TimedOut, 21/0",
        ],
        1,
    );
    // A missed query: its answer is none of the others'.
    check(
        &[
            Gap(Client, None),
            says(Server, &answer(&first, 0, &[])),
            says(Client, &second),
            says(Server, &answered),
            Ends(Server, CutBy::Reset),
        ],
        &["AAAA a.b: noerror, 0 records, 21/21"],
        2,
    );
}

#[test]
fn a_datagram_that_was_not_captured_to_its_end() {
    let asked = query(1, "a.b", 1);
    let answered = answer(&asked, 0, &[a("a.b", 60, 1), a("a.b", 60, 2)]);
    check_datagrams(
        &[says(Client, &asked), says(Server, &answered[..answered.len() - 3])],
        &["A a.b: noerror, 2 records, 192.0.2.1, ttl 60, 21/56, incomplete response"],
        0,
    );
}

#[test]
fn hostile() {
    let asked = query(1, "a.b", 1);
    let loops =
        message(1, 0x8180, [1, 1, 0, 0], &[&question("a.b", 1), b"\xc0\x15\0\x01\0\x01\0\0\0\0\0\x04aaaa"]);
    let short = answer(&asked, 0, &[record("a.b", 1, 60, b"abc")]);
    let long = answer(&asked, 0, &[record("a.b", 1, 60, b"abcde")]);
    let alias = answer(&asked, 0, &[record("a.b", 5, 60, b"\x01c\x00\x00")]);
    let opcode = message(1, 0x9980, [1, 0, 0, 0], &[&question("a.b", 1)]);
    for bad in [&loops, &short, &long, &alias, &opcode, &b"\0\x01\x81\x80".to_vec(), &vec![0xff; 40]] {
        check_datagrams(
            &[says(Client, &asked), says(Server, bad), says(Server, &answer(&asked, 0, &[]))],
            &["A a.b: noerror, 0 records, 21/21"],
            1,
        );
    }
    // A count of records that are not there.
    let counts = message(1, 0x8180, [1, 0xffff, 0xffff, 0xffff], &[&question("a.b", 1)]);
    check_datagrams(
        &[says(Client, &asked), says(Server, &counts)],
        &["A a.b: noerror, 65535 records, 21/21, incomplete response"],
        0,
    );
}

#[test]
fn what_is_outstanding_is_bounded() {
    let mut driver = Driver::default();
    for id in 0..5_000u16 {
        driver.datagram(Client, &query(id, "a.b", 1), SECOND + u64::from(id));
    }
    assert_eq!(driver.context.unparsed, 5_000 - 1024);
    driver.expire(100 * SECOND);
    assert_eq!(driver.context.finished.len(), 1024);
    for id in 0..100 {
        driver.datagram(Server, &answer(&query(id, "c.d", 1), 0, &[]), 200 * SECOND);
    }
    assert_eq!(driver.context.unparsed, 5_000 - 1024 + 100 - 16);
}

/// Over TCP: what is long is not looked at to its end, and may be missing there.
#[test]
fn the_rest_of_a_long_message_may_be_missing() {
    let asked = build::with_length(&query(1, "a.b", 1));
    let records: Vec<_> = (0..500).map(|_| record("a.b", 16, 60, b"\x03abc")).collect();
    let answered = build::with_length(&with_flags(&query(1, "a.b", 1), 0x8180, &records));
    let (head, rest) = answered.split_at(3_000);
    for missing in [false, true] {
        let mut driver = Driver::default();
        driver.feed(Client, &asked, SECOND);
        driver.feed(Server, head, SECOND + 1);
        match missing {
            true => driver.gap(Server, Some(rest.len() as u64), SECOND + 2),
            false => driver.feed(Server, rest, SECOND + 2),
        }
        assert_eq!(
            lines(&driver),
            [format!("TXT a.b: noerror, 500 records, 23/{}", answered.len()).replace("TXT", "A")]
        );
        assert_eq!(driver.context.finished[0].response.last, SECOND + 2);
    }
    let mut driver = Driver::default();
    driver.feed(Client, &asked, SECOND);
    driver.feed(Server, head, SECOND + 1);
    driver.end(Server, CutBy::Reset, SECOND + 2);
    assert_eq!(lines(&driver), ["A a.b: cut Server Reset, 23/0"]);
}

#[test]
fn a_zone_in_several_messages() {
    let asked = query(1, "a.b", 252);
    let soa = record("a.b", 6, 60, b"\0\0aaaabbbbccccddddeeee");
    let begin = with_flags(&asked, 0x8400, &[soa.clone(), a("x.a.b", 60, 1)]);
    let middle = message(1, 0x8400, [0, 1, 0, 0], &[&a("y.a.b", 60, 1)]);
    let end = message(1, 0x8400, [0, 2, 0, 0], &[&a("z.a.b", 60, 1), &soa]);
    let other = query(2, "a.b", 1);
    let driver = drive(
        &[
            says(Client, &asked),
            says(Server, &begin),
            says(Client, &other),
            says(Server, &middle),
            says(Server, &answer(&other, 0, &[])),
            Waits(11 * SECOND),
            says(Server, &end),
        ],
        Some(50),
    );
    let total = begin.len() + middle.len() + end.len() + 6;
    assert_eq!(
        lines(&driver),
        ["A a.b: noerror, 0 records, 23/23".to_owned(), format!("AXFR a.b: noerror, 5 records, 23/{total}")]
    );
    // One that stops in its middle was cut.
    let driver = drive(&[says(Client, &asked), says(Server, &begin), Ends(Server, CutBy::Close)], Some(50));
    assert_eq!(lines(&driver), [format!("AXFR a.b: cut Server Close, 2 records, 23/{}", begin.len() + 2)]);
}

#[test]
fn a_stream_that_is_lost_is_found_again() {
    let asked = query(1, "a.b", 1);
    let mut driver = Driver::default();
    driver.feed(Client, b"\x00\x05hello", SECOND);
    driver.feed(Server, b"\x00\x40hello", SECOND + 1);
    driver.feed(Server, &[b'x'; 100], SECOND + 1);
    driver.feed(Client, &build::with_length(&asked), SECOND + 2);
    driver.feed(Server, &build::with_length(&answer(&asked, 0, &[])), SECOND + 3);
    assert_eq!(lines(&driver), ["A a.b: noerror, 0 records, 23/23"]);
    assert_eq!(driver.lost, 2);
}
