//! OTLP in: traces, metrics and logs of any OpenTelemetry sender, by HTTP ([`Otlp::http`]) and gRPC ([`Otlp::grpc`]).
//!
//! A message becomes rows of one table and is acknowledged when they are durable. What of it makes no sense is left out, and the
//! sender is told (partial success). What finds no room is to be sent again: OTLP 1.9, "Failures" and "Throttling".

mod attributes;
mod buckets;
mod grpc;
mod http;
mod logs;
mod metrics;
mod refusal;
mod sheet;
mod signal;
mod spans;
mod status;
mod weight;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use store::Ticket;

use self::refusal::Refusal;
use self::signal::{Form, Logs, Metrics, Signal, Traces};
use super::body::{Packed, unpack};
use super::own::Own;
use super::room::{Part, Room};
use crate::Intake;

pub use self::logs::logs;
pub use self::metrics::metrics;
pub use self::sheet::Converted;
pub use self::spans::spans;

/// A message of so many bytes is dealt with beside what else goes on, since it takes milliseconds.
const LARGE: usize = 128 << 10;

/// How much may come.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of a message, packed or not.
    pub message: usize,
    /// Bytes of memory for all messages that are being read or understood. One may take half of it.
    pub all: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { message: 16 << 20, all: 128 << 20 }
    }
}

/// What became of what came, of one of the signals.
#[derive(Debug, Default)]
pub struct Counts {
    rows: AtomicU64,
    rejected: AtomicU64,
    refused: AtomicU64,
    busy: AtomicU64,
}

/// The same at a moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// Rows that are durable.
    pub rows: u64,
    /// Spans, points or lines that made no sense, or too many rows.
    pub rejected: u64,
    /// Messages that will never be taken, because of what they are.
    pub refused: u64,
    /// Messages that are to be sent again, since there was no room.
    pub busy: u64,
}

/// Takes OpenTelemetry's messages in.
pub struct Otlp {
    intake: Arc<Intake>,
    own: Own,
    limits: Limits,
    room: Arc<Room>,
    counts: [Counts; 3],
}

/// What a sender is told of a message that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Taken {
    rejected: u64,
    message: &'static str,
}

impl Otlp {
    /// Into this store.
    ///
    /// # Errors
    ///
    /// When the system has no random numbers.
    pub fn new(intake: Arc<Intake>, limits: Limits) -> io::Result<Arc<Self>> {
        let room = Room::new(limits.all);
        Ok(Arc::new(Otlp { intake, own: Own::new()?, limits, room, counts: Default::default() }))
    }

    /// `POST /v1/traces`, `/v1/metrics` and `/v1/logs`, for port 4318.
    pub fn http(self: &Arc<Self>) -> Router {
        http::router(Arc::clone(self))
    }

    /// The services `TraceService`, `MetricsService` and `LogsService`, for port 4317. To be served by HTTP/2.
    pub fn grpc(self: &Arc<Self>) -> Router {
        grpc::router(Arc::clone(self))
    }

    /// What became of what came: the signal's name (`spans`, `metrics`, `logs`) and its counts.
    pub fn counts(&self) -> [(&'static str, Counted); 3] {
        let counted = |counts: &Counts| Counted {
            rows: counts.rows.load(Ordering::Relaxed),
            rejected: counts.rejected.load(Ordering::Relaxed),
            refused: counts.refused.load(Ordering::Relaxed),
            busy: counts.busy.load(Ordering::Relaxed),
        };
        let [spans, metrics, logs] = &self.counts;
        [("spans", counted(spans)), ("metrics", counted(metrics)), ("logs", counted(logs))]
    }

    /// Takes a message. Returns when it is durable.
    async fn take<S: Signal>(
        self: &Arc<Self>,
        bytes: Vec<u8>,
        packed: Packed,
        form: Form,
        part: Part,
    ) -> Result<Taken, Refusal> {
        let told = if bytes.len() < LARGE && packed == Packed::No || bytes.len() < LARGE / 4 {
            self.submit::<S>(bytes, packed, form, part)
        } else {
            let own = Arc::clone(self);
            let submitting = tokio::task::spawn_blocking(move || own.submit::<S>(bytes, packed, form, part));
            submitting.await.map_err(|_| Refusal::Fault)?
        };
        let (taken, ticket, rows) = told?;
        if let Some(ticket) = ticket {
            ticket.await?;
        }
        let counts = &self.counts[S::PLACE];
        counts.rows.fetch_add(rows, Ordering::Relaxed);
        counts.rejected.fetch_add(taken.rejected, Ordering::Relaxed);
        Ok(taken)
    }

    /// What of it takes the processor.
    fn submit<S: Signal>(
        &self,
        bytes: Vec<u8>,
        packed: Packed,
        form: Form,
        mut part: Part,
    ) -> Result<(Taken, Option<Ticket>, u64), Refusal> {
        let converted = understand::<S>(bytes, (packed, form), self.limits, &mut part)?;
        let rows = converted.batch.num_rows();
        let ticket = match rows {
            0 => None,
            _ => Some(self.own.take(&self.intake, S::TABLE, &converted.batch)?),
        };
        let message = converted.message.unwrap_or_default();
        Ok((Taken { rejected: converted.rejected, message }, ticket, rows as u64))
    }

    fn count_refused<S: Signal>(&self, refusal: &Refusal) {
        let counts = &self.counts[S::PLACE];
        let count = if refusal.again_in().is_some() { &counts.busy } else { &counts.refused };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// The rows of a message.
fn understand<S: Signal>(
    bytes: Vec<u8>,
    (packed, form): (Packed, Form),
    limits: Limits,
    part: &mut Part,
) -> Result<Converted, Refusal> {
    let bytes = unpack(bytes, packed, limits.message, part)?;
    let weight = form.weigh::<S>(&bytes)?;
    if weight > limits.all / 2 {
        return Err(Refusal::TooLarge(limits.message));
    }
    if !part.grow(weight) {
        return Err(Refusal::Busy);
    }
    let message = form.read::<S>(&bytes)?;
    drop(bytes);
    S::convert(&message).map_err(|_| Refusal::Fault)
}

/// What becomes of the body of a request for `/v1/traces`, `/v1/metrics` or `/v1/logs`, and nothing is stored: `media` and
/// `encoding` are its headers.
///
/// # Errors
///
/// Why the sender would be refused.
pub fn read(
    path: &str,
    (media, encoding): (&str, Option<&str>),
    body: Vec<u8>,
    limits: Limits,
) -> Result<Converted, String> {
    let form = Form::named(media).ok_or_else(|| Refusal::Media.message())?;
    let packed = Packed::named(encoding).ok_or_else(|| Refusal::Packing.message())?;
    let mut part = Room::new(limits.all).part();
    let how = (packed, form);
    let understood = match path {
        Traces::PATH => understand::<Traces>(body, how, limits, &mut part),
        Metrics::PATH => understand::<Metrics>(body, how, limits, &mut part),
        Logs::PATH => understand::<Logs>(body, how, limits, &mut part),
        _ => return Err(format!("there is no {path}")),
    };
    understood.map_err(|refusal| refusal.message())
}

#[cfg(test)]
mod tests;
