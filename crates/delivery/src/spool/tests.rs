use std::collections::VecDeque;

use super::*;

fn config(folder: &Path, size: u64) -> Config {
    Config { folder: folder.to_owned(), size }
}

/// A payload that can be told from others.
fn payload(number: u32, length: usize) -> Payload {
    Payload {
        kind: Kind(u8::from(number.is_multiple_of(3))),
        compression: [Compression::None, Compression::Gzip, Compression::Zstd][number as usize % 3],
        items: number,
        body: vec![number as u8; length].into(),
    }
}

#[track_caller]
fn next(spool: &mut Spool) -> Option<(Payload, Place)> {
    match spool.next().expect("a read") {
        Read::Payload(payload, place) => Some((payload, place)),
        Read::Damaged(..) => panic!("damaged"),
        Read::End => None,
    }
}

/// All that is left, forgotten as it is read.
fn drain(spool: &mut Spool) -> Vec<u32> {
    std::iter::from_fn(|| {
        let (payload, place) = next(spool)?;
        assert_eq!(payload, self::payload(payload.items, payload.body.len()));
        spool.done(place).expect("done");
        Some(payload.items)
    })
    .collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.extension().is_some()).collect();
    files.sort();
    files
}

#[test]
fn what_goes_in_comes_out_in_order_and_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut spool = Spool::open(&config(folder.path(), 4 << 20)).expect("a spool");
    assert!(spool.is_empty() && next(&mut spool).is_none());
    let mut expected = VecDeque::new();
    // Reading while writing, over the bounds of many segments.
    for number in 0..300 {
        spool.push(&payload(number, 10_000 + number as usize)).expect("room");
        expected.push_back(number);
        if number % 2 == 0 {
            let (payload, place) = next(&mut spool).expect("a payload");
            assert_eq!(Some(payload.items), expected.pop_front());
            spool.done(place).expect("done");
        }
    }
    assert!(files(folder.path()).len() > 3);
    assert_eq!(drain(&mut spool), Vec::from(expected));
    assert!(spool.is_empty() && files(folder.path()).is_empty() && spool.bytes() == 0);
    spool.push(&payload(7, 1)).expect("room");
    assert_eq!(drain(&mut spool), [7]);
}

#[test]
fn a_restart_goes_on_where_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = config(folder.path(), 4 << 20);
    let mut spool = Spool::open(&config).expect("a spool");
    assert!(Spool::open(&config).is_err(), "a folder is one spool's only");
    (10..60).for_each(|number| spool.push(&payload(number, 20_000)).expect("room"));
    for _ in 0..7 {
        let (_, place) = next(&mut spool).expect("a payload");
        spool.done(place).expect("done");
    }
    // This one is on its way when the agent ends: it is sent again.
    assert_eq!(next(&mut spool).expect("a payload").0.items, 17);
    let bytes = spool.bytes();
    drop(spool);
    let mut spool = Spool::open(&config).expect("a spool");
    assert!(spool.bytes() <= bytes && !spool.is_empty());
    spool.put_before(&[payload(1, 10), payload(2, 10)]).expect("room");
    spool.push(&payload(99, 10)).expect("room");
    let expected: Vec<u32> = [1, 2].into_iter().chain(17..60).chain([99]).collect();
    assert_eq!(drain(&mut spool), expected);
}

#[test]
fn it_is_bounded() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut spool = Spool::open(&config(folder.path(), 1 << 20)).expect("a spool");
    let pushed = (0..100).take_while(|number| spool.push(&payload(*number, 50_000)).is_ok()).count();
    assert_eq!(pushed, 20);
    assert!(matches!(spool.push(&payload(1, 50_000)), Err(Refused::Full)));
    let on_disk: u64 =
        files(folder.path()).iter().map(|path| fs::metadata(path).expect("a file").len()).sum();
    assert_eq!(on_disk, spool.bytes());
    assert!(on_disk <= 1 << 20);
    let refused = spool.put_before(&[payload(1, 10), payload(2, 50_000), payload(3, 10)]);
    assert!(matches!(refused, Err((1, Refused::Full))), "{refused:?}");
    // Room comes back segment by segment.
    for _ in 0..4 {
        let (_, place) = next(&mut spool).expect("a payload");
        spool.done(place).expect("done");
    }
    spool.push(&payload(5, 50_000)).expect("room");
}

/// Spools after the same content, each damaged in another way.
#[test]
fn damage_costs_what_is_damaged() {
    let whole = {
        let folder = tempfile::tempdir().expect("a folder");
        let mut spool = Spool::open(&config(folder.path(), 1 << 20)).expect("a spool");
        (0..4).for_each(|number| spool.push(&payload(number, 100)).expect("room"));
        fs::read(&files(folder.path())[0]).expect("a segment")
    };
    let record = HEADER + 100;
    assert_eq!(whole.len(), 4 * record);
    let read = |bytes: &[u8]| {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(path(folder.path(), 5), bytes).expect("a segment");
        fs::write(folder.path().join("no number.spool"), b"x").expect("a file");
        let mut spool = Spool::open(&config(folder.path(), 1 << 20)).expect("a spool");
        let mut found = Vec::new();
        loop {
            match spool.next().expect("a read") {
                Read::Payload(payload, place) => {
                    found.push(i64::from(payload.items));
                    spool.done(place).expect("done");
                }
                Read::Damaged(_, items) => found.push(-i64::from(items)),
                Read::End => break,
            }
        }
        spool.push(&payload(8, 10)).expect("room");
        assert_eq!(drain(&mut spool), [8]);
        found
    };
    assert_eq!(read(&whole), [0, 1, 2, 3]);
    // Torn at any place: what was written before is there.
    for length in 0..whole.len() {
        let expected: Vec<i64> = (0..(length / record) as i64).collect();
        assert_eq!(read(&whole[..length]), expected, "{length}");
    }
    // Any byte of a body or a checksum.
    for at in [2 * record + 12, 2 * record + HEADER, 3 * record - 1] {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        assert_eq!(read(&bytes), [0, 1, -2, 3], "{at}");
    }
    // A header that makes no sense ends its segment.
    for (at, value) in [(0, 9), (1, 0), (2, 0), (3, 7), (11, 0xff)] {
        let mut bytes = whole.clone();
        bytes[2 * record + at] = value;
        assert_eq!(read(&bytes), [0, 1], "{at}");
    }
    assert_eq!(read(&[0xff; 5000]), [0i64; 0]);
}

#[test]
fn a_full_disk_is_told_and_got_over() {
    // A file system of 1 MiB, as root may mount it.
    let folder = tempfile::tempdir().expect("a folder");
    let path = std::ffi::CString::new(folder.path().to_str().expect("a path")).expect("a path");
    let mounted = {
        // SAFETY: all texts end with a zero byte.
        unsafe {
            libc::mount(c"none".as_ptr(), path.as_ptr(), c"tmpfs".as_ptr(), 0, c"size=1m".as_ptr().cast())
        }
    };
    if mounted != 0 {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "nothing can be mounted");
        eprintln!("skipped: not root: no small file system");
        return;
    }
    let result = std::panic::catch_unwind(|| {
        let mut spool = Spool::open(&config(folder.path(), 1 << 30)).expect("a spool");
        let pushed = (0..100).take_while(|number| spool.push(&payload(*number, 60_000)).is_ok()).count();
        assert!((10..18).contains(&pushed), "{pushed}");
        let refused = spool.push(&payload(1, 60_000));
        assert!(matches!(refused, Err(Refused::Failed(_))), "{refused:?}");
        let expected: Vec<u32> = (0..pushed as u32).collect();
        assert_eq!(drain(&mut spool), expected, "what was written is whole");
        spool.push(&payload(1, 60_000)).expect("room again");
        assert_eq!(drain(&mut spool), [1]);
    });
    // SAFETY: the text ends with a zero byte.
    unsafe { libc::umount2(path.as_ptr(), libc::MNT_DETACH) };
    result.expect("the test");
}
