//! Which ports are listened on: tells a connection's server end when its opening was not seen.

use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;

use model::Nanos;

use crate::readings::Readings;

/// Listening TCP ports by network namespace, read from `/proc/PID/net/tcp` and `tcp6` when asked for.
#[derive(Debug)]
pub struct Listeners {
    /// Where `/proc` is; none when a recording is played.
    proc_root: Option<PathBuf>,
    ports: Readings<HashSet<u16>>,
}

/// How long an answer holds. Only connections from before the start are asked about, so new listeners matter little.
const HOLDS: Nanos = 10_000_000_000;
/// `TCP_LISTEN` as `/proc/net/tcp` shows it.
const LISTEN: &str = "0A";

impl Listeners {
    /// Reads below `proc_root`; with `None`, nothing is known to listen.
    pub fn new(proc_root: Option<PathBuf>) -> Self {
        Listeners { proc_root, ports: Readings::new(HOLDS) }
    }

    /// Does a socket listen on `port` in the namespace `netns`, which the process `pid` is in?
    pub fn listens(&mut self, netns: u32, pid: u32, port: u16, now: Nanos) -> bool {
        let Some(root) = &self.proc_root else { return false };
        let read = || {
            let folder = root.join(pid.to_string()).join("net");
            let tables = ["tcp", "tcp6"].iter().filter_map(|name| fs::read_to_string(folder.join(name)).ok());
            Some(tables.flat_map(|table| listening_ports(&table)).collect())
        };
        self.ports.get(netns, now, read).is_some_and(|ports| ports.contains(&port))
    }
}

/// The local ports of the sockets that listen, from the text of `/proc/net/tcp` (proc(5)).
fn listening_ports(table: &str) -> Vec<u16> {
    let port = |line: &str| {
        let mut fields = line.split_ascii_whitespace();
        let local = fields.nth(1)?;
        let state = fields.nth(1)?;
        let (_, port) = local.rsplit_once(':')?;
        (state == LISTEN).then(|| u16::from_str_radix(port, 16).ok())?
    };
    table.lines().skip(1).filter_map(port).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 x 100
   1: 0100007F:A3F2 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 2 1 x 20
   2: damaged
   3: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 0:0
";

    #[test]
    fn only_sockets_that_listen_count() {
        assert_eq!(listening_ports(TABLE), [8080, 80]);
        assert!(listening_ports("").is_empty());
    }

    #[test]
    fn answers_hold_for_a_while_and_then_are_asked_again() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("7/net");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("tcp"), TABLE).unwrap();
        let mut listeners = Listeners::new(Some(root.path().to_owned()));
        assert!(listeners.listens(1, 7, 8080, 0));
        assert!(!listeners.listens(1, 7, 41970, 0));
        fs::write(folder.join("tcp"), "").unwrap();
        assert!(listeners.listens(1, 7, 8080, HOLDS - 1));
        assert!(!listeners.listens(1, 7, 8080, HOLDS));
        assert!(!Listeners::new(None).listens(1, 7, 8080, 0));
    }
}
