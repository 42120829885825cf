//! Which requests a filter lets through.

mod common;

use clap::Parser;
use common::{dns, http, query};
use model::{Request, names};
use weir_cli::requests::{Filter, FilterArgs};

#[derive(Debug, Parser)]
struct Command {
    #[command(flatten)]
    filter: FilterArgs,
}

fn filter(arguments: &str) -> Result<Filter, clap::Error> {
    let words = std::iter::once("weir").chain(arguments.split_whitespace());
    Command::try_parse_from(words).map(|command| Filter::from(&command.filter))
}

/// The requests that the cases ask about, in the order in which `check` names them.
fn requests() -> [(&'static str, Request); 4] {
    let mut missing = query("postgresql", "SELECT users");
    missing.error = Some("42P01".into());
    missing.attributes.text(names::DB_RESPONSE_STATUS_CODE, "42P01");
    missing.attributes.text(names::DB_QUERY_TEXT, "SELECT secret FROM users WHERE id = ?");
    let waiting = Request { duration: 5_000_000_000, waiting: true, ..query("redis", "BLPOP") };
    let slow = Request { duration: 1_000_000, ..http("GET /users/{id}", "/users/7", 503) };
    [
        ("good", http("GET /users/{id}", "/users/7", 200)),
        ("slow", slow),
        ("missing", missing),
        ("waiting", waiting),
    ]
}

#[test]
fn options_let_through_what_they_say() {
    let cases = [
        ("", "good slow missing waiting"),
        ("--process nginx", "good slow"),
        ("--process 77", "missing waiting"),
        ("--process 7", ""),
        ("--process py*", "missing waiting"),
        ("--process nginx --process 77", "good slow missing waiting"),
        ("--service shop", "good slow missing waiting"),
        ("--service nginx", "good slow"),
        ("--service ng", ""),
        ("--service ng*", "good slow"),
        ("--port 80", "good slow"),
        ("--port 40112", ""),
        ("--port 80 --port 5432", "good slow missing waiting"),
        ("--protocol HTTP", "good slow"),
        ("--protocol redis --protocol http", "good slow waiting"),
        ("--protocol postgres", "missing"),
        ("--protocol PgSQL", "missing"),
        ("--protocol Valkey", "waiting"),
        ("--protocol mariadb", ""),
        ("--status ok", "good waiting"),
        ("--status error", "slow missing"),
        ("--status 200", "good"),
        ("--status 5xx", "slow"),
        ("--status 42P01", "missing"),
        ("--status 42p01", "missing"),
        ("--status nxdomain", ""),
        ("--status Timeout --status wrongtype --status NOTAWORD --status 08006 --status 10927", ""),
        ("--status 4xx", ""),
        ("--status 5XX", "slow"),
        ("--status 5**", "slow"),
        ("--status OK", "good waiting"),
        ("--status 1146 --status NXDOMAIN --status WRONGTYPE --status timeout", ""),
        ("--status 200 --status 503", "good slow"),
        ("--errors", "slow missing"),
        ("--name users", "good slow missing"),
        ("--name USERS", "good slow missing"),
        ("--name /users/7", "good slow"),
        ("--name /users/?", "good slow"),
        ("--name SELECT*", "missing"),
        ("--name *users", "missing"),
        ("--name secret", "missing"),
        ("--name *where?id*", ""),
        ("--name *WHERE?id*", "missing"),
        ("--slower 1ms", "slow"),
        ("--slower 0.2ms", "good slow missing"),
        ("--slower 1", ""),
        ("--role client", "missing waiting"),
        ("--role server", "good slow"),
        ("--role server --errors", "slow"),
        ("--protocol http --status ok --port 5432", ""),
    ];
    for (arguments, expected) in cases {
        let filter = filter(arguments).expect(arguments);
        let requests = requests();
        let through: Vec<_> =
            requests.iter().filter(|(_, request)| filter.matches(request)).map(|(name, _)| *name).collect();
        assert_eq!(through.join(" "), expected, "{arguments}");
    }
}

#[test]
fn a_name_that_dns_was_asked_for() {
    let request = dns("AAAA", "images.shop.example", 2);
    for (name, expected) in
        [("shop.example", true), ("*.shop.example", true), ("aaaa", true), ("shop.test", false)]
    {
        let filter = filter(&format!("--name {name}")).expect(name);
        assert_eq!(filter.matches(&request), expected, "{name}");
    }
}

#[test]
fn what_dns_answered_in_any_case() {
    let mut request = dns("A", "nowhere.example", 0);
    request.error = Some("NXDOMAIN".into());
    request.attributes.word(names::WEIR_DNS_RESPONSE_CODE, "NXDOMAIN");
    let mut empty = dns("A", "empty.example", 0);
    empty.attributes.word(names::WEIR_DNS_RESPONSE_CODE, "NOERROR");
    for (status, nowhere, nothing) in [
        ("nxdomain", true, false),
        ("NXDOMAIN", true, false),
        ("NOERROR", false, true),
        ("servfail", false, false),
    ] {
        let filter = filter(&format!("--status {status}")).expect(status);
        assert_eq!((filter.matches(&request), filter.matches(&empty)), (nowhere, nothing), "{status}");
    }
}

#[test]
fn the_help_names_every_protocol() {
    let help = <Command as clap::CommandFactory>::command().render_long_help().to_string();
    for protocol in protocols::Protocol::shown() {
        assert!(help.contains(protocol.name()), "{}: {help}", protocol.name());
        assert!(protocol.also().iter().all(|also| help.contains(also)), "{}: {help}", protocol.name());
    }
}

#[test]
fn a_long_process_name_is_found_by_what_the_kernel_keeps() {
    let request = http("GET /", "/", 200).with_ends(|ends| {
        ends.process.as_mut().expect("it has one").command = "a-very-long-com".into();
    });
    assert!(filter("--process a-very-long-command").expect("it is valid").matches(&request));
    assert!(!filter("--process a-very-short-command").expect("it is valid").matches(&request));
}

#[test]
fn mistakes_are_explained() {
    let cases = [
        ("--slower 1w", "unknown unit 'w'; known are ns, us, ms, s, m (or min), h and d"),
        ("--slower fast", "'fast' does not begin with a number"),
        ("--port 70000", "70000 is not in 1..=65535"),
        ("--port 0", "0 is not in 1..=65535"),
        ("--protocol htp", "did you mean http? Known are http, redis, mysql, postgresql and dns"),
        ("--protocol maria-db", "did you mean mariadb?"),
        ("--protocol tls", "known are http, redis, mysql, postgresql and dns"),
        ("--status nxdomian", "did you mean NXDOMAIN?"),
        ("--status NXDOMIAN", "did you mean NXDOMAIN?"),
        ("--status timout", "did you mean timeout?"),
        ("--status 9xx", "1xx to 5xx"),
        ("--status 44x", "1xx to 5xx"),
        ("--status 4", "a code, such as 404"),
        ("--status bad", "known are ok, error, timeout, closed, reset and aborted"),
        ("--process=", "a value is required for '--process"),
        ("--service=", "a value is required for '--service"),
        ("--name=", "a value is required for '--name"),
        ("--role both", "[possible values: client, server]"),
    ];
    for (arguments, expected) in cases {
        let error = filter(arguments).expect_err(arguments).to_string();
        assert!(error.contains(expected), "{arguments}: {error}");
    }
}
