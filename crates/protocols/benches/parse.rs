//! What an exchange costs, from the bytes of both messages to the finished record, through the reference
//! driver; each beside a search for line ends over the same bytes, the least that any reader does.
//!
//! `cargo bench -p protocols`. The best of many short rounds counts: on a shared machine the others tell of
//! its load. Compare the ratios, not the times of different runs.

use std::hint::black_box;
use std::time::{Duration, Instant};

use model::Party::{Client, Server};
use protocols::harness::Driver;
use protocols::{Conversation, dns, http, redis};

const HTTP_SMALL: [&str; 2] = [
    "GET /users/7 HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: wrk\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello",
];
const HTTP_BROWSER: [&str; 2] = [
    "GET /users/7/orders?page=2&sort=date HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; \
     rv:128.0) Gecko/20100101 Firefox/128.0\r\nAccept: text/html,application/xhtml+xml,application/xml;q=0.9\r\n\
     Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\nConnection: keep-alive\r\nCookie: \
     session=0123456789abcdef0123456789abcdef\r\nCache-Control: max-age=0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nServer: nginx/1.26.0\r\nDate: Fri, 20 Nov 2026 08:00:00 GMT\r\nContent-Type: application/json\r\n\
     Content-Length: 20\r\nConnection: keep-alive\r\nETag: \"5f3c\"\r\nVary: Accept-Encoding\r\n\r\n{\"id\":7,\"total\":12.5}",
];
const REDIS: [&str; 2] = ["*3\r\n$3\r\nSET\r\n$8\r\nuser:007\r\n$5\r\nhello\r\n", "+OK\r\n"];
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
    compare_datagrams::<dns::Conversation>("dns", DNS, 1);
    compare_datagrams::<dns::Conversation>("dns, aliases", DNS_ALIASES, 1);
    compare_datagrams::<dns::Conversation>("dns, 16 outstanding", DNS, 16);
}

/// Prints a line, unless the command's argument names others.
fn compare<C: Conversation + Default>(name: &str, messages: [&str; 2], depth: usize) {
    if is_wanted(name) {
        report(name, scan(messages.map(str::as_bytes)), exchanges::<C>(messages, depth));
    }
}

/// The same of a protocol that is spoken in datagrams, and tells its exchanges apart by the first two bytes.
fn compare_datagrams<C: Conversation + Default>(name: &str, messages: [&[u8]; 2], depth: u16) {
    if is_wanted(name) {
        report(name, scan(messages), datagrams::<C>(messages, depth));
    }
}

fn is_wanted(name: &str) -> bool {
    std::env::args().skip(1).all(|filter| filter.starts_with("--") || name.contains(&filter))
}

fn report(name: &str, scan: f64, read: f64) {
    println!("{name:<22} {read:>12.1} {scan:>12.1} {:>8.1}", read / scan);
}

/// Exchanges, `depth` of them in flight; the records are dropped where a driver would take them.
fn exchanges<C: Conversation + Default>([ask, answer]: [&str; 2], depth: usize) -> f64 {
    let (ask, answer) = (ask.repeat(depth), answer.repeat(depth));
    let mut driver = Driver::<C>::default();
    let mut time = 0;
    best(|| {
        for _ in 0..EXCHANGES / depth {
            time += 10_000;
            driver.feed(Client, black_box(ask.as_bytes()), time);
            driver.feed(Server, black_box(answer.as_bytes()), time + 5_000);
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
