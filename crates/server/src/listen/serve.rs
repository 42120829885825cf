//! One listener: from a connection to answers.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::header::{ALLOW, CONNECTION, CONTENT_TYPE, TRANSFER_ENCODING};
use axum::http::{HeaderValue, Request, Response, StatusCode, Version};
use axum::response::IntoResponse;
use hyper::body::{Body as _, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep_until, timeout};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;
use tower_http::catch_panic::CatchPanicLayer;

use super::body::{Arriving, Broken, Leaving, Verdict};
use super::connections::{Connections, Place};
use super::life::Life;
use super::stream::{Duplex, Told};
use super::tls::Tls;
use super::{Limits, Peer};
use crate::problem::{Kind, Problem};

/// After an error of the listening socket: as when there are no descriptors, and it would be tried again at once.
const AFTER_ERROR: Duration = Duration::from_millis(50);
/// Bytes of a request on HTTP/2, and of all of a connection, that may wait to be read.
const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;
/// Bytes of an answer on HTTP/2 that wait to be sent.
const SEND_BUFFER: usize = 256 * 1024;
/// On HTTP/2 the other end is asked so often whether it is there, and has so long to say so.
const PING: Duration = Duration::from_secs(30);
const PONG: Duration = Duration::from_secs(20);

/// A listener, and all that its connections share.
#[derive(Clone)]
pub(super) struct Front {
    router: Router,
    tls: Option<Arc<Tls>>,
    limits: Arc<Limits>,
    connections: Arc<Connections>,
    stop: watch::Receiver<bool>,
}

impl Front {
    pub(super) fn new(
        router: Router,
        tls: Option<Arc<Tls>>,
        limits: Arc<Limits>,
        connections: Arc<Connections>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let mistake = |_: Box<dyn std::any::Any + Send>| Problem::internal().into_response();
        let router = router.layer(CatchPanicLayer::custom(mistake));
        Front { router, tls, limits, connections, stop }
    }

    /// Takes connections until it is told to stop.
    pub(super) async fn accept(mut self, listener: TcpListener) {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = self.stop.wait_for(|stop| *stop) => return,
            };
            match accepted {
                Ok((stream, address)) => self.take(stream, address),
                Err(error) => {
                    // The other end may be gone already, which is nothing.
                    if is_shortage(&error) {
                        self.connections.make_room();
                        tokio::time::sleep(AFTER_ERROR).await;
                    }
                }
            }
        }
    }

    fn take(&self, stream: TcpStream, address: SocketAddr) {
        // Answers are sent when they are whole; without it the socket works as well.
        let _ = stream.set_nodelay(true);
        let life = Arc::new(Life::default());
        let place = Arc::new(self.connections.add(address.ip().to_canonical(), life.clone()));
        let task = tokio::spawn(self.clone().serve(stream, address, life, place.clone()));
        place.set_task(task.abort_handle());
    }

    async fn serve(self, stream: TcpStream, address: SocketAddr, life: Arc<Life>, place: Arc<Place>) {
        let peer = Peer { address, encrypted: self.tls.is_some() };
        match &self.tls {
            None => self.speak(stream, peer, life).await,
            Some(tls) => {
                let agreed = timeout(self.limits.head, TlsAcceptor::from(tls.current()).accept(stream)).await;
                match agreed {
                    Ok(Ok(stream)) => self.speak(stream, peer, life).await,
                    _ => drop(self.connections.tls.fetch_add(1, Ordering::Relaxed)),
                }
            }
        }
        drop(place);
    }

    async fn speak(&self, stream: impl Duplex + 'static, peer: Peer, life: Arc<Life>) {
        let (front, answered) = (self.clone(), life.clone());
        let service = service_fn(move |request| {
            let (front, life) = (front.clone(), answered.clone());
            async move { Ok::<_, Infallible>(front.answer(request, peer, &life).await) }
        });
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.idle)
            .max_buf_size(self.limits.head_bytes.max(8192));
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_header_list_size(u32::try_from(self.limits.head_bytes).unwrap_or(u32::MAX))
            .max_concurrent_streams(self.limits.streams)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_send_buf_size(SEND_BUFFER)
            .keep_alive_interval(PING)
            .keep_alive_timeout(PONG);
        let told = Told { stream, life: life.clone() };
        let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(told), service));
        let mut stop = self.stop.clone();
        let mut stopping = false;
        loop {
            let Some(deadline) = life.deadline(&self.limits, Instant::now()) else {
                self.connections.too_slow.fetch_add(1, Ordering::Relaxed);
                return;
            };
            tokio::select! {
                // How it ended is the other end's business: nobody is there any more to be told.
                _ = connection.as_mut() => return,
                _ = stop.wait_for(|stop| *stop), if !stopping => {
                    stopping = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = sleep_until(deadline.into()) => {}
            }
        }
    }

    async fn answer(&self, request: Request<Incoming>, peer: Peer, life: &Arc<Life>) -> Response<Leaving> {
        let exchange = life.begin();
        let version = request.version();
        let chunked = request.headers().contains_key(TRANSFER_ENCODING);
        let verdict = Verdict::default();
        let response = if request.body().size_hint().lower() > self.limits.body_bytes {
            self.connections.bodies.fetch_add(1, Ordering::Relaxed);
            Problem::new(Kind::TooLarge, self.too_large()).into_response()
        } else {
            let (limits, own) = (self.limits.clone(), verdict.clone());
            let mut request = request.map(|body| Body::new(Arriving::new(body, limits, own)));
            request.extensions_mut().insert(peer);
            let Ok(response) = self.router.clone().oneshot(request).await;
            self.judged(verdict.broken(), response)
        };
        let mut response = in_words(response);
        // A request with a length too, which another server on the way might have gone by, is not to be told apart from
        // others here any more. RFC 9112, 6.1 wants the connection closed then; so it is closed after all that are chunked.
        if version == Version::HTTP_11 && chunked || verdict.broken().is_some() && version < Version::HTTP_2 {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response.map(|body| Leaving::new(body, exchange))
    }

    fn too_large(&self) -> String {
        format!("a body may have {} bytes", self.limits.body_bytes)
    }

    /// The answer, or what was wrong with the request's body, where the answer is that something was wrong.
    fn judged(&self, broken: Option<Broken>, response: Response<Body>) -> Response<Body> {
        let Some(broken) = broken else { return response };
        self.connections.bodies.fetch_add(1, Ordering::Relaxed);
        if !response.status().is_client_error() {
            return response;
        }
        match broken {
            Broken::TooLarge => Problem::new(Kind::TooLarge, self.too_large()),
            Broken::TooSlow => Problem::new(Kind::RequestTimeout, broken.to_string()),
        }
        .into_response()
    }
}

/// There is something less than is needed, and waiting helps.
fn is_shortage(error: &io::Error) -> bool {
    !matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}

/// An error that routing or a layer has told without a form becomes a problem document.
fn in_words(response: Response<Body>) -> Response<Body> {
    let headers = response.headers();
    let plain = headers.get(CONTENT_TYPE).is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    let (kind, detail) = match response.status() {
        _ if !plain => return response,
        StatusCode::NOT_FOUND => (Kind::NotFound, "there is nothing at this path"),
        StatusCode::METHOD_NOT_ALLOWED => (Kind::MethodNotAllowed, "the path is right, the method is not"),
        StatusCode::REQUEST_TIMEOUT => (Kind::RequestTimeout, "the request did not arrive in time"),
        StatusCode::PAYLOAD_TOO_LARGE => (Kind::TooLarge, "the body is longer than this path takes"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            (Kind::UnsupportedMediaType, "this path does not take a body of this type or encoding")
        }
        StatusCode::BAD_REQUEST => (Kind::InvalidRequest, "the request cannot be read"),
        StatusCode::INTERNAL_SERVER_ERROR => (Kind::Internal, "the cause is in the server's log"),
        _ => return response,
    };
    let mut problem = Problem::new(kind, detail).into_response();
    if let Some(allowed) = headers.get(ALLOW) {
        problem.headers_mut().insert(ALLOW, allowed.clone());
    }
    problem
}
