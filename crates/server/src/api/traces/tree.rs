//! Requests and spans of a trace put together: which one brought about which, and how that is known.
//!
//! Evidence, the strongest first: an id that the callee was told (`traceparent`, or a span's own parent); the two sides of one exchange
//! (`sequence`); what the agent found out on its host (`thread`, `queue`, `connect`).

use std::collections::BTreeMap;

use model::names;
use model::trace::Evidence;
use schema::query::Cell;
use serde::{Deserialize, Serialize};
use traces::assemble::{Link, Place, Side, Wire, assemble};
use utoipa::ToSchema;

use super::path;
use crate::api::ask::text;
use crate::api::figures::seconds_of;
use crate::api::params::rfc3339;
use crate::api::record::Record;

/// A request or span of a trace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Span {
    /// By which others name it as their parent.
    pub id: String,
    /// What brought it about; none for the first one, and for those of which it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// How that is known: `traceparent`, `request-id`, `sequence`, `thread`, `queue`, `connect`, or `span`: its program said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// How deep it lies: 0 for those without a parent.
    pub depth: u32,
    /// `weir`: a request that an agent saw; `otlp`: a span that a program sent.
    pub source: String,
    /// `server`, `client`, or what the program called it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The service that it is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The host that it was on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The protocol of a request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// What was done.
    pub name: String,
    /// When it began: RFC 3339. Put right by `clock`.
    pub time: String,
    /// What was added to its host's clock, so that it fits the others: seconds.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub clock: f64,
    /// From the beginning of the trace: seconds.
    pub offset: f64,
    /// How long it took: seconds.
    pub duration: f64,
    /// Of that, while nothing that it brought about was under way: seconds.
    pub own: f64,
    /// How much longer the trace took because of it alone: seconds on the critical path.
    pub critical: f64,
    /// How it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The request that it is: `GET /api/v1/requests/{id}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// What else is known of it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, serde_json::Value>,
    #[serde(skip)]
    pub(super) begin: i64,
    #[serde(skip)]
    pub(super) length: i64,
}

impl Span {
    pub(super) fn end(&self) -> i64 {
        self.begin.saturating_add(self.length)
    }
}

fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

/// A row, and what links it to others.
#[derive(Debug, Clone)]
pub(super) struct Part {
    span: Span,
    record: Record,
    /// W3C: its trace, its own id, and its parent's.
    trace: Option<String>,
    own_id: Option<String>,
    parent_id: Option<String>,
    /// The host's own trace, and places in it.
    host_trace: Option<String>,
    place: Option<i64>,
    parent_place: Option<i64>,
    found_by: Option<String>,
    sequence: Option<i64>,
}

fn cell<'a>(columns: &[String], row: &'a [Cell], name: &str) -> Option<&'a Cell> {
    columns.iter().position(|column| column == name).and_then(|at| row.get(at))
}

fn number(columns: &[String], row: &[Cell], name: &str) -> Option<i64> {
    match cell(columns, row, name) {
        Some(Cell::Number(number)) => Some(*number),
        _ => None,
    }
}

impl Part {
    pub(super) fn of_request(columns: &[String], row: Vec<Cell>) -> Part {
        let word = |name: &str| text(cell(columns, &row, name));
        let number = |name: &str| number(columns, &row, name);
        let (begin, length) = (number("time").unwrap_or_default(), number("duration").unwrap_or_default());
        let (host_trace, place) = (word(names::WEIR_TRACE), number(names::WEIR_SPAN));
        let (service, role) = (word(names::SERVICE_NAME), word("role"));
        let part = Part {
            trace: word("trace_id"),
            own_id: None,
            parent_id: word("parent_span_id"),
            host_trace,
            place,
            parent_place: number(names::WEIR_PARENT),
            found_by: word(names::WEIR_EVIDENCE),
            sequence: number(names::WEIR_SEQUENCE),
            span: Span::new(String::new(), "weir", begin, length),
            record: Record::default(),
        };
        let record = Record::of(columns, row);
        // Where no agent is on its side, the other one's knowledge of the peer has to do.
        let own =
            if role.as_deref() == Some("client") { &record.client.service } else { &record.server.service };
        let span = Span {
            id: record.id.clone(),
            kind: role,
            service: service.or_else(|| own.clone()),
            host: record.host.clone(),
            protocol: Some(record.protocol.clone()),
            name: record.name.clone(),
            error: record.error.clone(),
            request: Some(record.id.clone()),
            attributes: record.attributes.clone(),
            ..part.span
        };
        Part { span, record, ..part }
    }

    pub(super) fn of_span(columns: &[String], row: Vec<Cell>) -> Part {
        let word = |name: &str| text(cell(columns, &row, name));
        let number = |name: &str| number(columns, &row, name);
        let (begin, length) = (number("time").unwrap_or_default(), number("duration").unwrap_or_default());
        let own_id = word("span_id");
        let mut span = Span::new(own_id.clone().unwrap_or_default(), "otlp", begin, length);
        span.kind = word("kind");
        span.service = word(names::SERVICE_NAME);
        span.host = word(names::HOST_NAME);
        span.name = word("name").unwrap_or_default();
        span.error = word(names::ERROR_TYPE);
        if let Some(Cell::Map(pairs)) = cell(columns, &row, "attributes") {
            span.attributes = pairs.iter().map(|(name, text)| (name.clone(), text.as_str().into())).collect();
        }
        Part {
            span,
            record: Record::default(),
            trace: word("trace_id"),
            own_id,
            parent_id: word("parent_span_id"),
            host_trace: None,
            place: None,
            parent_place: None,
            found_by: None,
            sequence: None,
        }
    }

    pub(super) fn id(&self) -> &str {
        &self.span.id
    }

    pub(super) fn begin(&self) -> i64 {
        self.span.begin
    }

    pub(super) fn place(&self) -> Option<i64> {
        self.place
    }

    pub(super) fn named(&self) -> impl Iterator<Item = String> {
        self.trace.clone().into_iter()
    }

    pub(super) fn own(&self) -> impl Iterator<Item = String> {
        self.host_trace.clone().into_iter()
    }

    /// The client's port and the sequence number of the first byte, which both ends know.
    pub(super) fn place_in_stream(&self) -> Option<(i64, i64)> {
        Some((i64::from(self.record.client.port?), self.sequence?))
    }

    /// The role of the other end's record.
    pub(super) fn other_role(&self) -> Option<&'static str> {
        match self.span.kind.as_deref() {
            Some("client") => Some("server"),
            Some("server") => Some("client"),
            _ => None,
        }
    }

    /// As whoever puts it together wants it.
    fn view(&self) -> traces::assemble::Part<'_> {
        let address = self.record.client.address.as_deref();
        let sequence = self.sequence.and_then(|sequence| u32::try_from(sequence).ok());
        let wire = address.zip(self.record.client.port).zip(sequence);
        let trace = self.host_trace.as_deref().and_then(|id| u64::from_str_radix(id, 16).ok());
        let parent = || Some((self.parent_place?, Evidence::named(self.found_by.as_deref()?)?));
        let attribute = |name: &str| self.span.attributes.get(name).and_then(serde_json::Value::as_str);
        let is_request = self.own_id.is_none();
        traces::assemble::Part {
            host: self.span.host.as_deref(),
            side: match self.span.kind.as_deref() {
                Some("client") => Side::Client,
                Some("server") => Side::Server,
                _ => Side::Neither,
            },
            begin: self.span.begin,
            length: self.span.length,
            asked: [
                self.span.protocol.as_deref(),
                attribute(names::HTTP_REQUEST_METHOD).filter(|_| is_request),
                attribute(names::URL_PATH).filter(|_| is_request),
            ],
            span: self.own_id.as_deref(),
            asked_by: self.parent_id.as_deref(),
            place: trace.zip(self.place).map(|(trace, number)| Place {
                trace: trace as i64,
                number,
                parent: parent(),
            }),
            wire: wire.map(|((address, port), sequence)| Wire { address, port, sequence }),
        }
    }
}

impl Span {
    /// As a clock shows that is right by the rest of the trace.
    fn shift(&mut self, offset: i64) {
        self.begin = self.begin.saturating_add(offset);
        self.time = rfc3339(self.begin);
        self.clock = seconds_of(offset as f64);
    }

    fn new(id: String, source: &str, begin: i64, length: i64) -> Span {
        Span {
            id,
            parent: None,
            evidence: None,
            depth: 0,
            source: source.into(),
            kind: None,
            service: None,
            host: None,
            protocol: None,
            name: String::new(),
            time: rfc3339(begin),
            clock: 0.0,
            offset: 0.0,
            duration: seconds_of(length as f64),
            own: 0.0,
            critical: 0.0,
            error: None,
            request: None,
            attributes: BTreeMap::new(),
            begin,
            length,
        }
    }
}

/// Puts all parts of a trace together.
pub(super) fn tree(mut parts: Vec<Part>) -> Vec<Span> {
    let nodes = assemble(&parts.iter().map(Part::view).collect::<Vec<_>>());
    for (part, node) in parts.iter_mut().zip(&nodes) {
        part.span.shift(node.offset);
    }
    // Longer ones before those that began with them.
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|at| (parts[*at].span.begin, std::cmp::Reverse(parts[*at].span.length)));
    let mut place = vec![0; parts.len()];
    order.iter().enumerate().for_each(|(new, old)| place[*old] = new);
    let mut spans: Vec<Option<Span>> = parts.into_iter().map(|part| Some(part.span)).collect();
    let mut spans: Vec<Span> = order.iter().filter_map(|old| spans[*old].take()).collect();
    let parents: Vec<Option<(usize, Link)>> =
        order.iter().map(|old| nodes[*old].parent.map(|(parent, link)| (place[parent], link))).collect();
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); spans.len()];
    let mut roots = Vec::new();
    for (at, parent) in parents.iter().enumerate() {
        match parent {
            Some((parent, _)) => children[*parent].push(at),
            None => roots.push(at),
        }
    }
    let begin = spans.iter().map(|span| span.begin).min().unwrap_or_default();
    for at in 0..spans.len() {
        spans[at].offset = seconds_of((spans[at].begin - begin) as f64);
        spans[at].parent = parents[at].map(|(parent, _)| spans[parent].id.clone());
        spans[at].evidence = parents[at].map(|(_, link)| link.as_str().to_owned());
        spans[at].own = seconds_of(path::own(&spans, at, &children[at]) as f64);
    }
    for root in &roots {
        path::mark(&mut spans, *root, &children);
    }
    in_order(spans, &roots, &children)
}

/// Each followed by what it brought about.
fn in_order(spans: Vec<Span>, roots: &[usize], children: &[Vec<usize>]) -> Vec<Span> {
    let mut spans: Vec<Option<Span>> = spans.into_iter().map(Some).collect();
    let mut ordered = Vec::with_capacity(spans.len());
    let mut waiting: Vec<(usize, u32)> = roots.iter().rev().map(|root| (*root, 0)).collect();
    while let Some((at, depth)) = waiting.pop() {
        let Some(mut span) = spans[at].take() else { continue };
        span.depth = depth;
        ordered.push(span);
        waiting.extend(children[at].iter().rev().map(|child| (*child, depth + 1)));
    }
    ordered
}

#[cfg(test)]
mod tests;
