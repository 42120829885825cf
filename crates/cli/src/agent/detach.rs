//! An agent that goes on in a process of its own, while the one that was started says how it came out.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{FromRawFd, OwnedFd};

/// Which of the two this is.
pub(super) enum Detached {
    /// The one that was started. It is over when the other one observes, which came out well or not.
    Starter(bool),
    /// The agent.
    Agent(Report),
}

/// To be sent once all is well.
#[derive(Debug)]
pub(super) struct Report(File);

impl Report {
    /// All is well.
    pub(super) fn send(mut self) {
        // Whoever started it may be gone.
        let _ = self.0.write_all(b"1");
    }
}

/// Makes two processes of this one. Call it while there is one thread.
///
/// # Errors
///
/// When there is no room for another process.
pub(super) fn detach() -> io::Result<Detached> {
    let mut ends = [0; 2];
    // SAFETY: there is room for both descriptors.
    if unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: both are new and ours.
    let [read, write] = ends.map(|end| unsafe { OwnedFd::from_raw_fd(end) });
    // SAFETY: there is one thread, so that the new process is as whole as this one.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            drop(read);
            // SAFETY: has no preconditions; a new process can always have a session of its own.
            unsafe { libc::setsid() };
            Ok(Detached::Agent(Report(write.into())))
        }
        _ => {
            drop(write);
            let mut reports = Vec::new();
            File::from(read).read_to_end(&mut reports)?;
            Ok(Detached::Starter(!reports.is_empty()))
        }
    }
}
