//! How the server itself is.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ask::Api;

/// How the server is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// `ok`, or `degraded`: `store.trouble` tells why.
    pub status: String,
    /// Its version.
    pub version: String,
    /// For how long it has been running: seconds.
    pub uptime: f64,
    /// Its store.
    pub store: StoreHealth,
}

/// How the store is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StoreHealth {
    /// Rows that were made durable since the start.
    pub rows: u64,
    /// Batches that had been stored before, and were not again.
    pub repeated: u64,
    /// Batches that were refused because too much waited.
    pub refused: u64,
    /// Batches that a failing disk did not take.
    pub failed: u64,
    /// Rows in memory and the log only.
    pub recent_rows: u64,
    /// Bytes of those.
    pub recent_bytes: u64,
    /// What is wrong with its disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

/// How the server is.
#[utoipa::path(get, path = "/health", tag = "server", responses((status = 200, body = Health)))]
pub(super) async fn health(State(api): State<Arc<Api>>) -> Json<Health> {
    let figures = api.store().figures();
    let (rows, bytes) = api.store().in_memory();
    let trouble = api.store().trouble();
    Json(Health {
        status: if trouble.is_none() { "ok" } else { "degraded" }.into(),
        version: api.version.into(),
        uptime: api.began.elapsed().as_secs_f64(),
        store: StoreHealth {
            rows: figures.rows,
            repeated: figures.repeated,
            refused: figures.refused,
            failed: figures.failed,
            recent_rows: rows as u64,
            recent_bytes: bytes as u64,
            trouble,
        },
    })
}
