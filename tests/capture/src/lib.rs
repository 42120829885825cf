//! Tools to prove that capture is exact: known bytes, every way to move them, and a comparison of what was
//! seen with what was moved. The tests themselves are in `tests/capture`.

pub mod content;
pub mod observer;
pub mod receive;
pub mod send;
pub mod sockets;
pub mod stream;
pub mod uring;

/// The result of a system call that returns a count or -1.
pub(crate) fn counted(result: isize) -> std::io::Result<usize> {
    usize::try_from(result).map_err(|_| std::io::Error::last_os_error())
}
