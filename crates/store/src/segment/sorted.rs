//! Batches of a table in one order, with one dictionary for each column of words.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, TimestampNanosecondType};
use arrow_array::{Array, ArrayRef, DictionaryArray, Int32Array, RecordBatch, StringArray, new_null_array};
use arrow_select::interleave::interleave;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use schema::{Kind, Table};

use super::order::order;
use crate::error::Error;

/// Where a row is: its batch, and its place therein.
pub(super) type Place = (usize, usize);

/// A column's words over several batches, each once and in order; and for each row of each batch the place of its word among them.
pub(super) type Ranked = (ArrayRef, Vec<Vec<i32>>);

/// The words, and for each batch its keys' places among them.
fn words(batches: &[Arc<RecordBatch>], name: &str) -> (ArrayRef, Vec<Vec<i32>>) {
    let mut known: HashMap<&str, i32, RandomState> = HashMap::default();
    let mut places: Vec<Vec<i32>> = Vec::with_capacity(batches.len());
    for batch in batches {
        let dictionary =
            batch.column_by_name(name).and_then(|column| column.as_dictionary_opt::<Int32Type>());
        let of_batch = dictionary.map_or_else(Vec::new, |dictionary| {
            let values = dictionary.values().as_string::<i32>();
            let place = |value| {
                let next = known.len() as i32;
                *known.entry(value).or_insert(next)
            };
            values.iter().map(Option::unwrap_or_default).map(place).collect()
        });
        places.push(of_batch);
    }
    let mut order: Vec<(&str, i32)> = known.into_iter().collect();
    order.sort_unstable();
    let mut ranks = vec![0; order.len()];
    for (rank, (_, number)) in order.iter().enumerate() {
        ranks[*number as usize] = rank as i32;
    }
    for place in places.iter_mut().flatten() {
        *place = ranks[*place as usize];
    }
    (Arc::new(StringArray::from_iter_values(order.into_iter().map(|(word, _)| word))), places)
}

/// The place among all words of each row's, -1 where it has none.
fn ranks(batches: &[Arc<RecordBatch>], name: &str, places: &[Vec<i32>]) -> Vec<Vec<i32>> {
    let of_batch = |(batch, places): (&Arc<RecordBatch>, &Vec<i32>)| {
        let dictionary =
            batch.column_by_name(name).and_then(|column| column.as_dictionary_opt::<Int32Type>());
        let Some(dictionary) = dictionary else { return vec![-1; batch.num_rows()] };
        let keys = dictionary.keys();
        let rank = |key: Option<i32>| key.and_then(|key| places.get(key as usize)).copied().unwrap_or(-1);
        keys.iter().map(rank).collect()
    };
    batches.iter().zip(places).map(of_batch).collect()
}

/// The times of a batch's rows.
pub(crate) fn times(batch: &RecordBatch) -> &[i64] {
    let column =
        batch.column_by_name("time").and_then(|column| column.as_primitive_opt::<TimestampNanosecondType>());
    column.map_or(&[], |column| column.values())
}

/// Batches of a table in the order of its files, to be had part by part: all of them at once would take the memory of a row's
/// empty columns too.
pub(crate) struct Sorted<'a> {
    table: Table,
    batches: &'a [Arc<RecordBatch>],
    order: Vec<Place>,
    /// Of each column of words.
    words: Vec<Option<Ranked>>,
}

impl<'a> Sorted<'a> {
    pub(crate) fn new(table: Table, batches: &'a [Arc<RecordBatch>]) -> Self {
        let words_of = |column: &schema::Column| {
            let there = batches.iter().any(|batch| batch.column_by_name(column.name).is_some());
            (there && column.kind == Kind::Word).then(|| {
                let (words, places) = words(batches, column.name);
                (words, ranks(batches, column.name, &places))
            })
        };
        let words: Vec<Option<Ranked>> = table.columns().iter().map(words_of).collect();
        let order = order(table, batches, &words);
        Sorted { table, batches, order, words }
    }

    /// Where its rows are, in their order.
    pub(super) fn into_order(self) -> Vec<Place> {
        self.order
    }

    /// Its rows, so many at a time, with all columns of the table.
    pub(crate) fn parts(&self, rows: usize) -> impl Iterator<Item = Result<RecordBatch, Error>> {
        self.order.chunks(rows.max(1)).map(|places| self.part(places))
    }

    fn part(&self, places: &[Place]) -> Result<RecordBatch, Error> {
        let columns = self.table.columns().iter().zip(&self.words);
        let arrays = columns.map(|(column, words)| self.column(column, words.as_ref(), places));
        let arrays = arrays.collect::<Result<Vec<_>, _>>()?;
        Ok(RecordBatch::try_new(self.table.arrow(), arrays)?)
    }

    fn column(
        &self,
        column: &schema::Column,
        words: Option<&Ranked>,
        places: &[Place],
    ) -> Result<ArrayRef, Error> {
        if let Some((words, ranks)) = words {
            let keys = places.iter().map(|(batch, row)| Some(ranks[*batch][*row]).filter(|rank| *rank >= 0));
            let keys: Int32Array = keys.collect();
            return Ok(Arc::new(DictionaryArray::try_new(keys, Arc::clone(words))?));
        }
        let arrays = self.batches.iter().map(|batch| batch.column_by_name(column.name));
        interleaved(column, &arrays.collect::<Vec<_>>(), |batch| self.batches[batch].num_rows(), places)
    }
}

/// A column of rows of several batches, some of which may be without it; `rows` tells how many a batch has.
pub(super) fn interleaved(
    column: &schema::Column,
    arrays: &[Option<&ArrayRef>],
    rows: impl Fn(usize) -> usize,
    places: &[Place],
) -> Result<ArrayRef, Error> {
    if arrays.iter().all(Option::is_none) {
        return Ok(new_null_array(&column.kind.arrow(), places.len()));
    }
    let filled = arrays.iter().enumerate().map(|(batch, array)| match array {
        Some(array) => Arc::clone(array),
        None => new_null_array(&column.kind.arrow(), rows(batch)),
    });
    let filled: Vec<ArrayRef> = filled.collect();
    let filled: Vec<&dyn Array> = filled.iter().map(|array| &**array).collect();
    Ok(interleave(&filled, places)?)
}
