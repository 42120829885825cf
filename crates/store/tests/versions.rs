//! Stores that earlier versions wrote: `tests/versions/N` is one of version N of the schema, and stays as it is.
//!
//! When the version rises, `UPDATE_GOLDEN=1 cargo test -p store --test versions` writes the folder of the new one.

#![allow(clippy::unwrap_used)] // the helpers of a test are tests

use std::path::{Path, PathBuf};

use schema::query::{Ask, Cell, Filter, Order, Outcome, Query};
use schema::{Rows, Table};
use store::{Cancel, Config, Origin, Reader, Store};

fn folder(version: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/versions/{version}"))
}

/// Two lines of each table that has text in it, one in a file and one in the log.
fn write(folder: &Path) {
    let (store, _) = Store::open(folder, Config::default()).unwrap();
    for sequence in 0..2 {
        for (source, table) in (0..).zip(Table::ALL) {
            let mut rows = Rows::new(table);
            rows.number(0, 1_700_000_000_000_000_000 + sequence as i64);
            if let Some((place, _)) = table.column("host.name") {
                rows.text(place, &format!("host-{sequence}"));
            }
            rows.end().unwrap();
            store.append(Origin { source, sequence }, table, &rows.finish().unwrap()).unwrap();
        }
        if sequence == 0 {
            store.flush().unwrap();
        }
    }
}

/// The durations of requests of long ago, of which edges of a minute were made; they are maps in version 2 and none in version 1.
fn durations(reader: &Reader, version: u32) {
    let ask = Ask::Rows {
        columns: vec!["count".into(), "duration".into()],
        order: Order { ascending: true, ..Order::default() },
        limit: 10,
        after: None,
    };
    let minutes = Filter::is("resolution", 60);
    let query = Query { table: Table::Edges, from: None, to: None, filter: minutes, ask };
    let answer = reader.query(&query, &Cancel::default()).unwrap();
    let Outcome::Rows { rows, .. } = answer.outcome else { panic!("no rows") };
    let one = vec![Cell::Number(1), Cell::Histogram(vec![(0, 1)])];
    assert_eq!(rows, [one.clone(), one], "version {version}");
}

#[test]
fn every_version_is_readable() {
    let latest = folder(schema::VERSION);
    if std::env::var_os("UPDATE_GOLDEN").is_some() && !latest.exists() {
        write(&latest);
        std::fs::remove_file(latest.join("lock")).unwrap();
    }
    for version in 1..=schema::VERSION {
        let reader = Reader::open(&folder(version), Config::default()).unwrap();
        assert_eq!(reader.opening.damaged, [""; 0], "version {version}");
        for table in Table::ALL {
            let ask = Ask::Rows {
                columns: vec!["host.name".into()],
                order: Order { ascending: true, ..Order::default() },
                limit: 10,
                after: None,
            };
            // Those of every span.
            let every = Filter::Exists { field: "resolution".into() };
            let filter = if table == Table::Edges { every } else { Filter::All };
            let query = Query { table, from: None, to: None, filter, ask };
            let answer = reader.query(&query, &Cancel::default()).unwrap();
            let Outcome::Rows { rows, .. } = answer.outcome else { panic!("no rows") };
            let expected = ["host-0", "host-1"].map(|name| vec![Cell::Text(name.into())]);
            // Edges are made of requests as well, in spans of a minute and an hour.
            match table {
                Table::Edges => {
                    assert_eq!(rows.len(), 6, "version {version}: {rows:?}");
                    durations(&reader, version);
                }
                _ => assert_eq!(rows, expected, "version {version}, {table}"),
            }
        }
    }
}
