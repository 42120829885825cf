//! OTLP in, as senders see it.

#![allow(clippy::unwrap_used)] // the helpers of a test are tests

mod common;

use std::io::Write;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use common::{Stored, serve};
use http_body_util::BodyExt;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics,
};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use schema::Table;
use server::ingest::otlp::{Limits, Otlp};
use store::Config;
use tonic::Code;
use tonic::codec::CompressionEncoding;
use tower::ServiceExt;

const NOW: u64 = 1_763_800_000_000_000_000;

fn span(number: u64) -> Span {
    Span {
        trace_id: [[1; 8], (number + 1).to_be_bytes()].concat(),
        span_id: (number + 1).to_be_bytes().to_vec(),
        name: "work".into(),
        start_time_unix_nano: NOW + number,
        end_time_unix_nano: NOW + number + 1000,
        ..Span::default()
    }
}

fn traces(spans: Vec<Span>) -> ExportTraceServiceRequest {
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }],
    }
}

fn metrics() -> ExportMetricsServiceRequest {
    let point =
        NumberDataPoint { time_unix_nano: NOW, value: Some(Value::AsInt(1)), ..NumberDataPoint::default() };
    let data = Some(Data::Gauge(Gauge { data_points: vec![point] }));
    let metrics = vec![Metric { name: "m".into(), data, ..Metric::default() }];
    let scope_metrics = vec![ScopeMetrics { metrics, ..ScopeMetrics::default() }];
    let group = ResourceMetrics { scope_metrics, ..ResourceMetrics::default() };
    ExportMetricsServiceRequest { resource_metrics: vec![group] }
}

fn logs() -> ExportLogsServiceRequest {
    let log_records = vec![LogRecord { time_unix_nano: NOW, ..LogRecord::default() }];
    let scope_logs = vec![ScopeLogs { log_records, ..ScopeLogs::default() }];
    ExportLogsServiceRequest { resource_logs: vec![ResourceLogs { scope_logs, ..ResourceLogs::default() }] }
}

fn receiver(stored: &Stored, limits: Limits) -> Arc<Otlp> {
    Otlp::new(Arc::clone(&stored.intake), limits).unwrap()
}

async fn post(router: &Router, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Response<Body> {
    let mut request = Request::post(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    router.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap()
}

async fn bytes(response: Response<Body>) -> Vec<u8> {
    response.into_body().collect().await.unwrap().to_bytes().to_vec()
}

type Headers<'a> = &'a [(&'a str, &'a str)];

const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
const JSON: (&str, &str) = ("content-type", "application/json; charset=utf-8");

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn http_takes_all_signals_in_all_forms() {
    let stored = Stored::new();
    let otlp = receiver(&stored, Limits::default());
    let router = otlp.http();
    let messages = [
        (
            "/v1/traces",
            traces(vec![span(1)]).encode_to_vec(),
            serde_json::to_vec(&traces(vec![span(1)])).unwrap(),
        ),
        ("/v1/metrics", metrics().encode_to_vec(), serde_json::to_vec(&metrics()).unwrap()),
        ("/v1/logs", logs().encode_to_vec(), serde_json::to_vec(&logs()).unwrap()),
    ];
    for (path, protobuf, json) in messages {
        for (kind, body) in [(PROTOBUF, protobuf), (JSON, json)] {
            let zstd = zstd::bulk::compress(&body, 3).unwrap();
            for (encoding, body) in [("identity", body.clone()), ("gzip", gzip(&body)), ("zstd", zstd)] {
                let answer = post(&router, path, &[kind, ("content-encoding", encoding)], body).await;
                assert_eq!(answer.status(), StatusCode::OK, "{path} {kind:?} {encoding}");
                assert_eq!(answer.headers()["content-type"], kind.1.split(';').next().unwrap());
                let expected = if kind == JSON { &b"{}"[..] } else { b"" };
                assert_eq!(bytes(answer).await, expected);
            }
        }
    }
    for table in [Table::Spans, Table::Metrics, Table::Logs] {
        assert_eq!(stored.count(table), 6, "{table}");
    }
    assert!(otlp.counts().iter().all(|(_, counted)| counted.rows == 6 && counted.refused == 0));
}

#[tokio::test]
async fn what_makes_no_sense_is_told_one_by_one() {
    let stored = Stored::new();
    let router = receiver(&stored, Limits::default()).http();
    let wrong = Span { trace_id: vec![1; 3], ..span(2) };
    let message = traces(vec![span(1), wrong.clone(), span(3), wrong]);
    let answer = post(&router, "/v1/traces", &[PROTOBUF], message.encode_to_vec()).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let partial = ExportTraceServiceResponse::decode(&*bytes(answer).await).unwrap().partial_success.unwrap();
    assert!(partial.rejected_spans == 2 && partial.error_message.contains("trace id"), "{partial:?}");
    let answer = post(&router, "/v1/traces", &[JSON], serde_json::to_vec(&message).unwrap()).await;
    let told: serde_json::Value = serde_json::from_slice(&bytes(answer).await).unwrap();
    assert_eq!(told["partialSuccess"]["rejectedSpans"], "2");
    assert_eq!(stored.count(Table::Spans), 4);
}

#[tokio::test]
async fn hostile_messages_are_refused_and_harm_nobody() {
    let stored = Stored::new();
    let router = receiver(&stored, Limits { message: 1 << 20, all: 8 << 20 }).http();
    let bomb = gzip(&vec![0; 50 << 20]);
    // Two bytes each, and hundreds in memory.
    let empty = traces(vec![Span::default(); 200_000]).encode_to_vec();
    let deep = format!(
        r#"{{"resourceSpans":[{{"resource":{{"attributes":[{{"key":"k","value":{}1{}}}]}}}}]}}"#,
        r#"{"arrayValue":{"values":["#.repeat(5000),
        "]}}".repeat(5000)
    );
    let cases: [(Headers<'_>, Vec<u8>, u16); 12] = [
        (&[PROTOBUF], vec![0xff; 100], 400),
        (&[PROTOBUF], vec![0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f], 400),
        (&[PROTOBUF], b"{}".to_vec(), 400),
        (&[JSON], vec![0xff; 100], 400),
        (&[JSON], b"{\"resourceSpans\": 7}".to_vec(), 400),
        (&[JSON], deep.into_bytes(), 400),
        (&[PROTOBUF], vec![0; (1 << 20) + 1], 413),
        (&[PROTOBUF, ("content-encoding", "gzip")], bomb, 413),
        (&[PROTOBUF], empty, 413),
        (&[PROTOBUF, ("content-encoding", "br")], Vec::new(), 415),
        (&[("content-type", "text/plain")], Vec::new(), 415),
        (&[PROTOBUF, ("content-encoding", "zstd")], b"no zstd".to_vec(), 400),
    ];
    for (headers, body, expected) in cases {
        let answer = post(&router, "/v1/traces", headers, body).await;
        assert_eq!(answer.status().as_u16(), expected, "{headers:?}");
        assert!(!answer.headers().contains_key("retry-after"), "{headers:?}");
    }
    let answer = post(&router, "/v1/traces", &[PROTOBUF], traces(vec![span(1)]).encode_to_vec()).await;
    assert_eq!((answer.status(), stored.count(Table::Spans)), (StatusCode::OK, 1));
}

#[tokio::test]
async fn who_is_too_early_is_told_when_to_come_back() {
    let stored = Stored::with(Config { most_waiting: 0, ..Config::default() });
    let otlp = receiver(&stored, Limits::default());
    let message = traces(vec![span(1)]);
    let answer = post(&otlp.http(), "/v1/traces", &[PROTOBUF], message.encode_to_vec()).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers()["retry-after"], "1");
    let address = serve(otlp.grpc()).await;
    let mut client = TraceServiceClient::connect(format!("http://{address}")).await.unwrap();
    let refused = client.export(message).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    // `google.rpc.Status` with a `RetryInfo`: senders try again only then.
    let info = b"type.googleapis.com/google.rpc.RetryInfo";
    assert!(refused.details().windows(info.len()).any(|part| part == info));
    let counted = otlp.counts()[0].1;
    assert_eq!((counted.busy, counted.refused), (2, 0));
}

#[tokio::test]
async fn grpc_takes_all_signals() {
    let stored = Stored::new();
    let address = serve(receiver(&stored, Limits::default()).grpc()).await;
    let url = format!("http://{address}");
    for encoding in [None, Some(CompressionEncoding::Gzip), Some(CompressionEncoding::Zstd)] {
        let mut client = TraceServiceClient::connect(url.clone()).await.unwrap();
        if let Some(encoding) = encoding {
            client = client.send_compressed(encoding).accept_compressed(encoding);
        }
        let told = client.export(traces(vec![span(1), span(2)])).await.unwrap().into_inner();
        assert_eq!(told.partial_success, None);
        let wrong = Span { span_id: vec![0; 8], ..span(1) };
        let told = client.export(traces(vec![wrong, span(3)])).await.unwrap().into_inner();
        assert_eq!(told.partial_success.unwrap().rejected_spans, 1);
    }
    MetricsServiceClient::connect(url.clone()).await.unwrap().export(metrics()).await.unwrap();
    LogsServiceClient::connect(url.clone()).await.unwrap().export(logs()).await.unwrap();
    assert_eq!([Table::Spans, Table::Metrics, Table::Logs].map(|table| stored.count(table)), [9, 1, 1]);
}

#[tokio::test]
async fn grpc_has_bounds_and_says_so() {
    let stored = Stored::new();
    let address = serve(receiver(&stored, Limits { message: 100_000, all: 8 << 20 }).grpc()).await;
    let mut client = TraceServiceClient::connect(format!("http://{address}")).await.unwrap();
    let many = traces((0..10_000).map(span).collect());
    let refused = client.export(many.clone()).await.unwrap_err();
    // Without a time to try again: it is final.
    assert_eq!((refused.code(), refused.details().len() < 200), (Code::ResourceExhausted, true));
    assert!(refused.message().contains("fewer items"), "{refused:?}");
    let mut packed = client.clone().send_compressed(CompressionEncoding::Zstd);
    assert_eq!(packed.export(many).await.unwrap_err().code(), Code::ResourceExhausted);
    client.export(traces(vec![span(1)])).await.unwrap();
    let channel = tonic::transport::Endpoint::from_shared(format!("http://{address}")).unwrap();
    let mut other = LogsServiceClient::with_origin(
        channel.connect().await.unwrap(),
        format!("http://{address}/elsewhere").parse().unwrap(),
    );
    assert_eq!(other.export(logs()).await.unwrap_err().code(), Code::Unimplemented);
    assert_eq!(stored.count(Table::Spans), 1);
}
