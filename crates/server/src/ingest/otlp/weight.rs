//! What a message takes in memory once it is read, known before it is: an empty span is two bytes on the wire and three hundred
//! in memory, so that a small message could become gigabytes.

use opentelemetry_proto::tonic::common::v1::{AnyValue, EntityRef, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogramDataPoint, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics,
    ScopeMetrics, SummaryDataPoint, summary_data_point,
};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, span};

use super::refusal::Refusal;

/// A message's form, as far as it has messages that may be repeated.
struct Shape {
    /// Bytes that it takes in memory, with what a growing list leaves free: twice its size.
    size: usize,
    /// Its fields that are messages.
    parts: &'static [(u64, &'static Shape)],
    /// A field of numbers that take a byte on the wire and eight in memory.
    numbers: u64,
}

const fn shape(size: usize, parts: &'static [(u64, &'static Shape)]) -> Shape {
    Shape { size: 2 * size, parts, numbers: 0 }
}

static ANY: Shape = shape(size_of::<AnyValue>(), &[(5, &ARRAY), (6, &PAIRS)]);
static ARRAY: Shape = shape(0, &[(1, &ANY)]);
static PAIRS: Shape = shape(0, &[(1, &PAIR)]);
static PAIR: Shape = shape(size_of::<KeyValue>(), &[(2, &ANY)]);
static RESOURCE: Shape = shape(0, &[(1, &PAIR), (3, &ENTITY)]);
/// Its lists of texts are counted as if each were one.
static ENTITY: Shape = shape(size_of::<EntityRef>(), &[(3, &TEXT), (4, &TEXT)]);
static TEXT: Shape = shape(size_of::<String>(), &[]);
static SCOPE: Shape = shape(0, &[(3, &PAIR)]);

static SPAN: Shape = shape(size_of::<Span>(), &[(9, &PAIR), (11, &EVENT), (13, &LINK)]);
static EVENT: Shape = shape(size_of::<span::Event>(), &[(3, &PAIR)]);
static LINK: Shape = shape(size_of::<span::Link>(), &[(4, &PAIR)]);
static SPANS: Shape = shape(size_of::<ScopeSpans>(), &[(1, &SCOPE), (2, &SPAN)]);
static RESOURCE_SPANS: Shape = shape(size_of::<ResourceSpans>(), &[(1, &RESOURCE), (2, &SPANS)]);
pub(super) static TRACES: Weighed = Weighed(&shape(0, &[(1, &RESOURCE_SPANS)]));

static LINE: Shape = shape(size_of::<LogRecord>(), &[(5, &ANY), (6, &PAIR)]);
static LINES: Shape = shape(size_of::<ScopeLogs>(), &[(1, &SCOPE), (2, &LINE)]);
static RESOURCE_LINES: Shape = shape(size_of::<ResourceLogs>(), &[(1, &RESOURCE), (2, &LINES)]);
pub(super) static LOGS: Weighed = Weighed(&shape(0, &[(1, &RESOURCE_LINES)]));

static EXEMPLAR: Shape = shape(size_of::<Exemplar>(), &[(7, &PAIR)]);
static NUMBER: Shape = shape(size_of::<NumberDataPoint>(), &[(5, &EXEMPLAR), (7, &PAIR)]);
static HISTOGRAM: Shape = shape(size_of::<HistogramDataPoint>(), &[(8, &EXEMPLAR), (9, &PAIR)]);
static BUCKETS: Shape = Shape { size: 0, parts: &[], numbers: 2 };
static EXPONENTIAL: Shape = shape(
    size_of::<ExponentialHistogramDataPoint>(),
    &[(1, &PAIR), (8, &BUCKETS), (9, &BUCKETS), (11, &EXEMPLAR)],
);
static SUMMARY: Shape = shape(size_of::<SummaryDataPoint>(), &[(6, &QUANTILE), (7, &PAIR)]);
static QUANTILE: Shape = shape(size_of::<summary_data_point::ValueAtQuantile>(), &[]);
static METRIC: Shape = shape(
    size_of::<Metric>(),
    &[(5, &NUMBERS), (7, &NUMBERS), (9, &HISTOGRAMS), (10, &EXPONENTIALS), (11, &SUMMARIES), (12, &PAIR)],
);
static NUMBERS: Shape = shape(0, &[(1, &NUMBER)]);
static HISTOGRAMS: Shape = shape(0, &[(1, &HISTOGRAM)]);
static EXPONENTIALS: Shape = shape(0, &[(1, &EXPONENTIAL)]);
static SUMMARIES: Shape = shape(0, &[(1, &SUMMARY)]);
static METRICS_OF: Shape = shape(size_of::<ScopeMetrics>(), &[(1, &SCOPE), (2, &METRIC)]);
static RESOURCE_METRICS: Shape = shape(size_of::<ResourceMetrics>(), &[(1, &RESOURCE), (2, &METRICS_OF)]);
pub(super) static METRICS: Weighed = Weighed(&shape(0, &[(1, &RESOURCE_METRICS)]));

/// How deep values may be within one another: no deeper than whoever reads them goes.
const DEEPEST: usize = 100;
/// What anything in braces takes at most in memory that stands in JSON, on the average: names take room there too.
const BRACES: usize = 192;

/// A message whose weight can be told.
pub(super) struct Weighed(&'static Shape);

impl Weighed {
    /// Bytes that a message of protocol buffers takes in memory besides its texts.
    pub(super) fn protobuf(&self, bytes: &[u8]) -> Result<usize, Refusal> {
        let mut weight = 0;
        weigh(self.0, bytes, DEEPEST, &mut weight)
            .ok_or_else(|| Refusal::Malformed("its fields are not whole, or too deep".into()))?;
        Ok(weight)
    }

    /// The same of JSON: about.
    pub(super) fn json(bytes: &[u8]) -> usize {
        let numbers = bytes.iter().filter(|byte| **byte == b',').count() * size_of::<u64>();
        bytes.iter().filter(|byte| **byte == b'{').count() * BRACES + numbers
    }
}

fn weigh(shape: &Shape, mut bytes: &[u8], depth: usize, weight: &mut usize) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        let (field, wire) = (key >> 3, key & 7);
        match wire {
            0 => drop(varint(&mut bytes)?),
            1 => drop(bytes.split_off(..8)?),
            5 => drop(bytes.split_off(..4)?),
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).ok()?;
                let content = bytes.split_off(..length)?;
                if let Some((_, part)) = shape.parts.iter().find(|(own, _)| *own == field) {
                    *weight += part.size;
                    weigh_part(part, content, depth, weight)?;
                } else if field == shape.numbers {
                    *weight += length * size_of::<u64>();
                }
            }
            _ => return None,
        }
    }
    Some(())
}

fn weigh_part(part: &Shape, content: &[u8], depth: usize, weight: &mut usize) -> Option<()> {
    // Texts are no messages.
    if part.parts.is_empty() && part.numbers == 0 { Some(()) } else { weigh(part, content, depth, weight) }
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.split_off_first()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use prost::Message;

    use super::*;

    #[test]
    fn what_is_empty_has_weight() {
        let spans = ScopeSpans { spans: vec![Span::default(); 1000], ..ScopeSpans::default() };
        let group = ResourceSpans { scope_spans: vec![spans], ..ResourceSpans::default() };
        let message = ExportTraceServiceRequest { resource_spans: vec![group] }.encode_to_vec();
        assert!(message.len() < 2100);
        let weight = TRACES.protobuf(&message).unwrap();
        assert!(weight >= 2000 * size_of::<Span>() && weight < 2100 * size_of::<Span>(), "{weight}");
        for end in [1, 2, 3, message.len() - 1] {
            assert!(TRACES.protobuf(&message[..end]).is_err(), "{end}");
        }
    }
}
