//! Requests of real servers, from recordings, as rows. `UPDATE_GOLDEN=1` writes the table anew.

#![allow(clippy::unwrap_used)] // the helpers of a test are tests

#[path = "../../requests/tests/replaying/mod.rs"]
mod replaying;

use std::fmt::Write;
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type, TimestampNanosecondType, UInt64Type};
use arrow_array::{Array, ArrayRef, RecordBatch};
use model::names;
use model::request::{Attributes, Ends, Incomplete, Peer, Value};
use model::trace::{Evidence, Place};
use model::{ConnectionId, Endpoint, Request, Role};
use rows::Requests;
use schema::{Kind, Table};

fn recording(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../requests/tests/recordings/{name}.events"))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A row's value in a column, as text.
fn value(kind: Kind, array: &ArrayRef, row: usize) -> Option<String> {
    array.is_valid(row).then(|| match kind {
        Kind::Time => array.as_primitive::<TimestampNanosecondType>().value(row).to_string(),
        Kind::Duration | Kind::Number => array.as_primitive::<Int64Type>().value(row).to_string(),
        Kind::Id => format!("{:016x}", array.as_primitive::<UInt64Type>().value(row)),
        Kind::Flag => array.as_boolean().value(row).to_string(),
        Kind::Word => {
            let words = array.as_dictionary::<Int32Type>();
            words.values().as_string::<i32>().value(words.keys().value(row) as usize).to_owned()
        }
        Kind::Text => array.as_string::<i32>().value(row).to_owned(),
        Kind::Bytes(_) => hexadecimal(array.as_fixed_size_binary().value(row)),
        Kind::Map => {
            let entries = array.as_map().value(row);
            let [keys, values] = [0, 1].map(|column| entries.column(column).as_string::<i32>().clone());
            let pair = |place| format!("{}={}", keys.value(place), values.value(place));
            (0..entries.len()).map(pair).collect::<Vec<_>>().join(" ")
        }
        Kind::Float | Kind::Histogram => panic!("requests have none"),
    })
}

fn values(batch: &RecordBatch, row: usize) -> Vec<(&'static str, String)> {
    let columns = Table::Requests.columns().iter().zip(batch.columns());
    columns.filter_map(|(column, array)| Some((column.name, value(column.kind, array, row)?))).collect()
}

fn of(batch: &RecordBatch, row: usize, name: &str) -> Option<String> {
    values(batch, row).into_iter().find(|(column, _)| *column == name).map(|(_, value)| value)
}

#[test]
fn recordings_give_their_golden_rows() {
    let mut text = String::new();
    for name in
        ["nginx_curl", "nginx_unix", "mysql_prepared", "postgresql_pipeline", "redis_unix", "dns_queries"]
    {
        let (requests, _) = replaying::replay(&recording(name), replaying::all);
        let mut rows = Requests::new("host-a");
        requests.iter().take(6).for_each(|request| rows.push(request).unwrap());
        assert_eq!(rows.len(), requests.len().min(6));
        let batch = rows.finish().unwrap();
        assert!(rows.is_empty());
        for row in 0..batch.num_rows() {
            writeln!(text, "{name} {row}").unwrap();
            for (column, value) in values(&batch, row) {
                writeln!(text, "    {column}: {value}").unwrap();
            }
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/requests.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    for (found, expected) in text.lines().zip(expected.lines()) {
        assert_eq!(found, expected);
    }
    assert_eq!(text.len(), expected.len());
}

/// Whatever a request tells is somewhere in its row, of all recordings.
#[test]
fn nothing_is_left_out() {
    let folder = recording("x").parent().unwrap().to_owned();
    let mut checked = 0;
    for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.extension().is_none_or(|extension| extension != "events") {
            continue;
        }
        let (requests, _) = replaying::replay(&path, replaying::all);
        let mut rows = Requests::new("host-a");
        requests.iter().for_each(|request| rows.push(request).unwrap());
        let batch = rows.finish().unwrap();
        for (row, request) in requests.iter().enumerate() {
            let found = values(&batch, row);
            let column =
                |name: &str| found.iter().find(|(column, _)| *column == name).map(|(_, value)| &value[..]);
            for (key, value) in request.attributes.iter() {
                let value = value.to_string();
                let others = column("attributes").unwrap_or_default();
                let there = column(key) == Some(&value[..]) || others.contains(&format!("{key}={value}"));
                assert!(there || *key == names::TRACEPARENT, "{key}={value}: {found:?}");
            }
            assert_eq!(column("time"), Some(&request.time.to_string()[..]));
            assert_eq!(column("duration"), Some(&request.duration.to_string()[..]));
            assert_eq!(column("weir.connection"), Some(&request.connection.to_string()[..]));
            assert_eq!(column("error.type"), request.error.as_deref());
            assert_eq!(column("client"), request.ends.client.service.as_deref());
            checked += 1;
        }
    }
    assert!(checked > 300, "{checked}");
}

fn request() -> Request {
    let peer =
        |endpoint: Endpoint, service: Option<&str>| Peer { endpoint, service: service.map(Into::into) };
    let client = peer(Endpoint::Unix("".into()), None);
    let server = peer(Endpoint::ip("::ffff:10.0.0.9".parse().unwrap(), 80), Some("shop"));
    Request {
        time: u64::MAX,
        duration: 5,
        role: Role::Server,
        protocol: "http",
        name: "GET /".into(),
        error: Some("503".into()),
        ends: Ends { client, server, process: None }.into(),
        tid: 0,
        request_bytes: 1,
        response_bytes: 2,
        attributes: Attributes::default(),
        connection: ConnectionId(u64::MAX),
        waiting: true,
        incomplete: Some(Incomplete::Response),
        place: None,
        sequence: None,
    }
}

#[test]
fn what_is_seldom_has_its_place() {
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let mut traced = request();
    traced.attributes.text(names::TRACEPARENT, format!("00-{trace}-00f067aa0ba902b7-01"));
    traced.attributes.text(names::HTTP_RESPONSE_STATUS_CODE, "odd");
    traced.attributes.int(names::DB_RESPONSE_STATUS_CODE, 1064);
    traced.attributes.push("x.number", Value::Int(-7));
    traced.attributes.push("x.word", Value::Word("yes"));
    let mut unsampled = request();
    unsampled.attributes.text(names::TRACEPARENT, format!("00-{trace}-00f067aa0ba902b7-02"));
    let mut broken = request();
    broken.attributes.text(names::TRACEPARENT, "00-4bf9");
    traced.place =
        Some(Place { trace: 1_700_000_000_000_000_000, span: 3, parent: Some((1, Evidence::Thread)) });
    broken.place = Some(Place { trace: 7, span: 0, parent: None });
    broken.sequence = Some(u32::MAX);
    let mut rows = Requests::new("host-a");
    [&traced, &broken, &unsampled].into_iter().for_each(|request| rows.push(request).unwrap());
    let batch = rows.finish().unwrap();
    let of = |row, name| of(&batch, row, name);
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(of(0, "trace_id"), text(trace));
    assert_eq!(of(0, "parent_span_id"), text("00f067aa0ba902b7"));
    assert_eq!((of(0, "trace_flags"), of(2, "trace_flags")), (None, text("2")), "1 goes without saying");
    assert_eq!((of(2, "trace_id"), of(2, "attributes")), (text(trace), None));
    assert_eq!(of(0, "db.response.status_code"), text("1064"));
    assert_eq!(of(0, "attributes"), text("http.response.status_code=odd x.number=-7 x.word=yes"));
    assert_eq!((of(1, "trace_id"), of(1, "attributes")), (None, text("traceparent=00-4bf9")));
    assert_eq!(of(0, "service.name"), text("shop"), "of its side where the process is not known");
    assert_eq!((of(0, "weir.client.address"), of(0, "weir.server.address")), (None, text("10.0.0.9")));
    assert_eq!((of(0, "thread.id"), of(0, "process.pid")), (None, None));
    assert_eq!((of(0, "weir.waiting"), of(0, "weir.missing")), (text("true"), text("response")));
    assert_eq!(of(0, "time"), text(&i64::MAX.to_string()));
    assert_eq!(of(0, "weir.connection"), text("ffffffffffffffff"));
    let joined = |row| ["weir.trace", "weir.span", "weir.parent", "weir.evidence"].map(|name| of(row, name));
    assert_eq!(joined(0), [text("17979cfe362a0000"), text("3"), text("1"), text("thread")]);
    assert_eq!(joined(1), [text("0000000000000007"), text("0"), None, None]);
    assert_eq!((of(0, "weir.sequence"), of(1, "weir.sequence")), (None, text("4294967295")));
}
