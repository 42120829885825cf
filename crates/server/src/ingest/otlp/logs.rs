//! Lines of logs as rows of `logs`.

use std::borrow::Cow;

use arrow_schema::ArrowError;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use schema::Table;

use super::attributes::{Attributes, Resource, text};
use super::sheet::{Converted, Sheet, id, place, time};

/// Where a scope's name goes that has no column.
pub(super) const SCOPE: &str = "otel.scope.name";
/// The same of the name of an event.
const EVENT: &str = "event.name";

struct Places {
    severity: usize,
    body: usize,
    trace: usize,
    span: usize,
}

impl Default for Places {
    fn default() -> Self {
        let at = |name| place(Table::Logs, name);
        Places { severity: at("severity"), body: at("body"), trace: at("trace_id"), span: at("span_id") }
    }
}

/// Lines of a message, which came at `now`: nanoseconds since 1970-01-01 UTC.
pub fn logs(message: &ExportLogsServiceRequest, now: i64) -> Result<Converted, ArrowError> {
    let (mut sheet, at) = (Sheet::new(Table::Logs), Places::default());
    for group in &message.resource_logs {
        let resource = Resource::of(group.resource.as_ref());
        let mut attributes = Attributes::default();
        for scope in &group.scope_logs {
            let name = scope.scope.as_ref().map_or("", |scope| &scope.name);
            for record in &scope.log_records {
                attributes.begin(&record.attributes, |_, _| false);
                for (key, value) in [(SCOPE, name), (EVENT, &record.event_name)] {
                    if !value.is_empty() {
                        attributes.add(key, Cow::Borrowed(value));
                    }
                }
                attributes.inherit(&resource);
                add(&mut sheet, &at, record, now, &resource, &attributes)?;
            }
        }
    }
    sheet.finish()
}

fn add(
    sheet: &mut Sheet,
    at: &Places,
    record: &LogRecord,
    now: i64,
    resource: &Resource<'_>,
    attributes: &Attributes<'_>,
) -> Result<(), ArrowError> {
    // Who wrote a line need not know when; then it counts when it was seen, here at the latest.
    let told = [record.time_unix_nano, record.observed_time_unix_nano].into_iter().find(|time| *time > 0);
    let Some(when) = told.map_or(Some(now), time) else {
        sheet.reject("a line was written at a time before 2262");
        return Ok(());
    };
    let body = record.body.as_ref().map(|body| text(Some(body)));
    if !sheet.admits(body.as_ref().map_or(0, |body| body.len()), attributes) {
        return Ok(());
    }
    if let Some(severity) = severity(record.severity_number, &record.severity_text) {
        sheet.rows.text(at.severity, severity);
    }
    if let Some(body) = body {
        sheet.rows.text(at.body, &body);
    }
    if let Some(trace) = id::<16>(&record.trace_id) {
        sheet.rows.bytes(at.trace, trace);
    }
    if let Some(span) = id::<8>(&record.span_id) {
        sheet.rows.bytes(at.span, span);
    }
    sheet.end(when, resource, attributes)
}

/// By its number, four of which are one word; where there is none by its text.
fn severity(number: i32, text: &str) -> Option<&'static str> {
    const WORDS: [&str; 6] = ["trace", "debug", "info", "warn", "error", "fatal"];
    if (1..=24).contains(&number) {
        return WORDS.get((number as usize - 1) / 4).copied();
    }
    let begins = |word: &&&str| text.get(..word.len()).is_some_and(|text| text.eq_ignore_ascii_case(word));
    WORDS.iter().find(begins).copied()
}
