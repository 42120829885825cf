//! Which Unix sockets are still open: the kernel tells of their end only where a program can be put there.

use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;

use model::Nanos;

use crate::readings::Readings;

/// Unix sockets by network namespace, read from `/proc/PID/net/unix` when asked for.
#[derive(Debug)]
pub struct UnixSockets {
    /// Where `/proc` is; none when a recording is played.
    proc_root: Option<PathBuf>,
    inodes: Readings<HashSet<u32>>,
}

/// How long an answer holds.
const HOLDS: Nanos = 500_000_000;

impl UnixSockets {
    /// Reads below `proc_root`; with `None`, every socket is taken to be open.
    pub fn new(proc_root: Option<PathBuf>) -> Self {
        UnixSockets { proc_root, inodes: Readings::new(HOLDS) }
    }

    /// Has the socket `inode` of the namespace `netns`, which the process `pid` was in, been closed? A process that
    /// is gone took its sockets along.
    pub fn is_closed(&mut self, netns: u32, pid: u32, inode: u32, now: Nanos) -> bool {
        let Some(root) = &self.proc_root else { return false };
        if inode == 0 {
            return false;
        }
        let process = root.join(pid.to_string());
        let read = || fs::read_to_string(process.join("net/unix")).ok().map(|table| inodes(&table));
        match self.inodes.get(netns, now, read) {
            Some(inodes) => !inodes.contains(&inode),
            None => !process.exists(),
        }
    }
}

/// The seventh field of every line but the first (unix(7), proc(5)).
fn inodes(table: &str) -> HashSet<u32> {
    table.lines().skip(1).filter_map(|line| line.split_ascii_whitespace().nth(6)?.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000003 00000000 00000000 0001 03 10307 /run/x.sock
0000000000000000: 00000003 00000000 00000000 0001 03 10308
damaged
";

    #[test]
    fn a_socket_that_is_not_listed_is_closed() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("7/net")).unwrap();
        fs::write(root.path().join("7/net/unix"), TABLE).unwrap();
        let mut sockets = UnixSockets::new(Some(root.path().to_owned()));
        assert!(!sockets.is_closed(1, 7, 10307, 0));
        assert!(!sockets.is_closed(1, 7, 10308, 0));
        assert!(sockets.is_closed(1, 7, 10309, 0));
        assert!(!sockets.is_closed(1, 7, 0, 0), "a socket without a number cannot be looked up");
        assert!(sockets.is_closed(2, 8, 10307, 0), "its process is gone");
        fs::write(root.path().join("7/net/unix"), "").unwrap();
        assert!(!sockets.is_closed(1, 7, 10307, HOLDS - 1));
        assert!(sockets.is_closed(1, 7, 10307, HOLDS));
        assert!(!UnixSockets::new(None).is_closed(1, 7, 1, 0));
    }
}
