//! Values by numbers: rows with the same value have the same number.

use arrow_array::{Array, StringArray};
use arrow_buffer::NullBuffer;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use schema::query::Cell;

use super::field::{Field, Values, hex};

/// The number of the lack of a value.
const NULL: u32 = 0;

/// The different values of a field that were met.
pub(crate) struct Keys {
    field: Field,
    numbers: HashMap<i64, u32, RandomState>,
    texts: HashMap<Box<str>, u32, RandomState>,
    cells: Vec<Cell>,
    memory: usize,
    /// The words of the last rows, and the numbers of those that were met: a group's rows have the same ones.
    words: Option<(StringArray, Vec<u32>)>,
}

/// A word that was not met yet.
const UNKNOWN: u32 = u32::MAX;

impl Keys {
    pub(crate) fn new(field: Field) -> Self {
        let (numbers, texts) = Default::default();
        Keys { field, numbers, texts, cells: vec![Cell::Null], memory: 64, words: None }
    }

    pub(crate) fn field(&self) -> &Field {
        &self.field
    }

    /// How many different ones there are, the lack of one included.
    pub(crate) fn len(&self) -> usize {
        self.cells.len()
    }

    pub(crate) fn cell(&self, key: u32) -> &Cell {
        self.cells.get(key as usize).unwrap_or(&Cell::Null)
    }

    pub(crate) fn memory(&self) -> usize {
        self.memory + self.words.as_ref().map_or(0, |(_, known)| 4 * known.capacity())
    }

    /// The numbers of words, as far as they are known.
    fn known(&mut self, words: &StringArray) -> Vec<u32> {
        match self.words.take() {
            // Both are held, so that nothing else can be where they are.
            Some((same, known)) if same.values().ptr_eq(words.values()) && same.len() == words.len() => known,
            _ => vec![UNKNOWN; words.len()],
        }
    }

    fn of_number(&mut self, number: i64) -> u32 {
        let (next, field) = (self.cells.len() as u32, &self.field);
        *self.numbers.entry(number).or_insert_with(|| {
            self.cells.push(field.number(number));
            self.memory += 96;
            next
        })
    }

    fn of_text(&mut self, text: &str) -> u32 {
        if let Some(key) = self.texts.get(text) {
            return *key;
        }
        let next = self.cells.len() as u32;
        self.texts.insert(text.into(), next);
        self.cells.push(Cell::Text(text.into()));
        self.memory += 96 + 2 * text.len();
        next
    }

    /// The number of a value that another one has met.
    pub(crate) fn of_cell(&mut self, cell: &Cell) -> u32 {
        match cell {
            Cell::Flag(flag) => self.of_number(i64::from(*flag)),
            Cell::Number(number) => self.of_number(*number),
            Cell::Text(text) if self.field.kind == schema::Kind::Id => {
                self.of_number(u64::from_str_radix(text, 16).unwrap_or_default() as i64)
            }
            Cell::Text(text) => self.of_text(text),
            _ => NULL,
        }
    }

    /// Counts rows by their values.
    pub(crate) fn count(&mut self, values: &Values, counts: &mut Vec<u64>) {
        let mut add = |key: u32, count: u64| {
            let key = key as usize;
            if key >= counts.len() {
                counts.resize(key + 1, 0);
            }
            counts[key] += count;
        };
        match values {
            Values::Numbers(numbers, nulls) => {
                add(NULL, nulls.as_ref().map_or(0, |nulls| nulls.null_count() as u64));
                runs(numbers, nulls.as_ref(), |number, count| add(self.of_number(number), count));
            }
            Values::Words(places, nulls, words) => {
                // By their places first: each word is looked up once for all rows that have it.
                let mut by_place = vec![0u64; words.len()];
                let mut take = |place: i32| {
                    if let Some(count) = by_place.get_mut(place as usize) {
                        *count += 1;
                    }
                };
                match nulls {
                    None => places.iter().for_each(|place| take(*place)),
                    Some(nulls) => nulls.valid_indices().for_each(|row| take(places[row])),
                }
                add(NULL, nulls.as_ref().map_or(0, |nulls| nulls.null_count() as u64));
                let mut known = self.known(words);
                for (place, count) in by_place.into_iter().enumerate().filter(|(_, count)| *count > 0) {
                    if known[place] == UNKNOWN {
                        known[place] = self.of_text(words.value(place));
                    }
                    add(known[place], count);
                }
                self.words = Some((words.clone(), known));
            }
            others => self.keys(others).into_iter().for_each(|key| add(key, 1)),
        }
    }

    /// The numbers of rows' values.
    pub(crate) fn keys(&mut self, values: &Values) -> Vec<u32> {
        match values {
            Values::None(rows) => vec![NULL; *rows],
            Values::Numbers(numbers, nulls) => {
                let mut last = None;
                let key = |(row, number): (usize, &i64)| {
                    if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                        return NULL;
                    }
                    match last {
                        Some((same, key)) if same == *number => key,
                        _ => {
                            let key = self.of_number(*number);
                            last = Some((*number, key));
                            key
                        }
                    }
                };
                numbers.iter().enumerate().map(key).collect()
            }
            Values::Words(places, nulls, words) => {
                // Only words that a row has are told apart: a dictionary may have others.
                let mut known = self.known(words);
                let mut of = |place: i32| {
                    let Some(key) = known.get_mut(place as usize) else { return NULL };
                    if *key == UNKNOWN {
                        *key = self.of_text(words.value(place as usize));
                    }
                    *key
                };
                let keys = match nulls {
                    None => places.iter().map(|place| of(*place)).collect(),
                    Some(nulls) => {
                        let mut keys = vec![NULL; places.len()];
                        nulls.valid_indices().for_each(|row| keys[row] = of(places[row]));
                        keys
                    }
                };
                self.words = Some((words.clone(), known));
                keys
            }
            Values::Texts(texts) => {
                texts.iter().map(|text| text.map_or(NULL, |text| self.of_text(text))).collect()
            }
            Values::Bytes(bytes) => {
                bytes.iter().map(|bytes| bytes.map_or(NULL, |bytes| self.of_text(&hex(bytes)))).collect()
            }
            Values::Floats(numbers, _) => vec![NULL; numbers.len()],
            Values::Maps(maps) => vec![NULL; maps.len()],
            Values::Histograms(packed) => vec![NULL; packed.len()],
        }
    }
}

/// Counts rows by runs of the same number.
fn runs(numbers: &[i64], nulls: Option<&NullBuffer>, mut tell: impl FnMut(i64, u64)) {
    let mut run: Option<(i64, u64)> = None;
    let mut take = |number: i64| match &mut run {
        Some((same, count)) if *same == number => *count += 1,
        _ => {
            if let Some((number, count)) = run.replace((number, 1)) {
                tell(number, count);
            }
        }
    };
    match nulls {
        None => numbers.iter().for_each(|number| take(*number)),
        Some(nulls) => nulls.valid_indices().for_each(|row| take(numbers[row])),
    }
    if let Some((number, count)) = run {
        tell(number, count);
    }
}

/// Places in a table of pairs that were met lately.
const LATELY: usize = 1024;

/// Pairs by numbers.
pub(crate) struct Pairs {
    known: HashMap<(u32, u32), u32, RandomState>,
    pairs: Vec<(u32, u32)>,
    /// Pairs that were met lately, each at the place that follows from it.
    lately: Vec<((u32, u32), u32)>,
}

impl Default for Pairs {
    fn default() -> Self {
        let nothing = ((u32::MAX, u32::MAX), 0);
        Pairs { known: HashMap::default(), pairs: Vec::new(), lately: vec![nothing; LATELY] }
    }
}

impl Pairs {
    #[inline]
    pub(crate) fn of(&mut self, pair: (u32, u32)) -> u32 {
        let place = (pair.0.wrapping_mul(31).wrapping_add(pair.1)) as usize % LATELY;
        if let Some((same, number)) = self.lately.get(place)
            && *same == pair
        {
            return *number;
        }
        let number = self.find(pair);
        self.lately[place] = (pair, number);
        number
    }

    fn find(&mut self, pair: (u32, u32)) -> u32 {
        let next = self.pairs.len() as u32;
        *self.known.entry(pair).or_insert_with(|| {
            self.pairs.push(pair);
            next
        })
    }

    pub(crate) fn pair(&self, number: u32) -> (u32, u32) {
        self.pairs.get(number as usize).copied().unwrap_or_default()
    }

    pub(crate) fn len(&self) -> usize {
        self.pairs.len()
    }

    pub(crate) fn memory(&self) -> usize {
        self.pairs.len() * 40 + LATELY * size_of::<((u32, u32), u32)>()
    }
}
