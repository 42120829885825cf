//! Who asks whom.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query as Params, State};
use model::names;
use schema::Table;
use schema::query::{Filter, Group, Measure};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ask::{Api, text};
use super::figures::{About, Figures, seconds_of};
use super::params::{Asked, Span};
use super::sides::sides;
use crate::problem::Problem;

/// What a node is named of which nothing is known.
pub(super) const UNKNOWN: &str = "unknown";

/// Who asks whom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Topology {
    /// Services, databases, and whoever else takes part.
    pub nodes: Vec<Node>,
    /// Who asks whom, by protocol.
    pub edges: Vec<Edge>,
    /// Which time this is about.
    pub about: About,
}

/// Somebody who asks or answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Node {
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
}

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A service that an agent sees.
    Service,
    /// It answers in a database's protocol.
    Database,
    /// It answers in a cache's protocol.
    Cache,
    /// It answers questions about names.
    Dns,
    /// No agent sees it: it is on another host, or the internet.
    External,
    /// Nothing is known of it.
    Unknown,
}

/// A client's requests to a server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Edge {
    /// Who asks.
    pub client: String,
    /// Who answers.
    pub server: String,
    /// In which protocol.
    pub protocol: String,
    /// The requests, as the end saw them that saw more; the server's where both saw all.
    pub figures: Figures,
    /// As the client's end saw them, where an agent is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_by_client: Option<Figures>,
    /// As the server's end saw them, where an agent is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_by_server: Option<Figures>,
    /// The TCP connections between the two, of all protocols.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp: Option<TcpHealth>,
    /// The two are on different hosts, as far as hosts are known.
    pub crosses_hosts: bool,
    /// The two are in different zones, as far as zones are known.
    pub crosses_zones: bool,
}

/// How TCP connections fared that ended in a time.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct TcpHealth {
    /// Connections that ended.
    pub connections: u64,
    /// Those that failed, or were broken off.
    pub failures: u64,
    /// Packets sent again.
    pub retransmits: u64,
    /// Bytes from the client to the server and back.
    pub bytes: u64,
    /// Their round-trip times, on average: seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt: Option<f64>,
    /// The time that connecting took, on average: seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect: Option<f64>,
}

/// What connections came to.
#[derive(Debug, Clone, Default)]
pub(super) struct Sums {
    connections: f64,
    failures: f64,
    retransmits: f64,
    bytes: f64,
    /// Each with how many it is of.
    rtt: (f64, f64),
    connect: (f64, f64),
}

impl Sums {
    /// The last key by which connections are put together: how they failed.
    pub(super) const BY: &'static str = names::ERROR_TYPE;

    pub(super) fn measures() -> Vec<Measure> {
        let sum = |field: &str| Measure::Sum(field.into());
        let mean = |field: &str| Measure::Mean(field.into());
        vec![
            // Short ones that are alike share a row.
            sum("count"),
            sum("retransmits"),
            sum("sent.bytes"),
            sum("received.bytes"),
            mean("rtt"),
            mean("connect.duration"),
        ]
    }

    pub(super) fn add(&mut self, group: &Group) {
        let at = |place: usize| group.measures.get(place).copied().flatten();
        let whole = |place: usize| at(place).unwrap_or_default();
        let count = whole(0);
        self.connections += count;
        if text(group.keys.last()).is_some() {
            self.failures += count;
        }
        self.retransmits += whole(1);
        self.bytes += whole(2) + whole(3);
        for (sum, mean) in [(&mut self.rtt, at(4)), (&mut self.connect, at(5))] {
            if let Some(mean) = mean {
                *sum = (sum.0 + mean * count, sum.1 + count);
            }
        }
    }

    pub(super) fn health(&self) -> TcpHealth {
        let mean = |(sum, count): (f64, f64)| (count > 0.0).then(|| seconds_of(sum / count));
        TcpHealth {
            connections: self.connections as u64,
            failures: self.failures as u64,
            retransmits: self.retransmits as u64,
            bytes: self.bytes as u64,
            rtt: mean(self.rtt),
            connect: mean(self.connect),
        }
    }
}

/// Who asks whom, how often, how fast and with what success.
#[utoipa::path(get, path = "/topology", tag = "services", params(Asked), responses((status = 200, body = Topology)))]
pub(super) async fn topology(
    State(api): State<Arc<Api>>,
    asked: Result<Params<Asked>, QueryRejection>,
) -> Result<Json<Topology>, Problem> {
    let Params(asked) = asked?;
    let (table, filter) = asked.summed()?;
    let span = asked.span()?.aligned();
    let (nodes, edges, damaged) = graph(&api, table, span, filter).await?;
    Ok(Json(Topology { nodes, edges, about: api.about(span, damaged).await? }))
}

type Graph = (Vec<Node>, Vec<Edge>, Vec<String>);

/// The nodes and edges of a time.
pub(super) async fn graph(api: &Api, table: Table, span: Span, filter: Filter) -> Result<Graph, Problem> {
    let by = ["client", "server", "network.protocol.name", "role"];
    let asked = api.groups(table, span, filter.clone(), &by, Figures::measures(table));
    let by = ["client", "server", "role", "host.name"];
    let hosts = api.groups(table, span, filter, &by, vec![Measure::Count]);
    let by = ["client", "server", "role", Sums::BY];
    let tcp = api.groups(Table::Connections, span, Filter::All, &by, Sums::measures());
    let (asked, hosts, tcp, zones) = tokio::try_join!(asked, hosts, tcp, api.zones(span))?;
    let places = Places { hosts: hosts_of(&hosts.groups), zones };
    let edges = edges(&asked.groups, &tcp.groups, &places, span.seconds());
    Ok((nodes(&edges, &places), edges, asked.damaged))
}

fn name(cell: Option<&schema::query::Cell>) -> String {
    text(cell).filter(|name| !name.is_empty()).unwrap_or_else(|| UNKNOWN.to_owned())
}

/// The zones of each host.
pub(super) type Zones = BTreeMap<String, BTreeSet<String>>;

/// Where services are.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// The hosts on which each was seen.
    pub(super) hosts: BTreeMap<String, BTreeSet<String>>,
    pub(super) zones: Arc<Zones>,
}

impl Places {
    fn hosts_of(&self, service: &str) -> BTreeSet<&str> {
        self.hosts.get(service).into_iter().flatten().map(String::as_str).collect()
    }

    fn zones_of(&self, service: &str) -> BTreeSet<&str> {
        let zones = self.hosts_of(service).into_iter().filter_map(|host| self.zones.get(host));
        zones.flatten().map(String::as_str).collect()
    }
}

/// Both are known, and they have nothing in common.
fn differ(from: &BTreeSet<&str>, to: &BTreeSet<&str>) -> bool {
    !from.is_empty() && !to.is_empty() && from.is_disjoint(to)
}

/// The hosts on which each service was seen. A key is client, server, the role, and the host that saw it.
fn hosts_of(groups: &[Group]) -> BTreeMap<String, BTreeSet<String>> {
    let mut hosts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for group in groups {
        let own = match text(group.keys.get(2)).as_deref() {
            Some("server") => name(group.keys.get(1)),
            Some("client") => name(group.keys.first()),
            _ => continue,
        };
        let Some(host) = text(group.keys.get(3)) else { continue };
        hosts.entry(own).or_default().insert(host);
    }
    hosts
}

fn edges(asked: &[Group], tcp: &[Group], places: &Places, seconds: f64) -> Vec<Edge> {
    // Both ends tell of the same connection: one of them counts, the client's if it is there, for it knows of failures.
    let mut ends: BTreeMap<(String, String, bool), Sums> = BTreeMap::new();
    for group in tcp {
        let is_client = text(group.keys.get(2)).as_deref() == Some("client");
        ends.entry((name(group.keys.first()), name(group.keys.get(1)), is_client)).or_default().add(group);
    }
    // The client's come behind the server's.
    let health: BTreeMap<(String, String), TcpHealth> =
        ends.into_iter().map(|((client, server, _), sums)| ((client, server), sums.health())).collect();
    let named = |name: &String| if name.is_empty() { UNKNOWN.to_owned() } else { name.clone() };
    let edge = |(keys, sides): (Vec<String>, super::sides::Sides)| {
        let [client, server, protocol] = keys.as_slice() else { return None };
        let (client, server) = (named(client), named(server));
        let tcp = health.get(&(client.clone(), server.clone())).cloned();
        Some(Edge {
            figures: sides.best(),
            seen_by_client: sides.client,
            seen_by_server: sides.server,
            tcp,
            crosses_hosts: differ(&places.hosts_of(&client), &places.hosts_of(&server)),
            crosses_zones: differ(&places.zones_of(&client), &places.zones_of(&server)),
            client,
            server,
            protocol: protocol.clone(),
        })
    };
    sides(asked, seconds).into_iter().filter_map(edge).collect()
}

fn nodes(edges: &[Edge], places: &Places) -> Vec<Node> {
    let mut nodes: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for edge in edges {
        nodes.entry(&edge.client).or_default();
        nodes.entry(&edge.server).or_default().insert(&edge.protocol);
    }
    let node = |(name, protocols): (&str, BTreeSet<&str>)| Node {
        kind: kind(name, &protocols, places.hosts.contains_key(name)),
        name: name.to_owned(),
        protocols: protocols.into_iter().map(str::to_owned).collect(),
        hosts: places.hosts_of(name).into_iter().map(str::to_owned).collect(),
        zones: places.zones_of(name).into_iter().map(str::to_owned).collect(),
    };
    nodes.into_iter().map(node).collect()
}

/// What a node is, by the protocols in which it answers and whether an agent sees it.
fn kind(name: &str, protocols: &BTreeSet<&str>, seen: bool) -> Kind {
    let answers_only =
        |known: &[&str]| !protocols.is_empty() && protocols.iter().all(|protocol| known.contains(protocol));
    if name == UNKNOWN {
        Kind::Unknown
    } else if answers_only(&["mysql", "postgresql"]) {
        Kind::Database
    } else if answers_only(&["redis", "memcached"]) {
        Kind::Cache
    } else if answers_only(&["dns"]) {
        Kind::Dns
    } else if seen {
        Kind::Service
    } else {
        Kind::External
    }
}

#[cfg(test)]
mod tests {
    use schema::query::Cell;

    use super::*;

    fn group(keys: &[&str], measures: &[f64]) -> Group {
        let cell = |key: &&str| if key.is_empty() { Cell::Null } else { Cell::Text((*key).into()) };
        Group {
            time: None,
            keys: keys.iter().map(cell).collect(),
            measures: measures.iter().copied().map(Some).collect(),
        }
    }

    #[test]
    fn both_ends_make_one_edge_and_hosts_tell_what_crosses() {
        let asked = [
            group(&["shop", "mysql", "mysql", "client"], &[100.0, 2.0, 2e6, 3e6, 4e6, 2e8]),
            group(&["shop", "mysql", "mysql", "server"], &[100.0, 1.0, 1e6, 2e6, 3e6, 1e8]),
            group(&["", "shop", "http", "server"], &[50.0, 0.0, 1e6, 2e6, 3e6, 1e8]),
            group(&["shop", "api.example.com", "http", "client"], &[5.0, 0.0, 1e6, 2e6, 3e6, 1e8]),
        ];
        let tcp = [
            group(&["shop", "mysql", "server", ""], &[9.0, 1.0, 10.0, 20.0, 1e6, 0.0]),
            group(&["shop", "mysql", "client", ""], &[9.0, 2.0, 20.0, 10.0, 2e6, 3e6]),
            group(&["shop", "mysql", "client", "refused"], &[1.0, 0.0, 0.0, 0.0, 2e6, 3e6]),
        ];
        let hosts = hosts_of(&[
            group(&["shop", "mysql", "client", "a"], &[1.0]),
            group(&["shop", "mysql", "server", "b"], &[1.0]),
            group(&["", "shop", "server", "a"], &[1.0]),
        ]);
        let zone = |host: &str, zone: &str| (host.to_owned(), BTreeSet::from([zone.to_owned()]));
        let mut places = Places { hosts, zones: Arc::new(BTreeMap::from([zone("a", "1"), zone("b", "1")])) };
        assert!(edges(&asked, &tcp, &places, 10.0).iter().all(|edge| !edge.crosses_zones));
        places.zones = Arc::new(BTreeMap::from([zone("a", "1"), zone("b", "2")]));
        let edges = edges(&asked, &tcp, &places, 10.0);
        assert_eq!(edges.len(), 3);
        let mysql = edges.iter().find(|edge| edge.server == "mysql").expect("edge");
        assert_eq!((mysql.figures.errors, mysql.figures.p95), (1, Some(0.002)), "the server's");
        assert_eq!(mysql.seen_by_client.as_ref().and_then(|figures| figures.p95), Some(0.003));
        assert!(mysql.crosses_hosts && mysql.crosses_zones);
        let health = mysql.tcp.clone().expect("tcp");
        assert_eq!((health.connections, health.failures, health.bytes, health.rtt), (10, 1, 30, Some(0.002)));
        let kinds: Vec<_> = nodes(&edges, &places).into_iter().map(|node| (node.name, node.kind)).collect();
        let expected = [
            ("api.example.com", Kind::External),
            ("mysql", Kind::Database),
            ("shop", Kind::Service),
            (UNKNOWN, Kind::Unknown),
        ];
        assert_eq!(kinds, expected.map(|(name, kind)| (name.to_owned(), kind)));
        let entry = edges.iter().find(|edge| edge.server == "shop").expect("edge");
        assert_eq!((entry.client.as_str(), entry.crosses_hosts, entry.tcp.is_none()), (UNKNOWN, false, true));
        assert!(!entry.crosses_zones, "nobody knows where it is asked from");
    }
}
