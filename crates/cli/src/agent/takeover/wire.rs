//! What the two agents say to each other: messages with their lengths before them, and open files beside them.

use std::io::{self, Read, Write};
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;

use model::Nanos;
use model::time::ClockReading;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use signals::Carried;

/// Changes whenever a message does.
pub(in crate::agent) const VERSION: u32 = 1;
/// The longest message: all series of an agent are some megabytes.
const MOST_MESSAGE: u32 = 128 << 20;
/// Files that come with a message.
const MOST_FILES: usize = 2;
/// Room for what tells of them, aligned as it has to be.
const CONTROL_WORDS: usize = 8;

/// What the new agent says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum FromNew {
    /// It saw everything since it was `attached`, and is ready to take over. `process` is its id.
    Begin { attached: Nanos, process: u32 },
    /// It has all that was handed over, and gives metrics out.
    Taken,
}

/// What the earlier agent says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum FromOld {
    /// What ends from now on is the new one's.
    Instant(Nanos),
    /// All series, the reading of the clocks by which their beginnings are told, and the listening sockets.
    Handed { carried: Carried, first: ClockReading, has_metrics: bool },
    /// So many requests were under way, and are told by neither.
    Missed(u64),
}

/// Sends a message, and files.
pub(super) fn send(stream: &UnixStream, message: &impl Serialize, files: &[OwnedFd]) -> io::Result<()> {
    let body = postcard::to_stdvec(message).map_err(io::Error::other)?;
    let length = u32::try_from(body.len()).ok().filter(|length| *length <= MOST_MESSAGE);
    let length = length.ok_or_else(|| io::Error::other("there is too much to hand over"))?;
    send_with_files(stream, &length.to_le_bytes(), files)?;
    (&*stream).write_all(&body)
}

/// The next message, and the files that came with it.
///
/// # Errors
///
/// When the other end is gone ([`io::ErrorKind::UnexpectedEof`]), is too slow for the stream's timeout, or says what makes no sense.
pub(super) fn receive<M: DeserializeOwned>(stream: &UnixStream) -> io::Result<(M, Vec<OwnedFd>)> {
    let mut length = [0; 4];
    let (read, files) = receive_with_files(stream, &mut length)?;
    if read == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    (&*stream).read_exact(&mut length[read..])?;
    let length = u32::from_le_bytes(length);
    if length > MOST_MESSAGE {
        return Err(io::Error::other("a message that is too long"));
    }
    let mut body = Vec::new();
    stream.take(length.into()).read_to_end(&mut body)?;
    if body.len() < length as usize {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok((postcard::from_bytes(&body).map_err(io::Error::other)?, files))
}

/// Bytes of what tells of so many files.
fn control_bytes(files: usize) -> usize {
    // SAFETY: is only arithmetic.
    unsafe { libc::CMSG_SPACE((files * size_of::<libc::c_int>()) as u32) as usize }
}

fn send_with_files(stream: &UnixStream, bytes: &[u8], files: &[OwnedFd]) -> io::Result<()> {
    if files.len() > MOST_FILES {
        return Err(io::Error::other("too many files"));
    }
    let mut control = [0u64; CONTROL_WORDS];
    let mut part = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    // SAFETY: all zeros are a valid value of it.
    let mut header: libc::msghdr = unsafe { mem::zeroed() };
    header.msg_iov = &raw mut part;
    header.msg_iovlen = 1;
    if !files.is_empty() {
        header.msg_control = control.as_mut_ptr().cast();
        header.msg_controllen = control_bytes(files.len()) as _;
        // SAFETY: the room is aligned and larger than this many files need; the header points to it.
        unsafe {
            let first = libc::CMSG_FIRSTHDR(&raw const header);
            (*first).cmsg_level = libc::SOL_SOCKET;
            (*first).cmsg_type = libc::SCM_RIGHTS;
            (*first).cmsg_len = libc::CMSG_LEN(size_of_val(files) as u32) as _;
            let place = libc::CMSG_DATA(first).cast::<libc::c_int>();
            for (at, file) in files.iter().enumerate() {
                place.add(at).write_unaligned(file.as_raw_fd());
            }
        }
    }
    // SAFETY: the header points to values that live until the call is over.
    let sent = unsafe { libc::sendmsg(stream.as_raw_fd(), &raw const header, libc::MSG_NOSIGNAL) };
    let sent = usize::try_from(sent).map_err(|_| io::Error::last_os_error())?;
    (&*stream).write_all(&bytes[sent..])
}

fn receive_with_files(stream: &UnixStream, bytes: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
    let mut control = [0u64; CONTROL_WORDS];
    let mut part = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
    // SAFETY: all zeros are a valid value of it.
    let mut header: libc::msghdr = unsafe { mem::zeroed() };
    header.msg_iov = &raw mut part;
    header.msg_iovlen = 1;
    header.msg_control = control.as_mut_ptr().cast();
    header.msg_controllen = control_bytes(MOST_FILES) as _;
    // SAFETY: the header points to values that live until the call is over.
    let read = unsafe { libc::recvmsg(stream.as_raw_fd(), &raw mut header, libc::MSG_CMSG_CLOEXEC) };
    let read = usize::try_from(read).map_err(|_| io::Error::last_os_error())?;
    let mut files = Vec::new();
    // SAFETY: the kernel has filled in the room, and said how much of it; every descriptor in it is new and ours.
    unsafe {
        let mut next = libc::CMSG_FIRSTHDR(&raw const header);
        while let Some(found) = next.as_ref() {
            if found.cmsg_level == libc::SOL_SOCKET && found.cmsg_type == libc::SCM_RIGHTS {
                let bytes = found.cmsg_len.saturating_sub(libc::CMSG_LEN(0) as usize);
                let place = libc::CMSG_DATA(next).cast::<libc::c_int>();
                for at in 0..bytes / size_of::<libc::c_int>() {
                    files.push(OwnedFd::from_raw_fd(place.add(at).read_unaligned()));
                }
            }
            next = libc::CMSG_NXTHDR(&raw const header, next);
        }
    }
    Ok((read, files))
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::time::Duration;

    use super::*;

    fn pair() -> (UnixStream, UnixStream) {
        let (one, other) = UnixStream::pair().expect("two sockets");
        other.set_read_timeout(Some(Duration::from_millis(200))).expect("a timeout");
        (one, other)
    }

    #[test]
    fn messages_and_files_arrive() {
        let (old, new) = pair();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
        let address = listener.local_addr().expect("an address");
        let first = ClockReading { monotonic: 1, wall: 2 };
        let message = FromOld::Handed { carried: Carried::default(), first, has_metrics: true };
        send(&old, &FromOld::Instant(7), &[]).expect("it is sent");
        send(&old, &message, &[listener.into()]).expect("it is sent");
        drop(old);
        let (message, files) = receive::<FromOld>(&new).expect("a message");
        assert!(matches!(message, FromOld::Instant(7)) && files.is_empty(), "{message:?}");
        let (message, mut files) = receive::<FromOld>(&new).expect("a message");
        assert!(matches!(message, FromOld::Handed { first: found, .. } if found == first), "{message:?}");
        // It is listened to still.
        let listener = TcpListener::from(files.pop().expect("a file"));
        TcpStream::connect(address).expect("it listens");
        listener.accept().expect("somebody connects");
        let gone = receive::<FromOld>(&new).expect_err("nobody is there");
        assert_eq!(gone.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for bytes in [&b"\xff\xff\xff\xff"[..], b"\x02\0\0\0\xff\xff", b"\x05\0\0\0\x01"] {
            let (mut old, new) = pair();
            old.write_all(bytes).expect("it is sent");
            drop(old);
            assert!(receive::<FromOld>(&new).is_err(), "{bytes:?}");
        }
        let (_old, new) = pair();
        assert!(receive::<FromOld>(&new).is_err(), "it is too slow");
    }
}
