//! Protocol buffers over HTTP.

use delivery::{ANSWER_BYTES, Outcome, Payload, Way, of_http, shown};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HOST, RETRY_AFTER};
use hyper::{Request, Response, http};
use prost::Message;

use super::is_metrics;
use crate::answer::{Status, Taken};

const PROTOBUF: &str = "application/x-protobuf";

pub(super) fn request(way: &Way, payload: &Payload) -> Result<Request<Full<Bytes>>, http::Error> {
    let path = match is_metrics(payload.kind) {
        false => "/v1/traces",
        true => "/v1/metrics",
    };
    let mut builder = Request::post(way.endpoint.path(path))
        .header(HOST, way.endpoint.authority())
        .header(CONTENT_TYPE, PROTOBUF);
    if let Some(name) = payload.compression.name() {
        builder = builder.header(CONTENT_ENCODING, name);
    }
    builder.body(Full::new(payload.body.clone()))
}

/// What an answer means; an error where it broke off.
pub(super) async fn outcome(response: Response<Incoming>) -> Result<Outcome, String> {
    let (head, body) = response.into_parts();
    let body = Limited::new(body, ANSWER_BYTES).collect().await;
    let text = |name| head.headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
    let protobuf = text(CONTENT_TYPE).is_some_and(|kind| kind.starts_with(PROTOBUF));
    if head.status.is_success() {
        // It was taken, whatever the receiver has to say about it.
        let taken = body.ok().map(|body| body.to_bytes()).filter(|_| protobuf);
        let partial = taken.and_then(|body| Taken::decode(body).ok()).and_then(|taken| taken.partial);
        let partial = partial.unwrap_or_default();
        let rejected = u64::try_from(partial.rejected).unwrap_or(0);
        return Ok(Outcome::Taken { rejected, message: shown(&partial.message) });
    }
    let body = body.map(|body| body.to_bytes()).unwrap_or_default();
    let said = match Status::decode(body.clone()) {
        Ok(status) if protobuf => status.message,
        _ => String::from_utf8_lossy(&body).into_owned(),
    };
    let said = shown(said.trim());
    let colon = if said.is_empty() { "" } else { ": " };
    let why = format!("HTTP status {}{colon}{said}", head.status.as_u16());
    Ok(of_http(head.status.as_u16(), text(RETRY_AFTER), why))
}
