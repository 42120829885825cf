//! Programs that send spans by OpenTelemetry's SDK to `weir up`, which sees their requests too: one trace of each.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use scenario_tests::chain::nginx;
use scenario_tests::process::{Process, free_port, wait_for_port};
use scenario_tests::scenario;
use scenario_tests::serving::{free, get, until, weir};
use scenario_tests::weir::{Keep, Weir};
use serde_json::Value;

const COUNT: usize = 400;
const THREADS: usize = 8;
const CLIENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clients/traced.py");

/// Of a trace: who did what, who brought it about, and how that is known.
const EXPECTED: [(&str, &str, &str, &str); 8] = [
    ("shop order", "otlp internal", "", ""),
    ("shop ask", "otlp client", "shop order", "span"),
    ("shop GET", "weir client", "shop ask", "traceparent"),
    ("nginx GET", "weir server", "shop GET", "sequence"),
    // It passes on the header as it came.
    ("nginx GET", "weir client", "nginx GET", "traceparent"),
    ("orders GET", "weir server", "nginx GET", "sequence"),
    ("orders serve", "otlp server", "orders GET", "traceparent"),
    ("orders work", "otlp internal", "orders serve", "span"),
];

/// A Python that has the SDK; `None` where it cannot be had.
fn python() -> Option<PathBuf> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/sdks");
    let made = Command::new(script).arg("python").stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let made = made.unwrap();
    if !made.status.success() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "scripts/sdks fails");
        eprintln!("skipped: scripts/sdks fails");
        return None;
    }
    Some(PathBuf::from(String::from_utf8_lossy(&made.stdout).trim()))
}

/// A trace as [`EXPECTED`] has it, in its order. Paths differ from request to request.
fn told(trace: &Value) -> Vec<(String, String, String, String)> {
    let spans = trace["spans"].as_array().unwrap();
    let text = |span: &Value, field: &str| span[field].as_str().unwrap_or_default().to_owned();
    let name = |span: &Value| {
        let name = text(span, "name");
        format!("{} {}", text(span, "service"), name.split(' ').next().unwrap_or_default())
    };
    let names: BTreeMap<String, String> = spans.iter().map(|span| (text(span, "id"), name(span))).collect();
    let parent = |span: &Value| names.get(&text(span, "parent")).cloned().unwrap_or_default();
    let kind = |span: &Value| format!("{} {}", text(span, "source"), text(span, "kind"));
    spans.iter().map(|span| (name(span), kind(span), parent(span), text(span, "evidence"))).collect()
}

#[test]
fn spans_and_requests_are_one_trace() {
    let Some(_alone) = scenario() else { return };
    let Some(python) = python() else { return };
    for protocol in ["grpc", "http"] {
        let (folder, api, otlp) = (tempfile::tempdir().unwrap(), free(), free());
        let mut command = weir("up", &api, folder.path());
        command.env(format!("WEIR_SERVER_OTLP_{}", protocol.to_uppercase()), &otlp);
        let up = Weir::start(&mut command, Keep::Text).unwrap();
        let endpoint = format!("{protocol}://{otlp}");
        let [front, behind] = [(); 2].map(|()| SocketAddr::from((Ipv4Addr::LOCALHOST, free_port().unwrap())));

        let mut server = Command::new(&python);
        server.args([CLIENT, "serve", &behind.port().to_string(), &endpoint]);
        server.env("OTEL_SERVICE_NAME", "orders").stdin(Stdio::piped());
        let mut server = Process::start(&mut server).unwrap();
        wait_for_port(behind).unwrap();
        let proxy = nginx(folder.path(), (front, behind), 1, true).unwrap();
        wait_for_port(front).unwrap();
        let asked = Command::new(&python)
            .args([CLIENT, "ask", &front.to_string(), &endpoint, &COUNT.to_string(), &THREADS.to_string()])
            .env("OTEL_SERVICE_NAME", "shop")
            .output()
            .unwrap();
        assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr));
        let ids: Vec<String> = String::from_utf8(asked.stdout).unwrap().lines().map(str::to_owned).collect();
        assert_eq!(ids.len(), COUNT);
        // It sends what it has when its standard input ends.
        drop(server.child().stdin.take());
        assert!(server.wait(Duration::from_secs(20)).unwrap().success());
        drop(proxy);

        let expected = EXPECTED
            .map(|(name, kind, parent, evidence)| [name, kind, parent, evidence].map(str::to_owned).into());
        let trace = |id: &String| get(&api, &format!("/api/v1/traces/{id}"));
        let last = until(|| ids.last().map(trace).filter(|trace| told(trace) == expected));
        assert!(last.is_some(), "{:#}", trace(&ids[COUNT - 1]));
        let wrong: Vec<_> = ids.iter().map(trace).filter(|trace| told(trace) != expected).collect();
        assert_eq!(wrong.len(), 0, "{protocol}, of {COUNT}: {:#}", wrong[0]);
        let run = up.stop().unwrap();
        assert!(run.status.success(), "{}", run.summary);
    }
}
