//! Agents, as they told of themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query as Params, State};
use model::names;
use schema::Table;
use schema::query::{Ask, Cell, Filter, Order, Outcome, Query};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ask::{Api, text};
use super::figures::About;
use super::params::{Asked, Span, rfc3339};
use super::record::columns;
use crate::problem::Problem;

/// Whoever has not been heard of for so long is away: three heartbeats.
const AWAY: i64 = 30_000_000_000;
/// Rows that are looked at: the newest of each agent is among them.
const MOST: usize = 10_000;

/// Agents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Agents {
    /// The agents, by host.
    pub agents: Vec<Agent>,
    /// Which time this is about.
    pub about: About,
}

/// An agent.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct Agent {
    /// The host that it is on.
    pub host: String,
    /// The host's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The kernel's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel: Option<String>,
    /// When it was last heard of: RFC 3339.
    pub seen: String,
    /// It had not been heard of for half a minute at the end of the time.
    pub away: bool,
    /// Kernel events in this time.
    pub events: u64,
    /// Kernel events that were lost in this time.
    pub lost: u64,
    /// The part of connections that it watches now, to stay within its budget: 1 is all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampled: Option<f64>,
    /// What else it told.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
}

/// The agents: whether they are well, and what they lost.
#[utoipa::path(get, path = "/agents", tag = "agents", params(Asked), responses((status = 200, body = Agents)))]
pub(super) async fn agents(
    State(api): State<Arc<Api>>,
    asked: Result<Params<Asked>, QueryRejection>,
) -> Result<Json<Agents>, Problem> {
    let Params(asked) = asked?;
    let span = asked.span()?;
    let filter = asked.filter(Table::Agents)?;
    let measures = || ["events", "lost"].map(|field| schema::query::Measure::Sum(field.into())).into();
    let sums = api.groups(Table::Agents, span, filter.clone(), &[names::HOST_NAME], measures()).await?;
    let hosts: BTreeSet<_> = sums.groups.iter().filter_map(|group| text(group.keys.first())).collect();
    let mut agents = BTreeMap::new();
    // Who tells of itself every ten seconds is among the newest rows; who went away is asked for by name.
    newest(&api, &mut agents, span, filter.clone()).await?;
    let missing: Vec<_> = hosts
        .iter()
        .filter(|host| !agents.contains_key(*host))
        .cloned()
        .map(schema::query::Value::Text)
        .collect();
    if !missing.is_empty() {
        let filter = filter.and(Filter::In { field: names::HOST_NAME.into(), values: missing });
        newest(&api, &mut agents, span, filter).await?;
    }
    for group in &sums.groups {
        let Some(agent) = text(group.keys.first()).and_then(|host| agents.get_mut(&host)) else { continue };
        let sum = |place: usize| group.measures.get(place).copied().flatten().unwrap_or_default() as u64;
        (agent.events, agent.lost) = (sum(0), sum(1));
    }
    Ok(Json(Agents { agents: agents.into_values().collect(), about: api.about(span, sums.damaged).await? }))
}

async fn newest(
    api: &Api,
    agents: &mut BTreeMap<String, Agent>,
    span: Span,
    filter: Filter,
) -> Result<(), Problem> {
    let ask =
        Ask::Rows { columns: columns(Table::Agents), order: Order::default(), limit: MOST, after: None };
    let query = Query { table: Table::Agents, from: Some(span.from), to: Some(span.to), filter, ask };
    let Outcome::Rows { columns, rows, .. } = api.ask(query).await?.outcome else {
        return Err(Problem::internal());
    };
    for row in rows {
        let agent = agent(&columns, &row, span.to.min(span.now));
        // The newest is first.
        agents.entry(agent.host.clone()).or_insert(agent);
    }
    Ok(())
}

fn agent(columns: &[String], row: &[Cell], until: i64) -> Agent {
    let cell = |name: &str| columns.iter().position(|column| column == name).and_then(|at| row.get(at));
    let number = |name: &str| match cell(name) {
        Some(Cell::Number(number)) => Some(*number),
        _ => None,
    };
    let seen = number("time").unwrap_or_default();
    Agent {
        host: text(cell(names::HOST_NAME)).unwrap_or_default(),
        id: text(cell(names::HOST_ID)),
        version: text(cell(names::SERVICE_VERSION)),
        kernel: text(cell("kernel")),
        seen: rfc3339(seen),
        away: until.saturating_sub(seen) > AWAY,
        sampled: number("sampled").map(|percent| percent as f64 / 100.0),
        attributes: match cell("attributes") {
            Some(Cell::Map(pairs)) => pairs.iter().cloned().collect(),
            _ => BTreeMap::new(),
        },
        ..Agent::default()
    }
}
