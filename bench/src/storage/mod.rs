//! What the store costs and how fast it answers: README.md here says of what data, and what each figure is.

pub(crate) mod generator;
mod ingest;
mod questions;
mod services;

use std::path::Path;

pub(crate) use self::ingest::{keep, processor};
use crate::report::Report;

/// Rows a second while the memory is measured.
const STEADY: u64 = 20_000;

/// Makes a store of so many rows and asks it.
pub(crate) fn measure(report: &mut Report, rows: u64, rounds: u32) -> anyhow::Result<()> {
    // First, while the process has not taken memory for anything else.
    ingest::steady(report, STEADY, 20)?;
    let folder = tempfile::tempdir()?;
    ingest::lean(report, rows.min(1_000_000))?;
    let trace = ingest::full(report, folder.path(), rows)?;
    questions::measure(report, folder.path(), &trace, rounds)
}

/// The bytes of a folder's files whose names begin so.
pub(crate) fn bytes(folder: &Path, beginning: &str) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(beginning) {
            bytes += entry.metadata()?.len();
        }
    }
    Ok(bytes)
}
