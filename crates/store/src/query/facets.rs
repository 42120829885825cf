//! The values of fields, and how many rows have them.

use arrow_array::RecordBatch;
use schema::query::{Cell, Facet, Outcome};

use super::Answered;
use super::field::Field;
use super::keys::Keys;
use super::scan::{Fold, Scan};
use crate::error::Error;

struct Facets(Vec<(Keys, Vec<u64>)>);

impl Fold for Facets {
    fn take(&mut self, rows: &RecordBatch) -> Result<(), Error> {
        for (keys, counts) in &mut self.0 {
            let found = keys.field().values(rows);
            keys.count(&found, counts);
        }
        Ok(())
    }

    fn merge(&mut self, other: Self) -> Result<(), Error> {
        for ((keys, counts), (other_keys, other_counts)) in self.0.iter_mut().zip(other.0) {
            for (key, count) in other_counts.into_iter().enumerate() {
                let key = keys.of_cell(other_keys.cell(key as u32));
                counts.resize(keys.len(), 0);
                counts[key as usize] += count;
            }
        }
        Ok(())
    }

    fn memory(&self) -> usize {
        self.0.iter().map(|(keys, counts)| keys.memory() + 8 * counts.capacity()).sum()
    }
}

pub(crate) fn run(scan: &Scan<'_>, fields: &[Field], limit: usize) -> Answered {
    let columns: Vec<&'static str> = fields.iter().map(|field| field.column).collect();
    let new = || Facets(fields.iter().map(|field| (Keys::new(field.clone()), Vec::new())).collect());
    let (facets, scanned) = scan.fold(&columns, None, new)?;
    let facets = facets.0.into_iter().map(|(keys, counts)| facet(&keys, &counts, limit)).collect();
    Ok((Outcome::Facets(facets), scanned))
}

fn facet(keys: &Keys, counts: &[u64], limit: usize) -> Facet {
    let counted = counts.iter().enumerate().filter(|(_, count)| **count > 0);
    let mut values: Vec<(Cell, u64)> =
        counted.map(|(key, count)| (keys.cell(key as u32).clone(), *count)).collect();
    values.sort_by(|one, other| {
        other.1.cmp(&one.1).then_with(|| one.0.partial_cmp(&other.0).unwrap_or(std::cmp::Ordering::Equal))
    });
    let others = values.iter().skip(limit).map(|(_, count)| count).sum();
    values.truncate(limit);
    Facet { field: keys.field().name.clone(), values, others }
}
