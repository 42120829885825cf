//! Records as `weir requests --json` prints them.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::Value;

/// One line, and when it came.
#[derive(Debug, Clone)]
pub struct Record {
    /// The parsed line.
    pub json: Value,
    /// When the line was read.
    pub arrived: Instant,
}

impl Record {
    /// The text at a JSON pointer; empty where there is none.
    pub fn text(&self, pointer: &str) -> &str {
        self.json.pointer(pointer).and_then(Value::as_str).unwrap_or("")
    }

    /// The number at a JSON pointer; 0 where there is none.
    pub fn number(&self, pointer: &str) -> u64 {
        self.json.pointer(pointer).and_then(Value::as_u64).unwrap_or(0)
    }

    /// `client` or `server`.
    pub fn role(&self) -> &str {
        self.text("/role")
    }

    /// The name.
    pub fn name(&self) -> &str {
        self.text("/name")
    }

    /// The error, empty where all went well.
    pub fn error(&self) -> &str {
        self.text("/error")
    }

    /// The server's port; 0 for a Unix socket.
    pub fn port(&self) -> u16 {
        self.number("/server/port") as u16
    }

    /// The HTTP status; 0 where there is none.
    pub fn http_status(&self) -> u16 {
        self.number("/attributes/http.response.status_code") as u16
    }

    /// Seconds.
    pub fn duration(&self) -> f64 {
        self.json.pointer("/duration").and_then(Value::as_f64).unwrap_or(f64::NAN)
    }

    /// The time was the caller's wish to wait.
    pub fn waiting(&self) -> bool {
        self.json.pointer("/waiting").and_then(Value::as_bool).unwrap_or(false)
    }

    /// What was not seen; empty where all was.
    pub fn incomplete(&self) -> &str {
        self.text("/incomplete")
    }
}

/// How often each value occurs.
pub type Counts = BTreeMap<String, u64>;

/// Counts values.
pub fn counts<T: ToString>(values: impl IntoIterator<Item = T>) -> Counts {
    let mut counts = Counts::new();
    for value in values {
        *counts.entry(value.to_string()).or_default() += 1;
    }
    counts
}
