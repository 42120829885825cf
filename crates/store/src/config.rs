//! What a store is told.

use std::time::Duration;

use schema::Table;

/// How a store is to behave.
#[derive(Debug, Clone)]
pub struct Config {
    /// How long a batch waits at most for others to be made durable with it.
    pub commit_every: Duration,
    /// So many bytes are made durable at once, without waiting.
    pub commit_bytes: usize,
    /// Rows in memory that are enough for a file.
    pub flush_rows: usize,
    /// Bytes of rows in memory that are enough for a file.
    pub flush_bytes: usize,
    /// For how long rows stay in memory at most.
    pub flush_every: Duration,
    /// Bytes that may wait to be made durable; beyond them batches are refused.
    pub most_waiting: usize,
    /// Rows of a group within a file.
    pub row_group: usize,
    /// Memory that a query may have: bytes.
    pub query_memory: usize,
    /// Threads that a query may have.
    pub query_threads: usize,
    /// Files whose descriptions are kept in memory.
    pub open_files: usize,
    /// Senders whose batch numbers are kept; of more, those are forgotten that sent nothing for longest.
    pub sources: usize,
    /// What is dropped, and when.
    pub retention: Vec<Retention>,
}

/// For how long a table's rows are kept.
#[derive(Debug, Clone)]
pub struct Retention {
    /// The table.
    pub table: Table,
    /// Of edges: only those whose spans are so many seconds long; `None` for all. Files of earlier versions, which have
    /// several, go by what is said for all.
    pub resolution: Option<i64>,
    /// Rows older than this go.
    pub age: Option<Duration>,
    /// Where the files take more bytes, the oldest rows go.
    pub bytes: Option<u64>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            commit_every: Duration::from_millis(10),
            commit_bytes: 4 << 20,
            flush_rows: 1_000_000,
            flush_bytes: 64 << 20,
            flush_every: Duration::from_secs(300),
            most_waiting: 32 << 20,
            row_group: 262_144,
            query_memory: 64 << 20,
            query_threads: std::thread::available_parallelism().map_or(1, usize::from),
            open_files: 128,
            sources: 10_000,
            retention: Vec::new(),
        }
    }
}
