//! What the kernel counted: lost events.

use std::fmt;

/// Events that did not reach user space, by cause. All are counts since start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Losses {
    /// The ring had no room for a chunk of payload.
    pub ring_full_chunks: u64,
    /// The ring had no room for another record (open, owner, end).
    pub ring_full_others: u64,
    /// There was no memory for a socket's state.
    pub no_state: u64,
    /// Payload was wanted, but its page was not there.
    pub unreadable: u64,
    /// A call had more segments than are followed.
    pub segments: u64,
    /// Datagrams of which a system call does not tell the peer, or one call moved too many.
    pub datagrams: u64,
    /// A program did not run because it was already running on that processor.
    pub missed_runs: u64,
    /// A record made no sense.
    pub undecodable: u64,
    /// No loss: ends of connections that were told one by one, because there was no room for a sum.
    pub unsummed: u64,
}

impl Losses {
    /// The causes by which whole events were lost, with their names; gaps in payload are not among them.
    pub fn lost(&self) -> [(&'static str, u64); 6] {
        [
            ("ring full (data)", self.ring_full_chunks),
            ("ring full (other)", self.ring_full_others),
            ("no memory for state", self.no_state),
            ("datagrams not followed", self.datagrams),
            ("missed program runs", self.missed_runs),
            ("undecodable", self.undecodable),
        ]
    }

    /// Payloads that are missing though their bytes were seen to move.
    pub fn gaps(&self) -> [(&'static str, u64); 2] {
        [("page not present", self.unreadable), ("too many segments", self.segments)]
    }
}

impl fmt::Display for Losses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (cause, count) in self.lost().into_iter().chain(self.gaps()).filter(|(_, n)| *n > 0) {
            write!(f, "{separator}{cause} {count}")?;
            separator = ", ";
        }
        if separator.is_empty() { f.write_str("none") } else { Ok(()) }
    }
}
