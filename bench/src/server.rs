//! A `weir server` of its own, and what it took.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

/// Runs until it is dropped.
pub(crate) struct Server {
    child: Child,
    /// Where its API is.
    pub(crate) url: String,
    ended: bool,
}

/// What a server took in all its life.
pub(crate) struct Took {
    /// The most memory at a time, until it was told to end: MB. `getrusage` would tell of the process that it was forked from as well.
    pub(crate) memory_mb: f64,
    /// Processor time.
    pub(crate) processor: Duration,
}

impl Drop for Server {
    fn drop(&mut self) {
        if !self.ended {
            // It ends within seconds; what it took is of no interest any more.
            let _ = self.interrupt();
        }
    }
}

impl Server {
    /// Of the store in `folder`. OTLP by HTTP comes in at a port of this machine; 0 where nobody sends any.
    pub(crate) fn start(folder: &Path, otlp: u16) -> anyhow::Result<Server> {
        let port = scenario_tests::process::free_port()?;
        let binary = std::env::current_exe()?.with_file_name("weir");
        let mut command = Command::new(&binary);
        command.arg("server").args(["--server-listen", &format!("127.0.0.1:{port}")]);
        command.args(["--otlp-grpc", "127.0.0.1:0", "--otlp-http", &format!("127.0.0.1:{otlp}")]);
        command.arg("--store").arg(folder.join("store")).arg("--server-state-directory").arg(folder);
        let child = command.stderr(Stdio::null()).spawn().with_context(|| binary.display().to_string())?;
        let server = Server { child, url: format!("http://127.0.0.1:{port}/api/v1"), ended: false };
        let began = Instant::now();
        while ureq::get(format!("{}/health", server.url)).call().is_err() {
            ensure!(began.elapsed() < Duration::from_secs(30), "the server does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(server)
    }

    /// Ends it: what was taken in is in files then.
    pub(crate) fn end(mut self) -> anyhow::Result<Took> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("VmHWM")?;
        let memory_mb = most.trim().trim_end_matches(" kB").parse::<f64>()? / 1024.0;
        let usage = self.interrupt().context("the server's end")?;
        let of = |time: libc::timeval| {
            Duration::from_secs(time.tv_sec as u64) + Duration::from_micros(time.tv_usec as u64)
        };
        Ok(Took { memory_mb, processor: of(usage.ru_utime) + of(usage.ru_stime) })
    }

    fn interrupt(&mut self) -> std::io::Result<libc::rusage> {
        self.ended = true;
        let pid = self.child.id() as libc::pid_t;
        // SAFETY: all zero is a value of it.
        let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
        // SAFETY: the process is ours and not waited for yet; both pointers are valid or null.
        let waited = unsafe {
            libc::kill(pid, libc::SIGINT);
            libc::wait4(pid, std::ptr::null_mut(), 0, &raw mut usage)
        };
        if waited == pid { Ok(usage) } else { Err(std::io::Error::last_os_error()) }
    }
}
