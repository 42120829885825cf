//! Traces: lists of them, and one.

mod fetch;
mod path;
mod tree;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query as Params, State};
use model::names;
use schema::Table;
use schema::query::{Ask, Filter, Measure, Order, Outcome, Query, Value};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::ask::{Api, text};
use super::figures::About;
use super::params::{self, Asked, wrong};
use super::record::{Record, columns};
use crate::problem::{Kind, Problem};

pub use self::tree::Span;

/// For how long requests of a trace are looked for behind its first one.
const LONGEST: i64 = 600_000_000_000;

/// A trace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Trace {
    /// Its id, as it was asked for.
    pub id: String,
    /// Ids by which it is known: that of its callers (W3C), and those of the hosts that have a part of it.
    pub ids: Vec<String>,
    /// When its first span began: RFC 3339.
    pub time: String,
    /// From the first byte of its first span to the last of its last one: seconds.
    pub duration: f64,
    /// Services that took part.
    pub services: Vec<String>,
    /// Spans that failed.
    pub errors: u64,
    /// Its spans: those without a parent first, each followed by what it brought about, in order of time.
    pub spans: Vec<Span>,
    /// There are more spans than are told.
    pub cut: bool,
    /// What could not be read of the store because it is damaged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub damaged: Vec<String>,
}

/// Traces.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Traces {
    /// The traces.
    pub traces: Vec<TraceSummary>,
    /// Which time this is about.
    pub about: About,
}

/// A trace, by the request that it began with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TraceSummary {
    /// Its id: `GET /api/v1/traces/{id}`.
    pub id: String,
    /// The request that it began with.
    pub root: Record,
    /// Requests in it, as each side saw them; without those of other hosts.
    pub requests: u64,
    /// Those that failed.
    pub errors: u64,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// `-time` or `-duration`: the newest first, or those that took longest. `-time` where nothing is said.
    order: Option<String>,
    /// So many at most: 1 to 500; 50 where nothing is said.
    limit: Option<usize>,
}

/// Traces by the requests that they began with.
#[utoipa::path(get, path = "/traces", tag = "traces", params(Asked, Wanted), responses((status = 200, body = Traces)))]
pub(super) async fn traces(
    State(api): State<Arc<Api>>,
    asked: Result<Params<Asked>, QueryRejection>,
    wanted: Result<Params<Wanted>, QueryRejection>,
) -> Result<Json<Traces>, Problem> {
    let (Params(asked), Params(wanted)) = (asked?, wanted?);
    let span = asked.span()?;
    let by = match wanted.order.as_deref().unwrap_or("-time") {
        "-time" => "time",
        "-duration" => "duration",
        other => return Err(wrong("order", format_args!("`{other}` is neither `-time` nor `-duration`"))),
    };
    let limit = params::limit(wanted.limit, 50, 500)?;
    let filter = asked.filter(Table::Requests)?.and(Filter::is(names::WEIR_SPAN, 0));
    let order = Order { by: by.into(), ascending: false };
    let ask = Ask::Rows { columns: columns(Table::Requests), order, limit, after: None };
    let query = Query { table: Table::Requests, from: Some(span.from), to: Some(span.to), filter, ask };
    let answer = api.ask(query).await?;
    let Outcome::Rows { columns, rows, .. } = answer.outcome else { return Err(Problem::internal()) };
    let place = columns.iter().position(|column| column == names::WEIR_TRACE);
    let own: Vec<String> =
        rows.iter().map(|row| text(place.and_then(|place| row.get(place))).unwrap_or_default()).collect();
    let counts = counts(&api, &own).await?;
    let summary = |(row, own): (Vec<_>, &String)| {
        let root = Record::of(&columns, row);
        let (requests, errors) = counts.get(own).copied().unwrap_or((1, u64::from(root.error.is_some())));
        TraceSummary { id: root.trace.clone().unwrap_or_else(|| own.clone()), root, requests, errors }
    };
    let traces = rows.into_iter().zip(&own).map(summary).collect();
    Ok(Json(Traces { traces, about: api.about(span, answer.scanned.damaged).await? }))
}

/// How many requests each trace has, and how many failed.
async fn counts(api: &Api, own: &[String]) -> Result<HashMap<String, (u64, u64)>, Problem> {
    let times = own.iter().filter_map(|id| i64::from_str_radix(id, 16).ok());
    let (Some(first), Some(last)) = (times.clone().min(), times.max()) else { return Ok(HashMap::new()) };
    let values = own.iter().map(|id| Value::Text(id.clone())).collect();
    let filter = Filter::In { field: names::WEIR_TRACE.into(), values };
    let ask = Ask::Groups {
        by: vec![names::WEIR_TRACE.into()],
        every: None,
        measures: vec![Measure::Count, Measure::Errors],
        order: None,
        limit: own.len().max(1),
    };
    let (from, to) = (Some(first.saturating_sub(1_000_000_000)), Some(last.saturating_add(LONGEST)));
    let answer = api.ask(Query { table: Table::Requests, from, to, filter, ask }).await?;
    let Outcome::Groups { groups, .. } = answer.outcome else { return Err(Problem::internal()) };
    let count =
        |measures: &[Option<f64>], place: usize| measures.get(place).copied().flatten().unwrap_or(0.0) as u64;
    let pairs = groups.iter().filter_map(|group| {
        Some((text(group.keys.first())?, (count(&group.measures, 0), count(&group.measures, 1))))
    });
    Ok(pairs.collect())
}

/// One trace: requests that agents saw, and spans that other programs sent, put together.
#[utoipa::path(get, path = "/traces/{id}", tag = "traces",
    params(("id" = String, Path, description = "A trace's id: 32 hexadecimal digits (W3C), or 16 (a host's own); or a request's id")),
    responses((status = 200, body = Trace)))]
pub(super) async fn trace(
    State(api): State<Arc<Api>>,
    Path(id): Path<String>,
) -> Result<Json<Trace>, Problem> {
    let found = fetch::fetch(&api, &id).await?;
    if found.parts.is_empty() {
        return Err(Problem::new(
            Kind::NotFound,
            format!("no request or span of `{id}` is, or is still, in the store"),
        ));
    }
    let spans = tree::tree(found.parts);
    let begin = spans.iter().map(|span| span.begin).min().unwrap_or_default();
    let end = spans.iter().map(Span::end).max().unwrap_or_default();
    let services: BTreeMap<&str, ()> =
        spans.iter().filter_map(|span| Some((span.service.as_deref()?, ()))).collect();
    Ok(Json(Trace {
        ids: found.ids,
        time: params::rfc3339(begin),
        duration: super::figures::seconds_of((end - begin) as f64),
        services: services.into_keys().map(str::to_owned).collect(),
        errors: spans.iter().filter(|span| span.error.is_some()).count() as u64,
        cut: found.cut,
        damaged: found.damaged,
        spans,
        id,
    }))
}
