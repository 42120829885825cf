//! Rows in an order, so many at most.

use std::cmp::Ordering;

use arrow_array::RecordBatch;
use schema::Table;
use schema::query::{Cell, Cursor, Invalid, Order, Outcome};

use super::Answered;
use super::field::{Field, Values};
use super::scan::{Fold, Scan};
use crate::error::Error;

/// What is wanted.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    columns: Vec<Field>,
    by: Field,
    ascending: bool,
    limit: usize,
    after: Option<Cursor>,
}

impl Wanted {
    pub(crate) fn new(
        table: Table,
        columns: &[String],
        order: &Order,
        limit: usize,
        after: Option<Cursor>,
    ) -> Result<Self, Invalid> {
        let columns = if columns.is_empty() {
            table.columns().iter().map(|column| Field::new(table, column.name)).collect::<Result<_, _>>()?
        } else {
            Field::all(table, columns)?
        };
        Ok(Wanted { columns, by: Field::new(table, &order.by)?, ascending: order.ascending, limit, after })
    }

    /// Rows that are kept: those of the answer, those before it with the cursor's value, and one that tells whether
    /// there are more.
    fn most(&self) -> usize {
        self.limit.saturating_add(self.after.map_or(0, |after| after.skip)).saturating_add(1)
    }

    /// Where rows without a value stand.
    fn last(&self) -> i64 {
        if self.ascending { i64::MAX } else { i64::MIN }
    }

    fn compare(&self, one: i64, other: i64) -> Ordering {
        if self.ascending { one.cmp(&other) } else { other.cmp(&one) }
    }
}

struct Row {
    value: i64,
    cells: Vec<Cell>,
}

struct Best<'a> {
    wanted: &'a Wanted,
    rows: Vec<Row>,
    /// What comes behind it is not wanted.
    worst: Option<i64>,
    memory: usize,
}

impl Best<'_> {
    /// Keeps the best rows, and all that have the same value as the last of them.
    fn cut(&mut self) {
        let wanted = self.wanted;
        let most = wanted.most();
        if self.rows.len() <= most {
            return;
        }
        self.rows.sort_by(|one, other| wanted.compare(one.value, other.value));
        let worst = self.rows[most - 1].value;
        let kept = self.rows.partition_point(|row| wanted.compare(row.value, worst) != Ordering::Greater);
        self.rows.truncate(kept);
        self.worst = Some(worst);
        self.memory = self.rows.iter().map(|row| size(&row.cells)).sum();
    }
}

fn size(cells: &[Cell]) -> usize {
    let of = |cell: &Cell| match cell {
        Cell::Text(text) => text.len(),
        Cell::Map(pairs) => pairs.iter().map(|(key, value)| 48 + key.len() + value.len()).sum(),
        Cell::Histogram(pairs) => 16 * pairs.len(),
        _ => 0,
    };
    64 + cells.iter().map(|cell| size_of::<Cell>() + of(cell)).sum::<usize>()
}

impl Fold for Best<'_> {
    fn take(&mut self, rows: &RecordBatch) -> Result<(), Error> {
        let wanted = self.wanted;
        let by = wanted.by.values(rows);
        let columns: Vec<(&Field, Values)> =
            wanted.columns.iter().map(|field| (field, field.values(rows))).collect();
        for row in 0..rows.num_rows() {
            let value = match &by {
                Values::Numbers(numbers, nulls) if nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)) => {
                    numbers[row]
                }
                _ => wanted.last(),
            };
            let told = wanted.after.is_some_and(|after| wanted.compare(value, after.value) == Ordering::Less);
            if told || self.worst.is_some_and(|worst| wanted.compare(value, worst) == Ordering::Greater) {
                continue;
            }
            let cells: Vec<Cell> = columns.iter().map(|(field, values)| field.cell(values, row)).collect();
            self.memory += size(&cells);
            self.rows.push(Row { value, cells });
            if self.rows.len() >= 2 * wanted.most() + 64 {
                self.cut();
            }
        }
        Ok(())
    }

    fn merge(&mut self, other: Self) -> Result<(), Error> {
        self.rows.extend(other.rows);
        self.cut();
        Ok(())
    }

    fn memory(&self) -> usize {
        self.memory
    }
}

pub(crate) fn run(scan: &Scan<'_>, wanted: Wanted) -> Answered {
    let mut columns: Vec<&'static str> = wanted.columns.iter().map(|field| field.column).collect();
    columns.push(wanted.by.column);
    let new = || Best { wanted: &wanted, rows: Vec::new(), worst: None, memory: 0 };
    let (mut best, scanned) = scan.fold(&columns, new)?;
    // Rows with the same value are told apart by what they show, so that their order is the same whichever file they are in.
    best.rows.sort_by(|one, other| {
        let by_value = wanted.compare(one.value, other.value);
        by_value.then_with(|| one.cells.partial_cmp(&other.cells).unwrap_or(Ordering::Equal))
    });
    let skip = wanted.after.map_or(0, |after| {
        let same = best.rows.iter().take_while(|row| row.value == after.value).count();
        after.skip.min(same)
    });
    let more = best.rows.len() > skip + wanted.limit;
    let rows: Vec<Row> = best.rows.into_iter().skip(skip).take(wanted.limit).collect();
    let next = rows.last().filter(|_| more).map(|last| {
        let same = rows.iter().rev().take_while(|row| row.value == last.value).count();
        let before = wanted.after.filter(|after| after.value == last.value).map_or(0, |after| after.skip);
        Cursor { value: last.value, skip: same + before }
    });
    let names = wanted.columns.iter().map(|field| field.name.clone()).collect();
    let rows = rows.into_iter().map(|row| row.cells).collect();
    Ok((Outcome::Rows { columns: names, rows, next }, scanned))
}
