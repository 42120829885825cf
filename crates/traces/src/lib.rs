//! Which request brought about which, from what was seen of processes and connections, without a line of code in them.
//!
//! A [`Joiner`] takes requests that begin and requests that are finished, of one host, and gives each finished one its place in a trace, with
//! the evidence for it. In doubt it gives none. [`assemble`] puts rows of several hosts together.
//!
//! Everything here is pure: no clock, no I/O; times are handed in.

pub mod assemble;
mod evidence;
mod exchanges;
mod joiner;
mod order;
mod telling;
mod threads;

use model::Nanos;
use model::trace::Evidence;

pub use joiner::Joiner;

/// How much is kept, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// What happened is looked at so much later: by then everything that happened before is known. Default 100 ms.
    pub delay: Nanos,
    /// A finished request waits so long at most for its trace to be over. Default 1 s.
    pub hold: Nanos,
    /// A request that is not over after this time is given up. Default 5 min.
    pub longest: Nanos,
    /// Exchanges that are known at a time. Default 65,536, which take some 40 MB.
    pub most: usize,
}

impl Default for Config {
    fn default() -> Self {
        Config { delay: 100_000_000, hold: 1_000_000_000, longest: 300_000_000_000, most: 65_536 }
    }
}

/// What was done, and what was not: nothing is given up without a count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Joins that were told, in the order of [`Evidence::ALL`].
    pub joined: [u64; Evidence::ALL.len()],
    /// Requests that were asked while others were served, of which none could be told from the rest.
    pub abstained: u64,
    /// Joins that were taken back before they were told, since what came later spoke against them.
    pub withdrawn: u64,
    /// The same, but somebody had been told.
    pub contradicted: u64,
    /// Requests that were told before their trace was over.
    pub early: u64,
    /// Requests of which it was heard only when what happened meanwhile had been looked at.
    pub late: u64,
    /// Requests that passed by since too many were known.
    pub refused: u64,
    /// Requests of which an end was never told.
    pub given_up: u64,
}

impl Counters {
    /// Joins by this evidence.
    pub fn joined_by(&self, evidence: Evidence) -> u64 {
        self.joined[evidence as usize]
    }
}
