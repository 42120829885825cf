//! Traces without code, of real proxies and an application with a database and a cache behind them, against the truth: an id in each request,
//! statement and command, which Weir is told not to look at.

use std::collections::HashMap;
use std::process::Command;

use scenario_tests::chain::{Application, Chain, Proxy, id};
use scenario_tests::record::Record;
use scenario_tests::scenario;
use scenario_tests::weir::{Keep, Run, Weir, binary};

const CLIENTS: u64 = 32;
/// Most ask for the same, and an eighth for what the proxy answers itself.
const PATHS: [&str; 8] =
    ["/items/1", "/items/1", "/items/2", "/items/1", "/items/1", "/self", "/items/1", "/items/2"];

fn weir(chain: &Chain) -> Weir {
    let mut command = Command::new(binary());
    command.args(["requests", "--json", "--traces", "--show-values", "--ring", "64MB"]);
    for port in chain.ports() {
        command.args(["--port", &port.to_string()]);
    }
    command.env("WEIR_TRACES_HEADERS", "false");
    Weir::start(&mut command, Keep::Records).unwrap()
}

/// What a record was about: the id in its query, statement or command.
fn truth(record: &Record) -> Option<&str> {
    let texts = ["/attributes/url.query", "/attributes/db.query.text"].map(|place| record.text(place));
    texts.into_iter().find_map(|text| {
        let begin = text.find("request-")?;
        text.get(begin..begin + id(0).len())
    })
}

/// The steps of the chain, each by the port that was asked and the side.
type Step = (u16, bool);

fn step(record: &Record) -> Step {
    (record.port(), record.role() == "server")
}

#[derive(Debug, Default)]
struct Score {
    whole: u64,
    joins: u64,
    wrong: u64,
    example: String,
}

/// Compares what was joined with what belongs together.
fn score(run: &Run, chain: &Chain, asked: u64, paths: &[&str]) -> Score {
    let mut score = Score::default();
    let mut spans: HashMap<(&str, u64), &Record> = HashMap::new();
    let mut of_request: HashMap<&str, Vec<&Record>> = HashMap::new();
    for record in &run.records {
        if !record.text("/trace/id").is_empty() {
            let twin = spans.insert((record.text("/trace/id"), record.number("/trace/span")), record);
            assert!(twin.is_none(), "a number twice: {}", record.json);
        }
        if let Some(id) = truth(record) {
            of_request.entry(id).or_default().push(record);
        }
    }
    let ports = chain.ports();
    let proxied = ports.len() == 4;
    let [database, cache] = [ports[ports.len() - 2], ports[ports.len() - 1]];
    let application = ports[ports.len() - 3];
    // What asked for what: the step before each.
    let before = |(port, server): Step| -> Option<Step> {
        match (port, server) {
            (port, true) => Some((port, false)),
            (port, false) if port == ports[0] => None,
            (port, false) if port == database || port == cache => Some((application, true)),
            _ => Some((ports[0], true)),
        }
    };
    for record in &run.records {
        let Some(parent) = record.json.pointer("/trace/parent").and_then(serde_json::Value::as_u64) else {
            continue;
        };
        score.joins += 1;
        let parent = spans.get(&(record.text("/trace/id"), parent));
        let is_right = parent.is_some_and(|parent| match (truth(record), truth(parent)) {
            (Some(one), Some(other)) => one == other && before(step(record)) == Some(step(parent)),
            // What opens a connection to the database is about no id, but somebody asked for it.
            (None, Some(_)) => before(step(record)) == Some(step(parent)),
            (None, None) => before(step(record)) == Some(step(parent)),
            (Some(_), None) => false,
        });
        if !is_right {
            score.wrong += 1;
            let parent = parent.map_or("nobody".into(), |parent| parent.json.to_string());
            score.example = format!("{}\nis joined to {parent}", record.json);
        }
    }
    for number in 0..asked {
        let id = id(number);
        let records = of_request.get(&id[..]).map_or(&[][..], |records| records);
        let own = paths[number as usize % paths.len()] == "/self";
        let expected = match (own && proxied, proxied) {
            (true, _) => 2,
            (false, true) => 8,
            (false, false) => 6,
        };
        let trace = records.first().map_or("", |first| first.text("/trace/id"));
        let same = records.iter().all(|record| record.text("/trace/id") == trace);
        let roots = records.iter().filter(|record| record.json.pointer("/trace/parent").is_none()).count();
        let is_whole = records.len() == expected && !trace.is_empty() && same && roots == 1;
        score.whole += u64::from(is_whole);
        if !is_whole && score.example.is_empty() {
            let all = records.iter().map(|record| record.json.to_string());
            score.example = all.collect::<Vec<_>>().join("\n");
        }
    }
    score
}

/// How many each scenario asks for; more than the rest of the tests have time for, where the variable says so.
fn count() -> u64 {
    std::env::var("WEIR_TRACES").ok().and_then(|count| count.parse().ok()).unwrap_or(2_500)
}

fn check(proxy: Proxy, application: Application) {
    let Some(_alone) = scenario() else { return };
    let asked = count();
    let chain = Chain::start(proxy, application).unwrap();
    // The application's connections are made before anybody looks, or some of them are.
    chain.ask(CLIENTS, 4 * CLIENTS, &["/items/3"]).unwrap();
    let weir = weir(&chain);
    let paths: &[&str] = if proxy == Proxy::None { &PATHS[..3] } else { &PATHS };
    let began = std::time::Instant::now();
    let answered = chain.ask(CLIENTS, asked, paths).unwrap();
    let took = began.elapsed();
    assert_eq!(answered, asked);
    std::thread::sleep(std::time::Duration::from_millis(1500));
    let run = weir.stop().unwrap();
    let score = score(&run, &chain, asked, paths);
    println!("{proxy:?} {application:?}: {score:?} in {took:?}\n{}", run.summary);
    assert_eq!(score.wrong, 0, "{}\n{}", score.example, run.summary);
    assert!(
        score.whole * 100 >= asked * 99,
        "{} of {asked}: {}\n{}",
        score.whole,
        score.example,
        run.summary
    );
}

#[test]
fn threads_behind_nginx_with_kept_connections() {
    check(Proxy::Nginx { workers: 1, keeps: true }, Application::Threads);
}

#[test]
fn prefork_behind_two_workers_of_nginx_with_new_connections() {
    check(Proxy::Nginx { workers: 2, keeps: false }, Application::Prefork);
}

#[test]
fn threads_behind_two_threads_of_haproxy_with_kept_connections() {
    check(Proxy::Haproxy { threads: 2, keeps: true }, Application::Threads);
}

#[test]
fn prefork_behind_haproxy_with_new_connections() {
    check(Proxy::Haproxy { threads: 1, keeps: false }, Application::Prefork);
}

#[test]
fn prefork_without_a_proxy() {
    check(Proxy::None, Application::Prefork);
}
