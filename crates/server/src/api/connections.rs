//! TCP connections that ended.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query as Params, State};
use schema::Table;
use schema::query::{Ask, Cell, Order, Outcome, Query};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::ask::{Api, text};
use super::figures::{About, seconds_of};
use super::params::{self, Asked, rfc3339};
use super::record::{End, columns};
use crate::problem::Problem;

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Page {
    /// So many at most, the newest: 1 to 1000; 100 where nothing is said.
    limit: Option<usize>,
}

/// Connections.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Connections {
    /// The connections.
    pub connections: Vec<Connection>,
    /// Which time this is about.
    pub about: About,
}

/// A TCP connection, as one of its ends saw it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct Connection {
    /// Its end's id, as requests name it.
    pub id: String,
    /// When it was opened: RFC 3339.
    pub time: String,
    /// For how long it was open: seconds.
    pub duration: f64,
    /// The end that saw it: `server`, `client` or `unknown`.
    pub role: String,
    /// Who connected.
    pub client: End,
    /// Who was connected to.
    pub server: End,
    /// The host of the end that saw it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// How it ended, or why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// From the first packet until it was open: seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect: Option<f64>,
    /// The round-trip time at the end, smoothed: seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt: Option<f64>,
    /// Bytes sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<u64>,
    /// Bytes received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received: Option<u64>,
    /// Packets sent again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retransmits: Option<u64>,
    /// How many connections it stands for: short ones that are alike are told together, with their mean times.
    pub count: u64,
}

impl Connection {
    fn of(columns: &[String], row: &[Cell]) -> Connection {
        let cell = |name: &str| columns.iter().position(|column| column == name).and_then(|at| row.get(at));
        let word = |name: &str| text(cell(name));
        let number = |name: &str| match cell(name) {
            Some(Cell::Number(number)) => Some(*number),
            _ => None,
        };
        let end = |service: &str, address: &str, port: &str| End {
            address: word(address),
            port: number(port).and_then(|port| port.try_into().ok()),
            service: word(service),
        };
        let seconds = |name: &str| number(name).map(|nanoseconds| seconds_of(nanoseconds as f64));
        Connection {
            id: word(model::names::WEIR_CONNECTION).unwrap_or_default(),
            time: rfc3339(number("time").unwrap_or_default()),
            duration: seconds("duration").unwrap_or_default(),
            role: word("role").unwrap_or_default(),
            client: end("client", "weir.client.address", "weir.client.port"),
            server: end("server", "weir.server.address", "weir.server.port"),
            host: word(model::names::HOST_NAME),
            reason: word("reason"),
            error: word(model::names::ERROR_TYPE),
            connect: seconds("connect.duration"),
            rtt: seconds("rtt"),
            sent: number("sent.bytes").map(i64::unsigned_abs),
            received: number("received.bytes").map(i64::unsigned_abs),
            retransmits: number("retransmits").map(i64::unsigned_abs),
            count: number("count").unwrap_or(1).unsigned_abs(),
        }
    }
}

/// TCP connections that ended, or failed, the newest first.
#[utoipa::path(get, path = "/connections", tag = "requests", params(Asked, Page), responses((status = 200, body = Connections)))]
pub(super) async fn connections(
    State(api): State<Arc<Api>>,
    asked: Result<Params<Asked>, QueryRejection>,
    page: Result<Params<Page>, QueryRejection>,
) -> Result<Json<Connections>, Problem> {
    let (Params(asked), Params(page)) = (asked?, page?);
    let span = asked.span()?;
    let limit = params::limit(page.limit, 100, 1000)?;
    let ask = Ask::Rows { columns: columns(Table::Connections), order: Order::default(), limit, after: None };
    let filter = asked.filter(Table::Connections)?;
    let query = Query { table: Table::Connections, from: Some(span.from), to: Some(span.to), filter, ask };
    let answer = api.ask(query).await?;
    let Outcome::Rows { columns, rows, .. } = answer.outcome else { return Err(Problem::internal()) };
    Ok(Json(Connections {
        connections: rows.iter().map(|row| Connection::of(&columns, row)).collect(),
        about: api.about(span, answer.scanned.damaged).await?,
    }))
}
