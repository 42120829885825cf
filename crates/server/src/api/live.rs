//! Requests as they come in, as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query as Params, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use schema::Table;
use serde::Deserialize;
use store::Watch;
use tokio::sync::broadcast::error::RecvError;
use tokio_stream::wrappers::ReceiverStream;
use utoipa::IntoParams;

use super::ask::{Api, problem};
use super::params;
use super::record::Record;
use crate::problem::{Kind, Problem};

/// Requests of one event at most; what a view cannot show is counted instead.
const MOST: usize = 200;
/// Events that may wait for a slow reader.
const WAITING: usize = 4;
/// So often a view is told something, at most.
const EVERY: Duration = Duration::from_millis(250);

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Which requests: `service = shop and duration > 50ms`; see docs/api.md.
    filter: Option<String>,
}

/// Requests as they come in: server-sent events `requests`, each with a JSON object of `requests` and of `left_out`, how many more matched but
/// were too many to be told.
#[utoipa::path(get, path = "/live", tag = "requests", params(Wanted),
    responses((status = 200, content_type = "text/event-stream", body = String)))]
pub(super) async fn live(
    State(api): State<Arc<Api>>,
    wanted: Result<Params<Wanted>, QueryRejection>,
) -> Result<Sse<impl tokio_stream::Stream<Item = Result<Event, Infallible>>>, Problem> {
    let Params(wanted) = wanted?;
    let filter = params::filter("filter", wanted.filter.as_deref(), Table::Requests)?;
    let watch = Watch::new(Table::Requests, &filter).map_err(problem)?;
    let Ok(permit) = Arc::clone(&api.live).try_acquire_owned() else {
        let detail = format!("{} live views are open already", api.limits.live);
        return Err(Problem::new(Kind::Unavailable, detail).retry_after(10));
    };
    let mut taken = api.intake.follow();
    let (tell, told) = tokio::sync::mpsc::channel(WAITING);
    tokio::spawn(async move {
        let _permit = permit;
        let columns = watch.columns();
        let (mut requests, mut left_out): (Vec<Record>, u64) = (Vec::new(), 0);
        let mut next = tokio::time::interval(EVERY);
        next.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                // Whoever has closed the page is found out even if nothing happens.
                () = tell.closed() => return,
                batch = taken.recv() => match batch {
                    Ok(batch) if batch.table == Table::Requests => {
                        let (rows, more) = watch.rows(&batch.batch, MOST - requests.len().min(MOST));
                        requests.extend(rows.into_iter().map(|row| Record::of(&columns, row)));
                        left_out += more as u64;
                    }
                    Ok(_) => {}
                    // Batches were told faster than they were looked at: how many requests they had is not known.
                    Err(RecvError::Lagged(batches)) => left_out += batches,
                    Err(RecvError::Closed) => return,
                },
                _ = next.tick() => {
                    if requests.is_empty() && left_out == 0 {
                        continue;
                    }
                    let data = serde_json::json!({"requests": requests, "left_out": left_out}).to_string();
                    // Who reads slowly gets less, not more later.
                    if tell.try_send(Ok(Event::default().event("requests").data(data))).is_ok() {
                        left_out = 0;
                    } else {
                        left_out += requests.len() as u64;
                    }
                    requests.clear();
                }
            }
        }
    });
    Ok(Sse::new(ReceiverStream::new(told)).keep_alive(KeepAlive::default()))
}
