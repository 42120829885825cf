//! The embedded store: batches of rows go into a log, are acknowledged when they are durable, and become sorted files of Parquet;
//! questions are answered from both. What goes wrong with a disk is found and told, and never answered with.

mod batch;
mod check;
mod config;
mod disk;
mod engine;
mod error;
mod export;
mod log;
mod maintain;
mod manifest;
mod open;
mod query;
mod reader;
mod segment;
mod sources;
mod store;
mod ticket;

#[cfg(test)]
mod tests;

pub use check::{Checked, Progress, Repaired, check, repair};
pub use config::{Config, Retention};
pub use disk::{Disk, ReadFile, RealDisk, WriteFile};
pub use engine::Figures;
pub use error::Error;
pub use log::{Found as FoundInLog, Logged, Origin, read as read_log};
pub use manifest::{Content, Dropped, Found as FoundInManifest, Meta, read as read_manifest};
pub use open::Opening;
pub use query::{Cancel, Parts, Watch};
pub use reader::{ColumnSize, Reader};
pub use store::Store;
pub use ticket::Ticket;
