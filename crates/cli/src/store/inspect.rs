//! `weir store inspect`.

use std::fmt::Write;

use schema::Table;
use serde_json::json;
use store::{ColumnSize, Config, Reader};

use super::command::Inspect;
use crate::say::{answer, say};
use crate::units::{Count, Size};

/// What is told of a table.
#[derive(Debug, Default, PartialEq)]
struct Row {
    files: u64,
    rows: u64,
    logged: u64,
    bytes: u64,
    times: Option<(i64, i64)>,
    dropped: u64,
}

pub(super) fn run(arguments: &Inspect) -> anyhow::Result<()> {
    let reader = Reader::open(&arguments.folder, Config::default())?;
    for damaged in &reader.opening.damaged {
        say(format_args!("caution: {damaged}"));
    }
    if let Some(table) = arguments.columns {
        let (sizes, damaged) = reader.columns(table);
        damaged.iter().for_each(|damaged| say(format_args!("caution: {damaged}")));
        let mut sizes: Vec<(String, ColumnSize)> = sizes.into_iter().collect();
        sizes.sort_by_key(|(_, size)| std::cmp::Reverse(size.values + size.filters));
        let rows = row(&reader, table).rows;
        let text = if arguments.json { column_lines(&sizes) } else { columns_shown(&sizes, rows) };
        return Ok(answer(&text)?);
    }
    let rows = Table::ALL.map(|table| (table, row(&reader, table)));
    let text = if arguments.json { lines(&rows) } else { shown(&rows) };
    Ok(answer(&text)?)
}

fn row(reader: &Reader, table: Table) -> Row {
    let content = reader.content();
    let mut row = Row { logged: reader.logged_rows(table) as u64, ..Row::default() };
    for meta in content.files.values().filter(|meta| meta.table == table) {
        row.files += 1;
        row.rows += meta.rows;
        row.bytes += meta.bytes;
        let (from, to) = row.times.unwrap_or((meta.from, meta.to));
        row.times = Some((from.min(meta.from), to.max(meta.to)));
    }
    if let Some(dropped) = content.dropped.get(&table) {
        row.dropped = dropped.age + dropped.size + dropped.damaged;
    }
    row
}

/// Seconds are enough here.
fn time(time: i64) -> String {
    let mut text = Vec::new();
    export::time::rfc3339(u64::try_from(time).unwrap_or(0), &mut text);
    text.truncate("2026-11-20T08:00:00".len());
    String::from_utf8(text).unwrap_or_default()
}

fn shown(rows: &[(Table, Row)]) -> String {
    let mut text = String::new();
    // Writing to a String does not fail.
    let _ = writeln!(
        text,
        "{:<12} {:>6} {:>14} {:>12} {:>10} {:>8} {:>12}  {:<19}  TO (UTC)",
        "TABLE", "FILES", "ROWS", "IN THE LOG", "BYTES", "A ROW", "DROPPED", "FROM (UTC)"
    );
    for (table, row) in rows {
        let [from, to] =
            row.times.map_or([String::new(), String::new()], |(from, to)| [time(from), time(to)]);
        let each = if row.rows == 0 {
            String::new()
        } else {
            format!("{:.1} B", row.bytes as f64 / row.rows as f64)
        };
        let _ = writeln!(
            text,
            "{:<12} {:>6} {:>14} {:>12} {:>10} {each:>8} {:>12}  {from:<19}  {to}",
            table.name(),
            row.files,
            Count(row.rows).to_string(),
            Count(row.logged).to_string(),
            Size(row.bytes).to_string(),
            Count(row.dropped).to_string(),
        );
    }
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n") + "\n"
}

fn lines(rows: &[(Table, Row)]) -> String {
    let line = |(table, row): &(Table, Row)| {
        let [from, to] = match row.times {
            Some((from, to)) => [Some(time(from) + "Z"), Some(time(to) + "Z")],
            None => [None, None],
        };
        let object = json!({
            "table": table.name(), "files": row.files, "rows": row.rows, "logged": row.logged,
            "bytes": row.bytes, "dropped": row.dropped, "from": from, "to": to,
        });
        object.to_string() + "\n"
    };
    rows.iter().map(line).collect()
}

/// Columns that take something, and what they take of a row.
fn columns_shown(sizes: &[(String, ColumnSize)], rows: u64) -> String {
    let all: u64 = sizes.iter().map(|(_, size)| size.values + size.filters).sum();
    let mut text = String::new();
    // Writing to a String does not fail.
    let _ =
        writeln!(text, "{:<32} {:>10} {:>10} {:>8} {:>7}", "COLUMN", "VALUES", "FILTERS", "A ROW", "SHARE");
    for (name, size) in sizes {
        let bytes = size.values + size.filters;
        let _ = writeln!(
            text,
            "{name:<32} {:>10} {:>10} {:>6.2} B {:>5.1} %",
            Size(size.values).to_string(),
            if size.filters == 0 { String::new() } else { Size(size.filters).to_string() },
            bytes as f64 / rows.max(1) as f64,
            bytes as f64 * 100.0 / all.max(1) as f64,
        );
    }
    text
}

fn column_lines(sizes: &[(String, ColumnSize)]) -> String {
    let line = |(name, size): &(String, ColumnSize)| {
        json!({"column": name, "values": size.values, "filters": size.filters}).to_string() + "\n"
    };
    sizes.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_its_figures_in_columns() {
        let times = Some((1_700_000_000_000_000_000, 1_700_000_060_000_000_000));
        let row = Row { files: 2, rows: 1_000_000, logged: 5, bytes: 25_000_000, times, dropped: 0 };
        let rows = [(Table::Requests, row), (Table::Logs, Row::default())];
        let text = shown(&rows);
        let line = text.lines().nth(1).unwrap_or_default();
        assert!(line.starts_with("requests          2"), "{text}");
        assert!(
            line.contains("25.0 B") && line.ends_with("2023-11-14T22:13:20  2023-11-14T22:14:20"),
            "{text}"
        );
        assert!(text.lines().all(|line| line.len() <= 130), "{text}");
        let line = lines(&rows[..1]);
        assert!(
            line.contains(r#""rows":1000000"#) && line.contains(r#""from":"2023-11-14T22:13:20Z""#),
            "{line}"
        );
    }

    #[test]
    fn columns_tell_their_share() {
        let size = |values, filters| ColumnSize { values, filters };
        let sizes =
            [("url.path".to_owned(), size(3_000_000, 0)), ("trace_id".to_owned(), size(900_000, 100_000))];
        let text = columns_shown(&sizes, 1_000_000);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].starts_with("url.path") && lines[1].ends_with("3.00 B  75.0 %"), "{text}");
        assert!(lines[2].ends_with("1.00 B  25.0 %"), "{text}");
        assert_eq!(
            column_lines(&sizes[1..]),
            "{\"column\":\"trace_id\",\"filters\":100000,\"values\":900000}\n"
        );
    }
}
