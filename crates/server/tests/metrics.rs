//! What the server tells of itself at `/metrics`, and that a question ends with whoever asked it.

#![allow(clippy::unwrap_used)] // the helpers of a test are tests

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::api::{Api, now};
use rows::Places;
use schema::{Rows, Table};

/// What Prometheus gets.
fn page(api: &Api) -> String {
    let url = format!("http://{}/metrics", api.server.addresses()[0]);
    ureq::get(url).call().unwrap().body_mut().read_to_string().unwrap()
}

/// The value of a series of a page; none where there is no such series.
fn figure(page: &str, series: &str) -> Option<f64> {
    page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

fn until(api: &Api, what: &str, is_so: impl Fn(&str) -> bool) {
    let began = Instant::now();
    while !is_so(&page(api)) {
        assert!(began.elapsed() < Duration::from_secs(30), "{what}\n{}", page(api));
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// So many requests, no two of the same name.
fn fill(api: &Api, count: i64) {
    let at = Places::default();
    let base = now() - 1_000_000_000;
    for batch in 0..(count + 9_999) / 10_000 {
        let mut rows = Rows::new(Table::Requests);
        for number in batch * 10_000..((batch + 1) * 10_000).min(count) {
            rows.number(at.time, base + number);
            rows.number(at.duration, number);
            rows.text(at.role, "server");
            rows.text(at.protocol, "http");
            rows.text(at.name, &format!("GET /{number}"));
            rows.text(at.server.service, "shop");
            rows.text(at.service, "shop");
            rows.end().unwrap();
        }
        api.take(1 + batch as u64, &mut rows);
    }
}

#[test]
fn a_page_tells_what_came_and_what_was_asked() {
    let api = Api::new();
    fill(&api, 100);
    api.get("operations", &[]);
    assert_eq!(api.ask("requests", &[("after", "x")], &[]).status, 400);
    let page = page(&api);
    assert_eq!(figure(&page, "weir_store_rows_total"), Some(100.0), "{page}");
    assert_eq!(figure(&page, r#"weir_server_info{version="test"}"#), Some(1.0));
    assert_eq!(figure(&page, "weir_store_trouble"), Some(0.0));
    assert_eq!(figure(&page, r#"weir_server_queries_total{outcome="failed"}"#), Some(0.0));
    let answered = figure(&page, r#"weir_server_queries_total{outcome="answered"}"#).unwrap();
    assert!(answered >= 2.0, "the operations, and what was lost of them: {page}");
    assert_eq!(figure(&page, "weir_server_query_duration_seconds_count"), Some(answered));
    for series in [
        r#"weir_server_ingest_rows_total{source="agents"}"#,
        r#"weir_server_ingest_rejected_total{source="spans"}"#,
        r#"weir_server_ingest_refused_total{source="logs",reason="busy"}"#,
        r#"weir_store_dropped_total{table="requests",reason="size"}"#,
        r#"weir_server_connections_closed_total{cause="too many"}"#,
        r#"weir_server_refused_total{reason="unauthenticated"}"#,
    ] {
        assert_eq!(figure(&page, series), Some(0.0), "{series}: {page}");
    }
    assert!(figure(&page, "weir_server_connections_taken_total").unwrap() >= 1.0);

    let promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut promtool) = promtool else {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "there is no promtool");
        eprintln!("skipped: there is no promtool");
        return;
    };
    promtool.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let said = promtool.wait_with_output().unwrap();
    assert!(said.status.success() && said.stdout.is_empty() && said.stderr.is_empty(), "{said:?}");
}

#[test]
fn a_question_ends_with_whoever_asked() {
    const CANCELLED: &str = r#"weir_server_queries_total{outcome="cancelled"}"#;
    const RUNNING: &str = "weir_server_queries_running";
    let api = Api::new();
    fill(&api, 400_000);
    let ask = |path: &str| {
        let mut stream = TcpStream::connect(api.server.addresses()[0]).unwrap();
        stream
            .write_all(format!("GET /api/v1/{path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes())
            .unwrap();
        stream
    };
    // It has a group for each row.
    let operations = ask("operations?by=name&order=p99");
    until(&api, "it is worked on", |page| figure(page, RUNNING) == Some(1.0));
    drop(operations);
    until(&api, "it is given up", |page| {
        figure(page, CANCELLED) == Some(1.0) && figure(page, RUNNING) == Some(0.0)
    });
    // One that is told as it is found: its reader has had a part of it, and takes no more.
    let mut export = ask("export");
    export.read_exact(&mut [0; 1000]).unwrap();
    drop(export);
    until(&api, "it is given up too", |page| {
        figure(page, CANCELLED) == Some(2.0) && figure(page, RUNNING) == Some(0.0)
    });
    assert_eq!(figure(&page(&api), r#"weir_server_queries_total{outcome="answered"}"#), Some(0.0));
}

#[test]
fn an_answer_that_takes_too_long_is_given_up() {
    let patience = Duration::from_millis(1);
    let api = Api::with(server::api::Limits { patience, ..server::api::Limits::default() });
    fill(&api, 200_000);
    // It has a group for each row, which nobody finds in a millisecond.
    let told = api.ask("operations", &[("by", "name"), ("order", "p99")], &[]);
    assert_eq!((told.status, &told.kind[..]), (504, "application/problem+json"), "{}", told.text);
    assert!(told.json()["type"].as_str().unwrap().ends_with("took-too-long"), "{}", told.text);
    until(&api, "it is not worked on any more", |page| {
        figure(page, r#"weir_server_queries_total{outcome="cancelled"}"#) == Some(1.0)
            && figure(page, "weir_server_queries_running") == Some(0.0)
    });
}
