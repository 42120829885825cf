//! Kernel events in a file, to be replayed without root.
//!
//! A recording holds what the agent's analysis takes in: events, readings of the clocks, and what was learnt of
//! processes. So everything after the kernel runs, and is tested, from a file. Layout: an eight-byte mark with a version,
//! then entries, each a length (32 bits, little endian) and the entry in postcard's format. A file that is cut
//! ends where its last whole entry ends.

use std::io::{self, BufRead, Write};

use model::event::Event;
use model::time::ClockReading;
use serde::{Deserialize, Serialize};
use workload::Facts;

const MARK: &[u8; 8] = b"weirev\x00\x01";
/// More than any entry needs: a chunk's payload is at most 16 KiB.
const LONGEST: usize = 1 << 20;

/// One entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(clippy::large_enum_variant)] // nearly all are events, and there is one at a time
pub enum Entry<'a> {
    /// Both clocks at this point.
    Clock(ClockReading),
    /// What was learnt of a process.
    Facts(Box<Facts>),
    /// An event.
    #[serde(borrow)]
    Event(Event<'a>),
}

/// What can go wrong while reading.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is not a recording, or of a version that this program does not know.
    #[error("not a recording of Weir's events, or of another version")]
    Mark,
    /// An entry makes no sense.
    #[error("entry {index} at byte {offset} is damaged: {reason}")]
    Entry {
        /// Which entry, counted from 0.
        index: u64,
        /// Where it begins.
        offset: u64,
        /// What is wrong.
        reason: String,
    },
    /// The file could not be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Writes entries.
#[derive(Debug)]
pub struct Writer<W: Write> {
    to: W,
    entry: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// Begins a recording.
    ///
    /// # Errors
    ///
    /// Whatever writing to `to` gives, here and below.
    pub fn new(mut to: W) -> io::Result<Self> {
        to.write_all(MARK)?;
        Ok(Writer { to, entry: Vec::new() })
    }

    /// Adds an entry.
    pub fn write(&mut self, entry: &Entry<'_>) -> io::Result<()> {
        self.entry.clear();
        self.entry.extend_from_slice(&[0; 4]);
        let buffer = std::mem::take(&mut self.entry);
        self.entry = postcard::to_extend(entry, buffer).map_err(io::Error::other)?;
        let length = (self.entry.len() - 4) as u32;
        self.entry[..4].copy_from_slice(&length.to_le_bytes());
        self.to.write_all(&self.entry)
    }

    /// Ends the recording.
    pub fn finish(mut self) -> io::Result<W> {
        self.to.flush()?;
        Ok(self.to)
    }
}

/// Reads entries.
#[derive(Debug)]
pub struct Reader<R: BufRead> {
    from: R,
    entry: Vec<u8>,
    index: u64,
    offset: u64,
}

impl<R: BufRead> Reader<R> {
    /// Opens a recording.
    ///
    /// # Errors
    ///
    /// [`Error::Mark`] where `from` is something else.
    pub fn new(mut from: R) -> Result<Self, Error> {
        let mut mark = [0; MARK.len()];
        from.read_exact(&mut mark).map_err(|_| Error::Mark)?;
        if mark != *MARK {
            return Err(Error::Mark);
        }
        Ok(Reader { from, entry: Vec::new(), index: 0, offset: MARK.len() as u64 })
    }

    /// The next entry; `None` at the end, also where the file was cut in the middle of one.
    ///
    /// # Errors
    ///
    /// [`Error::Entry`] where the bytes are no entry.
    pub fn read(&mut self) -> Result<Option<Entry<'_>>, Error> {
        let mut length = [0; 4];
        if !fill(&mut self.from, &mut length)? {
            return Ok(None);
        }
        let length = u32::from_le_bytes(length) as usize;
        let (index, offset) = (self.index, self.offset);
        let damaged = |reason: String| Error::Entry { index, offset, reason };
        if length > LONGEST {
            return Err(damaged(format!("it claims {length} bytes")));
        }
        self.entry.resize(length, 0);
        if !fill(&mut self.from, &mut self.entry)? {
            return Ok(None);
        }
        self.index += 1;
        self.offset += 4 + length as u64;
        postcard::from_bytes(&self.entry).map(Some).map_err(|error| damaged(error.to_string()))
    }
}

/// All entries of a recording that is in memory, which borrow from it.
///
/// # Errors
///
/// As [`Reader::new`] and [`Reader::read`].
pub fn entries(recording: &[u8]) -> Result<Vec<Entry<'_>>, Error> {
    let mut rest = recording.strip_prefix(MARK).ok_or(Error::Mark)?;
    let mut entries = Vec::new();
    while let Some((length, behind)) = rest.split_first_chunk()
        && let Some((entry, behind)) = behind.split_at_checked(u32::from_le_bytes(*length) as usize)
    {
        let damaged = |error: postcard::Error| Error::Entry {
            index: entries.len() as u64,
            offset: (recording.len() - rest.len()) as u64,
            reason: error.to_string(),
        };
        entries.push(postcard::from_bytes(entry).map_err(damaged)?);
        rest = behind;
    }
    Ok(entries)
}

/// Fills `buffer`; false at the end of the input.
fn fill(from: &mut impl BufRead, buffer: &mut [u8]) -> io::Result<bool> {
    match from.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use model::event::{Chunk, Exit};
    use model::{ConnectionId, Direction};

    use super::*;

    fn sample() -> Vec<Entry<'static>> {
        vec![
            Entry::Clock(ClockReading { monotonic: 1, wall: 2 }),
            Entry::Event(Event::Chunk(Chunk {
                connection: ConnectionId(7),
                time: 3,
                direction: Direction::Received,
                position: 4,
                previous_end: 4,
                length: 100,
                pid: 5,
                tid: 6,
                payload: b"hello",
            })),
            Entry::Event(Event::Exit(Exit { time: 9, pid: 5 })),
        ]
    }

    fn written() -> Vec<u8> {
        let mut writer = Writer::new(Vec::new()).unwrap();
        for entry in sample() {
            writer.write(&entry).unwrap();
        }
        writer.finish().unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        let bytes = written();
        let mut reader = Reader::new(bytes.as_slice()).unwrap();
        for expected in sample() {
            assert_eq!(reader.read().unwrap(), Some(expected));
        }
        assert_eq!(reader.read().unwrap(), None);
    }

    #[test]
    fn a_cut_file_ends_with_its_last_whole_entry() {
        let bytes = written();
        for cut in MARK.len()..bytes.len() {
            let mut reader = Reader::new(&bytes[..cut]).unwrap();
            let mut entries = 0;
            while reader.read().unwrap().is_some() {
                entries += 1;
            }
            assert!(entries < 3, "cut at {cut}");
        }
    }

    #[test]
    fn damage_is_an_error_not_a_panic() {
        assert!(matches!(Reader::new(&b"GIF89a.."[..]), Err(Error::Mark)));
        let bytes = written();
        for place in MARK.len()..bytes.len() {
            for bit in 0..8 {
                let mut bytes = bytes.clone();
                bytes[place] ^= 1 << bit;
                let mut reader = Reader::new(bytes.as_slice()).unwrap();
                while let Ok(Some(_)) = reader.read() {}
            }
        }
    }
}
