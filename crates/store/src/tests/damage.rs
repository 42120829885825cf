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

/// Four files and no log, as a store is that had time.
fn in_files() -> (SimulatedDisk, BTreeSet<String>) {
    let disk = SimulatedDisk::default();
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let engine = opened(&shared).unwrap();
    let mut all = BTreeSet::new();
    for number in 0..4 {
        let own = [format!("{number}a"), format!("{number}b")];
        engine.submit(origin(number), Table::Logs, &lines(&own.each_ref().map(String::as_str))).unwrap();
        engine.commit().unwrap();
        engine.flush().unwrap();
        all.extend(own);
    }
    (disk, all)
}

/// It is opened and all there, or it is said that it is damaged and a repair brings back all of it.
#[track_caller]
fn nothing_goes_without_a_word(shared: &Arc<dyn Disk>, all: &BTreeSet<String>, what: &str) {
    match opened(shared) {
        Ok(engine) => assert_eq!(&texts(&engine).0.into_iter().collect::<BTreeSet<_>>(), all, "{what}"),
        Err(error) => {
            assert!(error.to_string().contains("weir store repair"), "{what}: {error}");
            let checked = check_on(&**shared, |_| {}).unwrap();
            assert!(!checked.damaged.is_empty(), "{what}: {:?}", checked.leftovers);
            let repaired = repair_on(Arc::clone(shared), &config(), |_| {}).unwrap();
            let (found, damaged) = texts(&opened(shared).unwrap());
            assert_eq!(damaged, [""; 0], "{what}");
            assert_eq!(found.len(), all.len(), "{what}: {:?}", repaired.done);
            assert_eq!(&found.into_iter().collect::<BTreeSet<_>>(), all, "{what}: {:?}", repaired.done);
        }
    }
}

#[test]
fn a_manifest_that_is_not_as_it_was_takes_no_file_with_it() {
    let (grown, all) = in_files();
    // Once more with a manifest that was written anew: one line has all of it.
    let (anew, shared) = copy(&grown);
    drop(opened(&shared).unwrap());
    for (disk, which) in [(grown, "grown"), (anew, "anew")] {
        let length = disk.length("manifest");
        // Places all over it, and its last bytes.
        for byte in (0..length).step_by(17).chain(length - 2..length) {
            let what = format!("{which}, byte {byte} of {length}");
            let (copied, shared) = copy(&disk);
            copied.flip("manifest", byte * 8 + byte % 8);
            nothing_goes_without_a_word(&shared, &all, &what);
            let (copied, shared) = copy(&disk);
            copied.append("manifest", byte as u64).unwrap().sync().unwrap();
            nothing_goes_without_a_word(&shared, &all, &format!("{what}, cut there"));
        }
    }
}

#[test]
fn a_manifest_that_lost_a_merge_takes_no_file_with_it() {
    let (disk, all) = in_files();
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    assert_eq!(opened(&shared).unwrap().compact(Wish::Everything).unwrap(), 4);
    disk.append("manifest", disk.length("manifest") as u64 - 1).unwrap().sync().unwrap();
    assert!(opened(&shared).is_err());
    nothing_goes_without_a_word(&shared, &all, "a merge");
}

#[test]
fn what_is_replaced_already_does_not_come_back_by_a_repair() {
    let (disk, all) = in_files();
    let (kept, shared) = copy(&disk);
    let engine = opened(&shared).unwrap();
    // Somebody reads them still as the machine stops, so they are not removed.
    let held: Vec<_> = engine.state().segments.values().cloned().collect();
    engine.compact(Wish::Everything).unwrap();
    let kept = kept.after_crash(Loss::Nothing);
    drop((engine, held));
    let files = kept.list().unwrap().into_iter().filter(|name| name.ends_with(".parquet")).count();
    assert_eq!(files, 5, "the four and what was made of them");
    let shared: Arc<dyn Disk> = Arc::new(kept.clone());
    for manifest_too in [false, true] {
        let (copied, shared) = copy(&kept);
        if manifest_too {
            copied.remove("manifest").unwrap();
        } else {
            copied.create("log-00000009").unwrap();
        }
        nothing_goes_without_a_word(&shared, &all, &format!("manifest too: {manifest_too}"));
    }
    nothing_goes_without_a_word(&shared, &all, "nothing is wrong");
}

#[test]
fn files_of_others_and_what_was_set_aside_stay() {
    let (disk, _) = in_files();
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let others = ["sales-2024.parquet", "all.parquet", "log-2024", "readme.txt", "sales-2024.parquet.crc32c"];
    others.iter().for_each(|name| drop(disk.create(name).unwrap()));
    disk.flip("logs-00000001.parquet", 4000);
    repair_on(Arc::clone(&shared), &config(), |_| {}).unwrap();
    drop(opened(&shared).unwrap());
    drop(opened(&shared).unwrap());
    let names = disk.list().unwrap();
    let set_aside = ["damaged-logs-00000001.parquet", "damaged-logs-00000001.parquet.crc32c"];
    for name in others.iter().chain(&set_aside) {
        assert!(names.iter().any(|found| found == name), "{name}: {names:?}");
    }
}

#[test]
fn checksums_that_are_gone_take_no_rows_with_them() {
    let (disk, all) = in_files();
    for length in [None, Some(3), Some(1 << 25)] {
        let (copied, shared) = copy(&disk);
        let sums = "logs-00000001.parquet.crc32c";
        match length {
            None => copied.remove(sums).unwrap(),
            Some(length) => copied.create(sums).unwrap().write(&vec![0; length]).unwrap(),
        }
        let checked = check_on(&*shared, |_| {}).unwrap();
        assert!(checked.damaged.iter().any(|told| told.contains(sums)), "{:?}", checked.damaged);
        let repaired = repair_on(Arc::clone(&shared), &config(), |_| {}).unwrap();
        let told = repaired.done.iter().any(|told| told.contains(sums) && told.contains("not checked"));
        assert!(told && repaired.lost_rows == 0, "{length:?}: {:?}", repaired.done);
        let (found, damaged) = texts(&opened(&shared).unwrap());
        assert_eq!((found.into_iter().collect::<BTreeSet<_>>(), damaged.len()), (all.clone(), 0));
    }
}

#[test]
fn files_that_changed_places_are_told_and_put_right() {
    let disk = SimulatedDisk::default();
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let engine = opened(&shared).unwrap();
    for (number, count) in [(0, 10), (1, 20)] {
        engine.submit(origin(number), Table::Logs, &lines(&vec!["x"; count])).unwrap();
        engine.commit().unwrap();
        engine.flush().unwrap();
    }
    drop(engine);
    for end in [".parquet", ".parquet.crc32c"] {
        let [one, other] = [0, 1].map(|number| format!("logs-0000000{number}{end}"));
        disk.rename(&one, "between").unwrap();
        disk.rename(&other, &one).unwrap();
        disk.rename("between", &other).unwrap();
    }
    let (found, damaged) = texts(&opened(&shared).unwrap());
    assert_eq!((found.len(), damaged.len()), (0, 2), "their times are not those that are known: {damaged:?}");
    assert_eq!(check_on(&*shared, |_| {}).unwrap().damaged.len(), 2);
    repair_on(Arc::clone(&shared), &config(), |_| {}).unwrap();
    let (found, damaged) = texts(&opened(&shared).unwrap());
    assert_eq!((found.len(), damaged.len()), (30, 0), "{damaged:?}");
}

#[test]
fn a_folder_without_a_store_is_said_to_be_one() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("nowhere");
    std::fs::write(folder.path().join("sales-2024.parquet"), "of others").unwrap();
    let told = [
        crate::check(folder.path(), |_| {}).err(),
        crate::repair(folder.path(), |_| {}).err(),
        Reader::open(folder.path(), config()).err(),
    ];
    assert!(told.iter().all(|error| matches!(error, Some(crate::Error::NoStore { .. }))), "{told:?}");
    assert!(crate::repair(&nowhere, |_| {}).is_err() && !nowhere.exists(), "nothing is begun there");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "and nothing here");
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
            // One bit can be turned back everywhere but in the log: there it takes a batch of 300 rows with it.
            let lost = if name.starts_with("log-") { 300 } else { 0 };
            assert!(
                found.len() >= all.len() - lost,
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
