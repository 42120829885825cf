//! Which values are more frequent among selected rows than among the others, or less.

use arrow_array::{BooleanArray, RecordBatch};
use arrow_select::filter::filter_record_batch;
use schema::query::{Difference, Invalid, Outcome};
use schema::{Coding, Kind, Table};

use super::Answered;
use super::field::Field;
use super::keys::Keys;
use super::scan::{Fold, Scan};
use super::test::Test;
use crate::error::Error;

/// Fields whose values are worth comparing: those of which there are few different ones.
pub(crate) fn comparable(table: Table) -> Result<Vec<Field>, Invalid> {
    let few = table.columns().iter().filter(|column| {
        column.coding == Coding::Dictionary && matches!(column.kind, Kind::Word | Kind::Number)
    });
    few.map(|column| Field::new(table, column.name)).collect()
}

/// A field with more different values than this is not compared: hardly a row shares one with another, and there is no room for all of
/// them. The number depends on the rows only, not on how they were shared out, so that the same question has the same answer.
const MOST_VALUES: usize = 50_000;

/// A field's values, in how many rows each occurs, and in how many of the selection. None where there are too many.
type Counted = Option<(Keys, [Vec<u64>; 2])>;

/// Forgets a field that has too many values.
fn bound(counted: &mut Counted) {
    if counted.as_ref().is_some_and(|(keys, _)| keys.len() > MOST_VALUES) {
        *counted = None;
    }
}

struct Apart {
    selection: Test,
    /// All rows, and those of the selection.
    rows: [u64; 2],
    fields: Vec<Counted>,
}

impl Fold for Apart {
    fn take(&mut self, rows: &RecordBatch) -> Result<(), Error> {
        let selected = filter_record_batch(rows, &BooleanArray::new(self.selection.matches(rows), None))?;
        for (place, rows) in [rows, &selected].into_iter().enumerate() {
            self.rows[place] += rows.num_rows() as u64;
            for (keys, counts) in self.fields.iter_mut().flatten() {
                let values = keys.field().values(rows);
                keys.count(&values, &mut counts[place]);
            }
        }
        self.fields.iter_mut().for_each(bound);
        Ok(())
    }

    fn merge(&mut self, other: Self) -> Result<(), Error> {
        for place in 0..2 {
            self.rows[place] += other.rows[place];
        }
        for (own, other) in self.fields.iter_mut().zip(other.fields) {
            let (Some((keys, counts)), Some((other_keys, other_counts))) = (own.as_mut(), other) else {
                *own = None;
                continue;
            };
            for (counts, other_counts) in counts.iter_mut().zip(&other_counts) {
                for (key, count) in other_counts.iter().enumerate() {
                    let key = keys.of_cell(other_keys.cell(key as u32)) as usize;
                    counts.resize(counts.len().max(key + 1), 0);
                    counts[key] += count;
                }
            }
            bound(own);
        }
        Ok(())
    }

    fn memory(&self) -> usize {
        let counted =
            |counts: &[Vec<u64>; 2]| counts.iter().map(|counts| 8 * counts.capacity()).sum::<usize>();
        self.fields.iter().flatten().map(|(keys, counts)| keys.memory() + counted(counts)).sum()
    }
}

pub(crate) fn run(scan: &Scan<'_>, fields: &[Field], selection: &Test, limit: usize) -> Answered {
    let mut columns: Vec<&'static str> = fields.iter().map(|field| field.column).collect();
    selection.columns(&mut |column| columns.push(column));
    let new = || Apart {
        selection: selection.clone(),
        rows: [0; 2],
        fields: fields.iter().map(|field| Some((Keys::new(field.clone()), Default::default()))).collect(),
    };
    let (apart, scanned) = scan.fold(&columns, None, new)?;
    let rows = [apart.rows[1], apart.rows[0].saturating_sub(apart.rows[1])];
    let part = |count: u64, of: u64| if of == 0 { 0.0 } else { count as f64 / of as f64 };
    let mut differences = Vec::new();
    for (keys, counts) in apart.fields.iter().flatten() {
        for (key, all) in counts[0].iter().enumerate().filter(|(_, all)| **all > 0) {
            let selected = counts[1].get(key).copied().unwrap_or(0);
            differences.push(Difference {
                field: keys.field().name.clone(),
                value: keys.cell(key as u32).clone(),
                selected: part(selected, rows[0]),
                others: part(all.saturating_sub(selected), rows[1]),
            });
        }
    }
    let size = |difference: &Difference| (difference.selected - difference.others).abs();
    differences.sort_by(|one, other| {
        let by_size = size(other).total_cmp(&size(one));
        by_size
            .then_with(|| one.field.cmp(&other.field))
            .then_with(|| one.value.partial_cmp(&other.value).unwrap_or(std::cmp::Ordering::Equal))
    });
    differences.truncate(limit);
    Ok((Outcome::Apart { rows, differences }, scanned))
}
