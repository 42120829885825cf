//! Batches of agents on other hosts (`rows::wire`): stored as they are, each once, and acknowledged when they are durable.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use rows::wire::{self, MEDIA, PATH, Sent, Wrong};
use store::{Error, Origin, Ticket};

use super::body::{NoBody, read};
use super::room::{Part, Room};
use crate::Intake;
use crate::problem::{Kind, Problem};

/// A batch of so many bytes is dealt with beside what else goes on, since it takes milliseconds.
const LARGE: usize = 32 << 10;
/// When it may be tried again where there was no room, and where the disk is in trouble: seconds.
const SOON: u64 = 1;
const LATER: u64 = 5;

/// How much may come.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of a batch, packed.
    pub packed: usize,
    /// The same unpacked.
    pub batch: usize,
    /// Bytes of memory for all batches that are being read.
    pub all: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { packed: 8 << 20, batch: 32 << 20, all: 96 << 20 }
    }
}

/// What became of batches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// Rows that are durable; those of batches that were sent again are counted again.
    pub rows: u64,
    /// Batches that will never be taken: they are none, or too old.
    pub refused: u64,
    /// Batches that are to be sent again, since there was no room.
    pub busy: u64,
}

/// Takes agents' batches in.
pub struct Agents {
    intake: Arc<Intake>,
    limits: Limits,
    room: Arc<Room>,
    rows: AtomicU64,
    refused: AtomicU64,
    busy: AtomicU64,
}

impl Agents {
    /// Into this store.
    pub fn new(intake: Arc<Intake>, limits: Limits) -> Arc<Self> {
        let room = Room::new(limits.all);
        let [rows, refused, busy] = [(); 3].map(|()| AtomicU64::new(0));
        Arc::new(Agents { intake, limits, room, rows, refused, busy })
    }

    /// `POST /api/v1/agent/batches`.
    pub fn router(self: &Arc<Self>) -> Router {
        Router::new().route(PATH, post(batch)).with_state(Arc::clone(self))
    }

    /// What became of what came.
    pub fn counts(&self) -> Counted {
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counted { rows: count(&self.rows), refused: count(&self.refused), busy: count(&self.busy) }
    }

    async fn take(self: &Arc<Self>, request: Request) -> Result<(), Problem> {
        let (head, body) = request.into_parts();
        if head.headers.get(CONTENT_TYPE).is_none_or(|media| media.as_bytes() != MEDIA.as_bytes()) {
            return Err(Problem::new(Kind::UnsupportedMediaType, format!("a batch is {MEDIA}")));
        }
        let mut part = self.room.part();
        let bytes = read(body, self.limits.packed, &mut part).await.map_err(no_body)?;
        let submitted = if bytes.len() < LARGE {
            self.submit(&bytes, part)
        } else {
            let own = Arc::clone(self);
            let submitting = tokio::task::spawn_blocking(move || own.submit(&bytes, part));
            submitting.await.map_err(|_| Problem::internal())?
        };
        let (ticket, rows) = submitted?;
        ticket.await.map_err(|error| not_stored(&error))?;
        self.rows.fetch_add(rows, Ordering::Relaxed);
        Ok(())
    }

    fn submit(&self, bytes: &[u8], mut part: Part) -> Result<(Ticket, u64), Problem> {
        // What a batch takes is known when it is unpacked; a packed one that is no bomb takes ten times as much.
        if !part.grow((bytes.len() * 10).min(2 * self.limits.batch)) {
            return Err(busy());
        }
        let Sent { source, sequence, table, batch } =
            wire::decode(bytes, self.limits.batch).map_err(|wrong| wrong_batch(&wrong))?;
        let ticket = self
            .intake
            .take(Origin { source, sequence }, table, &batch)
            .map_err(|error| not_stored(&error))?;
        Ok((ticket, batch.num_rows() as u64))
    }
}

async fn batch(State(agents): State<Arc<Agents>>, request: Request) -> Response {
    match agents.take(request).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(problem) => {
            let busy = problem.status() == StatusCode::SERVICE_UNAVAILABLE;
            let count = if busy { &agents.busy } else { &agents.refused };
            count.fetch_add(1, Ordering::Relaxed);
            problem.into_response()
        }
    }
}

fn busy() -> Problem {
    Problem::new(Kind::Unavailable, "too much is waiting to be stored").retry_after(SOON)
}

fn no_body(none: NoBody) -> Problem {
    match none {
        NoBody::NoRoom => busy(),
        NoBody::TooLarge(most) => Problem::new(Kind::TooLarge, format!("a batch has {most} bytes at most")),
        NoBody::TooSlow => Problem::new(Kind::RequestTimeout, "the batch took too long to come"),
        NoBody::Broken(why) => Problem::new(Kind::InvalidRequest, why),
    }
}

fn wrong_batch(wrong: &Wrong) -> Problem {
    let kind = match wrong {
        Wrong::TooLarge(_) => Kind::TooLarge,
        _ => Kind::InvalidRequest,
    };
    Problem::new(kind, wrong.to_string())
}

fn not_stored(error: &Error) -> Problem {
    match error {
        Error::Busy { .. } => busy(),
        Error::TooOld { .. } => Problem::new(Kind::Conflict, error.to_string()),
        Error::Unfit(_) => Problem::new(Kind::InvalidRequest, error.to_string()),
        other => Problem::new(Kind::Unavailable, other.to_string()).retry_after(LATER),
    }
}
