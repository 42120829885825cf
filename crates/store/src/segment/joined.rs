//! Rows of several files in the order of one, of which only some are in memory: first the columns are read that the order follows
//! from, and all words; then each file from front to back, as far ahead as the next rows want it.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, DictionaryArray, Int32Array, RecordBatch, new_null_array};
use arrow_select::interleave::interleave;
use schema::{Kind, Table};

use super::open::{Batches, Cache, Segment};
use super::sorted::{Place, Sorted, interleaved};
use super::words::{Places, Words};
use crate::error::Error;

/// Rows that are read at a time.
const BATCH: usize = 2048;

/// Several files of a table, to be had part by part in the order of a file of their rows.
pub(crate) struct Joined {
    table: Table,
    files: Vec<File>,
    /// Of each batch of each file: its file, and its rows.
    batches: Vec<(usize, usize)>,
    order: Vec<Place>,
    /// By column: those of words have all of them.
    words: Vec<Option<Words>>,
    /// Batches with rows that are still wanted.
    loaded: BTreeMap<usize, Loaded>,
    failed: Option<usize>,
}

struct File {
    rows: Batches,
    /// The number of its next batch.
    next: usize,
    /// By column: the places of the last dictionary's words.
    places: Vec<Places>,
}

struct Loaded {
    rows: usize,
    /// Rows that are still wanted.
    left: usize,
    /// By column of the table. Of words: their places among all.
    columns: Vec<Option<ArrayRef>>,
}

impl Joined {
    /// Finds the order of all rows.
    ///
    /// # Errors
    ///
    /// Where a file cannot be read: its place among them, and why.
    pub(crate) fn new(
        table: Table,
        segments: &[Arc<Segment>],
        cache: &Cache,
    ) -> Result<Self, (usize, Error)> {
        let ordering =
            |name: &str| table.sorted_by().contains(&name) || table.put_together_by().contains(&name);
        let is_word = |column: &schema::Column| column.kind == Kind::Word;
        let columns = table.columns().iter().filter(|column| is_word(column) || ordering(column.name));
        let columns: Vec<&'static str> = columns.map(|column| column.name).collect();
        let mut joined = Joined {
            table,
            files: Vec::new(),
            batches: Vec::new(),
            order: Vec::new(),
            words: table.columns().iter().map(|column| is_word(column).then(Words::default)).collect(),
            loaded: BTreeMap::new(),
            failed: None,
        };
        let mut keys = Vec::new();
        for (number, segment) in segments.iter().enumerate() {
            let rows = segment.batches(cache, None, BATCH).map_err(|error| (number, error))?;
            let next = joined.batches.len();
            joined.files.push(File { rows, next, places: vec![Places::default(); table.columns().len()] });
            let batches = segment.batches(cache, Some(&columns), BATCH).map_err(|error| (number, error))?;
            for batch in batches {
                let key = batch.and_then(|batch| joined.look_through(number, &batch, ordering));
                keys.push(Arc::new(key.map_err(|error| (number, error))?));
            }
        }
        joined.order = Sorted::new(table, &keys).into_order();
        Ok(joined)
    }

    /// Takes note of a batch's words; what is left are the columns that the order follows from.
    fn look_through(
        &mut self,
        file: usize,
        batch: &RecordBatch,
        ordering: impl Fn(&str) -> bool,
    ) -> Result<RecordBatch, Error> {
        self.batches.push((file, batch.num_rows()));
        let places = &mut self.files[file].places;
        for ((column, words), places) in self.table.columns().iter().zip(&mut self.words).zip(places) {
            let found = batch.column_by_name(column.name).and_then(|array| array.as_dictionary_opt());
            if let (Some(words), Some(dictionary)) = (words, found) {
                places.renew(dictionary, |word| words.add(word))?;
            }
        }
        let schema = batch.schema();
        let kept: Vec<usize> =
            (0..batch.num_columns()).filter(|place| ordering(schema.field(*place).name())).collect();
        Ok(batch.project(&kept)?)
    }

    /// The place of the file that could not be read, where a part was an error for that.
    pub(crate) fn failed(&self) -> Option<usize> {
        self.failed
    }

    /// Its rows, so many at a time, with all columns of the table.
    pub(crate) fn parts(&mut self, rows: usize) -> impl Iterator<Item = Result<RecordBatch, Error>> {
        let mut order = std::mem::take(&mut self.order).into_iter();
        std::iter::from_fn(move || {
            let places: Vec<Place> = order.by_ref().take(rows.max(1)).collect();
            (!places.is_empty()).then(|| self.part(&places))
        })
    }

    fn part(&mut self, places: &[Place]) -> Result<RecordBatch, Error> {
        let mut used: Vec<usize> = places.iter().map(|(batch, _)| *batch).collect();
        used.sort_unstable();
        used.dedup();
        for batch in &used {
            self.load(*batch)?;
        }
        let (first, last) = (used.first().copied().unwrap_or(0), used.last().copied().unwrap_or(0));
        let mut number = vec![0; last - first + 1];
        used.iter().enumerate().for_each(|(place, batch)| number[batch - first] = place);
        let within: Vec<Place> = places.iter().map(|(batch, row)| (number[batch - first], *row)).collect();
        let loaded: Vec<&Loaded> = used.iter().filter_map(|batch| self.loaded.get(batch)).collect();
        let columns = self.table.columns().iter().enumerate().map(|(place, column)| {
            let arrays: Vec<Option<&ArrayRef>> =
                loaded.iter().map(|loaded| loaded.columns[place].as_ref()).collect();
            match &self.words[place] {
                Some(words) => worded(column.kind, words, &arrays, |batch| loaded[batch].rows, &within),
                None => interleaved(column, &arrays, |batch| loaded[batch].rows, &within),
            }
        });
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        for (batch, _) in places {
            if let Some(loaded) = self.loaded.get_mut(batch) {
                loaded.left = loaded.left.saturating_sub(1);
            }
        }
        used.iter().for_each(|batch| {
            if self.loaded.get(batch).is_some_and(|loaded| loaded.left == 0) {
                self.loaded.remove(batch);
            }
        });
        Ok(RecordBatch::try_new(self.table.arrow(), columns)?)
    }

    /// Reads a batch, and those of its file that come before it.
    fn load(&mut self, batch: usize) -> Result<(), Error> {
        let file = self.batches[batch].0;
        while self.files[file].next <= batch {
            let (next, rows) = (self.files[file].next, self.batches[self.files[file].next].1);
            let loaded = self.read(file, rows).inspect_err(|_| self.failed = Some(file))?;
            self.files[file].next += 1;
            if rows > 0 {
                self.loaded.insert(next, loaded);
            }
        }
        Ok(())
    }

    fn read(&mut self, file: usize, rows: usize) -> Result<Loaded, Error> {
        let changed = || Error::Damaged("a file is not as it was a moment ago".into());
        let file = &mut self.files[file];
        let batch = crate::batch::fit(self.table, &file.rows.next().ok_or_else(changed)??)?;
        if batch.num_rows() != rows {
            return Err(changed());
        }
        let mut columns = Vec::with_capacity(self.words.len());
        for ((column, words), places) in self.table.columns().iter().zip(&self.words).zip(&mut file.places) {
            let array = batch.column_by_name(column.name);
            columns.push(match (words, array.and_then(|array| array.as_dictionary_opt::<Int32Type>())) {
                (Some(words), Some(dictionary)) => {
                    places.renew(dictionary, |word| words.place(word).ok_or_else(changed))?;
                    Some(Arc::new(places.of_rows(dictionary)) as ArrayRef)
                }
                _ => array.cloned(),
            });
        }
        Ok(Loaded { rows, left: rows, columns })
    }
}

/// A column of words of the rows at these places, of batches that have the words' places.
fn worded(
    kind: Kind,
    words: &Words,
    arrays: &[Option<&ArrayRef>],
    rows: impl Fn(usize) -> usize,
    places: &[Place],
) -> Result<ArrayRef, Error> {
    if arrays.iter().all(Option::is_none) {
        return Ok(new_null_array(&kind.arrow(), places.len()));
    }
    let filled = arrays.iter().enumerate().map(|(batch, array)| match array {
        Some(array) => Arc::clone(array),
        None => Arc::new(Int32Array::new_null(rows(batch))) as ArrayRef,
    });
    let filled: Vec<ArrayRef> = filled.collect();
    let filled: Vec<&dyn Array> = filled.iter().map(|array| &**array).collect();
    let keys = interleave(&filled, places)?;
    Ok(Arc::new(DictionaryArray::try_new(keys.as_primitive::<Int32Type>().clone(), words.array())?))
}

#[cfg(test)]
mod tests;
