//! Rows that match, from files and from memory, over several threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow_array::{BooleanArray, RecordBatch};
use arrow_select::filter::filter_record_batch;
use schema::Table;
use schema::query::Scanned;

use super::group::{Failed, Part, matching};
use super::levels::Made;
use super::meter::{Held, Meter};
use super::rows::Wanted;
use super::test::Test;
use super::{Cancel, filters, prune};
use crate::error::Error;
use crate::maintain::rollup;
use crate::segment::{Cache, Segment};

/// A part of a group has so many rows at least, and begins where a page does.
const PART: usize = 16 * 1024;

/// What is looked at, and how.
pub(crate) struct Scan<'a> {
    pub(crate) table: Table,
    pub(crate) files: Vec<Arc<Segment>>,
    pub(crate) recent: Vec<Arc<RecordBatch>>,
    pub(crate) test: Test,
    /// Where the rows are requests, and edges are wanted that are made of them.
    pub(crate) made: Option<Made>,
    pub(crate) cache: &'a Cache,
    pub(crate) meter: Meter,
    pub(crate) threads: usize,
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
    /// It needs no more rows.
    fn is_done(&self) -> bool {
        false
    }
}

/// A piece of work: rows of a file, or rows in memory.
enum Piece {
    Stored(Part),
    Recent(Arc<RecordBatch>),
}

impl Scan<'_> {
    /// Passes all rows that match, of these columns, to folds that `new` makes. Where only the best are wanted, others may be left out.
    pub(crate) fn fold<F: Fold>(
        &self,
        columns: &[&'static str],
        wanted: Option<&Wanted>,
        new: impl Fn() -> F + Sync,
    ) -> Result<(F, Scanned), Error> {
        match &self.made {
            None => self.fold_rows(columns, wanted, new),
            Some(made) => {
                let (folded, scanned) = self.fold_rows(&rollup::COLUMNS, None, || made.of(new()))?;
                Ok((folded.inner, scanned))
            }
        }
    }

    fn fold_rows<F: Fold>(
        &self,
        columns: &[&'static str],
        wanted: Option<&Wanted>,
        new: impl Fn() -> F + Sync,
    ) -> Result<(F, Scanned), Error> {
        let (pieces, mut scanned) = self.pieces(wanted)?;
        let next = AtomicUsize::new(0);
        let threads = self.threads(&pieces, columns);
        // What is read of every group: the columns of tests decide about the others.
        let mut first = Vec::new();
        self.test.columns(&mut |column| first.push(column));
        let first = if first.is_empty() { columns.to_vec() } else { first };
        let work = || -> Result<(F, Scanned), Error> {
            let mut fold = new();
            let mut held = self.meter.held();
            let mut scanned = Scanned::default();
            loop {
                let place = next.fetch_add(1, Ordering::Relaxed);
                let Some(piece) = pieces.get(place) else { break };
                // While this one is worked on, the disk may fetch a later one.
                if let (Some(Piece::Stored(later)), None) = (pieces.get(place + threads), wanted) {
                    later.read_ahead(&self.test, &first);
                }
                self.piece(piece, (columns, wanted), (&mut fold, &mut held), &mut scanned)?;
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
        let mut held = self.meter.held();
        for result in results {
            let (fold, part) = result?;
            scanned.rows += part.rows;
            scanned.matched += part.matched;
            scanned.row_groups += part.row_groups;
            scanned.pruned += part.pruned;
            scanned.damaged.extend(part.damaged);
            match &mut whole {
                Some(whole) => {
                    held.set(whole.memory() + fold.memory())?;
                    whole.merge(fold)?;
                }
                None => whole = Some(fold),
            }
        }
        scanned.damaged.dedup();
        Ok((whole.unwrap_or_else(new), scanned))
    }

    /// As many as there is work and memory for.
    fn threads(&self, pieces: &[Piece], columns: &[&'static str]) -> usize {
        let mut columns = columns.to_vec();
        self.test.columns(&mut |column| columns.push(column));
        let parts = pieces.iter().filter_map(|piece| match piece {
            Piece::Stored(part) => Some(part),
            Piece::Recent(_) => None,
        });
        let largest = parts.max_by_key(|part| part.size());
        let most = largest.map_or(0, |part| part.estimate(&columns)).max(1);
        self.threads.min(self.meter.limit() / most).clamp(1, pieces.len().max(1))
    }

    fn in_time(&self, segment: &Segment) -> bool {
        let (from, to) = (segment.meta.from, segment.meta.to);
        self.test.may_match(&|field| match field.column {
            "time" => prune::Bounds::Numbers(from, to),
            _ => prune::Bounds::Unknown,
        })
    }

    /// Has files described that are needed, several at a time: that is a matter of waiting for the disk.
    fn open(&self) {
        let in_time = |segment: &&Arc<Segment>| !segment.is_open() && self.in_time(segment);
        let closed: Vec<&Arc<Segment>> = self.files.iter().filter(in_time).collect();
        closed.iter().for_each(|segment| segment.read_ahead());
        let tests = self.test.parts();
        let next = AtomicUsize::new(0);
        let work = || {
            while let Some(segment) = closed.get(next.fetch_add(1, Ordering::Relaxed)) {
                if self.cancel.check().is_err() {
                    return;
                }
                // What goes wrong is met again when the file is read.
                if let Ok(opened) = segment.open(self.cache) {
                    filters::read_ahead(&tests, &opened);
                }
            }
        };
        std::thread::scope(|scope| {
            (1..self.threads.min(closed.len())).for_each(|_| drop(scope.spawn(work)));
            work();
        });
    }

    fn pieces(&self, wanted: Option<&Wanted>) -> Result<(Vec<Piece>, Scanned), Error> {
        let mut scanned = Scanned::default();
        let mut groups = Vec::new();
        self.open();
        for segment in &self.files {
            self.cancel.check()?;
            if !self.in_time(segment) {
                scanned.pruned += 1;
                continue;
            }
            match segment.open(self.cache) {
                Ok(opened) => {
                    let metadata = opened.metadata.metadata();
                    for (number, group) in metadata.row_groups().iter().enumerate() {
                        if prune::group_may_match(&self.test, metadata, group) {
                            groups.push((Arc::clone(&opened), number));
                        } else {
                            scanned.pruned += 1;
                        }
                    }
                }
                Err(error) => scanned.damaged.push(error.to_string()),
            }
        }
        if let Some(wanted) = wanted {
            // What is likely to be among the best comes first: much of the rest need not be read then.
            groups.sort_by_cached_key(|(opened, group)| {
                let metadata = opened.metadata.metadata();
                wanted.rank(&prune::bounds(wanted.by(), metadata, metadata.row_group(*group)))
            });
        }
        let mut pieces: Vec<Piece> = self.recent.iter().map(|rows| Piece::Recent(Arc::clone(rows))).collect();
        // A few groups keep all threads busy only where each is cut.
        let cuts = if wanted.is_some() { 1 } else { self.threads.div_ceil(groups.len().max(1)) };
        for (opened, group) in groups {
            let rows = opened.metadata.metadata().row_group(group).num_rows();
            let rows = usize::try_from(rows).unwrap_or(0);
            let step = rows.div_ceil(cuts).next_multiple_of(PART);
            for from in (0..rows).step_by(step.max(1)) {
                let rows = from..(from + step).min(rows);
                pieces.push(Piece::Stored(Part { opened: Arc::clone(&opened), group, rows }));
            }
        }
        Ok((pieces, scanned))
    }

    fn piece<F: Fold>(
        &self,
        piece: &Piece,
        (columns, wanted): (&[&'static str], Option<&Wanted>),
        (fold, held): (&mut F, &mut Held<'_>),
        scanned: &mut Scanned,
    ) -> Result<(), Error> {
        self.cancel.check()?;
        if fold.is_done() {
            return Ok(());
        }
        let mut pass = |rows: &RecordBatch| -> Result<bool, Error> {
            self.cancel.check()?;
            fold.take(rows)?;
            held.set(fold.memory())?;
            Ok(!fold.is_done())
        };
        match piece {
            Piece::Recent(rows) => {
                scanned.rows += rows.num_rows() as u64;
                let bound = wanted.and_then(Wanted::bound);
                let matches = BooleanArray::new(matching(&self.test, bound.as_ref(), rows), None);
                let found = filter_record_batch(rows, &matches)?;
                scanned.matched += found.num_rows() as u64;
                if found.num_rows() > 0 { pass(&found).map(drop) } else { Ok(()) }
            }
            Piece::Stored(part) => match part.read(self, (columns, wanted), scanned, pass) {
                Ok(()) => Ok(()),
                Err(Failed::Reading(error)) => {
                    scanned.damaged.push(error.to_string());
                    Ok(())
                }
                Err(Failed::Taking(error)) => Err(error),
            },
        }
    }
}
