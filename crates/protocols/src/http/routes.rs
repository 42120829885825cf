//! Path templates, learnt from the paths that a server is asked for.
//!
//! A path is walked segment by segment through the server's tree. A segment that looks like a value (a
//! number, a UUID, a hash, a date, an address, ...) is `{id}` at once; any other is taken as part of the
//! route until its place has had too many different ones: then it becomes `{id}` too (`{file}` for names
//! with an extension), except for those that were asked for again and again.
//!
//! Everything is bounded: the places and the depth of a tree, the number of trees, and what a server's 404
//! answers may teach, so that a scanner does not spoil the tree. What does not fit is named by the part
//! that is known and `{rest}`.
//!
//! Cost: one hash look-up for the server, then for each segment one scan of its bytes and one comparison of
//! hashes against the segments known at that place; no allocation for a path whose template is known.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use model::Text;

use super::tree::Tree;

/// Servers with a tree of their own; further ones share one.
const MOST_SERVERS: usize = 4096;

/// Learnt path templates of all servers.
#[derive(Debug, Default)]
pub struct Routes {
    servers: HashMap<u64, Tree, BuildHasherDefault<Identity>>,
    shared: Tree,
}

impl Routes {
    /// The template for `path` (as sent, without the query) of `server`; learns from it. `found` is false
    /// when the server answered that there is no such path.
    pub fn template(&mut self, server: u64, path: &str, found: bool) -> &Text {
        let room = self.servers.len() < MOST_SERVERS;
        let tree = match self.servers.entry(server) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) if room => entry.insert(Tree::default()),
            std::collections::hash_map::Entry::Vacant(_) => &mut self.shared,
        };
        tree.template(path, found)
    }

    /// How many places of paths are known, over all servers: what memory is spent on.
    pub fn places(&self) -> usize {
        self.servers.values().chain([&self.shared]).map(Tree::places).sum()
    }
}

/// A server's key is a hash already, or a small number; it is spread, not hashed again.
#[derive(Debug, Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(self.0 << 8 | u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(26);
    }
}
