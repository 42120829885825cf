//! Bloom filters that files have of ids: whether what is looked for may be in a group of rows.
//!
//! A filter is a row of blocks of 32 bytes, and a value's hash says in which of them it is noted (the Parquet format's split block
//! Bloom filter). So of a filter of a hundred kilobytes that one block is read.

use std::ops::Range;

use parquet::bloom_filter::Sbbf;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::ChunkReader;
use twox_hash::XxHash64;

use super::chunks::joined;
use super::prune::leaf;
use super::test::Test;
use crate::error::Error;
use crate::segment::Opened;

/// Bytes of a block.
const BLOCK: u64 = 32;

/// Where a column of a group has its filter's blocks.
fn blocks(metadata: &ParquetMetaData, group: usize, column: &str) -> Option<Range<u64>> {
    let column = metadata.row_group(group).column(leaf(metadata, column)?);
    let start = u64::try_from(column.bloom_filter_offset()?).ok()?;
    let length = u64::try_from(column.bloom_filter_length()?).ok()?;
    // Before the blocks is a header, which is shorter than one of them.
    let header = length % BLOCK;
    (header > 0 && length > BLOCK).then(|| start.saturating_add(header)..start.saturating_add(length))
}

/// The block in which a value is noted if it is in the filter.
fn block_of(blocks: &Range<u64>, value: &[u8]) -> Range<u64> {
    let count = (blocks.end - blocks.start) / BLOCK;
    let number = ((XxHash64::oneshot(0, value) >> 32) * count) >> 32;
    let start = blocks.start + number * BLOCK;
    start..start + BLOCK
}

/// What is looked for by a test for which there are filters, and the blocks that tell whether it is there.
fn looked_at<'t>(
    tests: &'t [&Test],
    metadata: &ParquetMetaData,
    group: usize,
) -> Vec<Vec<(&'t [u8], Range<u64>)>> {
    let of_test = |test: &&'t Test| {
        let Test::Bytes(field, wanted) = *test else { return None };
        let blocks = blocks(metadata, group, field.column)?;
        Some(wanted.iter().map(|value| (&value[..], block_of(&blocks, value))).collect())
    };
    tests.iter().filter_map(of_test).collect()
}

/// Whether a group has filters of what is looked for.
pub(crate) fn are_there(tests: &[&Test], metadata: &ParquetMetaData, group: usize) -> bool {
    !looked_at(tests, metadata, group).is_empty()
}

/// Says that what a file's filters tell of what is looked for will be read soon.
pub(crate) fn read_ahead(tests: &[&Test], opened: &Opened) {
    let metadata = opened.metadata.metadata();
    let groups = 0..metadata.num_row_groups();
    let looked_at = groups.flat_map(|group| looked_at(tests, metadata, group));
    let ranges = looked_at.flatten().map(|(_, block)| block).collect();
    joined(ranges).iter().for_each(|range| opened.file.read_ahead(range));
}

/// Whether the filters of a group of rows tell that what is looked for is not there.
///
/// # Errors
///
/// What is wrong with the file.
pub(crate) fn exclude(tests: &[&Test], opened: &Opened, group: usize) -> Result<bool, Error> {
    for wanted in looked_at(tests, opened.metadata.metadata(), group) {
        let mut may_be_there = false;
        for (value, block) in wanted {
            let bytes = opened.file.get_bytes(block.start, BLOCK as usize)?;
            // As a filter that has no other block.
            may_be_there = may_be_there || Sbbf::new(&bytes).check(value);
        }
        if !may_be_there {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Says that columns will be read soon of which filters told that they may have what is looked for: nearly always they do.
pub(crate) fn read_found_ahead(tests: &[&Test], opened: &Opened, group: usize) {
    let metadata = opened.metadata.metadata();
    for test in tests {
        let Test::Bytes(field, _) = test else { continue };
        if blocks(metadata, group, field.column).is_none() {
            continue;
        }
        if let Some(leaf) = leaf(metadata, field.column) {
            let (start, length) = metadata.row_group(group).column(leaf).byte_range();
            opened.file.read_ahead(&(start..start.saturating_add(length)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is asked of one block is what the library says of the whole filter, of any size that it may have.
    #[test]
    fn a_block_tells_what_the_filter_tells() {
        let value = |number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
        for (bytes, header) in [(32, 15), (1024, 16), (65_536, 17)] {
            let mut filter = Sbbf::new_with_num_of_bytes(bytes as usize);
            let noted = bytes / 4;
            (0..noted).for_each(|number| filter.insert(&value(number)[..]));
            let mut written = Vec::new();
            filter.write(&mut written).unwrap();
            assert_eq!(written.len() as u64 % BLOCK, header, "the header is what is no block");
            let blocks = header..written.len() as u64;
            let is_there = |number: &u64| {
                let value = value(*number);
                let block = block_of(&blocks, &value);
                let own = Sbbf::new(&written[block.start as usize..block.end as usize]).check(&value[..]);
                assert_eq!(own, filter.check(&value[..]), "{number} of {bytes}");
                own
            };
            assert!((0..noted).all(|number| is_there(&number)), "{bytes}");
            let wrong = (noted..noted + 10_000).filter(is_there).count();
            assert!(wrong < 1000, "{wrong} of {bytes}");
        }
    }
}
