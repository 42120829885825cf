//! Rows in no order, told as they are found.

use std::sync::atomic::{AtomicU64, Ordering};

use arrow_array::RecordBatch;
use schema::query::{Cell, Scanned};

use super::field::{Field, Values};
use super::rows::size;
use super::scan::{Fold, Scan};
use crate::error::Error;

/// Rows of a part, and bytes of them, at most.
pub(crate) const ROWS: usize = 1000;
const BYTES: usize = 1 << 20;

/// Takes rows: by several threads, so it may have to wait for others.
pub(crate) type Tell<'a> = dyn Fn(Vec<Vec<Cell>>) -> Result<(), Error> + Sync + 'a;

struct Each<'a> {
    fields: &'a [Field],
    /// How many rows are still wanted.
    left: &'a AtomicU64,
    tell: &'a Tell<'a>,
}

impl Each<'_> {
    /// Of so many rows that were found those that are wanted.
    fn wanted(&self, rows: usize) -> usize {
        let take = |left: u64| Some(left.saturating_sub(rows as u64));
        let before = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).unwrap_or(0);
        rows.min(usize::try_from(before).unwrap_or(usize::MAX))
    }
}

impl Fold for Each<'_> {
    fn take(&mut self, rows: &RecordBatch) -> Result<(), Error> {
        let values: Vec<(&Field, Values)> =
            self.fields.iter().map(|field| (field, field.values(rows))).collect();
        let (mut part, mut bytes) = (Vec::new(), 0);
        for row in 0..self.wanted(rows.num_rows()) {
            let cells: Vec<Cell> = values.iter().map(|(field, values)| field.cell(values, row)).collect();
            bytes += size(&cells);
            part.push(cells);
            if part.len() == ROWS || bytes >= BYTES {
                (self.tell)(std::mem::take(&mut part))?;
                bytes = 0;
            }
        }
        if part.is_empty() { Ok(()) } else { (self.tell)(part) }
    }

    fn merge(&mut self, _: Self) -> Result<(), Error> {
        Ok(())
    }

    fn memory(&self) -> usize {
        0
    }

    fn is_done(&self) -> bool {
        self.left.load(Ordering::Relaxed) == 0
    }
}

pub(crate) fn run(
    scan: &Scan<'_>,
    fields: &[Field],
    limit: Option<u64>,
    tell: &Tell<'_>,
) -> Result<Scanned, Error> {
    let columns: Vec<&'static str> = fields.iter().map(|field| field.column).collect();
    let left = AtomicU64::new(limit.unwrap_or(u64::MAX));
    let (_, scanned) = scan.fold(&columns, None, || Each { fields, left: &left, tell })?;
    Ok(scanned)
}
