//! The writer against serde_json, for the same line.

use std::net::SocketAddr;

use divan::{Bencher, black_box};
use std::sync::Arc;

use export::json::Lines;
use model::request::{Ends, Peer, Process};
use model::{Attributes, ConnectionId, Endpoint, Request, Role, Value, names};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use std::time::Instant;

fn main() {
    print_ratio();
    divan::main();
}

#[divan::bench]
fn ours(bencher: Bencher) {
    let (request, mut out, mut lines) = (request(), Vec::with_capacity(4096), Lines::default());
    bencher.bench_local(|| {
        out.clear();
        lines.write(black_box(&request), &mut out);
    });
}

#[divan::bench]
fn serde_json(bencher: Bencher) {
    let (request, mut out) = (request(), Vec::with_capacity(4096));
    bencher.bench_local(|| {
        out.clear();
        by_serde(black_box(&request), &mut out);
    });
}

fn print_ratio() {
    let request = request();
    let mut out = Vec::with_capacity(4096);
    let mut timed = |write: &mut dyn FnMut(&Request, &mut Vec<u8>)| {
        let begin = Instant::now();
        for _ in 0..200_000 {
            out.clear();
            write(black_box(&request), &mut out);
            black_box(&out);
        }
        begin.elapsed().as_nanos() as f64 / 200_000.0
    };
    let mut lines = Lines::default();
    let ours = timed(&mut |request, out| lines.write(request, out));
    let theirs = timed(&mut by_serde);
    println!("ours {ours:.0} ns, serde_json {theirs:.0} ns: {:.1} times as fast", theirs / ours);
}

fn request() -> Request {
    let mut attributes = Attributes::default();
    attributes.word(names::HTTP_REQUEST_METHOD, "GET");
    attributes.int(names::HTTP_RESPONSE_STATUS_CODE, 200);
    attributes.text(names::URL_PATH, "/users/7/orders/2026-11-20/items");
    attributes.text(names::SERVER_ADDRESS, "shop.example.com");
    let peer = |address: &str, service: &str| Peer {
        endpoint: Endpoint::Ip(address.parse::<SocketAddr>().expect("an address")),
        service: Some(service.into()),
    };
    Request {
        time: 1_795_161_600_123_456_789,
        duration: 213_456,
        role: Role::Server,
        protocol: "http",
        name: "GET /users/{id}/orders/{date}/items".into(),
        error: None,
        ends: Arc::new(Ends {
            client: peer("10.0.0.7:40112", "shop"),
            server: peer("10.0.0.9:80", "nginx"),
            process: Some(Process { pid: 812, command: "nginx".into(), service: "nginx".into() }),
        }),
        tid: 812,
        request_bytes: 112,
        response_bytes: 5120,
        attributes,
        connection: ConnectionId(0x8f2c_0000_0000_0001),
        waiting: false,
        incomplete: None,
        place: None,
        sequence: None,
    }
}

/// The same line as serde would be asked for it: a view that borrows, durations as floats. Its time is a
/// ready text, which favours it.
#[derive(Serialize)]
struct View<'a> {
    time: &'a str,
    duration: f64,
    role: &'a str,
    protocol: &'a str,
    name: &'a str,
    status: &'a str,
    client: End<'a>,
    server: End<'a>,
    process: Who<'a>,
    request: Size,
    response: Size,
    attributes: Map<'a>,
    connection: ConnectionText,
    waiting: bool,
}

#[derive(Serialize)]
struct End<'a> {
    address: std::net::IpAddr,
    port: u16,
    service: Option<&'a str>,
}

#[derive(Serialize)]
struct Who<'a> {
    pid: u32,
    tid: u32,
    command: &'a str,
    service: &'a str,
}

#[derive(Serialize)]
struct Size {
    bytes: u64,
}

struct Map<'a>(&'a Attributes);

impl Serialize for Map<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (key, value) in self.0.iter() {
            match value {
                Value::Int(number) => map.serialize_entry(key, number)?,
                Value::Word(word) => map.serialize_entry(key, word)?,
                Value::Text(text) => map.serialize_entry(key, text.as_str())?,
            }
        }
        map.end()
    }
}

struct ConnectionText(ConnectionId);

impl Serialize for ConnectionText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

fn by_serde(request: &Request, out: &mut Vec<u8>) {
    let end = |peer: &'_ Peer| match &peer.endpoint {
        Endpoint::Ip(address) => (address.ip(), address.port()),
        Endpoint::Unix(_) => unreachable!("the record has none"),
    };
    let (client, server) = (end(&request.ends.client), end(&request.ends.server));
    let process = request.ends.process.as_ref().expect("the record has one");
    let view = View {
        time: "2026-11-20T08:00:00.123456789Z",
        duration: request.duration as f64 / 1e9,
        role: request.role.as_str(),
        protocol: request.protocol,
        name: &request.name,
        status: "ok",
        client: End { address: client.0, port: client.1, service: request.ends.client.service.as_deref() },
        server: End { address: server.0, port: server.1, service: request.ends.server.service.as_deref() },
        process: Who {
            pid: process.pid,
            tid: request.tid,
            command: &process.command,
            service: &process.service,
        },
        request: Size { bytes: request.request_bytes },
        response: Size { bytes: request.response_bytes },
        attributes: Map(&request.attributes),
        connection: ConnectionText(request.connection),
        waiting: request.waiting,
    };
    serde_json::to_writer(&mut *out, &view).expect("nothing here fails");
    out.push(b'\n');
}
