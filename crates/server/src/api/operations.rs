//! What is asked, summed up: routes, statements, commands, or any other field's values.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query as Params, State};
use schema::Table;
use schema::query::Ask;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::ask::{Api, text};
use super::figures::{About, Figures, per};
use super::params::{self, Asked, wrong};
use crate::problem::Problem;

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// By which fields requests are put together, with commas between: `server,protocol,name` where nothing is said.
    by: Option<String>,
    /// What the first ones have most of: `total` (time), `count`, `errors`, `p50`, `p95` or `p99`; `total` where nothing is said.
    order: Option<String>,
    /// So many at most: 1 to 1000; 100 where nothing is said.
    limit: Option<usize>,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Operations {
    /// The fields of the keys.
    pub by: Vec<String>,
    /// The operations.
    pub operations: Vec<Operation>,
    /// How many more there are.
    pub left_out: u64,
    /// Which time this is about.
    pub about: About,
}

/// Requests that have something in common.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Operation {
    /// The fields' values, none where there is none.
    pub keys: Vec<Option<String>>,
    /// Their figures.
    pub figures: Figures,
    /// Which part of all that time they took: 0 to 1.
    pub share: f64,
}

/// The place of a figure among [`Figures::measures`].
fn place(order: &str) -> Result<usize, Problem> {
    match order {
        "count" => Ok(0),
        "errors" => Ok(1),
        "p50" => Ok(2),
        "p95" => Ok(3),
        "p99" => Ok(4),
        "total" => Ok(5),
        other => {
            Err(wrong("order", format_args!("`{other}` is none of total, count, errors, p50, p95, p99")))
        }
    }
}

/// What is asked, summed up by routes, statements, commands, or any fields.
#[utoipa::path(get, path = "/operations", tag = "services", params(Asked, Wanted), responses((status = 200, body = Operations)))]
pub(super) async fn operations(
    State(api): State<Arc<Api>>,
    asked: Result<Params<Asked>, QueryRejection>,
    wanted: Result<Params<Wanted>, QueryRejection>,
) -> Result<Json<Operations>, Problem> {
    let (Params(asked), Params(wanted)) = (asked?, wanted?);
    let span = asked.span()?;
    let usual = ["server", "network.protocol.name", "name"];
    let by = params::fields("by", wanted.by.as_deref(), &usual, Table::Requests)?;
    let ask = Ask::Groups {
        by: by.clone(),
        every: None,
        measures: Figures::measures(Table::Requests),
        order: Some(place(wanted.order.as_deref().unwrap_or("total"))?),
        limit: params::limit(wanted.limit, 100, 1000)?,
    };
    // What lasts because its caller wants to wait is no time that anybody spends.
    let patient = schema::query::Filter::Not(Box::new(schema::query::Filter::is(
        model::names::WEIR_WAITING,
        schema::query::Value::Flag(true),
    )));
    let filter = asked.filter(Table::Requests)?.and(patient);
    let found = api.groups_as(Table::Requests, span, filter, ask).await?;
    let mut operations: Vec<_> = found
        .groups
        .iter()
        .map(|group| Operation {
            keys: group.keys.iter().map(|key| text(Some(key))).collect(),
            figures: Figures::of(&group.measures, span.seconds()),
            share: 0.0,
        })
        .collect();
    let all: f64 = operations.iter().map(|operation| operation.figures.total).sum();
    for operation in &mut operations {
        operation.share = per(operation.figures.total, all);
    }
    Ok(Json(Operations {
        by,
        operations,
        left_out: found.left_out as u64,
        about: api.about(span, found.damaged).await?,
    }))
}
