//! A Prometheus that scrapes, and a client for pages like those that it scrapes.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use serde_json::Value;
use tempfile::TempDir;

use crate::process::{Process, free_port, wait_for_port};

/// A running Prometheus that scrapes one target every second.
#[derive(Debug)]
pub struct Prometheus {
    _process: Process,
    _folder: TempDir,
    address: SocketAddr,
}

impl Prometheus {
    /// Starts it for the page of a target; `native` has it ask for native histograms.
    ///
    /// # Errors
    ///
    /// When it is not installed or does not come up.
    pub fn start(target: SocketAddr, native: bool) -> io::Result<Prometheus> {
        let folder = tempfile::tempdir()?;
        let configuration = format!(
            "global: {{ scrape_interval: 1s, scrape_timeout: 1s }}\n\
             scrape_configs: [ {{ job_name: weir, static_configs: [ {{ targets: [ '{target}' ] }} ] }} ]\n"
        );
        fs::write(folder.path().join("prometheus.yml"), configuration)?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
        let mut command = Command::new("prometheus");
        command.current_dir(folder.path()).args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"]);
        command.arg(format!("--web.listen-address={address}"));
        if native {
            command.arg("--enable-feature=native-histograms");
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = Process::start(&mut command)?;
        wait_for_port(address)?;
        Ok(Prometheus { _process: process, _folder: folder, address })
    }

    /// What a query finds: labels and value of each series.
    ///
    /// # Errors
    ///
    /// When there is no answer, or it is an error.
    pub fn query(&self, query: &str) -> io::Result<Vec<(Value, f64)>> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric();
        let encoded: String = query
            .bytes()
            .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
            .collect();
        let page = fetch(self.address, &format!("/api/v1/query?query={encoded}"), "")?;
        let mut answer: Value = serde_json::from_slice(&page.body).map_err(io::Error::other)?;
        if answer["status"] != "success" {
            return Err(io::Error::other(answer.to_string()));
        }
        let Value::Array(series) = answer["data"]["result"].take() else {
            return Err(io::Error::other(answer.to_string()));
        };
        let value = |series: &Value| series["value"][1].as_str().and_then(|number| number.parse().ok());
        Ok(series
            .into_iter()
            .map(|mut series| (series["metric"].take(), value(&series).unwrap_or(f64::NAN)))
            .collect())
    }

    /// Asks again and again until `expected` is found, or for 15 seconds; returns what was found last.
    ///
    /// # Errors
    ///
    /// When there is no answer, or it is an error.
    pub fn query_until(
        &self,
        query: &str,
        expected: impl Fn(&[(Value, f64)]) -> bool,
    ) -> io::Result<Vec<(Value, f64)>> {
        let began = Instant::now();
        loop {
            let found = self.query(query)?;
            if expected(&found) || began.elapsed() > Duration::from_secs(15) {
                return Ok(found);
            }
            thread::sleep(Duration::from_millis(200));
        }
    }
}

/// An answer.
#[derive(Debug)]
pub struct Page {
    /// Its status.
    pub status: u16,
    /// Its head, in lower case.
    pub head: String,
    /// Its body.
    pub body: Vec<u8>,
}

impl Page {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Asks for a path; `headers` are further lines of the head, each with its line feed. HTTP/1.0, so that the body comes as it
/// is and ends with the connection.
///
/// # Errors
///
/// When there is no answer.
pub fn fetch(address: SocketAddr, path: &str, headers: &str) -> io::Result<Page> {
    request(address, &format!("GET {path} HTTP/1.0\r\n{headers}\r\n"))
}

/// Sends a request and reads until the connection is closed.
///
/// # Errors
///
/// When there is no answer.
pub fn request(address: SocketAddr, head: &str) -> io::Result<Page> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(head.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    let body = answer.split_off(end + 4);
    let head = String::from_utf8_lossy(&answer).to_lowercase();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok(Page { status: status.ok_or(io::ErrorKind::InvalidData)?, head, body })
}

/// What `promtool check metrics` has to say of a page: nothing, if all is well.
///
/// # Errors
///
/// When it is not installed.
pub fn promtool(page: &[u8]) -> io::Result<String> {
    let mut command = Command::new("promtool");
    command.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = Process::start(&mut command)?;
    if let Some(mut stdin) = process.child().stdin.take() {
        stdin.write_all(page)?;
    }
    let (output, errors) = process.output()?;
    Ok(String::from_utf8_lossy(&[output, errors].concat()).into_owned())
}
