//! The two protocols, in the terms of [`delivery`].

mod grpc;
mod http;

use delivery::{Kind, Outcome, Payload, Speak, Way};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response};

use crate::config::Protocol;
use crate::signal::Signal;

impl Speak for Protocol {
    fn http2(&self) -> bool {
        *self == Protocol::Grpc
    }

    fn request(&self, way: &Way, payload: &Payload) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
        match self {
            Protocol::Grpc => grpc::request(way, payload),
            Protocol::Http => http::request(way, payload),
        }
    }

    async fn outcome(&self, response: Response<Incoming>) -> Result<Outcome, String> {
        match self {
            Protocol::Grpc => grpc::outcome(response).await,
            Protocol::Http => http::outcome(response).await,
        }
    }
}

/// Metrics or spans: a spool has no others.
fn is_metrics(kind: Kind) -> bool {
    kind == Signal::Metrics.kind()
}
