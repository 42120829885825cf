//! What was seen, and what was not: nothing is dropped without a count.

use std::collections::BTreeMap;

/// Counts since start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters {
    /// Finished requests, one per side.
    pub requests: u64,
    /// Messages that made no sense or whose head was missing, by protocol.
    pub unparsed: BTreeMap<&'static str, u64>,
    /// Connections that are not read any further, by label: `tls`, `unknown`, `upgraded`, ...
    pub left_alone: BTreeMap<&'static str, u64>,
    /// Chunks of connections of which nothing else was known (yet), since the first tick.
    pub orphan_chunks: u64,
    /// The same within a second of the first tick: of connections that spoke while the kernel side was tried out, until they are announced
    /// once more. What they moved before is as little a loss as what moved before the start.
    pub early_chunks: u64,
    /// Bytes whose event was lost, in connections that are read, or that were given up because too much was held.
    pub lost_bytes: u64,
    /// Bytes beyond what is captured of a run, in which there were messages: pipelines.
    pub uncaptured_bytes: u64,
    /// Connections that were forgotten because there were too many, or that were idle for too long.
    pub forgotten: u64,
    /// Of these, the connections in which a request was still to be answered.
    pub forgotten_waiting: u64,
    /// Connections with both ends on this host, of which one end is read for both.
    pub paired: u64,
    /// Connections that were given up because they are left out for now.
    pub left_out: u64,
    /// Of these, the connections in which a request was still to be answered.
    pub left_out_waiting: u64,
    /// Remote addresses whose name was forgotten because there were too many.
    pub forgotten_names: u64,
}
