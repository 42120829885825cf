//! One request: is it let in?

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Instant;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use super::known::Token;
use super::origin;
use super::token::Scope;
use super::{Auth, Loopback};
use crate::listen::Peer;
use crate::problem::{Kind, Problem};

/// Who was let in: every request behind a guard has it among its extensions.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The token that was shown, if one was needed or shown.
    pub token: Option<Arc<Token>>,
}

/// Passes a request on, or says why not.
pub(super) async fn pass(auth: Arc<Auth>, scope: Scope, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let caller = match auth.check(&parts, scope) {
        Ok(caller) => caller,
        Err(problem) => return refused(&parts.headers, problem),
    };
    let token = caller.token.clone();
    let mut request = Request::from_parts(parts, body);
    request.extensions_mut().insert(caller);
    let response = next.run(request).await;
    match token {
        // What is made as it goes ends when its token does.
        Some(token) if response.body().size_hint().exact().is_none() => {
            response.map(|body| Body::new(Revocable { body, auth, token }))
        }
        _ => response,
    }
}

/// What a request shows.
enum Shown<'a> {
    Nothing,
    /// Something that is said to be a token.
    Token(&'a [u8]),
    /// Two of them, or nothing where one is announced.
    Nonsense,
}

impl Auth {
    fn check(&self, parts: &Parts, scope: Scope) -> Result<Caller, Problem> {
        // Whoever listens says who asks; where nobody does, nobody is let in.
        let Some(peer) = parts.extensions.get::<Peer>() else { return Err(Problem::internal()) };
        let token = match shown(&parts.headers) {
            Shown::Nothing if self.is_open(*peer, &parts.headers) => {
                return match origin::check(parts, &self.config.names) {
                    Ok(()) => Ok(Caller { token: None }),
                    Err(problem) => {
                        self.foreign.fetch_add(1, Ordering::Relaxed);
                        Err(problem)
                    }
                };
            }
            Shown::Nothing => {
                self.unauthenticated.fetch_add(1, Ordering::Relaxed);
                let told = "a token is needed: Authorization: Bearer TOKEN";
                return Err(challenge(Problem::new(Kind::Unauthenticated, told), "Bearer realm=\"weir\""));
            }
            Shown::Token(shown) => self.known.find(shown),
            Shown::Nonsense => None,
        };
        let Some(token) = token else { return Err(self.failed(*peer)) };
        if token.record.scope != scope {
            self.forbidden.fetch_add(1, Ordering::Relaxed);
            let (own, wanted) = (token.record.scope.name(), scope.name());
            let told = format!("the token's scope is {own}; {wanted} is needed here");
            let problem = Problem::new(Kind::Forbidden, told).with("scope", wanted);
            let header = format!("Bearer realm=\"weir\", error=\"insufficient_scope\", scope=\"{wanted}\"");
            return Err(challenge(problem, &header));
        }
        Ok(Caller { token: Some(token) })
    }

    /// No token is needed.
    fn is_open(&self, peer: Peer, headers: &HeaderMap) -> bool {
        let is_own = peer.is_loopback() && !origin::is_passed_on(headers);
        self.config.insecure || is_own && self.config.loopback == Loopback::Open
    }

    /// A token was shown that is none.
    fn failed(&self, peer: Peer) -> Problem {
        if let Err(wait) = self.failures.note(peer.ip(), Instant::now()) {
            self.too_many.fetch_add(1, Ordering::Relaxed);
            let told = "too many tokens were shown that are not valid; those that are valid are taken still";
            return Problem::new(Kind::TooManyRequests, told).retry_after(wait.as_secs() + 1);
        }
        self.unauthenticated.fetch_add(1, Ordering::Relaxed);
        let told = "the token is not valid: it was mistyped, has expired, or was revoked";
        let header = "Bearer realm=\"weir\", error=\"invalid_token\"";
        challenge(Problem::new(Kind::Unauthenticated, told), header)
    }
}

fn challenge(problem: Problem, header: &str) -> Problem {
    match HeaderValue::from_str(header) {
        Ok(value) => problem.header(WWW_AUTHENTICATE, value),
        Err(_) => problem,
    }
}

/// Other schemes than `Bearer` are not spoken here; what they say is as good as nothing.
fn shown(headers: &HeaderMap) -> Shown<'_> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), further) = (values.next(), values.next()) else { return Shown::Nothing };
    let bytes = value.as_bytes();
    let (scheme, rest) = bytes.split_at(bytes.iter().position(|byte| *byte == b' ').unwrap_or(bytes.len()));
    match rest.trim_ascii() {
        _ if further.is_some() => Shown::Nonsense,
        _ if !scheme.eq_ignore_ascii_case(b"bearer") => Shown::Nothing,
        b"" => Shown::Nonsense,
        token => Shown::Token(token),
    }
}

/// As whoever asked understands it: gRPC has statuses of its own, behind an answer that HTTP takes for a success.
fn refused(headers: &HeaderMap, problem: Problem) -> Response {
    let is_grpc =
        headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"));
    if !is_grpc {
        return problem.into_response();
    }
    let code = match problem.kind() {
        Kind::Unauthenticated => tonic::Code::Unauthenticated,
        Kind::TooManyRequests => tonic::Code::ResourceExhausted,
        Kind::InvalidRequest => tonic::Code::InvalidArgument,
        Kind::Internal => tonic::Code::Internal,
        _ => tonic::Code::PermissionDenied,
    };
    tonic::Status::new(code, problem.detail()).into_http()
}

/// An answer without a known end, which ends when its token is taken back.
struct Revocable {
    body: Body,
    auth: Arc<Auth>,
    token: Arc<Token>,
}

impl HttpBody for Revocable {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(Some(frame)) if !self.auth.known.is_valid(&self.token) => {
                drop(frame);
                self.body = Body::empty();
                Poll::Ready(Some(Err(axum::Error::new("the token was revoked"))))
            }
            polled => polled,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
