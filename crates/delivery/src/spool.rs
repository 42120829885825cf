//! What finds no room in memory waits on disk, and outlives a restart.
//!
//! A folder has segments, numbered in the order of what they hold. A segment is records behind one another, each with a header
//! that has a checksum. What was dealt with is marked in its header, and a segment of which all is goes. A record that was not
//! written to its end, since the machine stopped, ends its segment.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use flate2::Crc;

use crate::config::Spool as Config;
use crate::payload::{Compression, Kind, Payload};

/// A spool has so many segments, so that room comes back soon.
const SEGMENTS: u64 = 16;
/// The least bytes of a segment.
const LEAST_SEGMENT: u64 = 64 * 1024;
/// Most bytes of a record: messages are smaller.
const MOST_RECORD: u32 = 16 << 20;
/// The number of the first segment of an empty spool: what has to come before it finds numbers too.
const FIRST: u64 = 1 << 32;
/// How names of segments end.
const EXTENSION: &str = "spool";
/// Locked by who uses the folder.
const LOCK: &str = "lock";

/// State (dealt with or not), version, kind, compression; items, length and checksum, each of four bytes.
const HEADER: usize = 16;
const WAITING: u8 = 0;
const DONE: u8 = 1;
const VERSION: u8 = 1;

/// The segments.
#[derive(Debug)]
pub(crate) struct Spool {
    folder: PathBuf,
    size: u64,
    segments: VecDeque<Segment>,
    /// Bytes of all of them.
    bytes: u64,
    /// The last segment is being written.
    open: bool,
    _lock: File,
}

#[derive(Debug)]
struct Segment {
    number: u64,
    file: File,
    /// Bytes that make sense.
    length: u64,
    /// Where to read on.
    next: u64,
    /// Records that are not dealt with.
    waiting: u32,
}

/// A record's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    segment: u64,
    at: u64,
}

/// What was read.
#[derive(Debug)]
pub(crate) enum Read {
    Payload(Payload, Place),
    /// A record that is not as it was written: how many items it had, if that can be believed.
    Damaged(Kind, u32),
    /// There is nothing more.
    End,
}

/// Why a payload was not kept.
#[derive(Debug)]
pub(crate) enum Refused {
    Full,
    Failed(io::Error),
}

impl Spool {
    /// Opens a folder, or makes it. Only root may look into it: there are requests in it.
    pub(crate) fn open(config: &Config) -> io::Result<Spool> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&config.folder)?;
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let lock = options.open(config.folder.join(LOCK))?;
        // SAFETY: the descriptor is open.
        if unsafe { libc::flock(lock.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } != 0 {
            return Err(io::Error::other("another agent, or another destination, uses this folder"));
        }
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&config.folder)? {
            let path = entry?.path();
            let own = path.extension().is_some_and(|extension| extension == EXTENSION);
            let number = path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok());
            numbers.extend(number.filter(|_| own));
        }
        numbers.sort_unstable();
        let mut spool = Spool {
            folder: config.folder.clone(),
            size: config.size,
            segments: VecDeque::new(),
            bytes: 0,
            open: false,
            _lock: lock,
        };
        for number in numbers {
            let path = path(&spool.folder, number);
            match Segment::read(number, &path)? {
                segment if segment.waiting == 0 => fs::remove_file(path)?,
                segment => {
                    spool.bytes += segment.length;
                    spool.segments.push_back(segment);
                }
            }
        }
        Ok(spool)
    }

    /// Bytes on disk.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// True when all was read.
    pub(crate) fn is_empty(&self) -> bool {
        self.segments.iter().all(|segment| segment.next >= segment.length)
    }

    /// Appends a payload.
    pub(crate) fn push(&mut self, payload: &Payload) -> Result<(), Refused> {
        let record = record(payload);
        if self.bytes + record.len() as u64 > self.size {
            return Err(Refused::Full);
        }
        let most = (self.size / SEGMENTS).max(LEAST_SEGMENT);
        if self.segments.back().is_none_or(|last| last.length >= most) || !self.open {
            let number = self.segments.back().map_or(FIRST, |last| last.number + 1);
            self.segments.push_back(Segment::make(number, &self.folder).map_err(Refused::Failed)?);
            self.open = true;
        }
        let Some(last) = self.segments.back_mut() else { return Err(Refused::Full) };
        last.append(&record).map_err(Refused::Failed)?;
        self.bytes += record.len() as u64;
        Ok(())
    }

    /// Puts payloads before all others, and sees to it that all is on disk.
    pub(crate) fn put_before(&mut self, payloads: &[Payload]) -> Result<(), (usize, Refused)> {
        let failed = |at: usize| move |error| (at, Refused::Failed(error));
        if !payloads.is_empty() {
            let number = self.segments.front().map_or(FIRST, |first| first.number.saturating_sub(1));
            self.segments.push_front(Segment::make(number, &self.folder).map_err(failed(0))?);
        }
        for (at, payload) in payloads.iter().enumerate() {
            let record = record(payload);
            if self.bytes + record.len() as u64 > self.size {
                return Err((at, Refused::Full));
            }
            let Some(first) = self.segments.front_mut() else { return Err((at, Refused::Full)) };
            first.append(&record).map_err(failed(at))?;
            self.bytes += record.len() as u64;
        }
        for segment in &self.segments {
            segment.file.sync_data().map_err(failed(payloads.len()))?;
        }
        Ok(())
    }

    /// The next payload that was not read yet.
    pub(crate) fn next(&mut self) -> io::Result<Read> {
        for segment in &mut self.segments {
            while segment.next < segment.length {
                let at = segment.next;
                // Where it cannot be read, nobody knows where the next record begins.
                segment.next = segment.length;
                let Some(header) = segment.header(at)? else { break };
                segment.next = at + HEADER as u64 + u64::from(header.length);
                if header.state == DONE {
                    continue;
                }
                let mut body = vec![0; header.length as usize];
                let read = segment.file.read_exact_at(&mut body, at + HEADER as u64);
                let payload = Payload {
                    kind: header.kind,
                    compression: header.compression,
                    items: header.items,
                    body: body.into(),
                };
                let place = Place { segment: segment.number, at };
                if read.is_ok() && checksum(&payload) == header.checksum {
                    return Ok(Read::Payload(payload, place));
                }
                self.done(place)?;
                return Ok(Read::Damaged(header.kind, header.items));
            }
        }
        Ok(Read::End)
    }

    /// Forgets a payload that was read.
    pub(crate) fn done(&mut self, place: Place) -> io::Result<()> {
        let Some(at) = self.segments.iter().position(|segment| segment.number == place.segment) else {
            return Ok(());
        };
        let is_last = at + 1 == self.segments.len();
        let segment = &mut self.segments[at];
        segment.waiting = segment.waiting.saturating_sub(1);
        if segment.waiting > 0 {
            return segment.file.write_all_at(&[DONE], place.at);
        }
        let path = path(&self.folder, segment.number);
        self.bytes = self.bytes.saturating_sub(segment.length);
        self.segments.remove(at);
        if is_last {
            self.open = false;
        }
        fs::remove_file(path)
    }
}

/// A header as it is understood.
struct Header {
    state: u8,
    kind: Kind,
    compression: Compression,
    items: u32,
    length: u32,
    checksum: u32,
}

impl Segment {
    fn make(number: u64, folder: &Path) -> io::Result<Segment> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create_new(true).mode(0o600).open(path(folder, number))?;
        Ok(Segment { number, file, length: 0, next: 0, waiting: 0 })
    }

    /// Looks at the headers of what an earlier agent left behind.
    fn read(number: u64, path: &Path) -> io::Result<Segment> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let size = file.metadata()?.len();
        let mut segment = Segment { number, file, length: size, next: 0, waiting: 0 };
        let mut at = 0;
        while let Some(header) = segment.header(at)? {
            let end = at + HEADER as u64 + u64::from(header.length);
            if end > size {
                break;
            }
            segment.waiting += u32::from(header.state == WAITING);
            at = end;
        }
        segment.length = at;
        Ok(segment)
    }

    /// The header at a place; `None` where there is no whole one, or none that makes sense.
    fn header(&self, at: u64) -> io::Result<Option<Header>> {
        let mut bytes = [0; HEADER];
        if at + HEADER as u64 > self.length {
            return Ok(None);
        }
        self.file.read_exact_at(&mut bytes, at)?;
        let [state, version, kind, compression, rest @ ..] = bytes;
        let number = |at: usize| {
            let mut bytes = [0; 4];
            bytes.copy_from_slice(&rest[at..at + 4]);
            u32::from_le_bytes(bytes)
        };
        let (items, length, checksum) = (number(0), number(4), number(8));
        // On disk they begin with one.
        let Some(kind) = kind.checked_sub(1).map(Kind) else { return Ok(None) };
        let compression = match compression {
            0 => Compression::None,
            1 => Compression::Gzip,
            2 => Compression::Zstd,
            _ => return Ok(None),
        };
        let sound = version == VERSION && matches!(state, WAITING | DONE) && length <= MOST_RECORD;
        Ok(sound.then_some(Header { state, kind, compression, items, length, checksum }))
    }

    /// Appends a record as a whole or not at all.
    fn append(&mut self, record: &[u8]) -> io::Result<()> {
        if let Err(error) = self.file.write_all_at(record, self.length) {
            // Half a record is no loss: the next one is written over it, and a reader stops at it.
            let _ = self.file.set_len(self.length);
            return Err(error);
        }
        self.length += record.len() as u64;
        self.waiting += 1;
        Ok(())
    }
}

fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:020}.{EXTENSION}"))
}

/// The four bytes that say what a payload is.
fn kind(payload: &Payload) -> [u8; 3] {
    let compression = match payload.compression {
        Compression::None => 0,
        Compression::Gzip => 1,
        Compression::Zstd => 2,
    };
    [VERSION, payload.kind.0.saturating_add(1), compression]
}

fn checksum(payload: &Payload) -> u32 {
    let mut sum = Crc::new();
    sum.update(&kind(payload));
    sum.update(&payload.items.to_le_bytes());
    sum.update(&payload.body);
    sum.sum()
}

fn record(payload: &Payload) -> Vec<u8> {
    let mut record = Vec::with_capacity(HEADER + payload.body.len());
    record.push(WAITING);
    record.extend_from_slice(&kind(payload));
    record.extend_from_slice(&payload.items.to_le_bytes());
    // Messages are far shorter than this.
    record.extend_from_slice(&u32::try_from(payload.body.len()).unwrap_or(u32::MAX).to_le_bytes());
    record.extend_from_slice(&checksum(payload).to_le_bytes());
    record.extend_from_slice(&payload.body);
    record
}

#[cfg(test)]
mod tests;
