//! Spans as rows of `spans`.

use std::borrow::Cow;

use arrow_schema::ArrowError;
use model::names;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use schema::Table;

use super::attributes::{Attributes, Resource, text};
use super::sheet::{Converted, Sheet, id, place, time};

/// A failure of which nothing more is told.
const FAILED: &str = "error";
/// Where OpenTelemetry says that a status' text goes in formats that have no place for it.
const DESCRIPTION: &str = "otel.status_description";

struct Places {
    duration: usize,
    name: usize,
    kind: usize,
    error: usize,
    scope: usize,
    trace: usize,
    span: usize,
    parent: usize,
}

impl Default for Places {
    fn default() -> Self {
        let at = |name| place(Table::Spans, name);
        Places {
            duration: at("duration"),
            name: at("name"),
            kind: at("kind"),
            error: at(names::ERROR_TYPE),
            scope: at("scope"),
            trace: at("trace_id"),
            span: at("span_id"),
            parent: at("parent_span_id"),
        }
    }
}

/// Spans of a message. Their events and links are left out, but for the type of an exception.
pub fn spans(message: &ExportTraceServiceRequest) -> Result<Converted, ArrowError> {
    let (mut sheet, at) = (Sheet::new(Table::Spans), Places::default());
    for group in &message.resource_spans {
        let resource = Resource::of(group.resource.as_ref());
        let mut attributes = Attributes::default();
        for scope in &group.scope_spans {
            let name = scope.scope.as_ref().map_or("", |scope| &scope.name);
            for span in &scope.spans {
                add(&mut sheet, &at, span, name, &resource, &mut attributes)?;
            }
        }
    }
    sheet.finish()
}

fn add<'a>(
    sheet: &mut Sheet,
    at: &Places,
    span: &'a Span,
    scope: &str,
    resource: &'a Resource<'a>,
    attributes: &mut Attributes<'a>,
) -> Result<(), ArrowError> {
    let (trace, own) = match (id::<16>(&span.trace_id), id::<8>(&span.span_id)) {
        (Some(trace), Some(own)) => (trace, own),
        (None, _) => {
            sheet.reject("a trace id has 16 bytes that are not all zero");
            return Ok(());
        }
        (_, None) => {
            sheet.reject("a span id has 8 bytes that are not all zero");
            return Ok(());
        }
    };
    if !matches!(span.parent_span_id.len(), 0 | 8) {
        sheet.reject("a parent span id has 8 bytes, or none");
        return Ok(());
    }
    let Some(begin) = time(span.start_time_unix_nano) else {
        sheet.reject("a span begins at a time after 1970 and before 2262");
        return Ok(());
    };
    let mut error = None;
    attributes.begin(&span.attributes, |key, value| {
        let is_error = key == names::ERROR_TYPE && !value.is_empty();
        if is_error {
            error = Some(value.clone());
        }
        is_error
    });
    if let Some(status) = span.status.as_ref().filter(|status| status.code == StatusCode::Error as i32) {
        error.get_or_insert_with(|| exception(span));
        if !status.message.is_empty() {
            attributes.add(DESCRIPTION, Cow::Borrowed(&status.message));
        }
    }
    attributes.inherit(resource);
    if !sheet.admits(span.name.len() + error.as_ref().map_or(0, |error| error.len()), attributes) {
        return Ok(());
    }
    let rows = &mut sheet.rows;
    let lasted = span.end_time_unix_nano.saturating_sub(span.start_time_unix_nano);
    rows.number(at.duration, i64::try_from(lasted).unwrap_or(i64::MAX));
    rows.text(at.name, &span.name);
    if let Some(kind) = kind(span.kind) {
        rows.text(at.kind, kind);
    }
    if let Some(error) = error {
        rows.text(at.error, &error);
    }
    if !scope.is_empty() {
        rows.text(at.scope, scope);
    }
    rows.bytes(at.trace, trace);
    rows.bytes(at.span, own);
    if let Some(parent) = id::<8>(&span.parent_span_id) {
        rows.bytes(at.parent, parent);
    }
    sheet.end(begin, resource, attributes)
}

/// The type of the exception that a span met last.
fn exception(span: &Span) -> Cow<'_, str> {
    let told = span.events.iter().rev().filter(|event| event.name == "exception");
    let mut types = told.flat_map(|event| &event.attributes).filter(|pair| pair.key == "exception.type");
    let found = types.next().map(|pair| text(pair.value.as_ref())).filter(|kind| !kind.is_empty());
    found.unwrap_or(Cow::Borrowed(FAILED))
}

fn kind(number: i32) -> Option<&'static str> {
    match SpanKind::try_from(number).ok()? {
        SpanKind::Unspecified => None,
        SpanKind::Internal => Some("internal"),
        SpanKind::Server => Some("server"),
        SpanKind::Client => Some("client"),
        SpanKind::Producer => Some("producer"),
        SpanKind::Consumer => Some("consumer"),
    }
}
