//! Figures over time.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query as Params, State};
use schema::Table;
use schema::query::{Ask, Filter, Group};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::ask::{Api, MOST_GROUPS};
use super::figures::{About, Figures, seconds_of};
use super::params::{self, Asked, Span, length, rfc3339, wrong};
use super::sides::{Sides, apart, best_over_time, fold, sides};
use crate::problem::Problem;

/// Points of a series at most.
const MOST_POINTS: i64 = 2000;

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// By which fields there are series, with commas between; one of everything where nothing is said.
    by: Option<String>,
    /// From one point to the next: `10s`; so that there are 60 at most where nothing is said.
    step: Option<String>,
    /// So many series at most, those with most requests: 1 to 100; 20 where nothing is said.
    limit: Option<usize>,
}

/// Series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SeriesSet {
    /// The fields of the keys.
    pub by: Vec<String>,
    /// From one point to the next: seconds.
    pub step: f64,
    /// The series, the one with most requests first.
    pub series: Vec<Series>,
    /// How many more there are.
    pub left_out: u64,
    /// Which time this is about.
    pub about: About,
}

/// A series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Series {
    /// The fields' values.
    pub keys: Vec<String>,
    /// Its points, in order; a time without requests has none.
    pub points: Vec<Point>,
}

/// A point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Point {
    /// When it begins: RFC 3339.
    pub time: String,
    /// The requests in it.
    pub figures: Figures,
}

/// Rate, errors and durations over time.
#[utoipa::path(get, path = "/series", tag = "services", params(Asked, Wanted), responses((status = 200, body = SeriesSet)))]
pub(super) async fn series(
    State(api): State<Arc<Api>>,
    asked: Result<Params<Asked>, QueryRejection>,
    wanted: Result<Params<Wanted>, QueryRejection>,
) -> Result<Json<SeriesSet>, Problem> {
    let (Params(asked), Params(wanted)) = (asked?, wanted?);
    let (summed, filter) = asked.summed()?;
    let span = asked.span()?;
    let step = match wanted.step.as_deref() {
        None => span.step(60),
        Some(text) => length(text)
            .filter(|step| *step > 0)
            .ok_or_else(|| wrong("step", "is no length of time, such as `10s`"))?,
    };
    let span = span.by(step);
    if (span.to - span.from) / step > MOST_POINTS {
        return Err(wrong("step", format_args!("leads to more than {MOST_POINTS} points")));
    }
    let by = params::fields("by", wanted.by.as_deref(), &[], Table::Requests)?;
    let known = by.iter().all(|field| Table::Edges.field(field).is_some());
    let table = if known { summed } else { Table::Requests };
    let limit = params::limit(wanted.limit, 20, 100)?;
    let keys: Vec<&str> = by.iter().map(String::as_str).collect();
    let (mut series, damaged) = points(&api, (table, filter), span, &keys, step).await?;
    let left_out = series.len().saturating_sub(limit) as u64;
    series.truncate(limit);
    Ok(Json(SeriesSet {
        by,
        step: seconds_of(step as f64),
        series,
        left_out,
        about: api.about(span, damaged).await?,
    }))
}

/// Series of what matches, the one with most requests first; and what was damaged.
pub(super) async fn points(
    api: &Api,
    (table, filter): (Table, Filter),
    span: Span,
    by: &[&str],
    step: i64,
) -> Result<(Vec<Series>, Vec<String>), Problem> {
    let folds = fold(by);
    let ask = Ask::Groups {
        by: by.iter().copied().chain(folds.then_some("role")).map(str::to_owned).collect(),
        every: Some(step),
        measures: Figures::measures(table),
        order: None,
        limit: MOST_GROUPS,
    };
    let found = api.groups_as(table, span, filter, ask).await?;
    let mut by_time: BTreeMap<i64, Vec<Group>> = BTreeMap::new();
    for group in found.groups {
        by_time.entry(group.time.unwrap_or_default()).or_default().push(group);
    }
    let mut all: BTreeMap<Vec<String>, Vec<(i64, Sides)>> = BTreeMap::new();
    for (time, groups) in by_time {
        let point = Span { from: time, to: time + step, ..span };
        let sides = if folds { sides(&groups, point.seconds()) } else { apart(&groups, point.seconds()) };
        for (keys, sides) in sides {
            all.entry(keys).or_default().push((time, sides));
        }
    }
    let mut all: Vec<_> = all.into_iter().map(|(keys, times)| (keys, best_over_time(times))).collect();
    all.sort_by_key(|(_, points)| std::cmp::Reverse(points.iter().map(|(_, of)| of.count).sum::<u64>()));
    let point = |(time, figures)| Point { time: rfc3339(time), figures };
    let series = all
        .into_iter()
        .map(|(keys, points)| Series { keys, points: points.into_iter().map(point).collect() });
    Ok((series.collect(), found.damaged))
}
