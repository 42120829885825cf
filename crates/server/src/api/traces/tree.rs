//! Requests and spans of a trace put together: which one brought about which, and how that is known.
//!
//! Evidence, the strongest first: an id that the callee was told (`traceparent`, or a span's own parent); the two sides of one exchange
//! (`sequence`); what the agent found out on its host (`thread`, `queue`, `connect`).

use std::collections::{BTreeMap, HashMap, HashSet};

use model::names;
use schema::query::Cell;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::path;
use crate::api::ask::text;
use crate::api::figures::seconds_of;
use crate::api::params::rfc3339;
use crate::api::record::Record;

/// By so much a span may begin before the one that brought it about, by clocks of two hosts or two programs.
const SKEW: i64 = 5_000_000_000;

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
    /// When it began: RFC 3339.
    pub time: String,
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

    fn is(&self, kind: &str) -> bool {
        self.span.kind.as_deref() == Some(kind)
    }

    /// It lies within another one, as far as clocks can tell.
    fn is_within(&self, other: &Part) -> bool {
        self.span.begin >= other.span.begin.saturating_sub(SKEW)
            && self.span.end() <= other.span.end().saturating_add(SKEW)
    }
}

impl Span {
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

/// What leads from an id to the place of who has it.
struct Index<'a> {
    spans: HashMap<&'a str, usize>,
    places: HashMap<(Option<&'a str>, &'a str, i64), usize>,
    streams: HashMap<(i64, i64, &'a str), Vec<usize>>,
    /// Requests by the id of the span that asked.
    asked_by: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Index<'a> {
    fn of(parts: &'a [Part]) -> Self {
        let mut index = Index {
            spans: HashMap::new(),
            places: HashMap::new(),
            streams: HashMap::new(),
            asked_by: HashMap::new(),
        };
        for (at, part) in parts.iter().enumerate() {
            if let Some(id) = &part.own_id {
                index.spans.insert(id, at);
            } else if let Some(id) = &part.parent_id {
                index.asked_by.entry(id).or_default().push(at);
            }
            if let (Some(trace), Some(place)) = (&part.host_trace, part.place) {
                index.places.insert((part.span.host.as_deref(), trace, place), at);
            }
            if let (Some((port, sequence)), Some(kind)) = (part.place_in_stream(), part.span.kind.as_deref())
            {
                index.streams.entry((port, sequence, kind)).or_default().push(at);
            }
        }
        index
    }

    /// Who brought this one about, and how that is known.
    fn parent(&self, parts: &'a [Part], at: usize) -> Option<(usize, &'a str)> {
        let part = &parts[at];
        let asked = || part.parent_id.as_deref();
        if part.own_id.is_some() {
            // A program that answers a request knows who asked, not that it was seen on its way.
            let seen = asked().filter(|_| part.is("server")).and_then(|id| self.asked_by.get(id));
            let server = seen.and_then(|seen| {
                seen.iter().copied().find(|seen| parts[*seen].is("server") && part.is_within(&parts[*seen]))
            });
            let client = || seen.and_then(|seen| seen.iter().copied().find(|seen| parts[*seen].is("client")));
            return match server.or_else(client) {
                Some(server) => Some((server, "traceparent")),
                None => asked().and_then(|id| self.spans.get(id)).map(|at| (*at, "span")),
            };
        }
        let local = || {
            let (trace, parent) = (part.host_trace.as_deref()?, part.parent_place?);
            let at = self.places.get(&(part.span.host.as_deref(), trace, parent))?;
            Some((*at, part.found_by.as_deref().unwrap_or("sequence")))
        };
        let named = || asked().and_then(|id| self.spans.get(id)).map(|at| (*at, "traceparent"));
        if part.is("server") {
            return local()
                .or_else(|| self.other_end(parts, at))
                .or_else(|| self.asker(parts, at))
                .or_else(named);
        }
        named().or_else(local)
    }

    /// The client's record of the same exchange, on another host.
    fn other_end(&self, parts: &[Part], at: usize) -> Option<(usize, &'static str)> {
        let (port, sequence) = parts[at].place_in_stream()?;
        let others = self.streams.get(&(port, sequence, "client"))?;
        // Ports and sequence numbers of other hosts may be the same: the addresses tell, unless somebody translates them.
        let same = |other: &&usize| {
            let (one, other) = (&parts[at].record, &parts[**other].record);
            one.client.address == other.client.address && one.server.port == other.server.port
        };
        let mut same = others.iter().filter(same);
        same.next().filter(|_| same.next().is_none()).map(|at| (*at, "sequence"))
    }

    /// The client's record that went with the same header, if there is one only.
    fn asker(&self, parts: &[Part], at: usize) -> Option<(usize, &'static str)> {
        let asked = self.asked_by.get(parts[at].parent_id.as_deref()?)?;
        let mut clients = asked
            .iter()
            .copied()
            .filter(|other| parts[*other].is("client") && parts[at].is_within(&parts[*other]));
        clients.next().filter(|_| clients.next().is_none()).map(|at| (at, "traceparent"))
    }
}

/// Puts all parts of a trace together.
pub(super) fn tree(mut parts: Vec<Part>) -> Vec<Span> {
    parts.sort_by(|one, other| {
        one.span.begin.cmp(&other.span.begin).then_with(|| other.span.length.cmp(&one.span.length))
    });
    let mut parents: Vec<Option<usize>> = Vec::with_capacity(parts.len());
    let mut evidence: Vec<Option<String>> = Vec::with_capacity(parts.len());
    let index = Index::of(&parts);
    for at in 0..parts.len() {
        let parent = index.parent(&parts, at).filter(|(parent, _)| *parent != at);
        parents.push(parent.map(|(parent, _)| parent));
        evidence.push(parent.map(|(_, evidence)| evidence.to_owned()));
    }
    cut_cycles(&mut parents);
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); parts.len()];
    let mut roots = Vec::new();
    for (at, parent) in parents.iter().enumerate() {
        match parent {
            Some(parent) => children[*parent].push(at),
            None => roots.push(at),
        }
    }
    let mut spans: Vec<Span> = parts.into_iter().map(|part| part.span).collect();
    let begin = spans.iter().map(|span| span.begin).min().unwrap_or_default();
    for at in 0..spans.len() {
        spans[at].offset = seconds_of((spans[at].begin - begin) as f64);
        spans[at].parent = parents[at].map(|parent| spans[parent].id.clone());
        spans[at].evidence = evidence[at].take().filter(|_| parents[at].is_some());
        spans[at].own = seconds_of(path::own(&spans, at, &children[at]) as f64);
    }
    for root in &roots {
        path::mark(&mut spans, *root, &children);
    }
    in_order(spans, &roots, &children)
}

/// Nobody brings about himself: where what is told goes round in a circle, it is cut.
fn cut_cycles(parents: &mut [Option<usize>]) {
    let mut good: HashSet<usize> = HashSet::new();
    for at in 0..parents.len() {
        let (mut way, mut seen, mut here) = (vec![at], HashSet::from([at]), at);
        while let Some(parent) = parents[here].filter(|parent| !good.contains(parent)) {
            if !seen.insert(parent) {
                parents[here] = None;
                break;
            }
            way.push(parent);
            here = parent;
        }
        good.extend(way);
    }
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
