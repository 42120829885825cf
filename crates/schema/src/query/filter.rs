//! Which rows are meant.

use serde::{Deserialize, Serialize};

/// A condition on a row. A field is a column's name, or `attributes.` and a name within that column. What a row has no value of
/// matches nothing but the lack of it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Filter {
    /// Every row.
    #[default]
    All,
    /// The field has this value.
    Is {
        /// The field.
        field: String,
        /// The value.
        value: Value,
    },
    /// The field has one of these values.
    In {
        /// The field.
        field: String,
        /// The values.
        values: Vec<Value>,
    },
    /// The number lies between two values.
    Range {
        /// The field.
        field: String,
        /// This or more.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<Value>,
        /// Less than this.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<Value>,
    },
    /// The text begins so.
    Prefix {
        /// The field.
        field: String,
        /// How it begins.
        text: String,
    },
    /// The row has a value of the field.
    Exists {
        /// The field.
        field: String,
    },
    /// All of these.
    And(Vec<Filter>),
    /// One of these at least.
    Or(Vec<Filter>),
    /// Not this.
    Not(Box<Filter>),
}

/// A value to compare with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// True or false.
    Flag(bool),
    /// A time, duration or number.
    Number(i64),
    /// A number with a fraction.
    Float(f64),
    /// Text; an id or bytes as hexadecimal digits.
    Text(String),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.into())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Value::Number(number)
    }
}

impl Filter {
    /// `field` is `value`.
    pub fn is(field: &str, value: impl Into<Value>) -> Self {
        Filter::Is { field: field.into(), value: value.into() }
    }

    /// Both.
    #[must_use]
    pub fn and(self, other: Filter) -> Self {
        match (self, other) {
            (Filter::All, only) | (only, Filter::All) => only,
            (one, other) => Filter::And(vec![one, other]),
        }
    }

    /// Calls `tell` with each field that it looks at.
    pub fn fields<'a>(&'a self, tell: &mut impl FnMut(&'a str)) {
        match self {
            Filter::All => {}
            Filter::Is { field, .. }
            | Filter::In { field, .. }
            | Filter::Range { field, .. }
            | Filter::Prefix { field, .. }
            | Filter::Exists { field } => tell(field),
            Filter::And(filters) | Filter::Or(filters) => {
                filters.iter().for_each(|filter| filter.fields(tell));
            }
            Filter::Not(filter) => filter.fields(tell),
        }
    }
}
