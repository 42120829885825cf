//! HAProxy, which passes on bytes and says before them whose they are.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::process::{Process, free_port, wait_for_port};

/// A running HAProxy: each way to a server has a port.
#[derive(Debug)]
pub struct Haproxy {
    _process: Process,
    _folder: TempDir,
    ports: Vec<u16>,
}

impl Haproxy {
    /// Starts it with one port, on IPv4 and IPv6, for each way: a server's address and options, as HAProxy has them.
    ///
    /// # Errors
    ///
    /// When it is not installed or does not come up.
    pub fn start(ways: &[String]) -> io::Result<Haproxy> {
        let folder = tempfile::tempdir()?;
        let ports: Vec<u16> = ways.iter().map(|_| free_port()).collect::<io::Result<_>>()?;
        let mut configuration = String::from(
            "defaults\n mode tcp\n timeout connect 5s\n timeout client 60s\n timeout server 60s\n",
        );
        for (way, port) in ways.iter().zip(&ports) {
            configuration.push_str(&format!(
                "listen way{port}\n bind 127.0.0.1:{port}\n bind [::1]:{port}\n server one {way}\n"
            ));
        }
        let file = folder.path().join("haproxy.cfg");
        std::fs::write(&file, configuration)?;
        // `-db`: stay in the foreground.
        let mut command = Command::new("/usr/sbin/haproxy");
        command
            .args(["-db", "-f"])
            .arg(file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let process = Process::start(&mut command)?;
        for port in &ports {
            wait_for_port((Ipv4Addr::LOCALHOST, *port).into())?;
        }
        Ok(Haproxy { _process: process, _folder: folder, ports })
    }

    /// Where the given way begins.
    pub fn address(&self, way: usize, v6: bool) -> SocketAddr {
        let host: IpAddr = if v6 { Ipv6Addr::LOCALHOST.into() } else { Ipv4Addr::LOCALHOST.into() };
        (host, self.ports[way]).into()
    }
}
