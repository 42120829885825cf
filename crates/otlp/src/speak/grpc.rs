//! gRPC: one message there and one back, over HTTP/2.
//!
//! A call of this kind is a request with five bytes in front of its message, and an answer whose status comes behind its body.
//! Spoken here, on the same connections as the other protocol, what is sent is what waited in the queue: compressed once, however
//! often it is sent.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use delivery::{ANSWER_BYTES, Outcome, Payload, Way, cause, of_grpc, shown};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderMap, TE};
use hyper::{Request, Response, http};
use prost::Message;

use super::is_metrics;
use crate::answer::{Status, Taken};

/// Whether a message is compressed, and its length.
const PREFIX: usize = 5;
const OK: u32 = 0;
const UNKNOWN: u32 = 2;
const PERMISSION_DENIED: u32 = 7;
const UNIMPLEMENTED: u32 = 12;
const INTERNAL: u32 = 13;
const UNAVAILABLE: u32 = 14;
const UNAUTHENTICATED: u32 = 16;

pub(super) fn request(way: &Way, payload: &Payload) -> Result<Request<Full<Bytes>>, http::Error> {
    let service = match is_metrics(payload.kind) {
        false => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        true => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    };
    let endpoint = &way.endpoint;
    let scheme = if endpoint.tls() { "https" } else { "http" };
    let uri = format!("{scheme}://{}{}", endpoint.authority(), endpoint.path(service));
    let mut builder = Request::post(uri)
        .header(CONTENT_TYPE, "application/grpc")
        .header(TE, "trailers")
        .header("grpc-accept-encoding", "identity")
        .header("grpc-timeout", deadline(way.timeout));
    if let Some(name) = payload.compression.name() {
        builder = builder.header("grpc-encoding", name);
    }
    let mut body = Vec::with_capacity(PREFIX + payload.body.len());
    body.push(payload.compression.name().is_some().into());
    // Messages are far shorter than this.
    body.extend_from_slice(&u32::try_from(payload.body.len()).unwrap_or(u32::MAX).to_be_bytes());
    body.extend_from_slice(&payload.body);
    builder.body(Full::new(body.into()))
}

/// At most eight digits and a unit.
fn deadline(timeout: Duration) -> String {
    format!("{}m", timeout.as_millis().clamp(1, 99_999_999))
}

/// What an answer means; an error where it broke off.
pub(super) async fn outcome(response: Response<Incoming>) -> Result<Outcome, String> {
    let (head, body) = response.into_parts();
    if head.status != http::StatusCode::OK {
        let status = head.status.as_u16();
        return Ok(of_grpc(code_of_http(status), None, format!("HTTP status {status}")));
    }
    // An answer without a body has its status in the head.
    if let Some(code) = code(&head.headers) {
        return Ok(failed(code, &head.headers));
    }
    let collected = Limited::new(body, ANSWER_BYTES).collect().await;
    let collected = collected.map_err(|error| format!("the answer broke off: {}", cause(&*error)))?;
    let trailers = collected.trailers().cloned().unwrap_or_default();
    match code(&trailers) {
        None => Err("the answer has no status".into()),
        Some(OK) => {
            let body = collected.to_bytes();
            let taken = body.get(PREFIX..).and_then(|message| Taken::decode(message).ok());
            let partial = taken.and_then(|taken| taken.partial).unwrap_or_default();
            let rejected = u64::try_from(partial.rejected).unwrap_or(0);
            Ok(Outcome::Taken { rejected, message: shown(&partial.message) })
        }
        Some(code) => Ok(failed(code, &trailers)),
    }
}

fn code(headers: &HeaderMap) -> Option<u32> {
    let status = headers.get("grpc-status")?;
    Some(status.to_str().ok().and_then(|status| status.parse().ok()).unwrap_or(UNKNOWN))
}

fn failed(code: u32, headers: &HeaderMap) -> Outcome {
    if code == OK {
        return Outcome::Taken { rejected: 0, message: String::new() };
    }
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let details = text("grpc-status-details-bin").trim_end_matches('=');
    let details = STANDARD_NO_PAD.decode(details).ok();
    let retry = details.and_then(|details| Status::decode(&*details).ok()).and_then(|status| status.retry());
    let said = shown(&decoded(text("grpc-message")));
    let colon = if said.is_empty() { "" } else { ": " };
    of_grpc(code, retry, format!("gRPC status {code}{colon}{said}"))
}

/// The status that gRPC takes an HTTP status for.
fn code_of_http(status: u16) -> u32 {
    match status {
        400 => INTERNAL,
        401 => UNAUTHENTICATED,
        403 => PERMISSION_DENIED,
        404 => UNIMPLEMENTED,
        429 | 502 | 503 | 504 => UNAVAILABLE,
        _ => UNKNOWN,
    }
}

/// A text in which some bytes are written `%XX`.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let digits = text.get(at + 1..at + 3).filter(|_| *byte == b'%');
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_decoded() {
        for (text, expected) in [
            ("plain", "plain"),
            ("a%20b%21", "a b!"),
            ("%C3%A4", "ä"),
            ("100%", "100%"),
            ("%zz%4", "%zz%4"),
            ("%", "%"),
        ] {
            assert_eq!(decoded(text), expected);
        }
    }

    #[test]
    fn deadlines_have_eight_digits_at_most() {
        assert_eq!(deadline(Duration::from_secs(10)), "10000m");
        assert_eq!(deadline(Duration::from_secs(1_000_000)), "99999999m");
        assert_eq!(deadline(Duration::ZERO), "1m");
    }

    #[test]
    fn proxies_answers_are_understood() {
        for (status, later) in
            [(400, false), (401, false), (404, false), (429, true), (500, false), (503, true)]
        {
            let outcome = of_grpc(code_of_http(status), None, String::new());
            assert_eq!(matches!(outcome, Outcome::Later { .. }), later, "{status}");
        }
    }
}
