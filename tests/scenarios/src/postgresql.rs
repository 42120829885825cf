//! PostgreSQL and PgBouncer, in folders of their own, and what PostgreSQL's log says.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, io};

use tempfile::TempDir;

use crate::process::{Process, free_port, wait_for_port};

/// A running PostgreSQL with a database `shop` of the user `weir`, on a port and on a Unix socket. It logs every statement.
#[derive(Debug)]
pub struct Postgres {
    process: Process,
    folder: TempDir,
    port: u16,
}

impl Postgres {
    /// Starts it and waits until it answers; `tls` makes it accept TLS.
    ///
    /// # Errors
    ///
    /// When it is not installed or does not come up.
    pub fn start(tls: bool) -> io::Result<Postgres> {
        let folder = tempfile::tempdir()?;
        let path = folder.path();
        let data = path.join("data");
        fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
        fs::create_dir(&data)?;
        give_to_postgres(&data)?;
        let programs = programs()?;
        run(as_postgres(programs.join("initdb")).arg("-D").arg(&data).args([
            "--auth=trust",
            "--no-sync",
            "--encoding=UTF8",
            "--locale=C",
        ]))?;
        let port = free_port()?;
        let mut settings = format!(
            "port = {port}
listen_addresses = '127.0.0.1'
unix_socket_directories = '{}'
fsync = off
autovacuum = off
log_statement = all
log_line_prefix = '|%p|%e|'
logging_collector = off
",
            data.display()
        );
        if tls {
            let (cert, key) = certificates::certificate(&data, "localhost")?;
            give_to_postgres(&cert)?;
            give_to_postgres(&key)?;
            settings.push_str("ssl = on\nssl_cert_file = 'localhost.pem'\nssl_key_file = 'localhost.key'\n");
        }
        let own = fs::read_to_string(data.join("postgresql.conf"))?;
        fs::write(data.join("postgresql.conf"), own + &settings)?;
        let log = fs::File::create(path.join("log"))?;
        let mut command = as_postgres(programs.join("postgres"));
        command.arg("-D").arg(&data).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let process = Process::start(&mut command)?;
        let postgres = Postgres { process, folder, port };
        wait_for_port(postgres.address())?;
        let began = Instant::now();
        while let Err(error) = postgres.sql("postgres", "CREATE ROLE weir SUPERUSER LOGIN") {
            if began.elapsed() > Duration::from_secs(10) {
                return Err(error);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        postgres.sql("postgres", "CREATE DATABASE shop OWNER weir")?;
        Ok(postgres)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// The process that all others come from.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder of its Unix socket, which clients want to know.
    pub fn socket_folder(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Its Unix socket.
    pub fn socket(&self) -> PathBuf {
        self.socket_folder().join(format!(".s.PGSQL.{}", self.port))
    }

    /// Runs statements as its superuser, over the Unix socket.
    ///
    /// # Errors
    ///
    /// When one fails.
    pub fn sql(&self, database: &str, statements: &str) -> io::Result<()> {
        let mut psql = Command::new("psql");
        psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", database, "-c", statements]);
        run(psql.arg("-h").arg(self.socket_folder()).arg("-p").arg(self.port.to_string()))
    }

    /// What its log says by now.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn log(&self) -> io::Result<Log> {
        Ok(Log::of(&fs::read_to_string(self.folder.path().join("log"))?))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Its children end with it only if it is told to end.
        self.process.signal(libc::SIGINT);
        let _ = self.process.wait(Duration::from_secs(5));
    }
}

/// A running PgBouncer in front of a [`Postgres`].
#[derive(Debug)]
pub struct PgBouncer {
    _process: Process,
    _folder: TempDir,
    port: u16,
}

impl PgBouncer {
    /// Starts it and waits until it listens.
    ///
    /// # Errors
    ///
    /// When it is not installed or does not come up.
    pub fn start(postgres: &Postgres) -> io::Result<PgBouncer> {
        let folder = tempfile::tempdir()?;
        let port = free_port()?;
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
        let settings = folder.path().join("pgbouncer.ini");
        let users = folder.path().join("users.txt");
        fs::write(&users, "\"weir\" \"\"\n")?;
        fs::write(
            &settings,
            format!(
                "[databases]\nshop = host=127.0.0.1 port={} dbname=shop user=weir\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
                 listen_port = {port}\nunix_socket_dir =\nauth_type = trust\nauth_file = {}\npool_mode = transaction\n",
                postgres.port(),
                users.display()
            ),
        )?;
        let mut command = as_postgres("/usr/sbin/pgbouncer".into());
        command.arg("-q").arg(&settings).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = Process::start(&mut command)?;
        wait_for_port((Ipv4Addr::LOCALHOST, port).into())?;
        Ok(PgBouncer { _process: process, _folder: folder, port })
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// What PostgreSQL logged: by process, each statement's text and SQLSTATE (`00000` where all went well), in order.
#[derive(Debug, Default)]
pub struct Log(pub BTreeMap<u64, Vec<(String, String)>>);

impl Log {
    fn of(text: &str) -> Log {
        let mut log = Log::default();
        // An error comes before the statement that it is about; one that was logged already has the error now.
        let mut failed: BTreeMap<u64, String> = BTreeMap::new();
        for line in text.lines() {
            let mut parts = line.splitn(4, '|').skip(1);
            let (Some(pid), Some(code), Some(message)) = (parts.next(), parts.next(), parts.next()) else {
                continue;
            };
            let Ok(pid) = pid.parse::<u64>() else { continue };
            let Some((kind, message)) = message.split_once(":  ") else { continue };
            let statements = log.0.entry(pid).or_default();
            match kind {
                "LOG" => {
                    if let Some(statement) = logged_statement(message) {
                        statements.push((statement.trim_end().to_owned(), "00000".to_owned()));
                    }
                }
                "ERROR" | "FATAL" => {
                    failed.insert(pid, code.to_owned());
                }
                "STATEMENT" => {
                    let Some(code) = failed.remove(&pid) else { continue };
                    match statements.last_mut() {
                        Some((statement, fine)) if statement == message.trim_end() && fine == "00000" => {
                            *fine = code
                        }
                        _ => statements.push((message.trim_end().to_owned(), code)),
                    }
                }
                _ => {}
            }
        }
        log
    }
}

/// `statement: …`, `execute NAME: …`, `execute fetch from NAME: …`, `fastpath function call: …`
fn logged_statement(message: &str) -> Option<&str> {
    let (kind, text) = message.split_once(": ")?;
    match kind {
        "statement" => Some(text),
        "fastpath function call" => Some("FUNCTION CALL"),
        _ if kind.starts_with("execute ") => Some(text),
        _ => None,
    }
}

/// The programs that Debian keeps out of the path, of the newest version there is.
fn programs() -> io::Result<PathBuf> {
    let mut versions: Vec<_> = fs::read_dir("/usr/lib/postgresql")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .collect();
    versions.sort_unstable();
    let newest = versions.last().ok_or_else(|| io::Error::other("PostgreSQL is not installed"))?;
    Ok(format!("/usr/lib/postgresql/{newest}/bin").into())
}

/// The program, as the user that PostgreSQL's package made: it does not run as root.
fn as_postgres(program: PathBuf) -> Command {
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--pdeathsig=INT", "--"])
        .arg(program);
    command.current_dir("/");
    command
}

fn give_to_postgres(path: &Path) -> io::Result<()> {
    run(Command::new("chown").arg("postgres:postgres").arg(path))
}

fn run(command: &mut Command) -> io::Result<()> {
    let done = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).output()?;
    if done.status.success() {
        return Ok(());
    }
    Err(io::Error::other(String::from_utf8_lossy(&done.stderr).into_owned()))
}
