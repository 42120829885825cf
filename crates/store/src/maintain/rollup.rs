//! Requests summed up as edges.

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{Array, RecordBatch};
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use model::names;
use schema::histogram::{Counts, STORED_BITS, bucket};
use schema::{Rows, Table};

use crate::error::Error;
use crate::segment::times;

/// Spans of time that are summed up as requests go into files: seconds.
pub(crate) const STORED: [i64; 2] = [60, 3600];
/// Shorter ones, which are summed up when they are asked for: in files they would often be as many as the requests.
pub(crate) const MADE: [i64; 2] = [1, 10];
/// What edges are told apart by, besides the time.
pub(crate) const KEYS: [&str; 5] =
    [names::CLIENT, names::SERVER, names::NETWORK_PROTOCOL_NAME, "role", names::HOST_NAME];

/// What edges are made of.
pub(crate) const COLUMNS: [&str; 11] = [
    "time",
    "duration",
    names::ERROR_TYPE,
    names::WEIR_REQUEST_SIZE,
    names::WEIR_RESPONSE_SIZE,
    names::WEIR_WAITING,
    KEYS[0],
    KEYS[1],
    KEYS[2],
    KEYS[3],
    KEYS[4],
];

#[derive(Default)]
struct Sum {
    count: u64,
    errors: u64,
    duration: i64,
    durations: Counts,
    bytes: [i64; 2],
}

/// A column of words: each row's key, -1 where it has none.
struct Words<'a>(Option<&'a arrow_array::DictionaryArray<Int32Type>>);

impl<'a> Words<'a> {
    fn of(batch: &'a RecordBatch, name: &str) -> Self {
        Words(batch.column_by_name(name).and_then(|column| column.as_dictionary_opt()))
    }

    fn key(&self, row: usize) -> i32 {
        self.0.filter(|column| column.is_valid(row)).map_or(-1, |column| column.keys().value(row))
    }

    fn word(&self, key: i32) -> Option<&'a str> {
        let values = self.0?.values().as_string_opt::<i32>()?;
        usize::try_from(key).ok().filter(|key| *key < values.len()).map(|key| values.value(key))
    }
}

/// The requests of a batch as edges of spans that are so many seconds long. Requests whose time is the caller's wish to wait are not in it.
pub(crate) fn edges(batch: &RecordBatch, spans: &[i64]) -> Result<RecordBatch, Error> {
    let times = times(batch);
    let words = KEYS.map(|name| Words::of(batch, name));
    let number =
        |name: &str| batch.column_by_name(name).and_then(|column| column.as_primitive_opt::<Int64Type>());
    let durations = number("duration");
    let sizes = [names::WEIR_REQUEST_SIZE, names::WEIR_RESPONSE_SIZE].map(number);
    let errors = batch.column_by_name(names::ERROR_TYPE);
    let waiting = batch.column_by_name(names::WEIR_WAITING).and_then(|column| column.as_boolean_opt());
    let mut sums: HashMap<([i32; 5], i64, i64), Sum, RandomState> = HashMap::default();
    for (row, time) in times.iter().enumerate() {
        if waiting.is_some_and(|waiting| waiting.is_valid(row) && waiting.value(row)) {
            continue;
        }
        let keys = std::array::from_fn(|place| words[place].key(row));
        let duration = durations.map_or(0, |column| column.value(row));
        let failed = errors.is_some_and(|column| column.is_valid(row));
        for seconds in spans.iter().copied() {
            let span = seconds * 1_000_000_000;
            // Of the first span that there is, the beginning may be no number any more.
            let begin = time.div_euclid(span).saturating_mul(span);
            let sum = sums.entry((keys, begin, seconds)).or_default();
            sum.count += 1;
            sum.errors += u64::from(failed);
            sum.duration = sum.duration.saturating_add(duration);
            sum.durations.add(bucket(duration, STORED_BITS), 1);
            for (bytes, size) in sum.bytes.iter_mut().zip(&sizes) {
                let size = size.filter(|column| column.is_valid(row)).map_or(0, |column| column.value(row));
                *bytes = bytes.saturating_add(size);
            }
        }
    }
    write(sums, &words)
}

/// How long the spans of a batch of edges are; nothing of what has no spans.
pub(crate) fn resolutions(batch: &RecordBatch) -> impl Iterator<Item = i64> {
    let column = batch.column_by_name("resolution").and_then(|column| column.as_primitive_opt::<Int64Type>());
    column.into_iter().flat_map(|column| column.values().iter().copied())
}

fn write(
    sums: HashMap<([i32; 5], i64, i64), Sum, RandomState>,
    words: &[Words<'_>; 5],
) -> Result<RecordBatch, Error> {
    let place = |name: &str| Table::Edges.column(name).map_or(usize::MAX, |(place, _)| place);
    let key_places = KEYS.map(place);
    let [time, resolution, count, errors] = ["time", "resolution", "count", "errors"].map(place);
    let [sum_place, durations] = ["duration.sum", "duration"].map(place);
    let byte_places = [names::WEIR_REQUEST_SIZE, names::WEIR_RESPONSE_SIZE].map(place);
    let mut rows = Rows::new(Table::Edges);
    for ((keys, begin, seconds), sum) in sums {
        rows.number(time, begin);
        rows.number(resolution, seconds);
        for (number, key) in keys.into_iter().enumerate() {
            if let Some(word) = words[number].word(key) {
                rows.text(key_places[number], word);
            }
        }
        rows.number(count, sum.count as i64);
        rows.number(errors, sum.errors as i64);
        rows.number(sum_place, sum.duration);
        rows.histogram(durations, sum.durations.iter());
        for (place, bytes) in byte_places.into_iter().zip(sum.bytes) {
            rows.number(place, bytes);
        }
        rows.end()?;
    }
    Ok(rows.finish()?)
}
