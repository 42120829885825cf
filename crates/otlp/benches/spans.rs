//! What a span costs: the thread that empties the rings, which decides and hands over; and the exporter's, which writes and
//! compresses. And how many bytes it takes up while it waits.

use std::time::{Duration, Instant};

use std::sync::Arc;

use model::request::{Ends, Peer, Process};
use model::time::ClockReading;
use model::{Attributes, ConnectionId, Endpoint, Request, Role, names};
use otlp::{Compression, Config, Destination, Exporter, Protocol, Sampling};
use signals::{Collect, Source};

/// Requests of a batch.
const BATCH: usize = 500;
/// Batches of a run.
const BATCHES: usize = 200;

struct Nothing;

impl Source for Nothing {
    fn look<R>(&self, look: impl FnOnce(&[&dyn Collect]) -> R) -> R {
        look(&[])
    }
}

fn main() {
    for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
        run(compression, 1.0);
    }
    run(Compression::Gzip, 0.01);
}

/// Nobody takes anything, so that all that is made stays in the queue.
fn run(compression: Compression, rate: f64) {
    let endpoint = "http://127.0.0.1:9".parse().expect("an address");
    let destination =
        Destination { compression, queue: 1 << 30, ..Destination::new(endpoint, Protocol::Http) };
    let sampling = Sampling { rate, ..Sampling::default() };
    let config = Config { destinations: vec![destination], sampling, host: Vec::new(), version: "1" };
    let exporter =
        Exporter::start(config, std::sync::Arc::new(Nothing), ClockReading::default, ClockReading::default())
            .expect("an exporter");
    let whole = cpu_time(libc::CLOCK_PROCESS_CPUTIME_ID);
    let (mut made, mut offered) = (Duration::ZERO, Duration::ZERO);
    for batch in 0..BATCHES {
        let began = cpu_time(libc::CLOCK_THREAD_CPUTIME_ID);
        let requests: Vec<Request> = (0..BATCH).map(|number| request(batch * BATCH + number)).collect();
        let then = cpu_time(libc::CLOCK_THREAD_CPUTIME_ID);
        std::hint::black_box(exporter.offer(requests));
        made += then - began;
        offered += cpu_time(libc::CLOCK_THREAD_CPUTIME_ID) - then;
        // Not faster than the other thread works.
        std::thread::sleep(Duration::from_millis(5));
    }
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(1300) {
        std::thread::sleep(Duration::from_millis(10));
    }
    let both = cpu_time(libc::CLOCK_PROCESS_CPUTIME_ID) - whole - made;
    let mut figures = signals::Figures::new(signals::agent::METRICS, 0);
    exporter.figures(&mut figures);
    let waiting = waiting(&figures);
    let each = |time: Duration| time.as_secs_f64() * 1e6 / (BATCH * BATCHES) as f64;
    println!(
        "{compression:?}, {:.0} % kept: handed over {:.2} µs a request, in all {:.2} µs, {:.0} bytes waiting",
        rate * 100.0,
        each(offered),
        each(both),
        waiting as f64 / (BATCH * BATCHES) as f64
    );
}

/// Bytes in memory.
fn waiting(figures: &signals::Figures) -> u64 {
    let metrics = figures.metrics().iter().position(|metric| metric.name == "weir.agent.otlp.queue.size");
    let mut series = Vec::new();
    metrics.map(|index| figures.collect(index, signals::Place::default(), 10, &mut series));
    match series.first().map(|series| &series.point) {
        Some(signals::Point::Count(bytes)) => *bytes,
        _ => 0,
    }
}

fn cpu_time(clock: libc::clockid_t) -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for the result; the clocks exist on every Linux.
    unsafe { libc::clock_gettime(clock, &mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn request(number: usize) -> Request {
    let mut attributes = Attributes::default();
    attributes.word(names::HTTP_REQUEST_METHOD, "GET");
    attributes.int(names::HTTP_RESPONSE_STATUS_CODE, 200);
    attributes.text(names::HTTP_ROUTE, "/users/{id}/orders/{number}");
    attributes.text(names::URL_PATH, format!("/users/{}/orders/{}", number % 977, number % 31));
    attributes.word(names::NETWORK_PROTOCOL_VERSION, "1.1");
    attributes.text(names::SERVER_ADDRESS, "shop.example.com");
    attributes.text(names::USER_AGENT_ORIGINAL, "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101");
    let peer = |address: String, service: &str| Peer {
        endpoint: Endpoint::Ip(address.parse().expect("an address")),
        service: Some(service.into()),
    };
    Request {
        time: 1_795_161_600_123_456_789 + number as u64 * 211_111,
        duration: 213_456 + number as u64 * 7919 % 900_000,
        role: Role::Server,
        protocol: "http",
        name: "GET /users/{id}/orders/{number}".into(),
        error: None,
        ends: Arc::new(Ends {
            client: peer(format!("10.0.0.7:{}", 30_000 + number % 300), "shop"),
            server: peer("10.0.0.9:80".into(), "nginx"),
            process: Some(Process { pid: 812, command: "nginx".into(), service: "nginx".into() }),
        }),
        tid: 812,
        request_bytes: 112,
        response_bytes: 5120 + number as u64 % 100,
        attributes,
        connection: ConnectionId(number as u64 % 300),
        waiting: false,
        incomplete: None,
        place: None,
        sequence: None,
    }
}
