//! Rows on their way into a batch, a value at a time.

use std::sync::Arc;

use arrow_array::builder::{
    ArrayBuilder, BinaryBuilder, BooleanBuilder, FixedSizeBinaryBuilder, Float64Builder, Int64Builder,
    MapBuilder, MapFieldNames, StringBuilder, StringDictionaryBuilder, TimestampNanosecondBuilder,
    UInt64Builder,
};
use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::ArrowError;

use crate::{Column, Kind, Table, histogram};

type Texts = MapBuilder<StringBuilder, StringBuilder>;

/// Builds a batch of a table. Values go to columns by their place ([`Table::column`]); what a row was not given is empty, or
/// zero where every row has a value. A value of the wrong kind is not taken.
pub struct Rows {
    table: Table,
    columns: Vec<Builder>,
    rows: usize,
}

enum Builder {
    Time(TimestampNanosecondBuilder),
    Number(Int64Builder),
    Id(UInt64Builder),
    Float(Float64Builder),
    Flag(BooleanBuilder),
    Word(StringDictionaryBuilder<Int32Type>),
    Text(StringBuilder),
    Bytes(FixedSizeBinaryBuilder, usize),
    Map(Box<Texts>),
    /// With what is being packed.
    Histogram(BinaryBuilder, Vec<u8>),
}

impl Builder {
    fn new(column: &Column) -> Self {
        match column.kind {
            Kind::Time => Builder::Time(TimestampNanosecondBuilder::new().with_timezone("UTC")),
            Kind::Duration | Kind::Number => Builder::Number(Int64Builder::new()),
            Kind::Id => Builder::Id(UInt64Builder::new()),
            Kind::Float => Builder::Float(Float64Builder::new()),
            Kind::Flag => Builder::Flag(BooleanBuilder::new()),
            Kind::Word => Builder::Word(StringDictionaryBuilder::new()),
            Kind::Text => Builder::Text(StringBuilder::new()),
            Kind::Bytes(size) => Builder::Bytes(FixedSizeBinaryBuilder::new(size), size as usize),
            Kind::Map => Builder::Map(Box::new(MapBuilder::new(
                Some(names()),
                StringBuilder::new(),
                StringBuilder::new(),
            ))),
            Kind::Histogram => Builder::Histogram(BinaryBuilder::new(), Vec::new()),
        }
    }

    fn array(&mut self) -> &mut dyn ArrayBuilder {
        match self {
            Builder::Time(array) => array,
            Builder::Number(array) => array,
            Builder::Id(array) => array,
            Builder::Float(array) => array,
            Builder::Flag(array) => array,
            Builder::Word(array) => array,
            Builder::Text(array) => array,
            Builder::Bytes(array, _) => array,
            Builder::Map(array) => array.as_mut(),
            Builder::Histogram(array, _) => array,
        }
    }

    fn len(&self) -> usize {
        match self {
            Builder::Time(array) => array.len(),
            Builder::Number(array) => array.len(),
            Builder::Id(array) => array.len(),
            Builder::Float(array) => array.len(),
            Builder::Flag(array) => array.len(),
            Builder::Word(array) => array.len(),
            Builder::Text(array) => array.len(),
            Builder::Bytes(array, _) => array.len(),
            Builder::Map(array) => array.len(),
            Builder::Histogram(array, _) => array.len(),
        }
    }

    /// Adds what a row has that was given no value.
    fn fill(&mut self, optional: bool) -> Result<(), ArrowError> {
        match (self, optional) {
            (Builder::Time(array), true) => array.append_null(),
            (Builder::Time(array), false) => array.append_value(0),
            (Builder::Number(array), true) => array.append_null(),
            (Builder::Number(array), false) => array.append_value(0),
            (Builder::Id(array), true) => array.append_null(),
            (Builder::Id(array), false) => array.append_value(0),
            (Builder::Float(array), true) => array.append_null(),
            (Builder::Float(array), false) => array.append_value(0.0),
            (Builder::Flag(array), true) => array.append_null(),
            (Builder::Flag(array), false) => array.append_value(false),
            (Builder::Word(array), true) => array.append_null(),
            (Builder::Word(array), false) => array.append_value(""),
            (Builder::Text(array), true) => array.append_null(),
            (Builder::Text(array), false) => array.append_value(""),
            (Builder::Bytes(array, _), true) => array.append_null(),
            (Builder::Bytes(array, size), false) => array.append_value(vec![0; *size])?,
            (Builder::Map(array), optional) => array.append(!optional)?,
            (Builder::Histogram(array, _), true) => array.append_null(),
            (Builder::Histogram(array, _), false) => array.append_value([]),
        }
        Ok(())
    }
}

fn names() -> MapFieldNames {
    MapFieldNames { entry: "entries".into(), key: "keys".into(), value: "values".into() }
}

impl Rows {
    /// No rows yet.
    pub fn new(table: Table) -> Self {
        Rows { table, columns: table.columns().iter().map(Builder::new).collect(), rows: 0 }
    }

    /// How many rows are complete.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// There is none.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The builder at `place`, unless this row has a value there already.
    fn free(&mut self, place: usize) -> Option<&mut Builder> {
        self.columns.get_mut(place).filter(|builder| builder.len() == self.rows)
    }

    /// A time, duration, number, id or flag.
    pub fn number(&mut self, place: usize, value: i64) {
        match self.free(place) {
            Some(Builder::Time(array)) => array.append_value(value),
            Some(Builder::Number(array)) => array.append_value(value),
            Some(Builder::Id(array)) => array.append_value(value as u64),
            Some(Builder::Float(array)) => array.append_value(value as f64),
            Some(Builder::Flag(array)) => array.append_value(value != 0),
            _ => {}
        }
    }

    /// A number with a fraction.
    pub fn float(&mut self, place: usize, value: f64) {
        if let Some(Builder::Float(array)) = self.free(place) {
            array.append_value(value);
        }
    }

    /// A word or text.
    pub fn text(&mut self, place: usize, value: &str) {
        match self.free(place) {
            Some(Builder::Word(array)) => array.append_value(value),
            Some(Builder::Text(array)) => array.append_value(value),
            _ => {}
        }
    }

    /// Bytes, as many as the column has.
    pub fn bytes(&mut self, place: usize, value: &[u8]) {
        if let Some(Builder::Bytes(array, size)) = self.free(place)
            && value.len() == *size
        {
            // Its only error is another length.
            let _ = array.append_value(value);
        }
    }

    /// Names and texts.
    pub fn map<'a>(&mut self, place: usize, values: impl IntoIterator<Item = (&'a str, &'a str)>) {
        if let Some(Builder::Map(array)) = self.free(place) {
            for (key, value) in values {
                array.keys().append_value(key);
                array.values().append_value(value);
            }
            // Its only error is keys without values.
            let _ = array.append(true);
        }
    }

    /// Counts by buckets of [`crate::histogram::STORED_BITS`], the least bucket first.
    pub fn histogram(&mut self, place: usize, values: impl IntoIterator<Item = (u32, u64)>) {
        if let Some(Builder::Histogram(array, packed)) = self.free(place) {
            packed.clear();
            histogram::pack(values, packed);
            array.append_value(packed);
        }
    }

    /// The row is complete.
    ///
    /// # Errors
    ///
    /// None that this type could bring about.
    pub fn end(&mut self) -> Result<(), ArrowError> {
        for (builder, column) in self.columns.iter_mut().zip(self.table.columns()) {
            if builder.len() == self.rows {
                builder.fill(column.optional)?;
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// All complete rows as a batch; there are none afterwards.
    ///
    /// # Errors
    ///
    /// When the last row was begun and not ended.
    pub fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let arrays: Vec<ArrayRef> = self.columns.iter_mut().map(|builder| builder.array().finish()).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        self.rows = 0;
        RecordBatch::try_new_with_options(Arc::clone(&self.table.arrow()), arrays, &options)
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::Array;
    use arrow_array::cast::AsArray;

    use super::*;

    #[test]
    fn every_table_takes_an_empty_row() {
        for table in Table::ALL {
            let mut rows = Rows::new(table);
            rows.end().unwrap();
            rows.end().unwrap();
            let batch = rows.finish().unwrap();
            assert_eq!((batch.num_rows(), batch.schema()), (2, table.arrow()), "{table}");
            assert!(rows.is_empty());
            assert_eq!(rows.finish().unwrap().num_rows(), 0);
        }
    }

    #[test]
    fn values_stand_where_they_were_put() {
        let place = |name| Table::Requests.column(name).unwrap().0;
        let mut rows = Rows::new(Table::Requests);
        rows.number(place("duration"), 7);
        rows.number(place("duration"), 8); // the row has one
        rows.text(place("duration"), "x"); // not its kind
        rows.text(place("client"), "shop");
        rows.bytes(place("trace_id"), &[1; 3]); // too short
        rows.map(place("attributes"), [("a", "b")]);
        rows.end().unwrap();
        rows.bytes(place("trace_id"), &[1; 16]);
        rows.end().unwrap();
        let batch = rows.finish().unwrap();
        let column = |name| batch.column_by_name(name).unwrap();
        let durations = column("duration").as_primitive::<arrow_array::types::Int64Type>();
        assert_eq!(durations.values(), &[7, 0]);
        assert_eq!(column("client").null_count(), 1);
        assert!(column("trace_id").is_null(0) && column("trace_id").is_valid(1));
        assert_eq!(column("attributes").as_map().value_length(0), 1);
    }
}
