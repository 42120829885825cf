//! Small conversations and processes that have them.

use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use capture_tests::{receive, send};

/// `words` from one end to the other, all of them.
pub(crate) fn say(from: &OwnedFd, to: &OwnedFd, words: &[u8]) {
    assert_eq!(send::write(from.as_raw_fd(), words).unwrap(), words.len());
    hear(to.as_raw_fd(), words);
}

/// Reads exactly `words`.
pub(crate) fn hear(socket: RawFd, words: &[u8]) {
    let mut heard = vec![0; words.len()];
    assert_eq!(receive::recv_flags(socket, &mut heard, libc::MSG_WAITALL).unwrap(), words.len());
    assert_eq!(heard, words);
}

/// Waits until there is something to read.
pub(crate) fn wait_for_input(socket: RawFd) {
    let mut poll = libc::pollfd { fd: socket, events: libc::POLLIN, revents: 0 };
    // SAFETY: one descriptor, which outlives the call.
    assert_eq!(unsafe { libc::poll(&mut poll, 1, 60_000) }, 1);
}

/// Makes room for little that was not sent yet.
pub(crate) fn small_buffer(socket: RawFd) {
    let size: libc::c_int = 20_000;
    // SAFETY: the option is an int.
    let result =
        unsafe { libc::setsockopt(socket, libc::SOL_SOCKET, libc::SO_SNDBUF, (&raw const size).cast(), 4) };
    assert_eq!(result, 0);
}

/// What forked processes call themselves.
pub(crate) const CHILD: &str = "capture-child";

/// A forked process that is waited for.
pub(crate) struct Child(libc::pid_t);

impl Child {
    /// Runs `work` in a process of its own, which ends well when it returns true. As other threads may hold locks, `work` must
    /// make system calls only.
    pub(crate) fn new(work: impl FnOnce() -> bool) -> Child {
        // SAFETY: the child makes system calls only, and leaves by `_exit`.
        let pid = unsafe { libc::fork() };
        assert!(pid >= 0);
        if pid == 0 {
            // SAFETY: the name is a C string.
            unsafe { libc::prctl(libc::PR_SET_NAME, c"capture-child".as_ptr()) };
            let code = i32::from(!work());
            // SAFETY: has no preconditions.
            unsafe { libc::_exit(code) };
        }
        Child(pid)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.unsigned_abs()
    }

    /// Waits for its end, which must be a good one.
    pub(crate) fn join(self) {
        let mut status = 0;
        // SAFETY: `status` outlives the call.
        assert_eq!(unsafe { libc::waitpid(self.0, &mut status, 0) }, self.0);
        assert_eq!(status, 0, "the child failed");
    }
}

/// Reads `length` bytes (at most 64) and sends them back; with system calls only.
pub(crate) fn echo(socket: RawFd, length: usize) -> bool {
    let mut buffer = [0; 64];
    let Some(buffer) = buffer.get_mut(..length) else { return false };
    receive::recv_flags(socket, buffer, libc::MSG_WAITALL).is_ok_and(|got| got == length)
        && send::write(socket, buffer).is_ok_and(|sent| sent == length)
}
