//! Parts of a file that are read and checked before any of them is decoded.

use std::ops::Range;
use std::sync::{PoisonError, RwLock};

use bytes::{Buf, Bytes};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::RowSelection;
use parquet::errors::Result;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::{ChunkReader, Length};

use crate::segment::{CheckedFile, Opened};

/// What lies no further apart is read at once: about a block of the checksums, which is read as a whole anyway.
const NEAR: usize = 32 * 1024;

/// Parts of a file in memory.
pub(crate) struct Chunks {
    file: CheckedFile,
    /// Where each begins, in order.
    parts: RwLock<Vec<(u64, Bytes)>>,
}

impl Chunks {
    /// Reads what some columns of a group have of the selected rows, and their dictionaries.
    pub(crate) fn read(
        opened: &Opened,
        group: usize,
        columns: &ProjectionMask,
        selection: Option<&RowSelection>,
    ) -> Result<Self> {
        let chunks = Chunks { file: opened.file.clone(), parts: RwLock::default() };
        chunks.add(opened, group, columns, selection)?;
        Ok(chunks)
    }

    /// Reads what more is needed.
    pub(crate) fn add(
        &self,
        opened: &Opened,
        group: usize,
        columns: &ProjectionMask,
        selection: Option<&RowSelection>,
    ) -> Result<()> {
        let ranges = near(opened, group, columns, selection)?;
        if ranges.len() > 1 {
            ranges.iter().for_each(|range| self.file.read_ahead(range));
        }
        let part = |range: Range<u64>| {
            let length = usize::try_from(range.end - range.start)?;
            Ok((range.start, self.file.get_bytes(range.start, length)?))
        };
        let more = ranges.into_iter().map(part).collect::<Result<Vec<_>>>()?;
        let mut parts = self.parts.write().unwrap_or_else(PoisonError::into_inner);
        for (start, bytes) in more {
            // Where two begin at the same place the longer one counts.
            match parts.binary_search_by_key(&start, |(start, _)| *start) {
                Ok(place) if parts[place].1.len() < bytes.len() => parts[place].1 = bytes,
                Ok(_) => {}
                Err(place) => parts.insert(place, (start, bytes)),
            }
        }
        Ok(())
    }

    pub(crate) fn memory(&self) -> usize {
        let parts = self.parts.read().unwrap_or_else(PoisonError::into_inner);
        parts.iter().map(|(_, bytes)| bytes.len() + NEAR).sum()
    }

    /// What is in memory from `start` on.
    fn from(&self, start: u64) -> Option<Bytes> {
        let parts = self.parts.read().unwrap_or_else(PoisonError::into_inner);
        let place = parts.partition_point(|(at, _)| *at <= start).checked_sub(1)?;
        let (at, bytes) = parts.get(place)?;
        let within = usize::try_from(start - at).ok().filter(|within| *within < bytes.len())?;
        Some(bytes.slice(within..))
    }
}

/// Where pages are.
fn ranges(
    metadata: &ParquetMetaData,
    group: usize,
    columns: &ProjectionMask,
    selection: Option<&RowSelection>,
) -> Vec<Range<u64>> {
    let mut ranges = Vec::new();
    let indexes = metadata.offset_index().and_then(|index| index.get(group));
    for (leaf, column) in metadata.row_group(group).columns().iter().enumerate() {
        if !columns.leaf_included(leaf) {
            continue;
        }
        let (start, length) = column.byte_range();
        let pages = indexes.and_then(|leaves| leaves.get(leaf)).map(|index| index.page_locations());
        match (selection, pages) {
            (Some(selection), Some(pages)) => {
                let first = pages.first().map_or(start, |page| page.offset as u64);
                ranges.push(start..first.max(start));
                ranges.extend(selection.scan_ranges(pages));
            }
            _ => ranges.push(start..start + length),
        }
    }
    ranges
}

/// Says that what some columns of a group have of the selected rows will be read soon.
pub(crate) fn read_ahead(
    opened: &Opened,
    group: usize,
    columns: &ProjectionMask,
    selection: Option<&RowSelection>,
) -> Result<()> {
    near(opened, group, columns, selection)?.iter().for_each(|range| opened.file.read_ahead(range));
    Ok(())
}

/// Where that is, what lies near as one.
fn near(
    opened: &Opened,
    group: usize,
    columns: &ProjectionMask,
    selection: Option<&RowSelection>,
) -> Result<Vec<Range<u64>>> {
    let metadata = opened.described(selection)?;
    Ok(joined(ranges(metadata.metadata(), group, columns, selection)))
}

/// What lies near is read at once.
pub(crate) fn joined(mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    ranges.retain(|range| !range.is_empty());
    ranges.sort_unstable_by_key(|range| range.start);
    let mut joined: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start <= last.end + NEAR as u64 => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.file.len()
    }
}

impl ChunkReader for Chunks {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        let bytes = match self.from(start) {
            Some(bytes) => bytes,
            None => self.file.get_bytes(start, (self.len().saturating_sub(start) as usize).min(NEAR))?,
        };
        Ok(bytes.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        match self.from(start) {
            Some(bytes) if bytes.len() >= length => Ok(bytes.slice(..length)),
            // The decoder may look at a page from which no row is wanted.
            _ => self.file.get_bytes(start, length),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_is_read_at_once() {
        let block = NEAR as u64;
        let found = joined(vec![5 * block..6 * block, 0..10, 7..7, 20..30, 4 * block..4 * block + 1]);
        assert_eq!(found, [0..30, 4 * block..6 * block]);
    }
}
