//! Both ends of a connection, moved by one hand: for exchanges that no ordinary server has.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

/// What a party does.
#[derive(Debug, Clone, Copy)]
pub enum Move<'a> {
    /// The client writes these bytes, and the server reads them all.
    Asks(&'a [u8]),
    /// The client writes these bytes, and the server reads so many of them.
    AsksInPart(&'a [u8], usize),
    /// The server writes these bytes, and the client reads them all.
    Answers(&'a [u8]),
    /// The client closes its socket.
    ClientCloses,
    /// The server closes its socket, and the client reads the end of the stream.
    ServerCloses,
    /// The client will send no more, and the server reads the end of the stream.
    ClientEnds,
    /// The server writes these bytes; nobody reads them yet.
    Says(&'a [u8]),
    /// The server will send no more.
    ServerEnds,
    /// The server writes these bytes and closes its socket; nobody reads them yet.
    Leaves(&'a [u8]),
    /// The same with a reset.
    LeavesByReset(&'a [u8]),
    /// The client reads until there is no more, a few bytes at a time.
    ClientReads,
    /// The client closes with a reset.
    ClientResets,
    /// The server closes with a reset, and the client's next read fails.
    ServerResets,
    /// Nothing happens for a while.
    Pause(Duration),
}

/// What a connection is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
    /// An IPv6 socket that calls an IPv4 address.
    Mapped,
}

/// One end.
#[derive(Debug)]
pub enum End {
    /// Of a TCP connection.
    Tcp(TcpStream),
    /// Of a Unix connection.
    Unix(UnixStream),
}

/// A connection.
#[derive(Debug)]
pub struct Dialogue {
    client: Option<End>,
    server: Option<End>,
}

impl Dialogue {
    /// Connects to a listener of our own.
    ///
    /// # Errors
    ///
    /// When that fails.
    pub fn tcp(listener: &TcpListener, over: Over) -> io::Result<Dialogue> {
        let port = listener.local_addr()?.port();
        let address: SocketAddr = match over {
            Over::V4 => (Ipv4Addr::LOCALHOST, port).into(),
            Over::V6 => (Ipv6Addr::LOCALHOST, port).into(),
            Over::Mapped => (Ipv4Addr::LOCALHOST.to_ipv6_mapped(), port).into(),
        };
        let client = TcpStream::connect(address)?;
        let server = listener.accept()?.0;
        Ok(Dialogue { client: Some(End::Tcp(client)), server: Some(End::Tcp(server)) })
    }

    /// The same over a Unix socket.
    ///
    /// # Errors
    ///
    /// When that fails.
    pub fn unix(listener: &UnixListener) -> io::Result<Dialogue> {
        let address = listener.local_addr()?;
        let path = address.as_pathname().ok_or(io::ErrorKind::AddrNotAvailable)?;
        let client = UnixStream::connect(path)?;
        let server = listener.accept()?.0;
        Ok(Dialogue { client: Some(End::Unix(client)), server: Some(End::Unix(server)) })
    }

    /// Plays moves in order; both sockets are still open afterwards if no move closed them.
    ///
    /// # Errors
    ///
    /// When bytes do not arrive as they were sent.
    pub fn play(&mut self, moves: &[Move<'_>]) -> io::Result<()> {
        for step in moves {
            match step {
                Move::Asks(bytes) => pass(&mut self.client, &mut self.server, bytes)?,
                Move::AsksInPart(bytes, read) => {
                    let (Some(client), Some(server)) = (&mut self.client, &mut self.server) else {
                        return Err(io::ErrorKind::NotConnected.into());
                    };
                    client.write_all(bytes)?;
                    server.read_exact(&mut vec![0; *read])?;
                }
                Move::Answers(bytes) => pass(&mut self.server, &mut self.client, bytes)?,
                Move::ClientCloses => self.client = None,
                Move::ServerCloses => {
                    self.server = None;
                    read_to_end(&mut self.client)?;
                }
                Move::ClientEnds => {
                    end(&self.client)?;
                    read_to_end(&mut self.server)?;
                }
                Move::Says(bytes) => {
                    if let Some(server) = &mut self.server {
                        server.write_all(bytes)?;
                    }
                }
                Move::ServerEnds => end(&self.server)?,
                Move::Leaves(bytes) => {
                    if let Some(mut server) = self.server.take() {
                        server.write_all(bytes)?;
                    }
                }
                Move::LeavesByReset(bytes) => {
                    if let Some(server) = &mut self.server {
                        server.write_all(bytes)?;
                    }
                    reset(self.server.take())?;
                }
                Move::ClientReads => {
                    // It may end with the peer's reset.
                    while let Some(client) = &mut self.client
                        && matches!(client.read(&mut [0; 7]), Ok(1..))
                    {}
                }
                Move::ClientResets => reset(self.client.take())?,
                Move::ServerResets => {
                    reset(self.server.take())?;
                    // The failure is what the move is about.
                    let _ = read_to_end(&mut self.client);
                }
                Move::Pause(time) => std::thread::sleep(*time),
            }
        }
        Ok(())
    }
}

fn pass(from: &mut Option<End>, to: &mut Option<End>, bytes: &[u8]) -> io::Result<()> {
    let (Some(from), Some(to)) = (from, to) else { return Err(io::ErrorKind::NotConnected.into()) };
    from.write_all(bytes)?;
    let mut read = vec![0; bytes.len()];
    to.read_exact(&mut read)?;
    if read == bytes { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
}

fn read_to_end(end: &mut Option<End>) -> io::Result<()> {
    if let Some(end) = end {
        end.read_to_end(&mut Vec::new())?;
    }
    Ok(())
}

/// Shuts down the direction in which this end sends.
fn end(end: &Option<End>) -> io::Result<()> {
    match end {
        Some(End::Tcp(stream)) => stream.shutdown(Shutdown::Write),
        Some(End::Unix(stream)) => stream.shutdown(Shutdown::Write),
        None => Ok(()),
    }
}

fn reset(end: Option<End>) -> io::Result<()> {
    let Some(End::Tcp(stream)) = end else { return Err(io::ErrorKind::Unsupported.into()) };
    let linger = libc::linger { l_onoff: 1, l_linger: 0 };
    let size = size_of::<libc::linger>() as libc::socklen_t;
    // SAFETY: the value is initialised and as long as is said.
    let failed = unsafe {
        let value = (&raw const linger).cast();
        libc::setsockopt(stream.as_raw_fd(), libc::SOL_SOCKET, libc::SO_LINGER, value, size)
    };
    if failed == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

impl Read for End {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            End::Tcp(stream) => stream.read(buffer),
            End::Unix(stream) => stream.read(buffer),
        }
    }
}

impl Write for End {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            End::Tcp(stream) => stream.write(bytes),
            End::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
