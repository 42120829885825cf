//! What it costs to count a request.

use divan::{Bencher, black_box};
use std::sync::Arc;

use model::request::{Ends, Peer};
use model::{Attributes, ConnectionId, Endpoint, Request, Role, names};
use signals::recent::{Recent, View, Window};
use signals::{Buckets, Histogram, Limits, RequestMetrics};

fn main() {
    divan::main();
}

fn request(number: usize) -> Request {
    let mut attributes = Attributes::default();
    attributes.word(names::HTTP_REQUEST_METHOD, "GET");
    attributes.int(names::HTTP_RESPONSE_STATUS_CODE, 200);
    attributes.text(names::HTTP_ROUTE, format!("/users/{{id}}/orders/{number}"));
    attributes.text(names::URL_PATH, "/users/7/orders/2026-11-20/items");
    attributes.word(names::NETWORK_PROTOCOL_VERSION, "1.1");
    attributes.text(names::SERVER_ADDRESS, "shop.example.com");
    let peer = |address: &str, service: &str| Peer {
        endpoint: Endpoint::Ip(address.parse().expect("an address")),
        service: Some(service.into()),
    };
    Request {
        time: 1_795_161_600_123_456_789,
        duration: 213_456 + number as u64,
        role: Role::Server,
        protocol: "http",
        name: "GET /users/{id}/orders/{date}/items".into(),
        error: None,
        ends: Arc::new(Ends {
            client: peer("10.0.0.7:40112", "shop"),
            server: peer("10.0.0.9:80", "nginx"),
            process: None,
        }),
        tid: 0,
        request_bytes: 112,
        response_bytes: 5120,
        attributes,
        connection: ConnectionId(1),
        waiting: false,
        incomplete: None,
        place: None,
        sequence: None,
    }
}

/// Requests of so many series in turns.
#[divan::bench(args = [1, 100, 1000])]
fn record(bencher: Bencher, series: usize) {
    let requests: Vec<Request> = (0..series).map(request).collect();
    let mut metrics = RequestMetrics::new(Limits::default());
    let mut next = requests.iter().cycle();
    bencher.bench_local(|| {
        if let Some(request) = next.next() {
            metrics.record(black_box(request), 1);
        }
    });
}

/// The same for what `weir top` shows.
#[divan::bench(args = [1, 100, 1000])]
fn recent(bencher: Bencher, operations: usize) {
    let name = |number: usize| Request { name: format!("GET /{number}").into(), ..request(number) };
    let requests: Vec<Request> = (0..operations).map(name).collect();
    let mut recent = Recent::new(Limits::default(), 0);
    let mut next = requests.iter().cycle();
    bencher.bench_local(|| {
        if let Some(request) = next.next() {
            recent.record(black_box(request), 1);
        }
    });
}

/// What a drawing needs, while nothing can be counted: of so many operations, each with requests in every slot.
#[divan::bench(args = [100, 1000])]
fn rows(bencher: Bencher, operations: usize) {
    const SECOND: u64 = 1_000_000_000;
    let name = |number: usize| Request { name: format!("GET /{number}").into(), ..request(number) };
    let requests: Vec<Request> = (0..operations).map(name).collect();
    let mut recent = Recent::new(Limits::default(), 0);
    for second in 0..20 {
        for spread in 0..20 {
            for request in &requests {
                let duration = request.duration << (spread % 8);
                recent.record(&Request { duration, ..request.clone() }, second * SECOND);
            }
        }
    }
    bencher.bench_local(|| recent.rows(black_box(View::Operations), Window::Seconds, 19 * SECOND));
}

#[divan::bench]
fn histogram(bencher: Bencher) {
    let mut histogram = Histogram::default();
    let mut value = 1_000u64;
    bencher.bench_local(|| {
        value = value.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1) >> 40;
        histogram.record(&Buckets::DURATIONS, black_box(value));
    });
}
