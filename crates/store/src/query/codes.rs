//! Columns with a dictionary: a test is answered once for each different value, and rows are then looked up by their codes, none of
//! which becomes a value.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, DictionaryArray, FixedSizeBinaryArray, Int32Array, Int64Array, RecordBatch, StringArray,
    UInt64Array,
};
use arrow_buffer::NullBuffer;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::RowSelection;
use parquet::basic::Encoding;
use parquet::column::page::{Page, PageReader};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::page_index::offset_index::PageLocation;
use parquet::file::serialized_reader::SerializedPageReader;
use schema::Kind;

use super::chunks::Chunks;
use super::field::Field;
use super::packed::{Bits, wanted};
use super::prune::leaf;
use super::test::Test;
use crate::error::Error;
use crate::segment::Opened;

/// What tests say of a column's different values.
pub(crate) struct Codes {
    group: usize,
    leaf: usize,
    chunks: Arc<Chunks>,
    /// Stands behind the dictionary.
    pages: SerializedPageReader<Chunks>,
    matches: Vec<bool>,
    /// The code that matches, where there is only one.
    only: Option<u32>,
    /// Whether a row without a value matches.
    lacking: bool,
    nulls: bool,
}

fn locations(metadata: &ParquetMetaData, group: usize, leaf: usize) -> Option<&Vec<PageLocation>> {
    Some(metadata.offset_index()?.get(group)?.get(leaf)?.page_locations())
}

impl Codes {
    /// None where the tests look at several columns, or at one that has no dictionary of all its values.
    pub(crate) fn of(tests: &[&Test], opened: &Opened, group: usize) -> Result<Option<Self>, Error> {
        let mut fields = Vec::new();
        tests.iter().for_each(|test| test.fields(&mut |field| fields.push(field)));
        let Some(field) = fields.first().filter(|first| fields.iter().all(|field| field == *first)) else {
            return Ok(None);
        };
        let metadata = opened.indexed()?;
        let metadata = metadata.metadata();
        let Some(leaf) = field.is_column().then(|| leaf(metadata, field.column)).flatten() else {
            return Ok(None);
        };
        let chunk = metadata.row_group(group).column(leaf);
        let (start, _) = chunk.byte_range();
        let Some(pages) = locations(metadata, group, leaf) else { return Ok(None) };
        let behind = pages.first().is_some_and(|first| first.offset as u64 > start);
        if !behind || !is_dictionary(chunk) {
            return Ok(None);
        }
        let only = ProjectionMask::leaves(opened.metadata.parquet_schema(), [leaf]);
        let chunks = Arc::new(Chunks::read(opened, group, &only, Some(&RowSelection::default()))?);
        let rows = usize::try_from(metadata.row_group(group).num_rows()).unwrap_or(0);
        let mut pages = SerializedPageReader::new(Arc::clone(&chunks), chunk, rows, Some(pages.clone()))?;
        let Some(Page::DictionaryPage { buf, num_values, .. }) = pages.get_next_page()? else {
            return Ok(None);
        };
        let Some(values) = values(field, &buf, num_values as usize)? else { return Ok(None) };
        let batch = RecordBatch::try_from_iter_with_nullable([(field.column, values, true)])?;
        // The last one is the lack of a value.
        let mut matches: Vec<bool> = Test::all_match(tests, &batch).iter().collect();
        let lacking = matches.pop().unwrap_or(false);
        let nulls = chunk.statistics().and_then(|found| found.null_count_opt()) != Some(0);
        let mut codes = (0u32..).zip(&matches).filter(|(_, matches)| **matches).map(|(code, _)| code);
        let only = codes.next().filter(|_| codes.next().is_none());
        Ok(Some(Codes { group, leaf, chunks, pages, matches, only, lacking, nulls }))
    }

    /// How many of the different values match, of 1; the lack of one is one of them where some row may lack it.
    pub(crate) fn part(&self) -> f64 {
        let lack = self.nulls.then_some(self.lacking);
        let (mut count, mut of) = (0, 0);
        for matches in self.matches.iter().copied().chain(lack) {
            (count, of) = (count + usize::from(matches), of + 1);
        }
        if of == 0 { 0.0 } else { count as f64 / of as f64 }
    }

    pub(crate) fn memory(&self) -> usize {
        self.matches.len() + self.chunks.memory()
    }

    /// Of the selected rows those that match. None where pages are not as they are written here.
    pub(crate) fn select(
        mut self,
        opened: &Opened,
        selection: Option<&RowSelection>,
        rows: usize,
    ) -> Result<Option<RowSelection>, Error> {
        let metadata = opened.indexed()?;
        let Some(locations) = locations(metadata.metadata(), self.group, self.leaf) else { return Ok(None) };
        let only = ProjectionMask::leaves(opened.metadata.parquet_schema(), [self.leaf]);
        self.chunks.add(opened, self.group, &only, selection)?;
        let needed: Option<Vec<u64>> = selection
            .map(|selection| selection.scan_ranges(locations).into_iter().map(|range| range.start).collect());
        let mut bits = Bits::new(rows);
        for (number, page) in locations.iter().enumerate() {
            let next = locations.get(number + 1).map_or(rows, |next| next.first_row_index as usize);
            let own = next.saturating_sub(page.first_row_index as usize);
            let offset = page.offset as u64;
            if needed.as_ref().is_some_and(|needed| needed.binary_search(&offset).is_err()) {
                self.pages.skip_next_page()?;
                bits.repeat(false, own);
                continue;
            }
            match self.pages.get_next_page()? {
                Some(Page::DataPageV2 {
                    buf,
                    num_values,
                    encoding: Encoding::RLE_DICTIONARY,
                    num_nulls,
                    def_levels_byte_len,
                    rep_levels_byte_len: 0,
                    ..
                }) if num_values as usize == own => {
                    let there = own.checked_sub(num_nulls as usize);
                    let levels = buf.split_at_checked(def_levels_byte_len as usize);
                    let read = there.zip(levels).and_then(|(there, (levels, values))| {
                        self.page((levels, values), (own, there), &mut bits)
                    });
                    read.ok_or_else(|| Error::Damaged("a page of codes cannot be read".into()))?;
                }
                _ => return Ok(None),
            }
        }
        let matches = bits.finish();
        // Few rows are told better by where they are, many by a bit for each.
        let found = if matches.count_set_bits() > rows / 16 {
            RowSelection::from_boolean_buffer(matches)
        } else {
            RowSelection::from_filters(&[matches.into()])
        };
        Ok(Some(match selection {
            Some(selection) => selection.intersection(&found),
            None => found,
        }))
    }

    /// The rows of a page, and those of them that have a value.
    fn page(
        &self,
        (levels, values): (&[u8], &[u8]),
        (rows, there): (usize, usize),
        into: &mut Bits,
    ) -> Option<()> {
        match self.only {
            Some(only) => self.page_of((levels, values), (rows, there), |code| code == only, into),
            None => {
                let is_wanted = |code: u32| self.matches.get(code as usize).copied().unwrap_or(false);
                self.page_of((levels, values), (rows, there), is_wanted, into)
            }
        }
    }

    fn page_of(
        &self,
        (levels, values): (&[u8], &[u8]),
        (rows, there): (usize, usize),
        is_wanted: impl Fn(u32) -> bool,
        into: &mut Bits,
    ) -> Option<()> {
        let (width, values) = match there {
            0 => (0, values),
            _ => values.split_first().map(|(width, rest)| (usize::from(*width), rest))?,
        };
        if there == rows {
            return wanted(values, width, rows, is_wanted, into);
        }
        let (mut present, mut found) = (Bits::new(rows), Bits::new(there));
        wanted(values, width, there, is_wanted, &mut found)?;
        if !self.lacking && found.is_none() {
            // So it is with most pages where one id is looked for.
            into.repeat(false, rows);
            return Some(());
        }
        wanted(levels, 1, rows, |level| level == 1, &mut present)?;
        let mut next = 0;
        for row in 0..rows {
            if present.get(row) {
                into.push(found.get(next));
                next += 1;
            } else {
                into.push(self.lacking);
            }
        }
        (next == there).then_some(())
    }
}

fn is_dictionary(chunk: &ColumnChunkMetaData) -> bool {
    let all =
        chunk.page_encoding_stats_mask().is_some_and(|encodings| encodings.is_only(Encoding::RLE_DICTIONARY));
    all && chunk.dictionary_page_offset().is_some()
}

/// The different values, and the lack of one.
fn values(field: &Field, bytes: &[u8], count: usize) -> Result<Option<ArrayRef>, Error> {
    let (numbers, _) = bytes.as_chunks::<8>();
    let numbers = || numbers.iter().take(count).map(|number| i64::from_le_bytes(*number));
    Ok(match field.kind {
        Kind::Word => {
            let Some(words) = texts(bytes, count) else { return Ok(None) };
            let keys: Int32Array = (0..words.len() as i32).map(Some).chain([None]).collect();
            let words: StringArray = words.into_iter().map(Some).collect();
            Some(Arc::new(DictionaryArray::try_new(keys, Arc::new(words))?) as ArrayRef)
        }
        Kind::Number | Kind::Duration => {
            Some(Arc::new(numbers().map(Some).chain([None]).collect::<Int64Array>()))
        }
        Kind::Id => {
            let ids = numbers().map(|number| Some(number as u64));
            Some(Arc::new(ids.chain([None]).collect::<UInt64Array>()))
        }
        Kind::Bytes(size) => {
            let mut all = bytes.to_vec();
            let count = bytes.len() / usize::try_from(size).unwrap_or(1).max(1);
            all.resize((count + 1) * size as usize, 0);
            let nulls: NullBuffer = (0..=count).map(|place| place < count).collect();
            Some(Arc::new(FixedSizeBinaryArray::try_new(size, all.into(), Some(nulls))?))
        }
        _ => None,
    })
}

/// Texts, each behind its length; none where they are not what they should be.
fn texts(mut bytes: &[u8], count: usize) -> Option<Vec<&str>> {
    let mut texts = Vec::with_capacity(count.min(bytes.len() / 4));
    for _ in 0..count {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let (text, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        texts.push(std::str::from_utf8(text).ok()?);
        bytes = rest;
    }
    Some(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_as_far_as_they_are_whole() {
        let bytes = b"\x02\0\0\0ab\0\0\0\0\x01\0\0\0c";
        assert_eq!(texts(bytes, 3), Some(vec!["ab", "", "c"]));
        assert_eq!(texts(bytes, 4), None);
        for length in 0..bytes.len() {
            assert_eq!(texts(&bytes[..length], 3), None);
        }
        assert_eq!(texts(b"\x01\0\0\0\xff", 1), None);
        assert_eq!(texts(b"", usize::MAX), None);
    }
}
