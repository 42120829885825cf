//! A terminal with a program on it: keys go in, and what one would see comes out.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::process::Process;

/// The terminal.
pub struct Terminal {
    process: Process,
    keys: File,
    seen: Arc<Mutex<vt100::Parser>>,
}

impl Terminal {
    /// Starts a program on a terminal of so many columns and lines.
    ///
    /// # Errors
    ///
    /// When there is no pseudo terminal, or the program does not start.
    pub fn start(command: &mut Command, (columns, lines): (u16, u16)) -> io::Result<Terminal> {
        let (ours, theirs) = pair(columns, lines)?;
        let copy = |fd: &OwnedFd| fd.try_clone().map(Stdio::from);
        command.stdin(copy(&theirs)?).stdout(copy(&theirs)?).stderr(copy(&theirs)?);
        command.env_remove("WEIR_BIN").env_remove("NO_COLOR").env("TERM", "xterm-256color");
        // SAFETY: both calls may be made between fork and exec; standard input is the terminal by then.
        unsafe {
            command.pre_exec(|| {
                if libc::setsid() < 0 || libc::ioctl(0, libc::TIOCSCTTY, 0) < 0 {
                    return Err(io::Error::last_os_error());
                }
                Ok(())
            });
        }
        let process = Process::start(command)?;
        drop(theirs);
        let seen = Arc::new(Mutex::new(vt100::Parser::new(lines, columns, 0)));
        let mut from = File::from(ours.try_clone()?);
        let to = seen.clone();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // An error means that nobody has the other end any more.
            while let Ok(read @ 1..) = from.read(&mut bytes) {
                to.lock().unwrap_or_else(PoisonError::into_inner).process(&bytes[..read]);
            }
        });
        Ok(Terminal { process, keys: File::from(ours), seen })
    }

    /// Presses keys.
    ///
    /// # Errors
    ///
    /// When the program is gone.
    pub fn press(&mut self, keys: &str) -> io::Result<()> {
        self.keys.write_all(keys.as_bytes())
    }

    /// What is seen now.
    pub fn screen(&self) -> String {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).screen().contents()
    }

    /// A full-screen program is on it.
    pub fn is_taken(&self) -> bool {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.screen().alternate_screen() || seen.screen().hide_cursor()
    }

    /// Keys are shown as they are typed, and read by the line: as a shell wants it.
    pub fn is_as_found(&self) -> bool {
        // SAFETY: `settings` is a valid place for the result.
        let settings = unsafe {
            let mut settings: libc::termios = std::mem::zeroed();
            libc::tcgetattr(self.keys.as_raw_fd(), &mut settings);
            settings
        };
        settings.c_lflag & (libc::ECHO | libc::ICANON) == libc::ECHO | libc::ICANON
    }

    /// Waits until the screen is as it is asked for, and returns it; after a while as it is.
    pub fn wait_for(&self, is_so: impl Fn(&str) -> bool) -> String {
        let began = Instant::now();
        loop {
            let screen = self.screen();
            if is_so(&screen) || began.elapsed() > Duration::from_secs(10) {
                return screen;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Sends the program a signal.
    pub fn signal(&self, signal: i32) {
        self.process.signal(signal);
    }

    /// Waits for the program's end.
    ///
    /// # Errors
    ///
    /// When it does not end.
    pub fn finish(&mut self) -> io::Result<ExitStatus> {
        let status = self.process.wait(Duration::from_secs(10))?;
        // The reader may be a little behind.
        std::thread::sleep(Duration::from_millis(100));
        Ok(status)
    }
}

/// A pseudo terminal: our end and the program's.
fn pair(columns: u16, lines: u16) -> io::Result<(OwnedFd, OwnedFd)> {
    let size = libc::winsize { ws_row: lines, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    let (mut ours, mut theirs) = (-1, -1);
    // SAFETY: all are valid places; no name and no settings are asked for.
    let made =
        unsafe { libc::openpty(&mut ours, &mut theirs, std::ptr::null_mut(), std::ptr::null(), &size) };
    if made < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: both were just made, and are nobody else's. A program must not inherit our end, or it would never see it closed.
    unsafe {
        libc::fcntl(ours, libc::F_SETFD, libc::FD_CLOEXEC);
        Ok((OwnedFd::from_raw_fd(ours), OwnedFd::from_raw_fd(theirs)))
    }
}
