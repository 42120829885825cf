//! Requests for other programs: all that match, as they are found.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query as Params, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use export::rows::{csv, csv_head, json};
use schema::Table;
use schema::query::{Ask, Outcome, Part, Query};
use serde::Deserialize;
use tokio_stream::wrappers::ReceiverStream;
use utoipa::IntoParams;

use super::ask::{Api, problem};
use super::params::{Asked, wrong};
use crate::problem::Problem;

/// Parts that may wait for a slow reader: each has a thousand rows.
const WAITING: usize = 2;
/// Rows that are told where nothing is said: as many as a spreadsheet takes.
const USUAL: u64 = 1_000_000;

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// `json` (one object a line) or `csv`; `json` where nothing is said.
    format: Option<String>,
    /// So many at most; a million where nothing is said.
    limit: Option<u64>,
}

/// All requests that match, in no order: columns as docs/storage.md has them. What goes wrong in the middle cuts the answer short.
#[utoipa::path(get, path = "/export", tag = "requests", params(Asked, Wanted),
    responses((status = 200, content((String = "application/x-ndjson"), (String = "text/csv")))))]
pub(super) async fn export(
    State(api): State<Arc<Api>>,
    asked: Result<Params<Asked>, QueryRejection>,
    wanted: Result<Params<Wanted>, QueryRejection>,
) -> Result<Response, Problem> {
    let (Params(asked), Params(wanted)) = (asked?, wanted?);
    let span = asked.span()?;
    let limit = Some(wanted.limit.unwrap_or(USUAL));
    type Form = fn(Table, &[schema::query::Cell], &mut Vec<u8>);
    let (form, kind, name, head): (Form, _, _, _) = match wanted.format.as_deref().unwrap_or("json") {
        "json" => (json, "application/x-ndjson", "requests.jsonl", String::new()),
        "csv" => (csv, "text/csv; charset=utf-8", "requests.csv", csv_head(Table::Requests)),
        other => return Err(wrong("format", format_args!("`{other}` is neither `json` nor `csv`"))),
    };
    let filter = asked.filter(Table::Requests)?;
    let ask = Ask::Each { columns: Vec::new(), limit };
    let query = Query { table: Table::Requests, from: Some(span.from), to: Some(span.to), filter, ask };
    let parts = api.store().stream(&query).map_err(problem)?;
    let (tell, told) = tokio::sync::mpsc::channel::<Result<Bytes, std::io::Error>>(WAITING);
    let queries = Arc::clone(api.queries());
    tokio::task::spawn_blocking(move || {
        // Nobody waits any more: to drop the parts cancels the question.
        let gone = |_| store::Error::Cancelled;
        let told = queries.count(|| {
            if !head.is_empty() {
                tell.blocking_send(Ok(head.into())).map_err(gone)?;
            }
            for part in parts {
                match part? {
                    Part::Outcome(Outcome::Rows { rows, .. }) => {
                        let mut lines = Vec::new();
                        rows.iter().for_each(|row| form(Table::Requests, row, &mut lines));
                        tell.blocking_send(Ok(lines.into())).map_err(gone)?;
                    }
                    Part::Outcome(_) => break,
                    Part::Scanned(scanned) if scanned.damaged.is_empty() => break,
                    Part::Scanned(scanned) => return Err(store::Error::Damaged(scanned.damaged.join("; "))),
                }
            }
            Ok(())
        });
        if let Err(error) = told {
            // Who is gone needs no error.
            let _ = tell.blocking_send(Err(std::io::Error::other(error)));
        }
    });
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers = [(CONTENT_TYPE, kind.to_owned()), (CONTENT_DISPOSITION, disposition)];
    Ok((headers, Body::from_stream(ReceiverStream::new(told))).into_response())
}
