//! A store in use: batches that come twice, memory that is full, what is old, the threads, a real disk.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use schema::query::Outcome;
use schema::{Rows, Table};

use super::hooked::Hooked;
use super::{all_rows, ask, config, lines, opened, origin, texts};
use crate::config::{Config, Retention};
use crate::disk::Disk;
use crate::disk::simulated::{Fault, SimulatedDisk};
use crate::maintain::Wish;
use crate::query::Cancel;
use crate::reader::Reader;
use crate::{Error, Origin, Store, open};

fn disk() -> Arc<dyn Disk> {
    Arc::new(SimulatedDisk::default())
}

#[test]
fn a_batch_that_comes_twice_is_stored_once() {
    let disk = disk();
    let engine = opened(&disk).unwrap();
    let send = |engine: &crate::engine::Engine, sequence| {
        let ticket = engine.submit(origin(sequence), Table::Logs, &lines(&["x"]));
        engine.commit().unwrap();
        ticket.and_then(|ticket| ticket.wait())
    };
    send(&engine, 1).unwrap();
    send(&engine, 1).unwrap();
    let both = [(); 2].map(|()| engine.submit(origin(2), Table::Logs, &lines(&["y"])).unwrap());
    engine.commit().unwrap();
    both.into_iter().for_each(|ticket| ticket.wait().unwrap());
    assert_eq!(texts(&engine).0, ["x", "y"]);
    engine.flush().unwrap();
    send(&engine, 2).unwrap();
    drop(engine);
    let engine = opened(&disk).unwrap();
    send(&engine, 2).unwrap();
    send(&engine, 100).unwrap();
    assert_eq!(texts(&engine).0, ["x", "x", "y"]);
    assert!(matches!(send(&engine, 2), Err(Error::TooOld { .. })), "nobody knows any more");
    assert_eq!(engine.figures().repeated, 1);
}

#[test]
fn too_much_is_refused_until_there_is_room() {
    let config = Config { most_waiting: 1, ..config() };
    let (engine, _) = open::open(disk(), config).unwrap();
    let first = engine.submit(origin(1), Table::Logs, &lines(&["a"])).unwrap();
    assert!(matches!(engine.submit(origin(2), Table::Logs, &lines(&["b"])), Err(Error::Busy { .. })));
    engine.commit().unwrap();
    first.wait().unwrap();
    engine.submit(origin(2), Table::Logs, &lines(&["b"])).unwrap();
    assert_eq!(engine.figures().refused, 1);
}

#[test]
fn a_batch_that_does_not_fit_is_refused() {
    let engine = opened(&disk()).unwrap();
    let told = engine.submit(origin(1), Table::Requests, &lines(&["a"])).unwrap_err().to_string();
    assert!(told.contains("column `duration` of `requests` is missing"), "{told}");
}

#[test]
fn small_files_of_an_hour_become_one() {
    let disk = disk();
    let engine = opened(&disk).unwrap();
    for number in 0..8 {
        engine.submit(origin(number), Table::Logs, &lines(&[&format!("{number}")])).unwrap();
        engine.commit().unwrap();
        engine.flush().unwrap();
    }
    assert_eq!(engine.compact(Wish::Worthwhile).unwrap(), 8);
    assert_eq!(engine.compact(Wish::Worthwhile).unwrap(), 0);
    assert_eq!(texts(&engine).0.len(), 8);
    let files = disk.list().unwrap();
    assert_eq!(files.iter().filter(|name| name.ends_with(".parquet")).count(), 1, "{files:?}");
}

#[test]
fn a_full_disk_is_not_filled_by_what_comes_to_nothing() {
    let simulated = SimulatedDisk::default();
    let disk: Arc<dyn Disk> = Arc::new(simulated.clone());
    let engine = opened(&disk).unwrap();
    // Of two hours and some: three files, each with its checksums.
    engine.submit(origin(1), Table::Logs, &lines(&["x"; 7300])).unwrap();
    engine.commit().unwrap();
    let mut failed = 0;
    loop {
        simulated.set_fault(simulated.steps() + failed, Fault::Full);
        let told = engine.flush().unwrap_err().to_string();
        if told.contains("manifest") || told.contains("the folder") {
            // Files are all there; whether they count nobody can tell now.
            break;
        }
        let mut left = disk.list().unwrap();
        left.retain(|name| name.contains(".parquet"));
        assert_eq!(left, [""; 0], "after step {failed}: {told}");
        simulated.clear_fault();
        failed += 1;
    }
    assert!(failed >= 6, "{failed}");
}

#[test]
fn a_file_that_is_read_stays_until_it_was_read() {
    let disk = disk();
    let engine = opened(&disk).unwrap();
    for number in 0..2 {
        engine.submit(origin(number), Table::Logs, &lines(&["x"])).unwrap();
        engine.commit().unwrap();
        engine.flush().unwrap();
    }
    let held: Vec<_> = engine.state().segments.values().cloned().collect();
    engine.compact(Wish::Everything).unwrap();
    assert!(held.iter().all(|segment| segment.batches(&engine.cache, None, 10).unwrap().count() == 1));
    drop(held);
    assert_eq!(disk.list().unwrap().iter().filter(|name| name.ends_with(".parquet")).count(), 1);
}

#[test]
fn who_writes_and_who_asks_does_not_wait_for_files_to_be_merged() {
    // The next file of rows is not made before it is let.
    let hold = Arc::new(AtomicBool::new(false));
    let [reached, let_go] = [(); 2].map(|()| Arc::new(Barrier::new(2)));
    let way = [Arc::clone(&reached), Arc::clone(&let_go)];
    let holds = Arc::clone(&hold);
    let before_create = Box::new(move |name: &str| {
        if name.ends_with(".parquet") && holds.swap(false, Ordering::SeqCst) {
            way.iter().for_each(|barrier| {
                barrier.wait();
            });
        }
    });
    let disk: Arc<dyn Disk> = Arc::new(Hooked { before_create, ..Hooked::default() });
    let engine = opened(&disk).unwrap();
    let send = |sequence, text: &str| {
        let ticket = engine.submit(origin(sequence), Table::Logs, &lines(&[text])).unwrap();
        engine.commit().unwrap();
        ticket.wait().unwrap();
    };
    for (sequence, text) in [(1, "a"), (2, "b")] {
        send(sequence, text);
        engine.flush().unwrap();
    }
    hold.store(true, Ordering::SeqCst);
    std::thread::scope(|scope| {
        let merging = scope.spawn(|| engine.compact(Wish::Everything));
        reached.wait();
        send(3, "c");
        assert_eq!(texts(&engine).0, ["a", "b", "c"], "in the middle of it");
        let_go.wait();
        assert_eq!(merging.join().unwrap().unwrap(), 2);
    });
    assert_eq!(texts(&engine).0, ["a", "b", "c"]);
}

#[test]
fn what_is_old_or_too_much_goes_and_is_told() {
    let keep = |age: Option<Duration>, bytes: Option<u64>| Config {
        retention: vec![Retention { table: Table::Logs, resolution: None, age, bytes }],
        ..config()
    };
    for (config, expected) in [
        (keep(Some(Duration::from_secs(3600)), None), [2, 0]),
        (keep(None, Some(1)), [0, 3]),
        (keep(None, Some(1 << 30)), [0, 0]),
    ] {
        let disk = disk();
        let (engine, _) = open::open(Arc::clone(&disk), config).unwrap();
        let mut rows = Rows::new(Table::Logs);
        for seconds in [100, 200, 9000] {
            rows.number(0, seconds * 1_000_000_000);
            rows.end().unwrap();
        }
        engine.submit(origin(1), Table::Logs, &rows.finish().unwrap()).unwrap();
        engine.commit().unwrap();
        engine.flush().unwrap();
        assert_eq!(engine.retain(9_000_000_000_000).unwrap(), expected.iter().sum::<u64>());
        drop(engine);
        let engine = opened(&disk).unwrap();
        let dropped = engine.upkeep().manifest.content.dropped.get(&Table::Logs).cloned().unwrap_or_default();
        assert_eq!([dropped.age, dropped.size], expected);
        let left = ask(&engine, &all_rows(Table::Logs, &["time"])).unwrap().scanned.matched;
        assert_eq!(left, 3 - expected.iter().sum::<u64>());
    }
}

#[test]
fn the_threads_of_a_store_do_all_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config { flush_rows: 500, ..config() };
    let (store, _) = Store::open(folder.path(), config.clone()).unwrap();
    std::thread::scope(|scope| {
        for source in 0..4 {
            let store = &store;
            scope.spawn(move || {
                for sequence in 0..20 {
                    let own: Vec<String> =
                        (0..25).map(|line| format!("{source}-{sequence}-{line}")).collect();
                    let batch = lines(&own.iter().map(String::as_str).collect::<Vec<_>>());
                    store.append(Origin { source, sequence }, Table::Logs, &batch).unwrap();
                }
            });
        }
    });
    let count = |store: &Store| {
        let answer = store.query(&all_rows(Table::Logs, &["body"]), &Cancel::default()).unwrap();
        let Outcome::Rows { rows, .. } = answer.outcome else { panic!("no rows") };
        rows.into_iter().map(|row| format!("{row:?}")).collect::<BTreeSet<_>>().len()
    };
    assert_eq!(count(&store), 2000);
    assert!(store.figures().commits < 80, "batches are made durable together: {:?}", store.figures());
    drop(store);
    let (store, opening) = Store::open(folder.path(), config).unwrap();
    assert_eq!(opening.damaged, [""; 0]);
    assert_eq!(count(&store), 2000);
    store.flush().unwrap();
    store.compact(|_| {}).unwrap();
    assert_eq!((count(&store), store.in_memory().0), (2000, 0));
    let cancel = Cancel::default();
    cancel.cancel();
    assert!(matches!(store.query(&all_rows(Table::Logs, &[]), &cancel), Err(Error::Cancelled)));
    assert_eq!(store.trouble(), None);
}

#[test]
fn trouble_is_told_until_what_failed_goes_well() {
    let disk = SimulatedDisk::default();
    let (store, _) = Store::on(Arc::new(disk.clone()), config()).unwrap();
    disk.set_fault(disk.steps(), Fault::Full);
    let told = store.append(origin(1), Table::Logs, &lines(&["a"])).unwrap_err().to_string();
    assert!(told.contains("log-"), "{told}");
    // Meanwhile it is looked for files to merge, of which there are none: that goes well.
    std::thread::sleep(Duration::from_millis(500));
    let trouble = store.trouble().unwrap_or_default();
    assert!(trouble.contains("log-"), "{trouble}");
    disk.clear_fault();
    store.append(origin(1), Table::Logs, &lines(&["a"])).unwrap();
    // It is noted behind the answer to who sent it.
    let since = Instant::now();
    while store.trouble().is_some() {
        assert!(since.elapsed() < Duration::from_secs(10), "{:?}", store.trouble());
        std::thread::yield_now();
    }
}

#[test]
fn memory_does_not_grow_where_no_files_are_written() {
    let config = Config { most_waiting: 100_000, flush_bytes: 100_000, ..config() };
    let (engine, _) = open::open(disk(), config).unwrap();
    let batch = lines(&["x"; 200]);
    let mut taken = 0;
    let told = loop {
        assert!(taken < 10_000, "{:?} rows and bytes", engine.state().in_memory());
        match engine.submit(origin(taken), Table::Logs, &batch) {
            Ok(_) => engine.commit().unwrap(),
            Err(error) => break error,
        }
        taken += 1;
    };
    assert!(taken > 2 && matches!(told, Error::Busy { .. }), "{taken}: {told}");
    let (rows, bytes) = engine.state().in_memory();
    assert!(rows as u64 == taken * 200 && bytes < 400_000, "{rows} rows, {bytes} bytes");
    engine.flush().unwrap();
    engine.submit(origin(taken), Table::Logs, &batch).unwrap();
}

#[test]
fn merged_files_have_no_more_rows_than_others() {
    let disk = disk();
    let engine = opened(&disk).unwrap();
    // Files of a thousand rows are whole; these are less than half of one.
    for number in 0..5 {
        engine.submit(origin(number), Table::Logs, &lines(&["x"; 300])).unwrap();
        engine.commit().unwrap();
        engine.flush().unwrap();
    }
    while engine.compact(Wish::Everything).unwrap() > 0 {}
    let content = Arc::clone(&engine.state().content);
    let mut rows: Vec<u64> = content.files.values().map(|file| file.rows).collect();
    rows.sort_unstable();
    assert_eq!(rows, [600, 900]);
}

#[test]
fn who_looks_into_a_store_in_use_finds_it_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(folder.path(), config()).unwrap();
    let written = AtomicUsize::new(0);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..80 {
                store.append(origin(number), Table::Logs, &lines(&["x"])).unwrap();
                written.fetch_add(1, Ordering::SeqCst);
                store.flush().unwrap();
                if number % 4 == 0 {
                    store.compact(|_| {}).unwrap();
                }
            }
            done.store(true, Ordering::SeqCst);
        });
        let mut looks = 0;
        while !done.load(Ordering::SeqCst) {
            looks += 1;
            let before = written.load(Ordering::SeqCst) as u64;
            let reader =
                Reader::open(folder.path(), config()).unwrap_or_else(|error| panic!("{looks}: {error}"));
            assert_eq!(reader.opening.damaged, [""; 0], "{looks}");
            let files: u64 = reader.content().files.values().map(|file| file.rows).sum();
            let rows = files + reader.logged_rows(Table::Logs) as u64;
            assert!(rows >= before, "{looks}: {rows} of {before} rows");
        }
        assert!(looks > 10, "{looks}");
    });
}

#[test]
fn files_that_are_merged_meanwhile_are_read_to_their_end() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(folder.path(), config()).unwrap();
    for number in 0..4 {
        store.append(origin(number), Table::Logs, &lines(&["x"])).unwrap();
        store.flush().unwrap();
    }
    let reader = Reader::open(folder.path(), config()).unwrap();
    let mut rows = 0;
    let damaged = reader.rows::<Error>(Table::Logs, |batch| {
        rows += batch.num_rows();
        store.compact(|_| {})
    });
    assert_eq!((damaged.unwrap(), rows), (vec![], 4));
    assert_eq!(store.content().files.len(), 1);
}

#[test]
fn a_fault_of_its_own_does_not_keep_a_store_from_writing_files() {
    let faults = AtomicUsize::new(0);
    let before_create = Box::new(move |name: &str| {
        let fault = name.ends_with(".parquet") && faults.fetch_add(1, Ordering::SeqCst) == 0;
        assert!(!fault, "this one is meant");
    });
    let disk: Arc<dyn Disk> = Arc::new(Hooked { before_create, ..Hooked::default() });
    let (store, _) = Store::on(disk, Config { flush_rows: 1, ..config() }).unwrap();
    store.append(origin(1), Table::Logs, &lines(&["a"])).unwrap();
    let since = Instant::now();
    let mut told = None;
    while store.content().files.is_empty() {
        told = told.or_else(|| store.trouble());
        assert!(since.elapsed() < Duration::from_secs(30), "{told:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(told.is_some_and(|told| told.contains("a fault in the store itself")));
    assert_eq!(store.query(&all_rows(Table::Logs, &[]), &Cancel::default()).unwrap().scanned.matched, 1);
}
