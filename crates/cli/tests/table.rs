//! The table as it is seen, at the widths that terminals have.

mod common;

use std::collections::BTreeSet;

use common::{check, dns, http, ip, query, statement, unix};
use model::request::Incomplete;
use model::{Request, Role, names};
use weir_cli::requests::{Options, Table};
use weir_cli::text;

fn requests() -> Vec<Request> {
    let mut list = databases();
    list.extend(others());
    list
}

/// Statements that are short and long, as all databases here have them.
fn databases() -> Vec<Request> {
    let long = "SELECT \"users\".\"id\", \"users\".\"name\", \"users\".\"email\", \"users\".\"created_at\" FROM \"users\" \
                WHERE \"users\".\"id\" = ? LIMIT ?";
    let early = "UPDATE shop.items\n   SET name = ?,\n\tprice = ?\n WHERE id IN (?) AND deleted IS NULL";
    let mut named = query("postgresql", "PREPARE");
    named.attributes.text(names::DB_QUERY_TEXT, "SELECT note FROM orders WHERE id = ?");
    let mut many = statement("postgresql", "SELECT users", long);
    many.attributes.int(names::DB_RESPONSE_RETURNED_ROWS, 20_000);
    let redis = |name: &str, text: &str| {
        let mut request = query("redis", name);
        request.attributes.text(names::DB_QUERY_TEXT, text);
        request
    };
    vec![
        Request { duration: 4_200_000, ..statement("postgresql", "SELECT", "SELECT pg_sleep(?)") },
        many,
        Request {
            error: Some("42P01".into()),
            role: Role::Server,
            ..statement("postgresql", "SELECT nothing", "SELECT id FROM nothing").with_ends(|ends| {
                ends.server = ip("10.0.0.12:5432", Some("postgres"));
            })
        },
        named,
        statement("mysql", "UPDATE shop.items", early).with_ends(|ends| {
            ends.server = ip("10.0.0.13:3306", Some("mariadbd"));
        }),
        Request {
            error: Some("1062".into()),
            duration: 90_000_000_000,
            ..statement(
                "mysql",
                "INSERT 顧客",
                "INSERT INTO 顧客 VALUES (?, ?, '日本語日本語日本語日本語日本語')",
            )
        },
        Request { error: Some("timeout".into()), duration: 5_000_000_000, ..query("mysql", "INSERT orders") },
        Request {
            duration: 41_000,
            ..redis("SET", "SET ? ?").with_ends(|ends| {
                ends.server = unix("/run/redis/redis.sock");
            })
        },
        Request { duration: 5_000_000_000, waiting: true, ..redis("BLPOP", "BLPOP ? ?") },
        Request { error: Some("WRONGTYPE".into()), ..redis("LPUSH", "LPUSH orders 17 42") },
        Request { incomplete: Some(Incomplete::Request), ..query("postgresql", "INSERT orders") },
    ]
}

fn others() -> Vec<Request> {
    let mut answered = dns("A", "db.shop.example", 2);
    answered.attributes.text(names::DNS_ANSWERS, "192.0.2.7,192.0.2.8");
    let mut searched = http("GET /search", "/search", 200);
    searched.attributes.text(names::URL_QUERY, "q=?&page=?&sort=?");
    let mut brewed = http("_OTHER /pot", "/pot", 405);
    brewed.attributes.text(names::HTTP_REQUEST_METHOD_ORIGINAL, "BREW");
    vec![
        http("GET /users/{id}", "/users/7", 200),
        searched,
        brewed,
        Request {
            duration: 1_240_000_000,
            response_bytes: 1_234_567,
            ..http("GET /reports/{year}/{month}/by-customer", "/reports/2026/11/by-customer", 503).with_ends(
                |ends| {
                    ends.client = ip("[2001:db8:12:34::7]:40112", None);
                },
            )
        },
        Request { error: Some("NXDOMAIN".into()), ..dns("A", "example.com", 0) },
        dns("AAAA", "images.static.shop.example.com", 4),
        answered,
        Request { duration: 12_000_000_000, error: Some("timeout".into()), ..dns("A", "slow.example", 0) },
        Request { incomplete: Some(Incomplete::Response), ..query("mongodb", "find") },
        Request { incomplete: Some(Incomplete::Response), ..http("GET /big", "/big", 200) },
        Request { incomplete: Some(Incomplete::Start), error: Some("500".into()), ..http("GET /", "/", 500) },
        http("GET /日本語/{id}", "/日本語/😀", 404).with_ends(|ends| {
            ends.client = ip("10.0.0.7:40112", Some("a-service-with-a-very-long-name-indeed"));
            ends.server = ip("10.0.0.9:80", Some("another-service-with-a-very-long-name"));
        }),
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

#[test]
fn lines_are_as_their_golden_files() {
    for width in [40, 60, 80, 100, 120, 160, 200] {
        check(&format!("table-{width}.txt"), &shown(width, false));
    }
    check("table-120-color.txt", &shown(120, true));
}

#[test]
fn lines_fit_every_width() {
    for width in 30..260 {
        for line in shown(width, false).lines() {
            assert!(text::width(line) <= width, "{} > {width}: {line}", text::width(line));
        }
    }
}

/// Where REQUEST begins in a table of this width, and how many columns it has.
fn request_column(table: &str, width: usize) -> (usize, usize) {
    let header = table.lines().next().expect("a header");
    let place = |title: &str| header.find(title).map(|at| text::width(&header[..at])).expect("a title");
    let gap = if width < 90 { 1 } else { 2 };
    (place("REQUEST"), place("STATUS") - place("REQUEST") - gap)
}

#[test]
fn a_request_can_be_read_at_every_width() {
    for width in 40..260 {
        let (_, room) = request_column(&shown(width, false), width);
        assert!(room >= 22 && (width < 60 || room >= 24), "{room} columns of {width}");
        assert!(room * 3 >= width, "{room} columns of {width} is less than a third");
    }
}

#[test]
fn every_protocol_is_in_the_table() {
    let shown: BTreeSet<_> = requests().iter().map(|request| request.protocol).collect();
    for protocol in protocols::Protocol::shown() {
        assert!(shown.contains(protocol.name()), "{}: add a row to `requests` above", protocol.name());
    }
}

/// What a row says of the request where REQUEST has so many columns.
fn asked(request: &Request, room: usize) -> String {
    let row = |width| {
        let mut out = String::new();
        Table::new(Options { width, ..Options::default() }).write(request, &mut out);
        let (at, columns) = request_column(&out, width);
        let row = out.lines().nth(1).expect("a row").chars();
        (columns == room).then(|| row.skip(at).take(columns).collect::<String>().trim_end().to_owned())
    };
    (40..260).find_map(row).expect("a width at which there is so much room")
}

#[test]
fn what_a_person_wants_to_read() {
    let joined = "SELECT u.id, u.name, o.total FROM users u JOIN orders o ON o.user_id = u.id";
    let cases = [
        // The statement, where it says all that its name does.
        (statement("mysql", "SELECT", "SELECT pg_sleep(?)"), 22, "SELECT pg_sleep(?)"),
        (statement("mysql", "SELECT", "SELECT ?"), 22, "SELECT ?"),
        (
            statement("mysql", "UPDATE items", "UPDATE `items` SET name = ? WHERE id = ?"),
            27,
            "UPDATE `items` SET name =…",
        ),
        (
            statement("mysql", "SELECT users orders", joined),
            50,
            "SELECT users orders  SELECT u.id, u.name, o.total…",
        ),
        (statement("mysql", "SELECT users orders", joined), 76, joined),
        (
            statement("mysql", "SELECT; DELETE items; SELECT", "SELECT ? AS a; DELETE FROM items; SELECT ?"),
            35,
            "SELECT ? AS a; DELETE FROM items;…",
        ),
        // Its name, where that is all there is room for; a part of another name is not enough.
        (statement("mysql", "SELECT users orders", joined), 30, "SELECT users orders"),
        (statement("mysql", "SELECT item", "SELECT items FROM x, y, z, item"), 27, "SELECT item"),
        (query("mysql", "INSERT a_table_with_quite_a_long_name"), 27, "INSERT a_table_with_quite_…"),
    ];
    for (request, room, expected) in cases {
        assert_eq!(asked(&request, room), expected, "in {room}");
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
fn rows_are_told() {
    let cases = [
        (Some(0), None, "0 rows"),
        (Some(1), None, "1 row"),
        (Some(9999), None, "9999 rows"),
        (Some(20_999), None, "20k rows"),
        (Some(1_999_999), None, "1M rows"),
        (None, Some(3), "3 rows"),
        (Some(2), Some(3), "3 rows"),
        // So MySQL says of BEGIN too.
        (None, Some(0), "ok"),
        (None, None, "ok"),
    ];
    for (returned, affected, expected) in cases {
        let mut request = statement("mysql", "SELECT items", "SELECT * FROM items");
        for (key, count) in
            [(names::DB_RESPONSE_RETURNED_ROWS, returned), (names::DB_RESPONSE_AFFECTED_ROWS, affected)]
        {
            if let Some(count) = count {
                request.attributes.int(key, count);
            }
        }
        for (error, incomplete, expected) in
            [(None, None, expected), (Some("1062"), None, "1062"), (None, Some(Incomplete::Request), "~ok")]
        {
            let request = Request { error: error.map(Into::into), incomplete, ..request.clone() };
            let mut out = String::new();
            Table::new(Options::default()).write(&request, &mut out);
            let header = out.lines().next().expect("a header");
            let status = text::width(&header[..header.find("STATUS").expect("a column")]);
            let row: String = out.lines().nth(1).expect("a row").chars().skip(status).collect();
            assert_eq!(row.split("  ").next(), Some(expected), "{returned:?} {affected:?}");
        }
    }
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
