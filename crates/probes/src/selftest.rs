//! Moves bytes of our own through sockets, to see whether a program that attached also fires.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::ptr;
use std::time::Duration;

/// Long enough not to occur by chance in anybody else's traffic.
const LENGTH: usize = 24;
const LENGTH_MOVED: isize = LENGTH as isize;

/// Loopback is quick.
const PATIENCE: Duration = Duration::from_secs(5);

/// What was moved, to be found again among the events.
pub(crate) struct Marks {
    /// From the client to the server.
    pub(crate) request: [u8; LENGTH],
    /// Back.
    pub(crate) response: [u8; LENGTH],
    /// The TCP client's own address.
    pub(crate) client: Option<SocketAddr>,
}

impl Marks {
    /// Of each of them.
    pub(crate) fn length(&self) -> u32 {
        LENGTH as u32
    }

    fn fresh() -> Self {
        let mut noise = [0u8; 8];
        // Not a secret: it only has to differ from what an earlier test left in somebody's buffers.
        let _ = std::fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut noise));
        let mark = |what: &str| {
            let text = format!("{what}{:016x}", u64::from_ne_bytes(noise));
            let mut bytes = [b'.'; LENGTH];
            bytes[..text.len()].copy_from_slice(text.as_bytes());
            bytes
        };
        Marks { request: mark("weir-rq:"), response: mark("weir-rs:"), client: None }
    }
}

/// One TCP connection over the loopback interface, a message each way.
pub(crate) fn exchange() -> io::Result<Marks> {
    let mut marks = Marks::fresh();
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let mut client = TcpStream::connect(listener.local_addr()?)?;
    let (mut server, _) = listener.accept()?;
    marks.client = Some(client.local_addr()?);
    client.set_read_timeout(Some(PATIENCE))?;
    server.set_read_timeout(Some(PATIENCE))?;
    let mut buffer = [0; LENGTH];
    client.write_all(&marks.request)?;
    server.read_exact(&mut buffer)?;
    server.write_all(&marks.response)?;
    client.read_exact(&mut buffer)?;
    Ok(marks)
}

/// A datagram each way over the loopback interface, with the same bytes.
pub(crate) fn exchange_datagrams(marks: &Marks) -> io::Result<()> {
    let (client, server) = (UdpSocket::bind(("127.0.0.1", 0))?, UdpSocket::bind(("127.0.0.1", 0))?);
    for socket in [&client, &server] {
        socket.set_read_timeout(Some(PATIENCE))?;
    }
    let mut buffer = [0; LENGTH];
    client.send_to(&marks.request, server.local_addr()?)?;
    let (_, from) = server.recv_from(&mut buffer)?;
    server.send_to(&marks.response, from)?;
    client.recv_from(&mut buffer).map(drop)
}

/// The same bytes through a Unix socket, out of which they are spliced.
pub(crate) fn splice(marks: &Marks) -> io::Result<()> {
    let (mut client, server) = UnixStream::pair()?;
    let (mut reader, writer) = io::pipe()?;
    client.write_all(&marks.request)?;
    // SAFETY: both descriptors are open, and no offsets are given.
    let moved = unsafe {
        libc::splice(server.as_raw_fd(), ptr::null_mut(), writer.as_raw_fd(), ptr::null_mut(), LENGTH, 0)
    };
    match moved {
        LENGTH_MOVED => reader.read_exact(&mut [0; LENGTH]),
        ..0 => Err(io::Error::last_os_error()),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Starts a process and waits for its end; false where there is no `true` to run.
pub(crate) fn run_process() -> bool {
    Command::new("true").stdout(std::process::Stdio::null()).status().is_ok()
}
