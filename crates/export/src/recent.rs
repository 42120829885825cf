//! How requests go at this moment, as lines of JSON in the form of [`crate::json`].

use std::io::Write;

use signals::recent::Row;

use crate::json::integer;
use crate::{escape, time};

/// Appends a row of `view` and a line feed to `out`: what was counted for `covered` nanoseconds up to `at`. `quantiles` are the parts of
/// all requests whose durations are told: `p50` for 0.5.
pub fn write(row: &Row, view: &str, at: u64, covered: u64, quantiles: &[f64], out: &mut Vec<u8>) {
    let (subject, figures) = (&row.subject, &row.figures);
    out.reserve(512);
    out.extend_from_slice(b"{\"time\":\"");
    time::rfc3339(at, out);
    out.push(b'"');
    text("view", view, out);
    text("client", &subject.client, out);
    text("server", &subject.server, out);
    text("protocol", &subject.protocol, out);
    text("name", &subject.name, out);
    text("role", row.side.as_str(), out);
    duration("seconds", covered, out);
    number("requests", figures.requests, out);
    number("errors", figures.errors, out);
    number("waiting", figures.waits, out);
    // Figures that are worked out need no more digits than they are worth.
    let rate = figures.requests as f64 * 1e9 / covered.max(1) as f64;
    let error_rate = figures.errors as f64 * 1e9 / covered.max(1) as f64;
    // To write into memory does not fail.
    let _ = write!(out, ",\"rate\":{rate:.3},\"error_rate\":{error_rate:.3}");
    for part in quantiles {
        if let Some(value) = figures.quantile(*part) {
            duration(&format!("p{}", part * 100.0), value, out);
        }
    }
    if let Some(longest) = figures.longest() {
        duration("longest", longest, out);
    }
    out.extend_from_slice(b",\"request\":{\"bytes\":");
    integer(figures.request_bytes, out);
    out.extend_from_slice(b"},\"response\":{\"bytes\":");
    integer(figures.response_bytes, out);
    out.extend_from_slice(b"}}\n");
}

fn key(name: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

fn text(name: &str, value: &str, out: &mut Vec<u8>) {
    if !value.is_empty() {
        key(name, out);
        escape::string(value, out);
    }
}

fn number(name: &str, value: u64, out: &mut Vec<u8>) {
    key(name, out);
    integer(value, out);
}

fn duration(name: &str, value: u64, out: &mut Vec<u8>) {
    key(name, out);
    time::seconds(value, out);
}

#[cfg(test)]
mod tests {
    use model::Role;
    use signals::recent::{Figures, Subject};

    use super::*;

    #[test]
    fn a_row_is_a_line() {
        let mut figures = Figures::default();
        (figures.requests, figures.errors, figures.waits) = (30, 3, 30);
        (figures.request_bytes, figures.response_bytes) = (100, 200);
        let subject = Subject { client: "sh\"op".into(), server: "redis".into(), ..Subject::default() };
        let row = Row { subject, side: Role::Client, figures, total: 30 };
        let mut out = Vec::new();
        write(&row, "edges", 1_795_161_600_123_456_789, 10_000_000_000, &[0.5], &mut out);
        let expected = "{\"time\":\"2026-11-20T08:00:00.123456789Z\",\"view\":\"edges\",\"client\":\"sh\\\"op\",\
            \"server\":\"redis\",\"role\":\"client\",\"seconds\":10,\"requests\":30,\"errors\":3,\"waiting\":30,\
            \"rate\":3.000,\"error_rate\":0.300,\"request\":{\"bytes\":100},\"response\":{\"bytes\":200}}\n";
        let found = String::from_utf8_lossy(&out).replace("10.000000000", "10");
        assert_eq!(found, expected);
    }
}
