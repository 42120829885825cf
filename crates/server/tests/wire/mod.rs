//! A server on real sockets, and clients that do what clients should not.

#![allow(dead_code)] // each test uses some of it

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use axum::Router;
use server::listen::{Counts, Limits, Listeners, Protection, bind};
use tokio::runtime::Runtime;

/// After so long without what is waited for a test has failed.
pub(crate) const WHILE: Duration = Duration::from_secs(10);

/// A server, on a runtime of its own.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    runtime: Runtime,
    listeners: Option<Listeners>,
}

impl Server {
    /// Without TLS, on a loopback address.
    pub(crate) fn new(limits: Limits, router: Router) -> Self {
        Server::at("127.0.0.1:0", limits, &Protection::None, router)
    }

    pub(crate) fn at(address: &str, limits: Limits, protection: &Protection, router: Router) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let mut listeners = Listeners::new(limits);
        let bound = bind(address.parse().unwrap(), "--listen", protection).unwrap();
        let address = {
            let _inside = runtime.enter();
            listeners.open(bound, router).unwrap()
        };
        Server { address, runtime, listeners: Some(listeners) }
    }

    pub(crate) fn counts(&self) -> Counts {
        self.listeners.as_ref().unwrap().counts()
    }

    /// Ends it as its owner would, and tells how long that took.
    pub(crate) fn stop(mut self, within: Duration) -> Duration {
        let began = Instant::now();
        let listeners = self.listeners.take().unwrap();
        self.runtime.block_on(listeners.stop(within));
        began.elapsed()
    }

    pub(crate) fn connect(&self) -> Client {
        Client::new(self.address, Ipv4Addr::LOCALHOST)
    }

    /// A whole exchange on a connection of its own.
    pub(crate) fn ask(&self, request: &str) -> Answer {
        let mut client = self.connect();
        client.send(request.as_bytes());
        client.answer().expect("an answer")
    }

    /// It answers others still.
    pub(crate) fn assert_answers(&self) {
        assert_eq!(self.ask("GET /ok HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 200);
    }
}

/// One connection.
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    left: Vec<u8>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    /// The name of the problem that it tells.
    pub(crate) fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let document: serde_json::Value = serde_json::from_slice(&self.body).expect("JSON");
        assert_eq!(document["status"], self.status);
        document["type"].as_str().and_then(|kind| kind.rsplit_once('#')).expect("a type").1.to_owned()
    }
}

impl Client {
    /// From this address of the host.
    pub(crate) fn new(to: SocketAddr, from: Ipv4Addr) -> Self {
        // std cannot bind before it connects.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let stream = runtime.block_on(async {
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.bind((IpAddr::from(from), 0).into()).unwrap();
            socket.connect(to).await.unwrap().into_std().unwrap()
        });
        stream.set_nonblocking(false).unwrap();
        stream.set_read_timeout(Some(WHILE)).unwrap();
        Client { stream, left: Vec::new() }
    }

    /// The other end may be gone.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// The next answer; none if the connection ends before it.
    pub(crate) fn answer(&mut self) -> Option<Answer> {
        let end = loop {
            if let Some(end) = self.left.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            self.more()?;
        };
        let head = String::from_utf8_lossy(&self.left[..end]).into_owned();
        self.left.drain(..end);
        let mut answer = Answer { status: head.split(' ').nth(1)?.parse().ok()?, head, body: Vec::new() };
        let length: usize =
            answer.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        while self.left.len() < length {
            self.more()?;
        }
        answer.body = self.left.drain(..length).collect();
        Some(answer)
    }

    fn more(&mut self) -> Option<()> {
        let mut buffer = [0; 4096];
        match self.stream.read(&mut buffer) {
            Ok(0) | Err(_) => None,
            Ok(read) => {
                self.left.extend_from_slice(&buffer[..read]);
                Some(())
            }
        }
    }

    /// The other end closes the connection; what it sends until then.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let began = Instant::now();
        while self.more().is_some() {}
        assert!(began.elapsed() < WHILE, "the connection is open still");
        std::mem::take(&mut self.left)
    }
}

/// Waits until it holds.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < WHILE, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
