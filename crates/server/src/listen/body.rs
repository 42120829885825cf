//! Bodies on their way in, which have to come on, and on their way out, which have to be taken.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::BoxError;
use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep};

use super::Limits;
use super::life::Exchange;

/// What was wrong with a request's body: whoever reads it may tell it in words of his own, or not at all.
#[derive(Debug, Clone, Default)]
pub(super) struct Verdict(Arc<AtomicU8>);

/// Why a body was not read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Broken {
    /// It did not come on.
    #[error("the request's body did not arrive in time")]
    TooSlow,
    /// It is longer than any body may be.
    #[error("the request's body is too large")]
    TooLarge,
}

impl Verdict {
    /// What it was, if anything was.
    pub(super) fn broken(&self) -> Option<Broken> {
        match self.0.load(Ordering::Relaxed) {
            1 => Some(Broken::TooSlow),
            2 => Some(Broken::TooLarge),
            _ => None,
        }
    }

    fn set(&self, broken: Broken) -> Broken {
        self.0.store(if broken == Broken::TooSlow { 1 } else { 2 }, Ordering::Relaxed);
        broken
    }
}

/// A request's body.
pub(super) struct Arriving {
    body: Incoming,
    limits: Arc<Limits>,
    verdict: Verdict,
    began: Instant,
    bytes: u64,
    alarm: Pin<Box<Sleep>>,
}

impl Arriving {
    pub(super) fn new(body: Incoming, limits: Arc<Limits>, verdict: Verdict) -> Self {
        let began = Instant::now();
        let alarm = Box::pin(tokio::time::sleep_until(began + limits.body));
        Arriving { body, limits, verdict, began, bytes: 0, alarm }
    }

    /// Until when it has to be there, by what has come.
    fn deadline(&self) -> Instant {
        self.began + self.limits.body + Duration::from_secs(self.bytes / self.limits.body_rate.max(1))
    }
}

impl HttpBody for Arriving {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Some(broken) = self.verdict.broken() {
            return Poll::Ready(Some(Err(broken.into())));
        }
        // A pause of whoever reads it does not count against whoever sends it: what is there is taken first.
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                self.bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
                if self.bytes > self.limits.body_bytes {
                    return Poll::Ready(Some(Err(self.verdict.set(Broken::TooLarge).into())));
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => {
                let deadline = self.deadline();
                if self.alarm.deadline() != deadline {
                    self.alarm.as_mut().reset(deadline);
                }
                match self.alarm.as_mut().poll(context) {
                    Poll::Ready(()) => Poll::Ready(Some(Err(self.verdict.set(Broken::TooSlow).into()))),
                    Poll::Pending => Poll::Pending,
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// An answer's body.
pub(super) struct Leaving {
    body: Body,
    exchange: Exchange,
}

impl Leaving {
    pub(super) fn new(body: Body, exchange: Exchange) -> Self {
        Leaving { body, exchange }
    }
}

impl HttpBody for Leaving {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.exchange.wanted();
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(_)) = &polled {
            self.exchange.handed();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
