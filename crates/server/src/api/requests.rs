//! Requests, one by one.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query as Params, State};
use model::names;
use schema::Table;
use schema::query::{Ask, Cell, Cursor, Filter, Order, Outcome, Query};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::ask::Api;
use super::figures::About;
use super::params::{self, Asked, wrong};
use super::record::{Record, columns, parse_id};
use crate::problem::{Kind, Problem};

/// Requests of a page at most.
const MOST: usize = 1000;

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Page {
    /// By which they are ordered: `time`, `duration`, or any other number; with a `-` in front the greatest first. `-time` where nothing is said.
    order: Option<String>,
    /// So many at most: 1 to 1000; 100 where nothing is said.
    limit: Option<usize>,
    /// Those behind an earlier page: its `next`.
    after: Option<String>,
}

/// Requests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Requests {
    /// The requests.
    pub requests: Vec<Record>,
    /// How to ask for the next ones; none where there are no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Which time this is about.
    pub about: About,
}

/// Requests, filtered and ordered, a page at a time.
#[utoipa::path(get, path = "/requests", tag = "requests", params(Asked, Page), responses((status = 200, body = Requests)))]
pub(super) async fn requests(
    State(api): State<Arc<Api>>,
    asked: Result<Params<Asked>, axum::extract::rejection::QueryRejection>,
    page: Result<Params<Page>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Requests>, Problem> {
    let (Params(asked), Params(page)) = (asked?, page?);
    let span = asked.span()?;
    let by = page.order.as_deref().unwrap_or("-time");
    let (ascending, by) = by.strip_prefix('-').map_or((true, by), |by| (false, by));
    let Some(by) = Table::Requests.field_named(by) else {
        return Err(wrong("order", format_args!("requests have no field `{by}`")));
    };
    let ask = Ask::Rows {
        columns: columns(Table::Requests),
        order: Order { by: by.to_owned(), ascending },
        limit: params::limit(page.limit, 100, MOST)?,
        after: page.after.as_deref().map(cursor).transpose()?,
    };
    let filter = asked.filter(Table::Requests)?;
    let query = Query { table: Table::Requests, from: Some(span.from), to: Some(span.to), filter, ask };
    let answer = api.ask(query).await?;
    let Outcome::Rows { columns, rows, next } = answer.outcome else { return Err(Problem::internal()) };
    Ok(Json(Requests {
        requests: rows.into_iter().map(|row| Record::of(&columns, row)).collect(),
        next: next.map(|next| format!("{}.{}", next.value, next.skip)),
        about: api.about(span, answer.scanned.damaged).await?,
    }))
}

fn cursor(text: &str) -> Result<Cursor, Problem> {
    let parts =
        text.split_once('.').and_then(|(value, skip)| Some((value.parse().ok()?, skip.parse().ok()?)));
    let (value, skip) =
        parts.ok_or_else(|| wrong("after", "is not what an earlier answer told as `next`"))?;
    Ok(Cursor { value, skip })
}

/// One request.
#[utoipa::path(get, path = "/requests/{id}", tag = "requests", params(("id" = String, Path, description = "A request's `id`")),
    responses((status = 200, body = Record)))]
pub(super) async fn request(
    State(api): State<Arc<Api>>,
    Path(id): Path<String>,
) -> Result<Json<Record>, Problem> {
    let Some((connection, time, duration)) = parse_id(&id) else {
        return Err(Problem::new(Kind::NotFound, format!("`{id}` is no request's id")));
    };
    let query = Query {
        table: Table::Requests,
        from: Some(time),
        to: Some(time.saturating_add(1)),
        filter: Filter::is(names::WEIR_CONNECTION, connection).and(Filter::is("duration", duration)),
        ask: Ask::Rows { columns: columns(Table::Requests), order: Order::default(), limit: 1, after: None },
    };
    match api.ask(query).await?.outcome {
        Outcome::Rows { columns, mut rows, .. } if !rows.is_empty() => {
            let row: Vec<Cell> = rows.remove(0);
            Ok(Json(Record::of(&columns, row)))
        }
        _ => Err(Problem::new(Kind::NotFound, "it is not, or not any more, in the store")),
    }
}
