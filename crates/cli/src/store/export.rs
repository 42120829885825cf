//! `weir store export`.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;

use anyhow::{Context as _, bail};
use schema::query::Cell;
use schema::{Kind, Table};
use store::{Config, Reader};

use super::command::{Export, Format};
use crate::say::say;
use crate::units::Count;

pub(super) fn run(arguments: &Export) -> anyhow::Result<()> {
    let reader = Reader::open(&arguments.folder, Config::default())?;
    let result = match &arguments.output {
        Some(path) => {
            let name = path.display();
            let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
            let file = file.with_context(|| format!("cannot make {name}"))?;
            export(&reader, arguments, file).with_context(|| format!("writing {name}"))
        }
        None => export(&reader, arguments, io::stdout()),
    };
    match result {
        Err(error) if is_closed(&error) => Ok(()),
        Err(error) => Err(error),
        Ok(damaged) if damaged.is_empty() => Ok(()),
        Ok(damaged) => {
            damaged.iter().for_each(|damaged| say(format_args!("damaged: {damaged}")));
            bail!("rows are missing: {} parts of the store cannot be read", damaged.len())
        }
    }
}

/// Nobody reads any more.
fn is_closed(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn export(reader: &Reader, arguments: &Export, out: impl Write + Send) -> anyhow::Result<Vec<String>> {
    let table = arguments.table;
    let mut out = BufWriter::with_capacity(1 << 20, out);
    let damaged = match arguments.format {
        Format::Parquet => reader.parquet(table, &mut out)?,
        Format::Json => rows(reader, table, &mut out, json)?,
        Format::Csv => {
            let names: Vec<String> = table.columns().iter().map(|column| column.name.to_owned()).collect();
            out.write_all((names.join(",") + "\n").as_bytes())?;
            rows(reader, table, &mut out, csv)?
        }
    };
    out.flush()?;
    Ok(damaged)
}

/// Rows after which it is told how far it is.
const TOLD_EVERY: u64 = 1_000_000;

fn rows(
    reader: &Reader,
    table: Table,
    out: &mut impl Write,
    form: fn(Table, &[Cell], &mut Vec<u8>),
) -> anyhow::Result<Vec<String>> {
    let (mut line, mut written) = (Vec::new(), 0);
    reader.cells(table, |cells| {
        line.clear();
        form(table, cells, &mut line);
        written += 1;
        if written % TOLD_EVERY == 0 {
            say(format_args!("{} rows written", Count(written)));
        }
        Ok::<(), anyhow::Error>(out.write_all(&line)?)
    })
}

/// A value as text: times as such, durations in seconds.
fn text(kind: Kind, cell: &Cell, out: &mut Vec<u8>) {
    match (kind, cell) {
        (_, Cell::Null) => {}
        (Kind::Time, Cell::Number(time)) => export::time::rfc3339(u64::try_from(*time).unwrap_or(0), out),
        (Kind::Duration, Cell::Number(time)) => export::time::seconds(u64::try_from(*time).unwrap_or(0), out),
        (_, Cell::Number(number)) => out.extend(number.to_string().bytes()),
        (_, Cell::Float(number)) => out.extend(number.to_string().bytes()),
        (_, Cell::Flag(flag)) => out.extend(flag.to_string().bytes()),
        (_, Cell::Text(text)) => out.extend(text.bytes()),
        (_, Cell::Map(_) | Cell::Histogram(_)) => out.extend(value(cell).to_string().bytes()),
    }
}

fn value(cell: &Cell) -> serde_json::Value {
    match cell {
        Cell::Map(pairs) => {
            pairs.iter().map(|(key, value)| (key.clone(), serde_json::Value::from(value.as_str()))).collect()
        }
        Cell::Histogram(pairs) => pairs
            .iter()
            .map(|(bucket, count)| (bucket.to_string(), serde_json::Value::from(*count)))
            .collect(),
        // Text always has a form in JSON.
        other => serde_json::to_value(other).unwrap_or_default(),
    }
}

fn json(table: Table, cells: &[Cell], out: &mut Vec<u8>) {
    out.push(b'{');
    let mut first = true;
    for (column, cell) in table.columns().iter().zip(cells).filter(|(_, cell)| **cell != Cell::Null) {
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
        out.extend(format!("\"{}\":", column.name).bytes());
        match column.kind {
            Kind::Time => {
                out.push(b'"');
                text(column.kind, cell, out);
                out.push(b'"');
            }
            Kind::Duration => text(column.kind, cell, out),
            _ => out.extend(value(cell).to_string().bytes()),
        }
    }
    out.extend(b"}\n");
}

fn csv(table: Table, cells: &[Cell], out: &mut Vec<u8>) {
    let mut field = Vec::new();
    for (place, (column, cell)) in table.columns().iter().zip(cells).enumerate() {
        if place > 0 {
            out.push(b',');
        }
        field.clear();
        text(column.kind, cell, &mut field);
        // RFC 4180: what has a comma, a quote or a line's end is put into quotes, and quotes are doubled.
        if field.iter().any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r')) {
            out.push(b'"');
            field.iter().for_each(|byte| {
                out.extend(if *byte == b'"' { &b"\"\""[..] } else { std::slice::from_ref(byte) })
            });
            out.push(b'"');
        } else {
            out.extend(&field);
        }
    }
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_in_each_form() {
        let mut cells = vec![Cell::Null; Table::Logs.columns().len()];
        cells[0] = Cell::Number(1_700_000_000_000_000_000);
        cells[4] = Cell::Text("a \"b\", c\n".into());
        cells[7] = Cell::Map(vec![("k".into(), "v".into())]);
        let mut out = Vec::new();
        json(Table::Logs, &cells, &mut out);
        csv(Table::Logs, &cells, &mut out);
        let expected = "{\"time\":\"2023-11-14T22:13:20.000000000Z\",\"body\":\"a \\\"b\\\", c\\n\",\"attributes\":{\"k\":\"v\"}}\n\
            2023-11-14T22:13:20.000000000Z,,,,\"a \"\"b\"\", c\n\",,,\"{\"\"k\"\":\"\"v\"\"}\"\n";
        assert_eq!(String::from_utf8_lossy(&out), expected);
    }
}
