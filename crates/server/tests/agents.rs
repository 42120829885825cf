//! Agents on other hosts: all that they see arrives, once, whatever becomes of the server meanwhile.

#![allow(clippy::unwrap_used)] // the helpers of a test are tests

mod common;
#[path = "../../requests/tests/replaying/mod.rs"]
mod replaying;

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use common::{Stored, count, serve};
use rows::{Requests, wire};
use schema::{Rows, Table};
use server::ingest::agents::{Agents, Limits};
use store::{Config, Store};
use tokio::runtime::Runtime;
use tower::ServiceExt;
use uplink::{Cause, Counts, Uplink};

const FOLDER: &str = "WEIR_TEST_STORE";
const ADDRESS: &str = "WEIR_TEST_ADDRESS";
const WHILE: Duration = Duration::from_secs(60);

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Lines of a log, each of which tells who wrote it.
fn lines(writer: &str, from: usize, count: usize) -> RecordBatch {
    let place = |name| Table::Logs.column(name).unwrap().0;
    let mut rows = Rows::new(Table::Logs);
    for number in from..from + count {
        rows.number(place("time"), 1_763_800_000_000_000_000 + number as i64);
        rows.text(place("service.name"), writer);
        rows.text(place("body"), &format!("{writer}/{number}"));
        rows.end().unwrap();
    }
    rows.finish().unwrap()
}

fn config(address: SocketAddr, spool: Option<&Path>) -> uplink::Config {
    uplink::Config {
        endpoint: format!("http://{address}").parse().unwrap(),
        token: Some("weir_agent_x".into()),
        tls: uplink::Tls::default(),
        queue: 64 << 10,
        spool: spool.map(|folder| uplink::Spool { folder: folder.to_owned(), size: 64 << 20 }),
        version: "1",
    }
}

#[track_caller]
fn until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < WHILE, "{what}: not within {WHILE:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// How many different lines there are, and how many in all.
fn found(store: &Store) -> (usize, u64) {
    use schema::query::{Ask, Cell, Filter, Outcome, Query};
    let ask =
        Ask::Rows { columns: vec!["body".into()], order: Default::default(), limit: 50_000, after: None };
    let (mut bodies, mut all, mut after) = (std::collections::HashSet::new(), 0, None);
    loop {
        let Ask::Rows { columns, order, limit, .. } = ask.clone() else { unreachable!() };
        let ask = Ask::Rows { columns, order, limit, after };
        let query = Query { table: Table::Logs, from: None, to: None, filter: Filter::All, ask };
        let answer = store.query(&query, &store::Cancel::default()).unwrap();
        let Outcome::Rows { rows, next, .. } = answer.outcome else { panic!("no rows") };
        all += rows.len() as u64;
        bodies.extend(rows.into_iter().map(|row| match row.into_iter().next() {
            Some(Cell::Text(body)) => body,
            other => panic!("{other:?}"),
        }));
        after = next;
        if after.is_none() {
            return (bodies.len(), all);
        }
    }
}

#[test]
fn what_waited_for_a_server_arrives_once() {
    let runtime = runtime();
    let stored = Stored::new();
    let spool = tempfile::tempdir().unwrap();
    // An address at which nobody is, for now.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let counts = Arc::<Counts>::default();
    let mut first = Uplink::remote(&config(address, Some(spool.path())), counts.clone()).unwrap();
    for batch in 0..50 {
        first.send(Table::Logs, &lines("a", batch * 1000, 1000));
    }
    until("a word", || counts.problem().is_some_and(|problem| problem.contains("cannot connect")));
    // What memory has no room for lies on disk, and at the end all of it does.
    first.close();
    assert_eq!((counts.sent(), Cause::ALL.map(|cause| counts.lost(cause))), (0, [0; 3]));
    let counts = Arc::<Counts>::default();
    let mut second = Uplink::remote(&config(address, Some(spool.path())), counts.clone()).unwrap();
    second.send(Table::Logs, &lines("b", 0, 1000));
    let agents = Agents::new(Arc::clone(&stored.intake), Limits::default());
    let listener = std::net::TcpListener::bind(address).unwrap();
    listener.set_nonblocking(true).unwrap();
    let router = agents.router();
    runtime.spawn(
        async move { axum::serve(tokio::net::TcpListener::from_std(listener).unwrap(), router).await },
    );
    until("rows", || counts.sent() == 51_000);
    second.close();
    assert_eq!(found(stored.intake.store()), (51_000, 51_000));
    assert_eq!(agents.counts().rows, 51_000);
}

#[test]
fn a_batch_that_is_sent_again_is_stored_once() {
    let stored = Stored::new();
    let router = Agents::new(Arc::clone(&stored.intake), Limits::default()).router();
    let runtime = runtime();
    let send = |body: Vec<u8>, media: &str| {
        let request = Request::post(wire::PATH).header("content-type", media).body(Body::from(body)).unwrap();
        runtime.block_on(router.clone().oneshot(request)).unwrap().status()
    };
    let batch = |sequence| wire::encode(7, sequence, Table::Logs, &lines("a", sequence as usize, 1)).unwrap();
    for sequence in [1, 2, 1, 2, 3, 100] {
        assert_eq!(send(batch(sequence), wire::MEDIA), StatusCode::NO_CONTENT);
    }
    assert_eq!(found(stored.intake.store()), (4, 4));
    assert_eq!(send(batch(5), wire::MEDIA), StatusCode::CONFLICT, "nobody knows any more");
    assert_eq!(send(b"nonsense".to_vec(), wire::MEDIA), StatusCode::BAD_REQUEST);
    assert_eq!(send(batch(101), "application/json"), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(send(vec![0; 9 << 20], wire::MEDIA), StatusCode::PAYLOAD_TOO_LARGE);
    // Not of the table's form: a column that each row has is missing.
    let spans = wire::encode(7, 102, Table::Spans, &lines("a", 0, 1)).unwrap();
    assert_eq!(send(spans, wire::MEDIA), StatusCode::BAD_REQUEST);
    let full = Stored::with(Config { most_waiting: 0, ..Config::default() });
    let router = Agents::new(Arc::clone(&full.intake), Limits::default()).router();
    let request =
        Request::post(wire::PATH).header("content-type", wire::MEDIA).body(Body::from(batch(1))).unwrap();
    let answer = runtime.block_on(router.oneshot(request)).unwrap();
    assert_eq!(
        (answer.status(), &answer.headers()["retry-after"]),
        (StatusCode::SERVICE_UNAVAILABLE, &"1".parse().unwrap())
    );
}

#[test]
fn two_hundred_agents_are_served() {
    const AGENTS: usize = 200;
    const EACH: usize = 20;
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../requests/tests/recordings/redis_pipeline.events");
    let (recorded, _) = replaying::replay(&file, replaying::all);
    assert!(!recorded.is_empty());
    let runtime = runtime();
    let stored = Stored::new();
    let agents = Agents::new(Arc::clone(&stored.intake), Limits::default());
    let address = runtime.block_on(serve(agents.router()));
    let began = Instant::now();
    let total: usize = std::thread::scope(|scope| {
        let agent = |number: usize| {
            let recorded = &recorded;
            move || {
                let counts = Arc::<Counts>::default();
                let config = uplink::Config { queue: 4 << 20, ..config(address, None) };
                let mut uplink = Uplink::remote(&config, counts.clone()).unwrap();
                let mut rows = Requests::new(&format!("host-{number}"));
                let mut sent = 0;
                for _ in 0..EACH {
                    recorded.iter().take(50).for_each(|request| rows.push(request).unwrap());
                    sent += rows.len();
                    uplink.send(Table::Requests, &rows.finish().unwrap());
                    std::thread::sleep(Duration::from_millis(50));
                }
                until("all rows of an agent", || counts.sent() == sent as u64);
                uplink.close();
                sent
            }
        };
        let threads: Vec<_> = (0..AGENTS).map(|number| scope.spawn(agent(number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    println!("{total} rows of {AGENTS} agents within {:?}", began.elapsed());
    assert_eq!(stored.count(Table::Requests), total as u64);
    assert_eq!(agents.counts().refused, 0);
}

/// The server that is killed: a test only in that it is started as one.
#[test]
fn child() {
    let (Some(folder), Ok(address)) = (std::env::var_os(FOLDER), std::env::var(ADDRESS)) else { return };
    let config = Config { flush_rows: 20_000, commit_every: Duration::from_millis(2), ..Config::default() };
    let (store, _) = Store::open(Path::new(&folder), config).unwrap();
    let intake = Arc::new(server::Intake::new(Arc::new(store)));
    runtime().block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(address.parse().unwrap()).unwrap();
        let router = Agents::new(intake, Limits::default()).router();
        println!("ready");
        axum::serve(socket.listen(64).unwrap(), router).await.unwrap();
    });
}

fn start_child(folder: &Path, address: SocketAddr) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .env(ADDRESS, address.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(out.any(|line| line.unwrap().ends_with("ready")));
    child
}

#[test]
fn a_server_that_is_killed_under_load_loses_nothing_and_doubles_nothing() {
    const BATCHES: usize = 400;
    let (folder, spool) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let counts = Arc::<Counts>::default();
    let sender = {
        let (counts, spool) = (counts.clone(), spool.path().to_owned());
        std::thread::spawn(move || {
            let mut uplink = Uplink::remote(&config(address, Some(&spool)), counts.clone()).unwrap();
            for batch in 0..BATCHES {
                uplink.send(Table::Logs, &lines("a", batch * 100, 100));
                std::thread::sleep(Duration::from_millis(10));
            }
            until("all rows", || counts.sent() == 100 * BATCHES as u64);
            uplink.close();
        })
    };
    let mut kills = 0;
    while counts.sent() < 100 * BATCHES as u64 {
        let mut child = start_child(folder.path(), address);
        let until = Instant::now() + Duration::from_millis(300 + 137 * kills);
        let enough = |counts: &Counts| counts.sent() == 100 * BATCHES as u64;
        while Instant::now() < until && !enough(&counts) {
            std::thread::sleep(Duration::from_millis(5));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
        assert!(kills < 60, "{} of {BATCHES} batches after {kills} kills", counts.sent() / 100);
    }
    sender.join().unwrap();
    assert!(kills >= 3, "{kills}");
    let (store, opening) = Store::open(folder.path(), Config::default()).unwrap();
    assert_eq!(opening.damaged, [""; 0]);
    assert_eq!(found(&store), (100 * BATCHES, 100 * BATCHES as u64), "after {kills} kills");
    assert_eq!(count(&store, Table::Logs), 100 * BATCHES as u64);
    println!("{kills} kills");
}
