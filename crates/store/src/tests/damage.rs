//! A bit that is not as it was: it is found, what is answered is right, and a repair saves the rest.

use std::collections::BTreeSet;
use std::sync::Arc;

use schema::Table;

use super::{config, lines, opened, origin, texts};
use crate::check::{check_on, repair_on};
use crate::disk::Disk;
use crate::disk::simulated::{Loss, SimulatedDisk};
use crate::maintain::Wish;
use crate::reader::Reader;

/// Two files, and a batch in the log.
fn written() -> (SimulatedDisk, BTreeSet<String>) {
    let disk = SimulatedDisk::default();
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let engine = opened(&shared).unwrap();
    let mut all = BTreeSet::new();
    for number in 0..4 {
        let own: Vec<String> = (0..300).map(|line| format!("{number}-{line}")).collect();
        let texts: Vec<&str> = own.iter().map(String::as_str).collect();
        let ticket = engine.submit(origin(number), Table::Logs, &lines(&texts)).unwrap();
        engine.commit().unwrap();
        ticket.wait().unwrap();
        all.extend(own);
        if number < 2 {
            engine.flush().unwrap();
        }
    }
    drop(engine);
    (disk, all)
}

fn copy(disk: &SimulatedDisk) -> (SimulatedDisk, Arc<dyn Disk>) {
    let copy = disk.after_crash(Loss::Nothing);
    (copy.clone(), Arc::new(copy))
}

/// What a reader finds, which may be less than there was, and never anything else.
fn read(shared: &Arc<dyn Disk>) -> BTreeSet<String> {
    let reader = Reader::on(Arc::clone(shared), config()).unwrap();
    let mut found = BTreeSet::new();
    reader
        .rows::<crate::Error>(Table::Logs, |batch| {
            let texts = arrow_array::cast::AsArray::as_string::<i32>(batch.column_by_name("body").unwrap());
            found.extend(texts.iter().flatten().map(str::to_owned));
            Ok(())
        })
        .unwrap();
    found
}

#[test]
fn what_is_whole_is_said_to_be() {
    let (disk, all) = written();
    let (_, shared) = copy(&disk);
    let checked = check_on(&*shared, |_| {}).unwrap();
    assert_eq!((checked.damaged, checked.leftovers), (vec![], vec![]));
    assert_eq!((checked.rows, checked.files), (1200, 2));
    assert_eq!(read(&shared), all);
    let repaired = repair_on(Arc::clone(&shared), &config(), |_| {}).unwrap();
    assert!(repaired.done.is_empty(), "{:?}", repaired.done);
    assert_eq!(texts(&opened(&shared).unwrap()).0.len(), all.len());
}

#[test]
fn a_flipped_bit_is_found_and_the_rest_is_saved() {
    let (disk, all) = written();
    for name in disk.list().unwrap() {
        let bits = disk.length(&name) * 8;
        // Every part of the small files, and places all over the large ones.
        for bit in (0..40).map(|part| (bits / 40 * part + part * 7) % bits) {
            let what = format!("{name}, bit {bit} of {bits}");
            let (copied, shared) = copy(&disk);
            copied.flip(&name, bit);
            let checked = check_on(&*shared, |_| {}).unwrap();
            let told = checked.damaged.len() + checked.leftovers.len();
            assert!(told > 0, "{what}: nothing was found");
            let found = read(&shared);
            assert!(found.is_subset(&all), "{what}: wrong rows");
            if let Ok(engine) = opened(&copy(&copied).1) {
                let (found, _) = texts(&engine);
                assert!(found.iter().all(|text| all.contains(text)), "{what}: wrong rows");
            }
            let repaired = repair_on(Arc::clone(&shared), &config(), |_| {}).unwrap();
            let engine = opened(&shared).unwrap_or_else(|error| panic!("{what}: {error}"));
            let (found, damaged) = texts(&engine);
            assert!(damaged.is_empty(), "{what}: {damaged:?}");
            assert!(found.iter().all(|text| all.contains(text)), "{what}: wrong rows");
            // A group of 256 rows, a batch of 300, or a file of 300.
            assert!(
                found.len() >= all.len() - 300,
                "{what}: {} rows saved; {:?}",
                found.len(),
                repaired.done
            );
            drop(engine);
            let checked = check_on(&*shared, |_| {}).unwrap();
            assert!(checked.damaged.is_empty(), "{what}: {:?}", checked.damaged);
        }
    }
}

#[test]
fn a_manifest_that_is_gone_is_made_anew() {
    let (disk, all) = written();
    let (copied, shared) = copy(&disk);
    copied.remove("manifest").unwrap();
    let told = opened(&shared).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(told.contains("the manifest is missing") && told.contains("weir store repair"), "{told}");
    repair_on(Arc::clone(&shared), &config(), |_| {}).unwrap();
    let (found, _) = texts(&opened(&shared).unwrap());
    assert_eq!(found.len(), all.len());
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), all);
}

#[test]
fn a_missing_file_is_told_and_given_up() {
    let (disk, all) = written();
    let (copied, shared) = copy(&disk);
    let file = copied.list().unwrap().into_iter().find(|name| name.ends_with(".parquet")).unwrap();
    copied.remove(&file).unwrap();
    assert!(opened(&shared).err().unwrap().to_string().contains(&file));
    let repaired = repair_on(Arc::clone(&shared), &config(), |_| {}).unwrap();
    assert_eq!(repaired.lost_rows, 300);
    assert_eq!(texts(&opened(&shared).unwrap()).0.len(), all.len() - 300);
}

#[test]
fn a_damaged_file_does_not_keep_others_from_being_merged() {
    let disk = SimulatedDisk::default();
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let engine = opened(&shared).unwrap();
    for number in 0..3 {
        engine.submit(origin(number), Table::Logs, &lines(&[&format!("{number}")])).unwrap();
        engine.commit().unwrap();
        engine.flush().unwrap();
    }
    disk.flip("logs-00000001.parquet", 4000);
    assert!(engine.compact(Wish::Everything).is_err());
    assert_eq!(engine.compact(Wish::Everything).unwrap(), 2);
    let (found, damaged) = texts(&engine);
    assert_eq!((found, damaged.len()), (vec!["0".to_owned(), "2".to_owned()], 1));
}
