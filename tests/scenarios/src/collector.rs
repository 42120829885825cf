//! An OpenTelemetry Collector, which writes what it gets into files.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use serde_json::Value;
use tempfile::TempDir;

use crate::process::{Process, free_port, wait_for_port};

/// A Collector that can be stopped and started again at the same ports.
#[derive(Debug)]
pub struct Collector {
    program: PathBuf,
    folder: TempDir,
    grpc: u16,
    http: u16,
    process: Option<Process>,
    starts: u32,
    tls: bool,
}

impl Collector {
    /// Takes ports; [`Collector::start`] starts it. `None` where it cannot be built, which is said on standard error.
    ///
    /// # Errors
    ///
    /// When there are no ports.
    ///
    /// # Panics
    ///
    /// With `CI=true`, when it cannot be built.
    pub fn new() -> io::Result<Option<Collector>> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/collector");
        let built = Command::new(script).stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
        if !built.status.success() {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "no OpenTelemetry Collector");
            eprintln!("skipped: no OpenTelemetry Collector: scripts/collector fails");
            return Ok(None);
        }
        let program = PathBuf::from(String::from_utf8_lossy(&built.stdout).trim());
        let folder = tempfile::tempdir()?;
        let (grpc, http) = (free_port()?, free_port()?);
        Ok(Some(Collector { program, folder, grpc, http, process: None, starts: 0, tls: false }))
    }

    /// Has it speak TLS from the next start on, and want certificates of who sends. Returns a certificate and its key, which it
    /// takes, and which are its own too.
    ///
    /// # Errors
    ///
    /// When they cannot be made.
    pub fn speak_tls(&mut self) -> io::Result<(PathBuf, PathBuf)> {
        self.tls = true;
        certificates::certificate(self.folder.path(), "localhost")
    }

    /// Where it takes gRPC.
    pub fn grpc(&self) -> String {
        self.url(self.grpc)
    }

    /// Where it takes HTTP.
    pub fn http(&self) -> String {
        self.url(self.http)
    }

    fn url(&self, port: u16) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://127.0.0.1:{port}")
    }

    /// Starts it, and waits until it listens.
    ///
    /// # Errors
    ///
    /// When it does not.
    pub fn start(&mut self) -> io::Result<()> {
        self.starts += 1;
        let file = self.folder.path().join(format!("{}.json", self.starts));
        let folder = self.folder.path().display();
        let tls = match self.tls {
            true => format!(
                ", tls: {{ cert_file: {folder}/localhost.pem, key_file: {folder}/localhost.key, client_ca_file: {folder}/localhost.pem }}"
            ),
            false => String::new(),
        };
        let receiver = |port: u16| format!("{{ endpoint: '127.0.0.1:{port}'{tls} }}");
        let configuration = format!(
            "receivers: {{ otlp: {{ protocols: {{ grpc: {}, http: {} }} }} }}
exporters: {{ file: {{ path: '{}' }} }}
service:
  telemetry: {{ metrics: {{ level: none }}, logs: {{ level: error }} }}
  pipelines:
    traces: {{ receivers: [otlp], exporters: [file] }}
    metrics: {{ receivers: [otlp], exporters: [file] }}
",
            receiver(self.grpc),
            receiver(self.http),
            file.display()
        );
        let path = self.folder.path().join("collector.yaml");
        fs::write(&path, configuration)?;
        let mut command = Command::new(&self.program);
        command.arg("--config").arg(&path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.process = Some(Process::start(&mut command)?);
        wait_for_port(SocketAddr::from((Ipv4Addr::LOCALHOST, self.grpc)))?;
        wait_for_port(SocketAddr::from((Ipv4Addr::LOCALHOST, self.http)))
    }

    /// Stops it in good order: what it took is written.
    ///
    /// # Errors
    ///
    /// When it does not end.
    pub fn stop(&mut self) -> io::Result<()> {
        if let Some(mut process) = self.process.take() {
            process.signal(libc::SIGTERM);
            process.wait(Duration::from_secs(20))?;
        }
        Ok(())
    }

    /// What all starts wrote.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn received(&self) -> io::Result<Received> {
        let mut received = Received::default();
        for start in 1..=self.starts {
            let path = self.folder.path().join(format!("{start}.json"));
            let Ok(file) = fs::File::open(path) else { continue };
            for line in BufReader::with_capacity(1 << 20, file).lines() {
                // The last line may be on its way.
                let Ok(json) = serde_json::from_str::<Value>(&line?) else { continue };
                received.add(&json);
            }
        }
        Ok(received)
    }

    /// Reads again and again until `enough`, or for so long; returns what was read last.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn received_until(
        &self,
        patience: Duration,
        enough: impl Fn(&Received) -> bool,
    ) -> io::Result<Received> {
        let began = Instant::now();
        loop {
            let received = self.received()?;
            if enough(&received) || began.elapsed() > patience {
                return Ok(received);
            }
            thread::sleep(Duration::from_millis(500));
        }
    }
}

/// A span, as far as tests look.
#[derive(Debug, Clone)]
pub struct Span {
    /// Its name.
    pub name: String,
    /// `server` or `client`.
    pub kind: &'static str,
    /// Attributes, as texts.
    pub attributes: BTreeMap<String, String>,
    /// Its resource's.
    pub resource: BTreeMap<String, String>,
}

/// What a Collector got.
#[derive(Debug, Default)]
pub struct Received {
    /// Spans by their ids.
    pub spans: HashMap<String, Span>,
    /// Spans that came more than once.
    pub again: usize,
    /// Counts of the last point of each series of a metric: by its name and its attributes.
    pub counts: HashMap<(String, BTreeMap<String, String>), u64>,
}

impl Received {
    /// Spans of the servers at one port that one side saw, by method, path and status.
    pub fn http(&self, port: u16, kind: &str) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        let port = port.to_string();
        for span in self.spans.values() {
            let get = |key: &str| span.attributes.get(key).map_or("", String::as_str);
            if span.kind == kind && get("server.port") == port && !get("http.request.method").is_empty() {
                let name = format!(
                    "{} {} {}",
                    get("http.request.method"),
                    get("url.path"),
                    get("http.response.status_code")
                );
                *counts.entry(name).or_default() += 1;
            }
        }
        counts
    }

    /// How much a metric counted of the servers at one port.
    pub fn counted(&self, metric: &str, port: u16) -> u64 {
        let port = port.to_string();
        let of = self.counts.iter().filter(|((name, attributes), _)| {
            name == metric && attributes.get("server.port").is_some_and(|own| *own == port)
        });
        of.map(|(_, count)| count).sum()
    }

    fn add(&mut self, json: &Value) {
        for group in all(&json["resourceSpans"]) {
            let resource = attributes(&group["resource"]["attributes"]);
            for span in all(&group["scopeSpans"]).flat_map(|scope| all(&scope["spans"])) {
                let id = span["spanId"].as_str().unwrap_or_default().to_owned();
                let span = Span {
                    name: span["name"].as_str().unwrap_or_default().to_owned(),
                    kind: match span["kind"].as_i64() {
                        Some(2) => "server",
                        Some(3) => "client",
                        _ => "",
                    },
                    attributes: attributes(&span["attributes"]),
                    resource: resource.clone(),
                };
                self.again += usize::from(self.spans.insert(id, span).is_some());
            }
        }
        for group in all(&json["resourceMetrics"]).flat_map(|group| all(&group["scopeMetrics"])) {
            for metric in all(&group["metrics"]) {
                let name = metric["name"].as_str().unwrap_or_default();
                for kind in ["exponentialHistogram", "histogram"] {
                    for point in all(&metric[kind]["dataPoints"]) {
                        let count = point["count"].as_str().and_then(|count| count.parse().ok()).unwrap_or(0);
                        self.counts.insert((name.to_owned(), attributes(&point["attributes"])), count);
                    }
                }
            }
        }
    }
}

fn all(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn attributes(list: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| {
        let value = value.as_object().and_then(|value| value.values().next());
        value.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).unwrap_or_default()
    };
    all(list)
        .map(|pair| (pair["key"].as_str().unwrap_or_default().to_owned(), text(&pair["value"])))
        .collect()
}
