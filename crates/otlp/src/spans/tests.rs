//! Requests in, spans out, as OpenTelemetry's own messages understand them.

use std::collections::BTreeMap;

use model::request::Incomplete;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span};
use prost::Message;

use super::*;
use crate::testing::{peer, request};
use crate::trace::Ids;

fn export(requests: &[(Request, Trace)], sampled: bool) -> Vec<ResourceSpans> {
    let mut batch = Batch::default();
    requests.iter().for_each(|(request, trace)| batch.add(request, trace, sampled));
    assert_eq!(batch.count() as usize, requests.len());
    let mut message = b"of before".to_vec();
    let count = batch.take(&[(names::HOST_ID, "h1".into())], "1.2.3", &mut message);
    assert_eq!((count as usize, batch.count(), batch.bytes()), (requests.len(), 0, 0));
    ExportTraceServiceRequest::decode(&*message).expect("a message").resource_spans
}

fn one(request: Request) -> (Span, BTreeMap<String, String>) {
    let trace = Ids::default().trace(&request);
    let mut spans = export(&[(request, trace)], false);
    let span = spans.remove(0).scope_spans.remove(0).spans.remove(0);
    let attributes = texts(&span.attributes);
    assert_eq!(attributes.len(), span.attributes.len(), "a key is there twice: {:?}", span.attributes);
    (span, attributes)
}

fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |value: &Option<AnyValue>| match value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Any::StringValue(text)) => text.clone(),
        Some(Any::IntValue(number)) => format!("#{number}"),
        Some(Any::BoolValue(value)) => format!("#{value}"),
        other => panic!("{other:?}"),
    };
    attributes.iter().map(|pair| (pair.key.clone(), text(&pair.value))).collect()
}

#[track_caller]
fn expect(found: &BTreeMap<String, String>, expected: &[(&str, &str)]) {
    let expected: BTreeMap<_, _> =
        expected.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    assert_eq!(*found, expected);
}

#[test]
fn a_servers_span_has_all_that_the_request_has() {
    let (span, attributes) = one(request());
    assert_eq!((span.name.as_str(), span.kind), ("GET /users/{id}", 2));
    assert_eq!(span.start_time_unix_nano, 1_795_161_600_123_456_789);
    assert_eq!(span.end_time_unix_nano, 1_795_161_600_123_456_789 + 213_456);
    assert_eq!((span.trace_id.len(), span.span_id.len(), span.parent_span_id.len()), (16, 8, 0));
    assert_eq!((span.status, span.flags, span.trace_state.as_str()), (None, 0, ""));
    expect(
        &attributes,
        &[
            ("http.request.method", "GET"),
            ("http.response.status_code", "#200"),
            ("http.route", "/users/{id}"),
            ("url.path", "/users/7"),
            ("network.protocol.name", "http"),
            ("client", "shop"),
            ("server", "nginx"),
            ("server.address", "10.0.0.9"),
            ("server.port", "#80"),
            ("client.address", "10.0.0.7"),
            ("network.peer.address", "10.0.0.7"),
            ("network.peer.port", "#40112"),
            ("weir.request.size", "#112"),
            ("weir.response.size", "#5120"),
            ("weir.connection", "0000000000008f2c"),
            ("thread.id", "#815"),
        ],
    );
}

#[test]
fn a_clients_span_names_the_server_as_its_peer() {
    let (span, attributes) = one(Request {
        role: Role::Client,
        error: Some("404".into()),
        waiting: true,
        incomplete: Some(Incomplete::Response),
        place: None,
        sequence: None,
        ..request()
    });
    assert_eq!(
        (span.kind, span.status.map(|status| (status.code, status.message))),
        (3, Some((2, String::new())))
    );
    let has = |key: &str| attributes.get(key).map(String::as_str);
    assert_eq!((has("network.peer.address"), has("network.peer.port")), (Some("10.0.0.9"), Some("#80")));
    assert_eq!((has("error.type"), has("weir.waiting")), (Some("404"), Some("#true")));
    assert_eq!((has("weir.missing"), has("client.address")), (Some("response"), None));
    let (span, _) = one(Request { role: Role::Unknown, ..request() });
    assert_eq!(span.kind, 3, "a side that is not known counts as the client, as in metrics");
}

#[test]
fn what_the_request_says_goes_before_addresses() {
    let mut told = request();
    told.attributes.text(names::SERVER_ADDRESS, "shop.example.com");
    told.attributes.text(names::CLIENT_ADDRESS, "203.0.113.7");
    let told = told.with_ends(|ends| ends.client = peer("198.51.100.9:1", None));
    let (_, attributes) = one(told);
    let has = |key: &str| attributes.get(key).map(String::as_str);
    assert_eq!(
        (has("server.address"), has("client.address")),
        (Some("shop.example.com"), Some("203.0.113.7"))
    );
    assert_eq!((has("client"), has("network.peer.address")), (Some("internet"), Some("198.51.100.9")));
}

#[test]
fn unix_sockets_have_no_ports() {
    let unix = |path: &str| Peer { endpoint: Endpoint::Unix(path.into()), service: None };
    let (_, attributes) = one(Request {
        role: Role::Client,
        ..request().with_ends(|ends| {
            ends.client = unix("");
            ends.server = unix("/run/redis.sock");
        })
    });
    let has = |key: &str| attributes.get(key).map(String::as_str);
    assert_eq!(
        (has("server.address"), has("network.peer.address")),
        (Some("/run/redis.sock"), Some("/run/redis.sock"))
    );
    assert_eq!((has("server.port"), has("network.peer.port"), has("client")), (None, None, Some("local")));
}

#[test]
fn a_header_makes_the_span_a_part_of_its_trace() {
    let mut traced = request();
    traced.attributes.text(names::TRACEPARENT, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    let (span, attributes) = one(traced.clone());
    assert_eq!(span.trace_id, 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128.to_be_bytes());
    assert_eq!(span.parent_span_id, 0xb7ad_6b71_6920_3331_u64.to_be_bytes());
    assert_eq!((span.flags, attributes.contains_key("traceparent")), (0x301, false));
    let (span, _) = one(Request { role: Role::Client, ..traced });
    assert_eq!(span.flags, 0x001);
    let mut broken = request();
    broken.attributes.text(names::TRACEPARENT, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-");
    assert!(one(broken).0.parent_span_id.is_empty());
}

#[test]
fn spans_that_are_sampled_tell_what_they_stand_for() {
    let request = request();
    let mut trace = Ids::default().trace(&request);
    trace.threshold = 1 << 55;
    let spans = export(&[(request, trace)], true);
    assert_eq!(spans[0].scope_spans[0].spans[0].trace_state, "ot=th:8");
}

#[test]
fn spans_are_grouped_by_their_process() {
    let other = |pid: u32, service: &str| {
        let process = Process { pid, command: "python3".into(), service: service.into() };
        request().with_ends(|ends| {
            ends.process = Some(process);
        })
    };
    let nobody = request().with_ends(|ends| {
        ends.process = None;
        ends.server = peer("10.0.0.9:80", None);
    });
    let named = request().with_ends(|ends| {
        ends.process = None;
    });
    let mut ids = Ids::default();
    let all = [request(), other(7, "shop"), request(), nobody, other(7, "shop"), other(8, "shop"), named];
    let all: Vec<_> = all
        .into_iter()
        .map(|request| {
            let trace = ids.trace(&request);
            (request, trace)
        })
        .collect();
    let groups = export(&all, false);
    let told: Vec<String> = groups
        .iter()
        .map(|group| {
            let resource = texts(&group.resource.as_ref().expect("a resource").attributes);
            assert_eq!(resource["host.id"], "h1");
            let scope = group.scope_spans[0].scope.as_ref().expect("a scope");
            assert_eq!((scope.name.as_str(), scope.version.as_str()), ("weir", "1.2.3"));
            let get = |key: &str| resource.get(key).cloned().unwrap_or_default();
            let count = group.scope_spans[0].spans.len();
            format!(
                "{} {} {} {count}",
                get("service.name"),
                get("process.pid"),
                get("process.executable.name")
            )
        })
        .collect();
    let expected =
        ["nginx #812 nginx 2", "shop #7 python3 2", "unknown_service   1", "shop #8 python3 1", "nginx   1"];
    assert_eq!(told, expected);
    let ids: std::collections::HashSet<_> = groups
        .iter()
        .flat_map(|group| &group.scope_spans[0].spans)
        .map(|span| span.span_id.clone())
        .collect();
    assert_eq!(ids.len(), all.len());
}

#[test]
fn hostile_texts_are_bounded() {
    let mut hostile = request();
    hostile.attributes.text(names::DB_QUERY_TEXT, "ä".repeat(100_000));
    hostile.attributes.text(names::URL_QUERY, "\0\u{7f}\"");
    hostile.request_bytes = u64::MAX;
    hostile.time = u64::MAX;
    let (span, attributes) = one(hostile);
    assert_eq!(attributes["db.query.text"], "ä".repeat(2048));
    assert_eq!(attributes["url.query"], "\0\u{7f}\"");
    assert_eq!(attributes["weir.request.size"], format!("#{}", i64::MAX));
    assert_eq!(span.end_time_unix_nano, u64::MAX);
}
