//! What a store can be asked, and what it answers: plain values that can be sent, kept and compared.
//!
//! Times and durations are nanoseconds, ids and bytes are hexadecimal text.

mod answer;
mod filter;
mod text;
mod validate;

use serde::{Deserialize, Serialize};

pub use answer::{Answer, Cell, Difference, Facet, Group, Outcome, Part, Scanned};
pub use filter::{Filter, Value};
pub use text::SHORT;
pub use validate::{Invalid, MOST_FIELDS, MOST_ROWS, hex};

use crate::Table;

/// A question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// The table.
    pub table: Table,
    /// Only rows from this time on: nanoseconds since 1970-01-01 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<i64>,
    /// Only rows before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<i64>,
    /// Only rows that match.
    #[serde(default)]
    pub filter: Filter,
    /// What is asked about them.
    pub ask: Ask,
}

/// What is asked about rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Ask {
    /// The rows themselves.
    Rows {
        /// These columns; none for all.
        #[serde(default)]
        columns: Vec<String>,
        /// In this order; the newest first where nothing is said.
        #[serde(default)]
        order: Order,
        /// So many at most.
        limit: usize,
        /// Those behind this place, which an earlier answer told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<Cursor>,
    },
    /// The rows themselves in no order, as they are found.
    Each {
        /// These columns; none for all.
        #[serde(default)]
        columns: Vec<String>,
        /// So many at most; all where nothing is said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<u64>,
    },
    /// Figures of rows that have these fields in common.
    Groups {
        /// The fields.
        #[serde(default)]
        by: Vec<String>,
        /// And the same span of time, this long: nanoseconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        every: Option<i64>,
        /// The figures.
        measures: Vec<Measure>,
        /// The place of the measure by which groups are ordered, the greatest first; by time and fields where none is told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        order: Option<usize>,
        /// So many at most.
        limit: usize,
    },
    /// All rows of a trace, the oldest first.
    Trace {
        /// Its id: 32 hexadecimal digits.
        id: String,
    },
    /// The values of fields, and how many rows have them; the most frequent first.
    Facets {
        /// The fields.
        fields: Vec<String>,
        /// So many values of each at most.
        limit: usize,
    },
    /// How many rows lie in each span of time and each bucket of a number's size.
    HeatMap {
        /// How long a span of time is: nanoseconds.
        every: i64,
        /// The number: `duration`.
        field: String,
        /// Buckets a doubling, as a power of two: 0 to 4.
        #[serde(default)]
        bits: u32,
    },
    /// What sets the rows that match a further filter apart from the others.
    Apart {
        /// The further filter.
        selection: Filter,
        /// Whose values are compared; none for all that can be.
        #[serde(default)]
        fields: Vec<String>,
        /// So many values at most.
        limit: usize,
    },
}

/// The order of rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// By this time, duration or number. Rows without one come last.
    pub by: String,
    /// The least first.
    #[serde(default)]
    pub ascending: bool,
}

impl Default for Order {
    fn default() -> Self {
        Order { by: "time".into(), ascending: false }
    }
}

/// A place between rows: behind so many of those that have this value in the order's field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// The value.
    pub value: i64,
    /// How many rows with it were told.
    pub skip: usize,
}

/// A figure of a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Measure {
    /// Rows; of `edges` requests.
    Count,
    /// Those with an `error.type`; of `edges` the requests that failed.
    Errors,
    /// A number's sum.
    Sum(String),
    /// A number's least value.
    Min(String),
    /// A number's greatest value.
    Max(String),
    /// A number's mean.
    Mean(String),
    /// The value below which so many of 100 lie, of a number or a histogram. It is at most 0.8 % off (of a histogram 6.25 %).
    Percentile {
        /// The number or histogram.
        field: String,
        /// 0 to 100.
        percent: f64,
    },
}

impl Measure {
    /// The field that it is of.
    pub fn field(&self) -> Option<&str> {
        match self {
            Measure::Count | Measure::Errors => None,
            Measure::Sum(field) | Measure::Min(field) | Measure::Max(field) | Measure::Mean(field) => {
                Some(field)
            }
            Measure::Percentile { field, .. } => Some(field),
        }
    }
}
