//! Spans of OpenTelemetry's senders into the server: `otlp_spans_per_second_per_core`.
//!
//! Eight senders send messages of 512 spans with ten attributes each over HTTP, packed by gzip as Collectors do, one after the other, and wait for
//! each answer: so every span that counts is durable. Messages are made before. `weir server` is a process of its own: its memory and
//! its processor time are counted, and the time that it takes to merge its files.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::ensure;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use schema::Table;
use store::{Config, Store};

use crate::report::Report;
use crate::server::Server;
use crate::storage::processor;

const SENDERS: usize = 8;
const SPANS: usize = 512;
/// Different messages, sent again and again.
const MESSAGES: usize = 256;

fn attribute(key: &str, value: String) -> KeyValue {
    let value = Some(AnyValue { value: Some(Value::StringValue(value)) });
    KeyValue { key: key.into(), value, ..KeyValue::default() }
}

/// A number that looks random and is the same every time.
fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

fn span(number: u64, now: u64) -> Span {
    let random = mixed(number);
    let attributes = vec![
        attribute("http.request.method", ["GET", "POST"][(random % 2) as usize].into()),
        attribute("http.route", format!("/users/{{id}}/orders/{}", random % 40)),
        attribute("url.path", format!("/users/{}/orders/{}", random % 100_000, random % 40)),
        attribute("url.scheme", "https".into()),
        attribute("server.address", format!("shop-{}.example.com", random % 20)),
        attribute("network.protocol.version", "1.1".into()),
        attribute("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101".into()),
        attribute("client.address", format!("10.0.{}.{}", random % 256, (random >> 8) % 256)),
        attribute("thread.name", format!("worker-{}", random % 16)),
        attribute("enduser.id", format!("user-{}", random % 100_000)),
    ];
    Span {
        trace_id: [mixed(number / 8 + 1).to_be_bytes(), mixed(number / 8 + 7).to_be_bytes()].concat(),
        span_id: (number + 1).to_be_bytes().to_vec(),
        parent_span_id: if number.is_multiple_of(8) { Vec::new() } else { number.to_be_bytes().to_vec() },
        name: format!("GET /users/{{id}}/orders/{}", random % 40),
        kind: 2,
        start_time_unix_nano: now + number * 1000,
        end_time_unix_nano: now + number * 1000 + random % 10_000_000,
        attributes,
        ..Span::default()
    }
}

/// A whole request of HTTP.
fn request(number: usize, now: u64) -> anyhow::Result<Vec<u8>> {
    let first = (number * SPANS) as u64;
    let attributes = [
        ("service.name", "shop"),
        ("host.name", "h1"),
        ("service.version", "1.2.3"),
        ("k8s.pod.name", "shop-7d9f"),
    ]
    .map(|(key, value)| attribute(key, format!("{value}-{}", number % 20)));
    let scope = InstrumentationScope { name: "net/http".into(), ..InstrumentationScope::default() };
    let spans = (first..first + SPANS as u64).map(|number| span(number, now)).collect();
    let group = ResourceSpans {
        resource: Some(Resource { attributes: attributes.to_vec(), ..Resource::default() }),
        scope_spans: vec![ScopeSpans { scope: Some(scope), spans, ..ScopeSpans::default() }],
        ..ResourceSpans::default()
    };
    let message = ExportTraceServiceRequest { resource_spans: vec![group] }.encode_to_vec();
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(&message)?;
    let body = packer.finish()?;
    let head = format!(
        "POST /v1/traces HTTP/1.1\r\nhost: bench\r\ncontent-type: application/x-protobuf\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    Ok([head.into_bytes(), body].concat())
}

/// Sends messages until there are none left. Returns how many were taken.
fn send(address: SocketAddr, messages: &[Vec<u8>], next: &AtomicUsize, all: usize) -> anyhow::Result<usize> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let (mut taken, mut answer) = (0, [0; 4096]);
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= all {
            return Ok(taken);
        }
        loop {
            stream.write_all(&messages[number % messages.len()])?;
            let length = stream.read(&mut answer)?;
            if answer[..length].starts_with(b"HTTP/1.1 200") {
                break;
            }
            let busy = answer[..length].starts_with(b"HTTP/1.1 503");
            ensure!(busy, "{}", String::from_utf8_lossy(&answer[..length]));
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        taken += 1;
    }
}

/// So many spans.
pub(crate) fn measure(report: &mut Report, spans: u64) -> anyhow::Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos() as u64;
    let messages: anyhow::Result<Vec<_>> = (0..MESSAGES).map(|number| request(number, now)).collect();
    let (messages, all) = (messages?, (spans as usize).div_ceil(SPANS));
    eprintln!("otlp: {all} messages of {SPANS} spans");
    let folder = tempfile::tempdir()?;
    let port = scenario_tests::process::free_port()?;
    let server = Server::start(folder.path(), port)?;
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let began = Instant::now();
    let next = AtomicUsize::new(0);
    let taken: usize = std::thread::scope(|scope| {
        let senders: Vec<_> =
            (0..SENDERS).map(|_| scope.spawn(|| send(address, &messages, &next, all))).collect();
        senders
            .into_iter()
            .map(|sender| sender.join().map_err(|_| anyhow::anyhow!("a sender"))?)
            .sum::<anyhow::Result<usize>>()
    })?;
    let clock = began.elapsed();
    let took = server.end()?;
    let before = processor(libc::CLOCK_PROCESS_CPUTIME_ID);
    let store = folder.path().join("store");
    let (store, folder) = (Store::open(&store, Config::default())?.0, store);
    store.flush()?;
    store.compact(|_| {})?;
    let used = took.processor + processor(libc::CLOCK_PROCESS_CPUTIME_ID) - before;
    let content = store.content();
    let files = content.files.values().filter(|file| file.table == Table::Spans);
    let durable = files.map(|file| file.rows).sum::<u64>() as f64;
    ensure!(durable == (taken * SPANS) as f64, "{durable} of {taken} messages");
    report.note("otlp_spans_per_second_per_core", "spans/s", durable / used.as_secs_f64());
    report.note("otlp_spans_per_second", "spans/s", durable / clock.as_secs_f64());
    report.note("bytes_per_span_row", "B", crate::storage::bytes(&folder, "spans-")? as f64 / durable);
    report.note("server_memory_mb.otlp", "MB", took.memory_mb);
    Ok(())
}
