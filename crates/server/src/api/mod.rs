//! The API under `/api/v1`: each question becomes one or a few queries of the store.
//!
//! Times are RFC 3339, durations seconds, sizes bytes, rates per second. Every answer tells in `about` which time it is about and how
//! much of what happened it is made from.

mod agents;
mod ask;
mod connections;
mod dependencies;
mod export;
mod facets;
mod figures;
mod glance;
mod health;
mod heat_map;
mod live;
mod operations;
mod params;
mod queries;
mod query;
mod record;
mod requests;
mod series;
mod services;
mod sides;
mod topology;
mod traces;

use std::sync::Arc;

use axum::Router;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use self::agents::{Agent, Agents};
pub use self::ask::{Api, Limits};
pub use self::connections::{Connection, Connections};
pub use self::dependencies::{Blast, Dependencies, Dependency, Evidence, Verdict};
pub use self::facets::{Apart, Difference, Facet, FacetValue, Facets};
pub use self::figures::{About, Coverage, Figures};
pub use self::glance::Glance;
pub use self::health::{Health, StoreHealth};
pub use self::heat_map::HeatMap;
pub use self::operations::{Operation, Operations};
pub use self::record::{End, Process, Record, Size};
pub use self::requests::Requests;
pub use self::series::{Point, Series, SeriesSet};
pub use self::services::{Instance, Service, ServiceDetail, Services};
pub use self::topology::{Edge, Kind, Node, TcpHealth, Topology};
pub use self::traces::{Span, Trace, TraceSummary, Traces};

/// Where it is.
pub const PREFIX: &str = "/api/v1";

#[derive(OpenApi)]
#[openapi(info(
    title = "Weir",
    description = "What the services of these hosts do. Times are RFC 3339, durations seconds, sizes bytes, rates per second. Errors are \
        problem documents (RFC 9457)."
))]
struct Document;

fn open() -> OpenApiRouter<Arc<Api>> {
    let routes = OpenApiRouter::new()
        .routes(routes!(health::health))
        .routes(routes!(services::services))
        .routes(routes!(services::service))
        .routes(routes!(dependencies::dependencies))
        .routes(routes!(topology::topology))
        .routes(routes!(operations::operations))
        .routes(routes!(requests::requests))
        .routes(routes!(requests::request))
        .routes(routes!(facets::facets))
        .routes(routes!(facets::apart))
        .routes(routes!(heat_map::heat_map))
        .routes(routes!(live::live))
        .routes(routes!(export::export))
        .routes(routes!(connections::connections))
        .routes(routes!(traces::traces))
        .routes(routes!(traces::trace))
        .routes(routes!(series::series))
        .routes(routes!(agents::agents))
        .routes(routes!(query::query));
    OpenApiRouter::with_openapi(Document::openapi()).nest(PREFIX, routes)
}

/// The paths and what answers at them; all of it only reads.
pub fn router(api: Arc<Api>) -> Router {
    let (router, document) = open().split_for_parts();
    let text: Arc<str> = json(&document).into();
    let document = axum::routing::get(move || {
        let text = Arc::clone(&text);
        async move { ([(axum::http::header::CONTENT_TYPE, "application/json")], text.to_string()) }
    });
    router.route(&format!("{PREFIX}/openapi.json"), document).with_state(api)
}

/// The OpenAPI document.
pub fn document() -> String {
    json(&open().split_for_parts().1)
}

fn json(document: &utoipa::openapi::OpenApi) -> String {
    // It consists of maps with texts as keys, which become JSON always.
    document.to_pretty_json().unwrap_or_default() + "\n"
}
