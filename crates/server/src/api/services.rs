//! Services: all of them, and one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query as Params, State};
use model::names;
use schema::Table;
use schema::query::{Ask, Filter};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::ask::{Api, MOST_GROUPS, text};
use super::figures::{About, Figures};
use super::operations::Operation;
use super::params::Asked;
use super::series::{Point, points};
use super::sides::{Sides, sides};
use super::topology::{Edge, Kind, Sums, TcpHealth, graph};
use crate::problem::{Kind as ProblemKind, Problem};

/// Operations and instances of a service's page.
const MOST_OPERATIONS: usize = 100;

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// With so many points of each service's figures over time: 1 to 120; none where nothing is said.
    points: Option<i64>,
}

/// Services.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Services {
    /// The services, the one with most requests first.
    pub services: Vec<Service>,
    /// Which time this is about.
    pub about: About,
}

/// A service, or whoever else answers or asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Protocols in which it answers.
    pub protocols: Vec<String>,
    /// Hosts on which an agent saw it.
    pub hosts: Vec<String>,
    /// Zones of those hosts, as far as their agents were told them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub zones: Vec<String>,
    /// What it answers.
    pub inbound: Figures,
    /// What it asks of others.
    pub outbound: Figures,
    /// What it answers over time, if that was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub points: Vec<Point>,
}

/// A service, in detail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ServiceDetail {
    /// The service.
    pub service: Service,
    /// What it is asked, what took most time first. The keys are protocol and name.
    pub operations: Vec<Operation>,
    /// Who asks it.
    pub callers: Vec<Edge>,
    /// Whom it asks.
    pub callees: Vec<Edge>,
    /// Its processes.
    pub instances: Vec<Instance>,
    /// Its TCP connections that ended.
    pub tcp: TcpHealth,
    /// Which time this is about.
    pub about: About,
}

/// A process of a service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Instance {
    /// Its host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<String>,
    /// Its command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// What it answers.
    pub inbound: Figures,
    /// What it asks of others.
    pub outbound: Figures,
}

/// Services, databases and whoever else answers or asks, with their figures.
#[utoipa::path(get, path = "/services", tag = "services", params(Asked, Wanted), responses((status = 200, body = Services)))]
pub(super) async fn services(
    State(api): State<Arc<Api>>,
    asked: Result<Params<Asked>, QueryRejection>,
    wanted: Result<Params<Wanted>, QueryRejection>,
) -> Result<Json<Services>, Problem> {
    let (Params(asked), Params(wanted)) = (asked?, wanted?);
    let (table, filter) = asked.summed()?;
    let span = asked.span()?.aligned();
    let measures = || Figures::measures(table);
    let inbound = api.groups(table, span, filter.clone(), &["server", "role"], measures());
    let outbound = api.groups(table, span, filter.clone(), &["client", "role"], measures());
    let (graph, inbound, outbound) =
        tokio::try_join!(graph(&api, table, span, filter.clone()), inbound, outbound)?;
    let (nodes, _, damaged) = graph;
    let (inbound, outbound) =
        (sides(&inbound.groups, span.seconds()), sides(&outbound.groups, span.seconds()));
    let mut over_time = BTreeMap::new();
    if let Some(wanted) = wanted.points {
        let step = span.step(wanted.clamp(1, 120));
        let (series, _) = points(&api, (table, filter), span.by(step), &["server"], step).await?;
        over_time.extend(
            series.into_iter().filter_map(|series| Some((series.keys.into_iter().next()?, series.points))),
        );
    }
    let figures = |all: &BTreeMap<Vec<String>, Sides>, name: &str| {
        all.get(std::slice::from_ref(&name.to_owned())).map(Sides::best).unwrap_or_default()
    };
    let mut services: Vec<_> = nodes
        .into_iter()
        .map(|node| Service {
            inbound: figures(&inbound, &node.name),
            outbound: figures(&outbound, &node.name),
            points: over_time.remove(&node.name).unwrap_or_default(),
            name: node.name,
            kind: node.kind,
            protocols: node.protocols,
            hosts: node.hosts,
            zones: node.zones,
        })
        .collect();
    services.sort_by_key(|service| std::cmp::Reverse(service.inbound.count));
    Ok(Json(Services { services, about: api.about(span, damaged).await? }))
}

/// One service: what it is asked, by whom, whom it asks, its processes and connections.
#[utoipa::path(get, path = "/services/{name}", tag = "services", params(("name" = String, Path, description = "The service"), Asked),
    responses((status = 200, body = ServiceDetail)))]
pub(super) async fn service(
    State(api): State<Arc<Api>>,
    Path(name): Path<String>,
    asked: Result<Params<Asked>, QueryRejection>,
) -> Result<Json<ServiceDetail>, Problem> {
    let Params(asked) = asked?;
    let (table, filter) = asked.summed()?;
    let requests = asked.filter(Table::Requests)?;
    let span = asked.span()?.aligned();
    let is = |field: &str| Filter::is(field, name.as_str());
    let either = filter.clone().and(Filter::Or(vec![is(names::SERVER), is(names::CLIENT)]));
    let operations = Ask::Groups {
        by: vec![names::NETWORK_PROTOCOL_NAME.into(), "name".into(), "role".into()],
        every: None,
        measures: Figures::measures(Table::Requests),
        order: Some(5),
        limit: 2 * MOST_OPERATIONS,
    };
    let instances = Ask::Groups {
        by: [names::HOST_NAME, names::PROCESS_PID, names::PROCESS_EXECUTABLE_NAME, "role"]
            .map(str::to_owned)
            .into(),
        every: None,
        measures: Figures::measures(Table::Requests),
        order: None,
        limit: MOST_GROUPS,
    };
    let measures = || Figures::measures(table);
    let (graph, inbound, outbound, operations, instances, tcp) = tokio::try_join!(
        graph(&api, table, span, either),
        api.groups(table, span, filter.clone().and(is(names::SERVER)), &["role"], measures()),
        api.groups(table, span, filter.clone().and(is(names::CLIENT)), &["role"], measures()),
        api.groups_as(Table::Requests, span, requests.clone().and(is(names::SERVER)), operations),
        api.groups_as(Table::Requests, span, requests.and(is(names::SERVICE_NAME)), instances),
        api.groups(Table::Connections, span, is(names::SERVICE_NAME), &[Sums::BY], Sums::measures()),
    )?;
    let mut health = Sums::default();
    tcp.groups.iter().for_each(|group| health.add(group));
    let (nodes, edges, damaged) = graph;
    let Some(node) = nodes.into_iter().find(|node| node.name == name) else {
        let detail = format!("`{name}` neither asked nor answered anything in this time");
        return Err(Problem::new(ProblemKind::NotFound, detail));
    };
    let best =
        |groups: &[_]| sides(groups, span.seconds()).values().map(Sides::best).next().unwrap_or_default();
    let (callers, callees): (Vec<_>, Vec<_>) = edges.into_iter().partition(|edge| edge.server == name);
    Ok(Json(ServiceDetail {
        service: Service {
            kind: node.kind,
            protocols: node.protocols,
            hosts: node.hosts,
            zones: node.zones,
            inbound: best(&inbound.groups),
            outbound: best(&outbound.groups),
            points: Vec::new(),
            name,
        },
        operations: self::operations(&operations.groups, span.seconds()),
        callers,
        callees,
        instances: self::instances(&instances.groups, span.seconds()),
        tcp: health.health(),
        about: api.about(span, damaged).await?,
    }))
}

fn operations(groups: &[schema::query::Group], seconds: f64) -> Vec<Operation> {
    let figures = |(keys, sides): (Vec<String>, Sides)| Operation {
        keys: keys.into_iter().map(Some).collect(),
        figures: sides.best(),
        share: 0.0,
    };
    let mut operations: Vec<_> = sides(groups, seconds).into_iter().map(figures).collect();
    operations.sort_by(|one, other| other.figures.total.total_cmp(&one.figures.total));
    let all: f64 = operations.iter().map(|operation| operation.figures.total).sum();
    for operation in &mut operations {
        operation.share = super::figures::per(operation.figures.total, all);
    }
    operations.truncate(MOST_OPERATIONS);
    operations
}

fn instances(groups: &[schema::query::Group], seconds: f64) -> Vec<Instance> {
    let keys: BTreeSet<Vec<Option<String>>> =
        groups.iter().map(|group| group.keys.iter().take(3).map(|key| text(Some(key))).collect()).collect();
    let all = sides(groups, seconds);
    let instance = |keys: Vec<Option<String>>| {
        let named: Vec<String> = keys.iter().map(|key| key.clone().unwrap_or_default()).collect();
        let sides = all.get(&named).cloned().unwrap_or_default();
        let mut keys = keys.into_iter();
        Instance {
            host: keys.next().flatten(),
            pid: keys.next().flatten(),
            command: keys.next().flatten(),
            inbound: sides.server.unwrap_or_default(),
            outbound: sides.client.unwrap_or_default(),
        }
    };
    keys.into_iter().map(instance).collect()
}
