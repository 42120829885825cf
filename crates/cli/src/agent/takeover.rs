//! One agent takes over from another, so that a new binary goes on where the earlier one stopped.
//!
//! The new agent prepares itself beside the earlier one, with kernel programs and rings of its own, and tells nothing. Once it has seen all for a
//! while, it begins:
//!
//! | it says | the earlier one |
//! |---|---|
//! | `Begin` | looks at all connections once more, then chooses an instant ([`super::told`]) and says it |
//! | | tells what is found out late of the time before, and hands over all series, and its listening sockets |
//! | `Taken`, and gives metrics out | counts what was under way and nobody tells, says that, sends what it has for receivers, and ends |
//! | begins to send to receivers, since nobody else does any more | |
//!
//! Until `Taken` the earlier one can go on as if nothing had been: what it did not tell it has held back. It is asked on its socket for control,
//! by HTTP's `Upgrade`; so one of a version that cannot hand over refuses as it refuses any other path.

mod new;
mod old;
mod wire;

use std::fmt;
use std::os::unix::fs::MetadataExt;

pub(super) use new::{Earlier, Event, Handed, Taking};
pub(super) use old::{Claim, Giving, Listeners, Wish};

/// What is asked for on the socket for control.
pub(super) const PATH: &str = "/takeover";
/// What is upgraded to.
pub(super) const PROTOCOL: &str = "weir-takeover";
/// The header with [`wire::VERSION`].
pub(super) const VERSION_HEADER: &str = "weir-takeover-version";
/// The header of the answer with the earlier agent's `metrics.listen`, as it was set.
pub(super) const LISTEN_HEADER: &str = "weir-listen";
/// The header of the answer with the earlier agent's [`Binary`].
pub(super) const BINARY_HEADER: &str = "weir-binary";

pub(super) use wire::VERSION;

/// A file that was executed: its device and inode, which no other file has as long as it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Binary(u64, u64);

impl Binary {
    /// This process's.
    pub(super) fn own() -> Option<Binary> {
        let file = std::fs::metadata("/proc/self/exe").ok()?;
        Some(Binary(file.dev(), file.ino()))
    }
}

impl fmt::Display for Binary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.0, self.1)
    }
}

/// How a take-over came out, for the figures.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Outcome {
    /// How many were complete: none or one.
    pub(super) complete: u64,
    /// The earlier agent ended before it had handed all over.
    pub(super) broken_off: u64,
    /// From the wish to take over until metrics were given out here: seconds.
    pub(super) took: Option<f64>,
    /// Requests that neither agent tells.
    pub(super) missed: u64,
}
