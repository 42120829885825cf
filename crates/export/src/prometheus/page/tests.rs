use std::io::Read;
use std::sync::Arc;

use flate2::read::GzDecoder;
use prost::Message;
use signals::{Buckets, Cell, Collect, Histogram, Kind, Label, Labels, Point, Unit};

use super::super::protobuf::{self, MetricFamily};
use super::*;

static DURATION: Metric = Metric {
    name: "test.duration",
    help: "Durations",
    unit: Unit::Seconds,
    kind: Kind::Histogram(&Buckets::DURATIONS),
    labels: &[Label { name: "route", help: "where", open: true }],
};
static EVENTS: Metric = Metric {
    name: "test.events",
    help: "Events",
    unit: Unit::Number("event"),
    kind: Kind::Counter,
    labels: &[],
};
static NONE: Metric =
    Metric { name: "test.none", help: "None", unit: Unit::Number("event"), kind: Kind::Gauge, labels: &[] };

/// So many histograms, and a counter.
struct Made(usize, Histogram);

impl Source for Made {
    fn look<R>(&self, look: impl FnOnce(&[&dyn Collect]) -> R) -> R {
        look(&[self])
    }
}

impl Collect for Made {
    fn metrics(&self) -> &'static [&'static Metric] {
        static ALL: &[&Metric] = &[&DURATION, &NONE, &EVENTS];
        ALL
    }

    fn collect(&self, index: usize, place: Place, most: usize, into: &mut Vec<Series>) -> Option<Place> {
        let series =
            |cells: &[Cell<'_>], point| Series { labels: Arc::new(Labels::new(cells)), began: 0, point };
        match index {
            0 => {
                let until = self.0.min(place.next + most);
                for number in place.next..until {
                    let route = format!("/{number}");
                    into.push(series(&[Cell::text(&route)], Point::Histogram(Box::new(self.1.clone()))));
                }
                (until < self.0).then_some(Place { next: until, before: None })
            }
            1 => None,
            _ => {
                into.push(series(&[], Point::Count(7)));
                None
            }
        }
    }
}

fn made(series: usize, values: &[u64]) -> Made {
    let mut histogram = Histogram::default();
    values.iter().for_each(|value| histogram.record(&Buckets::DURATIONS, *value));
    Made(series, histogram)
}

fn pieces(mut page: Page, source: &impl Source) -> Vec<Vec<u8>> {
    std::iter::from_fn(|| page.piece(source)).collect()
}

const PROTOBUF: &str =
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";

fn families(source: &Made) -> Vec<MetricFamily> {
    let page = pieces(Page::new(PROTOBUF, ""), source).concat();
    let mut rest = page.as_slice();
    let mut families = Vec::new();
    while !rest.is_empty() {
        families.push(MetricFamily::decode_length_delimited(&mut rest).expect("a family"));
    }
    families
}

#[test]
fn a_long_page_comes_in_pieces_and_is_whole() {
    let source = made(5000, &[1_000_000]);
    let pieces = pieces(Page::new("", ""), &source);
    assert!(pieces.len() > 10 && pieces.iter().all(|piece| piece.len() < 3 * PIECE), "{}", pieces.len());
    let page = String::from_utf8(pieces.concat()).expect("text");
    let series: Vec<&str> =
        page.lines().filter(|line| line.starts_with("test_duration_seconds_count")).collect();
    assert_eq!(series.len(), 5000);
    assert_eq!(series[4999], "test_duration_seconds_count{route=\"/4999\"} 1");
    assert_eq!(page.matches("# TYPE test_duration_seconds histogram").count(), 1);
    assert!(page.ends_with("# TYPE test_events_total counter\ntest_events_total 7\n"), "{page}");
    assert!(!page.contains("test_none"), "a metric without series is left out");
}

#[test]
fn gzip_unpacks_to_the_same() {
    let source = made(3000, &[1_000_000]);
    let plain = pieces(Page::new("", ""), &source).concat();
    let page = Page::new("", "gzip");
    assert_eq!(page.content_encoding(), Some("gzip"));
    let packed = pieces(page, &source);
    assert!(packed.len() > 1);
    let mut unpacked = Vec::new();
    GzDecoder::new(packed.concat().as_slice()).read_to_end(&mut unpacked).expect("gzip");
    assert!(unpacked == plain);
}

#[test]
fn native_histograms_tell_where_values_lie() {
    // 1 s is the end of bucket 0, in Prometheus' numbering; 2 s of bucket 8; 1.01 s lies in bucket 1.
    let values = [1_000_000_000, 1_010_000_000, 1_010_000_000, 1_010_000_000, 2_000_000_000, 0];
    let families = families(&made(2, &values));
    let names: Vec<_> = families.iter().map(|family| (family.name.as_str(), family.kind)).collect();
    assert_eq!(names, [("test_duration_seconds", Some(4)), ("test_events_total", Some(0))]);
    assert_eq!(families[0].metrics.len(), 2);
    let histogram = families[0].metrics[0].histogram.as_ref().expect("a histogram");
    assert_eq!((histogram.schema, histogram.zero_count, histogram.sample_count), (Some(3), 1, 6));
    assert_eq!(histogram.sample_sum, 6.03);
    let span = |offset, length| protobuf::Span { offset, length };
    assert_eq!(histogram.positive_spans, [span(0, 2), span(6, 1)]);
    assert_eq!(histogram.positive_deltas, [1, 2, -2]);
    assert_eq!(histogram.buckets.len(), 14);
    let last = histogram.buckets[13];
    assert_eq!((last.upper_bound, last.cumulative_count), (10.0, 6));
    assert_eq!(families[1].metrics[0].counter.and_then(|counter| counter.value), Some(7.0));
}
