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
use super::params::{Asked, Span, length, rfc3339, wrong};
use crate::problem::Problem;

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Grid {
    /// How long a column is: `10s`; so that there are 60 to 120 of them where nothing is said.
    step: Option<String>,
    /// Rows a doubling, as a power of two: 0 to 4; 1 where nothing is said.
    bits: Option<u32>,
}

/// Column, row, and how many.
type Cell = (u64, u64, u64);

/// Counts by time and duration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HeatMap {
    /// When the first column begins: RFC 3339.
    pub begin: String,
    /// How long a column is: seconds.
    pub step: f64,
    /// How many columns there are.
    pub columns: u64,
    /// The least duration of each row, and at the end the least that is too long for all of them: seconds.
    pub bounds: Vec<f64>,
    /// Cells with requests: column, row, and how many.
    #[schema(value_type = Vec<Vec<u64>>)]
    pub cells: Vec<Cell>,
    /// Which time this is about.
    pub about: About,
}

/// Puts cells into columns and rows. A bucket without requests is a row as well: a gap in what is drawn would look like none.
fn grid(cells: &[(i64, i64, u64)], span: Span, every: i64, bits: u32) -> (i64, u64, Vec<f64>, Vec<Cell>) {
    let begin = span.from.div_euclid(every) * every;
    let columns = (span.to - begin + every - 1) / every;
    let buckets = || cells.iter().map(|(_, least, _)| bucket(*least, bits));
    let (Some(first), Some(last)) = (buckets().min(), buckets().max()) else {
        return (begin, columns as u64, Vec::new(), Vec::new());
    };
    let bounds = (first..=last + 1).map(|bucket| seconds_of(bounds(bucket, bits).0 as f64)).collect();
    let place = |(time, least, count): &(i64, i64, u64)| {
        (((time - begin) / every) as u64, u64::from(bucket(*least, bits) - first), *count)
    };
    (begin, columns as u64, bounds, cells.iter().map(place).collect())
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
    let (begin, columns, bounds, cells) = self::grid(&cells, span, every, bits);
    Ok(Json(HeatMap {
        begin: rfc3339(begin),
        step: seconds_of(every as f64),
        columns,
        bounds,
        cells,
        about: api.about(span, answer.scanned.damaged).await?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_have_places_in_a_whole_grid() {
        let span = Span { from: 15, to: 40, now: 40 };
        let (begin, columns, bounds, cells) = grid(&[(10, 4, 7), (30, 32, 1)], span, 10, 0);
        assert_eq!((begin, columns), (10, 3));
        assert_eq!(
            bounds.iter().map(|bound| (bound * 1e9).round() as u64).collect::<Vec<_>>(),
            [4, 8, 16, 32, 64]
        );
        assert_eq!(cells, [(0, 0, 7), (2, 3, 1)]);
        assert_eq!(grid(&[], span, 10, 0).2, [0.0; 0]);
    }
}
