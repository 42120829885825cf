//! Messages in, rows out. Messages are written as JSON, which is read as senders' is.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, TimestampNanosecondType};
use arrow_array::{Array, RecordBatch};
use serde_json::{Value, json};

use super::*;

const TRACE: &str = "5b8efff798038103d269b633813fc60c";
const SPAN: &str = "eee19b7ec3c1b174";

fn convert<S: Signal>(message: &Value) -> Converted {
    S::convert(&Form::Json.read::<S>(message.to_string().as_bytes()).unwrap()).unwrap()
}

fn texts(batch: &RecordBatch, column: &str) -> Vec<String> {
    let array = batch.column_by_name(column).unwrap();
    let text = |row: usize| match array.data_type() {
        _ if array.is_null(row) => "-".to_owned(),
        arrow_schema::DataType::Utf8 => array.as_string::<i32>().value(row).to_owned(),
        arrow_schema::DataType::FixedSizeBinary(_) => {
            array.as_fixed_size_binary().value(row).iter().map(|byte| format!("{byte:02x}")).collect()
        }
        _ => {
            let words = array.as_dictionary::<arrow_array::types::Int32Type>();
            words.values().as_string::<i32>().value(words.key(row).unwrap()).to_owned()
        }
    };
    (0..batch.num_rows()).map(text).collect()
}

fn numbers(batch: &RecordBatch, column: &str) -> Vec<i64> {
    batch.column_by_name(column).unwrap().as_primitive::<Int64Type>().values().to_vec()
}

fn times(batch: &RecordBatch) -> Vec<i64> {
    batch.column_by_name("time").unwrap().as_primitive::<TimestampNanosecondType>().values().to_vec()
}

fn attributes(batch: &RecordBatch, row: usize) -> Vec<(String, String)> {
    let map = batch.column_by_name("attributes").unwrap().as_map();
    if map.is_null(row) {
        return Vec::new();
    }
    let entries = map.value(row);
    let column = |place| entries.column(place).as_string::<i32>().iter().map(|text| text.unwrap().to_owned());
    column(0).zip(column(1)).collect()
}

fn pair(key: &str, value: &str) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

fn attribute(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

fn span(more: Value) -> Value {
    let mut span = json!({"traceId": TRACE, "spanId": SPAN, "name": "I do", "startTimeUnixNano": "1544712660000000000",
        "endTimeUnixNano": "1544712661000000000"});
    span.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    span
}

fn traces(spans: &[Value]) -> Value {
    json!({"resourceSpans": [{
        "resource": {"attributes": [attribute("service.name", "shop"), attribute("host.name", "h1"), attribute("a", "of all")]},
        "scopeSpans": [{"scope": {"name": "lib", "version": "1"}, "spans": spans}]
    }]})
}

#[test]
fn a_span_is_a_row() {
    let attributes_of = json!([
        attribute("a", "own"),
        {"key": "yes", "value": {"boolValue": true}},
        {"key": "n", "value": {"intValue": "-7"}},
        {"key": "m", "value": {"intValue": 8}},
        {"key": "f", "value": {"doubleValue": 1.5}},
        {"key": "b", "value": {"bytesValue": "AQI="}},
        {"key": "none", "value": {}},
        {"key": "list", "value": {"arrayValue": {"values": [{"intValue": "1"}, {"stringValue": "x"}]}}},
        {"key": "map", "value": {"kvlistValue": {"values": [attribute("k", "v")]}}},
    ]);
    let full = span(json!({"kind": 2, "parentSpanId": "00000000000000ff", "attributes": attributes_of,
        "status": {"code": 2, "message": "no"}, "flags": 257, "unknown": {"x": [1]}}));
    let told = convert::<Traces>(&traces(&[full, span(json!({}))]));
    let batch = &told.batch;
    assert_eq!((told.rejected, told.message, batch.num_rows()), (0, None, 2));
    assert_eq!(times(batch), [1_544_712_660_000_000_000; 2]);
    assert_eq!(numbers(batch, "duration"), [1_000_000_000; 2]);
    for (column, first, second) in [
        ("service.name", "shop", "shop"),
        ("host.name", "h1", "h1"),
        ("name", "I do", "I do"),
        ("kind", "server", "-"),
        ("error.type", "error", "-"),
        ("scope", "lib", "lib"),
        ("trace_id", TRACE, TRACE),
        ("span_id", SPAN, SPAN),
        ("parent_span_id", "00000000000000ff", "-"),
    ] {
        assert_eq!(texts(batch, column), [first, second], "{column}");
    }
    let expected = [
        ("a", "own"),
        ("yes", "true"),
        ("n", "-7"),
        ("m", "8"),
        ("f", "1.5"),
        ("b", "AQI="),
        ("none", ""),
        ("list", r#"[1,"x"]"#),
        ("map", r#"{"k":"v"}"#),
        ("otel.status_description", "no"),
    ];
    assert_eq!(attributes(batch, 0), expected.map(|(key, value)| pair(key, value)));
    assert_eq!(attributes(batch, 1), [pair("a", "of all")]);
}

#[test]
fn what_failed_says_how() {
    let exception = json!([{"name": "exception", "attributes": [attribute("exception.type", "KeyError")]}]);
    let cases = [
        (json!({"status": {"code": 2}}), "error"),
        (json!({"status": {"code": 2}, "events": exception}), "KeyError"),
        (json!({"status": {"code": 1}, "events": exception}), "-"),
        (json!({"status": {"code": 2}, "attributes": [attribute("error.type", "500")]}), "500"),
        (json!({"attributes": [attribute("error.type", "timeout")]}), "timeout"),
        (json!({}), "-"),
    ];
    for (more, expected) in cases {
        let told = convert::<Traces>(&traces(&[span(more.clone())]));
        assert_eq!(texts(&told.batch, "error.type"), [expected], "{more}");
        assert!(attributes(&told.batch, 0).iter().all(|(key, _)| key != "error.type"));
    }
}

#[test]
fn spans_that_make_no_sense_are_left_out_alone() {
    let wrong = [
        json!({"traceId": ""}),
        json!({"traceId": "00000000000000000000000000000000"}),
        json!({"traceId": "5b8efff798038103"}),
        json!({"spanId": "0000000000000000"}),
        json!({"spanId": "ee"}),
        json!({"parentSpanId": "ee"}),
        json!({"startTimeUnixNano": "0"}),
        json!({"startTimeUnixNano": "18446744073709551615"}),
    ];
    for more in wrong {
        let told = convert::<Traces>(&traces(&[span(json!({})), span(more.clone())]));
        assert_eq!((told.batch.num_rows(), told.rejected), (1, 1), "{more}");
        assert!(told.message.is_some());
    }
    // Clocks go astray: no span lasts less than no time.
    let told = convert::<Traces>(&traces(&[span(json!({"endTimeUnixNano": "5"}))]));
    assert_eq!(numbers(&told.batch, "duration"), [0]);
}

#[test]
fn a_resource_does_not_make_a_small_message_large() {
    let long = "x".repeat(1 << 20);
    let mut message = traces(&vec![span(json!({})); 100]);
    message["resourceSpans"][0]["resource"]["attributes"] = json!([attribute("long", &long)]);
    let told = convert::<Traces>(&message);
    assert_eq!((told.batch.num_rows(), told.rejected), (63, 37));
    let many: Vec<Value> = (0..200).map(|n| attribute(&format!("k{n}"), "v")).collect();
    let told = convert::<Traces>(&traces(&[span(json!({"attributes": many}))]));
    assert_eq!((attributes(&told.batch, 0).len(), told.rejected), (129, 0));
    assert!(told.message.is_some(), "what is left out is told");
}

#[test]
fn a_body_is_read_as_its_headers_say() {
    let body = traces(&[span(json!({}))]).to_string().into_bytes();
    let packed = zstd::bulk::compress(&body, 1).unwrap();
    let rows = |path: &str, headers: (&str, Option<&str>), body: &[u8]| {
        read(path, headers, body.to_vec(), Limits::default()).map(|found| found.batch.num_rows())
    };
    let json = "application/json; charset=utf-8";
    assert_eq!(rows("/v1/traces", (json, None), &body), Ok(1));
    assert_eq!(rows("/v1/traces", (json, Some("zstd")), &packed), Ok(1));
    assert_eq!(rows("/v1/logs", (json, None), b"{}"), Ok(0));
    let wrong = [
        ("/v1/trace", (json, None), &*body),
        ("/v1/traces", ("text/plain", None), &body),
        ("/v1/traces", (json, Some("br")), &body),
        ("/v1/traces", (json, Some("gzip")), &packed),
        ("/v1/traces", ("application/x-protobuf", None), &body),
    ];
    for (path, headers, body) in wrong {
        assert!(rows(path, headers, body).is_err(), "{path} {headers:?}");
    }
}

fn metric(more: Value) -> Value {
    let mut metric = json!({"name": "m", "unit": "s"});
    metric.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"resourceMetrics": [{
        "resource": {"attributes": [attribute("service.name", "shop")]},
        "scopeMetrics": [{"scope": {"name": "lib"}, "metrics": [metric]}]
    }]})
}

#[test]
fn points_are_rows() {
    let point = |more: Value| {
        let mut point = json!({"timeUnixNano": "1544712660000000000", "attributes": [attribute("k", "v")]});
        point.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        point
    };
    let histogram = point(
        json!({"count": "4", "sum": 6.5, "bucketCounts": ["1", "2", "1"], "explicitBounds": [1.0, 2.0]}),
    );
    let exponential = point(
        json!({"count": 3, "sum": 7, "scale": 0, "zeroCount": 0, "positive": {"offset": 0, "bucketCounts": ["1", 2]}}),
    );
    let cases = [
        (json!({"gauge": {"dataPoints": [point(json!({"asDouble": 1.5}))]}}), "gauge", 1.5, None, 0, false),
        (json!({"gauge": {"dataPoints": [point(json!({"asInt": "-3"}))]}}), "gauge", -3.0, None, 0, false),
        (
            json!({"sum": {"dataPoints": [point(json!({"asInt": "9"}))], "aggregationTemporality": 2, "isMonotonic": true}}),
            "counter",
            9.0,
            None,
            0,
            false,
        ),
        (
            json!({"sum": {"dataPoints": [point(json!({"asInt": 9}))], "aggregationTemporality": 1, "isMonotonic": false}}),
            "gauge",
            9.0,
            None,
            0,
            true,
        ),
        (
            json!({"histogram": {"dataPoints": [histogram], "aggregationTemporality": 2}}),
            "histogram",
            6.5,
            Some(4),
            4,
            false,
        ),
        (
            json!({"exponentialHistogram": {"dataPoints": [exponential], "aggregationTemporality": 1}}),
            "histogram",
            7.0,
            Some(3),
            3,
            true,
        ),
        (
            json!({"summary": {"dataPoints": [point(json!({"count": "5", "sum": 2.5, "quantileValues": [{"quantile": 0.5, "value": 1}]}))]}}),
            "histogram",
            2.5,
            Some(5),
            0,
            false,
        ),
    ];
    for (data, kind, value, count, in_buckets, delta) in cases {
        let told = convert::<Metrics>(&metric(data.clone()));
        let batch = &told.batch;
        assert_eq!((batch.num_rows(), told.rejected), (1, 0), "{data}");
        let words = ["metric", "kind", "unit", "service.name"].map(|column| texts(batch, column).remove(0));
        assert_eq!(words, ["m", kind, "s", "shop"], "{data}");
        assert_eq!(batch.column_by_name("value").unwrap().as_primitive::<Float64Type>().value(0), value);
        let counts = batch.column_by_name("count").unwrap();
        let found = counts.is_valid(0).then(|| counts.as_primitive::<Int64Type>().value(0));
        assert_eq!(found, count, "{data}");
        let buckets = batch.column_by_name("buckets").unwrap().as_binary::<i32>();
        let sum: u64 = schema::histogram::unpack(buckets.value(0)).map(|(_, count)| count).sum();
        assert_eq!(sum, in_buckets, "{data}");
        let mut expected = vec![pair("k", "v"), pair("otel.scope.name", "lib")];
        expected.extend(delta.then(|| pair("weir.temporality", "delta")));
        assert_eq!(attributes(batch, 0), expected);
    }
}

#[test]
fn points_that_make_no_sense_are_left_out() {
    let gauge = |point: Value| metric(json!({"gauge": {"dataPoints": [point]}}));
    for (message, rejected) in [
        (gauge(json!({"asInt": 1})), 1),
        (gauge(json!({"timeUnixNano": 5})), 1),
        (gauge(json!({"timeUnixNano": 5, "flags": 1})), 0),
        (
            metric(
                json!({"histogram": {"dataPoints": [{"timeUnixNano": 5, "count": 1, "bucketCounts": [1, 2]}]}}),
            ),
            1,
        ),
        (metric(json!({})), 0),
    ] {
        let told = convert::<Metrics>(&message);
        assert_eq!((told.batch.num_rows(), told.rejected), (0, rejected), "{message}");
    }
}

#[test]
fn lines_are_rows() {
    let record = |more: Value| {
        let mut record =
            json!({"timeUnixNano": "7", "observedTimeUnixNano": "9", "body": {"stringValue": "so it was"}});
        record.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        record
    };
    let records = [
        record(json!({"severityNumber": 9, "traceId": TRACE, "spanId": SPAN})),
        record(json!({"severityNumber": 24, "timeUnixNano": "0"})),
        record(json!({"severityText": "Warning", "timeUnixNano": 0, "observedTimeUnixNano": 0})),
        record(
            json!({"severityNumber": 99, "traceId": "ee", "eventName": "login", "body": {"kvlistValue": {"values": []}}}),
        ),
        record(json!({"timeUnixNano": "18446744073709551615"})),
    ];
    let message = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]});
    let message = Form::Json.read::<Logs>(message.to_string().as_bytes()).unwrap();
    let told = logs(&message, 1000).unwrap();
    let batch = &told.batch;
    assert_eq!((batch.num_rows(), told.rejected), (4, 1));
    assert_eq!(times(batch), [7, 9, 1000, 7]);
    assert_eq!(texts(batch, "severity"), ["info", "fatal", "warn", "-"]);
    assert_eq!(texts(batch, "body"), ["so it was", "so it was", "so it was", "{}"]);
    assert_eq!(texts(batch, "trace_id"), [TRACE, "-", "-", "-"]);
    assert_eq!(texts(batch, "span_id"), [SPAN, "-", "-", "-"]);
    assert_eq!(attributes(batch, 3), [pair("event.name", "login")]);
}

#[test]
fn all_places_are_there() {
    for (table, columns) in [
        (
            schema::Table::Spans,
            &["duration", "name", "kind", "error.type", "scope", "trace_id", "span_id"][..],
        ),
        (schema::Table::Metrics, &["metric", "kind", "unit", "value", "count", "buckets"]),
        (schema::Table::Logs, &["severity", "body", "trace_id", "span_id"]),
    ] {
        for column in columns.iter().chain(&["time", "service.name", "host.name", "attributes"]) {
            assert_ne!(sheet::place(table, column), usize::MAX, "{table}: {column}");
        }
    }
}
