//! The socket by which a running agent is spoken to: HTTP over a Unix socket, so that `curl --unix-socket` does as well as `weir`.
//!
//! The agent makes the texts, and whoever asks only passes them on: so a client of another version says nothing wrong. Only the owner may
//! connect. Orders wait in a short queue until the thread that empties the rings has a moment for them.

use std::convert::Infallible;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixListener as StdListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, bail};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT, ALLOW, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, UPGRADE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{UnixListener, UnixSocket, UnixStream};
use tokio::sync::{Semaphore, oneshot};

use super::takeover::{self, Binary, Claim, Wish};
use super::text_body::Text;

/// Connections at a time; more wait.
const MOST_CONNECTIONS: usize = 8;
/// How long a request's head may take.
const HEAD: Duration = Duration::from_secs(5);
/// Orders that wait.
const MOST_ORDERS: usize = 8;
/// How long an answer may take: kernel programs are attached within less.
const PATIENCE: Duration = Duration::from_secs(30);
/// The longest sample.
const MOST_SAMPLE: u64 = 60;

const INDEX: &str = "\
Weir: the agent of this host

GET  /programs            the kernel programs; with ?sample=5 how they run for 5 seconds
POST /programs/NAME/off   detaches a program, and those that it makes no sense without
POST /programs/NAME/on    attaches them again
";

/// What the agent is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Order {
    /// What is loaded. Two answers, so long apart, where a sample is wanted.
    Programs { json: bool, sample: Option<Duration> },
    /// Switch what has this name.
    Switch { name: String, on: bool },
}

/// An answer: what was asked for, or why not.
pub(super) type Answer = Result<String, String>;

/// An order, and where its answer goes.
#[derive(Debug)]
pub(super) struct Ordered {
    pub(super) order: Order,
    pub(super) answer: oneshot::Sender<Answer>,
}

/// The socket, for as long as it is listened to.
#[derive(Debug)]
pub(super) struct Control {
    path: PathBuf,
    /// The socket's own inode: another agent may have put one in its place.
    inode: u64,
    orders: Receiver<Ordered>,
    wishes: Receiver<Wish>,
    /// For another agent to go on with.
    listener: StdListener,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

/// What those need who serve connections.
#[derive(Debug, Clone)]
struct Desk {
    orders: SyncSender<Ordered>,
    wishes: SyncSender<Wish>,
    /// There is a take-over.
    claimed: Arc<AtomicBool>,
    /// Where metrics are offered, as it was set.
    listen: String,
}

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoControl {
    /// Another agent has it.
    #[error("an agent runs already: it listens at {} (`weir agent --replace` takes over from it)", .0.display())]
    Taken(PathBuf),
    /// The place is not to be had.
    #[error(transparent)]
    Impossible(#[from] anyhow::Error),
}

impl Control {
    /// Begins to listen. A socket that nobody listens to any more is replaced. `listen` is where metrics are offered, as it was set.
    ///
    /// # Errors
    ///
    /// When another agent listens there, or the place is not to be had.
    pub(super) fn start(path: &Path, listen: &str) -> Result<Control, NoControl> {
        let listener = self::listen(path)?;
        Ok(Control::go_on(listener, path, listen)?)
    }

    /// The same with a socket that is listened to already.
    ///
    /// # Errors
    ///
    /// When there is no thread for it.
    pub(super) fn go_on(listener: StdListener, path: &Path, listen: &str) -> anyhow::Result<Control> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .context("the socket for control")?;
        listener.set_nonblocking(true).context("the socket for control")?;
        let accepting = {
            let _inside = runtime.enter();
            let own = listener.try_clone().context("the socket for control")?;
            UnixListener::from_std(own).context("the socket for control")?
        };
        let inode = fs::symlink_metadata(path).map_or(0, |own| own.ino());
        let (give, orders) = sync_channel(MOST_ORDERS);
        let (wish, wishes) = sync_channel(1);
        let desk = Desk { orders: give, wishes: wish, claimed: Arc::default(), listen: listen.to_owned() };
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("weir-control".into()).spawn(move || {
            runtime.spawn(accept(accepting, desk));
            // It is told, or nobody is there any more to tell it.
            let _ = runtime.block_on(stopped);
            runtime.shutdown_background();
        });
        let thread = thread.context("a thread for control")?;
        Ok(Control { path: path.to_owned(), inode, orders, wishes, listener, stop, thread })
    }

    /// Another agent that wants to take over.
    pub(super) fn wish(&self) -> Option<Wish> {
        self.wishes.try_recv().ok()
    }

    /// The listening socket, for another agent.
    ///
    /// # Errors
    ///
    /// When too many files are open.
    pub(super) fn socket(&self) -> io::Result<OwnedFd> {
        self.listener.try_clone().map(OwnedFd::from)
    }

    /// Ends it, and leaves the socket to another agent.
    pub(super) fn leave(self) {
        // A thread that ended has nothing to be told.
        let _ = self.stop.send(());
        let _ = self.thread.join();
    }

    /// The next order that waits.
    pub(super) fn next(&self) -> Option<Ordered> {
        self.orders.try_recv().ok()
    }

    /// Ends it, and takes the socket away.
    pub(super) fn stop(self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|own| own.ino() == self.inode) {
            // Whoever starts next replaces what is left.
            let _ = fs::remove_file(&self.path);
        }
        self.leave();
    }
}

/// Makes the socket, which nobody but its owner can ever open.
fn listen(path: &Path) -> Result<StdListener, NoControl> {
    let folder = path.parent().context("no place for a socket")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let at = || format!("cannot listen at {}", path.display());
    // Two that start at the same time do not both take a socket that was left behind.
    let _alone = lock(folder).with_context(at)?;
    if let Ok(found) = fs::symlink_metadata(path) {
        if !found.file_type().is_socket() {
            return Err(anyhow::anyhow!("{}: there is something else", path.display()).context(at()).into());
        }
        match std::os::unix::net::UnixStream::connect(path) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                fs::remove_file(path).with_context(at)?;
            }
            // One that is busy is there as well.
            Ok(_) => return Err(NoControl::Taken(path.to_owned())),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Err(NoControl::Taken(path.to_owned()));
            }
            Err(error) => return Err(anyhow::Error::from(error).context(at()).into()),
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().with_context(at)?;
    let _inside = runtime.enter();
    let socket = UnixSocket::new_stream().with_context(at)?;
    // Before it has a name: the file gets the socket's own mode.
    // SAFETY: the descriptor is open.
    if unsafe { libc::fchmod(socket.as_raw_fd(), 0o600) } != 0 {
        return Err(anyhow::Error::from(io::Error::last_os_error()).context(at()).into());
    }
    socket.bind(path).with_context(at)?;
    let listener = socket.listen(MOST_CONNECTIONS as u32).with_context(at)?;
    Ok(listener.into_std().with_context(at)?)
}

/// A lock that ends with the process at the latest, and leaves no file behind.
fn lock(folder: &Path) -> io::Result<File> {
    let folder = File::open(folder)?;
    // SAFETY: the descriptor is open.
    if unsafe { libc::flock(folder.as_raw_fd(), libc::LOCK_EX) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(folder)
}

async fn accept(listener: UnixListener, desk: Desk) {
    super::step_back(&[]);
    let room = std::sync::Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let Ok(place) = room.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let desk = desk.clone();
                tokio::spawn(async move {
                    serve(stream, desk).await;
                    drop(place);
                });
            }
            // There are no descriptors, and it would be tried again at once.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn serve(stream: UnixStream, desk: Desk) {
    // SAFETY: has no preconditions.
    let own = unsafe { libc::geteuid() };
    let is_own_user = stream.peer_cred().is_ok_and(|peer| peer.uid() == own);
    let service = service_fn(move |request: Request<Incoming>| {
        let desk = desk.clone();
        async move {
            let answer = match request.uri().path() {
                takeover::PATH => take_over(request, desk, is_own_user),
                _ => answer(&request, &desk.orders).await,
            };
            Ok::<_, Infallible>(answer)
        }
    });
    let mut http = http1::Builder::new();
    let http = http.timer(TokioTimer::new()).header_read_timeout(HEAD).keep_alive(false);
    // Whoever asked may be gone.
    let served = http.serve_connection(TokioIo::new(stream), service).with_upgrades();
    let _ = tokio::time::timeout(HEAD + PATIENCE + Duration::from_secs(MOST_SAMPLE), served).await;
}

/// Lets another agent take over: from then on its connection is no HTTP any more.
fn take_over(request: Request<Incoming>, desk: Desk, is_own_user: bool) -> Response<Text> {
    let header = |name: HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
    let version = header(HeaderName::from_static(takeover::VERSION_HEADER)).unwrap_or_default();
    let own_version = takeover::VERSION.to_string();
    let refused = match () {
        () if request.method() != Method::POST => return text(StatusCode::METHOD_NOT_ALLOWED, "only POST\n"),
        () if header(UPGRADE) != Some(takeover::PROTOCOL) => "for `weir agent --replace` only\n".to_owned(),
        () if !is_own_user => "only an agent of the same user can take over\n".to_owned(),
        () if version != own_version => {
            format!("it hands over by version {own_version} of what is to be said, and not by {version:?}\n")
        }
        () => String::new(),
    };
    let claim = if refused.is_empty() { Claim::take(&desk.claimed) } else { None };
    let Some(claim) = claim else {
        let busy = "another agent is about to take over\n".to_owned();
        return text(StatusCode::CONFLICT, if refused.is_empty() { busy } else { refused });
    };
    tokio::spawn(async move {
        let Ok(upgraded) = hyper::upgrade::on(request).await else { return };
        let Ok(parts) = upgraded.downcast::<TokioIo<UnixStream>>() else { return };
        let Ok(stream) = parts.io.into_inner().into_std() else { return };
        if parts.read_buf.is_empty() && stream.set_nonblocking(false).is_ok() {
            // Where nobody takes it, this agent is ending.
            let _ = desk.wishes.try_send(Wish { stream, claim });
        }
    });
    let mut response = text(StatusCode::SWITCHING_PROTOCOLS, "");
    let headers = response.headers_mut();
    headers.remove(CONTENT_TYPE);
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static(takeover::PROTOCOL));
    let binary = Binary::own().map(|binary| binary.to_string()).unwrap_or_default();
    for (name, value) in [(takeover::LISTEN_HEADER, &desk.listen), (takeover::BINARY_HEADER, &binary)] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    response
}

async fn answer(request: &Request<Incoming>, orders: &SyncSender<Ordered>) -> Response<Text> {
    let order = match order(request) {
        Ok(order) => order,
        Err(refused) => return *refused,
    };
    let json = matches!(order, Order::Programs { json: true, .. });
    let sample = if let Order::Programs { sample, .. } = order { sample } else { None };
    let (answer, answered) = oneshot::channel();
    match orders.try_send(Ordered { order, answer }) {
        Ok(()) => {}
        Err(TrySendError::Full(_)) => return text(StatusCode::SERVICE_UNAVAILABLE, "too many orders wait\n"),
        Err(TrySendError::Disconnected(_)) => return text(StatusCode::SERVICE_UNAVAILABLE, "it is ending\n"),
    }
    let patience = PATIENCE + sample.unwrap_or_default();
    match tokio::time::timeout(patience, answered).await {
        Ok(Ok(Ok(told))) => {
            let mut response = text(StatusCode::OK, told);
            if json {
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
            }
            response
        }
        Ok(Ok(Err(why))) => text(StatusCode::CONFLICT, why + "\n"),
        Ok(Err(_)) => text(StatusCode::SERVICE_UNAVAILABLE, "it is ending\n"),
        Err(_) => text(StatusCode::GATEWAY_TIMEOUT, "the agent does not answer\n"),
    }
}

/// What is asked for.
///
/// # Errors
///
/// What is answered where it is nothing.
fn order(request: &Request<Incoming>) -> Result<Order, Box<Response<Text>>> {
    let accepts = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let path: Vec<&str> = request.uri().path().split('/').skip(1).collect();
    let wants = |method: Method, order: Order| {
        if request.method() == method {
            return Ok(order);
        }
        let mut refused = text(StatusCode::METHOD_NOT_ALLOWED, format!("only {method}\n"));
        if let Ok(allowed) = HeaderValue::from_str(method.as_str()) {
            refused.headers_mut().insert(ALLOW, allowed);
        }
        Err(Box::new(refused))
    };
    match path.as_slice() {
        ["programs"] => match sample(request.uri().query()) {
            Ok(sample) => wants(Method::GET, Order::Programs { json: accepts.contains("json"), sample }),
            Err(error) => Err(Box::new(text(StatusCode::BAD_REQUEST, format!("{error:#}\n")))),
        },
        ["programs", name, "on"] => wants(Method::POST, Order::Switch { name: (*name).to_owned(), on: true }),
        ["programs", name, "off"] => {
            wants(Method::POST, Order::Switch { name: (*name).to_owned(), on: false })
        }
        [""] => Err(Box::new(text(StatusCode::OK, INDEX))),
        _ => Err(Box::new(text(StatusCode::NOT_FOUND, INDEX))),
    }
}

/// `sample=SECONDS`.
fn sample(query: Option<&str>) -> anyhow::Result<Option<Duration>> {
    let Some(query) = query.filter(|query| !query.is_empty()) else { return Ok(None) };
    let Some(seconds) = query.strip_prefix("sample=") else { bail!("only sample=SECONDS is known") };
    let seconds: u64 = seconds.parse().context("sample: whole seconds")?;
    anyhow::ensure!((1..=MOST_SAMPLE).contains(&seconds), "sample: 1 to {MOST_SAMPLE} seconds");
    Ok(Some(Duration::from_secs(seconds)))
}

fn text(status: StatusCode, text: impl Into<Bytes>) -> Response<Text> {
    let mut response = Response::new(Text::new(text.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_socket_has_one_owner_and_one_listener() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("run/agent.sock");
        let first = Control::start(&path, "").expect("a socket");
        assert_eq!(fs::symlink_metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o600);
        let second = Control::start(&path, "").expect_err("it is taken");
        assert!(matches!(&second, NoControl::Taken(taken) if *taken == path), "{second}");
        first.stop();
        assert!(!path.exists());
        // What a killed one left behind.
        drop(std::os::unix::net::UnixListener::bind(&path).expect("a socket"));
        Control::start(&path, "").expect("it is replaced").stop();
        // What is no socket is left alone.
        fs::write(&path, "precious").expect("a file");
        assert!(matches!(Control::start(&path, ""), Err(NoControl::Impossible(_))));
        assert_eq!(fs::read_to_string(&path).expect("still there"), "precious");
    }

    #[test]
    fn samples_are_bounded() {
        assert_eq!(sample(None).expect("none"), None);
        assert_eq!(sample(Some("sample=5")).expect("one"), Some(Duration::from_secs(5)));
        for wrong in
            ["sample=0", "sample=61", "sample=1s", "sample=", "other=5", "sample=18446744073709551616"]
        {
            assert!(sample(Some(wrong)).is_err(), "{wrong}");
        }
    }
}
