//! Rows in an order, so many at most.

use std::cmp::Ordering;
use std::sync::atomic::{self, AtomicI64};

use arrow_array::RecordBatch;
use arrow_buffer::BooleanBuffer;
use schema::Table;
use schema::query::{Cell, Cursor, Invalid, Order, Outcome};

use super::Answered;
use super::field::{Field, Values};
use super::prune::Bounds;
use super::scan::{Fold, Scan};
use super::test::Test;
use crate::error::Error;

/// What is wanted.
#[derive(Debug)]
pub(crate) struct Wanted {
    columns: Vec<Field>,
    by: Field,
    ascending: bool,
    limit: usize,
    after: Option<Cursor>,
    /// What comes behind it is not wanted: so many rows before it were found, by all threads' accounts.
    worst: AtomicI64,
}

impl Wanted {
    pub(crate) fn new(
        table: Table,
        columns: &[String],
        order: &Order,
        limit: usize,
        after: Option<Cursor>,
    ) -> Result<Self, Invalid> {
        let columns = Field::all_or(table, columns)?;
        let by = Field::new(table, &order.by)?;
        let worst = AtomicI64::new(last(order.ascending));
        Ok(Wanted { columns, by, ascending: order.ascending, limit, after, worst })
    }

    pub(crate) fn by(&self) -> &Field {
        &self.by
    }

    /// Rows that are kept: those of the answer, those before it with the cursor's value, and one that tells whether
    /// there are more.
    fn most(&self) -> usize {
        self.limit.saturating_add(self.after.map_or(0, |after| after.skip)).saturating_add(1)
    }

    fn compare(&self, one: i64, other: i64) -> Ordering {
        if self.ascending { one.cmp(&other) } else { other.cmp(&one) }
    }

    fn worst(&self) -> i64 {
        self.worst.load(atomic::Ordering::Relaxed)
    }

    /// What comes behind this value is not wanted any more.
    fn limit_to(&self, worst: i64) {
        if self.ascending {
            self.worst.fetch_min(worst, atomic::Ordering::Relaxed);
        } else {
            self.worst.fetch_max(worst, atomic::Ordering::Relaxed);
        }
    }

    fn is_wanted(&self, value: i64, worst: i64) -> bool {
        let told = self.after.is_some_and(|after| self.compare(value, after.value) == Ordering::Less);
        !told && self.compare(value, worst) != Ordering::Greater
    }

    /// What rows have to be, after what was found so far.
    pub(crate) fn bound(&self) -> Option<Test> {
        let worst = self.worst();
        match self.ascending {
            true if worst < i64::MAX => {
                Some(Test::NumberRange(self.by.clone(), i64::MIN, Some(worst.saturating_add(1))))
            }
            false if worst > i64::MIN => Some(Test::NumberRange(self.by.clone(), worst, None)),
            _ => None,
        }
    }

    /// The place of rows within such bounds among others: the first ones are likely to have the best.
    pub(crate) fn rank(&self, bounds: &Bounds) -> i64 {
        match bounds {
            Bounds::Numbers(least, _) if self.ascending => *least,
            Bounds::Numbers(_, greatest) => greatest.saturating_neg(),
            _ => i64::MAX,
        }
    }

    /// The values that rows are ordered by.
    pub(crate) fn values(&self, rows: &RecordBatch, into: &mut Vec<i64>) {
        let last = last(self.ascending);
        match self.by.values(rows) {
            Values::Numbers(numbers, None) => into.extend_from_slice(&numbers),
            Values::Numbers(numbers, Some(nulls)) => {
                let value = |(number, valid): (&i64, bool)| if valid { *number } else { last };
                into.extend(numbers.iter().zip(nulls.iter()).map(value));
            }
            _ => into.extend(std::iter::repeat_n(last, rows.num_rows())),
        }
    }

    /// Which of these rows may be among those of the answer.
    pub(crate) fn best(&self, values: &[i64]) -> BooleanBuffer {
        let mut worst = self.worst();
        let mut wanted: Vec<i64> =
            values.iter().copied().filter(|value| self.is_wanted(*value, worst)).collect();
        let most = self.most();
        if wanted.len() > most {
            let (_, last, _) =
                wanted.select_nth_unstable_by(most - 1, |one, other| self.compare(*one, *other));
            worst = *last;
        }
        BooleanBuffer::collect_bool(values.len(), |row| self.is_wanted(values[row], worst))
    }
}

/// Where rows without a value stand.
fn last(ascending: bool) -> i64 {
    if ascending { i64::MAX } else { i64::MIN }
}

struct Row {
    value: i64,
    cells: Vec<Cell>,
}

struct Best<'a> {
    wanted: &'a Wanted,
    rows: Vec<Row>,
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
        wanted.limit_to(worst);
        self.memory = self.rows.iter().map(|row| size(&row.cells)).sum();
    }
}

/// Bytes of a row, about.
pub(crate) fn size(cells: &[Cell]) -> usize {
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
        let mut values = Vec::new();
        wanted.values(rows, &mut values);
        let best = wanted.best(&values);
        let columns: Vec<(&Field, Values)> =
            wanted.columns.iter().map(|field| (field, field.values(rows))).collect();
        for row in best.set_indices() {
            let cells: Vec<Cell> = columns.iter().map(|(field, values)| field.cell(values, row)).collect();
            self.memory += size(&cells);
            self.rows.push(Row { value: values[row], cells });
        }
        let most = wanted.most();
        if self.rows.len() > most.saturating_add(most / 8) {
            self.cut();
        }
        Ok(())
    }

    fn merge(&mut self, other: Self) -> Result<(), Error> {
        self.rows.extend(other.rows);
        self.memory += other.memory;
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
    let new = || Best { wanted: &wanted, rows: Vec::new(), memory: 0 };
    let (mut best, scanned) = scan.fold(&columns, Some(&wanted), new)?;
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
