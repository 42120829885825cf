//! MariaDB, in a folder of its own, with a log of what it was asked.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::process::{Process, free_port, wait_for_path, wait_for_port};

/// A running MariaDB, on a port and on a Unix socket; user `root` without a password, a database `shop`.
#[derive(Debug)]
pub struct MariaDb {
    process: Process,
    folder: TempDir,
    port: u16,
}

/// A line of the server's general log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Number of the connection.
    pub connection: u64,
    /// `Connect`, `Query`, `Execute`, ...
    pub command: String,
    /// What it was about: the statement's text.
    pub argument: String,
}

impl MariaDb {
    /// Starts it and waits until it answers.
    ///
    /// # Errors
    ///
    /// When it is not installed or does not come up.
    pub fn start() -> io::Result<MariaDb> {
        MariaDb::start_with(&[])
    }

    /// The same with options of its own.
    ///
    /// # Errors
    ///
    /// When it is not installed or does not come up.
    pub fn start_with(options: &[&str]) -> io::Result<MariaDb> {
        let folder = tempfile::tempdir()?;
        let data = folder.path().join("data");
        let mut install = Command::new("mariadb-install-db");
        install.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]);
        install.args(["--user=root", "--skip-name-resolve"]).arg(option("datadir", &data));
        let made = install.stdin(Stdio::null()).output()?;
        if !made.status.success() {
            return Err(io::Error::other(String::from_utf8_lossy(&made.stdout).into_owned()));
        }
        fs::create_dir(data.join("shop"))?;
        let port = free_port()?;
        let mut command = Command::new("mariadbd");
        command.args(["--no-defaults", "--user=root", "--bind-address=127.0.0.1", "--skip-name-resolve"]);
        command.args(["--general-log=1", "--local-infile=1", "--innodb-flush-log-at-trx-commit=0"]);
        command.arg(format!("--port={port}")).arg(option("datadir", &data)).args(options);
        for (name, file) in [("socket", "my.sock"), ("general-log-file", "general.log"), ("pid-file", "pid")]
        {
            command.arg(option(name, &folder.path().join(file)));
        }
        let log = fs::File::create(folder.path().join("error.log"))?;
        let process = Process::start(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log))?;
        let server = MariaDb { process, folder, port };
        wait_for_path(&server.socket())?;
        wait_for_port(server.address())?;
        Ok(server)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its Unix socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("my.sock")
    }

    /// A folder for what clients need; it goes with the server.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Ends it in good order; gives its log.
    ///
    /// # Errors
    ///
    /// When there is no log, or it does not end.
    pub fn stop(mut self) -> io::Result<Vec<Logged>> {
        self.process.signal(libc::SIGTERM);
        self.process.wait(Duration::from_secs(20))?;
        Ok(parse(&fs::read_to_string(self.folder.path().join("general.log"))?))
    }
}

fn option(name: &str, path: &Path) -> String {
    format!("--{name}={}", path.display())
}

/// Lines are `time<TAB>id command<TAB>argument`; those of the same second have no time.
fn parse(log: &str) -> Vec<Logged> {
    log.lines()
        .filter_map(|line| {
            let (_time, rest) = line.split_once('\t')?;
            let (head, argument) = rest.trim_start().split_once('\t')?;
            let (connection, command) = head.trim().split_once(' ')?;
            Some(Logged {
                connection: connection.parse().ok()?,
                command: command.to_owned(),
                argument: argument.trim().to_owned(),
            })
        })
        .collect()
}
