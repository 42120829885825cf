//! `weir agent`: what Prometheus finds is what the clients did, and its endpoint stands what comes.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use scenario_tests::http::{Client, get};
use scenario_tests::paced::{self, Plan};
use scenario_tests::postgresql::Postgres;
use scenario_tests::process::{Process, free_port};
use scenario_tests::prometheus::{Prometheus, fetch, promtool, request};
use scenario_tests::record::Counts;
use scenario_tests::scenario;
use scenario_tests::servers::{Nginx, NginxOptions, Redis};
use scenario_tests::weir::{Keep, Weir, binary};
use serde_json::Value;

const PATHS: &[&str] = &["/ok", "/ok", "/items/list", "/moved", "/missing", "/broken"];

fn agent(arguments: &[&str]) -> (Weir, SocketAddr) {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port().unwrap()));
    let mut command = Command::new(binary());
    // Here nothing is to be left out.
    command.args(["agent", "--max-cpu", "100%", "--max-memory", "1GB"]);
    command.args(["--listen", &address.to_string()]).args(arguments);
    (Weir::start(&mut command, Keep::Text).unwrap(), address)
}

fn output(command: &mut Command) -> String {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let (output, _) = Process::start(command).unwrap().output().unwrap();
    String::from_utf8_lossy(&output).into_owned()
}

fn total(found: &[(Value, f64)]) -> u64 {
    found.iter().map(|(_, value)| *value as u64).sum()
}

/// Counts by the texts of some labels.
fn by(found: &[(Value, f64)], labels: &[&str]) -> Counts {
    let text = |metric: &Value| {
        let texts: Vec<&str> =
            labels.iter().map(|label| metric[*label].as_str().unwrap_or_default()).collect();
        texts.join(" ")
    };
    found.iter().map(|(metric, value)| (text(metric), *value as u64)).collect()
}

#[test]
fn prometheus_finds_what_the_clients_did() {
    let Some(_alone) = scenario() else { return };
    let nginx = Nginx::start(NginxOptions::default()).unwrap();
    let redis = Redis::start(None).unwrap();
    let postgres = Postgres::start(false).unwrap();
    let pgbench = |arguments: &[&str]| {
        let mut command = Command::new("pgbench");
        command.env("PGSSLMODE", "disable").args(["-h", "127.0.0.1", "-p", &postgres.port().to_string()]);
        output(command.args(["-U", "weir"]).args(arguments).arg("shop"))
    };
    pgbench(&["-i", "-q"]);
    let (weir, address) = agent(&[]);
    let prometheus = Prometheus::start(address, false).unwrap();
    let plan = Plan { rate: 5_000, requests: 10_000, connections: 4, depth: 1, paths: PATHS };
    let sent = paced::run(nginx.address(), &plan).unwrap();
    let redis_port = redis.port().to_string();
    let arguments = ["-p", &redis_port, "-n", "20000", "-c", "10", "-t", "set,get", "--csv"];
    output(Command::new("redis-benchmark").args(arguments));
    let said = pgbench(&["-n", "-S", "-c", "4", "-t", "500"]);
    assert!(said.contains("actually processed: 2000/2000"), "{said}");

    for side in ["client", "server"] {
        let query = format!(
            "sum by (http_request_method, http_route, http_response_status_code) \
             (http_{side}_request_duration_seconds_count{{server=\"nginx\",server_port=\"{}\"}})",
            nginx.port()
        );
        let found = prometheus.query_until(&query, |found| total(found) >= sent.requests).unwrap();
        let labels = ["http_request_method", "http_route", "http_response_status_code"];
        assert_eq!(by(&found, &labels), sent.counts, "as the {side} saw it");

        let query = format!(
            "sum by (db_operation_name, client, server) \
             (db_{side}_operation_duration_seconds_count{{server_port=\"{redis_port}\",db_operation_name=~\"SET|GET\"}})"
        );
        let found = prometheus.query_until(&query, |found| total(found) >= 40_000).unwrap();
        let expected = ["GET", "SET"].map(|name| (format!("{name} redis-benchmark redis-server"), 20_000));
        assert_eq!(by(&found, &["db_operation_name", "client", "server"]), Counts::from(expected), "{side}");

        let query = format!(
            "sum by (db_query_summary) (db_{side}_operation_duration_seconds_count\
             {{server_port=\"{}\",db_query_summary=\"SELECT pgbench_accounts\"}})",
            postgres.port()
        );
        let found = prometheus.query_until(&query, |found| total(found) >= 2000).unwrap();
        let expected = BTreeMap::from([("SELECT pgbench_accounts".to_owned(), 2000)]);
        assert_eq!(by(&found, &["db_query_summary"]), expected, "{side}");
    }
    let failed = "sum(http_client_request_duration_seconds_count{error_type=~\"404|503\",server=\"nginx\"})";
    let errors = sent.counts.iter().filter(|(name, _)| name.ends_with("404") || name.ends_with("503"));
    let found = prometheus.query(failed).unwrap();
    assert_eq!(total(&found), errors.map(|(_, count)| count).sum::<u64>());
    assert_eq!(total(&prometheus.query("sum(weir_agent_lost_total)").unwrap()), 0);
    assert_eq!(total(&prometheus.query("up").unwrap()), 1);

    for (accept, form) in [("", "version=0.0.4"), ("Accept: application/openmetrics-text\r\n", "openmetrics")]
    {
        let page = fetch(address, "/metrics", accept).unwrap();
        assert!(page.status == 200 && page.head.contains(form), "{}", page.head);
    }
    let page = fetch(address, "/metrics", "").unwrap();
    assert_eq!(promtool(&page.body).unwrap(), "");
    drop(prometheus);
    let run = weir.stop().unwrap();
    assert!(run.status.success() && run.took < Duration::from_secs(1), "{:?} {}", run.took, run.summary);
    assert!(run.summary.contains("nothing lost"), "{}", run.summary);
}

/// Answers on one connection after so many milliseconds each.
fn answer_slowly(listener: TcpListener, delays: Vec<u64>) {
    let (stream, _) = listener.accept().unwrap();
    let mut reader = BufReader::new(stream);
    for delay in delays {
        let mut line = String::new();
        while reader.read_line(&mut line).unwrap() > 2 {
            line.clear();
        }
        thread::sleep(Duration::from_millis(delay));
        reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
    }
}

#[test]
fn native_histograms_tell_the_quantiles_that_the_client_saw() {
    let Some(_alone) = scenario() else { return };
    let (weir, address) = agent(&[]);
    let prometheus = Prometheus::start(address, true).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = listener.local_addr().unwrap();
    // Of ten, one is slow.
    let delays: Vec<u64> =
        (0..100).map(|number| if number % 10 == 9 { 120 } else { 10 + number % 7 }).collect();
    let answering = thread::spawn(move || answer_slowly(listener, delays));
    let mut client = Client::new(TcpStream::connect(server).unwrap());
    let mut own: Vec<f64> = Vec::new();
    for _ in 0..100 {
        let began = Instant::now();
        client.send(&get("/slow")).unwrap();
        client.receive().unwrap();
        own.push(began.elapsed().as_secs_f64());
    }
    answering.join().unwrap();
    own.sort_by(f64::total_cmp);
    let selector = format!("http_client_request_duration_seconds{{server_port=\"{}\"}}", server.port());
    let count = format!("histogram_count(sum({selector}))");
    let found = prometheus.query_until(&count, |found| total(found) >= 100).unwrap();
    assert_eq!(total(&found), 100);
    for (quantile, place) in [(0.5, 49), (0.85, 84), (0.95, 94)] {
        let query = format!("histogram_quantile({quantile}, sum({selector}))");
        let found = prometheus.query(&query).unwrap()[0].1;
        let wanted = own[place];
        assert!((found - wanted).abs() <= 0.1 * wanted, "{quantile}: {found} s, the client {wanted} s");
    }
    weir.stop().unwrap();
}

#[test]
fn what_finds_no_room_is_counted_as_other() {
    let Some(_alone) = scenario() else { return };
    let nginx = Nginx::start(NginxOptions::default()).unwrap();
    let (weir, address) = agent(&["--max-series", "4"]);
    let plan = Plan { rate: 2_000, requests: 1_200, connections: 4, depth: 1, paths: PATHS };
    let sent = paced::run(nginx.address(), &plan).unwrap();
    thread::sleep(Duration::from_millis(1500));
    let page = fetch(address, "/metrics", "").unwrap().text();
    let counts: Vec<&str> =
        page.lines().filter(|line| line.starts_with("http_server_request_duration_seconds_count")).collect();
    let count = |line: &&str| line.rsplit_once(' ').and_then(|(_, count)| count.parse::<u64>().ok()).unwrap();
    assert!(counts.len() <= 6, "{counts:#?}");
    assert!(counts.iter().any(|line| line.contains("http_route=\"other\"")), "{counts:#?}");
    assert!(counts.iter().map(count).sum::<u64>() >= sent.requests, "{counts:#?}");
    let line = page.lines().find(|line| {
        line.starts_with("weir_agent_series_overflowed_total{metric=\"http.server.request.duration\"}")
    });
    assert!(line.is_some_and(|line| count(&line) >= sent.requests / 3), "{line:?}");
    weir.stop().unwrap();
}

/// The value of the series of `metric` that has all these labels; 0 where there is none.
fn value(page: &str, metric: &str, labels: &[(&str, &str)]) -> u64 {
    let has = |line: &str| labels.iter().all(|(name, value)| line.contains(&format!("{name}=\"{value}\"")));
    let lines = page.lines().filter(|line| line.starts_with(&format!("{metric}{{")) && has(line));
    lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum::<f64>() as u64
}

#[test]
fn connections_are_counted_as_they_were_made_and_ended() {
    let Some(_alone) = scenario() else { return };
    let nginx = Nginx::start(NginxOptions::default()).unwrap();
    let (weir, address) = agent(&[]);
    let asked = get("/ok");
    let (mut kept, mut sent, mut each) = (Vec::new(), 0, 0);
    for number in 0..40 {
        let mut client = Client::new(TcpStream::connect(nginx.address()).unwrap());
        client.send(&asked).unwrap();
        sent += asked.len() as u64;
        if number < 33 {
            each = client.receive().unwrap().bytes;
            kept.push(client);
        } else {
            // Closed with the answer unread: that is a reset.
            thread::sleep(Duration::from_millis(50));
        }
    }
    kept.truncate(7);
    let unused = free_port().unwrap();
    for _ in 0..5 {
        TcpStream::connect((Ipv4Addr::LOCALHOST, unused)).unwrap_err();
    }
    let port = nginx.port().to_string();
    let client = [("server", "nginx"), ("server_port", &port), ("weir_role", "client")];
    let server = [("server", "nginx"), ("server_port", &port), ("weir_role", "server")];
    let and = |labels: &[(&'static str, &str); 3], name, value| {
        let mut labels: Vec<(&str, String)> =
            labels.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        labels.push((name, String::from(value)));
        labels
    };
    let with = |page: &str, metric: &str, labels: Vec<(&str, String)>| {
        let labels: Vec<(&str, &str)> = labels.iter().map(|(name, value)| (*name, value.as_str())).collect();
        value(page, metric, &labels)
    };
    // All that is open is looked at every 10 seconds.
    let deadline = Instant::now() + Duration::from_secs(30);
    let page = loop {
        let page = fetch(address, "/metrics", "").unwrap().text();
        let bytes = with(&page, "weir_tcp_bytes_total", and(&client, "network_io_direction", "transmit"));
        if (value(&page, "weir_tcp_connections_active", &client) == 7 && bytes == sent)
            || Instant::now() > deadline
        {
            break page;
        }
        thread::sleep(Duration::from_millis(500));
    };
    let tcp: Vec<&str> =
        page.lines().filter(|line| line.starts_with("weir_tcp") && line.contains(&port)).collect();
    let shown = tcp.join("\n");
    for side in [&client, &server] {
        assert_eq!(value(&page, "weir_tcp_connections_opened_total", side), 40, "{shown}");
        assert_eq!(value(&page, "weir_tcp_connections_active", side), 7, "{shown}");
    }
    assert_eq!(value(&page, "weir_tcp_connect_duration_seconds_count", &client), 40, "{shown}");
    let closed =
        |labels, reason| with(&page, "weir_tcp_connections_closed_total", and(labels, "reason", reason));
    assert_eq!((closed(&client, "local_fin"), closed(&client, "local_reset")), (26, 7), "{shown}");
    assert_eq!((closed(&server, "remote_fin"), closed(&server, "remote_reset")), (26, 7), "{shown}");
    let bytes = |labels, direction| {
        with(&page, "weir_tcp_bytes_total", and(labels, "network_io_direction", direction))
    };
    assert_eq!((bytes(&client, "transmit"), bytes(&server, "receive")), (sent, sent), "{shown}");
    assert_eq!((bytes(&client, "receive"), bytes(&server, "transmit")), (40 * each, 40 * each), "{shown}");
    let refused = [("server_port", unused.to_string()), ("reason", "refused".to_owned())].to_vec();
    assert_eq!(with(&page, "weir_tcp_connect_failures_total", refused), 5);
    let limit = value(&page, "weir_tcp_listen_backlog_limit", &[("server", "nginx"), ("server_port", &port)]);
    // Send-Q of what listens there: see ss(8).
    let listening = output(Command::new("ss").args(["-Hltn", &format!("sport = :{port}")]));
    let limits = listening.lines().filter_map(|line| line.split_whitespace().nth(2)?.parse::<u64>().ok());
    assert!(limit > 0 && limit == limits.sum::<u64>(), "{limit}\n{listening}");
    assert_eq!(promtool(page.as_bytes()).unwrap(), "");
    drop(kept);
    weir.stop().unwrap();
}

#[test]
fn the_endpoint_says_what_there_is() {
    let Some(_alone) = scenario() else { return };
    let (weir, address) = agent(&[]);
    let index = fetch(address, "/", "").unwrap();
    assert!(index.status == 200 && index.text().contains("/metrics"), "{}", index.text());
    let health = fetch(address, "/healthz", "").unwrap();
    assert_eq!((health.status, health.text().as_str()), (200, "ok\n"));
    assert_eq!(fetch(address, "/nosuch", "").unwrap().status, 404);
    let posted = request(address, "POST /metrics HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi").unwrap();
    assert!(posted.status == 405 && posted.head.contains("allow: get, head"), "{}", posted.head);
    let packed = fetch(address, "/metrics", "Accept-Encoding: gzip\r\n").unwrap();
    assert!(packed.head.contains("content-encoding: gzip") && packed.body.starts_with(&[0x1f, 0x8b]));
    let mut second = Command::new(binary());
    let said = second.args(["agent", "--listen", &address.to_string()]).output().unwrap();
    let said = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.starts_with(&format!("weir: cannot listen at {address}")), "{said}");
    weir.stop().unwrap();
}

#[test]
fn a_thousand_connections_that_say_nothing_do_not_keep_a_scraper_out() {
    let Some(_alone) = scenario() else { return };
    let nginx = Nginx::start(NginxOptions::default()).unwrap();
    let (weir, address) = agent(&[]);
    let halves: Vec<TcpStream> = (0..900)
        .map(|number| {
            let mut stream = TcpStream::connect(address).unwrap();
            // Some say nothing, some begin and do not go on; those who were closed may not be written to.
            let _ = stream.write_all(if number % 2 == 0 { b"" } else { b"GET /metrics HTTP/1.1\r\nX: " });
            stream
        })
        .collect();
    let plan = Plan { rate: 2_000, requests: 2_000, connections: 4, depth: 1, paths: &["/ok"] };
    let sent = paced::run(nginx.address(), &plan).unwrap();
    thread::sleep(Duration::from_millis(1500));
    let began = Instant::now();
    let page = fetch(address, "/metrics", "").unwrap();
    assert!(page.status == 200 && began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    let text = page.text();
    let figure = |name: &str| {
        let line =
            text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name}: {text}"));
        line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap()
    };
    assert!(figure("weir_agent_http_closed_total{cause=\"too many\"}") >= 800.0);
    assert!(figure("weir_agent_requests_total") >= 2.0 * sent.requests as f64);
    let files = std::fs::read_dir(format!("/proc/{}/fd", weir.pid())).unwrap().count();
    assert!(files < 400, "{files} files are open");
    let run = weir.stop().unwrap();
    assert!(run.status.success() && run.took < Duration::from_secs(1), "{:?}", run.took);
    drop(halves);
}
