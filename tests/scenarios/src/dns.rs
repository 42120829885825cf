//! dnsmasq and BIND, and what they logged of each query.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
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
/// | `outer.test` | an alias of `alias.test` |
/// | `mail.test` | a mail server |
/// | `big.test` | more texts than fit into a datagram |
/// | `none.test`, and what is in `one.test` and not known | NXDOMAIN |
/// | `broken.test` | SERVFAIL, by a server behind it, where there is one |
/// | `shop.two.test`, `alias.two.test` | as those of `test` |
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
        Dnsmasq::before(None)
    }

    /// The same, before a server that it asks for names in `broken.test`.
    ///
    /// # Errors
    ///
    /// As above.
    pub fn before(other: Option<&Named>) -> io::Result<Dnsmasq> {
        let folder = tempfile::tempdir()?;
        let port = free_port()?;
        let mut command = Command::new("dnsmasq");
        command.args(dnsmasq_options(folder.path(), Ipv4Addr::LOCALHOST, port));
        if let Some(other) = other {
            command.arg(format!("--server=/broken.test/127.0.0.1#{}", other.port));
        }
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
        dnsmasq_log(self.folder.path())
    }
}

/// How dnsmasq is called for the names above. It keeps its log in `folder`.
pub fn dnsmasq_options(folder: &Path, address: Ipv4Addr, port: u16) -> Vec<String> {
    let mut options: Vec<String> = [
        "--keep-in-foreground",
        "--conf-file=/dev/null",
        "--no-resolv",
        "--no-hosts",
        "--user=root",
        "--bind-interfaces",
        "--log-queries=extra",
        "--address=/shop.test/192.0.2.7",
        "--address=/shop.test/2001:db8::7",
        "--host-record=a.test,192.0.2.8",
        "--cname=alias.test,a.test",
        "--cname=outer.test,alias.test",
        "--mx-host=mail.test,a.test,10",
        "--host-record=shop.two.test,192.0.2.7,2001:db8::7",
        "--cname=alias.two.test,shop.two.test",
        "--local=/none.test/one.test/two.test/",
    ]
    .map(Into::into)
    .into();
    options.extend((0..BIG).map(|n| format!("--txt-record=big.test,{n}{}", "x".repeat(200))));
    options.push(format!("--listen-address={address}"));
    options.push(format!("--port={port}"));
    options.push(format!("--pid-file={}", folder.join("pid").display()));
    options.push(format!("--log-facility={}", folder.join("log").display()));
    options
}

/// Texts of `big.test`.
const BIG: usize = 8;

/// What a dnsmasq that has ended logged, sorted.
///
/// # Errors
///
/// When there is no log.
pub fn dnsmasq_log(folder: &Path) -> io::Result<Vec<Query>> {
    Ok(queries(&fs::read_to_string(folder.join("log"))?))
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

/// A running BIND that has a zone `test` with the names that [`Dnsmasq`] knows there, and a zone `broken.test` without anything.
#[derive(Debug)]
pub struct Named {
    process: Process,
    folder: TempDir,
    port: u16,
}

impl Named {
    /// Starts it and waits until it answers.
    ///
    /// # Errors
    ///
    /// When it is not installed or does not come up.
    pub fn start() -> io::Result<Named> {
        let folder = tempfile::tempdir()?;
        let port = free_port()?;
        let place = folder.path().display();
        let texts = (0..BIG).map(|n| format!("big TXT {n}{}\n", "x".repeat(200)));
        let zone = "$TTL 60\n@ SOA ns hostmaster 7 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\nshop A 192.0.2.7\n\
                    shop AAAA 2001:db8::7\na A 192.0.2.8\nalias CNAME a\nouter CNAME alias\nmail MX 10 a\n";
        fs::write(folder.path().join("test.zone"), format!("{zone}{}", texts.collect::<String>()))?;
        // Without an SOA it is not loaded.
        fs::write(folder.path().join("broken.zone"), "$TTL 60\n@ NS ns\n")?;
        let settings = format!(
            "options {{ directory \"{place}\"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; pid-file none;\n\
             recursion no; dnssec-validation no; notify no; querylog yes; session-keyfile none; }};\ncontrols {{ }};\n\
             logging {{ channel queries {{ file \"{place}/log\"; }}; category queries {{ queries; }}; }};\n\
             zone \"test\" {{ type primary; file \"{place}/test.zone\"; }};\n\
             zone \"broken.test\" {{ type primary; file \"{place}/broken.zone\"; }};\n"
        );
        fs::write(folder.path().join("named.conf"), settings)?;
        let mut command = Command::new("/usr/sbin/named");
        command.args(["-f", "-n", "1", "-c"]).arg(folder.path().join("named.conf"));
        let errors = fs::File::create(folder.path().join("errors"))?;
        let process = Process::start(command.stdin(Stdio::null()).stderr(errors))?;
        wait_for_port((Ipv4Addr::LOCALHOST, port).into())?;
        Ok(Named { process, folder, port })
    }

    /// Its port, in datagrams and over TCP.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends it; gives what it logged, sorted: the questions, without what became of them.
    ///
    /// # Errors
    ///
    /// When it does not end, or there is no log.
    pub fn stop(mut self) -> io::Result<Vec<Query>> {
        self.process.signal(libc::SIGTERM);
        self.process.wait(std::time::Duration::from_secs(5))?;
        let log = fs::read_to_string(self.folder.path().join("log"))?;
        let mut queries: Vec<Query> = log.lines().filter_map(asked_of_named).collect();
        queries.sort();
        Ok(queries)
    }
}

/// `client @0x7f 127.0.0.1#40000 (shop.test): query: shop.test IN A +E(0)K (127.0.0.1)`
fn asked_of_named(line: &str) -> Option<Query> {
    let (client, question) = line.split_once(": query: ")?;
    let (_, port) = client.split_once('#')?;
    let mut words = question.split(' ');
    let (name, _class, kind) = (words.next()?, words.next()?, words.next()?);
    let port = port.split(' ').next()?.parse().ok()?;
    Some(Query { port, kind: kind.into(), name: name.into(), ..Query::default() })
}
