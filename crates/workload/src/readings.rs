//! What was read below `/proc` of a network namespace, and holds for a while.

use std::collections::HashMap;

use model::Nanos;

/// Network namespaces that are remembered.
const NAMESPACES: usize = 1024;

/// One reading for each network namespace, by its inode number.
#[derive(Debug)]
pub(crate) struct Readings<T> {
    holds: Nanos,
    known: HashMap<u32, (Nanos, T)>,
}

impl<T> Readings<T> {
    /// A reading `holds` for so long.
    pub(crate) fn new(holds: Nanos) -> Self {
        Readings { holds, known: HashMap::new() }
    }

    /// The reading for `netns`, taken anew by `read` where the last one holds no more; `None` where that fails.
    pub(crate) fn get(&mut self, netns: u32, now: Nanos, read: impl FnOnce() -> Option<T>) -> Option<&T> {
        let fresh = self.known.get(&netns).is_some_and(|(at, _)| now < at.saturating_add(self.holds));
        if !fresh {
            let reading = read()?;
            if self.known.len() >= NAMESPACES {
                self.known.clear();
            }
            self.known.insert(netns, (now, reading));
        }
        self.known.get(&netns).map(|(_, reading)| reading)
    }
}
