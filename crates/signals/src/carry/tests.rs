use std::sync::Arc;

use model::request::{Ends, Incomplete, Peer};
use model::{Attributes, ConnectionId, Endpoint, Request, Role, names};

use super::*;
use crate::{Collect, Figures, Limits, agent};

struct All {
    requests: RequestMetrics,
    connections: ConnectionMetrics,
    figures: Figures,
}

impl All {
    fn new(began: Nanos) -> All {
        let limits = Limits::default();
        All {
            requests: RequestMetrics::new(limits),
            connections: ConnectionMetrics::new(limits),
            figures: Figures::new(agent::METRICS, began),
        }
    }

    fn ask(&mut self, route: &str, duration: u64, times: usize, now: Nanos) {
        (0..times).for_each(|_| self.requests.record(&request(route, duration), now));
    }

    fn set(&mut self, requests: u64, seconds: f64) {
        self.figures.clear();
        self.figures.set(&agent::REQUESTS, &[], Point::Count(requests));
        self.figures.set(&agent::CPU_TIME, &[], Point::Number(seconds));
        self.figures.set(&agent::CONNECTIONS, &[], Point::Count(5));
        self.figures.set(&agent::EVENTS, &[Cell::Text("open")], Point::Count(requests));
    }

    fn resume(&mut self, carried: &Carried, now: Nanos) -> usize {
        carried.resume(&mut self.requests, &mut self.connections, &mut self.figures, now)
    }

    /// Series of a metric: labels, beginning, and its count.
    fn told(&self, metric: &Metric) -> Vec<(String, Nanos, f64)> {
        let carried = self.look(|all| {
            let mut told = Vec::new();
            for collector in all {
                let Some(index) = collector.metrics().iter().position(|other| std::ptr::eq(*other, metric))
                else {
                    continue;
                };
                assert_eq!(collector.collect(index, Place::default(), 1000, &mut told), None);
            }
            told
        });
        let count = |point: &Point| match point {
            Point::Count(count) => *count as f64,
            Point::Number(number) => *number,
            Point::Histogram(histogram) => histogram.count() as f64,
        };
        let labels = |series: &Series| {
            let labels: Vec<String> = series.labels.values().iter().map(ToString::to_string).collect();
            labels.join(" ").trim().to_owned()
        };
        let mut told: Vec<_> =
            carried.iter().map(|series| (labels(series), series.began, count(&series.point))).collect();
        told.sort_by(|one, other| one.0.cmp(&other.0));
        told
    }
}

impl Source for All {
    fn look<R>(&self, look: impl FnOnce(&[&dyn Collect]) -> R) -> R {
        look(&[&self.requests, &self.connections, &self.figures])
    }
}

fn request(route: &str, duration: u64) -> Request {
    let peer = |address: &str| Peer {
        endpoint: Endpoint::Ip(address.parse().expect("an address")),
        service: Some("shop".into()),
    };
    let mut attributes = Attributes::default();
    attributes.word(names::HTTP_REQUEST_METHOD, "GET");
    attributes.text(names::HTTP_ROUTE, route);
    attributes.int(names::HTTP_RESPONSE_STATUS_CODE, 200);
    Request {
        time: 0,
        duration,
        role: Role::Client,
        protocol: "http",
        name: "NAME".into(),
        error: None,
        ends: Arc::new(Ends { client: peer("10.0.0.7:40112"), server: peer("10.0.0.9:80"), process: None }),
        tid: 0,
        request_bytes: 100,
        response_bytes: 200,
        attributes,
        connection: ConnectionId(1),
        waiting: false,
        incomplete: (route == "/torn").then_some(Incomplete::Request),
        place: None,
        sequence: None,
    }
}

fn metric(name: &str) -> &'static Metric {
    let all = [crate::requests::METRICS, crate::connections::METRICS, agent::METRICS];
    all.into_iter().flatten().copied().find(|metric| metric.name == name).expect("a metric")
}

#[test]
fn counts_go_on_where_they_stopped() {
    let mut old = All::new(10);
    old.ask("/a", 3_000_000, 5, 100);
    old.ask("/torn", 3_000_000, 2, 120);
    old.set(7, 1.5);
    let mut carried = Carried::of(&old);
    carried.0.retain(|metric| metric.name != agent::EVENTS.name);
    let mut new = All::new(500);
    // What it counted before it took over is not told; what it told since then is.
    new.ask("/a", 7_000_000, 1, 510);
    new.ask("/b", 7_000_000, 1, 510);
    new.set(100, 9.0);
    assert_eq!(new.resume(&carried, 520), 0);
    let durations = metric("http.client.request.duration");
    assert_eq!(
        new.told(durations),
        [
            ("shop shop 80 GET /a 200".to_owned(), 100, 6.0),
            ("shop shop 80 GET /b 200".to_owned(), 510, 1.0),
            ("shop shop 80 GET /torn 200".to_owned(), 120, 2.0),
        ]
    );
    assert_eq!(new.told(metric("weir.request.incomplete")).len(), 1);
    assert_eq!(new.told(&agent::REQUESTS), [(String::new(), 10, 7.0)]);
    // And on from there.
    new.set(103, 9.5);
    assert_eq!(new.told(&agent::REQUESTS), [(String::new(), 10, 10.0)]);
    assert_eq!(new.told(&agent::CPU_TIME), [(String::new(), 10, 2.0)]);
    assert_eq!(new.told(&agent::EVENTS), [("open".to_owned(), 10, 3.0)], "the earlier one had none");
    assert_eq!(new.told(&agent::CONNECTIONS), [(String::new(), 10, 5.0)], "what is as it is now");
    // Once more: a third one.
    let carried = Carried::of(&new);
    let mut third = All::new(900);
    assert_eq!(third.resume(&carried, 910), 0);
    assert_eq!(third.told(durations), new.told(durations));
    assert_eq!(third.told(&agent::REQUESTS), [(String::new(), 10, 10.0)], "not counted here yet, and told");
}

#[test]
fn what_another_version_has_otherwise_begins_anew() {
    let mut old = All::new(10);
    old.ask("/a", 3_000_000, 5, 100);
    let mut carried = Carried::of(&old);
    let mut other_labels = carried.clone();
    other_labels.0[0].labels.swap(0, 1);
    carried.0[0].name.push('x');
    let mut fewer = Carried::of(&old);
    fewer.0[0].series[0].labels.pop();
    let mut other_point = Carried::of(&old);
    other_point.0[0].series[0].point = CarriedPoint::Count(u64::MAX);
    for changed in [carried, other_labels, fewer, other_point] {
        let mut new = All::new(500);
        assert_eq!(new.resume(&changed, 510), 1, "{changed:?}");
        assert_eq!(new.told(metric("http.client.request.duration")), []);
    }
}
