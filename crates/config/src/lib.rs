//! What a user may set.
//!
//! [`KEYS`] is the only definition of every key. From it follow the reader of the file, the options of commands, the names
//! of variables, what `weir config` prints, and docs/configuration.md. [`Settings`] is the outcome: a plain value that knows
//! where each of its parts came from.
//!
//! The environment is not read here, but handed in ([`Given`]).

mod document;
mod key;
mod keys;
mod kind;
pub mod nearest;
mod otel;
mod print;
mod problem;
mod read;
mod records;
mod settings;
mod typed;
pub mod units;
mod yaml;

pub use document::{example, markdown, text};
pub use key::{Change, Default, Flag, Key};
pub use keys::{KEYS, SECTIONS};
pub use kind::{Field, Kind, Value};
pub use otel::is_variable as is_otel_variable;
pub use print::{json, yaml};
pub use problem::{Place, Problem, Problems};
pub use settings::{Changed, DEFAULT_FILE, FILE_VARIABLE, Given, PREFIX, Setting, Settings, Source};
pub use typed::{Rule, Typed, list};
