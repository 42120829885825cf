//! Errors as all of HTTP that Weir speaks tells them: problem documents (RFC 9457), `application/problem+json`.

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

/// The content type of a problem document.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// Where the documents of the kinds are; a kind's name follows.
const DOCUMENT: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/docs/problems.md#");

/// Declares the kinds: a name in the code, the name in `type`, the status, the title, and what to do about it.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal, $status:ident, $title:literal, $advice:literal;)*) => {
        /// What went wrong, as a program can tell it apart. Its name never changes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Kind {
            $($(#[$doc])* $kind,)*
        }

        impl Kind {
            /// Every kind there is.
            pub const ALL: &[Kind] = &[$(Kind::$kind),*];

            /// Its name: the last part of `type`.
            pub const fn name(self) -> &'static str {
                match self { $(Kind::$kind => $name),* }
            }

            /// The status of an answer that tells it.
            pub const fn status(self) -> StatusCode {
                match self { $(Kind::$kind => StatusCode::$status),* }
            }

            /// The same for all problems of the kind.
            pub const fn title(self) -> &'static str {
                match self { $(Kind::$kind => $title),* }
            }

            /// What whoever asked can do.
            pub const fn advice(self) -> &'static str {
                match self { $(Kind::$kind => $advice),* }
            }
        }
    };
}

kinds! {
    /// The request says what cannot be meant.
    InvalidRequest = "invalid-request", BAD_REQUEST, "The request is not valid",
        "The detail tells which part of it, and what is expected there.";
    /// Nobody, or nobody known, asks.
    Unauthenticated = "unauthenticated", UNAUTHORIZED, "A valid token is needed",
        "Send `Authorization: Bearer TOKEN`; `weir token create` makes one. A token that was revoked or has expired does not come back.";
    /// A token's scope does not reach so far.
    Forbidden = "forbidden", FORBIDDEN, "This token may not do that",
        "Create a token with the scope that the detail names.";
    /// A page of another site has a browser ask.
    ForeignOrigin = "foreign-origin", FORBIDDEN, "Another site's page may not do that",
        "Open Weir's own page. Programs that are no browsers send neither `Origin` nor `Sec-Fetch-Site`.";
    /// There is nothing of that name.
    NotFound = "not-found", NOT_FOUND, "There is no such thing",
        "Look at `/api/v1/openapi.json` for the paths; what a path names may be gone by its retention.";
    /// The path knows other methods.
    MethodNotAllowed = "method-not-allowed", METHOD_NOT_ALLOWED, "This path does not know that method",
        "The header `Allow` names those that it knows.";
    /// The other end did not send its request, or not in time.
    RequestTimeout = "request-timeout", REQUEST_TIMEOUT, "The request did not arrive in time",
        "Send it again, in one go.";
    /// It contradicts what is there already.
    Conflict = "conflict", CONFLICT, "It contradicts what is there already",
        "The detail tells what is there. The same request does not succeed later either.";
    /// The body is longer than is taken.
    TooLarge = "too-large", PAYLOAD_TOO_LARGE, "The request is too large",
        "Send it in parts. What counts is the size after decompression.";
    /// The body is of a kind that is not known.
    UnsupportedMediaType = "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE, "The body is of a kind that is not known here",
        "The detail names the content types and encodings that are.";
    /// The request is meant for another host.
    WrongHost = "wrong-host", MISDIRECTED_REQUEST, "The request is for another host",
        "Ask by an address or a name of this server, or add the name to `server.names`.";
    /// Too much at a time.
    TooManyRequests = "too-many-requests", TOO_MANY_REQUESTS, "Too many requests",
        "Wait for as many seconds as `Retry-After` says.";
    /// An error of Weir's own.
    Internal = "internal", INTERNAL_SERVER_ERROR, "Weir made a mistake",
        "It is in the server's log. Please report it.";
    /// The server cannot answer at the moment.
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "Not at the moment",
        "Wait for as many seconds as `Retry-After` says, and send it again.";
    /// The answer would have taken longer than an answer may take.
    TookTooLong = "took-too-long", GATEWAY_TIMEOUT, "The answer took too long",
        "Ask for a shorter time or fewer groups.";
}

impl Kind {
    /// The `type` of a document of this kind: an address at which it is explained.
    pub fn uri(self) -> String {
        format!("{DOCUMENT}{}", self.name())
    }
}

/// A problem document, and the answer that carries it.
///
/// ```
/// use server::problem::{Kind, Problem};
///
/// let problem = Problem::new(Kind::InvalidRequest, "`limit` may be 1 to 10000").with("parameter", "limit");
/// assert_eq!(problem.status(), 400);
/// ```
#[derive(Debug, Clone)]
pub struct Problem {
    kind: Kind,
    detail: String,
    instance: Option<String>,
    members: Map<String, Value>,
    headers: Box<HeaderMap>,
}

impl Problem {
    /// A problem of a kind; the detail says in words, to whoever asked, what it is this time.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Problem { kind, detail: detail.into(), instance: None, members: Map::new(), headers: Box::default() }
    }

    /// An error of our own. Its cause belongs into the log, not to whoever asked.
    pub fn internal() -> Self {
        Problem::new(Kind::Internal, "the cause is in the server's log")
    }

    /// With a further member, such as `parameter`. Names of RFC 9457's own members are not taken.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        if !matches!(name, "type" | "title" | "status" | "detail" | "instance") {
            self.members.insert(name.to_owned(), value.into());
        }
        self
    }

    /// Which occurrence it is: a path or URI.
    #[must_use]
    pub fn at(mut self, instance: impl Into<String>) -> Self {
        self.instance = Some(instance.into());
        self
    }

    /// With a header in the answer.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// With the time to wait, in whole seconds, as a header and as the member `retry_after`.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        self.header(RETRY_AFTER, seconds.into()).with("retry_after", seconds)
    }

    /// What kind it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The answer's status.
    pub fn status(&self) -> StatusCode {
        self.kind.status()
    }

    /// What is said in words.
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", &self.kind.uri())?;
        map.serialize_entry("title", self.kind.title())?;
        map.serialize_entry("status", &self.status().as_u16())?;
        map.serialize_entry("detail", &self.detail)?;
        if let Some(instance) = &self.instance {
            map.serialize_entry("instance", instance)?;
        }
        for (name, value) in &self.members {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        // Texts and JSON values can always be written.
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (self.status(), body).into_response();
        response.headers_mut().extend(*self.headers);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        response
    }
}

/// What axum refuses, told as a problem.
fn rejected(status: StatusCode, text: String) -> Problem {
    let kind = match status {
        StatusCode::PAYLOAD_TOO_LARGE => Kind::TooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Kind::UnsupportedMediaType,
        status if status.is_server_error() => return Problem::internal(),
        _ => Kind::InvalidRequest,
    };
    Problem::new(kind, text)
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        rejected(rejection.status(), rejection.body_text())
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        rejected(rejection.status(), rejection.body_text())
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Self {
        rejected(rejection.status(), rejection.body_text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(problem: &Problem) -> Value {
        serde_json::to_value(problem).expect("JSON")
    }

    #[test]
    fn a_document_has_the_members_of_the_rfc_and_its_own() {
        let problem = Problem::new(Kind::TooManyRequests, "five failures")
            .at("/api/v1/services")
            .with("failures", 5)
            .with("status", 200)
            .retry_after(30);
        assert_eq!(
            document(&problem),
            serde_json::json!({
                "type": Kind::TooManyRequests.uri(), "title": "Too many requests", "status": 429,
                "detail": "five failures", "instance": "/api/v1/services", "failures": 5, "retry_after": 30,
            })
        );
        let response = problem.into_response();
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()[RETRY_AFTER], "30");
        assert_eq!(response.headers()[CONTENT_TYPE], MEDIA_TYPE);
    }

    #[test]
    fn an_instance_that_is_not_known_is_left_out() {
        let document = document(&Problem::internal());
        assert_eq!(document.get("instance"), None);
        assert_eq!(document["detail"], "the cause is in the server's log");
    }
}
