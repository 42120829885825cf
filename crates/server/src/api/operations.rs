//! What is asked, summed up: routes, statements, commands, or any other field's values.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query as Params, State};
use schema::Table;
use schema::query::{Ask, Group};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::ask::{Api, MOST_GROUPS, text};
use super::figures::{About, Figures, per};
use super::params::{self, Asked, wrong};
use super::sides::{Sides, fold, sides};
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
    /// Which part of the time that all operations took, those that are left out too: 0 to 1.
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

/// The figure at that place.
fn figure(figures: &Figures, place: usize) -> f64 {
    match place {
        0 => figures.count as f64,
        1 => figures.errors as f64,
        2 => figures.p50.unwrap_or_default(),
        3 => figures.p95.unwrap_or_default(),
        4 => figures.p99.unwrap_or_default(),
        _ => figures.total,
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
    let order = place(wanted.order.as_deref().unwrap_or("total"))?;
    let limit = params::limit(wanted.limit, 100, 1000)?;
    let folds = fold(&by);
    let ask = Ask::Groups {
        by: by.iter().cloned().chain(folds.then(|| "role".to_owned())).collect(),
        every: None,
        measures: Figures::measures(Table::Requests),
        order: Some(order),
        // What all of them took is told as well, and not only the time of those that are shown.
        limit: MOST_GROUPS,
    };
    // What lasts because its caller wants to wait is no time that anybody spends.
    let patient = schema::query::Filter::Not(Box::new(schema::query::Filter::is(
        model::names::WEIR_WAITING,
        schema::query::Value::Flag(true),
    )));
    let filter = asked.filter(Table::Requests)?.and(patient);
    let found = api.groups_as(Table::Requests, span, filter, ask).await?;
    let operation = |keys, figures| Operation { keys, figures, share: 0.0 };
    let mut left_out = found.left_out;
    let mut operations: Vec<_> = if folds {
        let one = |(keys, sides): (Vec<String>, Sides)| {
            let keys = keys.into_iter().map(|key| Some(key).filter(|key| !key.is_empty()));
            operation(keys.collect(), sides.best())
        };
        let mut all: Vec<_> = sides(&found.groups, span.seconds()).into_iter().map(one).collect();
        all.sort_by(|one, next| figure(&next.figures, order).total_cmp(&figure(&one.figures, order)));
        all
    } else {
        let one = |group: &Group| {
            let keys = group.keys.iter().map(|key| text(Some(key))).collect();
            operation(keys, Figures::of(&group.measures, span.seconds()))
        };
        found.groups.iter().map(one).collect()
    };
    let all: f64 = operations.iter().map(|operation| operation.figures.total).sum();
    left_out += operations.len().saturating_sub(limit);
    operations.truncate(limit);
    for operation in &mut operations {
        operation.share = per(operation.figures.total, all);
    }
    Ok(Json(Operations {
        by,
        operations,
        left_out: left_out as u64,
        about: api.about(span, found.damaged).await?,
    }))
}
