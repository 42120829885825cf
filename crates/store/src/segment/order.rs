//! The order of the rows of a file: by the table's first column, then by time; and within spans of so many rows, where the
//! table says so, what has most in common together. There a column that is the same for a while takes next to no room.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use foldhash::fast::RandomState;
use hashbrown::HashSet;
use schema::{TOGETHER, Table};

use super::sorted::{Place, Ranked, times};

/// Rows that an id must have in common at least to be worth that its rows are together: the times of rows that are in another order
/// take more room.
const ENOUGH: usize = 8;

/// A row by the columns that rows are put together by, then its time and its place.
type Row = ([u64; 3], i64, u32, u32);

/// A column that rows are put together by.
enum By<'a> {
    /// The places of words among all.
    Ranks(&'a [Vec<i32>]),
    /// Ids, by batch.
    Ids(Vec<Option<&'a [u64]>>),
    /// No row has one.
    Nothing,
}

impl By<'_> {
    fn value(&self, batch: u32, row: u32) -> u64 {
        let (batch, row) = (batch as usize, row as usize);
        match self {
            // Rows without a word come first.
            By::Ranks(ranks) => {
                ranks.get(batch).and_then(|ranks| ranks.get(row)).map_or(0, |rank| (rank + 1) as u64)
            }
            By::Ids(ids) => {
                ids.get(batch).copied().flatten().and_then(|ids| ids.get(row)).copied().unwrap_or(0)
            }
            By::Nothing => 0,
        }
    }
}

fn by<'a>(table: Table, batches: &'a [Arc<RecordBatch>], words: &'a [Option<Ranked>], name: &str) -> By<'a> {
    let words = table.column(name).and_then(|(place, _)| words.get(place)?.as_ref());
    if let Some((_, ranks)) = words {
        return By::Ranks(ranks);
    }
    let ids = |batch: &'a Arc<RecordBatch>| {
        let column = batch.column_by_name(name)?.as_primitive_opt::<UInt64Type>()?;
        // What stands where there is no value may be anything: such rows are together by chance only.
        Some(&column.values()[..])
    };
    let ids: Vec<Option<&[u64]>> = batches.iter().map(ids).collect();
    if ids.iter().all(Option::is_none) { By::Nothing } else { By::Ids(ids) }
}

/// The rows of `batches` in the order of the table's files; `words` are those of the table's columns.
pub(super) fn order(table: Table, batches: &[Arc<RecordBatch>], words: &[Option<Ranked>]) -> Vec<Place> {
    let [first, _] = table.sorted_by();
    let first = by(table, batches, words, first);
    let mut rows: Vec<(u64, i64, u32, u32)> =
        Vec::with_capacity(batches.iter().map(|batch| batch.num_rows()).sum());
    for (number, batch) in (0..).zip(batches) {
        let times = times(batch);
        for place in 0..batch.num_rows() {
            let time = times.get(place).copied().unwrap_or(0);
            rows.push((first.value(number, place as u32), time, number, place as u32));
        }
    }
    rows.sort_unstable();
    let names = table.put_together_by();
    if !names.is_empty() {
        let columns: Vec<By<'_>> = names.iter().map(|name| by(table, batches, words, name)).collect();
        for same in rows.chunk_by_mut(|one, other| one.0 == other.0) {
            // Parts of the same length, so that none is a small rest.
            let parts = same.len().div_ceil(TOGETHER);
            for part in same.chunks_mut(same.len().div_ceil(parts)) {
                together(part, &columns);
            }
        }
    }
    rows.into_iter().map(|(_, _, number, place)| (number as usize, place as usize)).collect()
}

/// Puts together what has most in common.
fn together(part: &mut [(u64, i64, u32, u32)], columns: &[By<'_>]) {
    let worth: Vec<&By<'_>> = columns.iter().filter(|column| is_worth(column, part)).collect();
    let with_values = |(_, time, batch, row): &(u64, i64, u32, u32)| -> Row {
        let mut values = [0; 3];
        values.iter_mut().zip(&worth).for_each(|(value, column)| *value = column.value(*batch, *row));
        (values, *time, *batch, *row)
    };
    let mut rows: Vec<Row> = part.iter().map(with_values).collect();
    rows.sort_unstable();
    for (to, (_, time, batch, row)) in part.iter_mut().zip(rows) {
        (to.1, to.2, to.3) = (time, batch, row);
    }
}

/// Ids that hardly occur twice put nothing together.
fn is_worth(column: &By<'_>, part: &[(u64, i64, u32, u32)]) -> bool {
    match column {
        By::Nothing => false,
        By::Ranks(_) => true,
        By::Ids(_) => {
            let ids = part.iter().map(|(_, _, batch, row)| column.value(*batch, *row));
            let different: HashSet<u64, RandomState> = ids.collect();
            part.len() / different.len().max(1) >= ENOUGH
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::types::{Int64Type, TimestampNanosecondType};
    use schema::Rows;

    use super::super::Sorted;
    use super::*;

    /// Requests, each of a service, an address, a connection, a name and a time; as their times in the order of a file.
    fn ordered(requests: &[(&str, &str, u64, &str, i64)]) -> Vec<i64> {
        let place = |name| Table::Requests.column(name).unwrap().0;
        // In two batches, so that words have different keys.
        let batches: Vec<Arc<RecordBatch>> = requests
            .chunks(requests.len().div_ceil(2))
            .map(|part| {
                let mut rows = Rows::new(Table::Requests);
                for (service, address, connection, name, time) in part {
                    rows.text(place("service.name"), service);
                    rows.text(place("weir.client.address"), address);
                    rows.number(place("weir.connection"), *connection as i64);
                    rows.text(place("name"), name);
                    rows.number(place("time"), *time);
                    rows.number(place("duration"), *time);
                    rows.end().unwrap();
                }
                Arc::new(rows.finish().unwrap())
            })
            .collect();
        let sorted = Sorted::new(Table::Requests, &batches);
        let mut found = Vec::new();
        for part in sorted.parts(10_000) {
            let part = part.unwrap();
            let times = part.column_by_name("time").unwrap().as_primitive::<TimestampNanosecondType>();
            let durations = part.column_by_name("duration").unwrap().as_primitive::<Int64Type>();
            assert_eq!(times.values(), durations.values(), "a row stays a row");
            found.extend(times.values());
        }
        found
    }

    #[test]
    fn what_has_most_in_common_is_together() {
        let mut requests = Vec::new();
        for time in 0..64 {
            let service = ["shop", "cart"][time % 2];
            let address = ["10.0.0.2", "10.0.0.1"][time / 2 % 2];
            requests.push((service, address, 1, ["GET /b", "GET /a"][time / 4 % 2], time as i64));
        }
        let mut expected = requests.clone();
        expected.sort_by_key(|(service, address, _, name, time)| (*service, *address, *name, *time));
        let expected: Vec<i64> = expected.into_iter().map(|request| request.4).collect();
        assert_eq!(ordered(&requests), expected);
    }

    #[test]
    fn connections_count_only_where_they_have_several_requests() {
        let with = |connections: u64| -> Vec<(&str, &str, u64, &str, i64)> {
            (0..100)
                .map(|time| ("shop", "10.0.0.1", (time * 7) % connections, "GET /", time as i64))
                .collect()
        };
        assert_eq!(ordered(&with(50)), (0..100).collect::<Vec<i64>>());
        let of_connection = ordered(&with(10));
        assert_eq!(of_connection[..10], [0, 10, 20, 30, 40, 50, 60, 70, 80, 90]);
    }

    #[test]
    fn a_span_of_rows_is_before_the_next_one() {
        let most = TOGETHER as i64;
        let requests: Vec<_> = (0..2 * most)
            .map(|time| ("shop", ["10.0.0.2", "10.0.0.1"][time as usize % 2], 0, "GET /", time))
            .collect();
        let found = ordered(&requests);
        let (first, second) = found.split_at(TOGETHER);
        assert_eq!((first.iter().max(), second.iter().min()), (Some(&(most - 1)), Some(&most)));
        assert_eq!(first[..3], [1, 3, 5]);
    }
}
