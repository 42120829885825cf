//! Tells who started the agent how far it is: a datagram, as sd_notify(3) has it.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// Traffic is seen from now on.
    Ready,
    /// It ends.
    Stopping,
    /// It ends, and another process is the agent from now on.
    Replaced(u32),
}

/// Tells it, where anybody wants to know.
pub(super) fn tell(moment: Moment) {
    if let Some(socket) = std::env::var_os("NOTIFY_SOCKET") {
        // A supervisor that does not listen notices that nothing came.
        let _ = send(&socket, moment);
    }
}

fn send(socket: &OsStr, moment: Moment) -> io::Result<()> {
    let text = match moment {
        Moment::Ready => "READY=1\nSTATUS=Observing this host\n".to_owned(),
        Moment::Stopping => "STOPPING=1\n".to_owned(),
        Moment::Replaced(by) => format!("MAINPID={by}\n"),
    };
    let address = match socket.as_bytes() {
        // A name that is no file.
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(socket)?,
    };
    UnixDatagram::unbound()?.send_to_addr(text.as_bytes(), &address).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_supervisor_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("notify");
        let file = UnixDatagram::bind(&path).expect("a socket");
        send(path.as_os_str(), Moment::Ready).expect("it listens");
        let mut buffer = [0; 100];
        let length = file.recv(&mut buffer).expect("a datagram");
        assert!(buffer[..length].starts_with(b"READY=1\n"));
        let name = format!("weir-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).expect("a name");
        let unnamed = UnixDatagram::bind_addr(&address).expect("a socket");
        send(OsStr::new(&format!("@{name}")), Moment::Stopping).expect("it listens");
        let length = unnamed.recv(&mut buffer).expect("a datagram");
        assert_eq!(&buffer[..length], b"STOPPING=1\n");
        send(OsStr::new(&format!("@{name}")), Moment::Replaced(77)).expect("it listens");
        let length = unnamed.recv(&mut buffer).expect("a datagram");
        assert_eq!(&buffer[..length], b"MAINPID=77\n");
        assert!(send(OsStr::new("/nosuch/socket"), Moment::Ready).is_err());
    }
}
