//! The endpoint that gives metrics out, on a thread of its own.
//!
//! Whoever reaches it may be slow or mean no good. So there are few connections at a time: a further one takes the place
//! of the oldest that is not just being answered. A head has to come within a while, and so has to be taken what is sent.
//! A page is made as fast as it is taken.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use export::prometheus::Page;
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::header::{ACCEPT, ACCEPT_ENCODING, ALLOW, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, VARY};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle as Task;

use super::meter::State;
use super::read_clocks;

/// Connections at a time.
const MOST_CONNECTIONS: usize = 64;
/// How long a request's head may take, and how long a connection may be idle.
const HEAD: Duration = Duration::from_secs(30);
/// How long an answer may take to be taken.
const ANSWER: Duration = Duration::from_secs(60);
/// At the end answers that are on their way, or about to be asked for, are waited for.
const LAST_ANSWERS: Duration = Duration::from_millis(400);
/// What was given to the connection is sent within this time.
const FLUSH: Duration = Duration::from_millis(20);
/// Bytes of a request's head.
const HEAD_BYTES: usize = 16 * 1024;
/// After the rings were not emptied for so long, something is wrong: nanoseconds.
const SILENT: u64 = 10_000_000_000;

const INDEX: &str = "\
Weir: metrics of this host's requests

/metrics   for Prometheus: text, OpenMetrics or protocol buffers, as is asked for
/healthz   200 as long as traffic is observed
";

/// The endpoint, for as long as it runs.
#[derive(Debug)]
pub struct Endpoint {
    address: SocketAddr,
    /// For another agent to go on with.
    listener: StdListener,
    connections: Arc<Connections>,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Endpoint {
    /// Begins to listen.
    ///
    /// # Errors
    ///
    /// When the address is not to be had.
    pub fn start(listen: SocketAddr, state: Arc<State>) -> io::Result<Endpoint> {
        Endpoint::go_on(StdListener::bind(listen)?, state)
    }

    /// The same with a socket that is listened to already.
    ///
    /// # Errors
    ///
    /// When there is no thread for it.
    pub fn go_on(listener: StdListener, state: Arc<State>) -> io::Result<Endpoint> {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let accepting = {
            let _inside = runtime.enter();
            TcpListener::from_std(listener.try_clone()?)?
        };
        let connections = Arc::new(Connections::default());
        let (stop, stopped) = oneshot::channel();
        let (watched, accepting) = (connections.clone(), accept(accepting, state, connections.clone()));
        let thread = std::thread::Builder::new().name("weir-http".into()).spawn(move || {
            let accepting = runtime.spawn(accepting);
            runtime.block_on(async {
                // It is told, or nobody is there any more to tell it.
                let _ = stopped.await;
                accepting.abort();
                let end = Instant::now() + LAST_ANSWERS;
                while watched.are_busy() && Instant::now() < end {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                tokio::time::sleep(FLUSH).await;
            });
            runtime.shutdown_background();
        })?;
        Ok(Endpoint { address, listener, connections, stop, thread })
    }

    /// The listening socket, for another agent.
    ///
    /// # Errors
    ///
    /// When too many files are open.
    pub fn socket(&self) -> io::Result<OwnedFd> {
        self.listener.try_clone().map(OwnedFd::from)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connections that were closed because there were too many, and because they were too slow.
    pub fn closed(&self) -> (u64, u64) {
        (self.connections.too_many.load(Ordering::Relaxed), self.connections.too_slow.load(Ordering::Relaxed))
    }

    /// Ends it, and with it all connections, once what was asked for is answered.
    pub fn stop(self) {
        // A thread that ended has nothing to be told.
        let _ = self.stop.send(());
        let _ = self.thread.join();
    }
}

/// The connections that there are, the oldest first, and how many were closed.
#[derive(Debug, Default)]
struct Connections {
    open: Mutex<VecDeque<Connection>>,
    too_many: AtomicU64,
    too_slow: AtomicU64,
}

#[derive(Debug)]
struct Connection {
    task: Task<()>,
    answering: Answering,
}

/// Since when an answer is on its way.
#[derive(Debug, Clone, Default)]
struct Answering {
    since: Arc<Mutex<Option<Instant>>>,
    /// Something was asked for.
    asked: Arc<AtomicBool>,
}

impl Answering {
    fn set(&self, since: Option<Instant>) {
        *self.since.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }

    fn since(&self) -> Option<Instant> {
        *self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connections {
    /// Adds a connection; closes the one that is worth least if there are too many.
    fn add(&self, connection: Connection) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|connection| !connection.task.is_finished());
        if open.len() >= MOST_CONNECTIONS {
            let idle = open.iter().position(|connection| connection.answering.since().is_none());
            if let Some(connection) = open.remove(idle.unwrap_or(0)) {
                connection.task.abort();
                self.too_many.fetch_add(1, Ordering::Relaxed);
            }
        }
        open.push_back(connection);
    }

    /// Something is being answered, or a connection is so new that nothing was asked for.
    fn are_busy(&self) -> bool {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let is_busy =
            |answering: &Answering| answering.since().is_some() || !answering.asked.load(Ordering::Relaxed);
        open.iter().any(|connection| !connection.task.is_finished() && is_busy(&connection.answering))
    }

    /// Closes those whose answer is not taken.
    fn close_slow(&self) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let is_slow = |connection: &&Connection| {
            connection.answering.since().is_some_and(|since| since.elapsed() > ANSWER)
                && !connection.task.is_finished()
        };
        for connection in open.iter().filter(is_slow) {
            connection.answering.set(None);
            connection.task.abort();
            self.too_slow.fetch_add(1, Ordering::Relaxed);
        }
    }
}

async fn accept(listener: TcpListener, state: Arc<State>, connections: Arc<Connections>) {
    super::step_back(&[]);
    let watched = connections.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            watched.close_slow();
        }
    });
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let answering = Answering::default();
                let task = tokio::spawn(serve(stream, state.clone(), answering.clone(), connections.clone()));
                connections.add(Connection { task, answering });
            }
            // The other end may be gone already; or there are no descriptors, and it would be tried again at once.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn serve(stream: TcpStream, state: Arc<State>, answering: Answering, connections: Arc<Connections>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = answer(&request, &state, &answering);
        async move { Ok::<_, Infallible>(answer) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if served.is_err_and(|error| error.is_timeout()) {
        connections.too_slow.fetch_add(1, Ordering::Relaxed);
    }
}

fn answer(request: &Request<Incoming>, state: &Arc<State>, answering: &Answering) -> Response<Content> {
    answering.asked.store(true, Ordering::Relaxed);
    if request.method() != Method::GET && request.method() != Method::HEAD {
        let mut refused = text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
        refused.headers_mut().insert(ALLOW, hyper::header::HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    match request.uri().path() {
        "/metrics" => metrics(request, state.clone(), answering.clone()),
        "/healthz" => health(state),
        "/" => text(StatusCode::OK, INDEX),
        _ => text(StatusCode::NOT_FOUND, "there are /metrics and /healthz\n"),
    }
}

fn metrics(request: &Request<Incoming>, state: Arc<State>, answering: Answering) -> Response<Content> {
    let header = |name: HeaderName| {
        let values = request.headers().get_all(name);
        let texts: Vec<&str> = values.iter().filter_map(|value| value.to_str().ok()).collect();
        texts.join(",")
    };
    let page = Page::new(&header(ACCEPT), &header(ACCEPT_ENCODING));
    let mut builder =
        Response::builder().header(CONTENT_TYPE, page.content_type()).header(VARY, "accept, accept-encoding");
    if let Some(encoding) = page.content_encoding() {
        builder = builder.header(CONTENT_ENCODING, encoding);
    }
    answering.set(Some(Instant::now()));
    let content = Content::Page { page: Box::new(page), state, answering };
    builder.body(content).unwrap_or_else(|_| text(StatusCode::INTERNAL_SERVER_ERROR, ""))
}

fn health(state: &State) -> Response<Content> {
    match state.silent_for(read_clocks().monotonic) {
        None => text(StatusCode::SERVICE_UNAVAILABLE, "starting\n"),
        Some(SILENT..) => text(StatusCode::SERVICE_UNAVAILABLE, "the kernel's events are not being read\n"),
        Some(_) => text(StatusCode::OK, "ok\n"),
    }
}

fn text(status: StatusCode, text: &'static str) -> Response<Content> {
    let mut response = Response::new(Content::Text(text));
    *response.status_mut() = status;
    let plain = hyper::header::HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}

/// What is answered.
enum Content {
    /// A short text, as far as it was not sent.
    Text(&'static str),
    /// Metrics, made as they are sent.
    Page { page: Box<Page>, state: Arc<State>, answering: Answering },
}

impl Body for Content {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = match &mut *self {
            Content::Text(text) => Some(std::mem::take(text))
                .filter(|text| !text.is_empty())
                .map(|text| Bytes::from_static(text.as_bytes())),
            Content::Page { page, state, .. } => page.piece(&**state).map(Bytes::from),
        };
        Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Content::Text(""))
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        match self {
            Content::Text(text) => hyper::body::SizeHint::with_exact(text.len() as u64),
            Content::Page { .. } => hyper::body::SizeHint::default(),
        }
    }
}

impl Drop for Content {
    fn drop(&mut self) {
        if let Content::Page { answering, .. } = self {
            answering.set(None);
        }
    }
}
