//! Connected pairs of stream sockets, of every family.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::sync::atomic::{AtomicU32, Ordering};

use model::Endpoint;

/// What the two sockets speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// TCP over IPv4.
    V4,
    /// TCP over IPv6.
    V6,
    /// TCP over IPv4, on sockets made for IPv6.
    Mapped,
    /// Unix stream sockets.
    Unix,
}

impl Family {
    /// All of them.
    pub const ALL: [Family; 4] = [Family::V4, Family::V6, Family::Mapped, Family::Unix];

    /// The address that a TCP server of this family listens on; nothing for Unix sockets.
    fn address(self) -> Option<&'static str> {
        match self {
            Family::V4 => Some("127.0.0.1:0"),
            Family::V6 => Some("[::1]:0"),
            Family::Mapped => Some("[::ffff:127.0.0.1]:0"),
            Family::Unix => None,
        }
    }
}

/// A listening socket of any family.
#[derive(Debug)]
pub enum Listener {
    /// TCP.
    Tcp(TcpListener),
    /// Unix, with the abstract name it is bound to.
    Unix(UnixListener, String),
}

/// A connected pair.
#[derive(Debug)]
pub struct Pair {
    /// Who connected.
    pub client: OwnedFd,
    /// Who accepted.
    pub server: OwnedFd,
    /// The client's own address.
    pub client_end: Endpoint,
    /// The server's own address.
    pub server_end: Endpoint,
}

impl Listener {
    /// Listens on a free port of the loopback interface, or at an abstract name that nobody else has.
    ///
    /// # Errors
    ///
    /// What the system calls say.
    pub fn new(family: Family) -> io::Result<Self> {
        if let Some(address) = family.address() {
            return TcpListener::bind(address).map(Listener::Tcp);
        }
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("capture-test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Ok(Listener::Unix(UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name)?)?, name))
    }

    /// A client that is connected, and whose connection waits to be accepted; with its own address.
    ///
    /// # Errors
    ///
    /// What the system calls say.
    pub fn connect(&self) -> io::Result<(OwnedFd, Endpoint)> {
        match self {
            Listener::Tcp(listener) => {
                let client = TcpStream::connect(listener.local_addr()?)?;
                let local = client.local_addr()?;
                Ok((client.into(), Endpoint::ip(local.ip(), local.port())))
            }
            Listener::Unix(_, name) => {
                let client = UnixStream::connect_addr(&SocketAddr::from_abstract_name(name)?)?;
                Ok((client.into(), Endpoint::Unix("".into())))
            }
        }
    }

    /// The next connection.
    ///
    /// # Errors
    ///
    /// What the system call says.
    pub fn accept(&self) -> io::Result<OwnedFd> {
        Ok(match self {
            Listener::Tcp(listener) => listener.accept()?.0.into(),
            Listener::Unix(listener, _) => listener.accept()?.0.into(),
        })
    }

    /// The address it listens at.
    ///
    /// # Errors
    ///
    /// What the system call says.
    pub fn end(&self) -> io::Result<Endpoint> {
        Ok(match self {
            Listener::Tcp(listener) => {
                let local = listener.local_addr()?;
                Endpoint::ip(local.ip(), local.port())
            }
            Listener::Unix(_, name) => Endpoint::Unix(format!("@{name}").into()),
        })
    }
}

impl Pair {
    /// A fresh pair.
    ///
    /// # Errors
    ///
    /// What the system calls say.
    pub fn new(family: Family) -> io::Result<Self> {
        let listener = Listener::new(family)?;
        let (client, client_end) = listener.connect()?;
        Ok(Pair { client, server: listener.accept()?, client_end, server_end: listener.end()? })
    }
}
