//! Whatever step of the disk goes wrong, and however: what was acknowledged is there afterwards, once, and nothing else is.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::RecordBatch;
use schema::{Rows, Table};

use super::{config, lines, opened, origin, place, texts};
use crate::config::{Config, Retention};
use crate::disk::Disk;
use crate::disk::simulated::{Fault, Loss, SimulatedDisk};
use crate::engine::Engine;
use crate::maintain::Wish;
use crate::{Origin, open};

/// What a run of the workload came to.
#[derive(Default)]
struct Run {
    acknowledged: BTreeSet<String>,
    sent: BTreeSet<String>,
    engine: Option<Engine>,
}

/// A request, which is in edges as well.
fn request(number: u64) -> RecordBatch {
    let mut rows = Rows::new(Table::Requests);
    rows.number(place(Table::Requests, "time"), 1_700_000_000_000_000_000 + number as i64);
    rows.number(place(Table::Requests, "duration"), 5);
    rows.end().unwrap();
    rows.finish().unwrap()
}

/// Batches of two tables, files, merged files, and all requests dropped at the end for their age; what fails is tried once more, as
/// a sender would.
fn work(disk: &SimulatedDisk) -> Run {
    let mut run = Run::default();
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let age = Some(Duration::from_secs(1));
    let retention = vec![Retention { table: Table::Requests, resolution: None, age, bytes: None }];
    let Ok((engine, _)) = open::open(shared, Config { retention, ..config() }) else { return run };
    for number in 0..4 {
        let own = [format!("{number}a"), format!("{number}b")];
        let batch = lines(&own.each_ref().map(String::as_str));
        run.sent.extend(own.iter().cloned());
        let send = || {
            let of_another = Origin { source: 8, sequence: number };
            let _ = engine.submit(of_another, Table::Requests, &request(number));
            let ticket = engine.submit(origin(number), Table::Logs, &batch)?;
            // The batch may be durable though it is told otherwise; it may not be the other way round.
            let _ = engine.commit();
            ticket.wait()
        };
        if send().or_else(|_| send()).is_ok() {
            run.acknowledged.extend(own);
        }
        if number % 2 == 1 {
            let _ = engine.flush();
        }
    }
    // One table after the other.
    (0..4).for_each(|_| drop(engine.compact(Wish::Everything)));
    let _ = engine.retain(1_800_000_000_000_000_000);
    run.engine = Some(engine);
    run
}

#[track_caller]
fn check(run: &Run, engine: &Engine, what: &str) {
    let (found, damaged) = texts(engine);
    assert!(damaged.is_empty(), "{what}: {damaged:?}");
    let once: BTreeSet<String> = found.iter().cloned().collect();
    assert_eq!(once.len(), found.len(), "{what}: twice: {found:?}");
    let lost: Vec<_> = run.acknowledged.difference(&once).collect();
    assert!(lost.is_empty(), "{what}: lost: {lost:?}");
    assert!(once.is_subset(&run.sent), "{what}: {found:?}");
}

fn steps() -> usize {
    let disk = SimulatedDisk::default();
    let run = work(&disk);
    assert_eq!(run.acknowledged, run.sent, "without a fault all of it is taken");
    let engine = run.engine.as_ref().unwrap();
    let content = engine.upkeep().manifest.content.clone();
    let files: Vec<_> = content.files.values().map(|file| (file.table, file.level)).collect();
    let merged = [(Table::Edges, 1), (Table::Edges, 1), (Table::Logs, 1)];
    assert!(files.len() == 3 && merged.iter().all(|file| files.contains(file)), "{files:?}");
    assert_eq!(content.dropped[&Table::Requests].age, 4);
    check(&run, engine, "without a fault");
    disk.steps()
}

#[test]
fn nothing_acknowledged_is_lost_by_a_crash() {
    let steps = steps();
    assert!(steps > 60, "{steps}");
    for step in 0..steps {
        let disk = SimulatedDisk::default();
        disk.set_fault(step, Fault::Crash);
        let run = work(&disk);
        for loss in [Loss::All, Loss::Torn, Loss::Nothing] {
            let what = format!("crash at step {step} of {steps}, {loss:?} lost");
            let found: Arc<dyn Disk> = Arc::new(disk.after_crash(loss));
            let engine = opened(&found).unwrap_or_else(|error| panic!("{what}: {error}"));
            check(&run, &engine, &what);
            // It goes on from there, and nothing comes back.
            engine.flush().unwrap();
            check(&run, &engine, &what);
            drop(engine);
            check(&run, &opened(&found).unwrap(), &format!("{what}, opened again"));
        }
    }
}

#[test]
fn nothing_acknowledged_is_lost_by_a_failing_disk() {
    let steps = steps();
    for fault in [Fault::Error, Fault::Full] {
        for step in 0..steps {
            let disk = SimulatedDisk::default();
            disk.set_fault(step, fault);
            let run = work(&disk);
            let what = format!("{fault:?} at step {step} of {steps}");
            if let Some(engine) = &run.engine {
                check(&run, engine, &what);
                if fault == Fault::Error {
                    assert_eq!(run.acknowledged, run.sent, "{what}: a single failure is got over");
                }
            }
            for loss in [Loss::All, Loss::Nothing] {
                let found: Arc<dyn Disk> = Arc::new(disk.after_crash(loss));
                let engine = opened(&found).unwrap_or_else(|error| panic!("{what}, {loss:?}: {error}"));
                check(&run, &engine, &format!("{what}, then a crash, {loss:?} lost"));
            }
        }
    }
}

#[test]
fn a_merge_that_came_to_nothing_does_not_keep_the_store_from_opening() {
    let disk = SimulatedDisk::default();
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let age = Some(Duration::from_secs(1));
    let retention = vec![Retention { table: Table::Logs, resolution: None, age, bytes: None }];
    let (engine, _) = open::open(Arc::clone(&shared), Config { retention, ..config() }).unwrap();
    for number in 0..2 {
        engine.submit(origin(number), Table::Logs, &lines(&["x"])).unwrap();
        engine.commit().unwrap();
        engine.flush().unwrap();
    }
    // The file is whole, and the manifest's line about it fails.
    let files = || disk.list().unwrap().into_iter().filter(|name| name.ends_with(".parquet")).count();
    let failed = (0..20).find(|more| {
        disk.set_fault(disk.steps() + more, Fault::Error);
        let failed = engine.compact(Wish::Everything).unwrap_err().to_string();
        failed.contains("manifest") || files() > 2 && failed.contains("the folder")
    });
    assert!(failed.is_some() && files() == 3);
    disk.clear_fault();
    // What it was made of goes for its age.
    assert_eq!(engine.retain(1_800_000_000_000_000_000).unwrap(), 2);
    drop(engine);
    let found: Arc<dyn Disk> = Arc::new(disk.after_crash(Loss::Nothing));
    let engine = opened(&found).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(texts(&engine), (vec![], vec![]));
    assert_eq!(found.list().unwrap(), ["manifest"], "what it left is gone");
}
