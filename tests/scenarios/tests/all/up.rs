//! `weir up`, and `weir agent` with `weir server`: what they answer is what the clients did.

use std::process::Command;
use std::time::Duration;

use scenario_tests::paced::{self, Plan};
use scenario_tests::record::Counts;
use scenario_tests::scenario;
use scenario_tests::servers::{Nginx, NginxOptions, Redis};
use scenario_tests::serving::{agents, ask, counts, free, of_tests, until, weir};
use scenario_tests::weir::{Keep, Run, Weir};
use serde_json::Value;

const PATHS: &[&str] = &["/ok", "/ok", "/items/list", "/moved", "/missing", "/broken"];
const REDIS: u64 = 20_000;

/// Sends requests to nginx and Redis, and looks whether the answers of a server tell just them.
fn check(api: &str) {
    let nginx = Nginx::start(NginxOptions::default()).unwrap();
    let redis = Redis::start(None).unwrap();
    let plan = Plan { rate: 5_000, requests: 10_000, connections: 4, depth: 1, paths: PATHS };
    let sent = paced::run(nginx.address(), &plan).unwrap();
    let port = redis.port().to_string();
    let mut benchmark = Command::new("redis-benchmark");
    benchmark.args(["-p", &port, "-n", &REDIS.to_string(), "-c", "10", "-t", "set,get", "-q"]);
    assert!(benchmark.output().unwrap().status.success());

    let at = |port: u16, role: &str| format!("server.port = {port} and role = {role}");
    for role in ["client", "server"] {
        let http = at(nginx.port(), role);
        let found = until(|| {
            Some(counts(api, &http, "name,code")).filter(|found| found.values().sum::<u64>() >= sent.requests)
        });
        assert_eq!(found.as_ref(), Some(&sent.counts), "{role}: {:?}", counts(api, &http, "name,code"));
        let redis = format!("{} and name in (GET, SET)", at(redis.port(), role));
        let expected: Counts = [("GET".to_owned(), REDIS), ("SET".to_owned(), REDIS)].into();
        let found = until(|| Some(counts(api, &redis, "name")).filter(|found| *found == expected));
        assert!(found.is_some(), "{role}: {:?}", counts(api, &redis, "name"));
    }
    let filter = of_tests("nginx, redis-server");
    let topology = ask(api, &["topology", "--filter", &filter]);
    let edges = topology["edges"].as_array().unwrap();
    let count = |server: &str| -> u64 {
        let of = edges.iter().filter(|edge| edge["server"] == server);
        of.map(|edge| edge["figures"]["count"].as_u64().unwrap()).sum()
    };
    assert_eq!(count("nginx"), sent.requests, "{topology}");
    assert!(count("redis-server") >= 2 * REDIS, "{topology}");
    let services = ask(api, &["services", "--filter", &filter]);
    let service = |name: &str| {
        services["services"].as_array().unwrap().iter().find(|service| service["name"] == name).unwrap()
    };
    assert_eq!(
        (&service("nginx")["kind"], &service("redis-server")["kind"]),
        (&"service".into(), &"cache".into())
    );
    assert_eq!(service("nginx")["inbound"]["count"], sent.requests);
    assert_eq!(services["about"]["coverage"]["lost"], 0, "{}", services["about"]);
    // Both ends of each exchange are one trace of two requests.
    let traces =
        ask(api, &["trace", "--filter", &format!("server.port = {}", nginx.port()), "--limit", "100"]);
    let traces = traces["traces"].as_array().unwrap();
    assert_eq!(
        (traces.len(), traces.iter().filter(|trace| trace["requests"] == 2).count()),
        (100, 100),
        "{traces:?}"
    );
    let trace = ask(api, &["trace", traces[0]["id"].as_str().unwrap()]);
    let spans: Vec<_> =
        trace["spans"].as_array().unwrap().iter().map(|span| (&span["kind"], &span["evidence"])).collect();
    assert_eq!(spans, [(&"client".into(), &Value::Null), (&"server".into(), &"sequence".into())], "{trace}");
}

fn expect_nothing_lost(run: &Run) {
    assert!(run.status.success() && run.lost() == 0, "{}", run.summary);
}

#[test]
fn one_process_answers_what_the_clients_did() {
    let Some(_alone) = scenario() else { return };
    let (folder, api) = (tempfile::tempdir().unwrap(), free());
    let up = Weir::start(&mut weir("up", &api, folder.path()), Keep::Text).unwrap();
    check(&api);
    let agents = agents(&api);
    assert_eq!((agents.len(), &agents[0]["away"]), (1, &false.into()), "{agents:?}");
    let run = up.stop().unwrap();
    expect_nothing_lost(&run);
    assert!(run.summary.contains(", 0 lost"), "of what went into the store\n{}", run.summary);
    assert!(run.summary.contains("requests/s; slowest: "), "what is seen is told\n{}", run.summary);
    assert!(run.took < Duration::from_secs(3), "{:?}", run.took);
}

#[test]
fn an_agent_and_a_server_answer_the_same() {
    let Some(_alone) = scenario() else { return };
    let (folder, own, api) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), free());
    let server = Weir::start(&mut weir("server", &api, folder.path()), Keep::Text).unwrap();
    let mut agent = weir("agent", &api, own.path());
    agent.env("WEIR_AGENT_SERVER", format!("http://{api}")).env("WEIR_AGENT_SPOOL", own.path().join("spool"));
    let agent = Weir::start(&mut agent, Keep::Text).unwrap();
    check(&api);
    expect_nothing_lost(&agent.stop().unwrap());
    assert!(server.stop().unwrap().status.success());
}
