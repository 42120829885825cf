//! Rows that match, from files and from memory, over several threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow_array::{BooleanArray, RecordBatch};
use arrow_select::filter::filter_record_batch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowPredicateFn, ParquetRecordBatchReaderBuilder, RowFilter};
use schema::Table;
use schema::query::Scanned;

use super::test::Test;
use super::{Cancel, Limits, prune};
use crate::error::Error;
use crate::segment::{Cache, Opened, Segment};

/// Rows that are worked on at a time.
const BATCH: usize = 16 * 1024;

/// What is looked at, and how.
pub(crate) struct Scan<'a> {
    pub(crate) table: Table,
    pub(crate) files: Vec<Arc<Segment>>,
    pub(crate) recent: Vec<Arc<RecordBatch>>,
    pub(crate) test: Test,
    pub(crate) cache: &'a Cache,
    pub(crate) limits: Limits,
    pub(crate) cancel: &'a Cancel,
}

/// Makes something of rows. Each thread has its own, and they are put together at the end.
pub(crate) trait Fold: Send {
    /// Takes rows that match.
    fn take(&mut self, rows: &RecordBatch) -> Result<(), Error>;
    /// Takes what another has.
    fn merge(&mut self, other: Self) -> Result<(), Error>;
    /// About how many bytes it takes.
    fn memory(&self) -> usize;
}

/// A piece of work: a group of rows of a file, or rows in memory.
enum Piece {
    Group(Arc<Opened>, usize),
    Recent(Arc<RecordBatch>),
}

impl Scan<'_> {
    /// Passes all rows that match, of these columns, to folds that `new` makes.
    pub(crate) fn fold<F: Fold>(
        &self,
        columns: &[&'static str],
        new: impl Fn() -> F + Sync,
    ) -> Result<(F, Scanned), Error> {
        let (pieces, mut scanned) = self.pieces()?;
        let next = AtomicUsize::new(0);
        let threads = self.limits.threads.clamp(1, pieces.len().max(1));
        let work = || -> Result<(F, Scanned), Error> {
            let mut fold = new();
            let mut scanned = Scanned::default();
            while let Some(piece) = pieces.get(next.fetch_add(1, Ordering::Relaxed)) {
                self.piece(piece, columns, threads, &mut fold, &mut scanned)?;
            }
            Ok((fold, scanned))
        };
        let results: Vec<Result<(F, Scanned), Error>> = std::thread::scope(|scope| {
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
            let own = work();
            let joined = others.into_iter().map(|thread| {
                thread.join().unwrap_or_else(|_| Err(Error::Damaged("a thread of the query failed".into())))
            });
            std::iter::once(own).chain(joined).collect()
        });
        let mut whole: Option<F> = None;
        for result in results {
            let (fold, part) = result?;
            scanned.rows += part.rows;
            scanned.matched += part.matched;
            scanned.row_groups += part.row_groups;
            scanned.pruned += part.pruned;
            scanned.damaged.extend(part.damaged);
            match &mut whole {
                Some(whole) => whole.merge(fold)?,
                None => whole = Some(fold),
            }
        }
        Ok((whole.unwrap_or_else(new), scanned))
    }

    fn pieces(&self) -> Result<(Vec<Piece>, Scanned), Error> {
        let mut scanned = Scanned::default();
        let mut pieces: Vec<Piece> = self.recent.iter().map(|rows| Piece::Recent(Arc::clone(rows))).collect();
        for segment in &self.files {
            self.cancel.check()?;
            let (from, to) = (segment.meta.from, segment.meta.to);
            let in_time = self.test.may_match(&|field| match field.column {
                "time" => prune::Bounds::Numbers(from, to),
                _ => prune::Bounds::Unknown,
            });
            if !in_time {
                scanned.pruned += 1;
                continue;
            }
            match segment.open(self.cache) {
                Ok(opened) => {
                    let metadata = opened.metadata.metadata();
                    for (number, group) in metadata.row_groups().iter().enumerate() {
                        if prune::group_may_match(&self.test, metadata, group) {
                            pieces.push(Piece::Group(Arc::clone(&opened), number));
                        } else {
                            scanned.pruned += 1;
                        }
                    }
                }
                Err(error) => scanned.damaged.push(error.to_string()),
            }
        }
        Ok((pieces, scanned))
    }

    fn piece<F: Fold>(
        &self,
        piece: &Piece,
        columns: &[&'static str],
        threads: usize,
        fold: &mut F,
        scanned: &mut Scanned,
    ) -> Result<(), Error> {
        self.cancel.check()?;
        match piece {
            Piece::Recent(rows) => {
                scanned.rows += rows.num_rows() as u64;
                let matches = BooleanArray::new(self.test.matches(rows), None);
                let found = filter_record_batch(rows, &matches)?;
                self.pass(&found, threads, fold, scanned)
            }
            Piece::Group(opened, group) => {
                // What is damaged is found before any of it is passed on: a group counts as a whole, or not at all.
                match self.group(opened, *group, columns, scanned) {
                    Ok(found) => found.iter().try_for_each(|rows| self.pass(rows, threads, fold, scanned)),
                    Err(error @ (Error::Damaged(_) | Error::Parquet(_) | Error::Arrow(_))) => {
                        scanned.damaged.push(error.to_string());
                        Ok(())
                    }
                    Err(error) => Err(error),
                }
            }
        }
    }

    fn pass<F: Fold>(
        &self,
        rows: &RecordBatch,
        threads: usize,
        fold: &mut F,
        scanned: &mut Scanned,
    ) -> Result<(), Error> {
        self.cancel.check()?;
        scanned.matched += rows.num_rows() as u64;
        if rows.num_rows() > 0 {
            fold.take(rows)?;
        }
        if fold.memory() > self.limits.memory / threads {
            return Err(Error::TooMuch { limit: self.limits.memory });
        }
        Ok(())
    }

    /// The rows of a group that match.
    fn group(
        &self,
        opened: &Opened,
        group: usize,
        columns: &[&'static str],
        scanned: &mut Scanned,
    ) -> Result<Vec<RecordBatch>, Error> {
        if prune::filtered_out(&self.test, opened, group)? {
            scanned.pruned += 1;
            return Ok(Vec::new());
        }
        scanned.row_groups += 1;
        let metadata = opened.metadata.metadata();
        let selection = prune::pages(&self.test, metadata, group);
        let rows =
            selection.as_ref().map_or(metadata.row_group(group).num_rows() as usize, |rows| rows.row_count());
        scanned.rows += rows as u64;
        if rows == 0 {
            return Ok(Vec::new());
        }
        let mut builder =
            ParquetRecordBatchReaderBuilder::new_with_metadata(opened.file.clone(), opened.metadata.clone())
                .with_row_groups(vec![group])
                .with_batch_size(BATCH);
        if let Some(selection) = selection {
            builder = builder.with_row_selection(selection);
        }
        let mut tested = Vec::new();
        self.test.columns(&mut |column| tested.push(column));
        let projection = projection(opened, group, columns);
        if self.test != Test::All {
            // A test that looks at no column that is there still has an answer for each row.
            tested.push("time");
            let test = self.test.clone();
            let cancel = self.cancel.clone();
            let predicate =
                ArrowPredicateFn::new(self::projection(opened, group, &tested), move |rows: RecordBatch| {
                    if cancel.check().is_err() {
                        return Ok(BooleanArray::from(vec![false; rows.num_rows()]));
                    }
                    Ok(BooleanArray::new(test.matches(&rows), None))
                });
            builder = builder.with_row_filter(RowFilter::new(vec![Box::new(predicate)]));
        }
        let reader = builder.with_projection(projection).build()?;
        reader.map(|rows| self.cancel.check().and(rows.map_err(Error::from))).collect()
    }
}

/// The columns that are read. One in which no row of the group has a value is as good as one that is not there; but time always is.
fn projection(opened: &Opened, group: usize, columns: &[&'static str]) -> ProjectionMask {
    let metadata = opened.metadata.metadata();
    let is_empty = |name: &str| name != "time" && prune::is_empty(metadata, metadata.row_group(group), name);
    let fields = opened.metadata.schema().fields();
    let places = fields
        .iter()
        .enumerate()
        .filter(|(_, field)| columns.contains(&field.name().as_str()) && !is_empty(field.name()));
    ProjectionMask::roots(opened.metadata.parquet_schema(), places.map(|(place, _)| place))
}
