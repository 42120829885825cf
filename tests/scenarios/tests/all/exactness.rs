//! Every request is seen, once on each side, under its name and with its status.

use scenario_tests::paced::{self, Plan, median};
use scenario_tests::record::{Counts, Record, counts};
use scenario_tests::scenario;
use scenario_tests::servers::{Nginx, NginxOptions};
use scenario_tests::weir::{Run, Weir};

const SMALL: &[&str] = &["/ok", "/ok", "/items/list", "/moved", "/missing", "/broken"];
const PATHS: &[&str] = &["/ok", "/ok", "/items/list", "/moved", "/missing", "/broken", "/file.bin"];

fn name_and_status(record: &&Record) -> String {
    format!("{} {}", record.name(), record.http_status())
}

fn expect_no_loss(run: &Run) {
    assert_eq!(run.lost(), 0, "{}", run.summary);
    assert!(run.status.success(), "{}", run.summary);
}

/// Sides, names, statuses and errors of a plan's requests, against the client and against the server's log.
fn check(plan: Plan) {
    let Some(_alone) = scenario() else { return };
    let nginx = Nginx::start(NginxOptions { log: true, ..Default::default() }).unwrap();
    let weir = Weir::on_port(nginx.port()).unwrap();
    let sent = paced::run(nginx.address(), &plan).unwrap();
    weir.wait_for(2 * sent.requests as usize);
    let run = weir.stop().unwrap();
    let port = nginx.port();
    eprintln!("{} requests in {:?}", sent.requests, sent.took);
    let client = counts(run.of(port, "client").iter().map(name_and_status));
    let server = counts(run.of(port, "server").iter().map(name_and_status));
    assert_eq!(client, sent.counts, "as the client saw it\n{}", run.summary);
    assert_eq!(server, sent.counts, "as the server saw it\n{}", run.summary);
    let log: Counts = counts(nginx.stop().unwrap().lines());
    assert_eq!(server, log, "against the server's log");
    for record in &run.records {
        let error = match record.http_status() {
            code @ 500.. => code.to_string(),
            code @ 400.. if record.role() == "client" => code.to_string(),
            _ => String::new(),
        };
        assert_eq!(record.error(), error, "{}", record.json);
        assert_eq!(record.incomplete(), "", "{}", record.json);
    }
    expect_no_loss(&run);
}

#[test]
fn http_at_5000_a_second() {
    check(Plan { rate: 5_000, requests: 10_000, connections: 4, depth: 1, paths: PATHS });
}

#[test]
fn http_at_20000_a_second() {
    check(Plan { rate: 20_000, requests: 40_000, connections: 16, depth: 1, paths: PATHS });
}

#[test]
fn http_pipelined_at_5000_a_second() {
    check(Plan { rate: 5_000, requests: 10_000, connections: 2, depth: 10, paths: SMALL });
}

#[test]
fn http_pipelined_at_20000_a_second() {
    check(Plan { rate: 20_000, requests: 40_000, connections: 8, depth: 8, paths: SMALL });
}

/// The heads of small answers lie behind a large body, in one run of bytes, and so beyond what is captured of a run. They are
/// not guessed: each request is there under its name, with its own status or with none and marked as incomplete.
#[test]
fn http_pipelined_behind_large_bodies() {
    let Some(_alone) = scenario() else { return };
    let nginx = Nginx::start(NginxOptions::default()).unwrap();
    let weir = Weir::on_port(nginx.port()).unwrap();
    let plan = Plan { rate: 5_000, requests: 5_000, connections: 2, depth: 10, paths: PATHS };
    let sent = paced::run(nginx.address(), &plan).unwrap();
    weir.wait_for(2 * sent.requests as usize);
    let run = weir.stop().unwrap();
    for role in ["client", "server"] {
        let records = run.of(nginx.port(), role);
        let (whole, rest): (Vec<&Record>, Vec<&Record>) =
            records.iter().partition(|record| record.incomplete().is_empty());
        assert_eq!(records.len() as u64, sent.requests, "{role}: {}", run.summary);
        // The first turns pass before more is captured of a run.
        let sure = answers_in_sight(&plan) - 2 * plan.depth * plan.connections;
        assert!(whole.len() >= sure, "{role}: {} whole, {} not; of {sure}", whole.len(), rest.len());
        for record in whole {
            assert!(sent.counts.contains_key(&name_and_status(&record)), "{role}: {}", record.json);
        }
        for record in rest {
            assert_eq!((record.incomplete(), record.http_status()), ("response", 0), "{}", record.json);
        }
    }
    expect_no_loss(&run);
}

/// How many answers are no further on in their run than behind a large body's beginning.
fn answers_in_sight(plan: &Plan) -> usize {
    let paths: Vec<&str> = plan.paths.iter().copied().cycle().take(plan.requests as usize).collect();
    let in_sight =
        |run: &[&str]| run.iter().position(|path| *path == "/file.bin").map_or(run.len(), |at| at + 1);
    paths.chunks(plan.depth).map(in_sight).sum()
}

#[test]
fn client_durations_are_what_the_client_measures() {
    let Some(_alone) = scenario() else { return };
    let nginx = Nginx::start(NginxOptions::default()).unwrap();
    let weir = Weir::on_port(nginx.port()).unwrap();
    let plan = Plan { rate: 2_000, requests: 4_000, connections: 1, depth: 1, paths: &["/ok"] };
    let sent = paced::run(nginx.address(), &plan).unwrap();
    weir.wait_for(2 * sent.requests as usize);
    let run = weir.stop().unwrap();
    let seen = run.of(nginx.port(), "client");
    assert_eq!(seen.len() as u64, sent.requests);
    let own = median(&mut sent.durations.iter().map(|d| d.as_secs_f64()).collect::<Vec<_>>());
    let weirs = median(&mut seen.iter().map(|record| record.duration()).collect::<Vec<_>>());
    eprintln!("median: client {own:.6} s, weir {weirs:.6} s");
    assert!((own - weirs).abs() <= (own * 0.05).max(50e-6), "client {own:.6} s, weir {weirs:.6} s");
}
