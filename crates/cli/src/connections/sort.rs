//! In which order connections are shown.

use std::cmp::Reverse;

use clap::ValueEnum;
use model::tcp::Connection;

/// The order of a table that is drawn again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Sort {
    /// Those that moved most since the table was drawn last, then those that moved most.
    #[default]
    Traffic,
    /// The youngest first.
    Age,
    /// Most bytes sent.
    Sent,
    /// Most bytes received.
    Received,
    /// The longest round trips.
    Rtt,
    /// Most segments sent again.
    Retransmits,
    /// By the services' names.
    Service,
}

impl Sort {
    /// Sorts, and keeps only the first `most`.
    pub fn apply(self, connections: &mut Vec<Connection>, most: usize) {
        let id = |connection: &Connection| connection.id;
        match self {
            Sort::Traffic => connections.sort_by_cached_key(|c| {
                let (now, all) = (c.growth.sent + c.growth.received, c.counters.sent + c.counters.received);
                (Reverse(now), Reverse(all), id(c))
            }),
            Sort::Age => connections.sort_by_cached_key(|c| (c.age.unwrap_or(u64::MAX), id(c))),
            Sort::Sent => connections.sort_by_cached_key(|c| (Reverse(c.counters.sent), id(c))),
            Sort::Received => connections.sort_by_cached_key(|c| (Reverse(c.counters.received), id(c))),
            Sort::Rtt => connections.sort_by_cached_key(|c| (Reverse(c.counters.rtt), id(c))),
            Sort::Retransmits => connections.sort_by_cached_key(|c| (Reverse(c.counters.retransmits), id(c))),
            Sort::Service => connections
                .sort_by_cached_key(|c| (c.client.service.clone(), c.server.service.clone(), id(c))),
        }
        connections.truncate(most);
    }
}
