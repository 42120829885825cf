//! Counts by span of time and size.

use arrow_array::RecordBatch;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use schema::histogram::{bounds, bucket};
use schema::query::Outcome;

use super::Answered;
use super::field::{Field, Values};
use super::scan::{Fold, Scan};
use crate::error::Error;
use crate::segment::times;

struct Heat {
    field: Field,
    every: i64,
    bits: u32,
    cells: HashMap<(i64, u32), u64, RandomState>,
}

impl Fold for Heat {
    fn take(&mut self, rows: &RecordBatch) -> Result<(), Error> {
        let Values::Numbers(numbers, nulls) = self.field.values(rows) else { return Ok(()) };
        let mut last: Option<((i64, u32), u64)> = None;
        for (row, (time, number)) in times(rows).iter().zip(&numbers).enumerate() {
            if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                continue;
            }
            let cell = (time.div_euclid(self.every), bucket(*number, self.bits));
            match &mut last {
                Some((same, count)) if *same == cell => *count += 1,
                _ => {
                    if let Some((cell, count)) = last.replace((cell, 1)) {
                        *self.cells.entry(cell).or_default() += count;
                    }
                }
            }
        }
        if let Some((cell, count)) = last {
            *self.cells.entry(cell).or_default() += count;
        }
        Ok(())
    }

    fn merge(&mut self, other: Self) -> Result<(), Error> {
        for (cell, count) in other.cells {
            *self.cells.entry(cell).or_default() += count;
        }
        Ok(())
    }

    fn memory(&self) -> usize {
        self.cells.len() * 48
    }
}

pub(crate) fn run(scan: &Scan<'_>, field: Field, every: i64, bits: u32) -> Answered {
    let new = || Heat { field: field.clone(), every, bits, cells: HashMap::default() };
    let (heat, scanned) = scan.fold(&["time", field.column], new)?;
    let cell = |((span, bucket), count): ((i64, u32), u64)| {
        (span.saturating_mul(every), bounds(bucket, bits).0, count)
    };
    let mut cells: Vec<(i64, i64, u64)> = heat.cells.into_iter().map(cell).collect();
    cells.sort_unstable();
    Ok((Outcome::HeatMap { cells }, scanned))
}
