//! What is answered.

use serde::{Deserialize, Serialize};

use super::Cursor;

/// An answer, and what it took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// What was asked for.
    pub outcome: Outcome,
    /// What was looked at.
    pub scanned: Scanned,
}

/// A part of an answer that is told as it is found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// What was asked for, or some of its rows.
    Outcome(Outcome),
    /// What it took: the last part.
    Scanned(Scanned),
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Rows, of a trace as well.
    Rows {
        /// The columns' names.
        columns: Vec<String>,
        /// A value for each column.
        rows: Vec<Vec<Cell>>,
        /// Where further rows begin, if there may be any.
        next: Option<Cursor>,
    },
    /// Groups of rows.
    Groups {
        /// The groups.
        groups: Vec<Group>,
        /// How many more there were than was asked for.
        left_out: usize,
    },
    /// The values of fields.
    Facets(Vec<Facet>),
    /// Counts by span of time and bucket.
    HeatMap {
        /// When a span begins, the least value of the bucket, and how many rows.
        cells: Vec<(i64, i64, u64)>,
    },
    /// What sets a selection apart, the greatest difference first.
    Apart {
        /// Rows of the selection, and the others.
        rows: [u64; 2],
        /// The values.
        differences: Vec<Difference>,
    },
}

/// A value in an answer.
#[derive(Debug, Clone, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Cell {
    /// There is none.
    Null,
    /// True or false.
    Flag(bool),
    /// A time, duration or number.
    Number(i64),
    /// A number with a fraction.
    Float(f64),
    /// Text; an id or bytes as hexadecimal digits.
    Text(String),
    /// Names and texts.
    Map(Vec<(String, String)>),
    /// Buckets and counts.
    Histogram(Vec<(u32, u64)>),
}

/// Rows that have fields in common.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// When its span of time begins, if there was one to group by.
    pub time: Option<i64>,
    /// The fields' values.
    pub keys: Vec<Cell>,
    /// The figures, in the order in which they were asked for.
    pub measures: Vec<Option<f64>>,
}

/// A field's values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Facet {
    /// The field.
    pub field: String,
    /// Values and how many rows have them.
    pub values: Vec<(Cell, u64)>,
    /// Rows whose values are not among these.
    pub others: u64,
}

/// A value that is more frequent among selected rows, or less.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The field.
    pub field: String,
    /// The value.
    pub value: Cell,
    /// Which part of the selected rows has it: 0 to 1.
    pub selected: f64,
    /// Which part of the others.
    pub others: f64,
}

/// What was looked at for an answer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Scanned {
    /// Rows that were looked at one by one.
    pub rows: u64,
    /// Rows that matched, of those that were looked at: where only the first rows in an order are wanted, others are not.
    pub matched: u64,
    /// Groups of rows in files that were read.
    pub row_groups: u64,
    /// Those that were known to have nothing without being read.
    pub pruned: u64,
    /// What could not be read because it is damaged: rows are missing from the answer.
    pub damaged: Vec<String>,
}
