//! What need not be read, because a file tells bounds of what is there.

use std::ops::Range;

use parquet::arrow::arrow_reader::RowSelection;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::statistics::Statistics;
use schema::Kind;

use super::field::Field;
use super::test::Test;
use crate::segment::Opened;

/// Bounds of the values of a field in some rows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Bounds {
    /// Nothing is known.
    Unknown,
    /// No row has a value.
    Empty,
    Numbers(i64, i64),
    Texts(Vec<u8>, Vec<u8>),
}

impl Test {
    /// Whether rows within such bounds may match.
    pub(crate) fn may_match(&self, bounds: &dyn Fn(&Field) -> Bounds) -> bool {
        match self {
            Test::All | Test::Not(_) => true,
            Test::Numbers(field, wanted) => match bounds(field) {
                Bounds::Empty => false,
                Bounds::Numbers(least, greatest) if field.kind != Kind::Id => {
                    wanted.iter().any(|wanted| (least..=greatest).contains(wanted))
                }
                _ => true,
            },
            Test::NumberRange(field, from, to) => match bounds(field) {
                Bounds::Empty => false,
                Bounds::Numbers(least, greatest) => greatest >= *from && to.is_none_or(|to| least < to),
                _ => true,
            },
            Test::Texts(field, wanted) => match bounds(field) {
                Bounds::Empty => false,
                Bounds::Texts(least, greatest) => wanted
                    .iter()
                    .any(|wanted| wanted.as_bytes() >= &least[..] && wanted.as_bytes() <= &greatest[..]),
                _ => true,
            },
            Test::Prefix(field, prefix) => match bounds(field) {
                Bounds::Empty => false,
                Bounds::Texts(least, greatest) => {
                    let prefix = prefix.as_bytes();
                    (least.starts_with(prefix) || &least[..] <= prefix) && &greatest[..] >= prefix
                }
                _ => true,
            },
            Test::Floats(field, _)
            | Test::FloatRange(field, ..)
            | Test::Bytes(field, _)
            | Test::Exists(field) => bounds(field) != Bounds::Empty,
            Test::And(tests) => tests.iter().all(|test| test.may_match(bounds)),
            Test::Or(tests) => tests.iter().any(|test| test.may_match(bounds)),
        }
    }

    /// What all rows that match have in common.
    pub(crate) fn parts(&self) -> Vec<&Test> {
        match self {
            Test::All => Vec::new(),
            Test::And(tests) => tests.iter().flat_map(Test::parts).collect(),
            other => vec![other],
        }
    }

    fn field(&self) -> Option<&Field> {
        match self {
            Test::Numbers(field, _)
            | Test::NumberRange(field, ..)
            | Test::Texts(field, _)
            | Test::Prefix(field, _) => Some(field),
            _ => None,
        }
    }
}

/// The place of a column among the leaves of a file.
pub(crate) fn leaf(metadata: &ParquetMetaData, column: &str) -> Option<usize> {
    let columns = metadata.file_metadata().schema_descr().columns();
    columns.iter().position(|leaf| leaf.path().parts() == [column])
}

fn of_statistics(statistics: &Statistics, rows: i64) -> Bounds {
    if statistics.null_count_opt() == u64::try_from(rows).ok() {
        return Bounds::Empty;
    }
    match statistics {
        Statistics::Int64(values) => match (values.min_opt(), values.max_opt()) {
            (Some(least), Some(greatest)) => Bounds::Numbers(*least, *greatest),
            _ => Bounds::Unknown,
        },
        Statistics::ByteArray(values) => match (values.min_bytes_opt(), values.max_bytes_opt()) {
            (Some(least), Some(greatest)) => Bounds::Texts(least.to_vec(), greatest.to_vec()),
            _ => Bounds::Unknown,
        },
        _ => Bounds::Unknown,
    }
}

/// Whether a group of rows may have some that match.
pub(crate) fn group_may_match(test: &Test, metadata: &ParquetMetaData, group: &RowGroupMetaData) -> bool {
    test.may_match(&|field| bounds(field, metadata, group))
}

/// Bounds of a field's values in a group.
pub(crate) fn bounds(field: &Field, metadata: &ParquetMetaData, group: &RowGroupMetaData) -> Bounds {
    let found = field.is_column().then(|| leaf(metadata, field.column)).flatten();
    match found {
        Some(leaf) => group
            .column(leaf)
            .statistics()
            .map_or(Bounds::Unknown, |found| of_statistics(found, group.num_rows())),
        // A file of an earlier version does not have the column.
        None if field.is_column() && !has(metadata, field.column) => Bounds::Empty,
        None => Bounds::Unknown,
    }
}

/// Whether all rows of a group match: then none has to be looked at.
pub(crate) fn all_match(test: &Test, metadata: &ParquetMetaData, group: &RowGroupMetaData) -> bool {
    // The bounds of a column in which every row has a value.
    let bounds = |field: &Field| {
        let leaf = field.is_column().then(|| leaf(metadata, field.column)).flatten()?;
        let found = group.column(leaf).statistics().filter(|found| found.null_count_opt() == Some(0))?;
        Some(of_statistics(found, group.num_rows()))
    };
    match test {
        Test::All => true,
        Test::Exists(field) => bounds(field).is_some(),
        Test::NumberRange(field, from, to) => match bounds(field) {
            Some(Bounds::Numbers(least, greatest)) => least >= *from && to.is_none_or(|to| greatest < to),
            _ => false,
        },
        Test::Numbers(field, wanted) => match bounds(field) {
            Some(Bounds::Numbers(least, greatest)) => least == greatest && wanted.contains(&least),
            _ => false,
        },
        // Bounds of long texts are cut short, but then they are not the same.
        Test::Texts(field, wanted) => match bounds(field) {
            Some(Bounds::Texts(least, greatest)) => {
                least == greatest && wanted.iter().any(|wanted| wanted.as_bytes() == least)
            }
            _ => false,
        },
        Test::And(tests) => tests.iter().all(|test| all_match(test, metadata, group)),
        Test::Or(tests) => tests.iter().any(|test| all_match(test, metadata, group)),
        _ => false,
    }
}

/// No row of a group has a value in this column.
pub(crate) fn is_empty(metadata: &ParquetMetaData, group: &RowGroupMetaData, column: &str) -> bool {
    let statistics = leaf(metadata, column).and_then(|leaf| group.column(leaf).statistics());
    statistics.is_some_and(|found| found.null_count_opt() == u64::try_from(group.num_rows()).ok())
}

fn has(metadata: &ParquetMetaData, column: &str) -> bool {
    metadata.file_metadata().schema().get_fields().iter().any(|field| field.name() == column)
}

/// The rows of a group whose pages may have some that match; none where nothing is known about pages.
pub(crate) fn pages(
    parts: &[&Test],
    opened: &Opened,
    group: usize,
) -> Result<Option<RowSelection>, ParquetError> {
    let looked_at = |part: &&Test| part.field().is_some_and(Field::is_column);
    if !parts.iter().any(looked_at) {
        return Ok(None);
    }
    Ok(pages_of(parts, opened.indexed()?.metadata(), group))
}

fn pages_of(parts: &[&Test], metadata: &ParquetMetaData, group: usize) -> Option<RowSelection> {
    let rows = usize::try_from(metadata.row_group(group).num_rows()).ok()?;
    let mut selection: Option<RowSelection> = None;
    for part in parts {
        let Some(field) = part.field().filter(|field| field.is_column()) else { continue };
        let Some(leaf) = leaf(metadata, field.column) else { continue };
        let Some(ranges) = ranges(part, metadata, (group, leaf), rows) else { continue };
        let own = RowSelection::from_consecutive_ranges(ranges.into_iter(), rows);
        selection = Some(selection.map_or_else(|| own.clone(), |others| others.intersection(&own)));
    }
    selection
}

fn ranges(
    part: &Test,
    metadata: &ParquetMetaData,
    (group, leaf): (usize, usize),
    rows: usize,
) -> Option<Vec<Range<usize>>> {
    let index = metadata.column_index()?.get(group)?.get(leaf)?;
    let pages = metadata.offset_index()?.get(group)?.get(leaf)?.page_locations();
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for (number, page) in pages.iter().enumerate() {
        let bounds = of_page(index, number)?;
        if !part.may_match(&|_| bounds.clone()) {
            continue;
        }
        let from = usize::try_from(page.first_row_index).ok()?;
        let next = pages.get(number + 1).and_then(|next| usize::try_from(next.first_row_index).ok());
        let to = next.unwrap_or(rows);
        match ranges.last_mut() {
            Some(last) if last.end == from => last.end = to,
            _ => ranges.push(from..to),
        }
    }
    Some(ranges)
}

fn of_page(index: &ColumnIndexMetaData, page: usize) -> Option<Bounds> {
    let known = matches!(index, ColumnIndexMetaData::INT64(_) | ColumnIndexMetaData::BYTE_ARRAY(_));
    if !known || page as u64 >= index.num_pages() {
        return None;
    }
    if index.is_null_page(page) {
        return Some(Bounds::Empty);
    }
    match index {
        ColumnIndexMetaData::INT64(values) => {
            Some(Bounds::Numbers(*values.min_value(page)?, *values.max_value(page)?))
        }
        ColumnIndexMetaData::BYTE_ARRAY(values) => {
            Some(Bounds::Texts(values.min_value(page)?.to_vec(), values.max_value(page)?.to_vec()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use schema::Table;
    use schema::query::{Filter, Value};

    use super::*;

    #[test]
    fn only_what_cannot_match_is_left_out() {
        let text = |least: &str, greatest: &str| Bounds::Texts(least.into(), greatest.into());
        let range = |from: Option<i64>, to: Option<i64>| {
            let [from, to] = [from, to].map(|value| value.map(Value::Number));
            Filter::Range { field: "duration".into(), from, to }
        };
        let prefix = |text: &str| Filter::Prefix { field: "name".into(), text: text.into() };
        let exists = || Filter::Exists { field: "name".into() };
        let cases = [
            (Filter::is("name", "b"), text("a", "c"), true),
            (Filter::is("name", "d"), text("a", "c"), false),
            (Filter::is("name", "d"), Bounds::Unknown, true),
            (Filter::is("name", "d"), Bounds::Empty, false),
            (Filter::Not(Box::new(Filter::is("name", "d"))), Bounds::Empty, true),
            (prefix("GET /b"), text("GET /a", "GET /c"), true),
            (prefix("GET "), text("GET /a", "GET /c"), true),
            (prefix("POST"), text("GET /a", "GET /c"), false),
            (prefix("A"), text("GET /a", "GET /c"), false),
            (range(Some(5), None), Bounds::Numbers(1, 4), false),
            (range(Some(4), None), Bounds::Numbers(1, 4), true),
            (range(None, Some(1)), Bounds::Numbers(1, 4), false),
            (range(None, Some(2)), Bounds::Numbers(1, 4), true),
            (exists(), Bounds::Empty, false),
            (exists(), text("a", "a"), true),
            (Filter::Or(vec![exists(), Filter::All]), Bounds::Empty, true),
            (Filter::And(vec![exists(), Filter::All]), Bounds::Empty, false),
        ];
        for (filter, bounds, expected) in cases {
            let test = Test::new(Table::Requests, &filter).unwrap();
            assert_eq!(test.may_match(&|_| bounds.clone()), expected, "{filter:?} {bounds:?}");
        }
    }
}
