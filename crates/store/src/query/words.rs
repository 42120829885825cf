//! The dictionaries of columns: a test that looks at one column is answered once for each different value.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, DictionaryArray, Int32Array, Int64Array, RecordBatch, StringArray, UInt64Array,
};
use parquet::arrow::ProjectionMask;
use parquet::basic::Encoding;
use parquet::column::page::{Page, PageReader};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::serialized_reader::SerializedPageReader;
use schema::{Kind, Table};

use super::chunks::Chunks;
use super::prune::leaf;
use super::test::Test;
use crate::error::Error;
use crate::segment::Opened;

/// How many of the different values match, of 1. The lack of a value is one of them where some row lacks it. None where the test
/// looks at several columns, or at one that has no dictionary of all its values.
pub(crate) fn matching(
    table: Table,
    test: &Test,
    opened: &Opened,
    group: usize,
) -> Result<Option<f64>, Error> {
    let mut looked_at = Vec::new();
    test.columns(&mut |column| looked_at.push(column));
    looked_at.dedup();
    let [name] = looked_at[..] else { return Ok(None) };
    let Some((_, column)) = table.column(name) else { return Ok(None) };
    let metadata = opened.metadata.metadata();
    let Some(leaf) = leaf(metadata, name) else { return Ok(None) };
    let chunk = metadata.row_group(group).column(leaf);
    if !is_dictionary(chunk) {
        return Ok(None);
    }
    let lacking = chunk.statistics().and_then(|found| found.null_count_opt()) != Some(0);
    let Some(values) = values(opened, group, leaf, column.kind, lacking)? else { return Ok(None) };
    let rows = values.len();
    let batch = RecordBatch::try_from_iter_with_nullable([(name, values, true)])?;
    Ok(Some(test.matches(&batch).count_set_bits() as f64 / rows.max(1) as f64))
}

fn is_dictionary(chunk: &ColumnChunkMetaData) -> bool {
    let all = chunk.page_encoding_stats_mask().is_some_and(|encodings| {
        encodings.is_only(Encoding::RLE_DICTIONARY) || encodings.is_only(Encoding::PLAIN_DICTIONARY)
    });
    all && chunk.dictionary_page_offset().is_some()
}

/// The different values, and the lack of one.
fn values(
    opened: &Opened,
    group: usize,
    leaf: usize,
    kind: Kind,
    lacking: bool,
) -> Result<Option<ArrayRef>, Error> {
    let metadata = opened.metadata.metadata();
    let chunk = metadata.row_group(group).column(leaf);
    let (start, _) = chunk.byte_range();
    let pages = metadata.offset_index().and_then(|index| index.get(group)?.get(leaf));
    let Some(pages) = pages.map(|index| index.page_locations().clone()) else { return Ok(None) };
    if pages.first().is_none_or(|first| first.offset as u64 <= start) {
        return Ok(None);
    }
    let none = parquet::arrow::arrow_reader::RowSelection::default();
    let only = ProjectionMask::leaves(opened.metadata.parquet_schema(), [leaf]);
    let chunks = Arc::new(Chunks::read(opened, group, &only, Some(&none))?);
    let rows = usize::try_from(metadata.row_group(group).num_rows()).unwrap_or(0);
    let mut reader = SerializedPageReader::new(chunks, chunk, rows, Some(pages))?;
    let Some(Page::DictionaryPage { buf, num_values, .. }) = reader.get_next_page()? else { return Ok(None) };
    let lack = lacking.then_some(None);
    Ok(match kind {
        Kind::Word => {
            let words = texts(&buf, num_values as usize);
            words.map(|words| {
                let keys: Int32Array = (0..words.len() as i32).map(Some).chain(lack).collect();
                let words: StringArray = words.into_iter().map(Some).collect();
                // Every key is a place in the words.
                DictionaryArray::try_new(keys, Arc::new(words)).map(|array| Arc::new(array) as ArrayRef)
            })
        }
        Kind::Number | Kind::Duration => {
            let array: Int64Array = numbers(&buf).map(Some).chain(lack.map(|_: Option<i32>| None)).collect();
            Some(Ok(Arc::new(array) as ArrayRef))
        }
        Kind::Id => {
            let ids = numbers(&buf).map(|number| Some(number as u64));
            let array: UInt64Array = ids.chain(lack.map(|_: Option<i32>| None)).collect();
            Some(Ok(Arc::new(array) as ArrayRef))
        }
        _ => None,
    }
    .transpose()?)
}

fn numbers(bytes: &[u8]) -> impl Iterator<Item = i64> {
    let (numbers, _) = bytes.as_chunks::<8>();
    numbers.iter().map(|number| i64::from_le_bytes(*number))
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
