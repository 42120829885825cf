//! What is different between traces, metrics and logs.

use std::time::{SystemTime, UNIX_EPOCH};

use arrow_schema::ArrowError;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use schema::Table;
use serde::de::DeserializeOwned;

use super::refusal::Refusal;
use super::sheet::Converted;
use super::weight::{self, Weighed};

/// One of the three.
pub(super) trait Signal: Send + Sync + 'static {
    /// What senders send.
    type Request: Message + Default + DeserializeOwned;
    /// Its place among the counts.
    const PLACE: usize;
    /// Where its rows go.
    const TABLE: Table;
    /// What JSON calls the number of items that were left out.
    const REJECTED: &'static str;
    /// Its path of HTTP.
    const PATH: &'static str;
    /// Its path of gRPC.
    const METHOD: &'static str;

    /// What its messages take in memory.
    const WEIGHED: &'static Weighed;

    fn convert(message: &Self::Request) -> Result<Converted, ArrowError>;
}

pub(super) struct Traces;

impl Signal for Traces {
    type Request = ExportTraceServiceRequest;
    const PLACE: usize = 0;
    const TABLE: Table = Table::Spans;
    const REJECTED: &'static str = "rejectedSpans";
    const PATH: &'static str = "/v1/traces";
    const METHOD: &'static str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    const WEIGHED: &'static Weighed = &weight::TRACES;

    fn convert(message: &Self::Request) -> Result<Converted, ArrowError> {
        super::spans(message)
    }
}

pub(super) struct Metrics;

impl Signal for Metrics {
    type Request = ExportMetricsServiceRequest;
    const PLACE: usize = 1;
    const TABLE: Table = Table::Metrics;
    const REJECTED: &'static str = "rejectedDataPoints";
    const PATH: &'static str = "/v1/metrics";
    const METHOD: &'static str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
    const WEIGHED: &'static Weighed = &weight::METRICS;

    fn convert(message: &Self::Request) -> Result<Converted, ArrowError> {
        super::metrics(message)
    }
}

pub(super) struct Logs;

impl Signal for Logs {
    type Request = ExportLogsServiceRequest;
    const PLACE: usize = 2;
    const TABLE: Table = Table::Logs;
    const REJECTED: &'static str = "rejectedLogRecords";
    const PATH: &'static str = "/v1/logs";
    const METHOD: &'static str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
    const WEIGHED: &'static Weighed = &weight::LOGS;

    fn convert(message: &Self::Request) -> Result<Converted, ArrowError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        super::logs(message, i64::try_from(now).unwrap_or(i64::MAX))
    }
}

/// How a message is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Protobuf,
    Json,
}

impl Form {
    /// By the media type, whatever parameters it has.
    pub(super) fn named(media: &str) -> Option<Form> {
        let name = media.split(';').next().unwrap_or_default().trim();
        [Form::Protobuf, Form::Json].into_iter().find(|form| name.eq_ignore_ascii_case(form.media()))
    }

    pub(super) fn media(self) -> &'static str {
        match self {
            Form::Protobuf => "application/x-protobuf",
            Form::Json => "application/json",
        }
    }

    /// Bytes that a message will take in memory, besides its texts.
    pub(super) fn weigh<S: Signal>(self, bytes: &[u8]) -> Result<usize, Refusal> {
        match self {
            Form::Protobuf => S::WEIGHED.protobuf(bytes),
            Form::Json => Ok(Weighed::json(bytes)),
        }
    }

    pub(super) fn read<S: Signal>(self, bytes: &[u8]) -> Result<S::Request, Refusal> {
        match self {
            Form::Protobuf => {
                S::Request::decode(bytes).map_err(|error| Refusal::Malformed(error.to_string()))
            }
            Form::Json => {
                serde_json::from_slice(bytes).map_err(|error| Refusal::Malformed(error.to_string()))
            }
        }
    }
}
