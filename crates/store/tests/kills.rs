//! A process that is killed while it writes, again and again: what it was told to be stored is there, once. `WEIR_KILLS` says how
//! often (10).

#![allow(clippy::unwrap_used)] // the helpers of a test are tests

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use schema::query::{Ask, Cell, Filter, Order, Outcome, Query};
use schema::{Rows, Table};
use store::{Cancel, Config, Error, Origin, Store};

const FOLDER: &str = "WEIR_TEST_STORE";
const SOURCE: &str = "WEIR_TEST_SOURCE";
const LINES: u64 = 20;

/// Small files and short waits, so that there is always something under way.
fn config() -> Config {
    Config { flush_rows: 400, row_group: 128, commit_every: Duration::from_millis(1), ..Config::default() }
}

/// The process that is killed: a test only in that it is started as one.
#[test]
fn child() {
    let (Some(folder), Ok(source)) = (std::env::var_os(FOLDER), std::env::var(SOURCE)) else { return };
    let source: u64 = source.parse().unwrap();
    let (store, _) = Store::open(Path::new(&folder), config()).unwrap();
    println!("ready");
    std::thread::scope(|scope| {
        // Left to itself a store this young would not write a file before it is killed.
        scope.spawn(|| {
            loop {
                store.flush().unwrap();
                store.compact(|_| {}).unwrap();
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        send(&store, source);
    });
}

fn send(store: &Store, source: u64) {
    let place = |name| Table::Logs.column(name).unwrap().0;
    for sequence in 0.. {
        let mut rows = Rows::new(Table::Logs);
        for line in 0..LINES {
            // Of several hours, which have files of their own.
            let hour = (sequence % 3) as i64 * 3_600_000_000_000;
            rows.number(place("time"), 1_700_000_000_000_000_000 + hour + (sequence * LINES + line) as i64);
            rows.text(place("body"), &format!("{source}/{sequence}/{line}"));
            rows.end().unwrap();
        }
        let batch = rows.finish().unwrap();
        match store.append(Origin { source, sequence }, Table::Logs, &batch) {
            Ok(()) => println!("stored {sequence}"),
            Err(Error::Busy { .. }) => std::thread::sleep(Duration::from_millis(1)),
            Err(error) => panic!("{error}"),
        }
        std::io::stdout().flush().unwrap();
    }
}

/// Starts one, kills it after a while, and returns the last batch that it said was stored.
fn killed(folder: &Path, source: u64) -> Option<u64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .env(SOURCE, source.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    let (ready, is_ready) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        let stored = |line: String| {
            if line.ends_with("ready") {
                // Some are killed before.
                let _ = ready.send(());
            }
            line.strip_prefix("stored ").and_then(|number| number.parse().ok())
        };
        out.lines().map_while(Result::ok).filter_map(stored).last()
    });
    // One of four may be killed while it opens the store.
    if !source.is_multiple_of(4) {
        is_ready.recv_timeout(Duration::from_secs(20)).unwrap();
    }
    std::thread::sleep(Duration::from_millis(20 + source * 37 % 130));
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap()
}

#[test]
fn nothing_acknowledged_is_lost_by_kills() {
    let kills: u64 = std::env::var("WEIR_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(10);
    let folder = tempfile::tempdir().unwrap();
    let mut stored = BTreeMap::new();
    for source in 0..kills {
        stored.insert(source, killed(folder.path(), source));
    }
    assert!(stored.values().flatten().count() as u64 > kills / 2, "they hardly came to write: {stored:?}");
    let (store, opening) = Store::open(folder.path(), config()).unwrap();
    assert_eq!(opening.damaged, [""; 0]);
    for (source, last) in stored {
        let found = lines(&store, source);
        let whole = found.len() as u64 / LINES;
        // The batch that was under way may be there too.
        let expected = last.map_or(0, |last| last + 1);
        assert!(whole == expected || whole == expected + 1, "sender {source}: {whole} batches, {last:?}");
        for (number, line) in (0..).zip(found) {
            assert_eq!(line, (number / LINES, number % LINES));
        }
    }
    assert!(store.content().files.values().any(|file| file.level > 0), "files were merged meanwhile");
    drop(store);
    let checked = store::check(folder.path(), |_| {}).unwrap();
    assert_eq!(checked.damaged, [""; 0]);
}

/// A sender's lines in order: the number of the batch, and that of the line.
fn lines(store: &Store, source: u64) -> Vec<(u64, u64)> {
    let order = Order { ascending: true, ..Order::default() };
    let ask = Ask::Rows { columns: vec!["body".into()], order, limit: 100_000, after: None };
    let filter = Filter::Prefix { field: "body".into(), text: format!("{source}/") };
    let query = Query { table: Table::Logs, from: None, to: None, filter, ask };
    let Outcome::Rows { rows, .. } = store.query(&query, &Cancel::default()).unwrap().outcome else {
        panic!("no rows")
    };
    let numbers = |row: Vec<Cell>| match row.into_iter().next() {
        Some(Cell::Text(text)) => {
            let numbers: Vec<u64> = text.split('/').map(|number| number.parse().unwrap()).collect();
            (numbers[1], numbers[2])
        }
        other => panic!("{other:?}"),
    };
    let mut lines: Vec<(u64, u64)> = rows.into_iter().map(numbers).collect();
    lines.sort_unstable();
    lines
}
