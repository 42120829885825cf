//! The agent under test.

use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::process::Process;
use crate::record::Record;

/// A running `weir`.
pub struct Weir {
    process: Process,
    lines: Arc<Mutex<Vec<(Instant, String)>>>,
    readers: Vec<JoinHandle<()>>,
    log: Arc<Mutex<String>>,
    keep: Keep,
}

/// What becomes of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// It is lines of JSON, parsed at the end.
    Records,
    /// It is kept as text.
    Text,
    /// It is thrown away.
    Nothing,
    /// Nobody takes it, so that writing it soon blocks.
    Stuck,
}

/// What a `weir` left behind.
#[derive(Debug)]
pub struct Run {
    /// Its records, in the order of their lines.
    pub records: Vec<Record>,
    /// All of standard output.
    pub output: String,
    /// All of standard error, from the line after `ready` on.
    pub summary: String,
    /// How it ended.
    pub status: ExitStatus,
    /// How long it took to end.
    pub took: Duration,
}

impl Weir {
    /// Starts `weir requests --json` with more arguments and waits until it is ready.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn requests(arguments: &[&str]) -> io::Result<Weir> {
        let mut command = Command::new(binary());
        command.args(["requests", "--json"]).args(arguments);
        Weir::start(&mut command, Keep::Records)
    }

    /// The same for the servers on one port.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn on_port(port: u16) -> io::Result<Weir> {
        Weir::requests(&["--port", &port.to_string()])
    }

    /// Starts a command line.
    ///
    /// # Errors
    ///
    /// When it does not say `ready` within half a minute.
    pub fn start(command: &mut Command, keep: Keep) -> io::Result<Weir> {
        // Weir warns of variables that look as if they were meant for it; this one is for the tests.
        command.env_remove("WEIR_BIN").stdin(Stdio::null()).stderr(Stdio::piped());
        command.stdout(if keep == Keep::Nothing { Stdio::null() } else { Stdio::piped() });
        let mut process = Process::start(command)?;
        let lines = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::new(Mutex::new(String::new()));
        let mut readers = Vec::new();
        if keep != Keep::Stuck
            && let Some(stdout) = process.child().stdout.take()
        {
            readers.push(keep_lines(stdout, lines.clone()));
        }
        let stderr = process.child().stderr.take().ok_or_else(|| io::Error::other("no standard error"))?;
        let (ready, reader) = keep_log(stderr, log.clone());
        readers.push(reader);
        if ready.recv_timeout(Duration::from_secs(30)).is_err() {
            let said = log.lock().map(|log| log.clone()).unwrap_or_default();
            return Err(io::Error::other(format!("weir is not ready: {said}")));
        }
        Ok(Weir { process, lines, readers, log, keep })
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// How many lines there are by now.
    pub fn shown(&self) -> usize {
        self.lines.lock().map_or(0, |lines| lines.len())
    }

    /// Waits until there are so many lines, or for a few seconds.
    pub fn wait_for(&self, lines: usize) {
        let began = Instant::now();
        while self.shown() < lines && began.elapsed() < Duration::from_secs(3) {
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Has it ended by itself?
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.process.child().try_wait(), Ok(None))
    }

    /// Lets what has happened be shown, then ends it as Ctrl-C does.
    ///
    /// # Errors
    ///
    /// When it does not end, or a line is not JSON.
    pub fn stop(self) -> io::Result<Run> {
        std::thread::sleep(Duration::from_millis(300));
        self.process.signal(libc::SIGINT);
        self.finish()
    }

    /// Waits for its own end.
    ///
    /// # Errors
    ///
    /// When it does not end, or a line is not JSON.
    pub fn finish(mut self) -> io::Result<Run> {
        let asked = Instant::now();
        let status = self.process.wait(Duration::from_secs(20))?;
        let took = asked.elapsed();
        for reader in self.readers.drain(..) {
            reader.join().map_err(|_| io::Error::other("a reader failed"))?;
        }
        let lines = self.lines.lock().map(|mut lines| std::mem::take(&mut *lines)).unwrap_or_default();
        let mut output = String::new();
        let mut records = Vec::new();
        for (arrived, line) in lines {
            if self.keep == Keep::Records {
                let json = serde_json::from_str(&line)
                    .map_err(|error| io::Error::other(format!("not JSON ({error}): {line}")))?;
                records.push(Record { json, arrived });
            }
            output.push_str(&line);
            output.push('\n');
        }
        let summary = self.log.lock().map(|log| log.clone()).unwrap_or_default();
        Ok(Run { records, output, summary, status, took })
    }

    /// Ends it without warning.
    pub fn kill(self) {
        self.process.signal(libc::SIGKILL);
    }
}

impl Run {
    /// Records of servers on a port, by role.
    pub fn of(&self, port: u16, role: &str) -> Vec<&Record> {
        self.records.iter().filter(|r| r.port() == port && r.role() == role).collect()
    }

    /// Records of the server on a Unix socket, by role.
    pub fn of_socket(&self, path: &Path, role: &str) -> Vec<&Record> {
        let is_it = |r: &&Record| path == Path::new(r.text("/server/address")) && r.role() == role;
        self.records.iter().filter(is_it).collect()
    }

    /// Requests that were shown, by the summary.
    pub fn shown(&self) -> u64 {
        let first = self.summary.lines().find(|line| line.contains(" in ")).unwrap_or_default();
        let shown = first.rsplit_once(", ").and_then(|(_, rest)| rest.strip_suffix(" shown"));
        number(shown.or(first.split(' ').next()).unwrap_or_default())
    }

    /// Events that were lost, by the summary.
    pub fn lost(&self) -> u64 {
        let line = self.summary.lines().find(|line| line.contains(" lost: "));
        line.map_or(0, |line| number(line.split(' ').next().unwrap_or_default()))
    }

    /// Messages of a protocol that were not understood, by the summary. Those of others may be other traffic of the host.
    pub fn not_understood(&self, protocol: &str) -> u64 {
        let line = self.summary.lines().find_map(|line| line.split_once(" not understood: "));
        let list = line.map_or("", |(_, list)| list).split(", ");
        list.filter_map(|item| item.split_once(' '))
            .find(|(name, _)| *name == protocol)
            .map_or(0, |(_, count)| number(count))
    }
}

/// `1,234` or `1.2M`.
fn number(text: &str) -> u64 {
    text.replace(',', "").parse().unwrap_or_else(|_| panic!("no number: {text:?}"))
}

fn keep_lines(from: impl Read + Send + 'static, to: Arc<Mutex<Vec<(Instant, String)>>>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        for line in BufReader::with_capacity(1 << 20, from).lines().map_while(Result::ok) {
            let Ok(mut lines) = to.lock() else { return };
            lines.push((Instant::now(), line));
        }
    })
}

fn keep_log(from: impl Read + Send + 'static, to: Arc<Mutex<String>>) -> (Receiver<()>, JoinHandle<()>) {
    let (tell, told) = channel();
    let thread = std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            let Ok(mut log) = to.lock() else { return };
            if line.starts_with("ready") {
                log.clear();
                // Nobody may wait for it any more.
                let _ = tell.send(());
            } else {
                log.push_str(&line);
                log.push('\n');
            }
        }
    });
    (told, thread)
}

/// The binary: `WEIR_BIN`, or the optimised build of this workspace, which is brought up to date first. An agent without
/// optimisation would say nothing about what is lost under load.
///
/// # Panics
///
/// When it cannot be built.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(given) = std::env::var_os("WEIR_BIN") {
            return given.into();
        }
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        build.args(["build", "--quiet", "--release", "--package", "cli", "--bin", "weir"]);
        let built = build.current_dir(&workspace).status();
        assert!(built.is_ok_and(|status| status.success()), "weir cannot be built");
        std::env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| workspace.join("target"), PathBuf::from)
            .join("release/weir")
    })
}
