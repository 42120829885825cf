//! Who else lives in the agent's process.

use super::figures;

/// Who else does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Company {
    /// Nobody.
    Nobody,
    /// A server with its store (`weir up`), whose needs are not the agent's.
    Server,
}

/// What a server may take, in memory, before the agent takes it for its own: bytes.
const SERVER_MEMORY: u64 = 512 << 20;

impl Company {
    /// CPU time that the agent took: nanoseconds. What the threads took that make rows and pages is not in it where there is a server.
    pub(super) fn cpu_time(self) -> u64 {
        match self {
            Company::Nobody => (figures::cpu_time() * 1e9) as u64,
            // This is the thread that empties the rings.
            Company::Server => super::read_clock(libc::CLOCK_THREAD_CPUTIME_ID),
        }
    }

    /// Memory that others may take: bytes.
    pub(super) fn memory(self) -> u64 {
        match self {
            Company::Nobody => 0,
            Company::Server => SERVER_MEMORY,
        }
    }
}
