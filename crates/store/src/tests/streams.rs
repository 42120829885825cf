//! Answers in parts, the memory of queries, and columns in forms that are rare.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use schema::query::{Ask, Cell, Filter, Measure, Order, Outcome, Part, Query, Value};
use schema::{Rows, Table};

use super::hooked::Hooked;
use super::{config, opened, origin, place};
use crate::disk::simulated::SimulatedDisk;
use crate::disk::{Disk, ReadFile};
use crate::engine::Engine;
use crate::log::Origin;
use crate::query::{Cancel, Limits, Snapshot, run, stream};
use crate::{Error, Store};

const START: i64 = 1_700_000_000_000_000_000;

fn about_requests(filter: Filter, ask: Ask) -> Query {
    Query { table: Table::Requests, from: None, to: None, filter, ask }
}

fn each(columns: &[&str], limit: Option<u64>) -> Ask {
    Ask::Each { columns: columns.iter().map(|column| (*column).to_owned()).collect(), limit }
}

/// Requests whose durations are the numbers from `from` on, a second apart.
fn requests(numbers: std::ops::Range<i64>, word: impl Fn(i64) -> Option<String>) -> arrow_array::RecordBatch {
    let at = |name| place(Table::Requests, name);
    let mut rows = Rows::new(Table::Requests);
    for number in numbers {
        rows.number(at("time"), START + number * 1_000_000_000);
        rows.number(at("duration"), number);
        rows.text(at("service.name"), ["shop", "cart"][(number % 2) as usize]);
        rows.text(at("url.path"), &format!("/{number}"));
        if let Some(word) = word(number) {
            rows.text(at("error.type"), &word);
        }
        rows.end().unwrap();
    }
    rows.finish().unwrap()
}

/// 3000 requests: 2000 in two files, the rest in memory.
fn filled() -> Engine {
    let disk: Arc<dyn Disk> = Arc::new(SimulatedDisk::default());
    let engine = opened(&disk).unwrap();
    for part in 0..3 {
        let batch =
            requests(part * 1000..(part + 1) * 1000, |number| (number % 10 == 0).then(|| "500".into()));
        engine.submit(origin(part as u64), Table::Requests, &batch).unwrap();
        engine.commit().unwrap();
        if part < 2 {
            engine.flush().unwrap();
        }
    }
    engine
}

fn snapshot(engine: &Engine) -> Snapshot {
    let state = engine.state();
    Snapshot { segments: state.segments.values().cloned().collect(), recent: state.recent.clone() }
}

fn limits(memory: usize) -> Limits {
    Limits { memory, threads: 2 }
}

/// The first column of all rows, in order, how many parts they came in, and the rows that were looked at.
fn told(engine: &Engine, query: &Query, memory: usize) -> Result<(Vec<i64>, usize, u64), Error> {
    let (found, looked_at) = (std::sync::Mutex::new((Vec::new(), 0)), AtomicU64::new(0));
    stream(&snapshot(engine), query, &engine.cache, limits(memory), &Cancel::default(), &|part| {
        match part {
            Part::Outcome(Outcome::Rows { rows, .. }) => {
                let mut found = found.lock().unwrap();
                found.1 += 1;
                found.0.extend(rows.iter().map(|row| match row[0] {
                    Cell::Number(number) => number,
                    ref other => panic!("{other:?}"),
                }));
            }
            Part::Scanned(scanned) => {
                assert_eq!(scanned.damaged, [""; 0]);
                looked_at.store(scanned.rows, Ordering::Relaxed);
            }
            other => panic!("{other:?}"),
        }
        Ok(())
    })?;
    let (mut numbers, parts) = found.into_inner().unwrap();
    numbers.sort_unstable();
    Ok((numbers, parts, looked_at.into_inner()))
}

#[test]
fn each_row_is_told_once() {
    let engine = filled();
    let all: Vec<i64> = (0..3000).collect();
    let (found, parts, _) =
        told(&engine, &about_requests(Filter::All, each(&["duration"], None)), 1 << 24).unwrap();
    assert_eq!(found, all);
    assert!(parts >= 3, "{parts}");
    let failed = about_requests(Filter::is("error.type", "500"), each(&["duration", "url.path"], None));
    let (found, ..) = told(&engine, &failed, 1 << 24).unwrap();
    assert_eq!(found, (0..3000).step_by(10).collect::<Vec<_>>());
    for limit in [1, 700, 2999, 5000] {
        let query = about_requests(Filter::All, each(&["duration"], Some(limit)));
        let (found, _, looked_at) = told(&engine, &query, 1 << 24).unwrap();
        assert_eq!(found.len() as u64, limit.min(3000));
        assert!(limit > 1 || looked_at <= 1500, "{looked_at} rows were looked at for {limit}");
        let answer =
            run(&snapshot(&engine), &query, &engine.cache, limits(1 << 24), &Cancel::default()).unwrap();
        let Outcome::Rows { rows, .. } = answer.outcome else { panic!("no rows") };
        assert_eq!(rows.len() as u64, limit.min(3000));
    }
}

#[test]
fn an_ordered_answer_comes_in_parts_too() {
    let engine = filled();
    let order = Order { by: "duration".into(), ascending: true };
    let ask = Ask::Rows { columns: vec!["duration".into()], order, limit: 2500, after: None };
    let (found, parts, _) = told(&engine, &about_requests(Filter::All, ask), 1 << 24).unwrap();
    assert_eq!((found, parts), ((0..2500).collect(), 3));
}

#[test]
fn the_newest_rows_are_found_without_reading_all() {
    let engine = filled();
    for (ascending, expected) in [(false, 2990..3000), (true, 0..10)] {
        let order = Order { by: "time".into(), ascending };
        let ask = Ask::Rows { columns: vec!["duration".into()], order, limit: 10, after: None };
        let (found, _, looked_at) = told(&engine, &about_requests(Filter::All, ask), 1 << 24).unwrap();
        assert_eq!(found, expected.collect::<Vec<_>>());
        assert!(looked_at < 2000, "{looked_at} rows were looked at");
    }
}

#[test]
fn what_is_decoded_counts_as_memory() {
    let engine = filled();
    // An answer of one number, from rows that take more.
    let prefix = Filter::Prefix { field: "url.path".into(), text: "/1".into() };
    let ask =
        || Ask::Groups { by: vec![], every: None, measures: vec![Measure::Count], order: None, limit: 1 };
    let ask = |memory| {
        let query = about_requests(prefix.clone(), ask());
        run(&snapshot(&engine), &query, &engine.cache, limits(memory), &Cancel::default())
    };
    let refused = ask(10_000).unwrap_err();
    assert!(matches!(refused, Error::TooMuch { limit: 10_000 }), "{refused}");
    assert!(refused.to_string().contains("10000"), "{refused}");
    assert_eq!(ask(1 << 20).unwrap().scanned.matched, 1111);
    // What is told as it is found need not be kept.
    let rows = about_requests(Filter::All, each(&["duration", "url.path", "service.name"], None));
    assert_eq!(told(&engine, &rows, 400_000).unwrap().0.len(), 3000);
    let refused = run(&snapshot(&engine), &rows, &engine.cache, limits(400_000), &Cancel::default());
    assert!(matches!(refused, Err(Error::TooMuch { .. })), "{refused:?}");
}

#[test]
fn words_without_a_dictionary_are_found_as_well() {
    // More than a dictionary takes: the later pages have the words themselves. Then a group without any word.
    let long = |number: i64| format!("{number}-{}", "x".repeat(9000));
    let disk: Arc<dyn Disk> = Arc::new(SimulatedDisk::default());
    let engine = opened(&disk).unwrap();
    let batches = [
        requests(0..240, |number| (number % 3 > 0).then(|| long(number % 200))),
        requests(240..300, |_| None),
    ];
    for (number, batch) in batches.iter().enumerate() {
        engine.submit(origin(number as u64), Table::Requests, batch).unwrap();
        engine.commit().unwrap();
        engine.flush().unwrap();
    }
    let words: Vec<Option<i64>> =
        (0..300).map(|number| (number < 240 && number % 3 > 0).then_some(number % 200)).collect();
    let check = |filter: Filter, is_wanted: &dyn Fn(Option<i64>) -> bool| {
        let query = about_requests(filter.clone(), each(&["duration"], None));
        let (found, ..) = told(&engine, &query, 64 << 20).unwrap();
        let expected: Vec<i64> = (0..300).filter(|number| is_wanted(words[*number as usize])).collect();
        assert_eq!(found, expected, "{filter:?}");
    };
    let is = |number: i64| Filter::is("error.type", long(number).as_str());
    for number in [0, 1, 20, 199, 200] {
        check(is(number), &|word| word == Some(number));
        check(Filter::Not(Box::new(is(number))), &|word| word != Some(number));
    }
    check(Filter::Exists { field: "error.type".into() }, &|word| word.is_some());
    check(Filter::Not(Box::new(Filter::Exists { field: "error.type".into() })), &|word| word.is_none());
    let either = Filter::In {
        field: "error.type".into(),
        values: [5, 170].map(|number| Value::Text(long(number))).to_vec(),
    };
    check(either, &|word| matches!(word, Some(5 | 170)));
}

/// A file that takes its time, and counts what is read.
struct SlowFile(Arc<dyn ReadFile>, Arc<AtomicUsize>);

impl ReadFile for SlowFile {
    fn length(&self) -> io::Result<u64> {
        self.0.length()
    }

    fn read(&self, at: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.1.fetch_add(1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(3));
        self.0.read(at, bytes)
    }
}

#[test]
fn a_query_ends_when_its_caller_goes() {
    let reads = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&reads);
    let instead = Box::new(move |file| Arc::new(SlowFile(file, Arc::clone(&counted))) as Arc<dyn ReadFile>);
    let disk = Hooked { instead, ..Hooked::default() };
    let (store, _) = Store::on(Arc::new(disk), config()).unwrap();
    for part in 0..6 {
        let batch = requests(part * 1000..(part + 1) * 1000, |_| None);
        store.append(Origin { source: 1, sequence: part as u64 }, Table::Requests, &batch).unwrap();
    }
    store.flush().unwrap();
    let facets = Ask::Facets { fields: vec!["url.path".into(), "duration".into()], limit: 5 };
    for ask in [facets, each(&["duration", "url.path"], None)] {
        let query = about_requests(Filter::All, ask);
        let of = |act: &dyn Fn()| {
            let before = reads.load(Ordering::SeqCst);
            act();
            reads.load(Ordering::SeqCst) - before
        };
        // What it takes to the end, once its files are open.
        let to_the_end = || {
            let parts: Result<Vec<Part>, Error> = store.stream(&query).unwrap().collect();
            assert!(matches!(parts.unwrap().last(), Some(Part::Scanned(scanned)) if scanned.matched == 6000));
        };
        to_the_end();
        let all = of(&to_the_end);
        let some = of(&|| {
            let before = reads.load(Ordering::SeqCst);
            let parts = store.stream(&query).unwrap();
            while reads.load(Ordering::SeqCst) == before {
                std::thread::yield_now();
            }
            drop(parts);
        });
        assert!(some <= all / 3, "{some} of {all} reads");
        // Nothing of it goes on.
        let later = of(&|| std::thread::sleep(Duration::from_millis(20)));
        assert_eq!(later, 0);
    }
}

#[test]
fn fields_with_too_many_values_are_not_compared() {
    let disk: Arc<dyn Disk> = Arc::new(SimulatedDisk::default());
    let engine = opened(&disk).unwrap();
    // Each has a path of its own: neither half has too many, but both together have.
    for part in 0..2 {
        let failed = |number: i64| (number % 2 == 0).then(|| "500".into());
        let batch = requests(part * 30_000..(part + 1) * 30_000, failed);
        engine.submit(origin(part as u64), Table::Requests, &batch).unwrap();
        engine.commit().unwrap();
        engine.flush().unwrap();
    }
    let fields = ["url.path", "service.name"].map(str::to_owned).to_vec();
    let asked = Ask::Apart { selection: Filter::is("error.type", "500"), fields, limit: 5 };
    let found = run(
        &snapshot(&engine),
        &about_requests(Filter::All, asked),
        &engine.cache,
        limits(64 << 20),
        &Cancel::default(),
    );
    let Outcome::Apart { rows, differences } = found.unwrap().outcome else { panic!("no differences") };
    assert_eq!(rows, [30_000, 30_000]);
    let told: Vec<_> = differences.iter().map(|one| (&one.field[..], &one.value, one.selected)).collect();
    let (shop, cart) = (Cell::Text("shop".into()), Cell::Text("cart".into()));
    assert_eq!(told, [("service.name", &cart, 0.0), ("service.name", &shop, 1.0)]);
}
