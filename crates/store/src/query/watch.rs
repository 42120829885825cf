//! Rows as they come in, before anybody keeps them.

use arrow_array::RecordBatch;
use schema::Table;
use schema::query::{Cell, Filter, Query};

use super::field::{Field, Values};
use super::test::Test;
use crate::error::Error;

/// Finds rows in batches that are told elsewhere.
pub struct Watch {
    fields: Vec<Field>,
    test: Test,
}

impl Watch {
    /// Those rows of a table that match, with all columns.
    ///
    /// # Errors
    ///
    /// When the filter makes no sense.
    pub fn new(table: Table, filter: &Filter) -> Result<Self, Error> {
        let ask = schema::query::Ask::Each { columns: Vec::new(), limit: None };
        Query { table, from: None, to: None, filter: filter.clone(), ask }.validate()?;
        Ok(Watch { fields: Field::all_or(table, &[])?, test: Test::new(table, filter)? })
    }

    /// The columns' names.
    pub fn columns(&self) -> Vec<String> {
        self.fields.iter().map(|field| field.name.clone()).collect()
    }

    /// The rows of a batch of the table that match, `most` of them at most; and how many more there were.
    pub fn rows(&self, batch: &RecordBatch, most: usize) -> (Vec<Vec<Cell>>, usize) {
        let matches = self.test.matches(batch);
        let values: Vec<(&Field, Values)> =
            self.fields.iter().map(|field| (field, field.values(batch))).collect();
        let found = matches.set_indices().take(most);
        let rows: Vec<Vec<Cell>> =
            found.map(|row| values.iter().map(|(field, values)| field.cell(values, row)).collect()).collect();
        let left_out = matches.count_set_bits() - rows.len();
        (rows, left_out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_a_batch_are_found() {
        let mut rows = schema::Rows::new(Table::Requests);
        let place = |name: &str| Table::Requests.column(name).map_or(usize::MAX, |(place, _)| place);
        for (time, name) in [(1, "GET"), (2, "SET"), (3, "GET"), (4, "GET")] {
            rows.number(place("time"), time);
            rows.text(place("name"), name);
            rows.end().expect("row");
        }
        let batch = rows.finish().expect("batch");
        let watch = Watch::new(Table::Requests, &Filter::is("name", "GET")).expect("filter");
        let (found, left_out) = watch.rows(&batch, 2);
        let time = watch.columns().iter().position(|name| name == "time").expect("column");
        let times: Vec<_> = found.iter().map(|row| row[time].clone()).collect();
        assert_eq!((times, left_out), (vec![Cell::Number(1), Cell::Number(3)], 1));
        assert!(Watch::new(Table::Requests, &Filter::is("nothing", "GET")).is_err());
        let nothing = batch.project(&[]).expect("columns");
        assert_eq!(watch.rows(&nothing, 10).0.len(), 0, "columns that a batch has not are empty");
    }
}
