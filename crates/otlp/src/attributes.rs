//! Attributes, and what else many messages have.

use std::fmt::Display;
use std::io::Write;

use signals::Value;

use crate::wire;

const STRING: u32 = 1;
const BOOLEAN: u32 = 2;
const INTEGER: u32 = 3;

/// Longest text of an attribute; what is longer is cut. Statements and paths are bounded where they are read: this is for what
/// comes by another way.
const LONGEST: usize = 4096;

/// Appends an attribute as field `field`; `write` appends its value as an `AnyValue`.
fn attribute(out: &mut Vec<u8>, field: u32, key: &str, write: impl FnOnce(&mut Vec<u8>)) {
    wire::message(out, field, |out| {
        wire::bytes(out, 1, key.as_bytes());
        wire::message(out, 2, write);
    });
}

pub(crate) fn text(out: &mut Vec<u8>, field: u32, key: &str, value: &str) {
    attribute(out, field, key, |out| wire::bytes(out, STRING, bounded(value).as_bytes()));
}

fn bounded(text: &str) -> &str {
    if text.len() <= LONGEST {
        return text;
    }
    let end = (0..=LONGEST).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    &text[..end]
}

/// What is shown as a text without being one.
pub(crate) fn shown(out: &mut Vec<u8>, field: u32, key: &str, value: &impl Display) {
    attribute(out, field, key, |out| {
        wire::message(out, STRING, |out| {
            // Writing to a `Vec` cannot fail.
            let _ = write!(out, "{value}");
        });
    });
}

pub(crate) fn int(out: &mut Vec<u8>, field: u32, key: &str, value: i64) {
    attribute(out, field, key, |out| wire::int(out, INTEGER, value));
}

pub(crate) fn boolean(out: &mut Vec<u8>, field: u32, key: &str, value: bool) {
    attribute(out, field, key, |out| wire::uint(out, BOOLEAN, value.into()));
}

/// A label's value; none for a label that is left out.
pub(crate) fn label(out: &mut Vec<u8>, field: u32, key: &str, value: &Value) {
    match value {
        Value::None => {}
        Value::Int(number) => int(out, field, key, *number),
        Value::Address(address) => shown(out, field, key, address),
        Value::Text(value) => text(out, field, key, value),
    }
}

/// Appends the scope: who measured.
pub(crate) fn scope(out: &mut Vec<u8>, version: &str) {
    wire::message(out, 1, |out| {
        wire::bytes(out, 1, b"weir");
        wire::bytes(out, 2, version.as_bytes());
    });
}
