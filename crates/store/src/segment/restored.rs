//! A damaged file, as far as it can be had again: one bit of a block that turned is told by the block's checksum, and checksums that
//! are damaged themselves can be worked out anew.

use std::io;
use std::sync::Arc;

use super::checked::BLOCK;
use super::{Opened, Sums};
use crate::disk::{Disk, ReadFile, read_all};
use crate::error::{Error, Tried};
use crate::manifest::Meta;

/// Castagnoli's polynomial, the lowest bit first.
const POLYNOMIAL: u32 = 0x82f6_3b78;

/// The bit of a block that makes all the difference to its checksum, if it is one.
///
/// A checksum of this kind is linear: what a bit changes of it depends on its place only, which is how often the change was
/// shifted on. No two bits of a block have the same change.
fn turned(block: &[u8], sum: u32) -> Option<usize> {
    let difference = crc32c::crc32c(block) ^ sum;
    let mut change = 1u32;
    let from_end = (0..block.len() * 8).find(|_| {
        change = if change & 1 == 1 { change >> 1 ^ POLYNOMIAL } else { change >> 1 };
        change == difference
    })?;
    Some(block.len() * 8 - 1 - from_end)
}

/// A file's bytes in memory.
struct InMemory(Vec<u8>);

impl ReadFile for InMemory {
    fn length(&self) -> io::Result<u64> {
        Ok(self.0.len() as u64)
    }

    fn read(&self, at: u64, bytes: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(at).map_err(io::Error::other)?;
        let end = start.saturating_add(bytes.len());
        bytes.copy_from_slice(self.0.get(start..end).ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// Opens a file as it was, as far as that can be told; says what was done for that. What is damaged beyond that fails where it is
/// read.
///
/// # Errors
///
/// When nothing of it can be read.
pub(crate) fn restored(disk: &dyn Disk, meta: &Meta) -> Result<(Opened, Vec<String>), Error> {
    let (name, sums_name) = (meta.name(), meta.sums_name());
    let mut bytes = read_all(&*disk.open(&name).tried("opening", &name)?).tried("reading", &name)?;
    let stored = disk.open(&sums_name).and_then(|file| read_all(&*file)).unwrap_or_default();
    if let Some(sums) = Sums::decode(&stored) {
        let mut done = Vec::new();
        let blocks = bytes.chunks_mut(BLOCK).enumerate().filter_map(|(number, block)| {
            let sum = sums.block(number).filter(|sum| *sum != crc32c::crc32c(block))?;
            Some((number, block, sum))
        });
        // One bit is an accident. Where much is wrong, one bit would rarely explain it, but then it would explain it wrongly.
        if let [(number, block, sum)] = &mut blocks.collect::<Vec<_>>()[..]
            && let Some(bit) = turned(block, *sum)
        {
            block[bit / 8] ^= 1 << (bit % 8);
            let byte = *number * BLOCK + bit / 8;
            done.push(format!("{name}: a bit of the byte {byte} had turned, and is put right"));
        }
        return Ok((Opened::of(Arc::new(InMemory(bytes)), sums, &name)?, done));
    }
    let mut sums = Sums::default();
    sums.take(&bytes);
    let encoded = sums.encode();
    let proven = stored.len() == encoded.len() && {
        // What it says of itself at its end is right, or all the rest is: only one of them can be damaged.
        let at = encoded.len() - 4;
        stored[..at] == encoded[..at] || stored[at..] == encoded[at..]
    };
    let opened = Opened::of(Arc::new(InMemory(bytes)), sums, &name)?;
    if proven {
        return Ok((opened, vec![format!("{sums_name}: is damaged; the file itself is as it was")]));
    }
    let mut rows = 0;
    for group in 0..opened.metadata.metadata().num_row_groups() {
        rows += opened.rows(meta.table, group)?.iter().map(|batch| batch.num_rows()).sum::<usize>();
    }
    if opened.differs(meta).is_some() || rows as u64 != meta.rows {
        return Err(Error::Damaged(format!("{name}: is not as it was, and its checksums cannot tell where")));
    }
    let told = format!("{sums_name}: cannot be read; all rows of the file can, but are not checked");
    Ok((opened, vec![told]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bit_that_turned_is_found() {
        for length in [1, 100, BLOCK] {
            let block: Vec<u8> = (0..length).map(|place| (place * 31 % 253) as u8).collect();
            let sum = crc32c::crc32c(&block);
            assert_eq!(turned(&block, sum), None, "nothing turned");
            for bit in (0..length * 8).step_by(length.div_ceil(20) * 3 + 1).chain([length * 8 - 1]) {
                let mut block = block.clone();
                block[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(turned(&block, sum), Some(bit), "of {length} bytes");
                block[(bit / 8 + 7) % length] ^= 0b110;
                assert_ne!(turned(&block, sum), Some(bit), "more than one");
            }
        }
    }
}
