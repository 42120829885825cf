//! Fields of rows, and a batch's values of them.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, Int64Type, TimestampNanosecondType, UInt64Type};
use arrow_array::{Array, ArrayRef, BinaryArray, FixedSizeBinaryArray, MapArray, RecordBatch, StringArray};
use arrow_buffer::{NullBuffer, ScalarBuffer};
use schema::histogram::unpack;
use schema::query::{Cell, Invalid};
use schema::{Kind, Table};

use crate::batch::of_today;

/// A field: a column, or what stands under a name in a column of names and texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) column: &'static str,
    pub(crate) kind: Kind,
    key: Option<String>,
}

/// A batch's values of a field.
pub(crate) enum Values {
    /// No row has one.
    None(usize),
    /// Times, durations, numbers, ids, flags.
    Numbers(ScalarBuffer<i64>, Option<NullBuffer>),
    Floats(ScalarBuffer<f64>, Option<NullBuffer>),
    Words(ScalarBuffer<i32>, Option<NullBuffer>, StringArray),
    Texts(StringArray),
    Bytes(FixedSizeBinaryArray),
    Maps(MapArray),
    /// Packed.
    Histograms(BinaryArray),
}

impl Field {
    pub(crate) fn new(table: Table, name: &str) -> Result<Self, Invalid> {
        let found = table.field(name).and_then(|(place, kind, key)| {
            let column = table.columns().get(place)?.name;
            Some(Field { name: name.into(), column, kind, key: key.map(str::to_owned) })
        });
        found.ok_or_else(|| Invalid { part: "field", why: format!("`{table}` has no field `{name}`") })
    }

    pub(crate) fn all(table: Table, names: &[String]) -> Result<Vec<Self>, Invalid> {
        names.iter().map(|name| Field::new(table, name)).collect()
    }

    /// These fields, or all columns where none is named.
    pub(crate) fn all_or(table: Table, names: &[String]) -> Result<Vec<Self>, Invalid> {
        if names.is_empty() {
            return table.columns().iter().map(|column| Field::new(table, column.name)).collect();
        }
        Field::all(table, names)
    }

    /// It is a column, about which files tell bounds.
    pub(crate) fn is_column(&self) -> bool {
        self.key.is_none()
    }

    pub(crate) fn values(&self, batch: &RecordBatch) -> Values {
        let rows = batch.num_rows();
        let found = batch.column_by_name(self.column).and_then(|array| self.of(array));
        found.unwrap_or(Values::None(rows))
    }

    fn of(&self, array: &ArrayRef) -> Option<Values> {
        if let Some(key) = &self.key {
            return Some(Values::Texts(under(array.as_map_opt()?, key)));
        }
        Some(match self.kind {
            Kind::Time => {
                let array = array.as_primitive_opt::<TimestampNanosecondType>()?;
                Values::Numbers(array.values().clone(), array.nulls().cloned())
            }
            Kind::Duration | Kind::Number => {
                let array = array.as_primitive_opt::<Int64Type>()?;
                Values::Numbers(array.values().clone(), array.nulls().cloned())
            }
            Kind::Id => {
                let array = array.as_primitive_opt::<UInt64Type>()?;
                let values = ScalarBuffer::new(array.values().inner().clone(), 0, array.len());
                Values::Numbers(values, array.nulls().cloned())
            }
            Kind::Flag => {
                let array = array.as_boolean_opt()?;
                let values: Vec<i64> = array.values().iter().map(i64::from).collect();
                Values::Numbers(values.into(), array.nulls().cloned())
            }
            Kind::Float => {
                let array = array.as_primitive_opt::<Float64Type>()?;
                Values::Floats(array.values().clone(), array.nulls().cloned())
            }
            Kind::Word => {
                let array = array.as_dictionary_opt::<Int32Type>()?;
                let words = array.values().as_string_opt::<i32>()?.clone();
                Values::Words(array.keys().values().clone(), array.keys().nulls().cloned(), words)
            }
            Kind::Text => Values::Texts(array.as_string_opt::<i32>()?.clone()),
            Kind::Bytes(_) => Values::Bytes(array.as_fixed_size_binary_opt()?.clone()),
            Kind::Map => Values::Maps(array.as_map_opt()?.clone()),
            Kind::Histogram => Values::Histograms(of_today(self.kind, array).as_binary_opt()?.clone()),
        })
    }

    /// How a number of this field is told.
    pub(crate) fn number(&self, value: i64) -> Cell {
        match self.kind {
            Kind::Flag => Cell::Flag(value != 0),
            Kind::Id => Cell::Text(format!("{:016x}", value as u64)),
            _ => Cell::Number(value),
        }
    }

    /// The value of a row, as it is told.
    pub(crate) fn cell(&self, values: &Values, row: usize) -> Cell {
        let there = |nulls: &Option<NullBuffer>| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
        match values {
            Values::Numbers(numbers, nulls) if there(nulls) => self.number(numbers[row]),
            Values::Floats(numbers, nulls) if there(nulls) => Cell::Float(numbers[row]),
            Values::Words(keys, nulls, words) if there(nulls) => {
                let place = keys[row] as usize;
                if place < words.len() { Cell::Text(words.value(place).into()) } else { Cell::Null }
            }
            Values::Texts(texts) if texts.is_valid(row) => Cell::Text(texts.value(row).into()),
            Values::Bytes(bytes) if bytes.is_valid(row) => Cell::Text(hex(bytes.value(row))),
            Values::Maps(maps) if maps.is_valid(row) => map_cell(maps, row),
            Values::Histograms(packed) if packed.is_valid(row) => {
                Cell::Histogram(unpack(packed.value(row)).collect())
            }
            _ => Cell::Null,
        }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = |byte: &u8| [DIGITS[usize::from(byte >> 4)] as char, DIGITS[usize::from(byte & 15)] as char];
    bytes.iter().flat_map(digits).collect()
}

/// The texts that stand under `key`.
fn under(maps: &MapArray, key: &str) -> StringArray {
    let (Some(keys), Some(values)) =
        (maps.keys().as_string_opt::<i32>(), maps.values().as_string_opt::<i32>())
    else {
        return StringArray::new_null(maps.len());
    };
    let offsets = maps.value_offsets();
    let text = |row: usize| {
        let range = offsets[row] as usize..offsets[row + 1] as usize;
        let place = range.into_iter().find(|place| keys.value(*place) == key)?;
        (maps.is_valid(row) && values.is_valid(place)).then(|| values.value(place))
    };
    (0..maps.len()).map(text).collect()
}

fn map_cell(maps: &MapArray, row: usize) -> Cell {
    let entries = maps.value_offsets()[row] as usize..maps.value_offsets()[row + 1] as usize;
    let (Some(keys), Some(values)) =
        (maps.keys().as_string_opt::<i32>(), maps.values().as_string_opt::<i32>())
    else {
        return Cell::Null;
    };
    let pair = |place: usize| (keys.value(place).to_owned(), values.value(place).to_owned());
    Cell::Map(entries.map(pair).collect())
}

impl Values {
    /// Which rows have one; none where all do.
    pub(crate) fn nulls(&self) -> Option<NullBuffer> {
        match self {
            Values::None(rows) => Some(NullBuffer::new_null(*rows)),
            Values::Numbers(_, nulls) | Values::Floats(_, nulls) | Values::Words(_, nulls, _) => {
                nulls.clone()
            }
            Values::Texts(array) => array.nulls().cloned(),
            Values::Bytes(array) => array.nulls().cloned(),
            Values::Maps(array) => array.nulls().cloned(),
            Values::Histograms(array) => array.nulls().cloned(),
        }
    }
}
