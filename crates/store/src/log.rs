//! The log: batches as they came, so that none is lost before it is in a file of columns.
//!
//! A file begins with `weirlog\n`, the version of its form (u32) and the CRC32C of these. Then come frames: a mark, the length of what follows the
//! checksum (u32), CRC32C of that (u32); the sender, its batch's number (u64 each), the table's name (its length, then at most 15 bytes), and
//! the batch as a stream of Arrow's IPC format. All numbers are little-endian. A stream brings its own schema, so files of any version
//! are read by the columns' names.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use schema::Table;

use crate::disk::{Disk, WriteFile};
use crate::error::{Error, Tried};
use crate::manifest::plain_number;

const BEGINNING: &[u8; 8] = b"weirlog\n";
/// The version of the form of files.
pub(crate) const VERSION: u32 = 1;
const FILE_HEAD: usize = 16;
const MARK: [u8; 4] = [0xf7, b'w', b'f', 0x01];
/// Mark, length and checksum.
const FRAME_HEAD: usize = 12;
/// Sender, number and table.
const BATCH_HEAD: usize = 32;
/// Longest frame: larger batches are refused.
pub(crate) const LONGEST: usize = 64 << 20;

/// Who sent a batch, and which of its batches it is: the same pair is stored once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    /// The sender.
    pub source: u64,
    /// The number of its batch; numbers rise.
    pub sequence: u64,
}

/// A batch as it is in the log.
#[derive(Debug, Clone)]
pub struct Logged {
    /// Who sent it.
    pub origin: Origin,
    /// The table.
    pub table: Table,
    /// The rows.
    pub batch: RecordBatch,
}

/// Writes a batch as a frame.
pub(crate) fn encode(origin: Origin, table: Table, batch: &RecordBatch) -> Result<Vec<u8>, Error> {
    let mut bytes = vec![0; FRAME_HEAD + BATCH_HEAD];
    bytes.reserve(batch.get_array_memory_size());
    let mut writer = StreamWriter::try_new(&mut bytes, &batch.schema())?;
    writer.write(batch)?;
    writer.finish()?;
    drop(writer);
    let length = bytes.len() - FRAME_HEAD;
    if length > LONGEST {
        return Err(Error::Unfit(format!("it takes {length} bytes, more than {LONGEST}")));
    }
    bytes[0..4].copy_from_slice(&MARK);
    bytes[4..8].copy_from_slice(&(length as u32).to_le_bytes());
    bytes[12..20].copy_from_slice(&origin.source.to_le_bytes());
    bytes[20..28].copy_from_slice(&origin.sequence.to_le_bytes());
    let name = table.name().as_bytes();
    bytes[28] = name.len() as u8;
    bytes[29..29 + name.len()].copy_from_slice(name);
    let sum = crc32c::crc32c(&bytes[FRAME_HEAD..]);
    bytes[8..12].copy_from_slice(&sum.to_le_bytes());
    Ok(bytes)
}

/// The name of the log file of this number.
pub(crate) fn name(number: u64) -> String {
    format!("log-{number:08}")
}

/// The number of the log file of this name.
pub(crate) fn number(name: &str) -> Option<u64> {
    plain_number(name.strip_prefix("log-")?)
}

/// Begins a log file, durably.
pub(crate) fn create(disk: &dyn Disk, number: u64) -> Result<Box<dyn WriteFile>, Error> {
    let name = name(number);
    let mut file = disk.create(&name).tried("making", &name)?;
    file.write(&file_head(VERSION)).tried("writing", &name)?;
    disk.sync_names().tried("making durable", &name)?;
    Ok(file)
}

fn file_head(version: u32) -> [u8; FILE_HEAD] {
    let mut head = [0; FILE_HEAD];
    head[..8].copy_from_slice(BEGINNING);
    head[8..12].copy_from_slice(&version.to_le_bytes());
    let sum = crc32c::crc32c(&head[..12]);
    head[12..].copy_from_slice(&sum.to_le_bytes());
    head
}

/// What was found in a log file.
#[derive(Debug, Default)]
pub struct Found {
    /// The batches, in order.
    pub batches: Vec<Logged>,
    /// Bytes at the end that are no whole frame: usual after a crash.
    pub cut: usize,
    /// What lies between whole frames and is none: that is no work of a crash.
    pub damaged: Vec<String>,
}

/// Reads all of a log file's bytes.
///
/// # Errors
///
/// When it is no log file, or one of a later version.
pub fn read(name: &str, bytes: &[u8]) -> Result<Found, Error> {
    let mut found = Found::default();
    if bytes.len() < FILE_HEAD {
        // It was just being begun; there is nothing in it that was acknowledged.
        found.cut = bytes.len();
        return Ok(found);
    }
    let version = u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]);
    // A version whose checksum does not hold is none.
    if bytes[..FILE_HEAD] != file_head(version) {
        found.damaged.push(format!("{name}: its beginning is not that of a log"));
    } else if version > VERSION {
        return Err(Error::TooNew { name: name.into(), found: version, known: VERSION });
    }
    let (mut at, mut bad) = (FILE_HEAD, None);
    while at < bytes.len() {
        match frame(&bytes[at..]) {
            Some((content, length)) => {
                if let Some(from) = bad.take() {
                    found.damaged.push(format!("{name}: bytes {from} to {at} are no batches"));
                }
                match decode(content) {
                    Ok(logged) => found.batches.push(logged),
                    Err(why) => found.damaged.push(format!("{name}: the batch at byte {at}: {why}")),
                }
                at += length;
            }
            None => {
                bad.get_or_insert(at);
                at = next_mark(bytes, at + 1);
            }
        }
    }
    if let Some(from) = bad {
        let rest = &bytes[from..];
        if is_complete(rest) {
            let why = "is not as it was written, or a crash tore it";
            found.damaged.push(format!("{name}: the last batch, at byte {from}, {why}"));
        } else {
            found.cut = rest.len();
        }
    }
    Ok(found)
}

/// The frame that `bytes` begin with, and its whole length.
fn frame(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let head = bytes.get(..FRAME_HEAD)?;
    let number = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let length = number(4) as usize;
    if head[..4] != MARK || !(BATCH_HEAD..=LONGEST).contains(&length) {
        return None;
    }
    let content = bytes.get(FRAME_HEAD..FRAME_HEAD + length)?;
    (crc32c::crc32c(content) == number(8)).then_some((content, FRAME_HEAD + length))
}

/// Whether bytes that are no whole frame are one as far as the length goes, or as far as the checksum goes: a process that dies while it
/// writes leaves less than that.
fn is_complete(bytes: &[u8]) -> bool {
    let Some((head, content)) = bytes.split_at_checked(FRAME_HEAD) else { return false };
    let number = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let length = number(4) as usize;
    let by_length = head[..4] == MARK && (BATCH_HEAD..=content.len()).contains(&length);
    by_length || content.len() >= BATCH_HEAD && crc32c::crc32c(content) == number(8)
}

fn next_mark(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    rest.windows(MARK.len()).position(|window| window == MARK).map_or(bytes.len(), |place| from + place)
}

fn decode(content: &[u8]) -> Result<Logged, String> {
    let (head, stream) = content.split_at(BATCH_HEAD);
    let number = |at: usize| u64::from_le_bytes(std::array::from_fn(|place| head[at + place]));
    let length = usize::from(head[16]).min(15);
    let table = std::str::from_utf8(&head[17..17 + length]).ok().and_then(Table::named);
    let table = table.ok_or("it is of no table that is known")?;
    // The checksum holds, so these are the bytes that were written; but no byte that is read may end the process.
    let batch = std::panic::catch_unwind(|| {
        let mut reader = StreamReader::try_new(stream, None)?;
        reader.next().transpose()
    });
    let batch = match batch {
        Ok(Ok(Some(batch))) => batch,
        Ok(Ok(None)) => return Err("it is empty".into()),
        Ok(Err(error)) => return Err(error.to_string()),
        Err(_) => return Err("it cannot be read".into()),
    };
    let batch = crate::batch::fit(table, &batch).map_err(|error| error.to_string())?;
    Ok(Logged {
        origin: Origin { source: number(0), sequence: number(8) },
        table,
        batch: Arc::unwrap_or_clone(batch),
    })
}

#[cfg(test)]
mod tests {
    use schema::Rows;

    use super::*;

    fn batch(text: &str) -> RecordBatch {
        let mut rows = Rows::new(Table::Logs);
        rows.text(Table::Logs.column("body").unwrap().0, text);
        rows.end().unwrap();
        rows.finish().unwrap()
    }

    fn file(texts: &[&str]) -> (Vec<u8>, Vec<usize>) {
        let (mut bytes, mut places) = (file_head(VERSION).to_vec(), Vec::new());
        for (sequence, text) in (0..).zip(texts) {
            places.push(bytes.len());
            let rows = crate::batch::fit(Table::Logs, &batch(text)).unwrap();
            bytes.extend(encode(Origin { source: 9, sequence }, Table::Logs, &rows).unwrap());
        }
        (bytes, places)
    }

    fn sequences(found: &Found) -> Vec<u64> {
        found.batches.iter().map(|logged| logged.origin.sequence).collect()
    }

    #[test]
    fn batches_are_read_as_they_were_written() {
        let found = read("log", &file(&["a", "b"]).0).unwrap();
        assert_eq!((sequences(&found), found.cut, found.damaged.len()), (vec![0, 1], 0, 0));
        assert_eq!(found.batches[0].origin.source, 9);
        let rows = crate::batch::fit(Table::Logs, &batch("b")).unwrap();
        assert_eq!((found.batches[1].table, &found.batches[1].batch), (Table::Logs, &*rows));
    }

    #[test]
    fn an_end_that_is_cut_is_no_damage() {
        let (bytes, places) = file(&["a", "b"]);
        for length in [0, 7, 16, places[1] + 1, places[1] + 40, bytes.len() - 1] {
            let found = read("log", &bytes[..length]).unwrap();
            let whole = usize::from(length >= places[1]);
            assert_eq!((found.batches.len(), found.damaged.len()), (whole, 0), "{length}");
            assert_eq!(found.cut == 0, [0, 16].contains(&length), "{length}");
        }
    }

    #[test]
    fn what_follows_damage_is_read() {
        let (bytes, places) = file(&["a", "b", "c"]);
        for at in [0, places[0], places[0] + 5, places[1] + 3, places[1] + 8, places[1] + 50] {
            let mut bytes = bytes.clone();
            bytes[at] ^= 0x10;
            let found = read("log", &bytes).unwrap();
            assert_eq!(found.damaged.len(), 1, "{at}");
            assert!(sequences(&found).ends_with(&[2]), "{at}: {:?}", sequences(&found));
            assert_eq!(found.batches.len(), if at == 0 { 3 } else { 2 }, "{at}");
        }
    }

    #[test]
    fn a_bit_of_the_last_batch_is_damage_and_no_cut_end() {
        let (bytes, places) = file(&["a", "b"]);
        for bit in places[1] * 8..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let found = read("log", &bytes).unwrap();
            let told = (sequences(&found), found.cut, found.damaged.len());
            assert_eq!(told, (vec![0], 0, 1), "bit {bit} from {}", places[1] * 8);
        }
    }

    #[test]
    fn a_later_version_is_not_guessed_at() {
        let mut bytes = file_head(VERSION + 1).to_vec();
        bytes.extend(&file(&["a"]).0[FILE_HEAD..]);
        assert!(matches!(read("log", &bytes), Err(Error::TooNew { found: 2, known: 1, .. })));
    }
}
