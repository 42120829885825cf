//! Values of labels: borrowed to look a series up, owned to keep it.

use std::fmt;
use std::hash::Hasher;
use std::net::IpAddr;

use model::Text;

/// Longest text of a label's value; what is longer is cut.
const LONGEST: usize = 200;

/// A label's value, borrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cell<'a> {
    /// None: the label is left out.
    #[default]
    None,
    /// A number.
    Int(i64),
    /// An address.
    Address(IpAddr),
    /// Text.
    Text(&'a str),
}

/// A label's value, owned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// None: the label is left out.
    None,
    /// A number.
    Int(i64),
    /// An address.
    Address(IpAddr),
    /// Text.
    Text(Text),
}

/// The values of a series' labels, in the order of the metric's labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels(Box<[Value]>);

impl<'a> Cell<'a> {
    /// Text, cut where it is too long; none where it is empty, which means the same to Prometheus.
    pub fn text(text: &'a str) -> Cell<'a> {
        match text.len() {
            0 => Cell::None,
            1..=LONGEST => Cell::Text(text),
            _ => Cell::Text(cut(text)),
        }
    }

    pub(crate) fn hash(self, hasher: &mut impl Hasher) {
        match self {
            Cell::None => hasher.write_u8(0),
            Cell::Int(number) => hasher.write_i64(number),
            Cell::Address(IpAddr::V4(address)) => hasher.write_u32(address.to_bits()),
            Cell::Address(IpAddr::V6(address)) => hasher.write_u128(address.to_bits()),
            Cell::Text(text) => hasher.write(text.as_bytes()),
        }
    }

    fn is(self, value: &Value) -> bool {
        match (self, value) {
            (Cell::None, Value::None) => true,
            (Cell::Int(one), Value::Int(other)) => one == *other,
            (Cell::Address(one), Value::Address(other)) => one == *other,
            (Cell::Text(one), Value::Text(other)) => one == other.as_str(),
            _ => false,
        }
    }
}

#[cold]
fn cut(text: &str) -> &str {
    let end = (0..=LONGEST).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    &text[..end]
}

impl Labels {
    /// The same values, owned.
    pub fn new(cells: &[Cell<'_>]) -> Labels {
        Labels(cells.iter().map(|cell| Value::from(*cell)).collect())
    }

    /// The values.
    pub fn values(&self) -> &[Value] {
        &self.0
    }

    pub(crate) fn are(&self, cells: &[Cell<'_>]) -> bool {
        self.0.len() == cells.len() && self.0.iter().zip(cells).all(|(value, cell)| cell.is(value))
    }
}

impl From<Cell<'_>> for Value {
    fn from(cell: Cell<'_>) -> Value {
        match cell {
            Cell::None => Value::None,
            Cell::Int(number) => Value::Int(number),
            Cell::Address(address) => Value::Address(address),
            Cell::Text(text) => Value::Text(text.into()),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::None => Ok(()),
            Value::Int(number) => number.fmt(f),
            Value::Address(address) => address.fmt(f),
            Value::Text(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_characters() {
        let long = "ä".repeat(LONGEST);
        let Cell::Text(text) = Cell::text(&long) else { panic!("no text") };
        assert_eq!(text, "ä".repeat(LONGEST / 2));
        assert_eq!(Cell::text(""), Cell::None);
        let fits = "x".repeat(LONGEST);
        assert_eq!(Cell::text(&fits), Cell::Text(&fits));
    }

    #[test]
    fn owned_and_borrowed_values_are_the_same() {
        let cells = [Cell::None, Cell::Int(200), Cell::Address([10, 0, 0, 7].into()), Cell::Text("GET")];
        let labels = Labels::new(&cells);
        assert!(labels.are(&cells));
        assert!(!labels.are(&cells[..3]));
        for place in 0..cells.len() {
            let mut others = cells;
            others[place] = Cell::Text("200");
            assert!(!labels.are(&others), "{place}");
        }
        let texts: Vec<String> = labels.values().iter().map(Value::to_string).collect();
        assert_eq!(texts, ["", "200", "10.0.0.7", "GET"]);
    }
}
