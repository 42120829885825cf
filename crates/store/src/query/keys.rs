//! Values by numbers: rows with the same value have the same number.

use arrow_array::Array;
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
}

impl Keys {
    pub(crate) fn new(field: Field) -> Self {
        let (numbers, texts) = Default::default();
        Keys { field, numbers, texts, cells: vec![Cell::Null], memory: 64 }
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
        self.memory
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
            Values::Words(keys, nulls, words) => {
                // Only words that a row has are told apart: a dictionary may have others.
                let mut known = vec![u32::MAX; words.len()];
                let key = |(row, place): (usize, &i32)| {
                    let place = *place as usize;
                    let null = nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
                    let Some(key) = known.get_mut(place).filter(|_| !null) else { return NULL };
                    if *key == u32::MAX {
                        *key = self.of_text(words.value(place));
                    }
                    *key
                };
                keys.iter().enumerate().map(key).collect()
            }
            Values::Texts(texts) => {
                texts.iter().map(|text| text.map_or(NULL, |text| self.of_text(text))).collect()
            }
            Values::Bytes(bytes) => {
                bytes.iter().map(|bytes| bytes.map_or(NULL, |bytes| self.of_text(&hex(bytes)))).collect()
            }
            Values::Floats(numbers, _) => vec![NULL; numbers.len()],
            Values::Maps(maps) => vec![NULL; maps.len()],
        }
    }
}

/// Pairs by numbers.
#[derive(Default)]
pub(crate) struct Pairs {
    known: HashMap<(u32, u32), u32, RandomState>,
    pairs: Vec<(u32, u32)>,
}

impl Pairs {
    pub(crate) fn of(&mut self, pair: (u32, u32)) -> u32 {
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
        self.pairs.len() * 40
    }
}
