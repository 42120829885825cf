//! Checksums of a file's blocks, in a file beside it; reading that checks them.

use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

use crate::disk::ReadFile;

/// Bytes under one checksum. The file `NAME.crc32c` has the CRC32C of each block of `NAME` (u32, little-endian), the length of
/// `NAME` (u64), and the CRC32C of all this.
pub(crate) const BLOCK: usize = 32 * 1024;

/// The checksums of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Sums {
    blocks: Vec<u32>,
    length: u64,
}

impl Sums {
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// That of the block of this number.
    pub(crate) fn block(&self, number: usize) -> Option<u32> {
        self.blocks.get(number).copied()
    }

    /// The next bytes of a file that is written; `open` is the part of a block that is not complete.
    pub(crate) fn take(&mut self, mut bytes: &[u8]) {
        self.length += bytes.len() as u64;
        while !bytes.is_empty() {
            let within = (self.length as usize - bytes.len()) % BLOCK;
            let now = bytes.len().min(BLOCK - within);
            let (part, rest) = bytes.split_at(now);
            match self.blocks.last_mut() {
                Some(last) if within > 0 => *last = crc32c::crc32c_append(*last, part),
                _ => self.blocks.push(crc32c::crc32c(part)),
            }
            bytes = rest;
        }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.blocks.iter().flat_map(|sum| sum.to_le_bytes()).collect();
        bytes.extend(self.length.to_le_bytes());
        bytes.extend(crc32c::crc32c(&bytes).to_le_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Sums> {
        let (content, sum) = bytes.split_last_chunk::<4>()?;
        let (blocks, length) = content.split_last_chunk::<8>()?;
        let length = u64::from_le_bytes(*length);
        let blocks: Vec<u32> =
            blocks.chunks_exact(4).map(|sum| u32::from_le_bytes([sum[0], sum[1], sum[2], sum[3]])).collect();
        let whole = crc32c::crc32c(content) == u32::from_le_bytes(*sum);
        (whole && length.div_ceil(BLOCK as u64) == blocks.len() as u64).then_some(Sums { blocks, length })
    }
}

/// A file every read of which is checked.
#[derive(Clone)]
pub(crate) struct CheckedFile {
    file: Arc<dyn ReadFile>,
    sums: Arc<Sums>,
    name: Arc<str>,
}

impl CheckedFile {
    pub(crate) fn new(file: Arc<dyn ReadFile>, sums: Arc<Sums>, name: &str) -> Self {
        CheckedFile { file, sums, name: name.into() }
    }

    /// These bytes will be read soon, with all that is checked with them.
    pub(crate) fn read_ahead(&self, range: &Range<u64>) {
        let blocks = self.blocks_of(range);
        self.file.read_ahead(blocks.start, blocks.end - blocks.start);
    }

    /// The blocks that have these bytes.
    fn blocks_of(&self, range: &Range<u64>) -> Range<u64> {
        let block = BLOCK as u64;
        range.start / block * block..range.end.next_multiple_of(block).min(self.sums.length)
    }

    fn read(&self, start: u64, length: usize) -> io::Result<Bytes> {
        let end = start.checked_add(length as u64).filter(|end| *end <= self.sums.length);
        let end = end.ok_or_else(|| io::Error::other(format!("{}: ends too early", self.name)))?;
        let Range { start: first, end: last } = self.blocks_of(&(start..end));
        let mut bytes = vec![0; (last - first) as usize];
        self.file
            .read(first, &mut bytes)
            .map_err(|error| io::Error::other(format!("{}: {error}", self.name)))?;
        for (place, block) in bytes.chunks(BLOCK).enumerate() {
            let number = (first / BLOCK as u64) as usize + place;
            if self.sums.blocks.get(number) != Some(&crc32c::crc32c(block)) {
                let at = number * BLOCK;
                let why = format!("{}: the block at byte {at} is not as it was written", self.name);
                return Err(io::Error::new(io::ErrorKind::InvalidData, why));
            }
        }
        let from = (start - first) as usize;
        Ok(Bytes::from(bytes).slice(from..from + length))
    }

    /// Reads all of it; says which blocks are damaged.
    pub(crate) fn check(&self, mut progress: impl FnMut(u64)) -> Vec<String> {
        let mut damaged = Vec::new();
        if self.file.length().ok() != Some(self.sums.length) {
            damaged.push(format!("{}: is not as long as it was", self.name));
        }
        for start in (0..self.sums.length).step_by(BLOCK) {
            let length = (self.sums.length - start).min(BLOCK as u64);
            if let Err(error) = self.read(start, length as usize) {
                damaged.push(error.to_string());
            }
            progress(length);
        }
        damaged
    }
}

impl Length for CheckedFile {
    fn len(&self) -> u64 {
        self.sums.length
    }
}

impl ChunkReader for CheckedFile {
    type T = CheckedRead;

    fn get_read(&self, start: u64) -> Result<CheckedRead> {
        Ok(CheckedRead { file: self.clone(), at: start, read: Bytes::new() })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        self.read(start, length).map_err(|error| ParquetError::External(Box::new(error)))
    }
}

/// Reads on from a place.
pub(crate) struct CheckedRead {
    file: CheckedFile,
    at: u64,
    read: Bytes,
}

impl Read for CheckedRead {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.read.is_empty() {
            let block_end = (self.at / BLOCK as u64 + 1) * BLOCK as u64;
            let length = block_end.min(self.file.sums.length).saturating_sub(self.at);
            if length == 0 {
                return Ok(0);
            }
            self.read = self.file.read(self.at, length as usize)?;
            self.at += length;
        }
        let now = into.len().min(self.read.len());
        into[..now].copy_from_slice(&self.read.split_to(now));
        Ok(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_do_not_depend_on_how_it_was_written() {
        let bytes: Vec<u8> = (0..BLOCK * 3 + 100).map(|place| (place * 7 % 251) as u8).collect();
        let mut whole = Sums::default();
        whole.take(&bytes);
        for step in [1000, BLOCK, BLOCK + 1] {
            let mut sums = Sums::default();
            bytes.chunks(step).for_each(|part| sums.take(part));
            assert_eq!(sums, whole, "{step}");
        }
        assert_eq!(whole.blocks.len(), 4);
        let encoded = whole.encode();
        assert_eq!(Sums::decode(&encoded), Some(whole));
        for place in 0..encoded.len() {
            let mut wrong = encoded.clone();
            wrong[place] ^= 4;
            assert_eq!(Sums::decode(&wrong), None);
        }
    }
}
