//! What a column is: the one definition from which its forms are derived.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields, TimeUnit};

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name: OpenTelemetry's where there is one.
    pub name: &'static str,
    /// What its values are.
    pub kind: Kind,
    /// How they are written into files.
    pub coding: Coding,
    /// A row need not have a value.
    pub optional: bool,
    /// Files have a filter by which a value's absence is known without reading.
    pub keyed: bool,
    /// The version of the schema that it came with.
    pub since: u32,
    /// What it tells, in one sentence without the full stop.
    pub help: &'static str,
}

/// What values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nanoseconds since 1970-01-01 UTC.
    Time,
    /// Nanoseconds.
    Duration,
    /// A whole number.
    Number,
    /// A number without a meaning of its own, shown as 16 hexadecimal digits.
    Id,
    /// A number with a fraction.
    Float,
    /// True or false.
    Flag,
    /// Text of which there are few different ones.
    Word,
    /// Any text.
    Text,
    /// So many bytes, shown as hexadecimal digits.
    Bytes(i32),
    /// Texts by their names.
    Map,
    /// Counts by the buckets of [`crate::histogram`], [packed](crate::histogram::pack).
    Histogram,
}

/// How values are written into files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// Differences from one value to the next: what rises.
    Delta,
    /// First bytes with first bytes, second ones with second ones, compressed: numbers that are all different.
    Split,
    /// Each different value once: what occurs again and again.
    Dictionary,
    /// As they are, compressed.
    Compressed,
    /// The lengths of all, and then all of them, compressed.
    Lengths,
    /// As they are: what does not get smaller.
    Plain,
}

impl Kind {
    /// The type of its arrays in memory.
    pub fn arrow(self) -> DataType {
        match self {
            Kind::Time => DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
            Kind::Duration | Kind::Number => DataType::Int64,
            Kind::Id => DataType::UInt64,
            Kind::Float => DataType::Float64,
            Kind::Flag => DataType::Boolean,
            Kind::Word => DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
            Kind::Text => DataType::Utf8,
            Kind::Bytes(size) => DataType::FixedSizeBinary(size),
            Kind::Map => map(),
            Kind::Histogram => DataType::Binary,
        }
    }

    /// Its values are whole numbers that have an order.
    pub fn is_number(self) -> bool {
        matches!(self, Kind::Time | Kind::Duration | Kind::Number)
    }

    /// Its values are text.
    pub fn is_text(self) -> bool {
        matches!(self, Kind::Word | Kind::Text)
    }

    /// What readers call it.
    pub(crate) fn title(self) -> String {
        match self {
            Kind::Time => "time".into(),
            Kind::Duration => "duration, ns".into(),
            Kind::Number => "number".into(),
            Kind::Id => "id".into(),
            Kind::Float => "number with a fraction".into(),
            Kind::Flag => "true or false".into(),
            Kind::Word => "word".into(),
            Kind::Text => "text".into(),
            Kind::Bytes(size) => format!("{size} bytes"),
            Kind::Map => "names and texts".into(),
            Kind::Histogram => "buckets and counts".into(),
        }
    }
}

fn map() -> DataType {
    let fields = Fields::from(vec![
        Field::new("keys", DataType::Utf8, false),
        Field::new("values", DataType::Utf8, true),
    ]);
    DataType::Map(Arc::new(Field::new("entries", DataType::Struct(fields), false)), false)
}

impl Column {
    /// Its field in an Arrow schema.
    pub fn field(&self) -> Field {
        Field::new(self.name, self.kind.arrow(), self.optional)
    }

    const fn new(name: &'static str, kind: Kind, coding: Coding, help: &'static str) -> Self {
        Column { name, kind, coding, optional: true, keyed: false, since: 1, help }
    }

    pub(crate) const fn time(name: &'static str, help: &'static str) -> Self {
        Column::new(name, Kind::Time, Coding::Delta, help)
    }

    pub(crate) const fn duration(name: &'static str, help: &'static str) -> Self {
        Column::new(name, Kind::Duration, Coding::Split, help)
    }

    /// A number that differs from row to row.
    pub(crate) const fn amount(name: &'static str, help: &'static str) -> Self {
        Column::new(name, Kind::Number, Coding::Split, help)
    }

    /// A number that occurs again and again.
    pub(crate) const fn number(name: &'static str, help: &'static str) -> Self {
        Column::new(name, Kind::Number, Coding::Dictionary, help)
    }

    pub(crate) const fn id(name: &'static str, help: &'static str) -> Self {
        Column::new(name, Kind::Id, Coding::Dictionary, help)
    }

    pub(crate) const fn float(name: &'static str, help: &'static str) -> Self {
        Column::new(name, Kind::Float, Coding::Compressed, help)
    }

    pub(crate) const fn flag(name: &'static str, help: &'static str) -> Self {
        Column::new(name, Kind::Flag, Coding::Compressed, help)
    }

    pub(crate) const fn word(name: &'static str, help: &'static str) -> Self {
        Column::new(name, Kind::Word, Coding::Dictionary, help)
    }

    pub(crate) const fn text(name: &'static str, help: &'static str) -> Self {
        Column::new(name, Kind::Text, Coding::Compressed, help)
    }

    pub(crate) const fn bytes(name: &'static str, size: i32, help: &'static str) -> Self {
        Column::new(name, Kind::Bytes(size), Coding::Plain, help)
    }

    pub(crate) const fn map(name: &'static str, help: &'static str) -> Self {
        Column::new(name, Kind::Map, Coding::Compressed, help)
    }

    pub(crate) const fn histogram(name: &'static str, help: &'static str) -> Self {
        Column::new(name, Kind::Histogram, Coding::Lengths, help)
    }

    /// Every row has a value.
    pub(crate) const fn always(mut self) -> Self {
        self.optional = false;
        self
    }

    /// It came with this version of the schema.
    pub(crate) const fn since(mut self, version: u32) -> Self {
        self.since = version;
        self
    }

    /// Written into files in another way than others of its kind.
    pub(crate) const fn coded(mut self, coding: Coding) -> Self {
        self.coding = coding;
        self
    }

    /// With a filter in every file.
    pub(crate) const fn keyed(mut self) -> Self {
        self.keyed = true;
        self
    }
}
