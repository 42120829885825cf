//! `weir store export`.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context as _, bail};
use export::rows::{csv, csv_head, json};
use schema::Table;
use schema::query::Cell;
use store::{Config, Reader};

use super::command::{Export, Format};
use crate::say::say;
use crate::units::Count;

pub(super) fn run(arguments: &Export) -> anyhow::Result<()> {
    let reader = Reader::open(&arguments.folder, Config::default())?;
    let result = match &arguments.output {
        Some(path) => to_file(&reader, arguments, path),
        None => export(&reader, arguments, io::stdout()),
    };
    match result {
        Err(error) if is_closed(&error) => Ok(()),
        Err(error) => Err(error),
        Ok(found) => {
            // What the manifest or the log has lost is missing in every table.
            let mut damaged = reader.opening.damaged;
            damaged.extend(found);
            damaged.iter().for_each(|damaged| say(format_args!("damaged: {damaged}")));
            match damaged.len() {
                0 => Ok(()),
                parts => bail!(
                    "rows are missing: {parts} parts of the store cannot be read; `weir store repair {}` saves what can be",
                    arguments.folder.display()
                ),
            }
        }
    }
}

/// Writes into a file that has its name only when it is whole.
fn to_file(reader: &Reader, arguments: &Export, path: &Path) -> anyhow::Result<Vec<String>> {
    let name = path.display();
    if path.symlink_metadata().is_ok() {
        bail!("{name} is there already; choose another name");
    }
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    // One that was not finished is written over.
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part);
    let file = file.with_context(|| format!("cannot make {}", Path::new(&part).display()))?;
    let result = export(reader, arguments, file);
    let result = result.and_then(|damaged| {
        std::fs::rename(&part, path)?;
        Ok(damaged)
    });
    if result.is_err() {
        // Half of it would be of no use to anybody, and take room.
        let _ = std::fs::remove_file(&part);
    }
    result.with_context(|| format!("writing {name}"))
}

/// Nobody reads any more.
fn is_closed(error: &anyhow::Error) -> bool {
    let cause = match error.downcast_ref::<store::Error>() {
        Some(store::Error::Io { cause, .. }) => Some(cause),
        _ => error.downcast_ref::<io::Error>(),
    };
    cause.is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

fn export(reader: &Reader, arguments: &Export, out: impl Write + Send) -> anyhow::Result<Vec<String>> {
    let table = arguments.table;
    let mut out = BufWriter::with_capacity(1 << 20, out);
    let damaged = match arguments.format {
        Format::Parquet => {
            let mut written = Written(0);
            reader.parquet(table, &mut out, |rows| written.add(rows))?
        }
        Format::Json => rows(reader, table, &mut out, json)?,
        Format::Csv => {
            out.write_all(csv_head(table).as_bytes())?;
            rows(reader, table, &mut out, csv)?
        }
    };
    out.flush()?;
    Ok(damaged)
}

/// Rows after which it is told how far it is.
const TOLD_EVERY: u64 = 1_000_000;

/// Rows that are written.
struct Written(u64);

impl Written {
    fn add(&mut self, rows: u64) {
        let before = self.0 / TOLD_EVERY;
        self.0 += rows;
        if self.0 / TOLD_EVERY > before {
            say(format_args!("{} rows written", Count(self.0)));
        }
    }
}

fn rows(
    reader: &Reader,
    table: Table,
    out: &mut impl Write,
    form: fn(Table, &[Cell], &mut Vec<u8>),
) -> anyhow::Result<Vec<String>> {
    let (mut line, mut written) = (Vec::new(), Written(0));
    reader.cells(table, |cells| {
        line.clear();
        form(table, cells, &mut line);
        written.add(1);
        Ok::<(), anyhow::Error>(out.write_all(&line)?)
    })
}
