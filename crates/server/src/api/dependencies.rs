//! Whom a service needs, and who needs it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query as Params, State};
use insight::dependence::{self, Window};
use insight::graph::Graph;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ask::Api;
use super::figures::{About, Figures};
use super::params::Asked;
use super::series::{Series, points};
use super::topology::{UNKNOWN, graph};
use crate::problem::{Kind, Problem};

/// Points into which a time is cut.
const POINTS: i64 = 20;

/// Whom a service needs, and who needs it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Dependencies {
    /// Whom it asks, and whether it needs them.
    pub dependencies: Vec<Dependency>,
    /// How many ask it.
    pub fan_in: u64,
    /// How many it asks.
    pub fan_out: u64,
    /// Circles that it is part of: those who ask one another.
    pub cycles: Vec<Vec<String>>,
    /// Whoever asks it, or asks somebody who does; the nearest first.
    pub blast_radius: Vec<Blast>,
    /// Which time this is about.
    pub about: About,
}

/// Somebody that a service asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Dependency {
    /// Whom.
    pub server: String,
    /// Whether it is needed.
    pub verdict: Verdict,
    /// What that is based on; none where the callee was not seen in trouble.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// What is asked.
    pub figures: Figures,
    /// The two are on different hosts, as far as hosts are known.
    pub crosses_hosts: bool,
    /// The two are in different zones, as far as zones are known.
    pub crosses_zones: bool,
}

/// Whether somebody is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The caller fails or becomes slow with it.
    Strong,
    /// The caller gets by without it.
    Weak,
    /// It was not seen often enough in trouble to tell.
    Unknown,
}

/// What a verdict is based on: the time is cut into windows, and those in which the callee was in trouble are compared with the others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Evidence {
    /// `errors` or `slow`: the callee's trouble.
    pub trouble: String,
    /// Windows in which it was in trouble.
    pub windows: u64,
    /// The other ones.
    pub others: u64,
    /// How the caller did in those: its part of failed requests, or its p95 in seconds.
    pub caller_then: f64,
    /// How it did in the others.
    pub caller_otherwise: f64,
    /// How the calls did in those, in the same unit.
    pub calls_then: f64,
    /// How they did in the others.
    pub calls_otherwise: f64,
}

/// Somebody who feels it when a service fails.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Blast {
    /// Who.
    pub service: String,
    /// Calls between the two: 1 for who asks the service itself.
    pub distance: u64,
    /// Whom it asks, on the shortest way.
    pub through: String,
    /// All along some way each one needs the answer.
    pub strong: bool,
}

/// Whom a service needs, who needs it, and what that is based on.
#[utoipa::path(get, path = "/services/{name}/dependencies", tag = "services",
    params(("name" = String, Path, description = "The service"), Asked), responses((status = 200, body = Dependencies)))]
pub(super) async fn dependencies(
    State(api): State<Arc<Api>>,
    Path(name): Path<String>,
    asked: Result<Params<Asked>, QueryRejection>,
) -> Result<Json<Dependencies>, Problem> {
    let Params(asked) = asked?;
    let (table, filter) = asked.summed()?;
    let span = asked.span()?.aligned();
    let step = span.step(POINTS);
    let span = span.by(step);
    let (whole, calls, answers) = tokio::try_join!(
        graph(&api, table, span, filter.clone()),
        points(&api, (table, filter.clone()), span, &["client", "server"], step),
        points(&api, (table, filter), span, &["server"], step),
    )?;
    let (nodes, edges, damaged) = whole;
    if !nodes.iter().any(|node| node.name == name) {
        let detail = format!("`{name}` neither asked nor answered anything in this time");
        return Err(Problem::new(Kind::NotFound, detail));
    }
    let verdicts = verdicts(&calls.0, &answers.0);
    let judged = |client: &str, server: &str| verdicts.get(&(client.to_owned(), server.to_owned())).cloned();
    let mut all = Graph::default();
    for edge in edges.iter().filter(|edge| edge.client != UNKNOWN) {
        let strong =
            judged(&edge.client, &edge.server).is_some_and(|(verdict, _)| verdict == Verdict::Strong);
        all.add(&edge.client, &edge.server, strong);
    }
    let dependencies = edges.into_iter().filter(|edge| edge.client == name).map(|edge| {
        let (verdict, evidence) = judged(&name, &edge.server).unwrap_or((Verdict::Unknown, None));
        Dependency {
            server: edge.server,
            verdict,
            evidence,
            figures: edge.figures,
            crosses_hosts: edge.crosses_hosts,
            crosses_zones: edge.crosses_zones,
        }
    });
    let blast = all.blast_radius(&name).into_iter().map(|affected| Blast {
        service: affected.name,
        distance: affected.distance as u64,
        through: affected.through,
        strong: affected.strong,
    });
    Ok(Json(Dependencies {
        dependencies: dependencies.collect(),
        fan_in: all.fan_in(&name) as u64,
        fan_out: all.fan_out(&name) as u64,
        cycles: all.cycles().into_iter().filter(|cycle| cycle.contains(&name)).collect(),
        blast_radius: blast.collect(),
        about: api.about(span, damaged).await?,
    }))
}

type Verdicts = BTreeMap<(String, String), (Verdict, Option<Evidence>)>;

fn figures(figures: &Figures) -> dependence::Figures {
    dependence::Figures { count: figures.count, errors: figures.errors, p95: figures.p95 }
}

/// Whether each client needs each of its servers.
fn verdicts(calls: &[Series], answers: &[Series]) -> Verdicts {
    let answers: BTreeMap<&str, BTreeMap<&str, &Figures>> = answers
        .iter()
        .filter_map(|series| {
            let points = series.points.iter().map(|point| (point.time.as_str(), &point.figures));
            Some((series.keys.first()?.as_str(), points.collect()))
        })
        .collect();
    let mut verdicts = Verdicts::new();
    for series in calls {
        let [client, server] = series.keys.as_slice() else { continue };
        let Some(own) = answers.get(client.as_str()) else { continue };
        let windows: Vec<Window> = series
            .points
            .iter()
            .filter_map(|point| {
                let caller = figures(own.get(point.time.as_str())?);
                Some(Window { caller, calls: figures(&point.figures) })
            })
            .collect();
        let (verdict, evidence) = dependence::verdict(&windows);
        verdicts.insert((client.clone(), server.clone()), (told(verdict), evidence.map(Evidence::from)));
    }
    verdicts
}

fn told(verdict: dependence::Verdict) -> Verdict {
    match verdict {
        dependence::Verdict::Strong => Verdict::Strong,
        dependence::Verdict::Weak => Verdict::Weak,
        dependence::Verdict::Unknown => Verdict::Unknown,
    }
}

impl From<dependence::Evidence> for Evidence {
    fn from(evidence: dependence::Evidence) -> Self {
        Evidence {
            trouble: match evidence.trouble {
                dependence::Trouble::Errors => "errors".into(),
                dependence::Trouble::Slow => "slow".into(),
            },
            windows: evidence.windows as u64,
            others: evidence.others as u64,
            caller_then: evidence.caller_then,
            caller_otherwise: evidence.caller_otherwise,
            calls_then: evidence.calls_then,
            calls_otherwise: evidence.calls_otherwise,
        }
    }
}
