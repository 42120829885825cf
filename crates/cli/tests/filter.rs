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
        ("--status ok", "good waiting"),
        ("--status error", "slow missing"),
        ("--status 200", "good"),
        ("--status 5xx", "slow"),
        ("--status 42P01", "missing"),
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
fn a_long_process_name_is_found_by_what_the_kernel_keeps() {
    let mut request = http("GET /", "/", 200);
    request.process.as_mut().expect("it has one").command = "a-very-long-com".into();
    assert!(filter("--process a-very-long-command").expect("it is valid").matches(&request));
    assert!(!filter("--process a-very-short-command").expect("it is valid").matches(&request));
}

#[test]
fn mistakes_are_explained() {
    let cases = [
        ("--slower 1d", "unknown unit 'd'; known are ns, us, ms, s, m and h"),
        ("--slower fast", "'fast' does not begin with a number, as in 1.5ms"),
        ("--port 70000", "70000 is not in 1..=65535"),
        ("--port 0", "0 is not in 1..=65535"),
        ("--protocol htp", "known are http, redis, mysql, postgresql, dns"),
        ("--protocol tls", "known are http, redis, mysql, postgresql, dns"),
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
