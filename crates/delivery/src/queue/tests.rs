use super::*;
use crate::config::Spool as SpoolConfig;
use crate::endpoint::Endpoint;
use crate::payload::{Compression, Kind};

const SPANS: Kind = Kind(0);

fn payload(items: u32) -> Payload {
    let (kind, compression) = (SPANS, Compression::None);
    Payload { kind, compression, items, body: vec![items as u8; 1000].into() }
}

fn queue(limit: usize, spool: Option<SpoolConfig>) -> (Queue, Arc<Counts>) {
    let endpoint: Endpoint = "http://localhost:1".parse().expect("an address");
    let mut way = Way::new(endpoint, 1 << 20);
    (way.queue, way.spool) = (limit, spool);
    let counts = Arc::new(Counts::new(&["spans"]));
    (Queue::open(&way, counts.clone()).expect("a queue"), counts)
}

fn drain(queue: &mut Queue) -> Vec<u32> {
    std::iter::from_fn(|| {
        let payload = queue.front()?;
        queue.done();
        Some(payload.items)
    })
    .collect()
}

#[test]
fn what_finds_no_room_is_counted() {
    let (mut queue, counts) = queue(3 * payload(1).cost(), None);
    (1..=5).for_each(|items| queue.push(payload(items)));
    assert_eq!(counts.dropped(SPANS, Cause::QueueFull), 4 + 5);
    assert_eq!(counts.waiting(), (3 * payload(1).cost() as u64, 0));
    // Who is on its way takes up room until it has arrived.
    assert_eq!(queue.front().map(|payload| payload.items), Some(1));
    queue.push(payload(6));
    assert_eq!(counts.dropped(SPANS, Cause::QueueFull), 4 + 5 + 6);
    queue.done();
    queue.push(payload(7));
    assert_eq!(drain(&mut queue), [2, 3, 7]);
    assert_eq!(counts.waiting(), (0, 0));
}

#[test]
fn the_disk_takes_what_memory_cannot_and_the_order_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let spool = || Some(SpoolConfig { folder: folder.path().join("spool"), size: 1 << 20 });
    let (mut queue, counts) = queue(2 * payload(1).cost(), spool());
    (1..=6).for_each(|items| queue.push(payload(items)));
    assert!(counts.waiting().1 > 4000 && counts.all_dropped() == 0);
    assert_eq!(queue.front().map(|payload| payload.items), Some(1));
    queue.done();
    // There is room in memory, but others came before.
    queue.push(payload(7));
    assert_eq!(drain(&mut queue), [2, 3, 4, 5, 6, 7]);
    assert_eq!(counts.waiting(), (0, 0));
    queue.push(payload(8));
    assert_eq!(counts.waiting().1, 0);
    assert_eq!(drain(&mut queue), [8]);
}

#[test]
fn at_the_end_memory_goes_to_disk_before_what_is_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let spool = || Some(SpoolConfig { folder: folder.path().to_owned(), size: 1 << 20 });
    let (mut first, counts) = queue(2 * payload(1).cost(), spool());
    (1..=6).for_each(|items| first.push(payload(items)));
    first.done();
    first.done();
    // This one lies on disk, and in memory as well.
    assert_eq!(first.front().map(|payload| payload.items), Some(3));
    first.close();
    drop(first);
    assert_eq!(counts.all_dropped(), 0);
    let (mut second, _) = queue(2 * payload(1).cost(), spool());
    assert_eq!(second.front().map(|payload| payload.items), Some(3));
    drop(second);
    let (mut third, counts) = queue(1 << 20, spool());
    third.push(payload(9));
    assert_eq!(drain(&mut third), [3, 4, 5, 6, 9]);
    third.push(payload(10));
    third.push(payload(11));
    third.close();
    drop(third);
    assert_eq!(counts.all_dropped(), 0);
    let (mut fourth, _) = queue(1 << 20, spool());
    assert_eq!(drain(&mut fourth), [10, 11]);
}

#[test]
fn at_the_end_what_has_nowhere_to_go_is_counted() {
    let (mut queue, counts) = queue(1 << 20, None);
    (1..=3).for_each(|items| queue.push(payload(items)));
    queue.close();
    assert_eq!(counts.dropped(SPANS, Cause::Shutdown), 6);
    assert_eq!((queue.front(), counts.waiting()), (None, (0, 0)));
}

#[test]
fn a_full_disk_is_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    let spool = Some(SpoolConfig { folder: folder.path().to_owned(), size: 4 * 1024 });
    let (mut queue, counts) = queue(payload(1).cost(), spool);
    (1..=10).for_each(|items| queue.push(payload(items)));
    assert_eq!(counts.dropped(SPANS, Cause::SpoolFull), 6 + 7 + 8 + 9 + 10);
    assert_eq!(drain(&mut queue), [1, 2, 3, 4, 5]);
}
