//! What an exchange costs, from the bytes of both messages to the finished record, through the reference
//! driver; each beside a search for line ends over the same bytes, the least that any reader does.
//!
//! `cargo bench -p protocols`. The best of many short rounds counts: on a shared machine the others tell of
//! its load. Compare the ratios, not the times of different runs.

use std::hint::black_box;
use std::time::{Duration, Instant};

use model::Party::{Client, Server};
use protocols::harness::Driver;
use protocols::sql::{self, Dialect};
use protocols::{Conversation, Settings, dns, http, mysql, postgresql, redis};

const HTTP_SMALL: [&[u8]; 2] = [
    b"GET /users/7 HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: wrk\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello",
];
const HTTP_BROWSER: [&[u8]; 2] = [
    b"GET /users/7/orders?page=2&sort=date HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; \
     rv:128.0) Gecko/20100101 Firefox/128.0\r\nAccept: text/html,application/xhtml+xml,application/xml;q=0.9\r\n\
     Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\nConnection: keep-alive\r\nCookie: \
     session=0123456789abcdef0123456789abcdef\r\nCache-Control: max-age=0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nServer: nginx/1.26.0\r\nDate: Fri, 20 Nov 2026 08:00:00 GMT\r\nContent-Type: application/json\r\n\
     Content-Length: 20\r\nConnection: keep-alive\r\nETag: \"5f3c\"\r\nVary: Accept-Encoding\r\n\r\n{\"id\":7,\"total\":12.5}",
];
const REDIS: [&[u8]; 2] = [b"*3\r\n$3\r\nSET\r\n$8\r\nuser:007\r\n$5\r\nhello\r\n", b"+OK\r\n"];

const UPDATE: [&[u8]; 2] = [
    b"\x47\x00\x00\x00\x03UPDATE shop.items SET price = 12.5, name = 'a lamp' WHERE id = 1234567",
    b"\x07\x00\x00\x01\x00\x01\x00\x02\x00\x00\x00",
];
const SELECT: &[u8] =
    b"\x4f\x00\x00\x00\x03SELECT id, name, price FROM shop.items WHERE category = 'lamps' ORDER BY price";
/// PREPARE and its answer, EXECUTE with one number.
const PREPARED: [&[u8]; 2] = [
    b"\x28\x00\x00\x00\x16UPDATE items SET price = ? WHERE id = ?",
    b"\x0c\x00\x00\x01\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
];
const EXECUTE: &[u8] = b"\x16\x00\x00\x00\x17\x01\x00\x00\x00\x00\x01\x00\x00\x00\x00\x01\x08\x00\x07\x00\x00\x00\x00\x00\x00\x00";

/// A result of two columns.
fn result(rows: u8) -> Vec<u8> {
    let mut bytes = b"\x01\x00\x00\x01\x02".to_vec();
    for sequence in 2..4 {
        bytes.extend([24, 0, 0, sequence]);
        bytes.extend(b"\x03def\x00\x00\x00\x02id\x00\x0c\x3f\x00\x0b\x00\x00\x00\x03\x00\x00\x00\x00\x00");
    }
    bytes.extend(b"\x05\x00\x00\x04\xfe\x00\x00\x02\x00");
    for sequence in 5..5 + rows {
        bytes.extend([14, 0, 0, sequence]);
        bytes.extend(b"\x071234567\x05value");
    }
    bytes.extend([5, 0, 0, 5 + rows, 0xfe, 0, 0, 2, 0]);
    bytes
}
/// One simple query, as psql and many drivers send it, and its answer: one row of two columns.
const POSTGRESQL_SIMPLE: [&[u8]; 2] = [
    b"Q\0\0\0\x39SELECT abalance FROM pgbench_accounts WHERE aid = 7;\0",
    b"T\0\0\0\x21\0\x01abalance\0\0\0\x40\x05\0\x03\0\0\0\x17\0\x04\0\0\0\0\0\0\
     D\0\0\0\x0b\0\x01\0\0\0\x010C\0\0\0\x0dSELECT 1\0Z\0\0\0\x05I",
];
/// A prepared statement's execution: Bind, Describe, Execute, Sync.
const POSTGRESQL_PREPARED: [&[u8]; 2] = [
    b"B\0\0\0\x15\0P0_1\0\0\0\0\x01\0\0\0\x017\0\0D\0\0\0\x06P\0E\0\0\0\x09\0\0\0\0\0S\0\0\0\x04",
    b"2\0\0\0\x04T\0\0\0\x21\0\x01abalance\0\0\0\x40\x05\0\x03\0\0\0\x17\0\x04\0\0\0\0\0\0\
     D\0\0\0\x0b\0\x01\0\0\0\x010C\0\0\0\x0dSELECT 1\0Z\0\0\0\x05I",
];
/// An address, as a stub resolver asks and dnsmasq answers.
const DNS: [&[u8]; 2] = [
    b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x04shop\x04test\0\0\x01\0\x01",
    b"\x12\x34\x85\x80\0\x01\0\x01\0\0\0\0\x04shop\x04test\0\0\x01\0\x01\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x07",
];
/// A longer name with EDNS, and two aliases before four addresses.
const DNS_ALIASES: [&[u8]; 2] = [
    b"\x12\x34\x01\x20\0\x01\0\0\0\0\0\x01\x06images\x04shop\x07example\x03com\0\0\x01\0\x01\0\0\x29\x04\xd0\0\0\0\0\0\0",
    b"\x12\x34\x81\x80\0\x01\0\x06\0\0\0\x01\x06images\x04shop\x07example\x03com\0\0\x01\0\x01\
      \xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x11\x03cdn\x07example\x03net\0\xc0\x35\0\x05\0\x01\0\0\0\x3c\0\x07\x04edge\xc0\x39\
      \xc0\x52\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x01\xc0\x52\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x02\
      \xc0\x52\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x03\xc0\x52\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x04\
      \0\0\x29\x04\xd0\0\0\0\0\0\0",
];

/// Exchanges of a round, and rounds.
const EXCHANGES: usize = 960;
const ROUNDS: usize = 2_000;

fn main() {
    println!("{:<22} {:>12} {:>12} {:>8}", "per exchange", "ns", "scan, ns", "ratio");
    compare::<http::Conversation>("http, small", HTTP_SMALL, 1);
    compare::<http::Conversation>("http, browser", HTTP_BROWSER, 1);
    compare::<http::Conversation>("http, 16 in flight", HTTP_SMALL, 16);
    compare::<redis::Conversation>("redis, P1", REDIS, 1);
    compare::<redis::Conversation>("redis, P16", REDIS, 16);
    compare::<postgresql::Conversation>("postgresql, simple", POSTGRESQL_SIMPLE, 1);
    compare::<postgresql::Conversation>("postgresql, prepared", POSTGRESQL_PREPARED, 1);
    compare::<postgresql::Conversation>("postgresql, pipeline", POSTGRESQL_PREPARED, 16);
    compare::<mysql::Conversation>("mysql, update", UPDATE, 1);
    compare::<mysql::Conversation>("mysql, 10 rows", [SELECT, &result(10)], 1);
    compare::<mysql::Conversation>("mysql, 200 rows", [SELECT, &result(200)], 1);
    compare_datagrams::<dns::Conversation>("dns", DNS, 1);
    compare_datagrams::<dns::Conversation>("dns, aliases", DNS_ALIASES, 1);
    compare_datagrams::<dns::Conversation>("dns, 16 outstanding", DNS, 16);
    compare_prepared();
    describe();
}

/// Prints a line for a prepared statement, which has to be prepared before.
fn compare_prepared() {
    if !is_wanted("mysql, prepared") {
        return;
    }
    let mut driver = Driver::<mysql::Conversation>::default();
    driver.feed(Client, PREPARED[0], 0);
    driver.feed(Server, PREPARED[1], 5_000);
    driver.context.finished.clear();
    let messages = [EXECUTE, UPDATE[1]];
    print("mysql, prepared", scan(messages), exchanges(&mut driver, messages, 1));
}

/// Prints a line for what a statement costs that was not seen before.
fn describe() {
    if !is_wanted("sql, a new statement") {
        return;
    }
    let text = &UPDATE[0][5..];
    let new = best(|| {
        for _ in 0..EXCHANGES {
            black_box(sql::describe(black_box(text), true, Dialect::MySql, Settings::default()));
        }
    });
    print("sql, a new statement", scan([text, b""]), new);
}

/// Prints a line, unless the command's argument names others.
fn compare<C: Conversation + Default>(name: &str, messages: [&[u8]; 2], depth: usize) {
    if is_wanted(name) {
        print(name, scan(messages), exchanges(&mut Driver::<C>::default(), messages, depth));
    }
}

/// The same of a protocol that is spoken in datagrams, and tells its exchanges apart by the first two bytes.
fn compare_datagrams<C: Conversation + Default>(name: &str, messages: [&[u8]; 2], depth: u16) {
    if is_wanted(name) {
        print(name, scan(messages), datagrams::<C>(messages, depth));
    }
}

fn is_wanted(name: &str) -> bool {
    std::env::args().skip(1).all(|filter| filter.starts_with("--") || name.contains(&filter))
}

fn print(name: &str, scan: f64, read: f64) {
    println!("{name:<22} {read:>12.1} {scan:>12.1} {:>8.1}", read / scan);
}

/// Exchanges, `depth` of them in flight; the records are dropped where a driver would take them.
fn exchanges<C: Conversation + Default>(
    driver: &mut Driver<C>,
    [ask, answer]: [&[u8]; 2],
    depth: usize,
) -> f64 {
    let (ask, answer) = (ask.repeat(depth), answer.repeat(depth));
    let mut time = 1_000_000;
    best(|| {
        for _ in 0..EXCHANGES / depth {
            time += 10_000;
            driver.feed(Client, black_box(&ask), time);
            driver.feed(Server, black_box(&answer), time + 5_000);
            assert_eq!(driver.context.finished.len(), depth);
            driver.context.finished.clear();
        }
    })
}

/// The same in datagrams: answered in the order in which they were asked, all of them outstanding at once.
fn datagrams<C: Conversation + Default>(messages: [&[u8]; 2], depth: u16) -> f64 {
    let all = |message: &[u8]| -> Vec<Vec<u8>> {
        (0..depth).map(|id| [&id.to_be_bytes(), &message[2..]].concat()).collect()
    };
    let [asks, answers] = messages.map(all);
    let mut driver = Driver::<C>::default();
    let mut time = 0;
    best(|| {
        for _ in 0..EXCHANGES / usize::from(depth) {
            time += 10_000;
            asks.iter().for_each(|ask| driver.datagram(Client, black_box(ask), time));
            answers.iter().for_each(|answer| driver.datagram(Server, black_box(answer), time + 5_000));
            assert_eq!(driver.context.finished.len(), usize::from(depth));
            driver.context.finished.clear();
        }
    })
}

/// The baseline.
fn scan([ask, answer]: [&[u8]; 2]) -> f64 {
    best(|| {
        for _ in 0..EXCHANGES {
            for bytes in [ask, answer] {
                black_box(memchr::memchr_iter(b'\n', black_box(bytes)).count());
            }
        }
    })
}

/// Nanoseconds per exchange in the best round.
fn best(mut round: impl FnMut()) -> f64 {
    let shortest = (0..ROUNDS).map(|_| {
        let begin = Instant::now();
        round();
        begin.elapsed()
    });
    shortest.min().unwrap_or(Duration::ZERO).as_secs_f64() * 1e9 / EXCHANGES as f64
}
