//! Columns of numbers whose bytes are kept apart: their pages become plain ones on the way to their decoder. Its own way of putting
//! bytes together takes a few times as long, and a question about all rows little else.

use std::array::from_fn;
use std::sync::Arc;

use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReader, RowGroups, RowSelection};
use parquet::arrow::{ProjectionMask, parquet_to_arrow_field_levels};
use parquet::basic::{Encoding, Type};
use parquet::column::page::{Page, PageIterator, PageMetadata, PageReader};
use parquet::errors::Result;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::serialized_reader::SerializedPageReader;

use super::chunks::Chunks;

/// Bytes of a number.
const WIDTH: usize = 8;

/// Decodes what is in `chunks` of a group's columns, so many rows at a time.
pub(crate) fn decode(
    chunks: Chunks,
    metadata: &ArrowReaderMetadata,
    (group, columns): (usize, ProjectionMask),
    rows: usize,
    selection: Option<RowSelection>,
) -> Result<ParquetRecordBatchReader> {
    let fields = metadata.schema().fields();
    let levels = parquet_to_arrow_field_levels(metadata.parquet_schema(), columns, Some(fields))?;
    let group = Group { chunks: Arc::new(chunks), metadata: Arc::clone(metadata.metadata()), group };
    ParquetRecordBatchReader::try_new_with_row_groups(&levels, &group, rows, selection)
}

struct Group {
    chunks: Arc<Chunks>,
    metadata: Arc<ParquetMetaData>,
    group: usize,
}

impl Group {
    fn pages(&self, leaf: usize) -> Result<Box<dyn PageReader>> {
        let chunk = self.metadata.row_group(self.group).column(leaf);
        let index = self.metadata.offset_index().and_then(|groups| groups.get(self.group)?.get(leaf));
        let locations = index.map(|index| index.page_locations().clone());
        let pages = SerializedPageReader::new(Arc::clone(&self.chunks), chunk, self.num_rows(), locations)?;
        Ok(match chunk.column_type() {
            Type::INT64 | Type::DOUBLE => Box::new(Pages(pages)),
            _ => Box::new(pages),
        })
    }
}

impl RowGroups for Group {
    fn num_rows(&self) -> usize {
        usize::try_from(self.metadata.row_group(self.group).num_rows()).unwrap_or(0)
    }

    fn column_chunks(&self, leaf: usize) -> Result<Box<dyn PageIterator>> {
        Ok(Box::new(Once(Some(self.pages(leaf)))))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(std::iter::once(self.metadata.row_group(self.group)))
    }

    fn metadata(&self) -> &ParquetMetaData {
        &self.metadata
    }
}

/// The pages of one column of one group.
struct Once(Option<Result<Box<dyn PageReader>>>);

impl Iterator for Once {
    type Item = Result<Box<dyn PageReader>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.take()
    }
}

impl PageIterator for Once {}

/// Pages of numbers, plain ones in place of those whose bytes are kept apart.
struct Pages(SerializedPageReader<Chunks>);

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let mut page = self.0.get_next_page()?;
        if let Some(Page::DataPageV2 { buf, encoding, def_levels_byte_len, rep_levels_byte_len, .. }) =
            &mut page
            && *encoding == Encoding::BYTE_STREAM_SPLIT
            && let Some(plain) = plain(buf, *def_levels_byte_len as usize + *rep_levels_byte_len as usize)
        {
            (*buf, *encoding) = (plain, Encoding::PLAIN);
        }
        Ok(page)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.0.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.0.skip_next_page()
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        self.0.at_record_boundary()
    }
}

/// The same page with each number's bytes together; none where it is not what it should be. `levels` are the bytes before the numbers.
fn plain(page: &[u8], levels: usize) -> Option<Bytes> {
    let (levels, apart) = page.split_at_checked(levels)?;
    let count = apart.len() / WIDTH;
    if apart.len() % WIDTH > 0 || count == 0 {
        return None;
    }
    let mut out = vec![0; page.len()];
    let (before, numbers) = out.split_at_mut(levels.len());
    before.copy_from_slice(levels);
    let streams: [&[u8]; WIDTH] = from_fn(|place| &apart[place * count..(place + 1) * count]);
    let (blocks, rest) = numbers.as_chunks_mut::<{ WIDTH * WIDTH }>();
    let done = blocks.len() * WIDTH;
    // One by one, and all as long as the blocks are many: so there is nothing to check in the loop.
    let eights = |place: usize| &streams[place].as_chunks::<WIDTH>().0[..blocks.len()];
    let [a, b, c, d, e, f, g, h] = from_fn(eights);
    for (place, block) in blocks.iter_mut().enumerate() {
        let row = |eights: &[[u8; WIDTH]]| u64::from_le_bytes(eights[place]);
        let turned = turned([row(a), row(b), row(c), row(d), row(e), row(f), row(g), row(h)]);
        for (number, into) in turned.iter().zip(block.as_chunks_mut::<WIDTH>().0) {
            *into = number.to_le_bytes();
        }
    }
    for (place, number) in rest.chunks_exact_mut(WIDTH).enumerate() {
        number.iter_mut().zip(streams).for_each(|(byte, stream)| *byte = stream[done + place]);
    }
    Some(out.into())
}

/// A square of bytes, its rows in place of its columns: squares of four bytes change places, then of two within these, then bytes.
#[inline(always)]
fn turned(mut rows: [u64; WIDTH]) -> [u64; WIDTH] {
    for place in 0..4 {
        exchange(&mut rows, (place, place + 4), 32, 0x0000_0000_ffff_ffff);
    }
    for place in [0, 1, 4, 5] {
        exchange(&mut rows, (place, place + 2), 16, 0x0000_ffff_0000_ffff);
    }
    for place in [0, 2, 4, 6] {
        exchange(&mut rows, (place, place + 1), 8, 0x00ff_00ff_00ff_00ff);
    }
    rows
}

/// The upper parts of one row, and the lower parts of the other one, which `mask` tells, change places.
#[inline(always)]
fn exchange(rows: &mut [u64; WIDTH], (one, other): (usize, usize), shift: u32, mask: u64) {
    let differ = ((rows[one] >> shift) ^ rows[other]) & mask;
    rows[other] ^= differ;
    rows[one] ^= differ << shift;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_numbers_are_put_together() {
        for count in [1, 7, 8, 9, 64, 1000] {
            let numbers: Vec<u64> =
                (0..count as u64).map(|number| (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
            let bytes: Vec<[u8; WIDTH]> = numbers.iter().map(|number| number.to_le_bytes()).collect();
            let mut page = b"levels".to_vec();
            (0..WIDTH).for_each(|place| page.extend(bytes.iter().map(|bytes| bytes[place])));
            let found = plain(&page, 6).expect("a page");
            assert_eq!(found[..], [&b"levels"[..], bytes.as_flattened()].concat(), "{count}");
        }
    }

    #[test]
    fn what_is_no_page_is_left_to_its_decoder() {
        assert_eq!(plain(&[0; 9], 0), None);
        assert_eq!(plain(&[0; 8], 9), None);
        assert_eq!(plain(b"levels", 6), None, "no row has a value");
    }
}
