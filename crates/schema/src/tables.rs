//! The tables.

mod requests;
mod state;
mod telemetry;

use std::fmt;
use std::sync::{Arc, LazyLock};

use arrow_schema::{Schema, SchemaRef};
use model::names;
use serde::{Deserialize, Serialize};

use crate::Column;

/// The version of the schema that files are written with. It rises when a column is added or written otherwise; files of earlier versions
/// stay readable, and columns that they do not have are empty.
///
/// - 2: `weir.trace`, `weir.span`, `weir.parent`, `weir.evidence`, `weir.sequence` of requests, `sampled` of agents, `count` of connections.
/// - 3: histograms are [packed](crate::histogram::pack); they were maps before. `trace_flags` of requests.
pub const VERSION: u32 = 3;

/// Most rows within which they are in another order than that of time, so that a file need not be read as a whole for a short time.
pub const TOGETHER: usize = 32_768;

/// A table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Table {
    /// Every request, as one of its sides saw it.
    Requests,
    /// Spans that others sent.
    Spans,
    /// TCP connections that ended.
    Connections,
    /// Who asked whom, summed up.
    Edges,
    /// Points of metrics.
    Metrics,
    /// Lines of logs.
    Logs,
    /// Profiles: nothing writes them yet.
    Profiles,
    /// Agents, as they told of themselves.
    Agents,
    /// Services, processes, containers and hosts, with their lifetimes.
    Entities,
}

impl Table {
    /// All of them.
    pub const ALL: [Table; 9] = [
        Table::Requests,
        Table::Spans,
        Table::Connections,
        Table::Edges,
        Table::Metrics,
        Table::Logs,
        Table::Profiles,
        Table::Agents,
        Table::Entities,
    ];

    /// Its name: `requests`.
    pub const fn name(self) -> &'static str {
        match self {
            Table::Requests => "requests",
            Table::Spans => "spans",
            Table::Connections => "connections",
            Table::Edges => "edges",
            Table::Metrics => "metrics",
            Table::Logs => "logs",
            Table::Profiles => "profiles",
            Table::Agents => "agents",
            Table::Entities => "entities",
        }
    }

    /// The table of this name.
    pub fn named(name: &str) -> Option<Table> {
        Table::ALL.into_iter().find(|table| table.name() == name)
    }

    /// What a row of it is, in one sentence without the full stop.
    pub fn help(self) -> &'static str {
        match self {
            Table::Requests => "One exchange as one of its two sides saw it",
            Table::Spans => "A span that another program sent",
            Table::Connections => "A TCP connection that ended, as one of its ends saw it",
            Table::Edges => {
                "The requests of a client to a server within a span of time, as one side saw them; made from `requests` (spans of a minute and of an hour as those are written to files, shorter ones when they are asked for)"
            }
            Table::Metrics => "A point of a metric",
            Table::Logs => "A line of a log",
            Table::Profiles => "A stack and how often it was met; nothing writes them yet",
            Table::Agents => "What an agent told of itself",
            Table::Entities => "A service, process, container or host, and when it was there",
        }
    }

    /// Its columns. The first is the time, by which rows are kept and dropped.
    pub fn columns(self) -> &'static [Column] {
        match self {
            Table::Requests => requests::REQUESTS,
            Table::Spans => telemetry::SPANS,
            Table::Connections => state::CONNECTIONS,
            Table::Edges => requests::EDGES,
            Table::Metrics => telemetry::METRICS,
            Table::Logs => telemetry::LOGS,
            Table::Profiles => telemetry::PROFILES,
            Table::Agents => state::AGENTS,
            Table::Entities => state::ENTITIES,
        }
    }

    /// The column of this name, and its place.
    pub fn column(self, name: &str) -> Option<(usize, &'static Column)> {
        self.columns().iter().enumerate().find(|(_, column)| column.name == name)
    }

    /// The columns by which the rows of a file are sorted.
    pub fn sorted_by(self) -> [&'static str; 2] {
        match self {
            Table::Requests | Table::Spans | Table::Connections | Table::Logs => ["service.name", "time"],
            // Most questions are about how a service does: who asks it comes second.
            Table::Edges => ["server", "time"],
            Table::Metrics => ["metric", "time"],
            Table::Profiles => ["service.name", "time"],
            Table::Agents => ["host.name", "time"],
            Table::Entities => ["name", "time"],
        }
    }

    /// The columns by which rows are put together within each span of so many rows ([`TOGETHER`]) that are the same in the first
    /// column that they are sorted by: what is the same in one row after the other takes next to no room.
    pub fn put_together_by(self) -> &'static [&'static str] {
        match self {
            Table::Requests => &["weir.client.address", names::WEIR_CONNECTION, "name"],
            Table::Edges => &[names::CLIENT, names::HOST_NAME, "role"],
            _ => &[],
        }
    }

    /// Where a row stands for several requests, the columns that tell how many, and how many of them failed.
    pub fn weight(self) -> Option<[&'static str; 2]> {
        (self == Table::Edges).then_some(["count", "errors"])
    }

    /// Its form in memory.
    pub fn arrow(self) -> SchemaRef {
        static SCHEMAS: LazyLock<Vec<SchemaRef>> = LazyLock::new(|| {
            let schema = |table: Table| {
                Arc::new(Schema::new(table.columns().iter().map(Column::field).collect::<Vec<_>>()))
            };
            Table::ALL.into_iter().map(schema).collect()
        });
        SCHEMAS[self as usize].clone()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    #[test]
    fn tables_are_whole() {
        for (place, table) in Table::ALL.into_iter().enumerate() {
            assert_eq!(place, table as usize, "{table}");
            assert_eq!(Table::named(table.name()), Some(table));
            let columns = table.columns();
            assert_eq!((columns[0].name, columns[0].kind, columns[0].optional), ("time", Kind::Time, false));
            let together = table.put_together_by().iter().copied();
            for name in
                table.sorted_by().into_iter().chain(table.weight().into_iter().flatten()).chain(together)
            {
                assert!(table.column(name).is_some(), "{table}: {name}");
            }
            for (place, column) in columns.iter().enumerate() {
                assert_eq!(table.column(column.name).map(|(found, _)| found), Some(place), "{table}: twice");
                assert!(column.since <= VERSION, "{table}: {}", column.name);
                assert!(
                    !column.help.ends_with('.') || column.help.ends_with("..."),
                    "{table}: {}",
                    column.name
                );
            }
        }
    }
}
