//! The web page: files of `ui/dist`, as they were when Weir was built, given to whoever asks for anything that is not the API's.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use include_dir::{Dir, include_dir};
use sha2::{Digest, Sha256};
use tower_http::compression::CompressionLayer;

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../ui/dist");

/// What the page may do: run its own script and style and ask its own server; nothing comes from anywhere else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
    font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Paths that are not the page's.
const NOT_OURS: &[&str] = &["/api", "/metrics"];

/// The page beside what answers the API. It asks nobody who they are: it holds nothing but itself, and gets no answer without a token where
/// one is needed.
pub(crate) fn beside(api: Router) -> Router {
    api.layer(from_fn(page)).layer(CompressionLayer::new())
}

async fn page(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_ours = !NOT_OURS
        .iter()
        .any(|other| path.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')));
    if !is_ours || !matches!(*request.method(), Method::GET | Method::HEAD) {
        return next.run(request).await;
    }
    let wants_body = request.method() == Method::GET;
    let known = request.headers().get(IF_NONE_MATCH);
    let response = match path.strip_prefix("/assets/") {
        // Their names change with what is in them.
        Some(_) => file(path, "public, max-age=31536000, immutable", known),
        None if FILES.contains(path.trim_start_matches('/')) => file(path, "no-cache", known),
        // Everything else is a place within the page, which finds it by itself.
        None => file("/index.html", "no-cache", known),
    };
    if wants_body { response } else { response.map(|_| Body::empty()) }
}

fn file(path: &str, keep: &'static str, known: Option<&HeaderValue>) -> Response {
    let Some(file) = FILES.get_file(path.trim_start_matches('/')) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let tag: String =
        Sha256::digest(file.contents()).iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    // Weak: it is compressed afterwards.
    let tag = format!("W/\"{tag}\"");
    let is_known = known.is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let headers = [
        (CONTENT_TYPE, kind(path)),
        (CACHE_CONTROL, keep),
        (ETAG, tag.as_str()),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
    ];
    if is_known {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, Body::from(file.contents())).into_response()
}

fn kind(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;

    async fn ask(method: Method, path: &str, known: Option<&str>) -> Response {
        let api = Router::new().route("/api/v1/health", get(|| async { "well" }));
        let mut request = Request::builder().method(method).uri(path);
        if let Some(known) = known {
            request = request.header(IF_NONE_MATCH, known);
        }
        beside(api).oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    async fn text(response: Response) -> String {
        String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
    }

    fn header(response: &Response, name: axum::http::HeaderName) -> &str {
        response.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[tokio::test]
    async fn places_within_the_page_are_the_page_and_the_apis_are_not() {
        let index = text(ask(Method::GET, "/", None).await).await;
        assert!(index.contains("<div id=\"app\">"), "{index}");
        for path in ["/services/shop", "/requests", "/index.html", "/apis", "/requests/a%2fb"] {
            assert_eq!(text(ask(Method::GET, path, None).await).await, index, "{path}");
        }
        assert_eq!(text(ask(Method::GET, "/api/v1/health", None).await).await, "well");
        for path in ["/api/v1/nothing", "/api", "/metrics", "/assets/nothing.js", "/assets/../index.html"] {
            assert_eq!(ask(Method::GET, path, None).await.status(), StatusCode::NOT_FOUND, "{path}");
        }
        assert_eq!(ask(Method::POST, "/", None).await.status(), StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn everything_that_the_page_names_is_there_and_its_own() {
        let response = ask(Method::GET, "/", None).await;
        let policy = header(&response, CONTENT_SECURITY_POLICY);
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        let index = text(response).await;
        assert!(!index.contains("<style") && !index.contains("style=") && !index.contains("//"), "{index}");
        let named: Vec<_> =
            index.split(['"', '\'']).filter(|part| part.starts_with('/') && part.contains('.')).collect();
        assert!(named.len() >= 3, "{named:?}");
        for path in named {
            let response = ask(Method::GET, path, None).await;
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            assert_ne!(header(&response, CONTENT_TYPE), "application/octet-stream", "{path}");
            assert_eq!(header(&response, X_CONTENT_TYPE_OPTIONS), "nosniff");
            assert_eq!(header(&response, CACHE_CONTROL).contains("immutable"), path.starts_with("/assets/"));
        }
    }

    #[tokio::test]
    async fn who_has_it_is_told_so() {
        let response = ask(Method::GET, "/", None).await;
        let tag = header(&response, ETAG).to_owned();
        assert_eq!(ask(Method::GET, "/services", Some(&tag)).await.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(ask(Method::GET, "/", Some("W/\"else\"")).await.status(), StatusCode::OK);
        let head = ask(Method::HEAD, "/", None).await;
        assert_eq!((head.status(), text(head).await.as_str()), (StatusCode::OK, ""));
    }
}
