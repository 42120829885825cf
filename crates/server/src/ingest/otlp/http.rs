//! OTLP over HTTP: protocol buffers or JSON.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use axum::routing::post;
use prost::Message;

use super::Otlp;
use super::refusal::Refusal;
use super::signal::{Form, Logs, Metrics, Signal, Traces};
use super::status::{Answer, Status};
use crate::ingest::body::{Packed, read};

pub(super) fn router(otlp: Arc<Otlp>) -> Router {
    Router::new()
        .route(Traces::PATH, post(export::<Traces>))
        .route(Metrics::PATH, post(export::<Metrics>))
        .route(Logs::PATH, post(export::<Logs>))
        .with_state(otlp)
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("?"))
}

async fn export<S: Signal>(State(otlp): State<Arc<Otlp>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let Some(form) = text(&head.headers, CONTENT_TYPE).and_then(Form::named) else {
        otlp.count_refused::<S>(&Refusal::Media);
        return refused(Form::Json, &Refusal::Media);
    };
    let taken = async {
        let packed = Packed::named(text(&head.headers, CONTENT_ENCODING)).ok_or(Refusal::Packing)?;
        let mut part = otlp.room.part();
        let bytes = read(body, otlp.limits.message, &mut part).await?;
        otlp.take::<S>(bytes, packed, form, part).await
    };
    match taken.await {
        Ok(taken) => {
            let answer = Answer::from(taken);
            let body = match form {
                Form::Protobuf => answer.encode_to_vec(),
                Form::Json => answer.json(S::REJECTED).to_string().into_bytes(),
            };
            response(StatusCode::OK, form, body)
        }
        Err(refusal) => {
            otlp.count_refused::<S>(&refusal);
            refused(form, &refusal)
        }
    }
}

/// A failure has a `google.rpc.Status` as its body, in the form of the request.
fn refused(form: Form, refusal: &Refusal) -> Response {
    let status = Status::from(refusal);
    let body = match form {
        Form::Protobuf => status.encode_to_vec(),
        Form::Json => status.json().to_string().into_bytes(),
    };
    let mut response = response(refusal.http(), form, body);
    if let Some(seconds) = refusal.again_in() {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn response(status: StatusCode, form: Form, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(form.media()));
    response
}
