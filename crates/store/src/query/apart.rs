//! Which values are more frequent among selected rows than among the others, or less.

use arrow_array::RecordBatch;
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

struct Apart {
    selection: Test,
    /// Rows of the selection, and the others.
    rows: [u64; 2],
    fields: Vec<(Keys, Vec<[u64; 2]>)>,
}

impl Fold for Apart {
    fn take(&mut self, rows: &RecordBatch) -> Result<(), Error> {
        let selected = self.selection.matches(rows);
        let count = selected.count_set_bits() as u64;
        self.rows[0] += count;
        self.rows[1] += rows.num_rows() as u64 - count;
        for (keys, counts) in &mut self.fields {
            let found = keys.field().values(rows);
            let found = keys.keys(&found);
            counts.resize(keys.len(), [0; 2]);
            for (row, key) in found.into_iter().enumerate() {
                counts[key as usize][usize::from(!selected.value(row))] += 1;
            }
        }
        Ok(())
    }

    fn merge(&mut self, other: Self) -> Result<(), Error> {
        self.rows[0] += other.rows[0];
        self.rows[1] += other.rows[1];
        for ((keys, counts), (other_keys, other_counts)) in self.fields.iter_mut().zip(other.fields) {
            for (key, [selected, others]) in other_counts.into_iter().enumerate() {
                let key = keys.of_cell(other_keys.cell(key as u32));
                counts.resize(keys.len(), [0; 2]);
                counts[key as usize][0] += selected;
                counts[key as usize][1] += others;
            }
        }
        Ok(())
    }

    fn memory(&self) -> usize {
        self.fields.iter().map(|(keys, counts)| keys.memory() + 16 * counts.capacity()).sum()
    }
}

pub(crate) fn run(scan: &Scan<'_>, fields: &[Field], selection: &Test, limit: usize) -> Answered {
    let mut columns: Vec<&'static str> = fields.iter().map(|field| field.column).collect();
    selection.columns(&mut |column| columns.push(column));
    let new = || Apart {
        selection: selection.clone(),
        rows: [0; 2],
        fields: fields.iter().map(|field| (Keys::new(field.clone()), Vec::new())).collect(),
    };
    let (apart, scanned) = scan.fold(&columns, None, new)?;
    let rows = apart.rows;
    let part = |count: u64, of: u64| if of == 0 { 0.0 } else { count as f64 / of as f64 };
    let mut differences = Vec::new();
    for (keys, counts) in &apart.fields {
        for (key, [selected, others]) in counts.iter().enumerate().filter(|(_, counts)| **counts != [0; 2]) {
            differences.push(Difference {
                field: keys.field().name.clone(),
                value: keys.cell(key as u32).clone(),
                selected: part(*selected, rows[0]),
                others: part(*others, rows[1]),
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
