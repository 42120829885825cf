//! Counts by span of time and size.

use arrow_array::RecordBatch;
use schema::histogram::{bounds, bucket};
use schema::query::Outcome;

use super::Answered;
use super::field::{Field, Values};
use super::scan::{Fold, Scan};
use super::spans::Spans;
use crate::error::Error;
use crate::segment::times;

/// Counts of all spans, those of the same bucket in the same column: so that a row is counted in one step.
#[derive(Default)]
struct Grid {
    /// The bucket of the first column.
    first: u32,
    columns: usize,
    /// A line for each span.
    counts: Vec<u64>,
}

/// Columns that are added at a time.
const STEP: u32 = 16;

impl Grid {
    #[inline]
    fn add(&mut self, line: usize, bucket: u32, count: u64) {
        // A bucket below the first one has no column either.
        let column = bucket.wrapping_sub(self.first) as usize;
        let place = line * self.columns + column;
        match self.counts.get_mut(place).filter(|_| column < self.columns) {
            Some(cell) => *cell += count,
            None => self.add_new(line, bucket, count),
        }
    }

    #[cold]
    fn add_new(&mut self, line: usize, bucket: u32, count: u64) {
        let lines = (self.counts.len() / self.columns.max(1)).max(line + 1);
        let begin = bucket / STEP * STEP;
        let (first, end) = match self.columns {
            0 => (begin, begin + STEP),
            columns => (begin.min(self.first), (begin + STEP).max(self.first + columns as u32)),
        };
        let columns = (end - first) as usize;
        if columns == self.columns {
            self.counts.resize(lines * columns, 0);
        } else {
            let before = std::mem::replace(&mut self.counts, vec![0; lines * columns]);
            let from = (self.first.max(first) - first) as usize;
            let old = before.chunks_exact(self.columns.max(1));
            for (line, old) in self.counts.chunks_exact_mut(columns).zip(old) {
                line[from..from + old.len()].copy_from_slice(old);
            }
            (self.first, self.columns) = (first, columns);
        }
        self.add(line, bucket, count);
    }

    /// Of each line the buckets that are not empty, in order.
    fn cells(&self) -> impl Iterator<Item = (usize, u32, u64)> {
        let lines = self.counts.chunks_exact(self.columns.max(1)).enumerate();
        lines.flat_map(|(line, counts)| {
            let cells = (self.first..).zip(counts).filter(|(_, count)| **count > 0);
            cells.map(move |(bucket, count)| (line, bucket, *count))
        })
    }
}

struct Heat {
    field: Field,
    bits: u32,
    spans: Spans,
    /// By the places of the spans.
    grid: Grid,
}

impl Heat {
    #[inline]
    fn add(&mut self, time: i64, number: i64) {
        let place = self.spans.of_time(time) as usize;
        self.grid.add(place, bucket(number, self.bits), 1);
    }
}

impl Fold for Heat {
    fn take(&mut self, rows: &RecordBatch) -> Result<(), Error> {
        let Values::Numbers(numbers, nulls) = self.field.values(rows) else { return Ok(()) };
        let times = times(rows);
        match nulls {
            None => times.iter().zip(&numbers).for_each(|(time, number)| self.add(*time, *number)),
            Some(nulls) => nulls.valid_indices().for_each(|row| self.add(times[row], numbers[row])),
        }
        Ok(())
    }

    fn merge(&mut self, other: Self) -> Result<(), Error> {
        for (line, bucket, count) in other.grid.cells() {
            let place = self.spans.of_number(other.spans.numbers()[line]) as usize;
            self.grid.add(place, bucket, count);
        }
        Ok(())
    }

    fn memory(&self) -> usize {
        self.spans.memory() + self.grid.counts.capacity() * size_of::<u64>()
    }
}

pub(crate) fn run(scan: &Scan<'_>, field: Field, every: i64, bits: u32) -> Answered {
    let new = || Heat { field: field.clone(), bits, spans: Spans::new(every), grid: Grid::default() };
    let (heat, scanned) = scan.fold(&["time", field.column], None, new)?;
    let cell = |(line, bucket, count)| (heat.spans.begin(line as u32), bounds(bucket, bits).0, count);
    let mut cells: Vec<(i64, i64, u64)> = heat.grid.cells().map(cell).collect();
    cells.sort_unstable();
    Ok((Outcome::HeatMap { cells }, scanned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_grows_to_all_sides() {
        let mut grid = Grid::default();
        let cells = [(0, 40, 1), (3, 40, 2), (1, 3, 4), (3, 900, 8), (3, 40, 16), (0, 47, 32), (4, 48, 64)];
        cells.into_iter().for_each(|(line, bucket, count)| grid.add(line, bucket, count));
        let found: Vec<_> = grid.cells().collect();
        let expected = [(0, 40, 1), (0, 47, 32), (1, 3, 4), (3, 40, 18), (3, 900, 8), (4, 48, 64)];
        assert_eq!(found, expected);
        assert_eq!(Grid::default().cells().count(), 0);
    }
}
