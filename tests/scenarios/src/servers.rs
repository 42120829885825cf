//! nginx and Redis, in folders of their own.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{fs, io};

use tempfile::TempDir;

use crate::process::{Process, free_port, wait_for_path, wait_for_port};

/// A file that nginx serves by `sendfile`: its length.
pub const FILE_BYTES: usize = 100_000;

/// A running nginx: one process, HTTP on a port of IPv4 and IPv6 and on a Unix socket, TLS on another port.
///
/// | path | answer |
/// |---|---|
/// | `/ok` | 200, two bytes |
/// | `/items/…` | 200, five bytes |
/// | `/moved`, `/broken`, `/empty` | 301, 503, 204 |
/// | `/file.bin` | 200, [`FILE_BYTES`] by sendfile |
/// | `/page.html` | 200, chunked and compressed where the client can take it |
/// | anything else | 404 |
#[derive(Debug)]
pub struct Nginx {
    process: Process,
    folder: TempDir,
    host: Ipv4Addr,
    port: u16,
    tls_port: Option<u16>,
    proxied_port: Option<u16>,
}

/// How an [`Nginx`] is started.
#[derive(Debug, Clone, Copy, Default)]
pub struct NginxOptions {
    /// Keep a log of what was served.
    pub log: bool,
    /// Listen for TLS as well.
    pub tls: bool,
    /// Listen on another port and on another Unix socket for clients that send a PROXY header first; keeps a log of its own.
    pub proxied: bool,
    /// Processor that it stays on.
    pub cpu: Option<usize>,
    /// Listen there, not on 127.0.0.1.
    pub address: Option<Ipv4Addr>,
}

impl Nginx {
    /// Starts it and waits until it answers.
    ///
    /// # Errors
    ///
    /// When it is not installed or does not come up.
    pub fn start(options: NginxOptions) -> io::Result<Nginx> {
        let folder = tempfile::tempdir()?;
        let path = folder.path();
        fs::write(path.join("file.bin"), vec![b'x'; FILE_BYTES])?;
        fs::write(path.join("page.html"), "<p>hello</p>\n".repeat(300))?;
        let port = free_port()?;
        let tls_port = if options.tls { Some(free_port()?) } else { None };
        if options.tls {
            certificates::certificate(path, "localhost")?;
        }
        let proxied_port = if options.proxied { Some(free_port()?) } else { None };
        let host = options.address.unwrap_or(Ipv4Addr::LOCALHOST);
        let mut configuration = configuration(path, (host, port).into(), tls_port, options.log);
        if let Some(port) = proxied_port {
            let end = configuration.trim_end().len() - 1;
            configuration.insert_str(end, &proxied(path, port));
        }
        fs::write(path.join("nginx.conf"), configuration)?;
        let mut command = on_cpu("nginx", options.cpu);
        command.arg("-p").arg(path).args(["-c", "nginx.conf", "-e", "error.log"]);
        let process = Process::start(command.stdin(Stdio::null()))?;
        let nginx = Nginx { process, folder, host, port, tls_port, proxied_port };
        wait_for_port(nginx.address())?;
        wait_for_path(&nginx.socket())?;
        Ok(nginx)
    }

    /// Where it listens on IPv4.
    pub fn address(&self) -> SocketAddr {
        (self.host, self.port).into()
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its port for TLS.
    pub fn tls_port(&self) -> Option<u16> {
        self.tls_port
    }

    /// Its port for what comes through proxies.
    pub fn proxied_port(&self) -> Option<u16> {
        self.proxied_port
    }

    /// Its Unix socket for what comes through proxies.
    pub fn proxied_socket(&self) -> PathBuf {
        self.folder.path().join("proxied.sock")
    }

    /// What came through proxies so far, `client's address, its port, path, length of the request` a line.
    ///
    /// # Errors
    ///
    /// When there is no log.
    pub fn proxied_log(&self) -> io::Result<String> {
        fs::read_to_string(self.folder.path().join("proxied.log"))
    }

    /// Its Unix socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("http.sock")
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Ends it in good order; gives its log, `METHOD path status` a line.
    ///
    /// # Errors
    ///
    /// When there is no log, or it does not end.
    pub fn stop(mut self) -> io::Result<String> {
        self.process.signal(libc::SIGQUIT);
        // Keep-alive connections that its clients left open hold it up: then it is killed, its log is written already.
        let _ = self.process.wait(Duration::from_secs(2));
        fs::read_to_string(self.folder.path().join("access.log"))
    }
}

fn configuration(folder: &Path, address: SocketAddr, tls_port: Option<u16>, log: bool) -> String {
    let port = address.port();
    let folder = folder.display();
    let access = if log { "access_log access.log truth;" } else { "access_log off;" };
    let tls = tls_port.map_or(String::new(), |port| {
        format!(
            "listen 127.0.0.1:{port} ssl; ssl_certificate localhost.pem; ssl_certificate_key localhost.key;"
        )
    });
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|kind| format!("{kind}_temp_path {folder}/{kind};"))
        .collect();
    format!(
        "daemon off; master_process off; worker_processes 1; worker_rlimit_nofile 40000;
pid {folder}/nginx.pid; error_log error.log;
events {{ worker_connections 30000; }}
http {{
  log_format truth '$request_method $uri $status';
  {access} {temporary}
  default_type text/plain; types {{ text/html html; }}
  sendfile on; keepalive_timeout 600; keepalive_requests 100000000; root {folder};
  gzip on; gzip_min_length 1; open_file_cache max=16;
  server {{
    listen {address} backlog=8192; listen [::1]:{port}; listen unix:{folder}/http.sock; {tls}
    client_max_body_size 64m; client_body_in_file_only clean;
    location = /ok {{ return 200 'ok'; }}
    location /items/ {{ return 200 'item\n'; }}
    location = /moved {{ return 301 /ok; }}
    location = /broken {{ return 503; }}
    location = /empty {{ return 204; }}
    location / {{ }}
  }}
}}
"
    )
}

/// A server behind proxies: a part of the configuration.
fn proxied(folder: &Path, port: u16) -> String {
    let folder = folder.display();
    format!(
        "log_format proxied '$proxy_protocol_addr $proxy_protocol_port $uri $request_length';
server {{
  listen 127.0.0.1:{port} proxy_protocol; listen unix:{folder}/proxied.sock proxy_protocol;
  access_log proxied.log proxied;
  location / {{ return 200 'ok'; }}
}}
"
    )
}

/// A running Redis that keeps nothing on disk, on a port and on a Unix socket.
#[derive(Debug)]
pub struct Redis {
    process: Process,
    folder: TempDir,
    port: u16,
}

impl Redis {
    /// Starts it and waits until it answers.
    ///
    /// # Errors
    ///
    /// When it is not installed or does not come up.
    pub fn start(cpu: Option<usize>) -> io::Result<Redis> {
        let folder = tempfile::tempdir()?;
        let port = free_port()?;
        let mut command = on_cpu("redis-server", cpu);
        command.args([
            "--port",
            &port.to_string(),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
        ]);
        command.arg("--dir").arg(folder.path()).arg("--unixsocket").arg(folder.path().join("redis.sock"));
        let process = Process::start(command.stdin(Stdio::null()).stdout(Stdio::null()))?;
        let redis = Redis { process, folder, port };
        wait_for_port(redis.address())?;
        wait_for_path(&redis.socket())?;
        Ok(redis)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its Unix socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("redis.sock")
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }
}

/// `program`, kept on a processor if one is given.
pub fn on_cpu(program: &str, cpu: Option<usize>) -> Command {
    match cpu {
        None => Command::new(program),
        Some(cpu) => {
            let mut command = Command::new("taskset");
            command.args(["-c", &cpu.to_string(), program]);
            command
        }
    }
}
