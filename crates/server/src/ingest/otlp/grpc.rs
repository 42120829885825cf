//! OTLP over gRPC: one message there and one back, over HTTP/2.
//!
//! A call of this kind is a body of five bytes and a message, and an answer whose status comes behind its body. Read here, as a
//! message of HTTP is, it is held to the same bounds, of which a library for gRPC knows only that of a single message.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_TYPE, HeaderMap};
use axum::response::Response;
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use prost::Message;

use super::refusal::{Refusal, code};
use super::signal::{Form, Logs, Metrics, Signal, Traces};
use super::status::{Answer, Status};
use super::{Otlp, Taken};
use crate::ingest::body::{Packed, read};

const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");
/// Whether a message is packed, and its length.
const PREFIX: usize = 5;

pub(super) fn router(otlp: Arc<Otlp>) -> Router {
    Router::new()
        .route(Traces::METHOD, post(export::<Traces>))
        .route(Metrics::METHOD, post(export::<Metrics>))
        .route(Logs::METHOD, post(export::<Logs>))
        .with_state(otlp)
        .fallback(unknown)
}

async fn unknown() -> Response {
    failed(code::UNIMPLEMENTED, "there is no such method: this is the port of OTLP over gRPC", None)
}

async fn export<S: Signal>(State(otlp): State<Arc<Otlp>>, request: Request) -> Response {
    match call::<S>(&otlp, request).await {
        Ok(taken) => taken_all_or_some(taken),
        Err(refusal) => {
            otlp.count_refused::<S>(&refusal);
            let details = STANDARD_NO_PAD.encode(Status::from(&refusal).encode_to_vec());
            failed(refusal.grpc(), &refusal.message(), Some(&details))
        }
    }
}

async fn call<S: Signal>(otlp: &Arc<Otlp>, request: Request) -> Result<Taken, Refusal> {
    let (head, body) = request.into_parts();
    let text = |name: &str| head.headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let media = text("content-type").unwrap_or_default();
    // It may have a suffix for how messages are written: protocol buffers where there is none.
    if !matches!(media.split(';').next(), Some("application/grpc" | "application/grpc+proto")) {
        return Err(Refusal::Media);
    }
    let mut part = otlp.room.part();
    let mut bytes = read(body, otlp.limits.message + PREFIX, &mut part).await?;
    let (prefix, length) = bytes.split_at_checked(PREFIX).ok_or_else(|| short("it ends before it begins"))?;
    let [is_packed, size @ ..] = prefix else { return Err(short("it ends before it begins")) };
    let size = size.iter().fold(0, |size, byte| size << 8 | usize::from(*byte));
    if size != length.len() {
        return Err(short("a call has one message, as long as it says"));
    }
    let packed = match is_packed {
        0 => Packed::No,
        1 => Packed::named(text("grpc-encoding")).ok_or(Refusal::Packing)?,
        _ => return Err(short("a message is packed or is not")),
    };
    bytes.drain(..PREFIX);
    otlp.take::<S>(bytes, packed, Form::Protobuf, part).await
}

fn short(why: &str) -> Refusal {
    Refusal::Malformed(why.into())
}

fn taken_all_or_some(taken: Taken) -> Response {
    let message = Answer::from(taken).encode_to_vec();
    let mut body = Vec::with_capacity(PREFIX + message.len());
    body.push(0);
    // It is a few hundred bytes.
    body.extend_from_slice(&(message.len() as u32).to_be_bytes());
    body.extend_from_slice(&message);
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from(code::OK));
    let body = Full::new(Bytes::from(body)).with_trailers(std::future::ready(Some(Ok(trailers))));
    with_head(Response::new(Body::new(body)))
}

/// An answer without a message has its status in the head.
fn failed(code: u32, message: &str, details: Option<&str>) -> Response {
    let mut response = with_head(Response::new(Body::empty()));
    let headers = response.headers_mut();
    headers.insert("grpc-status", HeaderValue::from(code));
    for (name, value) in [("grpc-message", Some(&*encoded(message))), ("grpc-status-details-bin", details)] {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
            headers.insert(name, value);
        }
    }
    response
}

fn with_head(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, GRPC);
    headers.insert("grpc-accept-encoding", HeaderValue::from_static("identity,gzip,zstd"));
    response
}

/// A text with what is not plain written `%XX`.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'%';
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
