//! Counts by span of time and size.

use arrow_array::RecordBatch;
use schema::histogram::{Counts, bounds, bucket};
use schema::query::Outcome;

use super::Answered;
use super::field::{Field, Values};
use super::scan::{Fold, Scan};
use super::spans::Spans;
use crate::error::Error;
use crate::segment::times;

struct Heat {
    field: Field,
    bits: u32,
    spans: Spans,
    /// By the places of the spans.
    counts: Vec<Counts>,
}

impl Heat {
    fn add(&mut self, time: i64, number: i64) {
        let place = self.spans.of_time(time) as usize;
        if place >= self.counts.len() {
            self.counts.resize_with(place + 1, Counts::default);
        }
        self.counts[place].add(bucket(number, self.bits), 1);
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
        for (number, counts) in other.spans.numbers().iter().zip(&other.counts) {
            let place = self.spans.of_number(*number) as usize;
            if place >= self.counts.len() {
                self.counts.resize_with(place + 1, Counts::default);
            }
            self.counts[place].merge(counts);
        }
        Ok(())
    }

    fn memory(&self) -> usize {
        let counts = self.counts.iter().map(|counts| size_of::<Counts>() + counts.memory());
        self.spans.memory() + counts.sum::<usize>()
    }
}

pub(crate) fn run(scan: &Scan<'_>, field: Field, every: i64, bits: u32) -> Answered {
    let new = || Heat { field: field.clone(), bits, spans: Spans::new(every), counts: Vec::new() };
    let (heat, scanned) = scan.fold(&["time", field.column], None, new)?;
    let mut cells: Vec<(i64, i64, u64)> = Vec::new();
    for (place, counts) in heat.counts.iter().enumerate() {
        let begin = heat.spans.begin(place as u32);
        cells.extend(counts.iter().map(|(bucket, count)| (begin, bounds(bucket, bits).0, count)));
    }
    cells.sort_unstable();
    Ok((Outcome::HeatMap { cells }, scanned))
}
