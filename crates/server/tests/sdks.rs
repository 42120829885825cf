//! OpenTelemetry's own SDKs in two languages, and a Collector, send to Weir: all that they sent is there.

#![allow(clippy::unwrap_used)] // the helpers of a test are tests

mod common;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{Stored, serve};
use schema::Table;
use schema::query::{Ask, Filter, Measure, Outcome, Query, Value};
use server::ingest::otlp::{Limits, Otlp};
use tokio::runtime::Runtime;

const COUNT: u64 = 500;
const TABLES: [Table; 3] = [Table::Spans, Table::Metrics, Table::Logs];

struct Receiver {
    stored: Stored,
    grpc: SocketAddr,
    http: SocketAddr,
    otlp: Arc<Otlp>,
    _runtime: Runtime,
}

impl Receiver {
    fn start() -> Receiver {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let stored = Stored::new();
        let otlp = Otlp::new(Arc::clone(&stored.intake), Limits::default()).unwrap();
        let (grpc, http) = (runtime.block_on(serve(otlp.grpc())), runtime.block_on(serve(otlp.http())));
        Receiver { stored, grpc, http, otlp, _runtime: runtime }
    }

    fn counts(&self) -> [u64; 3] {
        assert!(
            self.otlp
                .counts()
                .iter()
                .all(|(_, counted)| counted.rejected + counted.refused + counted.busy == 0)
        );
        TABLES.map(|table| self.stored.count(table))
    }

    /// A figure of a table's rows with this value.
    fn figure(&self, table: Table, field: &str, value: &str, measure: Measure) -> f64 {
        let filter = Filter::Is { field: field.into(), value: Value::Text(value.into()) };
        let ask = Ask::Groups { by: Vec::new(), every: None, measures: vec![measure], order: None, limit: 1 };
        let query = Query { table, from: None, to: None, filter, ask };
        let answer = self.stored.intake.store().query(&query, &store::Cancel::default()).unwrap();
        let Outcome::Groups { groups, .. } = answer.outcome else { panic!("no groups") };
        groups.first().and_then(|group| group.measures[0]).unwrap_or(0.0)
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What a script prints, which makes what it prints the path of; `None` where it cannot.
fn made(script: &str, arguments: &[&str]) -> Option<PathBuf> {
    let made = Command::new(root().join("scripts").join(script))
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    if !made.status.success() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "scripts/{script} fails");
        eprintln!("skipped: scripts/{script} fails");
        return None;
    }
    Some(PathBuf::from(String::from_utf8_lossy(&made.stdout).trim()))
}

#[test]
fn pythons_sdk_sends_all_signals() {
    let Some(python) = made("sdks", &["python"]) else { return };
    for protocol in ["grpc", "http"] {
        let receiver = Receiver::start();
        let address = if protocol == "grpc" { receiver.grpc } else { receiver.http };
        let sent = Command::new(&python)
            .arg(root().join("crates/server/tests/sdks/send.py"))
            .args([protocol, &format!("http://{address}"), &COUNT.to_string()])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&sent.stderr);
        assert!(sent.status.success() && !said.contains("Failed"), "{said}");
        assert_eq!(receiver.counts(), [2 * COUNT, 2, COUNT], "{protocol}: {said}");
        let figure = |table, field, value, measure| receiver.figure(table, field, value, measure);
        assert_eq!(figure(Table::Spans, "service.name", "python-shop", Measure::Count), 2.0 * COUNT as f64);
        assert_eq!(figure(Table::Spans, "name", "outer", Measure::Errors), COUNT as f64 / 10.0);
        assert_eq!(figure(Table::Spans, "kind", "client", Measure::Count), COUNT as f64);
        assert_eq!(figure(Table::Metrics, "metric", "orders", Measure::Sum("value".into())), COUNT as f64);
        assert_eq!(figure(Table::Metrics, "metric", "duration", Measure::Sum("count".into())), COUNT as f64);
        assert_eq!(figure(Table::Logs, "severity", "warn", Measure::Count), COUNT as f64);
    }
}

#[test]
fn gos_sdk_sends_spans() {
    let Some(program) = made("sdks", &["go"]) else { return };
    for protocol in ["grpc", "http"] {
        let receiver = Receiver::start();
        let address = if protocol == "grpc" { receiver.grpc } else { receiver.http };
        let arguments = [protocol, &address.to_string(), &COUNT.to_string()];
        let sent = Command::new(&program).args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&sent.stderr);
        assert!(sent.status.success() && said.is_empty(), "{said}");
        assert_eq!(receiver.counts(), [2 * COUNT, 0, 0], "{protocol}");
        let inner = receiver.figure(Table::Spans, "name", "inner", Measure::Count);
        assert_eq!(inner, COUNT as f64);
    }
}

/// Ended when it goes out of scope.
struct Ends(Child);

impl Drop for Ends {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_collector_sends_on() {
    let (Some(collector), Some(program)) = (made("collector", &[]), made("sdks", &["go"])) else { return };
    let receiver = Receiver::start();
    let folder = tempfile::tempdir().unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = format!(
        "receivers: {{otlp: {{protocols: {{grpc: {{endpoint: '{free}'}}}}}}}}
exporters:
  otlp: {{endpoint: '{}', compression: zstd, tls: {{insecure: true}}}}
  otlphttp: {{endpoint: 'http://{}', compression: zstd, encoding: json}}
service:
  telemetry: {{metrics: {{level: none}}}}
  pipelines: {{traces: {{receivers: [otlp], exporters: [otlp, otlphttp]}}}}
",
        receiver.grpc, receiver.http
    );
    let path = folder.path().join("collector.yaml");
    std::fs::write(&path, config).unwrap();
    let log = std::fs::File::create(folder.path().join("log")).unwrap();
    let running =
        Command::new(collector).arg("--config").arg(&path).stderr(log).stdout(Stdio::null()).spawn();
    let _collector = Ends(running.unwrap());
    let said = || std::fs::read_to_string(folder.path().join("log")).unwrap();
    let until = |what: &str, is_so: &dyn Fn() -> bool| {
        let began = Instant::now();
        while !is_so() {
            assert!(began.elapsed() < Duration::from_secs(30), "{what}: {}", said());
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    until("a collector", &|| std::net::TcpStream::connect(free).is_ok());
    let sent = Command::new(program).args(["grpc", &free.to_string(), &COUNT.to_string()]).output().unwrap();
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    // By both of its exporters.
    until("all spans", &|| receiver.stored.count(Table::Spans) >= 4 * COUNT);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(receiver.counts(), [4 * COUNT, 0, 0], "{}", said());
}
