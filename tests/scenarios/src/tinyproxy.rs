//! tinyproxy, an HTTP proxy that opens tunnels.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::process::{Process, free_port, wait_for_port};

/// A running tinyproxy.
#[derive(Debug)]
pub struct Tinyproxy {
    process: Process,
    _folder: TempDir,
    port: u16,
}

impl Tinyproxy {
    /// Starts it and waits until it answers. It opens tunnels to any port.
    ///
    /// # Errors
    ///
    /// When it is not installed or does not come up.
    pub fn start() -> io::Result<Tinyproxy> {
        let folder = tempfile::tempdir()?;
        let port = free_port()?;
        let file = folder.path().join("tinyproxy.conf");
        std::fs::write(&file, format!("Port {port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 20\n"))?;
        // `-d`: stay in the foreground.
        let mut command = Command::new("tinyproxy");
        command.args(["-d", "-c"]).arg(file);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = Process::start(&mut command)?;
        let proxy = Tinyproxy { process, _folder: folder, port };
        wait_for_port(proxy.address())?;
        Ok(proxy)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }
}
