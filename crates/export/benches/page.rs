//! A page of many series: how long it takes, and for how long at a time nobody else gets at them.

use std::cell::Cell;
use std::time::{Duration, Instant};

use export::prometheus::Page;
use std::sync::Arc;

use model::request::{Ends, Peer};
use model::{Attributes, ConnectionId, Endpoint, Request, Role, names};
use signals::{Collect, Limits, RequestMetrics, Source};

/// Takes the time of every look.
struct Timed {
    requests: RequestMetrics,
    /// All looks together, the longest, and how many there were.
    looks: Cell<(Duration, Duration, u32)>,
}

impl Source for Timed {
    fn look<R>(&self, look: impl FnOnce(&[&dyn Collect]) -> R) -> R {
        let began = Instant::now();
        let result = look(&[&self.requests]);
        let (took, (all, longest, count)) = (began.elapsed(), self.looks.get());
        self.looks.set((all + took, longest.max(took), count + 1));
        result
    }
}

fn main() {
    let mut requests = RequestMetrics::new(Limits { series: 20_000, ..Limits::default() });
    for number in 0..10_000u64 {
        for duration in [200_000, 1_000_000 + number * 1000, 30_000_000] {
            requests.record(&Request { duration, ..request(number) }, 0);
        }
    }
    let source = Timed { requests, looks: Cell::default() };
    let protobuf =
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
    for (name, accept, encoding) in [("text", "", ""), ("text, gzip", "", "gzip"), ("protobuf", protobuf, "")]
    {
        for _ in 0..3 {
            source.looks.set(Default::default());
            let began = Instant::now();
            let mut page = Page::new(accept, encoding);
            let (mut bytes, mut longest) = (0, 0);
            while let Some(piece) = page.piece(&source) {
                (bytes, longest) = (bytes + piece.len(), longest.max(piece.len()));
            }
            let (took, (all, look, count)) = (began.elapsed(), source.looks.get());
            println!("{name}: 10,000 series, {bytes} bytes in {took:?}, the longest piece {longest}");
            println!("    {count} looks of {:?}, the longest {look:?}", all / count);
        }
    }
}

fn request(number: u64) -> Request {
    let mut attributes = Attributes::default();
    attributes.word(names::HTTP_REQUEST_METHOD, "GET");
    attributes.int(names::HTTP_RESPONSE_STATUS_CODE, 200);
    attributes.text(names::HTTP_ROUTE, format!("/users/{{id}}/orders/{number}"));
    attributes.word(names::NETWORK_PROTOCOL_VERSION, "1.1");
    let peer = |address: &str, service: &str| Peer {
        endpoint: Endpoint::Ip(address.parse().expect("an address")),
        service: Some(service.into()),
    };
    Request {
        time: 0,
        duration: 0,
        role: Role::Server,
        protocol: "http",
        name: "GET /".into(),
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
