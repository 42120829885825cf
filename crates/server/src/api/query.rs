//! Any question that the store can be asked.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use schema::query::{Answer, Query};

use super::ask::Api;
use crate::problem::Problem;

/// Any question that the store can be asked, as docs/storage.md describes them: the other paths ask no other ones.
#[utoipa::path(post, path = "/query", tag = "store", request_body(content = serde_json::Value, description = "A question"),
    responses((status = 200, body = serde_json::Value, description = "Its answer")))]
pub(super) async fn query(
    State(api): State<Arc<Api>>,
    question: Result<Json<Query>, JsonRejection>,
) -> Result<Json<Answer>, Problem> {
    let Json(question) = question?;
    Ok(Json(api.ask(question).await?))
}
