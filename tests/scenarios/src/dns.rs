//! dnsmasq, and what it logged of each query.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::{fs, io};

use tempfile::TempDir;

use crate::process::{Process, free_port, wait_for_port};

/// A running dnsmasq that knows a few names and asks nobody else.
///
/// | name | answer |
/// |---|---|
/// | `shop.test` | an IPv4 and an IPv6 address |
/// | `alias.test` | an alias of `a.test`, which has an IPv4 address |
/// | `none.test` | NXDOMAIN |
/// | any other | REFUSED |
#[derive(Debug)]
pub struct Dnsmasq {
    process: Process,
    folder: TempDir,
    port: u16,
}

/// A query as the server logged it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Query {
    /// Port of the client.
    pub port: u16,
    /// `A`
    pub kind: String,
    /// The name that was asked for.
    pub name: String,
    /// Addresses in the answer, sorted.
    pub addresses: Vec<String>,
    /// `NXDOMAIN` or the like; empty where all went well.
    pub error: String,
}

impl Dnsmasq {
    /// Starts it and waits until it answers.
    ///
    /// # Errors
    ///
    /// When it is not installed or does not come up.
    pub fn start() -> io::Result<Dnsmasq> {
        let folder = tempfile::tempdir()?;
        let port = free_port()?;
        let mut command = Command::new("dnsmasq");
        command.args([
            "--keep-in-foreground",
            "--conf-file=/dev/null",
            "--no-resolv",
            "--no-hosts",
            "--user=root",
        ]);
        command.args(["--listen-address=127.0.0.1", "--bind-interfaces", "--log-queries=extra"]);
        command.args([
            "--address=/shop.test/192.0.2.7",
            "--address=/shop.test/2001:db8::7",
            "--local=/none.test/",
        ]);
        command.args(["--host-record=a.test,192.0.2.8", "--cname=alias.test,a.test"]);
        command.arg(format!("--port={port}"));
        command.arg(format!("--pid-file={}", folder.path().join("pid").display()));
        command.arg(format!("--log-facility={}", folder.path().join("log").display()));
        let process = Process::start(command.stdin(Stdio::null()))?;
        let server = Dnsmasq { process, folder, port };
        wait_for_port(server.address())?;
        Ok(server)
    }

    /// Where it listens, in datagrams and over TCP.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends it; gives what it logged, sorted.
    ///
    /// # Errors
    ///
    /// When it does not end, or there is no log.
    pub fn stop(mut self) -> io::Result<Vec<Query>> {
        self.process.signal(libc::SIGTERM);
        self.process.wait(std::time::Duration::from_secs(5))?;
        Ok(queries(&fs::read_to_string(self.folder.path().join("log"))?))
    }
}

/// Lines such as `… dnsmasq[1]: 7 127.0.0.1/40000 query[A] shop.test from 127.0.0.1` and, with the same number,
/// `… config shop.test is 192.0.2.7`.
fn queries(log: &str) -> Vec<Query> {
    let mut queries: BTreeMap<(&str, &str), Query> = BTreeMap::new();
    for line in log.lines() {
        let Some((_, said)) = line.split_once("]: ") else { continue };
        let words: Vec<&str> = said.split(' ').collect();
        let [number, client, what, name, verb, value, ..] = words[..] else { continue };
        let Some((_, port)) = client.split_once('/') else { continue };
        let query = queries.entry((client, number)).or_default();
        match (what.strip_prefix("query[").and_then(|rest| rest.strip_suffix(']')), verb) {
            (Some(kind), "from") => {
                (query.kind, query.name) = (kind.into(), name.into());
                query.port = port.parse().unwrap_or(0);
            }
            (None, "is") if value.parse::<std::net::IpAddr>().is_ok() => query.addresses.push(value.into()),
            (None, "is") if matches!(value, "NXDOMAIN" | "REFUSED" | "SERVFAIL") => {
                query.error = value.into()
            }
            _ => {}
        }
    }
    let mut queries: Vec<Query> = queries.into_values().collect();
    queries.iter_mut().for_each(|query| query.addresses.sort());
    queries.sort();
    queries
}
