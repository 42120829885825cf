//! Listeners: who may connect, for how long, and what of it is counted.
//!
//! Whoever reaches a listener may be slow or mean no good. So everything that another end can make this process hold is
//! bounded: connections, and what is too much is closed, whoever has most of them first; heads, bodies and answers by size
//! and by time; streams of a connection; what waits to be sent. Time runs against whoever does not go on: a head has to come
//! within [`Limits::head`], a body at [`Limits::body_rate`] at least, an answer has to be taken without a pause of
//! [`Limits::stall`].
//!
//! HTTP/1.1 and HTTP/2 are told apart by how a connection begins, so that gRPC without TLS needs no upgrade.

mod bind;
mod body;
mod connections;
mod life;
mod serve;
mod stream;
mod taken;
mod tls;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::sync::watch;

pub use bind::{BindError, Bound, Protection, bind};
use connections::Connections;
pub use connections::Counts;
pub use tls::{Reloaded, Tls, TlsError, TlsFiles};

/// What one server takes upon itself, for all of its listeners together.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections at a time. A further one takes the place of one that is worth less.
    pub connections: usize,
    /// How long TLS, and then the first request's head, may take.
    pub head: Duration,
    /// How long a connection may be idle after that.
    pub idle: Duration,
    /// Bytes of a head.
    pub head_bytes: usize,
    /// Bytes of a request's body as it is sent, before it is decompressed. Routes may take less.
    pub body_bytes: u64,
    /// How long a body may take, whatever its size.
    pub body: Duration,
    /// For larger ones there is a second more for each of so many bytes.
    pub body_rate: u64,
    /// How long nothing of an answer may be taken.
    pub stall: Duration,
    /// Requests at a time of one connection of HTTP/2.
    pub streams: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            // 200 agents, their senders of OpenTelemetry, and people. Half of what a process may open where nobody asked for
            // more (1,024 files), for the store needs some as well.
            connections: 512,
            head: Duration::from_secs(15),
            // Longer than the minute in which exporters of metrics come back.
            idle: Duration::from_secs(75),
            head_bytes: 32 * 1024,
            body_bytes: 64 << 20,
            body: Duration::from_secs(30),
            body_rate: 64 * 1024,
            stall: Duration::from_secs(60),
            streams: 64,
        }
    }
}

/// Who asks: every request has it among its extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// The other end of the connection. No header can change it.
    pub address: SocketAddr,
    /// What is asked goes through TLS.
    pub encrypted: bool,
}

impl Peer {
    /// The other end, where an IPv4 address within IPv6 is what it stands for.
    pub fn ip(&self) -> IpAddr {
        self.address.ip().to_canonical()
    }

    /// It is a process of this host, by the loopback device. What the listener's own address is does not matter: a host can
    /// be told to route others' packets to its loopback addresses (`route_localnet`), but those come from elsewhere.
    pub fn is_loopback(&self) -> bool {
        self.ip().is_loopback()
    }
}

/// All listeners of a server.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use server::listen::{Limits, Listeners, Protection, bind};
///
/// let mut listeners = Listeners::new(Limits::default());
/// let bound = bind("127.0.0.1:7400".parse()?, "--listen", &Protection::None)?;
/// let address = listeners.open(bound, axum::Router::new())?;
/// # let _ = address;
/// listeners.stop(std::time::Duration::from_secs(5)).await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Listeners {
    limits: Arc<Limits>,
    connections: Arc<Connections>,
    stop: watch::Sender<bool>,
}

impl Listeners {
    /// None yet.
    pub fn new(limits: Limits) -> Self {
        let connections = Arc::new(Connections::new(limits.connections));
        Listeners { limits: Arc::new(limits), connections, stop: watch::channel(false).0 }
    }

    /// Answers whoever connects by this router. Returns the address, which has a port even if none was asked for.
    /// Has to be called within a runtime.
    ///
    /// # Errors
    ///
    /// When the socket is of no use.
    pub fn open(&mut self, bound: Bound, router: Router) -> std::io::Result<SocketAddr> {
        let address = bound.address()?;
        let (listener, tls) = bound.into_parts()?;
        let front = serve::Front::new(
            router,
            tls,
            self.limits.clone(),
            self.connections.clone(),
            self.stop.subscribe(),
        );
        tokio::spawn(front.accept(listener));
        Ok(address)
    }

    /// What became of connections so far.
    pub fn counts(&self) -> Counts {
        self.connections.counts()
    }

    /// The same at any later moment.
    pub(crate) fn counter(&self) -> impl Fn() -> Counts + Send + Sync + use<> {
        let connections = Arc::clone(&self.connections);
        move || connections.counts()
    }

    /// Takes no more connections, answers what was asked for, and ends. What is not answered by then is cut off.
    pub async fn stop(self, within: Duration) {
        self.stop.send_replace(true);
        let _ = tokio::time::timeout(within, self.connections.emptied()).await;
        self.connections.close_all();
    }
}
