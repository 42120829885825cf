//! Every way to send. Each makes one system call (or the pair of them that the way consists of) and returns how many
//! bytes were accepted.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::ptr;

use crate::{counted, uring};

/// What of the bytes that were moved can be captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visible {
    /// Everything.
    All,
    /// Nothing but the length: the kernel has pages, not an address.
    Length,
    /// The first so many segments of a vector that is longer than is followed; then the length.
    Segments(usize),
}

/// One way to send.
pub struct Way {
    /// Its name.
    pub name: &'static str,
    /// What can be captured where TCP sends it.
    pub visible: Visible,
    /// One call.
    pub call: fn(RawFd, &[u8]) -> io::Result<usize>,
}

/// Segments in [`writev_many`]'s vector.
pub const MANY: usize = 20;
/// Segments of one call that the programs follow (`MAX_SEGMENTS` in `bpf/socket/iterator.h`).
pub const FOLLOWED: usize = 16;

/// All of them.
pub const WAYS: &[Way] = &[
    Way { name: "write", visible: Visible::All, call: write },
    Way { name: "writev", visible: Visible::All, call: |fd, data| writev(fd, data, 3) },
    Way {
        name: "writev, many segments",
        visible: Visible::Segments(FOLLOWED),
        call: |fd, data| writev(fd, data, MANY),
    },
    Way { name: "sendto", visible: Visible::All, call: sendto },
    Way { name: "sendmsg", visible: Visible::All, call: sendmsg },
    Way { name: "sendmmsg", visible: Visible::All, call: sendmmsg },
    Way { name: "sendfile", visible: Visible::Length, call: sendfile },
    Way { name: "splice in", visible: Visible::Length, call: splice },
    Way { name: "io_uring send", visible: Visible::All, call: uring::send },
    Way { name: "io_uring sendmsg", visible: Visible::All, call: uring::sendmsg },
    Way { name: "io_uring write", visible: Visible::All, call: uring::write },
    Way { name: "io_uring send_zc", visible: Visible::All, call: uring::send_zc },
];

/// `data` in `parts` segments of uneven lengths, as the kernel wants them.
pub(crate) fn segments(data: &[u8], parts: usize) -> Vec<libc::iovec> {
    let cuts = cuts(data.len(), parts);
    cuts.windows(2)
        .map(|cut| libc::iovec {
            iov_base: data[cut[0]..].as_ptr().cast_mut().cast(),
            iov_len: cut[1] - cut[0],
        })
        .collect()
}

/// Where `length` bytes are cut into `parts` segments; some may be empty.
pub fn cuts(length: usize, parts: usize) -> Vec<usize> {
    let mut cuts: Vec<usize> = (0..parts).map(|part| length * part / parts).collect();
    for (part, cut) in cuts.iter_mut().enumerate().skip(1) {
        *cut = cut.saturating_sub(part % 2);
    }
    cuts.push(length);
    cuts
}

/// `write`.
///
/// # Errors
///
/// What the system call says; so in all of them.
pub fn write(socket: RawFd, data: &[u8]) -> io::Result<usize> {
    // SAFETY: the pointer and length are those of a slice.
    counted(unsafe { libc::write(socket, data.as_ptr().cast(), data.len()) })
}

fn writev(socket: RawFd, data: &[u8], parts: usize) -> io::Result<usize> {
    let vector = segments(data, parts);
    // SAFETY: the vector's segments lie in `data`.
    counted(unsafe { libc::writev(socket, vector.as_ptr(), vector.len() as libc::c_int) })
}

/// `sendto` with flags.
///
/// # Errors
///
/// What the system call says.
pub fn send_flags(socket: RawFd, data: &[u8], flags: libc::c_int) -> io::Result<usize> {
    // SAFETY: the pointer and length are those of a slice; no address is given.
    counted(unsafe { libc::sendto(socket, data.as_ptr().cast(), data.len(), flags, ptr::null(), 0) })
}

fn sendto(socket: RawFd, data: &[u8]) -> io::Result<usize> {
    send_flags(socket, data, libc::MSG_NOSIGNAL)
}

pub(crate) fn message(vector: &mut [libc::iovec]) -> libc::msghdr {
    // SAFETY: a msghdr of zeros is an empty message.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = vector.as_mut_ptr();
    message.msg_iovlen = vector.len() as _;
    message
}

fn sendmsg(socket: RawFd, data: &[u8]) -> io::Result<usize> {
    let mut vector = segments(data, 2);
    let message = message(&mut vector);
    // SAFETY: the message's segments lie in `data`.
    counted(unsafe { libc::sendmsg(socket, &message, libc::MSG_NOSIGNAL) })
}

fn sendmmsg(socket: RawFd, data: &[u8]) -> io::Result<usize> {
    let cuts = cuts(data.len(), 3);
    let mut vectors: Vec<Vec<libc::iovec>> =
        cuts.windows(2).map(|cut| segments(&data[cut[0]..cut[1]], 2)).collect();
    let mut messages: Vec<libc::mmsghdr> =
        vectors.iter_mut().map(|v| libc::mmsghdr { msg_hdr: message(v), msg_len: 0 }).collect();
    // SAFETY: the messages' segments lie in `data`.
    let sent = unsafe {
        libc::sendmmsg(socket, messages.as_mut_ptr(), messages.len() as _, libc::MSG_NOSIGNAL as _)
    };
    let sent = counted(sent as isize)?;
    Ok(messages[..sent].iter().map(|m| m.msg_len as usize).sum())
}

fn sendfile(socket: RawFd, data: &[u8]) -> io::Result<usize> {
    let file = file_of(data)?;
    let mut offset = 0;
    // SAFETY: `offset` outlives the call.
    counted(unsafe { libc::sendfile(socket, file.as_raw_fd(), &mut offset, data.len()) })
}

fn splice(socket: RawFd, data: &[u8]) -> io::Result<usize> {
    let (reader, mut writer) = io::pipe()?;
    let held = &data[..data.len().min(32 * 1024)];
    writer.write_all(held)?;
    // SAFETY: no offsets are given.
    counted(unsafe {
        libc::splice(reader.as_raw_fd(), ptr::null_mut(), socket, ptr::null_mut(), held.len(), 0)
    })
}

/// A file that holds `data`.
fn file_of(data: &[u8]) -> io::Result<File> {
    // SAFETY: the name is a C string.
    let fd = unsafe { libc::memfd_create(c"capture-test".as_ptr(), 0) };
    counted(fd as isize)?;
    // SAFETY: a fresh descriptor that nobody else has.
    let mut file = unsafe { File::from_raw_fd(fd) };
    file.write_all(data)?;
    Ok(file)
}
