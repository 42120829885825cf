//! A chain of servers: a proxy, an application behind it, and PostgreSQL and Redis behind that.

use std::fs;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tempfile::TempDir;

use crate::http;
use crate::postgresql::Postgres;
use crate::process::{Process, free_port, wait_for_port};
use crate::servers::Redis;

/// The proxy in front. Both answer `/self` themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proxy {
    /// nginx with so many workers; connections to the application stay open, or each request gets a new one.
    Nginx {
        /// Worker processes.
        workers: u32,
        /// Connections stay open.
        keeps: bool,
    },
    /// HAProxy with so many threads.
    Haproxy {
        /// Threads of its one process.
        threads: u32,
        /// Connections stay open.
        keeps: bool,
    },
    /// None: clients ask the application.
    None,
}

/// How the application serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Application {
    /// A thread for each connection.
    Threads,
    /// Eight processes, one request each at a time.
    Prefork,
}

/// All of it.
#[derive(Debug)]
pub struct Chain {
    postgres: Postgres,
    redis: Redis,
    _application: Process,
    _proxy: Option<Front>,
    _folder: TempDir,
    front: SocketAddr,
    behind: SocketAddr,
}

impl Chain {
    /// Starts it and waits until it answers.
    ///
    /// # Errors
    ///
    /// When something is not installed or does not come up.
    pub fn start(proxy: Proxy, application: Application) -> io::Result<Chain> {
        let folder = tempfile::tempdir()?;
        let (postgres, redis) = (Postgres::start(false)?, Redis::start(None)?);
        let behind = free_port()?;
        let client = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/chain.py");
        let mode = if application == Application::Threads { "threads" } else { "prefork" };
        let ports = [behind, postgres.address().port(), redis.port()].map(|port| port.to_string());
        let mut command = Command::new("python3");
        command.arg(client).arg(mode).args(ports);
        // It tells of each connection that ends as it should not have.
        command.stdin(Stdio::null()).stderr(Stdio::null());
        let process = Process::start(&mut command)?;
        let behind = SocketAddr::from((Ipv4Addr::LOCALHOST, behind));
        wait_for_port(behind)?;
        let port = free_port()?;
        let front = match proxy {
            Proxy::None => behind,
            _ => (Ipv4Addr::LOCALHOST, port).into(),
        };
        let started = match proxy {
            Proxy::None => None,
            Proxy::Nginx { workers, keeps } => Some(nginx(folder.path(), (front, behind), workers, keeps)?),
            Proxy::Haproxy { threads, keeps } => {
                Some(haproxy(folder.path(), (front, behind), threads, keeps)?)
            }
        };
        wait_for_port(front)?;
        Ok(Chain { postgres, redis, _application: process, _proxy: started, _folder: folder, front, behind })
    }

    /// The ports of all of it, from the front on: where there is no proxy, three.
    pub fn ports(&self) -> Vec<u16> {
        let mut ports =
            vec![self.front.port(), self.behind.port(), self.postgres.address().port(), self.redis.port()];
        ports.dedup();
        ports
    }

    /// Has `clients` ask for what `paths` has, `count` times in all, one after the other each, on connections that they keep. Each request has
    /// an id of its own in its query and in a header; returns how many were answered as they should be.
    ///
    /// # Errors
    ///
    /// When a connection breaks.
    pub fn ask(&self, clients: u64, count: u64, paths: &[&str]) -> io::Result<u64> {
        let (next, front) = (AtomicU64::new(0), self.front);
        let ask = || -> io::Result<u64> {
            let mut connection = None;
            let mut answered = 0;
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return Ok(answered);
                }
                let path = paths[number as usize % paths.len()];
                let client = match &mut connection {
                    Some(client) => client,
                    None => {
                        let stream = TcpStream::connect(front)?;
                        stream.set_nodelay(true)?;
                        connection.insert(http::Client::new(stream))
                    }
                };
                let id = id(number);
                let head = format!("GET {path}?id={id} HTTP/1.1\r\nHost: shop\r\nX-Request-Id: {id}\r\n\r\n");
                client.stream().write_all(head.as_bytes())?;
                let answer = client.receive()?;
                answered += u64::from(answer.status == if path == "/self" { 204 } else { 200 });
                if front == self.behind || number % 50 == 49 {
                    connection = None;
                }
            }
        };
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..clients).map(|_| scope.spawn(ask)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().map_err(|_| io::Error::other("a client failed"))?)
                .sum()
        })
    }
}

/// A proxy that runs.
#[derive(Debug)]
pub struct Front(Process);

impl Drop for Front {
    /// A master that is killed leaves its workers behind.
    fn drop(&mut self) {
        self.0.signal(libc::SIGTERM);
        // Else it is killed.
        let _ = self.0.wait(Duration::from_secs(3));
    }
}

/// The id of a request by its number.
pub fn id(number: u64) -> String {
    format!("request-{number:08}")
}

/// Starts an nginx at the first address that passes on to the second one what it is asked for; its files are in `folder`.
///
/// # Errors
///
/// When it is not installed.
pub fn nginx(
    folder: &Path,
    (front, behind): (SocketAddr, SocketAddr),
    workers: u32,
    keeps: bool,
) -> io::Result<Front> {
    let keepalive = if keeps { "keepalive 64;" } else { "" };
    let connection = if keeps { "\"\"" } else { "close" };
    let configuration = format!(
        "daemon off; worker_processes {workers}; pid nginx.pid;
events {{ worker_connections 1024; }}
http {{
 access_log off; client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
 upstream application {{ server {behind}; {keepalive} }}
 server {{
  listen {front} reuseport; keepalive_requests 100000;
  location / {{ proxy_pass http://application; proxy_http_version 1.1; proxy_set_header Connection {connection}; }}
  location = /self {{ return 204; }}
 }}
}}"
    );
    fs::write(folder.join("nginx.conf"), configuration)?;
    let mut command = Command::new("nginx");
    command.arg("-p").arg(folder).args(["-c", "nginx.conf", "-e", "error.log"]);
    Process::start(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null())).map(Front)
}

fn haproxy(
    folder: &Path,
    (front, behind): (SocketAddr, SocketAddr),
    threads: u32,
    keeps: bool,
) -> io::Result<Front> {
    let mode = if keeps { "option http-keep-alive\n http-reuse always" } else { "option http-server-close" };
    let configuration = format!(
        "global
 nbthread {threads}
defaults
 mode http
 {mode}
 timeout connect 5s
 timeout client 60s
 timeout server 60s
listen front
 bind {front}
 http-request return status 204 if {{ path /self }}
 server application {behind}
"
    );
    let file = folder.join("haproxy.cfg");
    fs::write(&file, configuration)?;
    let mut command = Command::new("/usr/sbin/haproxy");
    command.args(["-db", "-f"]).arg(file);
    Process::start(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null())).map(Front)
}
