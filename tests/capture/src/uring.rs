//! io_uring's ways, one operation at a time.

use std::io;
use std::os::fd::RawFd;

use io_uring::types::Fd;
use io_uring::{IoUring, cqueue, opcode, squeue};

use crate::send::{message, segments};

/// Performs one operation and returns its result.
fn perform(entry: squeue::Entry) -> io::Result<usize> {
    let mut ring = IoUring::new(4)?;
    // SAFETY: the caller waits here until the operation is over, and its buffers live as long.
    unsafe { ring.submission().push(&entry) }.map_err(io::Error::other)?;
    ring.submit_and_wait(1)?;
    let first: cqueue::Entry = ring.completion().next().ok_or_else(|| io::Error::other("no completion"))?;
    if cqueue::more(first.flags()) {
        ring.submit_and_wait(1)?; // zero copy: the kernel lets go of the buffer
    }
    usize::try_from(first.result()).map_err(|_| io::Error::from_raw_os_error(-first.result()))
}

/// By a worker of the ring (ASYNC), not by this thread.
pub(crate) fn send(socket: RawFd, data: &[u8]) -> io::Result<usize> {
    perform(
        opcode::Send::new(Fd(socket), data.as_ptr(), data.len() as u32).build().flags(squeue::Flags::ASYNC),
    )
}

pub(crate) fn write(socket: RawFd, data: &[u8]) -> io::Result<usize> {
    perform(opcode::Write::new(Fd(socket), data.as_ptr(), data.len() as u32).build())
}

pub(crate) fn sendmsg(socket: RawFd, data: &[u8]) -> io::Result<usize> {
    let mut vector = segments(data, 3);
    let message = message(&mut vector);
    perform(opcode::SendMsg::new(Fd(socket), &message).build())
}

pub(crate) fn send_zc(socket: RawFd, data: &[u8]) -> io::Result<usize> {
    perform(opcode::SendZc::new(Fd(socket), data.as_ptr(), data.len() as u32).build())
}

pub(crate) fn recv(socket: RawFd, to: &mut [u8]) -> io::Result<usize> {
    recv_flags(socket, to, 0)
}

pub(crate) fn recv_flags(socket: RawFd, to: &mut [u8], flags: libc::c_int) -> io::Result<usize> {
    perform(opcode::Recv::new(Fd(socket), to.as_mut_ptr(), to.len() as u32).flags(flags).build())
}

pub(crate) fn recvmsg(socket: RawFd, to: &mut [u8]) -> io::Result<usize> {
    let mut vector = segments(to, 2);
    let mut message = message(&mut vector);
    perform(opcode::RecvMsg::new(Fd(socket), &mut message).build().flags(squeue::Flags::ASYNC))
}

pub(crate) fn read(socket: RawFd, to: &mut [u8]) -> io::Result<usize> {
    perform(opcode::Read::new(Fd(socket), to.as_mut_ptr(), to.len() as u32).build())
}
