use schema::Rows;

use super::*;
use crate::disk::Disk;
use crate::disk::simulated::SimulatedDisk;
use crate::segment::{Described, write};
use crate::tests::Random;

/// Rows of requests as a service's instances send them: time goes on, with most other columns of few values, some without any.
fn requests(random: &mut Random, start: i64, count: usize) -> Arc<RecordBatch> {
    let place = |name| Table::Requests.column(name).unwrap().0;
    let with_words = random.below(3) > 0;
    let mut rows = Rows::new(Table::Requests);
    for number in 0..count as i64 {
        rows.number(place("time"), start + number * 1_000_000 + random.below(5_000_000) as i64);
        rows.number(place("duration"), random.below(1 << 20) as i64);
        let service = *random.of(&["shop", "cart", "db"]);
        rows.text(place("service.name"), service);
        rows.text(place("weir.client.address"), &format!("10.0.0.{}", random.below(9)));
        rows.number(place("weir.connection"), random.below(40) as i64);
        if with_words && random.below(4) > 0 {
            rows.text(place("name"), &format!("GET /{}", random.below(3000)));
        }
        if random.below(5) == 0 {
            rows.text(place("url.path"), &format!("/only/{start}/{number}"));
            rows.map(place("attributes"), [("user", "a"), ("shard", "b")]);
        }
        rows.end().unwrap();
    }
    crate::batch::fit(Table::Requests, &rows.finish().unwrap()).unwrap()
}

fn file(disk: &Arc<dyn Disk>, id: u64, rows: &[Arc<RecordBatch>]) -> Arc<Segment> {
    let described = Described { level: 0, replaces: Vec::new(), log_from: 0 };
    let parts = Sorted::new(Table::Requests, rows);
    let meta = write(&**disk, (Table::Requests, id), parts.parts(5000), &described, 10_000).unwrap();
    Segment::new(meta, Arc::clone(disk))
}

/// Several files of rows whose times overlap, one of which is short.
fn files(disk: &Arc<dyn Disk>) -> Vec<Arc<Segment>> {
    let mut random = Random(5);
    let sizes = [25_000, 3, 40_000, 12_000];
    let written = (1..).zip(sizes).map(|(id, size)| {
        let rows: Vec<_> = (0..3)
            .map(|part| requests(&mut random, 1_700_000_000_000_000_000 + part * 7_000_000_000, size / 3))
            .collect();
        file(disk, id, &rows)
    });
    written.collect()
}

#[test]
fn files_are_joined_as_if_all_rows_were_in_memory() {
    let disk: Arc<dyn Disk> = Arc::new(SimulatedDisk::default());
    let (cache, files) = (Cache::new(10), files(&disk));
    let all = files.iter().flat_map(|file| file.batches(&cache, None, BATCH).unwrap());
    let all: Vec<_> = all.map(|batch| crate::batch::fit(Table::Requests, &batch.unwrap()).unwrap()).collect();
    let sorted = Sorted::new(Table::Requests, &all);
    let mut joined = Joined::new(Table::Requests, &files, &cache).map_err(|(_, error)| error).unwrap();
    let mut rows = 0;
    for (found, expected) in joined.parts(4096).zip(sorted.parts(4096)) {
        let (found, expected) = (found.unwrap(), expected.unwrap());
        assert_eq!(found, expected, "from row {rows} on");
        rows += found.num_rows();
    }
    assert_eq!(rows, all.iter().map(|batch| batch.num_rows()).sum::<usize>());
    assert!(joined.loaded.is_empty(), "what was given is not kept");
}

#[test]
fn only_what_is_at_hand_is_in_memory() {
    let disk: Arc<dyn Disk> = Arc::new(SimulatedDisk::default());
    let (cache, files) = (Cache::new(10), files(&disk));
    let mut joined = Joined::new(Table::Requests, &files, &cache).map_err(|(_, error)| error).unwrap();
    let (order, all) = (std::mem::take(&mut joined.order), joined.batches.len());
    let mut most = 0;
    for places in order.chunks(4096) {
        joined.part(places).unwrap();
        most = most.max(joined.loaded.len());
    }
    assert!(most <= all * 2 / 3, "{most} of {all} batches");
}

#[test]
fn the_file_that_cannot_be_read_is_told() {
    let simulated = SimulatedDisk::default();
    let disk: Arc<dyn Disk> = Arc::new(simulated.clone());
    let (cache, files) = (Cache::new(10), files(&disk));
    // Damage before the order is found, and after it.
    let mut joined = Joined::new(Table::Requests, &files, &cache).map_err(|(_, error)| error).unwrap();
    let length = files[2].meta.bytes as usize;
    let name = files[2].meta.name();
    (0..length / 2).step_by(32 * 1024).for_each(|place| simulated.flip(&name, place * 8));
    assert!(joined.parts(4096).any(|part| part.is_err()));
    assert_eq!(joined.failed(), Some(2));
    assert_eq!(Joined::new(Table::Requests, &files, &cache).err().map(|(file, _)| file), Some(2));
}
