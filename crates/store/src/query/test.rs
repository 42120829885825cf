//! A filter made ready for batches: fields are found, values have their types, sets are sorted.

use arrow_array::{Array, RecordBatch};
use arrow_buffer::{BooleanBuffer, NullBuffer};
use schema::query::{Filter, Invalid, Value, hex};
use schema::{Kind, Table};

use super::field::{Field, Values};

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Test {
    All,
    Numbers(Field, Vec<i64>),
    /// From the first on, before the second.
    NumberRange(Field, i64, Option<i64>),
    Floats(Field, Vec<f64>),
    FloatRange(Field, Option<f64>, Option<f64>),
    Texts(Field, Vec<String>),
    Prefix(Field, String),
    Bytes(Field, Vec<Vec<u8>>),
    Exists(Field),
    And(Vec<Test>),
    Or(Vec<Test>),
    Not(Box<Test>),
}

impl Test {
    /// Of a filter that is valid.
    pub(crate) fn new(table: Table, filter: &Filter) -> Result<Self, Invalid> {
        let all = |filters: &[Filter]| -> Result<Vec<Test>, Invalid> {
            filters.iter().map(|filter| Test::new(table, filter)).collect()
        };
        Ok(match filter {
            Filter::All => Test::All,
            Filter::Is { field, value } => one_of(Field::new(table, field)?, std::slice::from_ref(value)),
            Filter::In { field, values } => one_of(Field::new(table, field)?, values),
            Filter::Range { field, from, to } => {
                let field = Field::new(table, field)?;
                if field.kind == Kind::Float {
                    Test::FloatRange(field, from.as_ref().and_then(float), to.as_ref().and_then(float))
                } else {
                    let from = from.as_ref().and_then(number).unwrap_or(i64::MIN);
                    Test::NumberRange(field, from, to.as_ref().and_then(number))
                }
            }
            Filter::Prefix { field, text } => Test::Prefix(Field::new(table, field)?, text.clone()),
            Filter::Exists { field } => Test::Exists(Field::new(table, field)?),
            Filter::And(filters) => Test::And(all(filters)?),
            Filter::Or(filters) => Test::Or(all(filters)?),
            Filter::Not(filter) => Test::Not(Box::new(Test::new(table, filter)?)),
        })
    }

    /// The columns that it looks at.
    pub(crate) fn columns(&self, tell: &mut impl FnMut(&'static str)) {
        self.fields(&mut |field| tell(field.column));
    }

    /// The fields that it looks at.
    pub(crate) fn fields<'a>(&'a self, tell: &mut impl FnMut(&'a Field)) {
        match self {
            Test::All => {}
            Test::Numbers(field, _)
            | Test::NumberRange(field, ..)
            | Test::Floats(field, _)
            | Test::FloatRange(field, ..)
            | Test::Texts(field, _)
            | Test::Prefix(field, _)
            | Test::Bytes(field, _)
            | Test::Exists(field) => tell(field),
            Test::And(tests) | Test::Or(tests) => tests.iter().for_each(|test| test.fields(tell)),
            Test::Not(test) => test.fields(tell),
        }
    }

    /// Which rows all tests let through.
    pub(crate) fn all_match(tests: &[&Test], batch: &RecordBatch) -> BooleanBuffer {
        let matches = tests.iter().map(|test| test.matches(batch)).reduce(|one, other| &one & &other);
        matches.unwrap_or_else(|| BooleanBuffer::new_set(batch.num_rows()))
    }

    /// Which rows match.
    pub(crate) fn matches(&self, batch: &RecordBatch) -> BooleanBuffer {
        let rows = batch.num_rows();
        match self {
            Test::All => BooleanBuffer::new_set(rows),
            Test::Numbers(field, wanted) => match (field.values(batch), &wanted[..]) {
                (Values::Numbers(values, nulls), [only]) => {
                    there(BooleanBuffer::collect_bool(rows, |row| values[row] == *only), nulls)
                }
                (Values::Numbers(values, nulls), _) => {
                    let is_wanted = |row: usize| wanted.binary_search(&values[row]).is_ok();
                    there(BooleanBuffer::collect_bool(rows, is_wanted), nulls)
                }
                _ => BooleanBuffer::new_unset(rows),
            },
            Test::NumberRange(field, from, to) => match field.values(batch) {
                Values::Numbers(values, nulls) => {
                    let to = to.unwrap_or(i64::MAX);
                    let open = matches!(self, Test::NumberRange(_, _, None));
                    let lies_in = |row: usize| values[row] >= *from && (values[row] < to || open);
                    there(BooleanBuffer::collect_bool(rows, lies_in), nulls)
                }
                _ => BooleanBuffer::new_unset(rows),
            },
            Test::Floats(field, wanted) => floats(field, batch, |value| wanted.contains(&value)),
            Test::FloatRange(field, from, to) => floats(field, batch, |value| {
                from.is_none_or(|from| value >= from) && to.is_none_or(|to| value < to)
            }),
            Test::Texts(field, wanted) => texts(field, batch, |text| {
                wanted.binary_search_by(|wanted| wanted.as_str().cmp(text)).is_ok()
            }),
            Test::Prefix(field, prefix) => texts(field, batch, |text| text.starts_with(prefix.as_str())),
            Test::Bytes(field, wanted) => match field.values(batch) {
                Values::Bytes(values) => {
                    let is_wanted = |row: usize| {
                        values.is_valid(row) && wanted.iter().any(|wanted| wanted == values.value(row))
                    };
                    BooleanBuffer::collect_bool(rows, is_wanted)
                }
                _ => BooleanBuffer::new_unset(rows),
            },
            Test::Exists(field) => there(BooleanBuffer::new_set(rows), field.values(batch).nulls()),
            Test::And(tests) => Test::all_match(&tests.iter().collect::<Vec<_>>(), batch),
            Test::Or(tests) => tests
                .iter()
                .map(|test| test.matches(batch))
                .reduce(|one, other| &one | &other)
                .unwrap_or_else(|| BooleanBuffer::new_unset(rows)),
            Test::Not(test) => !&test.matches(batch),
        }
    }
}

fn there(matches: BooleanBuffer, nulls: Option<NullBuffer>) -> BooleanBuffer {
    nulls.map_or_else(|| matches.clone(), |nulls| &matches & nulls.inner())
}

fn floats(field: &Field, batch: &RecordBatch, is_wanted: impl Fn(f64) -> bool) -> BooleanBuffer {
    match field.values(batch) {
        Values::Floats(values, nulls) => {
            there(BooleanBuffer::collect_bool(values.len(), |row| is_wanted(values[row])), nulls)
        }
        _ => BooleanBuffer::new_unset(batch.num_rows()),
    }
}

fn texts(field: &Field, batch: &RecordBatch, is_wanted: impl Fn(&str) -> bool) -> BooleanBuffer {
    let rows = batch.num_rows();
    match field.values(batch) {
        // Each word is looked at once.
        Values::Words(keys, nulls, words) => {
            let wanted: Vec<bool> = words.iter().map(|word| word.is_some_and(&is_wanted)).collect();
            if !wanted.contains(&true) {
                return BooleanBuffer::new_unset(rows);
            }
            let of_row = |row: usize| wanted.get(keys[row] as usize).copied().unwrap_or(false);
            there(BooleanBuffer::collect_bool(rows, of_row), nulls)
        }
        Values::Texts(values) => there(
            BooleanBuffer::collect_bool(rows, |row| is_wanted(values.value(row))),
            values.nulls().cloned(),
        ),
        _ => BooleanBuffer::new_unset(rows),
    }
}

fn one_of(field: Field, values: &[Value]) -> Test {
    match field.kind {
        Kind::Word | Kind::Text => {
            let text = |value: &Value| match value {
                Value::Text(text) => Some(text.clone()),
                _ => None,
            };
            let mut texts: Vec<String> = values.iter().filter_map(text).collect();
            texts.sort();
            Test::Texts(field, texts)
        }
        Kind::Bytes(_) => Test::Bytes(field, values.iter().filter_map(bytes).collect()),
        Kind::Float => Test::Floats(field, values.iter().filter_map(float).collect()),
        Kind::Id => {
            let id = |value: &Value| Some(u64::from_be_bytes(bytes(value)?.try_into().ok()?) as i64);
            let mut ids: Vec<i64> = values.iter().filter_map(id).collect();
            ids.sort_unstable();
            Test::Numbers(field, ids)
        }
        _ => {
            let mut numbers: Vec<i64> = values.iter().filter_map(number).collect();
            numbers.sort_unstable();
            Test::Numbers(field, numbers)
        }
    }
}

fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => Some(*number),
        Value::Flag(flag) => Some(i64::from(*flag)),
        Value::Float(_) | Value::Text(_) => None,
    }
}

fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Float(number) => Some(*number),
        Value::Number(number) => Some(*number as f64),
        Value::Flag(_) | Value::Text(_) => None,
    }
}

fn bytes(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::Text(text) => hex(text),
        _ => None,
    }
}
