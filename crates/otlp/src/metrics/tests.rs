//! Series in, metrics out, as OpenTelemetry's own messages understand them.

use std::collections::BTreeMap;

use model::{Request, Role};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1 as proto;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use prost::Message as _;
use signals::{Cell, Collect, Figures, Limits, RequestMetrics, agent};

use super::*;
use crate::testing::request;

struct State(RequestMetrics, Figures);

impl Source for State {
    fn look<R>(&self, look: impl FnOnce(&[&dyn Collect]) -> R) -> R {
        look(&[&self.0, &self.1])
    }
}

const FIRST: ClockReading = ClockReading { monotonic: 1_000, wall: 5_000_000 };
const NOW: u64 = 9_000_000;

fn export(state: &State, histograms: Histograms) -> Vec<(Vec<proto::Metric>, u32)> {
    let resource = [("service.name", "weir".to_owned())];
    let form = Form { histograms, first: FIRST, resource: &resource, version: "1" };
    let mut found = Vec::new();
    messages(state, form, NOW, |message, count| {
        let mut all = ExportMetricsServiceRequest::decode(&*message).expect("a message").resource_metrics;
        assert_eq!(all.len(), 1);
        let mut scopes = all.remove(0).scope_metrics;
        assert_eq!(scopes.len(), 1);
        found.push((scopes.remove(0).metrics, count));
    });
    found
}

fn state(requests: &[Request]) -> State {
    let mut metrics = RequestMetrics::new(Limits { series: 20_000, ..Limits::default() });
    requests.iter().for_each(|request| metrics.record(request, 2_000));
    let mut figures = Figures::new(agent::METRICS, 1_500);
    figures.set(&agent::REQUESTS, &[], Point::Count(9));
    figures.set(&agent::CPU_TIME, &[], Point::Number(1.25));
    figures.set(&agent::MEMORY, &[Cell::text("resident")], Point::Count(77));
    State(metrics, figures)
}

fn by_name(state: &State, histograms: Histograms) -> BTreeMap<String, proto::Metric> {
    let mut found = export(state, histograms);
    assert_eq!(found.len(), 1);
    found.remove(0).0.into_iter().map(|metric| (metric.name.clone(), metric)).collect()
}

#[test]
fn counters_and_gauges_tell_what_they_are() {
    let found = by_name(&state(&[]), Histograms::Exponential);
    assert_eq!(found.len(), 3, "metrics without series are left out: {:?}", found.keys());
    let requests = &found["weir.agent.requests"];
    assert_eq!((requests.unit.as_str(), requests.description.is_empty()), ("{request}", false));
    let Some(Data::Sum(sum)) = &requests.data else { panic!("{requests:?}") };
    assert!(sum.is_monotonic && sum.aggregation_temporality == 2);
    let point = &sum.data_points[0];
    assert_eq!((point.start_time_unix_nano, point.time_unix_nano), (5_000_500, NOW));
    assert_eq!(point.value, Some(proto::number_data_point::Value::AsInt(9)));
    let Some(Data::Sum(sum)) = &found["weir.agent.cpu.time"].data else { panic!("no sum") };
    assert_eq!(sum.data_points[0].value, Some(proto::number_data_point::Value::AsDouble(1.25)));
    assert_eq!(found["weir.agent.cpu.time"].unit, "s");
    let memory = &found["weir.agent.memory"];
    let Some(Data::Gauge(gauge)) = &memory.data else { panic!("{memory:?}") };
    let point = &gauge.data_points[0];
    assert_eq!((memory.unit.as_str(), point.start_time_unix_nano, point.time_unix_nano), ("By", 0, NOW));
    assert_eq!((point.attributes.len(), point.attributes[0].key.as_str()), (1, "kind"));
}

fn requests() -> Vec<Request> {
    let durations = [0, 1_000, 1_050, 213_456, 7_000_000, 7_100_000, 20_000_000_000];
    durations.map(|duration| Request { duration, ..request() }).to_vec()
}

#[test]
fn exponential_histograms_have_every_value_in_its_bucket() {
    let found = by_name(&state(&requests()), Histograms::Exponential);
    let metric = &found["http.server.request.duration"];
    let Some(Data::ExponentialHistogram(histogram)) = &metric.data else { panic!("{metric:?}") };
    let point = &histogram.data_points[0];
    assert_eq!((histogram.aggregation_temporality, point.count, point.zero_count), (2, 7, 1));
    assert_eq!((point.start_time_unix_nano, point.time_unix_nano), (5_001_000, NOW));
    assert_eq!((point.min, point.max), (Some(0.0), Some(20.0)));
    assert!((point.sum.expect("a sum") - 20.014_315_506).abs() < 1e-9, "{:?}", point.sum);
    let buckets = point.positive.as_ref().expect("buckets");
    let base = 2f64.powf(2f64.powi(-point.scale));
    let mut expected: BTreeMap<i32, u64> = BTreeMap::new();
    for request in requests().iter().filter(|request| request.duration > 0) {
        let index = (request.duration as f64 / 1e9).log(base).ceil() as i32 - 1;
        *expected.entry(index).or_default() += 1;
    }
    let told: BTreeMap<i32, u64> = (buckets.offset..)
        .zip(buckets.bucket_counts.iter().copied())
        .filter(|(_, count)| *count > 0)
        .collect();
    assert_eq!(told, expected);
    let labels: Vec<&str> = point.attributes.iter().map(|pair| pair.key.as_str()).collect();
    let expected =
        ["client", "server", "server.port", "http.request.method", "http.route", "http.response.status_code"];
    assert_eq!(labels, expected);
}

#[test]
fn explicit_histograms_are_those_of_the_page() {
    let found = by_name(&state(&requests()), Histograms::Explicit);
    let metric = &found["http.server.request.duration"];
    let Some(Data::Histogram(histogram)) = &metric.data else { panic!("{metric:?}") };
    let point = &histogram.data_points[0];
    assert_eq!((point.count, point.bucket_counts.len(), point.explicit_bounds.len()), (7, 15, 14));
    assert_eq!((point.explicit_bounds[0], point.explicit_bounds[13]), (0.005, 10.0));
    assert_eq!((point.bucket_counts[0], point.bucket_counts[1], point.bucket_counts[14]), (4, 2, 1));
    assert_eq!((point.min, point.max), (Some(0.0), Some(20.0)));
}

#[test]
fn many_series_come_in_messages_that_receivers_take() {
    let many: Vec<Request> = (0..8_000)
        .map(|number| {
            let name = format!("service-{number}-{}", "x".repeat(100));
            let request = request().with_ends(|ends| ends.server.service = Some(name.into()));
            Request { role: Role::Client, ..request }
        })
        .collect();
    let found = export(&state(&many), Histograms::Exponential);
    assert!(found.len() > 2, "{}", found.len());
    let mut points = 0;
    for (metrics, count) in &found {
        let size: usize = metrics.iter().map(prost::Message::encoded_len).sum();
        assert!(size < 2 * MESSAGE, "{size}");
        let of = |metric: &proto::Metric| match &metric.data {
            Some(Data::ExponentialHistogram(histogram)) => histogram.data_points.len(),
            Some(Data::Sum(sum)) => sum.data_points.len(),
            Some(Data::Gauge(gauge)) => gauge.data_points.len(),
            other => panic!("{other:?}"),
        };
        let here: usize = metrics.iter().map(of).sum();
        assert_eq!(here, *count as usize);
        points += here;
    }
    assert_eq!(points, 8_003);
}

#[test]
fn beginnings_do_not_move_with_the_clock() {
    // A wall clock that was set back must not put a beginning behind its end.
    let state = state(&requests());
    let resource = [];
    let form = Form { histograms: Histograms::Explicit, first: FIRST, resource: &resource, version: "1" };
    messages(&state, form, 4_000_000, |message, _| {
        let all = ExportMetricsServiceRequest::decode(&*message).expect("a message");
        for metric in &all.resource_metrics[0].scope_metrics[0].metrics {
            if let Some(Data::Sum(sum)) = &metric.data {
                assert_eq!(sum.data_points[0].start_time_unix_nano, 4_000_000);
            }
        }
    });
}
