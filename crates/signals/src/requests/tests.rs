use std::sync::Arc;

use model::request::{Ends, Incomplete, Peer};
use model::{Attributes, ConnectionId, Endpoint, names};

use super::*;

fn peer(address: &str, service: &str) -> Peer {
    let service = (!service.is_empty()).then(|| service.into());
    Peer { endpoint: Endpoint::Ip(address.parse().expect("an address")), service }
}

fn request(protocol: &'static str, attributes: Attributes) -> Request {
    Request {
        time: 0,
        duration: 2_000_000,
        role: Role::Client,
        protocol,
        name: "NAME".into(),
        error: None,
        ends: Arc::new(Ends {
            client: peer("10.0.0.7:40112", "shop"),
            server: peer("10.0.0.9:80", "nginx"),
            process: None,
        }),
        tid: 0,
        request_bytes: 100,
        response_bytes: 200,
        attributes,
        connection: ConnectionId(1),
        waiting: false,
        incomplete: None,
        place: None,
        sequence: None,
    }
}

fn http(route: &str, status: i64) -> Request {
    let mut attributes = Attributes::default();
    attributes.word(names::HTTP_REQUEST_METHOD, "GET");
    attributes.int(names::HTTP_RESPONSE_STATUS_CODE, status);
    attributes.text(names::HTTP_ROUTE, route);
    attributes.text(names::URL_PATH, "/users/7");
    attributes.word(names::NETWORK_PROTOCOL_VERSION, "1.1");
    request("http", attributes)
}

fn redis(command: &'static str) -> Request {
    let mut attributes = Attributes::default();
    attributes.word(names::DB_SYSTEM_NAME, "redis");
    attributes.word(names::DB_OPERATION_NAME, command);
    Request { name: command.into(), ..request("redis", attributes) }
}

fn dns(name: &str) -> Request {
    let mut attributes = Attributes::default();
    attributes.text(names::DNS_QUESTION_NAME, name);
    attributes.text(names::DNS_QUESTION_TYPE, "A");
    request("dns", attributes)
}

/// A line for each series: the metric, its labels, how many.
fn lines(metrics: &RequestMetrics) -> Vec<String> {
    let mut lines = Vec::new();
    for (index, metric) in metrics.metrics().iter().enumerate() {
        let mut place = Some(Place::default());
        while let Some(from) = place {
            let mut series = Vec::new();
            place = metrics.collect(index, from, 3, &mut series);
            for series in series {
                let labels = metric.labels.iter().zip(series.labels.values());
                let labels: Vec<String> = labels
                    .filter(|(_, value)| **value != crate::Value::None)
                    .map(|(label, value)| format!("{}={value}", label.name))
                    .collect();
                let count = match series.point {
                    Point::Histogram(histogram) => histogram.count(),
                    Point::Count(count) => count,
                    Point::Number(number) => number as u64,
                };
                lines.push(format!("{} {} {count}", metric.name, labels.join(" ")));
            }
        }
    }
    lines.sort();
    lines
}

fn of(requests: &[Request]) -> Vec<String> {
    let mut metrics = RequestMetrics::new(Limits::default());
    requests.iter().for_each(|request| metrics.record(request, 1));
    lines(&metrics)
}

#[test]
fn each_request_is_counted_by_its_familys_metric() {
    let failed = Request { role: Role::Server, error: Some("503".into()), ..http("/users/{id}", 503) };
    let unnamed = http("/", 200).with_ends(|ends| {
        ends.server = peer("93.184.216.34:80", "");
    });
    let mut summary = Attributes::default();
    summary.word(names::DB_SYSTEM_NAME, "postgresql");
    summary.text(names::DB_QUERY_SUMMARY, "SELECT users");
    summary.text(names::DB_QUERY_TEXT, "SELECT * FROM users WHERE id = ?");
    let sql = Request { role: Role::Server, ..request("postgresql", summary) };
    let cut = Request { error: Some("NXDOMAIN".into()), ..dns("nosuch.example") };
    let found = of(&[http("/", 200), http("/", 200), failed, unnamed, redis("SET"), sql, cut]);
    let expected = [
        "db.client.operation.duration client=shop server=nginx server.port=80 db.system.name=redis \
         db.operation.name=SET 1",
        "db.server.operation.duration client=shop server=nginx server.port=80 db.system.name=postgresql \
         db.query.summary=SELECT users 1",
        "dns.lookup.duration client=shop server=nginx server.port=80 dns.question.name=nosuch.example \
         dns.question.type=A error.type=NXDOMAIN 1",
        "http.client.request.duration client=shop server=internet server.port=80 http.request.method=GET \
         http.route=/ http.response.status_code=200 network.protocol.version=1.1 1",
        "http.client.request.duration client=shop server=nginx server.port=80 http.request.method=GET \
         http.route=/ http.response.status_code=200 network.protocol.version=1.1 2",
        "http.server.request.duration client=shop server=nginx server.port=80 http.request.method=GET \
         http.route=/users/{id} http.response.status_code=503 error.type=503 network.protocol.version=1.1 1",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_protocol_without_a_family_is_counted_too() {
    let found = of(&[request("new", Attributes::default())]);
    let expected = "weir.client.request.duration client=shop server=nginx server.port=80 \
                    network.protocol.name=new weir.request.name=NAME 1";
    assert_eq!(found, [expected]);
}

#[test]
fn waits_are_no_latency_and_what_is_incomplete_counts() {
    let waiting = Request { waiting: true, duration: 5_000_000_000, ..redis("BLPOP") };
    let torn = Request { incomplete: Some(Incomplete::Response), role: Role::Server, ..redis("GET") };
    let expected = [
        "db.server.operation.duration client=shop server=nginx server.port=80 db.system.name=redis \
         db.operation.name=GET 1",
        "weir.request.incomplete client=shop server=nginx weir.role=server network.protocol.name=redis \
         weir.missing=response 1",
        "weir.request.waits client=shop server=nginx weir.role=client network.protocol.name=redis \
         weir.request.name=BLPOP 1",
    ];
    assert_eq!(of(&[waiting, torn]), expected);
}

#[test]
fn fifty_thousand_routes_and_services_stay_bounded_and_counted() {
    let mut metrics = RequestMetrics::new(Limits::default());
    for number in 0..50_000u32 {
        metrics.record(&http(&format!("/route/{number}"), 200), 1);
        let client = peer("10.0.0.7:40112", &format!("service-{number}"));
        let request = http("/", 200).with_ends(|ends| ends.client = client);
        metrics.record(&Request { role: Role::Server, ..request }, 1);
    }
    let counts: Vec<_> = metrics.counts().filter(|(_, series, _)| *series > 0).collect();
    let found: Vec<_> = counts.iter().map(|(metric, series, _)| (metric.name, *series)).collect();
    assert_eq!(found, [("http.client.request.duration", 1501), ("http.server.request.duration", 2001)]);
    assert!(counts.iter().all(|(_, _, counts)| counts.overflowed == 48_500), "{counts:?}");
    let lines = lines(&metrics);
    let other =
        |name: &str| lines.iter().rfind(|line| line.starts_with(name) && line.contains("=other ")).cloned();
    let expected = "http.client.request.duration client=shop server=nginx server.port=other \
                    http.request.method=GET http.route=other http.response.status_code=200 \
                    network.protocol.version=1.1 48500";
    assert_eq!(other("http.client").as_deref(), Some(expected), "edges are told apart");
    let expected = "http.server.request.duration client=other server=other server.port=other \
                    http.request.method=other http.route=other http.response.status_code=other \
                    network.protocol.version=other 48000";
    assert!(lines.iter().any(|line| line == expected), "{:?}", other("http.server"));
}

#[test]
fn idle_series_are_forgotten() {
    let mut metrics = RequestMetrics::new(Limits { series: 10, idle: 100 });
    metrics.record(&http("/", 200), 50);
    metrics.record(&redis("GET"), 120);
    metrics.sweep(151);
    assert_eq!(metrics.counts().map(|(_, series, _)| series).sum::<usize>(), 1);
    assert_eq!(metrics.counts().map(|(_, _, counts)| counts.expired).sum::<u64>(), 1);
}
