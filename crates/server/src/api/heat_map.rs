//! How many requests took how long, and when.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query as Params, State};
use schema::Table;
use schema::histogram::{bounds, bucket};
use schema::query::{Ask, Outcome, Query};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::ask::Api;
use super::figures::{About, seconds_of};
use super::params::{Asked, length, rfc3339, wrong};
use crate::problem::Problem;

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Grid {
    /// How long a column is: `10s`; so that there are 60 to 120 of them where nothing is said.
    step: Option<String>,
    /// Rows a doubling, as a power of two: 0 to 4; 1 where nothing is said.
    bits: Option<u32>,
}

/// Counts by time and duration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HeatMap {
    /// How long a column is: seconds.
    pub step: f64,
    /// Cells with requests.
    pub cells: Vec<HeatMapCell>,
    /// Which time this is about.
    pub about: About,
}

/// A cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HeatMapCell {
    /// When it begins: RFC 3339.
    pub time: String,
    /// The least duration in it: seconds.
    pub from: f64,
    /// The least that is too long for it.
    pub to: f64,
    /// Requests.
    pub count: u64,
}

/// How many requests took how long, and when.
#[utoipa::path(get, path = "/heatmap", tag = "requests", params(Asked, Grid), responses((status = 200, body = HeatMap)))]
pub(super) async fn heat_map(
    State(api): State<Arc<Api>>,
    asked: Result<Params<Asked>, QueryRejection>,
    grid: Result<Params<Grid>, QueryRejection>,
) -> Result<Json<HeatMap>, Problem> {
    let (Params(asked), Params(grid)) = (asked?, grid?);
    let span = asked.span()?;
    let every = match grid.step.as_deref() {
        None => span.step(120),
        Some(text) => length(text)
            .filter(|step| *step > 0)
            .ok_or_else(|| wrong("step", "is no length of time, such as `10s`"))?,
    };
    if span.to.saturating_sub(span.from) / every > 2000 {
        return Err(wrong("step", "leads to more than 2000 columns"));
    }
    let bits = grid.bits.unwrap_or(1);
    let filter = asked.filter(Table::Requests)?;
    let ask = Ask::HeatMap { every, field: "duration".into(), bits };
    let answer = api
        .ask(Query { table: Table::Requests, from: Some(span.from), to: Some(span.to), filter, ask })
        .await?;
    let Outcome::HeatMap { cells } = answer.outcome else { return Err(Problem::internal()) };
    let cells = cells.into_iter().map(|(time, least, count)| {
        let (from, to) = bounds(bucket(least, bits), bits);
        HeatMapCell { time: rfc3339(time), from: seconds_of(from as f64), to: seconds_of(to as f64), count }
    });
    Ok(Json(HeatMap {
        step: seconds_of(every as f64),
        cells: cells.collect(),
        about: api.about(span, answer.scanned.damaged).await?,
    }))
}
