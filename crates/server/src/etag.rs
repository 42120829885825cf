//! Who has an answer already is told so, and gets it no second time (RFC 9110, 8.8.3).

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use sha2::{Digest, Sha256};

/// Adds a tag to what is asked by GET, and leaves out what whoever asks has. What is told bit by bit has none.
pub(crate) async fn etag(request: Request, next: Next) -> Response {
    let is_read = request.method() == Method::GET;
    let known = request.headers().get(IF_NONE_MATCH).cloned();
    let response = next.run(request).await;
    let is_json = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    if !is_read || response.status() != StatusCode::OK || !is_json || response.headers().contains_key(ETAG) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    // Handlers give their JSON as a whole: it is there already.
    let bytes: Bytes = match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => return crate::problem::Problem::internal().into_response(),
    };
    // Weak: it is compressed afterwards.
    let digest: String = Sha256::digest(&bytes).iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    let Ok(tag) = HeaderValue::from_str(&format!("W/\"{digest}\"")) else {
        return Response::from_parts(parts, Body::from(bytes));
    };
    let is_known = known.is_some_and(|known| has(known.as_bytes(), tag.as_bytes()));
    parts.headers.insert(ETAG, tag);
    parts.headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
    if is_known {
        parts.status = StatusCode::NOT_MODIFIED;
        parts.headers.remove(CONTENT_TYPE);
        return Response::from_parts(parts, Body::empty());
    }
    Response::from_parts(parts, Body::from(bytes))
}

/// The tag is in the list, compared weakly.
fn has(list: &[u8], tag: &[u8]) -> bool {
    let strong = |tag: &[u8]| tag.strip_prefix(b"W/").unwrap_or(tag).to_vec();
    list.split(|byte| *byte == b',')
        .map(<[u8]>::trim_ascii)
        .any(|known| known == b"*" || strong(known) == strong(tag))
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;

    async fn ask(known: Option<&str>) -> (StatusCode, Option<String>, usize) {
        let json = || async { ([(CONTENT_TYPE, "application/json")], "{\"a\":1}") };
        let router = Router::new().route("/", get(json)).layer(axum::middleware::from_fn(etag));
        let mut request = Request::get("/");
        if let Some(known) = known {
            request = request.header(IF_NONE_MATCH, known);
        }
        let response = router.oneshot(request.body(Body::empty()).expect("request")).await.expect("answer");
        let tag = response.headers().get(ETAG).and_then(|tag| tag.to_str().ok()).map(str::to_owned);
        let status = response.status();
        (status, tag, response.into_body().collect().await.expect("body").to_bytes().len())
    }

    #[tokio::test]
    async fn what_is_known_is_not_told_again() {
        let (status, tag, length) = ask(None).await;
        let tag = tag.expect("a tag");
        assert_eq!((status, length), (StatusCode::OK, 7));
        let strong = tag.strip_prefix("W/").expect("a weak one").to_owned();
        for known in [tag.clone(), strong, format!("\"other\", {tag}"), "*".into()] {
            assert_eq!(ask(Some(&known)).await, (StatusCode::NOT_MODIFIED, Some(tag.clone()), 0), "{known}");
        }
        assert_eq!(ask(Some("\"other\"")).await.0, StatusCode::OK);
    }
}
