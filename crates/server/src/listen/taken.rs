//! Who listens on an address that is wanted.

use std::fs;
use std::net::SocketAddr;

/// `nginx (process 812)`, if this process may see it.
pub(super) fn by(address: SocketAddr) -> Option<String> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    let inodes: Vec<String> = tables
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|text| listening(&text, address.port()))
        .collect();
    let wanted: Vec<String> = inodes.iter().map(|inode| format!("socket:[{inode}]")).collect();
    for process in fs::read_dir("/proc").ok()?.flatten() {
        let folder = process.path();
        let id = process.file_name();
        let Some(id) = id.to_str().filter(|id| id.bytes().all(|byte| byte.is_ascii_digit())) else {
            continue;
        };
        // Processes of others may not be looked into, and any may be gone by now.
        let Ok(files) = fs::read_dir(folder.join("fd")) else { continue };
        let holds = files.flatten().any(|file| {
            fs::read_link(file.path())
                .is_ok_and(|target| wanted.iter().any(|wanted| target.as_os_str() == &**wanted))
        });
        if holds {
            let command = fs::read_to_string(folder.join("comm")).unwrap_or_default();
            let shown: String = command.trim().chars().filter(|c| !c.is_control()).collect();
            return Some(format!("{shown} (process {id})"));
        }
    }
    None
}

/// The inodes of the sockets that listen on a port, of the kernel's table: the second column is the own address, the
/// fourth the state (0A: listening), the tenth the inode.
fn listening(table: &str, port: u16) -> Vec<String> {
    let own = format!(":{port:04X}");
    let lines = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    lines
        .filter(|fields| fields.get(1).is_some_and(|address| address.ends_with(&own)))
        .filter(|fields| fields.get(3) == Some(&"0A"))
        .filter_map(|fields| fields.get(9).map(|inode| (*inode).to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::listening;

    #[test]
    fn only_sockets_that_listen_on_the_port_count() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
             0: 0100007F:1CE8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0\n   \
             1: 0100007F:1CE8 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 20 4 30 10 -1\n   \
             2: 0100007F:1CE9 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1 0 100 0 0 10 0\n";
        assert_eq!(listening(table, 7400), ["4711"]);
        assert!(listening("", 7400).is_empty());
        assert!(listening("x\n1 2\n", 7400).is_empty());
    }
}
