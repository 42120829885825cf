//! A row of a store's table as a line of text: JSON, or values with commas between.

use schema::query::Cell;
use schema::{Kind, Table};

use crate::time;

/// A value as text: times as such, durations in seconds.
fn text(kind: Kind, cell: &Cell, out: &mut Vec<u8>) {
    match (kind, cell) {
        (_, Cell::Null) => {}
        (Kind::Time, Cell::Number(time)) => time::rfc3339(u64::try_from(*time).unwrap_or(0), out),
        (Kind::Duration, Cell::Number(time)) => time::seconds(u64::try_from(*time).unwrap_or(0), out),
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

/// Appends a row as one JSON object and a line feed: times as RFC 3339, durations in seconds, without what has no value.
pub fn json(table: Table, cells: &[Cell], out: &mut Vec<u8>) {
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

/// Appends a row as values with commas between (RFC 4180) and a line feed, in the order of the table's columns.
pub fn csv(table: Table, cells: &[Cell], out: &mut Vec<u8>) {
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

/// The line that stands in front of such values: the columns' names.
pub fn csv_head(table: Table) -> String {
    let names: Vec<&str> = table.columns().iter().map(|column| column.name).collect();
    names.join(",") + "\n"
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
