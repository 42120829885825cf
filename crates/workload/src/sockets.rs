//! Which process has a socket open, for sockets that nobody was seen to use.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

/// Of the sockets `wanted`, by their inode numbers, those that a process below `proc_root` has open, with the first such
/// process. It looks at every open file of the host, so it is not for often.
pub fn socket_owners(proc_root: &Path, wanted: &HashSet<u32>) -> HashMap<u32, u32> {
    let mut owners = HashMap::new();
    for process in fs::read_dir(proc_root).into_iter().flatten().flatten() {
        if owners.len() == wanted.len() {
            break;
        }
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        for file in fs::read_dir(process.path().join("fd")).into_iter().flatten().flatten() {
            let inode = fs::read_link(file.path()).ok().and_then(|link| inode(link.to_str()?));
            if let Some(inode) = inode.filter(|inode| wanted.contains(inode)) {
                owners.entry(inode).or_insert(pid);
            }
        }
    }
    owners
}

/// `socket:[12345]`.
fn inode(link: &str) -> Option<u32> {
    link.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn sockets_are_found_by_their_inodes() {
        let root = tempfile::tempdir().unwrap();
        for (pid, links) in [("7", ["socket:[100]", "/dev/null"]), ("8", ["socket:[101]", "socket:[100]"])] {
            let folder = root.path().join(pid).join("fd");
            fs::create_dir_all(&folder).unwrap();
            for (number, link) in links.iter().enumerate() {
                symlink(link, folder.join(number.to_string())).unwrap();
            }
        }
        fs::create_dir_all(root.path().join("net/fd")).unwrap();
        let owners = socket_owners(root.path(), &HashSet::from([100, 101, 102]));
        assert_eq!(owners.len(), 2);
        assert_eq!(owners[&101], 8);
        assert!([7, 8].contains(&owners[&100]));
        assert!(socket_owners(root.path(), &HashSet::new()).is_empty());
    }
}
