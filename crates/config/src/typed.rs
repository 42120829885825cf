//! Values as the code that goes by them wants them.

use std::net::SocketAddr;

use crate::kind::Value;
use crate::units::{Cpu, Duration, Percent, Size};

/// A type that a key's value can be had as.
///
/// A key's kind decides which values it can hold, and a test asks every key for its value; so what `of` gives for a value
/// of another kind is never seen.
pub trait Typed {
    /// The value.
    fn of(value: &Value) -> Self;
}

macro_rules! typed {
    ($($type:ty: $variant:ident or $other:expr;)*) => {$(
        impl Typed for $type {
            fn of(value: &Value) -> Self {
                if let Value::$variant(value) = value { value.clone() } else { $other }
            }
        }
    )*};
}

typed! {
    bool: Boolean or false;
    u64: Number or 0;
    Size: Size or Size(0);
    Duration: Duration or Duration(0);
    Percent: Percent or Percent(0);
    Cpu: Cpu or Cpu::Processors(0);
    String: Text or String::new();
    SocketAddr: Address or SocketAddr::from(([127, 0, 0, 1], 0));
    Vec<(String, String)>: Table or Vec::new();
}

/// Where a key may be `auto`, that is `None`.
impl<T: Typed> Typed for Option<T> {
    fn of(value: &Value) -> Self {
        (*value != Value::Auto).then(|| T::of(value))
    }
}

/// A list of such values.
pub fn list<T: Typed>(value: &Value) -> Vec<T> {
    if let Value::List(values) = value { values.iter().map(T::of).collect() } else { Vec::new() }
}

/// The fields of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule(Vec<(&'static str, Value)>);

impl Rule {
    /// A field of any kind, if it is given.
    pub fn value<T: Typed>(&self, name: &str) -> Option<T> {
        self.0.iter().find(|(own, _)| *own == name).map(|(_, value)| T::of(value))
    }

    /// A field with texts, if it is given.
    pub fn texts(&self, name: &str) -> Option<Vec<String>> {
        self.0.iter().find(|(own, _)| *own == name).map(|(_, value)| list(value))
    }

    /// A text field, if it is given.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find_map(|(own, value)| match value {
            Value::Text(text) if *own == name => Some(text.as_str()),
            _ => None,
        })
    }
}

/// The records of a key that holds such.
pub(crate) fn rules(value: &Value) -> Vec<Rule> {
    if let Value::Records(records) = value { records.iter().cloned().map(Rule).collect() } else { Vec::new() }
}
