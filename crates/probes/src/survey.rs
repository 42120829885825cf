//! Asks the kernel for the TCP sockets that there are: an iterator program tells them, one network namespace at a time.
//!
//! A namespace is that of the thread which makes the iterator, so a thread goes through all of them. What it makes can be
//! read from anywhere; and since it is read rather than sent, no ring can overflow with it.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Read;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;

use libbpf_rs::{Iter, Link};

use crate::rights;
use crate::shared::weir_tcp;

/// Namespaces that are looked into at most.
const NAMESPACES: usize = 4096;
/// Records that are read at once, and the size of one.
const RECORDS: usize = 256;
const RECORD: usize = size_of::<weir_tcp>();

/// A walk through the connections of several namespaces.
#[derive(Debug)]
pub struct Survey {
    iterators: Vec<(u32, Iter)>,
    told: Vec<u32>,
    buffer: Vec<u8>,
    filled: usize,
}

impl Survey {
    /// Begins one of the namespaces that are wanted; of none where there is no iterator.
    pub(crate) fn begin(link: Option<&Link>, wanted: impl Fn(u32) -> bool) -> Survey {
        let iterators = link.map_or_else(Vec::new, |link| {
            let mut namespaces = namespaces();
            namespaces.retain(|inode, _| wanted(*inode));
            iterators(link, &namespaces)
        });
        Survey { iterators, told: Vec::new(), buffer: vec![0; RECORD * RECORDS], filled: 0 }
    }

    /// Hands some of the records to `handle`; false when there are no more.
    pub(crate) fn go_on(&mut self, handle: impl FnMut(&[u8])) -> bool {
        let Some((inode, iterator)) = self.iterators.last_mut() else { return false };
        match iterator.read(&mut self.buffer[self.filled..]) {
            Ok(0) => {
                self.told.push(*inode);
                self.next();
            }
            Ok(read) => self.filled += read,
            // It had no memory for a moment, or was interrupted: it goes on from where it was.
            Err(error) if matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EINTR)) => {}
            Err(_) => self.next(),
        }
        let whole = self.filled - self.filled % RECORD;
        self.buffer[..whole].chunks_exact(RECORD).for_each(handle);
        self.buffer.copy_within(whole..self.filled, 0);
        self.filled -= whole;
        !self.iterators.is_empty()
    }

    /// The namespaces of which all was told.
    pub fn told(&self) -> &[u32] {
        &self.told
    }

    fn next(&mut self) {
        self.iterators.pop();
        self.filled = 0;
    }
}

/// The network namespaces that processes are in, by their inode numbers. Our own is there in any case.
fn namespaces() -> HashMap<u32, Option<File>> {
    let mut found = HashMap::new();
    let own = fs::metadata("/proc/thread-self/ns/net").map_or(0, |own| own.ino() as u32);
    found.insert(own, None);
    for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let is_process = process.file_name().as_encoded_bytes().first().is_some_and(u8::is_ascii_digit);
        if !is_process || found.len() >= NAMESPACES {
            continue;
        }
        let path = process.path().join("ns/net");
        // The link's own text has the number; to follow it costs more, and nearly all are in the same.
        let link = fs::read_link(&path).ok();
        let number = link.as_deref().and_then(|link| link.to_str()).and_then(number_in_brackets);
        if let Some(inode) = number
            && !found.contains_key(&inode)
            && let Ok(file) = File::open(&path)
        {
            found.insert(inode, Some(file));
        }
    }
    found
}

/// `net:[4026531840]`.
fn number_in_brackets(link: &str) -> Option<u32> {
    link.strip_prefix("net:[")?.strip_suffix(']')?.parse().ok()
}

fn iterators(link: &Link, namespaces: &HashMap<u32, Option<File>>) -> Vec<(u32, Iter)> {
    let mut made = Vec::new();
    for (inode, file) in namespaces {
        let iterator = match file {
            None => Iter::new(link).ok(),
            Some(file) => within(file, link),
        };
        made.extend(iterator.map(|iterator| (*inode, iterator)));
    }
    made
}

/// The iterator of a namespace: a thread goes there and does not come back.
fn within(namespace: &File, link: &Link) -> Option<Iter> {
    /// A link is a pointer to libbpf's struct, of which only the descriptor is read here.
    struct Shared<'a>(&'a Link);
    // SAFETY: the other thread only reads the descriptor, while this one waits for it.
    unsafe impl Send for Shared<'_> {}
    let shared = Shared(link);
    std::thread::scope(|scope| {
        let there = scope.spawn(move || {
            let shared = shared;
            rights::raise(rights::SYS_ADMIN);
            // SAFETY: the descriptor is open; the thread ends with this closure.
            let gone = unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) } == 0;
            gone.then(|| Iter::new(shared.0).ok()).flatten()
        });
        there.join().ok().flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_namespace_is_found_once() {
        let own = fs::metadata("/proc/self/ns/net").unwrap().ino() as u32;
        assert!(namespaces().get(&own).is_some_and(Option::is_none));
        assert_eq!(number_in_brackets("net:[4026531840]"), Some(4026531840));
        for text in ["", "net:[]", "mnt:[4026531840]", "net:[4026531840"] {
            assert_eq!(number_in_brackets(text), None, "{text}");
        }
    }
}
