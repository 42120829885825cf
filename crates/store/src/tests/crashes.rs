//! Whatever step of the disk goes wrong, and however: what was acknowledged is there afterwards, once, and nothing else is.

use std::collections::BTreeSet;
use std::sync::Arc;

use schema::Table;

use super::{lines, opened, origin, texts};
use crate::disk::Disk;
use crate::disk::simulated::{Fault, Loss, SimulatedDisk};
use crate::engine::Engine;
use crate::maintain::Wish;

/// What a run of the workload came to.
#[derive(Default)]
struct Run {
    acknowledged: BTreeSet<String>,
    sent: BTreeSet<String>,
    engine: Option<Engine>,
}

/// Batches, files, merged files; what fails is tried once more, as a sender would.
fn work(disk: &SimulatedDisk) -> Run {
    let mut run = Run::default();
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let Ok(engine) = opened(&shared) else { return run };
    for number in 0..6 {
        let own = [format!("{number}a"), format!("{number}b")];
        let batch = lines(&own.each_ref().map(String::as_str));
        run.sent.extend(own.iter().cloned());
        let send = || {
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
    let _ = engine.compact(Wish::Everything);
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
    assert_eq!(engine.upkeep().manifest.content.files.len(), 1, "they were merged");
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
