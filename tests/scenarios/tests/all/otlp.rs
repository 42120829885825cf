//! Export to a real OpenTelemetry Collector: what it got is what the clients did, also when it was away.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::thread;
use std::time::Duration;

use scenario_tests::collector::Collector;
use scenario_tests::paced::{self, Plan};
use scenario_tests::process::free_port;
use scenario_tests::prometheus::fetch;
use scenario_tests::scenario;
use scenario_tests::servers::{Nginx, NginxOptions};
use scenario_tests::weir::{Keep, Weir, binary};

const PATHS: &[&str] = &["/ok", "/ok", "/items/list", "/moved", "/missing", "/broken"];

/// An agent with these destinations: YAML on one line.
fn agent(destinations: &str, arguments: &[&str]) -> (Weir, SocketAddr) {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port().unwrap()));
    let mut command = Command::new(binary());
    // Here nothing is to be left out.
    command.args(["agent", "--max-cpu", "100%", "--max-memory", "1GB"]);
    command.args(["--config", "/dev/null", "--listen", &address.to_string()]).args(arguments);
    command.env("WEIR_OTLP", destinations);
    (Weir::start(&mut command, Keep::Text).unwrap(), address)
}

/// The sum of a figure's series whose line has this text.
fn figure(page: &str, name: &str, with: &str) -> u64 {
    let lines = page.lines().filter(|line| line.starts_with(name) && line.contains(with));
    lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok()).sum()
}

/// Sends requests while the Collector goes away and comes back; both sides of each have to arrive, once.
fn survives(protocol: &str, compression: &str) {
    let Some(_alone) = scenario() else { return };
    let Some(mut collector) = Collector::new().unwrap() else { return };
    let nginx = Nginx::start(NginxOptions::default()).unwrap();
    collector.start().unwrap();
    let endpoint = if protocol == "grpc" { collector.grpc() } else { collector.http() };
    let (weir, address) = agent(
        &format!(
            "[{{endpoint: '{endpoint}', protocol: {protocol}, compression: {compression}, interval: 2s}}]"
        ),
        &[],
    );
    let server = nginx.address();
    let sending = thread::spawn(move || {
        let plan = Plan { rate: 2_000, requests: 24_000, connections: 8, depth: 1, paths: PATHS };
        paced::run(server, &plan).unwrap()
    });
    thread::sleep(Duration::from_secs(3));
    collector.stop().unwrap();
    thread::sleep(Duration::from_secs(5));
    let page = fetch(address, "/metrics", "").unwrap().text();
    assert!(figure(&page, "weir_agent_otlp_queue_size_bytes", "memory") > 1000, "nothing waits");
    collector.start().unwrap();
    let sent = sending.join().unwrap();
    let all = |spans: &std::collections::BTreeMap<String, u64>| spans.values().sum::<u64>() >= sent.requests;
    let received = collector
        .received_until(Duration::from_secs(30), |received| {
            all(&received.http(nginx.port(), "server")) && all(&received.http(nginx.port(), "client"))
        })
        .unwrap();
    for side in ["server", "client"] {
        assert_eq!(received.http(nginx.port(), side), sent.counts, "as the {side} saw it");
    }
    assert_eq!(received.again, 0, "a Collector that ends in good order has answered all that it took");
    let page = fetch(address, "/metrics", "").unwrap().text();
    assert!(figure(&page, "weir_agent_otlp_retries_total", "") > 0);
    assert_eq!(figure(&page, "weir_agent_otlp_dropped_total", ""), 0);
    assert_eq!(figure(&page, "weir_agent_spans_lost_total", ""), 0);
    assert!(figure(&page, "weir_agent_otlp_sent_total", "spans") >= 2 * sent.requests);
    let span = received.spans.values().find(|span| span.resource["service.name"] == "nginx").unwrap();
    assert_eq!(span.resource["process.executable.name"], "nginx");
    assert_eq!(span.resource["process.pid"], nginx.pid().to_string());
    assert!(span.resource.contains_key("host.id") && span.resource.contains_key("host.name"));
    let run = weir.stop().unwrap();
    assert!(run.status.success() && run.took < Duration::from_secs(4), "{:?} {}", run.took, run.summary);
    assert!(
        run.summary.contains("takes nothing: ") && run.summary.contains("is sent again"),
        "{}",
        run.summary
    );
    assert!(run.summary.contains(" 0 dropped"), "{}", run.summary);
    collector.stop().unwrap();
    // The last figures come at the end.
    let received = collector.received().unwrap();
    for side in ["server", "client"] {
        let metric = format!("http.{side}.request.duration");
        assert_eq!(received.counted(&metric, nginx.port()), sent.requests, "{metric}");
    }
}

#[test]
fn a_collector_that_was_away_has_all_of_it_by_http() {
    survives("http", "gzip");
}

#[test]
fn a_collector_that_was_away_has_all_of_it_by_grpc() {
    survives("grpc", "zstd");
}

#[test]
fn what_lies_on_disk_outlives_the_agent() {
    let Some(_alone) = scenario() else { return };
    let Some(mut collector) = Collector::new().unwrap() else { return };
    let nginx = Nginx::start(NginxOptions::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let destination = format!(
        "[{{endpoint: '{}', protocol: grpc, compression: none, queue: 1MiB, spool: {}, signals: [spans]}}]",
        collector.grpc(),
        folder.path().join("spool").display()
    );
    let (weir, address) = agent(&destination, &[]);
    let plan = Plan { rate: 2_000, requests: 6_000, connections: 4, depth: 1, paths: PATHS };
    let sent = paced::run(nginx.address(), &plan).unwrap();
    thread::sleep(Duration::from_millis(2500));
    let page = fetch(address, "/metrics", "").unwrap().text();
    assert!(figure(&page, "weir_agent_otlp_queue_size_bytes", "disk") > 1 << 20, "nothing is on disk");
    let run = weir.stop().unwrap();
    assert!(run.summary.contains(" 0 dropped, ") && run.summary.contains("wait on disk"), "{}", run.summary);
    collector.start().unwrap();
    let (weir, _) = agent(&destination, &[]);
    let received = collector
        .received_until(Duration::from_secs(20), |received| {
            received.http(nginx.port(), "server").values().sum::<u64>() >= sent.requests
        })
        .unwrap();
    for side in ["server", "client"] {
        assert_eq!(received.http(nginx.port(), side), sent.counts, "as the {side} saw it");
    }
    let run = weir.stop().unwrap();
    assert!(run.summary.contains(" 0 dropped\n"), "{}", run.summary);
}

#[test]
fn sampling_leaves_metrics_exact() {
    let Some(_alone) = scenario() else { return };
    let Some(mut collector) = Collector::new().unwrap() else { return };
    let nginx = Nginx::start(NginxOptions::default()).unwrap();
    collector.start().unwrap();
    let destination = format!("[{{endpoint: '{}', histograms: explicit}}]", collector.http());
    let (weir, address) = agent(&destination, &["--sampling-rate", "10%"]);
    let plan = Plan { rate: 2_000, requests: 6_000, connections: 4, depth: 1, paths: PATHS };
    let sent = paced::run(nginx.address(), &plan).unwrap();
    thread::sleep(Duration::from_millis(1500));
    let page = fetch(address, "/metrics", "").unwrap().text();
    let run = weir.stop().unwrap();
    assert!(run.summary.contains(" 0 dropped"), "{}", run.summary);
    collector.stop().unwrap();
    let received = collector.received().unwrap();
    let spans = received.http(nginx.port(), "server");
    for (name, count) in &sent.counts {
        let found = spans.get(name).copied().unwrap_or(0);
        // Errors are all there, and of the others about a tenth.
        let expected = if name.ends_with("503") { *count..=*count } else { count / 15..=count / 7 };
        assert!(expected.contains(&found), "{name}: {found} of {count}");
    }
    assert_eq!(received.counted("http.server.request.duration", nginx.port()), sent.requests);
    let decided = figure(&page, "weir_agent_spans_total", "");
    assert!(decided >= 2 * sent.requests, "{decided}");
    let kept = figure(&page, "weir_agent_spans_total", "kept");
    assert!(received.spans.len() as u64 >= kept, "{} of {kept}", received.spans.len());
}

#[test]
fn both_ends_may_want_certificates() {
    let Some(_alone) = scenario() else { return };
    let Some(mut collector) = Collector::new().unwrap() else { return };
    let nginx = Nginx::start(NginxOptions::default()).unwrap();
    let (cert, key) = collector.speak_tls().unwrap();
    collector.start().unwrap();
    let tls = format!("tls_ca: {0}, tls_cert: {0}, tls_key: {1}", cert.display(), key.display());
    let (grpc, http) = (collector.grpc(), collector.http());
    let (weir, address) = agent(
        &format!(
            "[{{endpoint: '{grpc}', protocol: grpc, {tls}, signals: [spans]}}, {{endpoint: '{http}', {tls}, signals: [metrics]}},
              {{endpoint: '{grpc}', protocol: grpc, signals: [spans]}}]"
        ),
        &[],
    );
    let plan = Plan { rate: 1_000, requests: 1_000, connections: 4, depth: 1, paths: PATHS };
    let sent = paced::run(nginx.address(), &plan).unwrap();
    thread::sleep(Duration::from_millis(1500));
    let page = fetch(address, "/metrics", "").unwrap().text();
    let refused = format!("destination=\"{grpc} #2\",signal=\"spans\"");
    assert_eq!(
        figure(&page, "weir_agent_otlp_sent_total", &refused),
        0,
        "who is not vouched for gets nothing"
    );
    let run = weir.stop().unwrap();
    assert!(run.summary.contains("#2 takes nothing: TLS: "), "{}", run.summary);
    collector.stop().unwrap();
    let received = collector.received().unwrap();
    assert_eq!(received.http(nginx.port(), "server"), sent.counts);
    assert_eq!(received.counted("http.server.request.duration", nginx.port()), sent.requests);
}
