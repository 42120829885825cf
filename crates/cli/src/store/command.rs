//! The commands.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{check, export, inspect};

/// Arguments of `weir store`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Tells what is in a store: tables, rows, bytes, times, and what was dropped. The store may be in use.
    Inspect(Inspect),
    /// Reads every byte and names what is damaged. Nothing is changed, and the store may be in use; what changes meanwhile may be told as
    /// missing.
    Check(Folder),
    /// Saves what can be read of a damaged store. Nobody else may have it open. What is damaged is kept under another name.
    Repair(Folder),
    /// Writes what is in the log only into files, and merges small files. Nobody else may have the store open.
    Compact(Folder),
    /// Writes all rows of a table, those in the log too, for other programs. The store may be in use.
    Export(Export),
}

#[derive(Debug, Args)]
pub(super) struct Folder {
    /// The folder that the store is in.
    pub(super) folder: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Inspect {
    /// The folder that the store is in.
    pub(super) folder: PathBuf,
    /// One JSON object a line for each table, instead of a table.
    #[arg(long)]
    pub(super) json: bool,
    /// What each column of this table takes in its files, instead.
    #[arg(long, value_name = "TABLE", value_parser = table)]
    pub(super) columns: Option<schema::Table>,
}

#[derive(Debug, Args)]
pub(super) struct Export {
    /// The folder that the store is in.
    pub(super) folder: PathBuf,
    /// The table: requests, spans, connections, edges, metrics, logs, profiles, agents, entities.
    #[arg(long, default_value = "requests", value_name = "TABLE", value_parser = table)]
    pub(super) table: schema::Table,
    /// What is written.
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
    /// The file to write, which must not be there yet; standard output where none is given.
    #[arg(long, short, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
}

/// What rows are written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Format {
    /// One JSON object a line: times as text, durations in seconds, without what has no value.
    #[default]
    Json,
    /// Values with commas between, behind a line of names.
    Csv,
    /// A file of columns, for DuckDB, pandas, Spark.
    Parquet,
}

const EXAMPLES: &str = "\
Examples:
  weir store inspect /var/lib/weir/store                             what is in it
  weir store inspect /var/lib/weir/store --columns requests          what each column of a table takes
  weir store check /var/lib/weir/store                               whether all of it can be read
  weir store export /var/lib/weir/store --table edges --format csv   who asked whom, for a spreadsheet
  weir store export /var/lib/weir/store --format parquet -o all.parquet";

fn table(name: &str) -> Result<schema::Table, String> {
    schema::Table::named(name).ok_or_else(|| {
        let names = schema::Table::ALL.map(schema::Table::name);
        let near = crate::nearest::nearest(name, names).map(|near| format!("; did you mean `{near}`?"));
        format!("there is no such table{}", near.unwrap_or_default())
    })
}

/// Runs a command.
///
/// # Errors
///
/// When the store cannot be read or written, or a check finds damage.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    match &arguments.command {
        Command::Inspect(arguments) => inspect::run(arguments),
        Command::Check(arguments) => check::check(&arguments.folder),
        Command::Repair(arguments) => check::repair(&arguments.folder),
        Command::Compact(arguments) => check::compact(&arguments.folder),
        Command::Export(arguments) => export::run(arguments),
    }
}
