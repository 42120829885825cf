//! The table as it is seen, at the widths that terminals have.

mod common;

use common::{dns, http, ip, query, unix};
use model::Request;
use model::request::Incomplete;
use weir_cli::requests::{Options, Table};
use weir_cli::text;

fn requests() -> Vec<Request> {
    vec![
        http("GET /users/{id}", "/users/7", 200),
        Request { duration: 4_200_000, ..query("postgresql", "SELECT users") },
        Request { duration: 41_000, server: unix("/run/redis/redis.sock"), ..query("redis", "SET") },
        Request {
            duration: 1_240_000_000,
            response_bytes: 1_234_567,
            client: ip("[2001:db8:12:34::7]:40112", None),
            ..http("GET /reports/{year}/{month}/by-customer", "/reports/2026/11/by-customer", 503)
        },
        Request { duration: 5_000_000_000, waiting: true, ..query("redis", "BLPOP") },
        Request { error: Some("NXDOMAIN".into()), ..dns("A", "example.com", 0) },
        dns("AAAA", "images.shop.example.com", 4),
        Request { duration: 12_000_000_000, error: Some("timeout".into()), ..dns("A", "slow.example", 0) },
        Request { error: Some("timeout".into()), duration: 5_000_000_000, ..query("mysql", "INSERT orders") },
        Request { incomplete: Some(Incomplete::Response), ..query("mongodb", "find") },
        Request { incomplete: Some(Incomplete::Request), ..query("postgresql", "INSERT orders") },
        Request { incomplete: Some(Incomplete::Response), ..http("GET /big", "/big", 200) },
        Request { incomplete: Some(Incomplete::Start), error: Some("500".into()), ..http("GET /", "/", 500) },
        Request {
            client: ip("10.0.0.7:40112", Some("a-service-with-a-very-long-name-indeed")),
            server: ip("10.0.0.9:80", Some("another-service-with-a-very-long-name")),
            ..http("GET /日本語/{id}", "/日本語/😀", 404)
        },
        http("GET /\u{1b}[31m\u{9b}2J\r\nX\u{202e}", "/\u{1b}]0;owned\u{7}", 200),
    ]
}

fn shown(width: usize, color: bool) -> String {
    let mut table = Table::new(Options { width, color, ..Options::default() });
    let mut out = String::new();
    for request in requests() {
        table.write(&request, &mut out);
    }
    out
}

/// Run with `UPDATE_GOLDEN=1` to write what is found, and look at the difference.
fn check(name: &str, found: &str) {
    let path = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, found).expect("a golden file is written");
    }
    assert_eq!(found, std::fs::read_to_string(&path).expect("a golden file is read"), "{name}");
}

#[test]
fn lines_are_as_their_golden_files() {
    for width in [80, 100, 120, 160] {
        check(&format!("table-{width}.txt"), &shown(width, false));
    }
    check("table-120-color.txt", &shown(120, true));
}

#[test]
fn lines_fit_every_width() {
    for width in 60..220 {
        for line in shown(width, false).lines() {
            assert!(text::width(line) <= width, "{} > {width}: {line}", text::width(line));
        }
    }
}

#[test]
fn nothing_hostile_reaches_the_terminal() {
    let text = shown(160, false);
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
    assert_eq!(text.lines().count(), requests().len() + 1);
    // With colour, the only escape sequences are ours: those that set colours.
    let colored = shown(160, true);
    for sequence in colored.split('\u{1b}').skip(1) {
        let end = sequence.find('m').expect("a sequence ends");
        assert!(sequence[1..end].bytes().all(|byte| byte.is_ascii_digit() || byte == b';'), "{sequence:?}");
    }
}

#[test]
fn the_header_comes_again() {
    let mut table = Table::new(Options { header_every: 3, ..Options::default() });
    let mut out = String::new();
    let request = http("GET /", "/", 200);
    for _ in 0..7 {
        table.write(&request, &mut out);
    }
    let headers = |out: &str| -> Vec<usize> {
        out.lines().enumerate().filter(|(_, line)| line.starts_with("TIME")).map(|(place, _)| place).collect()
    };
    assert_eq!(headers(&out), [0, 4, 8]);
    table.resize(120);
    table.write(&request, &mut out);
    assert_eq!(headers(&out), [0, 4, 8, 10]);
    table.resize(120);
    table.write(&request, &mut out);
    assert_eq!(headers(&out), [0, 4, 8, 10]);
}

#[test]
fn time_is_local() {
    for (offset, expected) in [(0, "08:00:00.123"), (3600, "09:00:00.123"), (-9 * 3600, "23:00:00.123")] {
        let mut table = Table::new(Options { utc_offset: offset, ..Options::default() });
        let mut out = String::new();
        table.write(&http("GET /", "/", 200), &mut out);
        assert!(out.lines().nth(1).is_some_and(|line| line.starts_with(expected)), "{out}");
    }
}
