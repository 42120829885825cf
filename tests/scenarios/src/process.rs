//! Processes that end with the value that stands for them, and what `/proc` tells of them.

use std::io::{self, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

/// A child process; killed and reaped when dropped.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// Starts it. It is killed too when the thread that started it ends in whatever way.
    ///
    /// # Errors
    ///
    /// When the program cannot be run.
    pub fn start(command: &mut Command) -> io::Result<Process> {
        use std::os::unix::process::CommandExt;
        // SAFETY: prctl is safe to call between fork and exec.
        unsafe {
            command.pre_exec(|| {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                Ok(())
            });
        }
        let program = command.get_program().to_string_lossy().into_owned();
        command
            .spawn()
            .map(Process)
            .map_err(|error| io::Error::new(error.kind(), format!("{program} does not start: {error}")))
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// The child itself.
    pub fn child(&mut self) -> &mut Child {
        &mut self.0
    }

    /// Sends a signal.
    pub fn signal(&self, signal: i32) {
        // SAFETY: the child is not reaped yet, so that the id is still its own.
        unsafe { libc::kill(self.0.id() as libc::pid_t, signal) };
    }

    /// Waits for its end; kills it after `patience`, which is an error.
    ///
    /// # Errors
    ///
    /// When it does not end in time.
    pub fn wait(&mut self, patience: Duration) -> io::Result<ExitStatus> {
        let began = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait()? {
                return Ok(status);
            }
            if began.elapsed() > patience {
                self.0.kill()?;
                self.0.wait()?;
                return Err(io::Error::new(io::ErrorKind::TimedOut, "it did not end in time"));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Reads what it writes until it ends: standard output and standard error, where they are pipes.
    ///
    /// # Errors
    ///
    /// When it does not end in a while.
    pub fn output(mut self) -> io::Result<(Vec<u8>, Vec<u8>)> {
        let errors = self.0.stderr.take().map(|mut pipe| {
            std::thread::spawn(move || {
                let mut bytes = Vec::new();
                pipe.read_to_end(&mut bytes).map(|_| bytes)
            })
        });
        let mut output = Vec::new();
        if let Some(mut pipe) = self.0.stdout.take() {
            pipe.read_to_end(&mut output)?;
        }
        self.wait(Duration::from_secs(10))?;
        let errors = errors.map(|thread| thread.join().map_err(|_| io::Error::other("a reader failed")));
        Ok((output, errors.transpose()?.transpose()?.unwrap_or_default()))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port that was free a moment ago, on IPv4 and IPv6.
///
/// # Errors
///
/// When there is none.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind("[::]:0")?.local_addr()?.port())
}

/// Waits until something accepts connections at `address`.
///
/// # Errors
///
/// When nothing does within five seconds.
pub fn wait_for_port(address: SocketAddr) -> io::Result<()> {
    wait_until(|| TcpStream::connect(address).is_ok(), &address.to_string())
}

/// Waits until a path is there.
///
/// # Errors
///
/// When it is not within five seconds.
pub fn wait_for_path(path: &Path) -> io::Result<()> {
    wait_until(|| path.exists(), &path.display().to_string())
}

/// Waits until something is so.
///
/// # Errors
///
/// When it is not within five seconds.
pub fn wait_until(is_so: impl Fn() -> bool, what: &str) -> io::Result<()> {
    let began = Instant::now();
    while !is_so() {
        if began.elapsed() > Duration::from_secs(5) {
            return Err(io::Error::new(io::ErrorKind::TimedOut, format!("{what} does not come up")));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// CPU time that all threads of a process have used: nanoseconds, from the scheduler's own account.
///
/// # Errors
///
/// When the process is gone.
pub fn cpu_time(pid: u32) -> io::Result<u64> {
    let mut total = 0;
    for task in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        // A thread may end while we look.
        let text = std::fs::read_to_string(task?.path().join("schedstat")).unwrap_or_default();
        total += text.split_ascii_whitespace().next().and_then(|ns| ns.parse::<u64>().ok()).unwrap_or(0);
    }
    Ok(total)
}

/// A figure from `/proc/PID/status`, such as `VmRSS` (kB).
pub fn status_figure(pid: u32, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}
