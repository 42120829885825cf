//! Rows of a group in a file: first which ones match, then what of them is wanted.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::{BooleanArray, RecordBatch, RecordBatchOptions};
use arrow_buffer::BooleanBuffer;
use arrow_schema::Schema;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, RowSelection};

use schema::query::Scanned;

use super::chunks::{self, Chunks};
use super::codes::Codes;
use super::meter::Held;
use super::rows::Wanted;
use super::scan::Scan;
use super::test::Test;
use super::{filters, prune, split};
use crate::error::Error;
use crate::segment::Opened;

/// Rows that are worked on at a time: where only a few numbers of them are looked at, and where all of them may be wanted.
const TESTED: usize = 64 * 1024;
const PASSED: usize = 16 * 1024;
/// Bytes of rows that are decoded at a time, about.
const DECODED: usize = 4 << 20;

/// A group of rows of a file, or some of its rows.
pub(crate) struct Part {
    pub(crate) opened: Arc<Opened>,
    pub(crate) group: usize,
    pub(crate) rows: Range<usize>,
}

/// Why a part was not read to its end.
pub(crate) enum Failed {
    /// By what is in the file.
    Reading(Error),
    /// By who takes the rows.
    Taking(Error),
}

impl<E: Into<Error>> From<E> for Failed {
    fn from(error: E) -> Self {
        match error.into() {
            error @ (Error::Damaged(_) | Error::Parquet(_) | Error::Arrow(_)) => Failed::Reading(error),
            error => Failed::Taking(error),
        }
    }
}

impl Part {
    /// Rows of the whole group.
    pub(crate) fn size(&self) -> usize {
        usize::try_from(self.opened.metadata.metadata().row_group(self.group).num_rows()).unwrap_or(0)
    }

    /// The first part of a group counts for it.
    pub(crate) fn is_first(&self) -> bool {
        self.rows.start == 0
    }

    /// The columns that are read. One in which no row of the group has a value is as good as one that is not there.
    fn projection(&self, columns: &[&'static str]) -> Option<ProjectionMask> {
        let metadata = self.opened.metadata.metadata();
        let group = metadata.row_group(self.group);
        let fields = metadata.file_metadata().schema().get_fields();
        let is_wanted = |name: &str| columns.contains(&name) && !prune::is_empty(metadata, group, name);
        let places: Vec<usize> = (0..fields.len()).filter(|place| is_wanted(fields[*place].name())).collect();
        (!places.is_empty()).then(|| ProjectionMask::roots(self.opened.metadata.parquet_schema(), places))
    }

    /// Bytes that rows of these columns take, compressed and decoded.
    pub(crate) fn estimate(&self, columns: &[&'static str]) -> usize {
        self.projection(columns).map_or(0, |columns| {
            let batch = self.width(&columns).saturating_mul(PASSED).min(DECODED);
            self.compressed(&columns).saturating_add(2 * batch)
        })
    }

    fn compressed(&self, columns: &ProjectionMask) -> usize {
        let group = self.opened.metadata.metadata().row_group(self.group);
        let leaves = group.columns().iter().enumerate().filter(|(leaf, _)| columns.leaf_included(*leaf));
        let bytes: i64 = leaves.map(|(_, leaf)| leaf.compressed_size()).sum();
        usize::try_from(bytes).unwrap_or(0)
    }

    /// Says that these columns will be read soon, where no filter may show that they need not be: of the pages that may have rows that match.
    pub(crate) fn read_ahead(&self, test: &Test, columns: &[&'static str]) {
        let tests = test.parts();
        let metadata = self.opened.metadata.metadata();
        if filters::are_there(&tests, metadata, self.group) {
            return;
        }
        let Ok(pages) = prune::pages(&tests, &self.opened, self.group) else { return };
        if pages.as_ref().is_some_and(|pages| !pages.selects_any()) {
            return;
        }
        if let Some(columns) = self.projection(columns) {
            // What goes wrong is met again when it is read.
            let _ = chunks::read_ahead(&self.opened, self.group, &columns, pages.as_ref());
        }
    }

    /// Bytes of a row, about.
    fn width(&self, columns: &ProjectionMask) -> usize {
        let group = self.opened.metadata.metadata().row_group(self.group);
        let leaves = group.columns().iter().enumerate().filter(|(leaf, _)| columns.leaf_included(*leaf));
        let of = |bytes: i64| 8 + usize::try_from(bytes).unwrap_or(0) / self.size().max(1);
        leaves.map(|(_, leaf)| of(leaf.uncompressed_size())).sum()
    }

    /// Reads and checks what is needed of these columns; then they can be decoded.
    fn reader(
        &self,
        columns: ProjectionMask,
        selection: Option<&RowSelection>,
        rows: usize,
        held: &mut Held<'_>,
    ) -> Result<ParquetRecordBatchReader, Failed> {
        let rows = (DECODED / self.width(&columns).max(1)).clamp(256, rows);
        let chunks = Chunks::read(&self.opened, self.group, &columns, selection)?;
        held.set(chunks.memory())?;
        let metadata = self.opened.described(selection)?;
        Ok(split::decode(chunks, &metadata, (self.group, columns), rows, selection.cloned())?)
    }

    /// Passes on the rows that match, until `pass` says that it needs no more.
    pub(crate) fn read(
        &self,
        scan: &Scan<'_>,
        (columns, wanted): (&[&'static str], Option<&Wanted>),
        scanned: &mut Scanned,
        mut pass: impl FnMut(&RecordBatch) -> Result<bool, Error>,
    ) -> Result<(), Failed> {
        let selection = match self.select(scan, wanted, scanned)? {
            Selected::None => return Ok(()),
            Selected::All => None,
            Selected::Some(selection) => Some(selection),
        };
        let count = selection.as_ref().map_or(self.size(), RowSelection::row_count);
        scanned.matched += count as u64;
        let selection = match wanted {
            Some(wanted) => Some(self.best(scan, wanted, selection, count)?),
            None => selection,
        };
        let count = selection.as_ref().map_or(count, RowSelection::row_count);
        if count == 0 {
            return Ok(());
        }
        let Some(projection) = self.projection(columns) else {
            return pass(&without_columns(count)?).map(drop).map_err(Failed::Taking);
        };
        let (mut read, mut decoded) = (scan.meter.held(), scan.meter.held());
        // All bytes are checked before a row is passed on: a part counts as a whole, or not at all.
        for rows in self.reader(projection, selection.as_ref(), PASSED, &mut read)? {
            scan.cancel.check()?;
            let rows = rows?;
            decoded.set(rows.get_array_memory_size())?;
            if !pass(&rows).map_err(Failed::Taking)? {
                break;
            }
        }
        Ok(())
    }

    /// Which rows match.
    fn select(
        &self,
        scan: &Scan<'_>,
        wanted: Option<&Wanted>,
        scanned: &mut Scanned,
    ) -> Result<Selected, Failed> {
        let metadata = self.opened.metadata.metadata();
        let group = metadata.row_group(self.group);
        let bound = wanted.and_then(Wanted::bound);
        let mut tests = scan.test.parts();
        tests.extend(&bound);
        tests.retain(|test| !prune::all_match(test, metadata, group));
        let may_match = tests.iter().all(|test| prune::group_may_match(test, metadata, group));
        let may_match = may_match && !filters::exclude(&tests, &self.opened, self.group)?;
        if may_match {
            filters::read_found_ahead(&tests, &self.opened, self.group);
        }
        // What is known of pages costs next to nothing, dictionaries do.
        let mut selection = if may_match { prune::pages(&tests, &self.opened, self.group)? } else { None };
        let steps = if may_match { self.ordered(scan, tests)? } else { None };
        let Some(steps) = steps else {
            scanned.pruned += u64::from(self.is_first());
            return Ok(Selected::None);
        };
        scanned.row_groups += u64::from(self.is_first());
        if self.rows.len() < self.size() {
            let own = RowSelection::from_consecutive_ranges(std::iter::once(self.rows.clone()), self.size());
            selection = Some(selection.map_or_else(|| own.clone(), |pages| pages.intersection(&own)));
        }
        scanned.rows += selection.as_ref().map_or(self.size(), RowSelection::row_count) as u64;
        for step in steps {
            if selection.as_ref().is_some_and(|selection| !selection.selects_any()) {
                return Ok(Selected::None);
            }
            selection = Some(self.narrowed(scan, step, selection)?);
        }
        Ok(selection.map_or(Selected::All, Selected::Some))
    }

    /// Tests in the order in which they are made: those first that let few rows through. None where one of them lets none through.
    fn ordered<'t>(&self, scan: &'t Scan<'_>, tests: Vec<&'t Test>) -> Result<Option<Vec<Step<'t>>>, Failed> {
        // Tests of the same columns are made together.
        let mut by_columns: Vec<(Vec<&'static str>, Vec<&'t Test>)> = Vec::new();
        for test in tests {
            let mut columns = Vec::new();
            test.columns(&mut |column| columns.push(column));
            columns.sort_unstable();
            columns.dedup();
            match by_columns.iter_mut().find(|(same, _)| *same == columns) {
                Some((_, tests)) => tests.push(test),
                None => by_columns.push((columns, vec![test])),
            }
        }
        let mut ordered = Vec::with_capacity(by_columns.len());
        for (columns, tests) in by_columns {
            scan.cancel.check()?;
            let Some(projection) = self.projection(&columns) else {
                // No row has a value of any of its columns: it is the same for all.
                if Test::all_match(&tests, &without_columns(1)?).value(0) {
                    continue;
                }
                return Ok(None);
            };
            let mut held = scan.meter.held();
            let codes = Codes::of(&tests, &self.opened, self.group)?;
            held.set(codes.as_ref().map_or(0, Codes::memory))?;
            let cost = match codes.as_ref().map(Codes::part) {
                Some(0.0) => return Ok(None),
                Some(1.0) => continue,
                Some(part) => part,
                // Those that are cheap come before those that are not.
                None => 1.0 + self.width(&projection) as f64,
            };
            ordered.push((cost, Step { tests, projection, codes, held }));
        }
        ordered.sort_by(|one, other| one.0.total_cmp(&other.0));
        Ok(Some(ordered.into_iter().map(|(_, step)| step).collect()))
    }

    fn narrowed(
        &self,
        scan: &Scan<'_>,
        step: Step<'_>,
        selection: Option<RowSelection>,
    ) -> Result<RowSelection, Failed> {
        let (mut read, mut decoded) = (step.held, scan.meter.held());
        if let Some(codes) = step.codes {
            // Bytes of all the column, and a bit for each row.
            let column = self.compressed(&step.projection).saturating_add(self.size() / 8);
            read.set(codes.memory().saturating_add(column))?;
            if let Some(found) = codes.select(&self.opened, selection.as_ref(), self.size())? {
                return Ok(found);
            }
        }
        let mut matches = Vec::new();
        for rows in self.reader(step.projection, selection.as_ref(), TESTED, &mut read)? {
            scan.cancel.check()?;
            let rows = rows?;
            decoded.set(rows.get_array_memory_size())?;
            matches.push(BooleanArray::new(Test::all_match(&step.tests, &rows), None));
        }
        Ok(among(selection, &matches))
    }

    /// Of the selected rows those that may be among the best.
    fn best(
        &self,
        scan: &Scan<'_>,
        wanted: &Wanted,
        selection: Option<RowSelection>,
        count: usize,
    ) -> Result<RowSelection, Failed> {
        let (mut read, mut decoded, mut kept) = (scan.meter.held(), scan.meter.held(), scan.meter.held());
        let mut values = Vec::new();
        match self.projection(&[wanted.by().column]) {
            Some(projection) => {
                kept.set(2 * size_of::<i64>() * count)?;
                for rows in self.reader(projection, selection.as_ref(), TESTED, &mut read)? {
                    scan.cancel.check()?;
                    let rows = rows?;
                    decoded.set(rows.get_array_memory_size())?;
                    wanted.values(&rows, &mut values);
                }
            }
            None => wanted.values(&without_columns(count)?, &mut values),
        }
        let best = BooleanArray::new(wanted.best(&values), None);
        Ok(among(selection, &[best]))
    }
}

/// Tests, the columns that they look at, and what they say of their dictionary.
struct Step<'t> {
    tests: Vec<&'t Test>,
    projection: ProjectionMask,
    codes: Option<Codes>,
    held: Held<'t>,
}

enum Selected {
    None,
    All,
    Some(RowSelection),
}

/// Of the selected rows those that match.
fn among(selection: Option<RowSelection>, matches: &[BooleanArray]) -> RowSelection {
    let found = RowSelection::from_filters(matches);
    match selection {
        Some(selection) => selection.and_then(&found),
        None => found,
    }
}

/// So many rows of which nothing is wanted but their number.
fn without_columns(rows: usize) -> Result<RecordBatch, Error> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options)?)
}

/// The rows in memory that match.
pub(crate) fn matching(test: &Test, bound: Option<&Test>, rows: &RecordBatch) -> BooleanBuffer {
    let matches = test.matches(rows);
    bound.map_or_else(|| matches.clone(), |bound| &matches & &bound.matches(rows))
}
