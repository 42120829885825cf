//! Every way to receive. Each makes one system call (or the few that the way consists of) and returns how many bytes
//! were taken from the socket.

use std::io::{self, Read};
use std::os::fd::{AsRawFd, RawFd};
use std::ptr;

use crate::send::{Visible, message, segments};
use crate::{counted, uring};

/// One way to receive.
pub struct Way {
    /// Its name.
    pub name: &'static str,
    /// What can be captured.
    pub visible: Visible,
    /// Unix sockets have it, and it is not a blind spot there (`weir doctor` names those).
    pub unix: bool,
    /// The bytes come to the buffer; else they are thrown away.
    pub fills: bool,
    /// One call.
    pub call: fn(RawFd, &mut [u8]) -> io::Result<usize>,
}

const PLAIN: Way = Way { name: "", visible: Visible::All, unix: true, fills: true, call: read };

/// Of Unix sockets only some kernels show it.
pub const SPLICE: &str = "splice out";

/// All of them.
pub const WAYS: &[Way] = &[
    Way { name: "read", ..PLAIN },
    Way { name: "readv", call: readv, ..PLAIN },
    Way { name: "recvfrom", call: |fd, to| recv_flags(fd, to, 0), ..PLAIN },
    Way { name: "recvmsg", call: |fd, to| recvmsg(fd, to, 0), ..PLAIN },
    Way { name: "recvmmsg", call: recvmmsg, ..PLAIN },
    Way { name: "MSG_WAITALL", call: |fd, to| recv_flags(fd, to, libc::MSG_WAITALL), ..PLAIN },
    Way { name: "MSG_PEEK, then read", call: |fd, to| peeked(fd, to, recv_flags), ..PLAIN },
    Way { name: "recvmsg MSG_PEEK, then read", call: |fd, to| peeked(fd, to, recvmsg), ..PLAIN },
    Way { name: "seven bytes at a time", call: small_reads, ..PLAIN },
    Way { name: SPLICE, call: splice, visible: Visible::Length, unix: false, ..PLAIN },
    Way {
        name: "MSG_TRUNC",
        call: |fd, to| recv_flags(fd, to, libc::MSG_TRUNC),
        visible: Visible::Length,
        unix: false,
        fills: false,
    },
    Way { name: "io_uring recv", call: uring::recv, ..PLAIN },
    Way { name: "io_uring recvmsg", call: uring::recvmsg, ..PLAIN },
    Way { name: "io_uring read", call: uring::read, ..PLAIN },
    Way {
        name: "io_uring recv MSG_PEEK, then read",
        call: |fd, to| peeked(fd, to, uring::recv_flags),
        unix: false,
        ..PLAIN
    },
];

/// `read`.
///
/// # Errors
///
/// What the system call says; so in all of them.
pub fn read(socket: RawFd, to: &mut [u8]) -> io::Result<usize> {
    // SAFETY: the pointer and length are those of a slice.
    counted(unsafe { libc::read(socket, to.as_mut_ptr().cast(), to.len()) })
}

fn readv(socket: RawFd, to: &mut [u8]) -> io::Result<usize> {
    let vector = segments(to, 5);
    // SAFETY: the vector's segments lie in `to`, which is ours to write.
    counted(unsafe { libc::readv(socket, vector.as_ptr(), vector.len() as libc::c_int) })
}

/// `recvfrom` with flags.
///
/// # Errors
///
/// What the system call says.
pub fn recv_flags(socket: RawFd, to: &mut [u8], flags: libc::c_int) -> io::Result<usize> {
    // SAFETY: the pointer and length are those of a slice; no address is wanted.
    counted(unsafe {
        libc::recvfrom(socket, to.as_mut_ptr().cast(), to.len(), flags, ptr::null_mut(), ptr::null_mut())
    })
}

fn recvmsg(socket: RawFd, to: &mut [u8], flags: libc::c_int) -> io::Result<usize> {
    let mut vector = segments(to, 2);
    let mut message = message(&mut vector);
    // SAFETY: the message's segments lie in `to`, which is ours to write.
    counted(unsafe { libc::recvmsg(socket, &mut message, flags) })
}

/// Two messages of one call; a short one would leave a hole, so that only the first may be short.
fn recvmmsg(socket: RawFd, to: &mut [u8]) -> io::Result<usize> {
    let first = to.len().min(40);
    let rest = (to.len() - first).min(40);
    let mut vectors = [segments(&to[..first], 1), segments(&to[first..first + rest], 1)];
    let mut messages = vectors.each_mut().map(|v| libc::mmsghdr { msg_hdr: message(v), msg_len: 0 });
    let count = if rest == 0 { 1 } else { 2 };
    let wait = libc::MSG_WAITALL as _;
    // SAFETY: the messages' segments lie in `to`, which is ours to write; no time is given.
    let got = unsafe { libc::recvmmsg(socket, messages.as_mut_ptr(), count, wait, ptr::null_mut()) };
    let got = counted(got as isize)?;
    Ok(messages[..got].iter().map(|m| m.msg_len as usize).sum())
}

/// Looks at some of the bytes, twice, with `look`, and reads them then.
fn peeked(
    socket: RawFd,
    to: &mut [u8],
    look: fn(RawFd, &mut [u8], libc::c_int) -> io::Result<usize>,
) -> io::Result<usize> {
    let half = to.len().div_ceil(2);
    look(socket, &mut to[..half], libc::MSG_PEEK)?;
    look(socket, to, libc::MSG_PEEK)?;
    to.fill(0);
    read(socket, to)
}

fn small_reads(socket: RawFd, to: &mut [u8]) -> io::Result<usize> {
    let length = to.len().min(7);
    read(socket, &mut to[..length])
}

fn splice(socket: RawFd, to: &mut [u8]) -> io::Result<usize> {
    let (mut reader, writer) = io::pipe()?;
    let wanted = to.len().min(32 * 1024);
    // SAFETY: no offsets are given.
    let moved = counted(unsafe {
        libc::splice(socket, ptr::null_mut(), writer.as_raw_fd(), ptr::null_mut(), wanted, 0)
    })?;
    reader.read_exact(&mut to[..moved])?;
    Ok(moved)
}
